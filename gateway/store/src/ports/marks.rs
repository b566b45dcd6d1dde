//! How far linked Salesforce records were given the partner record's id.

use causeway_core::decide::Outgoing;
use causeway_core::id::{ConnectionId, LinkId, MappingId, RecordId};
use causeway_core::ports::marks::{MarkLink, Marking, Unmarked};
use causeway_core::ports::{Marks, StoreError};
use diesel::dsl::max;
use diesel::prelude::*;

use crate::columns::{HELD, LINKED, from_json, from_optional_json, moment, salesforce_id, to_json};
use crate::engine::on_engine;
use crate::schema::{link, marking};
use crate::session::Session;
use crate::text;

impl Marks for Session {
    fn marking(
        &mut self,
        connection: ConnectionId,
        mapping: MappingId,
        field: &str,
    ) -> Result<Marking, StoreError> {
        self.port(|session| of(session, connection, mapping, field))
    }

    fn put_marking(
        &mut self,
        connection: ConnectionId,
        mapping: MappingId,
        field: &str,
        marking: &Marking,
    ) -> Result<(), StoreError> {
        self.port(|session| put(session, connection, mapping, field, marking))
    }

    fn unmarked(
        &mut self,
        connection: ConnectionId,
        mapping: MappingId,
        after: LinkId,
        limit: u32,
    ) -> Result<Unmarked, StoreError> {
        self.port(|session| unmarked(session, connection, mapping, after, limit))
    }
}

fn of(
    session: &mut Session,
    connection: ConnectionId,
    mapping: MappingId,
    field: &str,
) -> Result<Marking, StoreError> {
    let row = on_engine!(session, |db| marking::table
        .find((connection.0, mapping.0, field))
        .select((marking::up_to, marking::refused))
        .first::<(i64, Option<String>)>(db)
        .optional());
    let Some((up_to, refused)) = session.checked(row)? else {
        return Ok(Marking::NONE);
    };
    let refused = refused.map(|refused| from_json("refusal to mark", &refused));
    Ok(Marking {
        up_to: LinkId(up_to),
        refused: refused.transpose()?,
    })
}

fn put(
    session: &mut Session,
    connection: ConnectionId,
    mapping: MappingId,
    field: &str,
    new: &Marking,
) -> Result<(), StoreError> {
    // Under the connection's counter nobody else gets further in between.
    session.take_numbers(connection, 0)?;
    let up_to = of(session, connection, mapping, field)?.up_to.0.max(new.up_to.0);
    let refused = new.refused.as_ref().map(to_json).transpose()?;
    text::refuse_unstorable("refusal to mark", refused.as_deref())?;
    let written = on_engine!(session, |db| diesel::insert_into(marking::table)
        .values((
            marking::connection_id.eq(connection.0),
            marking::mapping_id.eq(mapping.0),
            marking::field.eq(field),
            marking::up_to.eq(up_to),
            marking::refused.eq(&refused),
        ))
        .on_conflict((marking::connection_id, marking::mapping_id, marking::field))
        .do_update()
        .set((marking::up_to.eq(up_to), marking::refused.eq(&refused)))
        .execute(db));
    session.checked(written).map(drop)
}

fn unmarked(
    session: &mut Session,
    connection: ConnectionId,
    mapping: MappingId,
    after: LinkId,
    limit: u32,
) -> Result<Unmarked, StoreError> {
    // First: what commits from now on has greater numbers, since the connection's counter is locked until then.
    let last = on_engine!(session, |db| link::table
        .filter(link::connection_id.eq(connection.0))
        .select(max(link::id))
        .first::<Option<i64>>(db));
    let last = session.checked(last)?.unwrap_or(0).max(after.0);
    let rows = on_engine!(session, |db| link::table
        .filter(link::connection_id.eq(connection.0))
        .filter(link::id.gt(after.0))
        .filter(link::id.le(last))
        .filter(link::mapping_id.eq(mapping.0))
        .filter(link::status.eq_any([LINKED, HELD]))
        .filter(link::salesforce_id.is_not_null())
        .filter(link::record_id.is_not_null())
        .order(link::id)
        .limit(i64::from(limit))
        .select((
            link::id,
            link::salesforce_id.assume_not_null(),
            link::record_id.assume_not_null(),
            link::modstamp,
            link::outgoing,
        ))
        .load::<Row>(db));
    let rows = session.checked(rows)?;
    let up_to = rows
        .last()
        .filter(|_| u32::try_from(rows.len()).is_ok_and(|rows| rows >= limit))
        .map_or(last, |(id, ..)| *id);
    let links: Vec<Option<MarkLink>> = rows.into_iter().map(read).collect::<Result<_, _>>()?;
    Ok(Unmarked {
        links: links.into_iter().flatten().collect(),
        up_to: LinkId(up_to),
    })
}

/// Number, Salesforce record, partner record, stamp, what is on its way.
type Row = (i64, String, i64, i64, Option<String>);

fn read((id, record_there, record, modstamp, outgoing): Row) -> Result<Option<MarkLink>, StoreError> {
    let outgoing: Outgoing = from_optional_json("outgoing state of a link", outgoing.as_deref())?;
    if outgoing.in_flight.is_some() {
        return Ok(None);
    }
    Ok(Some(MarkLink {
        link: LinkId(id),
        salesforce_id: salesforce_id(&record_there)?,
        record: RecordId(record),
        generation: outgoing.generation,
        modstamp: moment(modstamp)?,
    }))
}
