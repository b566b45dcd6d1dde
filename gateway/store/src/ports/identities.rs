//! Identities: what partner records are recognised by, each reserved for one link of a mapping.

use std::collections::{BTreeMap, HashMap};

use causeway_core::decide::Identity;
use causeway_core::id::{ConnectionId, LinkId, MappingId};
use causeway_core::ports::StoreError;
use diesel::prelude::*;

use super::ROWS;
use crate::engine::on_engine;
use crate::error::{conflict, unexpected};
use crate::schema::identity;
use crate::session::Session;
use crate::text;

const KEY: &str = "key";
const VALUE: &str = "value";

/// PostgreSQL indexes no longer texts. Fields that can tell records apart are shorter, as are keys.
const LONGEST: usize = 2000;

/// Identities with the links they belong to.
pub(super) type OfLinks<'a> = Vec<(i64, &'a Identity)>;

/// The links for which identities are reserved.
pub(super) fn holders(
    session: &mut Session,
    connection: ConnectionId,
    mapping: MappingId,
    identities: &[Identity],
) -> Result<HashMap<Identity, LinkId>, StoreError> {
    let mut found = HashMap::new();
    for kind in [KEY, VALUE] {
        let values: Vec<&str> = identities
            .iter()
            .map(columns)
            .filter(|(of, value)| *of == kind && text::is_storable([value]))
            .map(|(_, value)| value)
            .collect();
        for values in values.chunks(ROWS) {
            let rows = on_engine!(session, |db| identity::table
                .filter(identity::connection_id.eq(connection.0))
                .filter(identity::mapping_id.eq(mapping.0))
                .filter(identity::kind.eq(kind))
                .filter(identity::value.eq_any(values))
                .select((identity::value, identity::link_id))
                .load::<(String, i64)>(db));
            for (value, link) in session.checked(rows)? {
                found.insert(identity_of(kind, value), LinkId(link));
            }
        }
    }
    Ok(found)
}

/// Sets identities free. One that another link holds stays its own.
pub(super) fn release(
    session: &mut Session,
    connection: ConnectionId,
    mapping: MappingId,
    released: &OfLinks<'_>,
) -> Result<(), StoreError> {
    for (link, identity) in released {
        let (kind, value) = columns(identity);
        let freed = on_engine!(session, |db| diesel::delete(identity::table.find((
            connection.0,
            mapping.0,
            kind,
            value
        )))
        .filter(identity::link_id.eq(*link))
        .execute(db));
        session.checked(freed)?;
    }
    Ok(())
}

/// Sets free whatever these links hold.
pub(super) fn release_all(
    session: &mut Session,
    connection: ConnectionId,
    links: &[i64],
) -> Result<(), StoreError> {
    let freed = on_engine!(session, |db| diesel::delete(identity::table)
        .filter(identity::connection_id.eq(connection.0))
        .filter(identity::link_id.eq_any(links))
        .execute(db));
    session.checked(freed).map(drop)
}

/// Reserves identities.
pub(super) fn reserve(
    session: &mut Session,
    connection: ConnectionId,
    mapping: MappingId,
    reserved: &OfLinks<'_>,
) -> Result<(), StoreError> {
    let taken = || conflict("what a record is recognised by");
    let mut by_key = BTreeMap::new();
    for (link, identity) in reserved {
        let (kind, value) = columns(identity);
        text::refuse_unstorable("identity of a record", [value])?;
        if value.len() > LONGEST {
            return Err(unexpected(format!(
                "a record's identity is longer than {LONGEST} bytes; it should have been refused earlier"
            )));
        }
        if by_key
            .insert((kind, value), *link)
            .is_some_and(|other| other != *link)
        {
            return Err(taken());
        }
    }
    let rows: Vec<Row<'_>> = by_key
        .into_iter()
        .map(|((kind, value), link_id)| Row {
            connection_id: connection.0,
            mapping_id: mapping.0,
            kind,
            value,
            link_id,
        })
        .collect();
    for rows in rows.chunks(ROWS) {
        let inserted = on_engine!(session, |db| diesel::insert_into(identity::table)
            .values(rows)
            .on_conflict_do_nothing()
            .execute(db));
        if session.checked(inserted)? == rows.len() {
            continue;
        }
        // What the link holds already it may reserve again.
        let identities: Vec<Identity> = rows.iter().map(Row::identity).collect();
        let holders = holders(session, connection, mapping, &identities)?;
        let held = |row: &Row<'_>| holders.get(&row.identity()) == Some(&LinkId(row.link_id));
        if !rows.iter().all(held) {
            return Err(taken());
        }
    }
    Ok(())
}

fn identity_of(kind: &str, value: String) -> Identity {
    match kind {
        KEY => Identity::Key(value),
        _ => Identity::Value(value),
    }
}

fn columns(identity: &Identity) -> (&'static str, &str) {
    match identity {
        Identity::Key(key) => (KEY, key),
        Identity::Value(value) => (VALUE, value),
    }
}

#[derive(Insertable)]
#[diesel(table_name = identity, treat_none_as_default_value = false)]
struct Row<'a> {
    connection_id: i64,
    mapping_id: i64,
    kind: &'static str,
    value: &'a str,
    link_id: i64,
}

impl Row<'_> {
    fn identity(&self) -> Identity {
        identity_of(self.kind, self.value.to_owned())
    }
}
