//! Salesforce's JSON (REST records and posted changes) into news that can be decided on.

use serde_json::{Map, Value};

use crate::Instant;
use crate::decide::{Converted, Incoming, MergedInto, Snapshot};
use crate::failure::Failure;
use crate::id::SalesforceId;
use crate::mapping::convert::read_json;
use crate::mapping::{ConversionCause, ConversionProblem, MappingPlan, literal};
use crate::ports::inbox::{ChangeKind, ReceivedChange};
use crate::version::SalesforceVersion;

const ID: &str = "Id";
const OWNER: &str = "OwnerId";
/// How partners see the owner.
const PARTNER_OWNER: &str = "owner";
const MODSTAMP: &str = "SystemModstamp";
const CREATED_BY: &str = "CreatedById";
const MODIFIED_BY: &str = "LastModifiedById";
const DELETED: &str = "IsDeleted";
const MASTER: &str = "MasterRecordId";
const CONVERTED: &str = "IsConverted";

/// For whom and under what records are read.
#[derive(Debug, Clone, Copy)]
pub struct Reader<'a> {
    /// The plan in force.
    pub plan: &'a MappingPlan,
    /// The gateway's own Salesforce user, once known: tells its writes from those of others.
    pub gateway_user: Option<SalesforceId>,
}

impl Reader<'_> {
    /// Reads a record that REST answered, read at `observed`. A record that says `IsDeleted` is news of its delete.
    ///
    /// # Errors
    /// [`Failure::Unreadable`] when it has no id or no stamp, which Salesforce never leaves out.
    pub fn record(&self, record: &Map<String, Value>, observed: Instant) -> Result<Incoming, Failure> {
        let (salesforce_id, modstamp) = id_and_stamp(record)?;
        let version = SalesforceVersion { modstamp, observed };
        if get(record, DELETED).and_then(Value::as_bool) == Some(true) {
            return Ok(Incoming::Deleted {
                salesforce_id,
                version,
                merged: merged_into(record),
                external_id: self.external_id(record).flatten(),
            });
        }
        Ok(Incoming::Present(self.snapshot(record, salesforce_id, version)))
    }

    /// Reads a change that was posted.
    ///
    /// # Errors
    /// [`Failure::Unreadable`] when its fields are no JSON object, which receiving has ruled out.
    pub fn change(&self, change: &ReceivedChange) -> Result<Incoming, Failure> {
        let fields: Map<String, Value> = if change.fields.is_empty() {
            Map::new()
        } else {
            serde_json::from_str(&change.fields).map_err(|_malformed| Failure::Unreadable {
                message: "expected the fields of a change as a JSON object".to_owned(),
            })?
        };
        match change.kind {
            ChangeKind::Delete => Ok(Incoming::Deleted {
                salesforce_id: change.salesforce_id,
                version: change.version,
                merged: change.merged,
                external_id: self.external_id(&fields).flatten(),
            }),
            ChangeKind::Upsert => {
                let mut snapshot = self.snapshot(&fields, change.salesforce_id, change.version);
                snapshot.changed = self.changed(change);
                Ok(Incoming::Present(snapshot))
            }
        }
    }

    /// Adds to a reading what stands beside the mapped values: the external id, who made the record and who modified it
    /// last, what a lead became. `text` gives a column's text: `None` where it was not read, `Some(None)` where it holds nothing.
    pub fn read_marks<'t>(&self, snapshot: &mut Snapshot, text: impl Fn(&str) -> Option<Option<&'t str>>) {
        snapshot.external_id = self
            .plan
            .external_id
            .as_deref()
            .and_then(&text)
            .map(|value| value.map(str::to_owned));
        let is_gateway = |name: &str| {
            let gateway = self.gateway_user?;
            Some(SalesforceId::parse(text(name)??) == Ok(gateway))
        };
        snapshot.made_by_gateway = is_gateway(CREATED_BY);
        // Where nothing is written to Salesforce, nothing that is read is the gateway's own.
        snapshot.by_gateway = is_gateway(MODIFIED_BY).filter(|_| self.plan.writes_salesforce());
        let id = |name: &str| text(name)?.and_then(|id| SalesforceId::parse(id).ok());
        snapshot.modified_by = id(MODIFIED_BY);
        snapshot.converted = (text(CONVERTED) == Some(Some("true"))).then(|| Converted {
            contact: id("ConvertedContactId"),
            account: id("ConvertedAccountId"),
            opportunity: id("ConvertedOpportunityId"),
        });
    }

    fn snapshot(
        &self,
        record: &Map<String, Value>,
        salesforce_id: SalesforceId,
        version: SalesforceVersion,
    ) -> Snapshot {
        let owner = match get(record, OWNER) {
            None | Some(Value::Null) => Ok(None),
            Some(owner) => read_owner(owner.as_str().unwrap_or_default()).map(Some),
        };
        let mut snapshot = with_owner(owner, |owner| {
            Snapshot::read(self.plan, salesforce_id, version, owner, |field| {
                get(record, &field.salesforce.name).map(|value| read_json(field.salesforce.kind, value))
            })
        });
        self.read_marks(&mut snapshot, |name| match get(record, name)? {
            Value::String(text) => Some(Some(text.as_str()).filter(|text| !text.is_empty())),
            Value::Bool(true) => Some(Some("true")),
            _ => Some(None),
        });
        snapshot
    }

    /// Times of edits under the plan's own spelling of the fields; never later than the record's stamp.
    fn changed(&self, change: &ReceivedChange) -> std::collections::BTreeMap<String, Instant> {
        let synced: Vec<&str> = self
            .plan
            .synced_fields()
            .map(|field| field.salesforce.name.as_str())
            .chain(self.plan.has_owner.then_some(OWNER))
            .collect();
        change
            .changed
            .iter()
            .filter_map(|(name, at)| {
                let name = synced.iter().find(|synced| synced.eq_ignore_ascii_case(name))?;
                Some(((*name).to_owned(), (*at).min(change.version.modstamp)))
            })
            .collect()
    }

    fn external_id(&self, record: &Map<String, Value>) -> Option<Option<String>> {
        let value = get(record, self.plan.external_id.as_deref()?)?;
        Some(value.as_str().filter(|text| !text.is_empty()).map(str::to_owned))
    }
}

