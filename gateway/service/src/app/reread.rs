//! Reading records again, where two readings of one version differ.

use std::collections::BTreeMap;
use std::sync::Arc;

use causeway_core::Instant;
use causeway_core::decide::{ChangeSource, Incoming};
use causeway_core::failure::Failure;
use causeway_core::id::{ConnectionId, InboxId, MappingId, SalesforceId};
use causeway_core::mapping::MappingPlan;
use causeway_core::ports::inbox::Claim;
use causeway_core::ports::logs::{LogDirection, LogMethod, NewLogEntry};
use causeway_core::ports::{Lane, StoreError};
use causeway_core::version::SalesforceVersion;
use serde_json::Value;

use crate::app::apply::{News, Setting, apply};
use crate::app::{App, incoming, users};
use crate::salesforce::rest::{Seen, id_list};
use crate::salesforce::{ClientError, Salesforce};

/// Ids in one query. They keep its URL below 4,000 characters, which every proxy lets through.
const IDS_IN_A_QUERY: usize = 150;

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

/// What fresh readings of one mapping's records say.
#[derive(Debug)]
pub struct Readings {
    /// The plan that they were read for.
    pub plan: Arc<MappingPlan>,
    /// What is known now.
    pub news: Vec<News>,
    /// Records that Salesforce neither shows nor remembers as deleted.
    pub out_of_sight: Vec<SalesforceId>,
}

/// Reads records again, decides on what they say now and settles the claims, in one transaction. Returns how many
/// claims were still held.
///
/// # Errors
/// [`Reread`]; nothing is written then.
pub(super) async fn reread(
    app: &App,
    connection: ConnectionId,
    records: &[(Arc<MappingPlan>, SalesforceId)],
    settlements: Vec<(Claim, InboxId)>,
) -> Result<usize, Reread> {
    let known = app
        .store
        .read(move |tx| tx.connection(connection))
        .await?
        .ok_or_else(|| no_client("the connection does not exist any more"))?;
    let salesforce = app
        .salesforce
        .client(&app.vault, &known)
        .map_err(|error: ClientError| no_client(&error.to_string()))?;
    let mut by_mapping: BTreeMap<MappingId, (Arc<MappingPlan>, Vec<SalesforceId>)> = BTreeMap::new();
    for (plan, id) in records {
        let (_, ids) = by_mapping
            .entry(plan.mapping)
            .or_insert_with(|| (Arc::clone(plan), Vec::new()));
        ids.push(*id);
    }
    let reading = async {
        let mut readings = Vec::with_capacity(by_mapping.len());
        for (plan, ids) in by_mapping.into_values() {
            readings.push(read_now(&salesforce, plan, &ids, app.clock.now()).await?);
        }
        Ok(readings)
    };
    // What is left of the lease must do for writing.
    let readings = tokio::time::timeout(app.options.claim_lease * 2 / 3, reading)
        .await
        .unwrap_or_else(|_elapsed| {
            Err(Failure::NoAnswer {
                message: "reading the records took longer than their claim may".to_owned(),
            })
        })
        .map_err(Reread::Failed)?;
    let at = app.clock.now();
    let settled = app
        .store
        .write(Lane::Interactive, move |tx| {
            let owners = users::directory(&tx.partner_users(connection)?);
            for reading in &readings {
                let setting = Setting {
                    connection,
                    plan: &reading.plan,
                    owners: &owners,
                    at,
                };
                apply(tx, &setting, &reading.news)?;
                let entries = out_of_sight_entries(reading, at);
                if !entries.is_empty() {
                    tx.append_logs(connection, &entries)?;
                }
            }
            Ok(tx.settle(&settlements)?.len())
        })
        .await?;
    Ok(settled)
}

/// Reads records of one object as they are now.
///
/// # Errors
/// What Salesforce answered.
pub async fn read_now(
    salesforce: &Salesforce,
    plan: Arc<MappingPlan>,
    ids: &[SalesforceId],
    now: Instant,
) -> Result<Readings, Failure> {
    let fields = plan.salesforce_fields();
    let retrieved = salesforce.retrieve(&plan.salesforce_object, ids, &fields).await?;
    let source = ChangeSource::ReadAgain { at: now };
    let mut news = Vec::with_capacity(ids.len());
    let mut missing = Vec::new();
    for (id, record) in ids.iter().zip(&retrieved.records) {
        match record {
            Some(record) => news.push(News {
                incoming: incoming::from_rest(&plan, record, retrieved.at)?,
                source: source.clone(),
            }),
            None => missing.push(*id),
        }
    }
    let mut out_of_sight = Vec::new();
    for ids in missing.chunks(IDS_IN_A_QUERY) {
        let deleted = deleted_among(salesforce, &plan.salesforce_object, ids).await?;
        for id in ids {
            match deleted.get(id) {
                Some(modstamp) => news.push(News {
                    incoming: Incoming::Deleted {
                        salesforce_id: *id,
                        version: SalesforceVersion {
                            modstamp: *modstamp,
                            observed: retrieved.at,
                        },
                    },
                    source: source.clone(),
                }),
                None => out_of_sight.push(*id),
            }
        }
    }
    Ok(Readings {
        plan,
        news,
        out_of_sight,
    })
}

/// Those records that lie in the recycle bin, with their last stamp.
async fn deleted_among(
    salesforce: &Salesforce,
    object: &str,
    ids: &[SalesforceId],
) -> Result<BTreeMap<SalesforceId, Instant>, Failure> {
    let soql = format!(
        "SELECT Id, IsDeleted, SystemModstamp FROM {object} WHERE Id IN ({})",
        id_list(ids)
    );
    let mut deleted = BTreeMap::new();
    for record in salesforce.query(soql, Seen::Deleted).all().await? {
        if record.get("IsDeleted").and_then(Value::as_bool) == Some(true) {
            let (id, modstamp) = incoming::id_and_stamp(&record)?;
            deleted.insert(id, modstamp);
        }
    }
    Ok(deleted)
}

/// A record that cannot be seen any more is not taken for deleted: it may only have been hidden from the
/// integration user, and a person can tell.
fn out_of_sight_entries(reading: &Readings, at: Instant) -> Vec<NewLogEntry> {
    reading
        .out_of_sight
        .iter()
        .map(|id| NewLogEntry {
            at,
            direction: LogDirection::Incoming,
            method: LogMethod::Get,
            status: 404,
            object: reading.plan.partner_object.clone(),
            salesforce_id: Some(*id),
            record: None,
            run: None,
            data: "{}".to_owned(),
            cause:
                "Salesforce shows the integration user no such record, not even as deleted; check the user's \
                    access, or delete the record at the partner if it was erased"
                    .to_owned(),
        })
        .collect()
}

fn no_client(message: &str) -> Reread {
    Reread::Failed(Failure::Unreadable {
        message: message.to_owned(),
    })
}
