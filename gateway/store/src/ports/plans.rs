//! Mapping plans: each revision as its document and as the plan it was compiled to.

use std::sync::Arc;

use causeway_core::Instant;
use causeway_core::id::{ConnectionId, MappingId, PlanRevision};
use causeway_core::mapping::MappingPlan;
use causeway_core::ports::StoreError;
use diesel::prelude::*;
use diesel::query_dsl::methods::FilterDsl as ConditionalUpsert;
use diesel::upsert::excluded;

use super::settings;
use crate::columns::{from_json, micros, to_json};
use crate::engine::on_engine;
use crate::error::{conflict, unexpected};
use crate::schema::{mapping, mapping_plan};
use crate::session::Session;

/// Adds a revision and puts it in force.
pub(super) fn add(
    session: &mut Session,
    connection: ConnectionId,
    plan: &MappingPlan,
    document: &str,
    at: Instant,
) -> Result<(), StoreError> {
    // Under the connection's counter nobody else adds a plan between the look-up and the insert.
    session.take_numbers(connection, 0)?;
    let other = on_engine!(session, |db| QueryDsl::filter(
        mapping::table,
        mapping::connection_id
            .eq(connection.0)
            .and(mapping::partner_object.eq(&plan.partner_object))
            .and(mapping::id.ne(plan.mapping.0)),
    )
    .count()
    .get_result::<i64>(db));
    if session.checked(other)? > 0 {
        return Err(StoreError::Exists {
            what: format!("a mapping of the partner object {:?}", plan.partner_object),
        });
    }
    let current = on_engine!(session, |db| ConditionalUpsert::filter(
        diesel::insert_into(mapping::table)
            .values((
                mapping::connection_id.eq(connection.0),
                mapping::id.eq(plan.mapping.0),
                mapping::partner_object.eq(&plan.partner_object),
                mapping::revision.eq(plan.revision.0),
            ))
            .on_conflict((mapping::connection_id, mapping::id))
            .do_update()
            .set((
                mapping::partner_object.eq(excluded(mapping::partner_object)),
                mapping::revision.eq(excluded(mapping::revision)),
            )),
        mapping::revision.lt(excluded(mapping::revision)),
    )
    .execute(db));
    if session.checked(current)? == 0 {
        return Err(conflict(format!(
            "revision {} of mapping {}",
            plan.revision.0, plan.mapping
        )));
    }
    let compiled = to_json(plan)?;
    let inserted = on_engine!(session, |db| diesel::insert_into(mapping_plan::table)
        .values((
            mapping_plan::connection_id.eq(connection.0),
            mapping_plan::mapping_id.eq(plan.mapping.0),
            mapping_plan::revision.eq(plan.revision.0),
            mapping_plan::document.eq(document),
            mapping_plan::compiled.eq(compiled),
            mapping_plan::created_at.eq(micros(at)),
        ))
        .execute(db));
    session.checked(inserted)?;
    session.plans_written = true;
    Ok(())
}

/// The plans in force under what the admin set, from the cache where their revision is known.
pub(super) fn in_force(
    session: &mut Session,
    connection: ConnectionId,
) -> Result<Vec<Arc<MappingPlan>>, StoreError> {
    let revisions = on_engine!(session, |db| QueryDsl::filter(
        mapping::table,
        mapping::connection_id.eq(connection.0)
    )
    .order(mapping::id)
    .select((mapping::id, mapping::revision))
    .load::<(i64, i64)>(db));
    let revisions = session.checked(revisions)?;
    let settings = settings::of(session, connection)?;
    revisions
        .into_iter()
        .map(|(id, revision)| {
            let plan = plan(session, connection, MappingId(id), PlanRevision(revision))?;
            Ok(plan.under(&settings).map_or(plan, Arc::new))
        })
        .collect()
}

/// A revision's document.
pub(super) fn document(
    session: &mut Session,
    connection: ConnectionId,
    mapping: MappingId,
    revision: PlanRevision,
) -> Result<Option<String>, StoreError> {
    let document = on_engine!(session, |db| mapping_plan::table
        .find((connection.0, mapping.0, revision.0))
        .select(mapping_plan::document)
        .first::<String>(db)
        .optional());
    session.checked(document)
}

fn plan(
    session: &mut Session,
    connection: ConnectionId,
    mapping: MappingId,
    revision: PlanRevision,
) -> Result<Arc<MappingPlan>, StoreError> {
    if let Some(plan) = session.shared.plans.get(connection, mapping, revision)
        && !session.plans_written
    {
        return Ok(plan);
    }
    let compiled = on_engine!(session, |db| mapping_plan::table
        .find((connection.0, mapping.0, revision.0))
        .select(mapping_plan::compiled)
        .first::<String>(db)
        .optional());
    let compiled = session
        .checked(compiled)?
        .ok_or_else(|| unexpected(format!("mapping {mapping} has no plan {}", revision.0)))?;
    let plan: Arc<MappingPlan> = Arc::new(from_json("mapping plan", &compiled)?);
    if !session.plans_written {
        session.shared.plans.keep(connection, &plan);
    }
    Ok(plan)
}