/// Id and SystemModstamp of a record that REST answered.
///
/// # Errors
/// [`Failure::Unreadable`] when one of them is missing.
pub fn id_and_stamp(record: &Map<String, Value>) -> Result<(SalesforceId, Instant), Failure> {
    let salesforce_id = text(record, ID)
        .and_then(|id| SalesforceId::parse(id).ok())
        .ok_or_else(|| Failure::Unreadable {
            message: "expected the Id of each record".to_owned(),
        })?;
    let modstamp = text(record, MODSTAMP)
        .and_then(literal::date_time)
        .ok_or_else(|| missing_stamp(salesforce_id))?;
    Ok((salesforce_id, modstamp))
}

/// A record whose SystemModstamp is missing or no moment.
pub fn missing_stamp(id: SalesforceId) -> Failure {
    Failure::Unreadable {
        message: format!("expected the SystemModstamp of record {id}"),
    }
}

/// Reads an owner's id.
///
/// # Errors
/// [`ConversionProblem`] when the text is no id.
pub fn read_owner(owner: &str) -> Result<SalesforceId, ConversionProblem> {
    SalesforceId::parse(owner).map_err(|_malformed| ConversionProblem {
        salesforce_field: OWNER.to_owned(),
        partner_field: PARTNER_OWNER.to_owned(),
        cause: ConversionCause::Malformed {
            expected: "a user's id".to_owned(),
        },
    })
}

/// A reading with its owner. An owner that is not understood holds the record like any other value of it.
pub fn with_owner(
    owner: Result<Option<SalesforceId>, ConversionProblem>,
    read: impl FnOnce(Option<SalesforceId>) -> Snapshot,
) -> Snapshot {
    match owner {
        Ok(owner) => read(owner),
        Err(problem) => {
            let mut snapshot = read(None);
            snapshot.unreadable.push(problem);
            snapshot
        }
    }
}

fn merged_into(record: &Map<String, Value>) -> MergedInto {
    match get(record, MASTER) {
        None => MergedInto::Unknown,
        Some(master) => master
            .as_str()
            .and_then(|master| SalesforceId::parse(master).ok())
            .map_or(MergedInto::Nothing, MergedInto::Record),
    }
}

/// API names ignore case; the plan's spelling is tried first since it is nearly always the one sent.
fn get<'a>(record: &'a Map<String, Value>, name: &str) -> Option<&'a Value> {
    record.get(name).or_else(|| {
        record
            .iter()
            .find(|(key, _)| key.eq_ignore_ascii_case(name))
            .map(|(_, value)| value)
    })
}

fn text<'a>(record: &'a Map<String, Value>, name: &str) -> Option<&'a str> {
    get(record, name)?.as_str()
}

#[cfg(test)]
mod tests;
