//! Records found by what they carry, and what is left of those that are gone.

use std::collections::{BTreeMap, BTreeSet};

use causeway_core::Instant;
use causeway_core::failure::Failure;
use causeway_core::id::SalesforceId;
use causeway_core::mapping::literal;
use causeway_core::record::FieldValue;
use serde_json::Value;

use crate::salesforce::rest::{JsonRecord, Seen};
use crate::salesforce::{Salesforce, soql};

/// Records that carry one of the values asked for.
#[derive(Debug)]
pub struct Found {
    /// The records, in no order.
    pub records: Vec<JsonRecord>,
    /// Salesforce's clock at the first reading, in whole seconds rounded down.
    pub at: Instant,
}

/// What is left of records that cannot be read by id.
#[derive(Debug)]
pub struct Remains {
    /// Those that are deleted. Records that Salesforce has forgotten, or hides from the user, are in neither list.
    pub deleted: BTreeMap<SalesforceId, Tombstone>,
    /// Those that live (again).
    pub live: BTreeSet<SalesforceId>,
    /// Salesforce's clock at the first reading, in whole seconds rounded down.
    pub at: Instant,
}

/// A deleted record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tombstone {
    /// SystemModstamp.
    pub modstamp: Instant,
    /// The record into which it was merged (`MasterRecordId`).
    pub merged_into: Option<SalesforceId>,
}

impl Salesforce {
    /// Reads the records whose `field` holds one of `values`, in as few queries as short addresses allow. Salesforce
    /// compares texts without regard to case, unless the field is a case-sensitive external id: compare again what
    /// matters.
    ///
    /// # Errors
    /// What Salesforce answered.
    pub async fn find(
        &self,
        object: &str,
        fields: &[&str],
        field: &str,
        values: &[FieldValue],
        seen: Seen,
    ) -> Result<Found, Failure> {
        let mut records = Vec::new();
        let mut first = None;
        let literals = values.iter().filter_map(soql::literal);
        for soql in soql::select_in(object, fields, field, literals) {
            let mut pages = self.query(soql, seen);
            while let Some(mut page) = pages.next().await? {
                records.append(&mut page);
            }
            first = first.or(pages.at);
        }
        Ok(Found {
            records,
            at: first.unwrap_or_else(|| self.clock.now()),
        })
    }

    /// As [`Salesforce::find`] in one query, of which `most` records are read. None: the values make too long an
    /// address for one query.
    ///
    /// # Errors
    /// What Salesforce answered.
    pub async fn find_some(
        &self,
        object: &str,
        fields: &[&str],
        field: &str,
        values: &[FieldValue],
        most: usize,
    ) -> Result<Option<Found>, Failure> {
        let literals = values.iter().filter_map(soql::literal);
        let mut queries = soql::select_in(object, fields, field, literals).into_iter();
        let (query, further) = (queries.next(), queries.next());
        if further.is_some() {
            return Ok(None);
        }
        let mut found = Found {
            records: Vec::new(),
            at: self.clock.now(),
        };
        if let Some(query) = query {
            let mut pages = self.query(format!("{query} LIMIT {most}"), Seen::Live);
            while let Some(mut page) = pages.next().await? {
                found.records.append(&mut page);
            }
            found.at = pages.at.unwrap_or(found.at);
        }
        Ok(Some(found))
    }

    /// Looks records up that could not be read by id. `mergeable`: the object has `MasterRecordId`.
    ///
    /// # Errors
    /// What Salesforce answered.
    pub async fn remains(
        &self,
        object: &str,
        ids: &[SalesforceId],
        mergeable: bool,
    ) -> Result<Remains, Failure> {
        let mut fields = vec!["Id", "IsDeleted", "SystemModstamp"];
        fields.extend(mergeable.then_some("MasterRecordId"));
        let ids: Vec<FieldValue> = ids.iter().copied().map(FieldValue::Reference).collect();
        let found = self.find(object, &fields, "Id", &ids, Seen::Deleted).await?;
        let mut remains = Remains {
            deleted: BTreeMap::new(),
            live: BTreeSet::new(),
            at: found.at,
        };
        for record in &found.records {
            let id = read_id(record, "Id").ok_or_else(|| missing("Id"))?;
            match record.get("IsDeleted") {
                Some(Value::Bool(true)) => {
                    let tombstone = Tombstone {
                        modstamp: record
                            .get("SystemModstamp")
                            .and_then(Value::as_str)
                            .and_then(literal::date_time)
                            .ok_or_else(|| missing("SystemModstamp"))?,
                        merged_into: read_id(record, "MasterRecordId"),
                    };
                    remains.deleted.insert(id, tombstone);
                }
                Some(Value::Bool(false)) => {
                    remains.live.insert(id);
                }
                _ => return Err(missing("IsDeleted")),
            }
        }
        Ok(remains)
    }
}

fn read_id(record: &JsonRecord, field: &str) -> Option<SalesforceId> {
    record
        .get(field)
        .and_then(Value::as_str)
        .and_then(|id| SalesforceId::parse(id).ok())
}

fn missing(field: &str) -> Failure {
    Failure::Unreadable {
        message: format!("expected the {field} of each record"),
    }
}
