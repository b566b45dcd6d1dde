//! Named leases.

use causeway_core::Instant;
use causeway_core::id::ConnectionId;
use causeway_core::ports::{Leases, StoreError};
use diesel::dsl::case_when;
use diesel::prelude::*;
use diesel::query_dsl::methods::FilterDsl as ConditionalUpsert;
use diesel::upsert::excluded;

use crate::columns::micros;
use crate::engine::on_engine;
use crate::schema::lease;
use crate::session::Session;

impl Leases for Session {
    fn hold_lease(
        &mut self,
        connection: ConnectionId,
        name: &str,
        owner: &str,
        now: Instant,
        until: Instant,
    ) -> Result<Option<i64>, StoreError> {
        self.port(|session| {
            // One statement: of two owners that try at once, the second sees the first one's row.
            let fence = on_engine!(session, |db| ConditionalUpsert::filter(
                diesel::insert_into(lease::table)
                    .values((
                        lease::connection_id.eq(connection.0),
                        lease::name.eq(name),
                        lease::owner.eq(owner),
                        lease::held_until.eq(micros(until)),
                        lease::fence.eq(1),
                    ))
                    .on_conflict((lease::connection_id, lease::name))
                    .do_update()
                    .set((
                        lease::owner.eq(excluded(lease::owner)),
                        lease::held_until.eq(excluded(lease::held_until)),
                        lease::fence.eq(case_when(lease::owner.eq(excluded(lease::owner)), lease::fence)
                            .otherwise(lease::fence + 1)),
                    )),
                lease::owner
                    .is_null()
                    .or(lease::owner.assume_not_null().eq(owner))
                    .or(lease::held_until.le(micros(now))),
            )
            .returning(lease::fence)
            .get_result::<i64>(db)
            .optional());
            session.checked(fence)
        })
    }

    fn release_lease(&mut self, connection: ConnectionId, name: &str, owner: &str) -> Result<(), StoreError> {
        self.port(|session| {
            // The row stays: the next holder's fence must be greater than this one's.
            let released = on_engine!(session, |db| diesel::update(
                lease::table.find((connection.0, name))
            )
            .filter(lease::owner.eq(owner))
            .set(lease::owner.eq(None::<String>))
            .execute(db));
            session.checked(released).map(drop)
        })
    }
}
