//! Reading targets: what Salesforce holds just before a write, and what it stored.

use std::sync::Arc;

use causeway_core::Instant;
use causeway_core::decide::{HeldReason, Incoming};
use causeway_core::failure::{Call, Failure, NextStep, policy};
use causeway_core::id::SalesforceId;
use causeway_core::mapping::FieldPlan;
use causeway_core::mapping::reading::Reader;
use causeway_core::ports::outbox::OutgoingClaim;
use causeway_core::record::FieldValue;
use causeway_core::units::outgoing::{Batch, Found};

use crate::app::reread::ReadNow;
use crate::salesforce::Salesforce;
use crate::salesforce::rest::{JsonRecord, Seen};

/// Values that are looked for in one query, at most.
const VALUES_AT_ONCE: usize = 100;

/// Records that are read for each value: a second one is enough to know that nobody can be recognised by it. Where a
/// query finds more, fewer values are asked for at once.
const FOUND_OF_EACH: usize = 2;

/// Look-ups that may be refused before the values that are left count as refused too: so the search for bad values
/// cannot eat the org's allowance.
const MOST_REFUSED: usize = 20;

/// What was read of the targets of a batch.
pub(super) struct Targets {
    /// What Salesforce holds.
    pub found: Found,
    /// Links whose look-up Salesforce refuses for good, and why.
    pub unread: Vec<(OutgoingClaim, HeldReason)>,
}

/// Reads everything that a batch has to know of Salesforce before it is prepared.
pub(super) async fn read_targets(
    salesforce: &Salesforce,
    batch: &Batch,
    now: Instant,
) -> Result<Targets, Failure> {
    let lookups = batch.lookups();
    let reading = Reading {
        salesforce,
        batch,
        now,
    };
    let mut found = Found {
        by_id: reading.by_id(&lookups.by_id).await?,
        by_external_id: reading.by_external_id(&lookups.by_external_id).await?,
        by_identity: Vec::new(),
    };
    let mut unread = Vec::new();
    if let Some((field, values)) = batch.identities(&found) {
        let (by_identity, refused) = reading.by_identity(field, &values).await?;
        unread = refused_items(batch, &found, field, &refused);
        found.by_identity = by_identity;
    }
    Ok(Targets { found, unread })
}

/// The links of a batch that were looked for by values which Salesforce refuses to look for.
fn refused_items(
    batch: &Batch,
    found: &Found,
    field: &FieldPlan,
    refused: &[(FieldValue, Failure)],
) -> Vec<(OutgoingClaim, HeldReason)> {
    if refused.is_empty() {
        return Vec::new();
    }
    let mut items = Vec::new();
    for item in batch
        .items
        .iter()
        .filter(|item| item.link.salesforce_id.is_none())
    {
        let alone = Batch {
            connection: batch.connection,
            plan: Arc::clone(&batch.plan),
            gateway_user: batch.gateway_user,
            items: vec![item.clone()],
        };
        let looked_for = alone.identities(found).map(|(_, values)| values);
        let refusal = refused
            .iter()
            .find(|(value, _)| looked_for.as_ref().is_some_and(|values| values.contains(value)));
        if let Some((_, failure)) = refusal {
            items.push((item.claim.clone(), refusal_of(field, failure)));
        }
    }
    items
}

fn refusal_of(field: &FieldPlan, failure: &Failure) -> HeldReason {
    let code = match failure {
        Failure::Salesforce { code, .. } => code.clone(),
        Failure::NoAnswer { .. } | Failure::Unreadable { .. } | Failure::Store { .. } => String::new(),
    };
    HeldReason::Refused {
        code,
        message: failure.message().to_owned(),
        fields: vec![field.salesforce.name.clone()],
        advice: format!(
            "Salesforce would not look for the record by `{}`: correct the value, or let the mapping recognise records \
             by another field, then press retry.",
            field.salesforce.name
        ),
    }
}

