//! Reading targets: what Salesforce holds just before a write, and what it stored.

use causeway_core::Instant;
use causeway_core::decide::Incoming;
use causeway_core::failure::Failure;
use causeway_core::id::SalesforceId;
use causeway_core::mapping::FieldPlan;
use causeway_core::mapping::reading::Reader;
use causeway_core::record::FieldValue;
use causeway_core::units::outgoing::{Batch, Found};

use crate::app::reread::ReadNow;
use crate::salesforce::Salesforce;
use crate::salesforce::rest::{JsonRecord, Seen};

/// Reads everything that a batch has to know of Salesforce before it is prepared.
pub(super) async fn read_targets(
    salesforce: &Salesforce,
    batch: &Batch,
    now: Instant,
) -> Result<Found, Failure> {
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
    if let Some((field, values)) = batch.identities(&found) {
        found.by_identity = reading.by_identity(field, &values).await?;
    }
    Ok(found)
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

    async fn by_identity(&self, field: &FieldPlan, values: &[FieldValue]) -> Result<Vec<Incoming>, Failure> {
        let plan = &self.batch.plan;
        let found = self
            .salesforce
            .find(
                &plan.salesforce_object,
                &plan.salesforce_fields(),
                &field.salesforce.name,
                values,
                Seen::Live,
            )
            .await?;
        self.read(&found.records, found.at)
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
