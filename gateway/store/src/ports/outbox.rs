//! The outbox.

use causeway_core::Instant;
use causeway_core::id::{ConnectionId, LinkId, MappingId};
use causeway_core::ports::outbox::{ClaimSize, OutgoingBacklog, OutgoingClaim, Turn};
use causeway_core::ports::{Lane, Outbox, StoreError};
use diesel::dsl::min;
use diesel::prelude::*;

use super::outbox_heads;
use crate::columns::{from_column, moment};
use crate::engine::on_engine;
use crate::schema::outbox;
use crate::session::Session;

impl Outbox for Session {
    fn claim_outgoing(
        &mut self,
        worker: &str,
        most: &ClaimSize,
        turn: &Turn<'_>,
        now: Instant,
        lease_until: Instant,
    ) -> Result<Vec<OutgoingClaim>, StoreError> {
        self.port(|session| outbox_heads::claim(session, worker, most, turn, now, lease_until))
    }

    fn release_outgoing(&mut self, claims: &[OutgoingClaim]) -> Result<Vec<OutgoingClaim>, StoreError> {
        self.port(|session| outbox_heads::release(session, claims))
    }

    fn postpone_outgoing(
        &mut self,
        claims: &[OutgoingClaim],
        ready_at: Instant,
        failed: bool,
    ) -> Result<(), StoreError> {
        self.port(|session| outbox_heads::postpone(session, claims, ready_at, failed))
    }

    fn extend_outgoing(
        &mut self,
        claims: &[OutgoingClaim],
        lease_until: Instant,
    ) -> Result<Vec<OutgoingClaim>, StoreError> {
        self.port(|session| outbox_heads::extend(session, claims, lease_until))
    }

    fn ready_outgoing(
        &mut self,
        connection: ConnectionId,
        links: &[(LinkId, MappingId)],
        lane: Lane,
        at: Instant,
    ) -> Result<(), StoreError> {
        self.port(|session| {
            // Before any head is locked, as effects do it.
            session.take_numbers(connection, 0)?;
            // One row for each link: a statement may not write a row twice.
            let mut links = links.to_vec();
            links.sort_unstable();
            links.dedup_by_key(|(link, _)| *link);
            outbox_heads::ready(session, connection, &links, lane, at)?;
            outbox_heads::forgive(session, connection, &links)
        })
    }

    fn outgoing_backlog(&mut self, connection: ConnectionId) -> Result<OutgoingBacklog, StoreError> {
        self.port(|session| {
            let links = on_engine!(session, |db| outbox::table
                .filter(outbox::connection_id.eq(connection.0))
                .count()
                .get_result::<i64>(db));
            let links = session.checked(links)?;
            let oldest = on_engine!(session, |db| outbox::table
                .filter(outbox::connection_id.eq(connection.0))
                // While a worker holds a head, its moment is the end of the lease.
                .filter(outbox::worker.is_null())
                .select(min(outbox::ready_at))
                .get_result::<Option<i64>>(db));
            Ok(OutgoingBacklog {
                links: from_column("number of links", links)?,
                oldest: session.checked(oldest)?.map(moment).transpose()?,
            })
        })
    }
}
