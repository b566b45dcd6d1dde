//! What a user of the org is told of one Salesforce record: how it stands, its values on both sides, and why they are so.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use causeway_core::Instant;
use causeway_core::decide::{HeldReason, LinkState, LinkStatus, Presence};
use causeway_core::id::{ConnectionId, FieldId, LinkId, PlanRevision, RecordId, SalesforceId};
use causeway_core::mapping::{Direction, MappingDocument, MappingPlan, PartnerType, SyncRule};
use causeway_core::ports::connections::Connection;
use causeway_core::ports::links::Linked;
use causeway_core::ports::{StoreError, Transaction};
use causeway_core::record::FieldValue;
use causeway_core::version::SalesforceVersion;

use super::{NamedHistory, References, cut, named, page};
use crate::app::App;
use crate::app::people;

/// The owner's field in Salesforce.
const OWNER: &str = "OwnerId";

/// How a Salesforce record stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Panel {
    /// The Salesforce record.
    pub salesforce_id: SalesforceId,
    /// Partner object that its object is mapped to; none where it is not.
    pub object: Option<String>,
    /// The partner record, where there is one.
    pub record: Option<RecordId>,
    /// The partner's own id of it.
    pub key: Option<String>,
    /// How it stands.
    pub standing: PanelStanding,
    /// Since when, where that is known.
    pub since: Option<Instant>,
    /// When the partner record last changed.
    pub updated_at: Option<Instant>,
    /// Who owns it.
    pub owner: Option<PanelOwner>,
    /// Its fields, in the order of the mapping.
    pub fields: Vec<PanelField>,
    /// What their references lead to.
    pub references: References,
}

/// How a Salesforce record stands, in the words of those who work with it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PanelStanding {
    /// Both sides hold the same, as far as the mapping's rules want them to.
    UpToDate,
    /// A change is on its way, to either side.
    Waiting,
    /// A person has to act.
    Held {
        /// The link, by which the decision is sent.
        link: LinkId,
        /// Why, and what to do.
        reason: HeldReason,
    },
    /// Its object is mapped, and the record is not linked, or no longer.
    NotLinked,
    /// Its object is not mapped.
    NotSynced,
    /// The record was deleted on one of the sides, or merged into another.
    Deleted,
}

/// Who owns a record on either side.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PanelOwner {
    /// Owner in Salesforce, as last agreed on.
    pub salesforce: Option<SalesforceId>,
    /// Partner user.
    pub partner: String,
    /// What that user is called, where the gateway knows.
    pub name: Option<String>,
}

/// A field of a record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PanelField {
    /// Salesforce field.
    pub salesforce: String,
    /// Partner field.
    pub partner: String,
    /// The partner field's type.
    pub kind: PartnerType,
    /// Who wins.
    pub rule: SyncRule,
    /// What the partner holds.
    pub partner_value: Option<FieldValue>,
    /// What Salesforce held when both sides last agreed.
    pub salesforce_value: Option<FieldValue>,
    /// When that was.
    pub agreed_at: Option<Instant>,
}

/// A page of a record's history.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PanelHistory {
    /// Changes, newest first.
    pub changes: Vec<ToldChange>,
    /// Whether more follow.
    pub more: bool,
}

/// A change with who made it and by which rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ToldChange {
    /// The change.
    pub change: NamedHistory,
    /// The rule that the field had then; none where that revision does not know the field.
    pub rule: Option<SyncRule>,
    /// Name of the Salesforce user who saved.
    pub person: Option<String>,
}

/// A field was asked for that the object's mapping does not have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NotMapped {
    /// Salesforce fields it has.
    pub known: Vec<String>,
}

/// How a Salesforce record stands. A record that was never heard of is not linked.
///
/// # Errors
/// When the store fails.
pub async fn panel(
    app: &App,
    connection: ConnectionId,
    object: &str,
    id: SalesforceId,
) -> Result<Panel, StoreError> {
    let object = object.to_owned();
    app.store
        .scan(move |tx| match found(tx, connection, &object, id)? {
            Some((plan, linked)) => panel_of(tx, connection, &plan, linked, id),
            None => Ok(Panel::of_nothing(id, None, PanelStanding::NotSynced)),
        })
        .await
}