/// Whether a query was refused for what it looks for, so that another value may be taken. A field or an object that
/// is gone concerns every record, and comes back with it.
fn is_about_values(failure: &Failure) -> bool {
    let Failure::Salesforce {
        status,
        code,
        message,
    } = failure
    else {
        return false;
    };
    let gone = code == "INVALID_TYPE" || (code == "INVALID_FIELD" && message.contains("No such column"));
    matches!(status, 400 | 413 | 414 | 431) && !gone && policy(failure, Call::Read).next == NextStep::Stop
}

/// Reads records as they were stored.
pub(super) async fn read_back(
    salesforce: &Salesforce,
    batch: &Batch,
    ids: &[SalesforceId],
    now: Instant,
) -> Result<Vec<Incoming>, Failure> {
    let reading = Reading {
        salesforce,
        batch,
        now,
    };
    reading.by_id(ids).await
}

struct Reading<'a> {
    salesforce: &'a Salesforce,
    batch: &'a Batch,
    now: Instant,
}

impl Reading<'_> {
    async fn by_id(&self, ids: &[SalesforceId]) -> Result<Vec<Incoming>, Failure> {
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        let reader = ReadNow {
            salesforce: self.salesforce,
            plan: &self.batch.plan,
            gateway_user: self.batch.gateway_user,
            at: self.now,
        };
        Ok(reader.by_id(ids).await?.shown)
    }

    async fn by_external_id(&self, external_ids: &[String]) -> Result<Vec<Incoming>, Failure> {
        let plan = &self.batch.plan;
        let Some(field) = plan.external_id.as_deref().filter(|_| !external_ids.is_empty()) else {
            return Ok(Vec::new());
        };
        let mut fields = plan.salesforce_fields();
        fields.push("IsDeleted");
        fields.extend(plan.mergeable.then_some("MasterRecordId"));
        let wanted: Vec<FieldValue> = external_ids.iter().cloned().map(FieldValue::Text).collect();
        let found = self
            .salesforce
            .find(&plan.salesforce_object, &fields, field, &wanted, Seen::Deleted)
            .await?;
        self.read(&found.records, found.at)
    }

    /// Looks for records by values, and tells which values Salesforce refuses to look for. Where a query is refused
    /// for what it looks for, or finds very much, it is asked in halves: so one value holds up no other.
    async fn by_identity(
        &self,
        field: &FieldPlan,
        values: &[FieldValue],
    ) -> Result<(Vec<Incoming>, Vec<(FieldValue, Failure)>), Failure> {
        let plan = &self.batch.plan;
        let fields = plan.salesforce_fields();
        let (mut shown, mut refused) = (Vec::new(), Vec::new());
        let (mut refusals, mut last) = (0, None);
        let mut waiting: Vec<&[FieldValue]> = values.chunks(VALUES_AT_ONCE).rev().collect();
        while let Some(values) = waiting.pop() {
            if let Some(failure) = last.as_ref().filter(|_| refusals >= MOST_REFUSED) {
                let same = |value: &FieldValue| (value.clone(), Failure::clone(failure));
                refused.extend(values.iter().map(same));
                continue;
            }
            let (first, second) = values.split_at(values.len() / 2);
            let alone = first.is_empty();
            let most = values.len() * FOUND_OF_EACH;
            let asked = self
                .salesforce
                .find_some(
                    &plan.salesforce_object,
                    &fields,
                    &field.salesforce.name,
                    values,
                    most,
                )
                .await;
            match asked {
                Ok(Some(found)) if alone || found.records.len() < most => {
                    shown.extend(self.read(&found.records, found.at)?);
                }
                Ok(_) if alone => {}
                Ok(_) => waiting.extend([second, first]),
                Err(failure) if is_about_values(&failure) => {
                    refusals += 1;
                    if alone {
                        refused.extend(values.iter().map(|value| (value.clone(), failure.clone())));
                    } else {
                        waiting.extend([second, first]);
                    }
                    last = Some(failure);
                }
                Err(failure) => return Err(failure),
            }
        }
        Ok((shown, refused))
    }

    fn read(&self, records: &[JsonRecord], read_at: Instant) -> Result<Vec<Incoming>, Failure> {
        let reader = Reader {
            plan: &self.batch.plan,
            gateway_user: self.batch.gateway_user,
        };
        records
            .iter()
            .map(|record| reader.record(record, read_at))
            .collect()
    }
}
