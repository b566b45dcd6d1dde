//! Reading records as they are now: where two readings of one version differ, and where a delete does not say
//! whether it was a merge.

use std::collections::BTreeMap;
use std::sync::Arc;

use causeway_core::Instant;
use causeway_core::decide::{ChangeSource, Incoming};
use causeway_core::failure::Failure;
use causeway_core::id::{ConnectionId, InboxId, MappingId, SalesforceId};
use causeway_core::mapping::MappingPlan;
use causeway_core::mapping::reading::Reader;
use causeway_core::ports::inbox::Claim;
use causeway_core::ports::{Lane, StoreError};
use causeway_core::record::FieldValue;
use causeway_core::units::inbox::{Head, Readings, SettledReadings, settle_readings};
use causeway_core::units::salesforce_news::News;

use crate::app::App;
use crate::salesforce::rest::Seen;
use crate::salesforce::{ClientError, Salesforce};

/// Why records could not be read again.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Reread {
    /// Salesforce failed.
    #[error("the records could not be read")]
    Failed(Failure),
    /// The store failed.
    #[error("the readings could not be stored")]
    Store(#[from] StoreError),
}

/// Reads the records of heads again, decides on what they say now and settles the heads, in one transaction.
///
/// # Errors
/// [`Reread`]; nothing is written then.
pub(super) async fn reread(
    app: &App,
    connection: ConnectionId,
    records: &[(Arc<MappingPlan>, SalesforceId)],
    heads: &[Head],
) -> Result<SettledReadings, Reread> {
    let known = app
        .store
        .read(move |tx| tx.connection(connection))
        .await?
        .ok_or_else(|| no_client("the connection does not exist any more"))?;
    let salesforce = app
        .salesforce_for(&known)
        .map_err(|error: ClientError| no_client(&error.to_string()))?;
    let mut by_mapping: BTreeMap<MappingId, (&Arc<MappingPlan>, Vec<SalesforceId>)> = BTreeMap::new();
    for (plan, id) in records {
        let (_, ids) = by_mapping
            .entry(plan.mapping)
            .or_insert_with(|| (plan, Vec::new()));
        ids.push(*id);
    }
    let reading = async {
        let mut readings = Vec::with_capacity(by_mapping.len());
        for (plan, ids) in by_mapping.into_values() {
            let reader = ReadNow {
                salesforce: &salesforce,
                plan,
                gateway_user: known.integration_user,
                at: app.clock.now(),
            };
            readings.push(reader.read(&ids).await?);
        }
        Ok(readings)
    };
    // What is left of the lease must do for writing.
    let mut readings = tokio::time::timeout(app.options.claim_lease * 2 / 3, reading)
        .await
        .unwrap_or_else(|_elapsed| {
            Err(Failure::NoAnswer {
                message: "reading the records took longer than their claim may".to_owned(),
            })
        })
        .map_err(Reread::Failed)?;
    for reading in &mut readings {
        reading.keep_edit_times(heads);
        reading.believe_deletes(heads);
    }
    let settlements: Vec<(Claim, InboxId)> = heads.iter().filter_map(Head::settlement).collect();
    let at = app.clock.now();
    let settled = app
        .store
        .write(Lane::Interactive, move |tx| {
            settle_readings(tx, connection, &readings, &settlements, at)
        })
        .await?;
    Ok(settled)
}

/// Reads records of one object as they are now.
#[derive(Debug, Clone, Copy)]
pub struct ReadNow<'a> {
    /// The org.
    pub salesforce: &'a Salesforce,
    /// The plan that they are read for.
    pub plan: &'a Arc<MappingPlan>,
    /// The gateway's own Salesforce user, once known.
    pub gateway_user: Option<SalesforceId>,
    /// When.
    pub at: Instant,
}

impl ReadNow<'_> {
    /// Reads these records for what they say now, also where they were deleted.
    ///
    /// # Errors
    /// What Salesforce answered.
    pub async fn read(&self, ids: &[SalesforceId]) -> Result<Readings, Failure> {
        let ReadById { shown, out_of_sight } = self.by_id(ids).await?;
        let source = ChangeSource::ReadAgain { at: self.at };
        Ok(Readings {
            plan: Arc::clone(self.plan),
            news: shown
                .into_iter()
                .map(|incoming| News {
                    incoming,
                    source: source.clone(),
                })
                .collect(),
            out_of_sight,
        })
    }

    /// Reads these records, also where they were deleted.
    ///
    /// # Errors
    /// What Salesforce answered.
    pub(super) async fn by_id(&self, ids: &[SalesforceId]) -> Result<ReadById, Failure> {
        let fields = self.plan.salesforce_fields();
        let retrieved = self
            .salesforce
            .retrieve(&self.plan.salesforce_object, ids, &fields)
            .await?;
        let reader = self.reader();
        let mut shown = Vec::with_capacity(ids.len());
        let mut missing = Vec::new();
        for (id, record) in ids.iter().zip(&retrieved.records) {
            match record {
                Some(record) => shown.push(reader.record(record, retrieved.at)?),
                None => missing.push(*id),
            }
        }
        let mut deleted = self.deleted_among(&missing).await?;
        let mut out_of_sight = Vec::new();
        for id in missing {
            match deleted.remove(&id) {
                Some(incoming) => shown.push(incoming),
                None => out_of_sight.push(id),
            }
        }
        Ok(ReadById { shown, out_of_sight })
    }

    pub(super) fn reader(&self) -> Reader<'_> {
        Reader {
            plan: self.plan,
            gateway_user: self.gateway_user,
        }
    }

    /// Those records that lie in the recycle bin.
    async fn deleted_among(&self, ids: &[SalesforceId]) -> Result<BTreeMap<SalesforceId, Incoming>, Failure> {
        let reader = self.reader();
        let fields = delete_fields(self.plan);
        let wanted: Vec<FieldValue> = ids.iter().copied().map(FieldValue::Reference).collect();
        let found = self
            .salesforce
            .find(
                &self.plan.salesforce_object,
                &fields,
                "Id",
                &wanted,
                Seen::Deleted,
            )
            .await?;
        let mut deleted = BTreeMap::new();
        for record in &found.records {
            if let incoming @ Incoming::Deleted { salesforce_id, .. } = reader.record(record, found.at)? {
                deleted.insert(salesforce_id, incoming);
            }
        }
        Ok(deleted)
    }
}

/// What records read by id say.
#[derive(Debug)]
pub(super) struct ReadById {
    /// Those that Salesforce shows, or remembers as deleted.
    pub shown: Vec<Incoming>,
    /// The others.
    pub out_of_sight: Vec<SalesforceId>,
}

/// API names to ask for where deleted records are looked for.
pub(super) fn delete_fields(plan: &MappingPlan) -> Vec<&str> {
    let mut fields = vec!["Id", "IsDeleted", "SystemModstamp"];
    fields.extend(plan.mergeable.then_some("MasterRecordId"));
    fields.extend(plan.external_id.as_deref());
    fields
}

fn no_client(message: &str) -> Reread {
    Reread::Failed(Failure::Unreadable {
        message: message.to_owned(),
    })
}