/// History of a Salesforce record, of all fields or of one by its API name, newest first, older than `before`.
///
/// # Errors
/// When the store fails; [`NotMapped`] where the field is not mapped.
pub async fn history(
    app: &App,
    connection: &Connection,
    object: &str,
    id: SalesforceId,
    field: Option<String>,
    before: Option<i64>,
    limit: u32,
) -> Result<Result<PanelHistory, NotMapped>, StoreError> {
    let (connection_id, object) = (connection.id, object.to_owned());
    let read = app
        .store
        .scan(move |tx| {
            let Some((plan, linked)) = found(tx, connection_id, &object, id)? else {
                return Ok(Ok((Vec::new(), false)));
            };
            let field = match field.as_deref().map(|field| field_id(&plan, field)).transpose() {
                Ok(field) => field,
                Err(unknown) => return Ok(Err(unknown)),
            };
            let Some(linked) = linked else {
                return Ok(Ok((Vec::new(), false)));
            };
            let mut entries = tx.history_of_link(
                connection_id,
                linked.link.id,
                field,
                before,
                limit.saturating_add(1),
            )?;
            let more = cut(&mut entries, limit);
            let rules = Rules::of(tx, connection_id, &plan, entries.iter().map(|entry| entry.plan))?;
            let told = entries.into_iter().map(|entry| {
                let rule = rules.of_field(&plan, entry.plan, entry.field);
                (named(Some(&plan), entry), rule)
            });
            Ok(Ok((told.collect(), more)))
        })
        .await?;
    let (told, more): (Vec<(NamedHistory, Option<SyncRule>)>, bool) = match read {
        Ok(read) => read,
        Err(unknown) => return Ok(Err(unknown)),
    };
    let savers: BTreeSet<SalesforceId> = told
        .iter()
        .filter_map(|(change, _)| change.entry.saved_by)
        .collect();
    let names = people::names(app, connection, savers).await?;
    let changes = told.into_iter().map(|(change, rule)| ToldChange {
        person: change.entry.saved_by.and_then(|user| names.get(&user).cloned()),
        change,
        rule,
    });
    Ok(Ok(PanelHistory {
        changes: changes.collect(),
        more,
    }))
}

/// A mapping, with its link to one record where there is one.
pub(in crate::app) type Mapped = (Arc<MappingPlan>, Option<Linked>);

/// The mapping of a Salesforce record, with its link. Of several mappings of the object the one counts that has a link
/// which has not ended.
pub(in crate::app) fn found(
    tx: &mut dyn Transaction,
    connection: ConnectionId,
    object: &str,
    id: SalesforceId,
) -> Result<Option<Mapped>, StoreError> {
    let plans = tx.plans(connection)?;
    let mut best = None;
    for plan in plans
        .iter()
        .filter(|plan| plan.salesforce_object.eq_ignore_ascii_case(object))
    {
        let linked = tx.linked(connection, plan.mapping, &[id])?.remove(&id);
        let has_ended = linked
            .as_ref()
            .is_none_or(|linked| has_ended(&linked.link.status));
        match &best {
            Some((_, Some(_))) if has_ended => {}
            Some((_, None)) if linked.is_none() => {}
            _ => best = Some((Arc::clone(plan), linked)),
        }
        if !has_ended {
            break;
        }
    }
    Ok(best)
}

/// As [`panel`], inside a unit.
pub(in crate::app) fn panel_of(
    tx: &mut dyn Transaction,
    connection: ConnectionId,
    plan: &MappingPlan,
    linked: Option<Linked>,
    id: SalesforceId,
) -> Result<Panel, StoreError> {
    let came_in = tx.waiting_since(connection, &plan.salesforce_object, id)?;
    let object = Some(plan.partner_object.clone());
    let Some(Linked { link, .. }) = linked else {
        // What came in may make a record of it.
        let standing = came_in.map_or(PanelStanding::NotLinked, |_| PanelStanding::Waiting);
        return Ok(Panel {
            since: came_in,
            ..Panel::of_nothing(id, object, standing)
        });
    };
    let stored = match link.record {
        Some(record) => tx.record(connection, &plan.partner_object, record)?,
        None => None,
    };
    let is_deleted = stored
        .as_ref()
        .is_some_and(|record| record.presence == Presence::Deleted);
    let standing = standing(&link, is_deleted, came_in.is_some());
    let stood = tx.standing_since(connection, link.id)?;
    let updated_at = stored.as_ref().map(|record| record.updated_at);
    let since = match standing {
        PanelStanding::UpToDate => stood.max(updated_at).max(observed(&link)),
        PanelStanding::Waiting => came_in
            .or(link.outgoing.in_flight.as_ref().map(|write| write.since))
            .or(updated_at),
        _ => stood,
    };
    let is_shown = !is_deleted && standing != PanelStanding::NotLinked;
    let stored = stored.filter(|_| is_shown);
    let changes = tx.field_changes(connection, link.id)?;
    let made_at = stored.as_ref().map(|record| record.created_at);
    let fields = plan
        .synced_fields()
        .filter(|_| stored.is_some())
        .map(|field| PanelField {
            salesforce: field.salesforce.name.clone(),
            partner: field.partner.clone(),
            kind: field.partner_type,
            rule: field.rule,
            partner_value: stored
                .as_ref()
                .and_then(|record| record.fields.get(&field.partner).cloned()),
            salesforce_value: link.agreed.0.get(&field.id).map(|pair| pair.salesforce.clone()),
            // What never changed since the record was made has no entry in the history.
            agreed_at: link
                .agreed
                .0
                .contains_key(&field.id)
                .then(|| changes.get(&field.id).copied().or(made_at))
                .flatten(),
        });
    let fields = fields.collect();
    let owner_name = match &stored {
        Some(record) => tx
            .partner_users(connection)?
            .into_iter()
            .find(|user| user.id == record.owner)
            .map(|user| user.name),
        None => None,
    };
    let owner = stored.as_ref().map(|record| PanelOwner {
        salesforce: match link.agreed.0.get(&FieldId::OWNER).map(|pair| &pair.salesforce) {
            Some(FieldValue::Reference(owner)) => Some(*owner),
            _ => None,
        },
        partner: record.owner.clone(),
        name: owner_name,
    });
    let key = stored.as_ref().and_then(|record| record.key.clone());
    let references = page(tx, connection, stored.into_iter().collect(), 1)?.references;
    Ok(Panel {
        salesforce_id: id,
        object,
        record: link.record,
        key,
        standing,
        since,
        updated_at,
        owner,
        fields,
        references,
    })
}

