//! Names of Salesforce users.

use std::collections::HashMap;

use causeway_core::id::{ConnectionId, SalesforceId};
use causeway_core::ports::people::KnownUser;
use causeway_core::ports::{People, StoreError};
use diesel::prelude::*;
use diesel::upsert::excluded;

use super::ROWS;
use crate::columns::{micros, moment, salesforce_id};
use crate::engine::on_engine;
use crate::schema::salesforce_user;
use crate::session::Session;
use crate::text;

impl People for Session {
    fn salesforce_users(
        &mut self,
        connection: ConnectionId,
        ids: &[SalesforceId],
    ) -> Result<HashMap<SalesforceId, KnownUser>, StoreError> {
        self.port(|session| {
            let mut known = HashMap::with_capacity(ids.len());
            for ids in ids.chunks(ROWS) {
                let ids: Vec<&str> = ids.iter().map(SalesforceId::as_str).collect();
                let rows = on_engine!(session, |db| salesforce_user::table
                    .filter(salesforce_user::connection_id.eq(connection.0))
                    .filter(salesforce_user::id.eq_any(&ids))
                    .select((
                        salesforce_user::id,
                        salesforce_user::name,
                        salesforce_user::read_at
                    ))
                    .load::<(String, Option<String>, i64)>(db));
                for (id, name, read_at) in session.checked(rows)? {
                    let read_at = moment(read_at)?;
                    known.insert(salesforce_id(&id)?, KnownUser { name, read_at });
                }
            }
            Ok(known)
        })
    }

    fn put_salesforce_users(
        &mut self,
        connection: ConnectionId,
        users: &[(SalesforceId, KnownUser)],
    ) -> Result<(), StoreError> {
        self.port(|session| {
            text::refuse_unstorable(
                "user's name",
                users.iter().filter_map(|(_, user)| user.name.as_ref()),
            )?;
            for users in users.chunks(ROWS) {
                let rows: Vec<_> = users
                    .iter()
                    .map(|(id, user)| {
                        (
                            salesforce_user::connection_id.eq(connection.0),
                            salesforce_user::id.eq(id.as_str()),
                            salesforce_user::name.eq(&user.name),
                            salesforce_user::read_at.eq(micros(user.read_at)),
                        )
                    })
                    .collect();
                let written = on_engine!(session, |db| diesel::insert_into(salesforce_user::table)
                    .values(&rows)
                    .on_conflict((salesforce_user::connection_id, salesforce_user::id))
                    .do_update()
                    .set((
                        salesforce_user::name.eq(excluded(salesforce_user::name)),
                        salesforce_user::read_at.eq(excluded(salesforce_user::read_at)),
                    ))
                    .execute(db));
                session.checked(written)?;
            }
            Ok(())
        })
    }
}
