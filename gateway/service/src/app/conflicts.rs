//! Values that lost: which there are, and bringing one back.

use std::sync::Arc;

use causeway_core::id::{ConnectionId, FieldId, LinkId, RecordId};
use causeway_core::mapping::{MappingPlan, SyncRule};
use causeway_core::ports::links::Linked;
use causeway_core::ports::{Lane, StoreError};
use causeway_core::units::person;

use crate::app::App;
use crate::app::held::PersonError;
use crate::app::read::{NamedHistory, cut, named};

/// A value that lost, with the record it belonged to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Conflict {
    /// Partner object; `None` where nothing maps it any more.
    pub object: Option<String>,
    /// The partner record, where it is known still.
    pub record: Option<RecordId>,
    /// The rule of the field today; `None` for a field that is no longer mapped.
    pub rule: Option<SyncRule>,
    /// What happened.
    pub entry: NamedHistory,
}

/// Entries of the history in which a value lost, newest first, older than `before`, of all records or of one, and
/// whether more follow.
///
/// # Errors
/// When the store fails.
pub async fn conflicts(
    app: &App,
    connection: ConnectionId,
    record: Option<RecordId>,
    before: Option<i64>,
    limit: u32,
) -> Result<(Vec<Conflict>, bool), StoreError> {
    app.store
        .scan(move |tx| {
            let mut entries = tx.conflicts(connection, record, before, limit.saturating_add(1))?;
            let more = cut(&mut entries, limit);
            let mut links: Vec<LinkId> = entries.iter().map(|entry| entry.link).collect();
            links.sort_unstable();
            links.dedup();
            let links = tx.links(connection, &links)?;
            let plans = tx.plans(connection)?;
            let conflicts = entries.into_iter().map(|entry| {
                let linked = links.get(&entry.link);
                let plan = linked.and_then(|linked| plan_behind(&plans, linked));
                Conflict {
                    object: plan.map(|plan| plan.partner_object.clone()),
                    record: linked.and_then(|linked| linked.link.record),
                    rule: plan.and_then(|plan| rule_of(plan, entry.field)),
                    entry: named(plan, entry),
                }
            });
            Ok((conflicts.collect(), more))
        })
        .await
}

/// Brings back the value that lost in an entry of the history. It then travels to the other side, whatever the rule
/// says.
///
/// # Errors
/// [`PersonError`]; nothing changed then.
pub async fn restore(
    app: &App,
    connection: ConnectionId,
    entry: i64,
    client: &str,
) -> Result<(), PersonError> {
    let (at, client) = (app.clock.now(), client.to_owned());
    let done = app
        .store
        .write(Lane::Interactive, move |tx| {
            person::restore(tx, connection, entry, &client, at)
        })
        .await?;
    done?;
    app.outbox_bell.notify_one();
    Ok(())
}

fn plan_behind<'a>(plans: &'a [Arc<MappingPlan>], linked: &Linked) -> Option<&'a MappingPlan> {
    plans
        .iter()
        .find(|plan| plan.mapping == linked.mapping)
        .map(|plan| &**plan)
}

fn rule_of(plan: &MappingPlan, field: FieldId) -> Option<SyncRule> {
    if field == FieldId::OWNER {
        return Some(plan.owner_rule);
    }
    plan.field(field).map(|field| field.rule)
}