impl Panel {
    fn of_nothing(salesforce_id: SalesforceId, object: Option<String>, standing: PanelStanding) -> Panel {
        Panel {
            salesforce_id,
            object,
            record: None,
            key: None,
            standing,
            since: None,
            updated_at: None,
            owner: None,
            fields: Vec::new(),
            references: References::default(),
        }
    }
}

fn has_ended(status: &LinkStatus) -> bool {
    !matches!(
        status,
        LinkStatus::Creating | LinkStatus::Linked | LinkStatus::Held { .. }
    )
}

fn standing(link: &LinkState, is_deleted: bool, is_waiting: bool) -> PanelStanding {
    let moves = is_waiting || link.outgoing.pending || link.outgoing.in_flight.is_some();
    match &link.status {
        LinkStatus::Held { reason } => PanelStanding::Held {
            link: link.id,
            reason: reason.clone(),
        },
        LinkStatus::Creating => PanelStanding::Waiting,
        _ if moves => PanelStanding::Waiting,
        LinkStatus::Linked if is_deleted => PanelStanding::Deleted,
        LinkStatus::Linked => PanelStanding::UpToDate,
        LinkStatus::Deleted | LinkStatus::Merged { .. } => PanelStanding::Deleted,
        LinkStatus::Unlinked | LinkStatus::Converted { .. } => PanelStanding::NotLinked,
    }
}

/// When the Salesforce record was last read.
fn observed(link: &LinkState) -> Option<Instant> {
    (link.version != SalesforceVersion::NEVER).then_some(link.version.observed)
}

fn field_id(plan: &MappingPlan, name: &str) -> Result<FieldId, NotMapped> {
    if plan.has_owner && name.eq_ignore_ascii_case(OWNER) {
        return Ok(FieldId::OWNER);
    }
    let field = plan
        .fields
        .iter()
        .find(|field| field.salesforce.name.eq_ignore_ascii_case(name));
    field.map(|field| field.id).ok_or_else(|| NotMapped {
        known: plan
            .fields
            .iter()
            .map(|field| field.salesforce.name.clone())
            .chain(plan.has_owner.then(|| OWNER.to_owned()))
            .collect(),
    })
}

/// The rules of earlier revisions, as their documents have them.
struct Rules(BTreeMap<PlanRevision, MappingDocument>);

impl Rules {
    fn of(
        tx: &mut dyn Transaction,
        connection: ConnectionId,
        plan: &MappingPlan,
        revisions: impl Iterator<Item = PlanRevision>,
    ) -> Result<Rules, StoreError> {
        let earlier: BTreeSet<PlanRevision> =
            revisions.filter(|revision| *revision != plan.revision).collect();
        let mut documents = BTreeMap::new();
        for revision in earlier {
            let document = tx.document(connection, plan.mapping, revision)?;
            let document = document.and_then(|text| serde_json::from_str(&text).ok());
            documents.extend(document.map(|document| (revision, document)));
        }
        Ok(Rules(documents))
    }

    fn of_field(&self, plan: &MappingPlan, revision: PlanRevision, field: FieldId) -> Option<SyncRule> {
        let now = plan.field(field);
        if revision == plan.revision {
            return if field == FieldId::OWNER {
                Some(plan.owner_rule)
            } else {
                now.map(|field| field.rule)
            };
        }
        let document = self.0.get(&revision)?;
        if field == FieldId::OWNER {
            let unless_given = if document.direction == Direction::PartnerToSalesforce {
                SyncRule::Partner
            } else {
                SyncRule::Salesforce
            };
            return Some(document.owner_rule.unwrap_or(unless_given));
        }
        let name = &now?.partner;
        document
            .fields
            .iter()
            .find(|field| field.partner == *name)
            .map(|field| field.rule)
    }
}
