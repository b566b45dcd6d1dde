//! Pairing codes, and what packages told of themselves.

use causeway_core::Instant;
use causeway_core::id::ConnectionId;
use causeway_core::ports::connections::Client;
use causeway_core::ports::packages::{CodeHash, PackageReport, Pairing};
use causeway_core::ports::{Packages, StoreError};
use diesel::prelude::*;
use diesel::upsert::excluded;

use super::connections::ClientRow;
use crate::columns::{from_json, micros, moment, to_json};
use crate::engine::on_engine;
use crate::schema::{client, package_report, pairing};
use crate::session::Session;
use crate::text;

impl Packages for Session {
    fn add_pairing(&mut self, new: &Pairing) -> Result<(), StoreError> {
        self.port(|session| add_pairing(session, new))
    }

    fn pairing(&mut self, code: &CodeHash) -> Result<Option<Pairing>, StoreError> {
        self.port(|session| {
            let row = on_engine!(session, |db| pairing::table
                .find(&code.0)
                .filter(pairing::used_at.is_null())
                .select((
                    pairing::code,
                    pairing::connection_id,
                    pairing::client,
                    pairing::expires_at
                ))
                .first::<(String, i64, String, i64)>(db)
                .optional());
            session
                .checked(row)?
                .map(|(code, connection, client, expires_at)| {
                    Ok(Pairing {
                        code: CodeHash(code),
                        connection: ConnectionId(connection),
                        client,
                        expires_at: moment(expires_at)?,
                    })
                })
                .transpose()
        })
    }

    fn use_pairing(&mut self, code: &CodeHash, at: Instant) -> Result<(), StoreError> {
        self.port(|session| {
            let used = on_engine!(session, |db| diesel::update(
                pairing::table.find(&code.0).filter(pairing::used_at.is_null())
            )
            .set(pairing::used_at.eq(micros(at)))
            .execute(db));
            if session.checked(used)? == 0 {
                return Err(StoreError::Conflict {
                    what: "a pairing code".to_owned(),
                });
            }
            let forgotten = on_engine!(session, |db| diesel::delete(
                pairing::table
                    .filter(pairing::expires_at.lt(micros(at)))
                    .filter(pairing::code.ne(&code.0))
            )
            .execute(db));
            session.checked(forgotten).map(drop)
        })
    }

    fn put_client(&mut self, client: &Client) -> Result<(), StoreError> {
        self.port(|session| put_client(session, client))
    }

    fn package_report(&mut self, connection: ConnectionId) -> Result<Option<PackageReport>, StoreError> {
        self.port(|session| {
            let report = on_engine!(session, |db| package_report::table
                .find(connection.0)
                .select(package_report::report)
                .first::<String>(db)
                .optional());
            session
                .checked(report)?
                .map(|report| from_json("package's report", &report))
                .transpose()
        })
    }

    fn put_package_report(
        &mut self,
        connection: ConnectionId,
        report: &PackageReport,
    ) -> Result<(), StoreError> {
        self.port(|session| {
            let report = to_json(report)?;
            text::refuse_unstorable("package's report", [&report])?;
            let written = on_engine!(session, |db| diesel::insert_into(package_report::table)
                .values((
                    package_report::connection_id.eq(connection.0),
                    package_report::report.eq(&report),
                ))
                .on_conflict(package_report::connection_id)
                .do_update()
                .set(package_report::report.eq(excluded(package_report::report)))
                .execute(db));
            session.checked(written).map(drop)
        })
    }
}

fn add_pairing(session: &mut Session, new: &Pairing) -> Result<(), StoreError> {
    text::refuse_unstorable("pairing", [&new.code.0, &new.client])?;
    let replaced = on_engine!(session, |db| diesel::delete(
        pairing::table
            .filter(pairing::connection_id.eq(new.connection.0))
            .filter(pairing::client.eq(&new.client))
            .filter(pairing::used_at.is_null())
    )
    .execute(db));
    session.checked(replaced)?;
    let added = on_engine!(session, |db| diesel::insert_into(pairing::table)
        .values((
            pairing::code.eq(&new.code.0),
            pairing::connection_id.eq(new.connection.0),
            pairing::client.eq(&new.client),
            pairing::expires_at.eq(micros(new.expires_at)),
        ))
        .execute(db));
    session.checked(added).map(drop)
}

fn put_client(session: &mut Session, new: &Client) -> Result<(), StoreError> {
    text::refuse_unstorable("client's id", [&new.id])?;
    let owner = on_engine!(session, |db| client::table
        .filter(client::id.eq(&new.id))
        .select(client::connection_id)
        .first::<i64>(db)
        .optional());
    if session
        .checked(owner)?
        .is_some_and(|owner| owner != new.connection.0)
    {
        return Err(StoreError::Exists {
            what: format!("a client with id {:?}", new.id),
        });
    }
    let row = ClientRow::write(new.connection, new)?;
    let written = on_engine!(session, |db| diesel::insert_into(client::table)
        .values(&row)
        .on_conflict((client::connection_id, client::id))
        .do_update()
        .set((
            client::key_kind.eq(excluded(client::key_kind)),
            client::key_data.eq(excluded(client::key_data)),
            client::scopes.eq(excluded(client::scopes)),
            client::revoked_at.eq(excluded(client::revoked_at)),
        ))
        .execute(db));
    session.checked(written).map(drop)
}
