//! What the org answers to readers.

use causeway_core::Instant;
use causeway_core::id::SalesforceId;
use causeway_core::mapping::literal;
use serde_json::{Map, Value as Json, json};

use crate::org::Org;
use crate::org::row::{Row, Value};
use crate::org::schema::{EXTERNAL_ID, Object};

/// A record as REST gives it.
pub type Record = Map<String, Json>;

impl Org {
    /// Records by id, in that order; none for one that is deleted.
    pub fn retrieve(&self, ids: &[SalesforceId], fields: &[&str]) -> Vec<Option<Record>> {
        let find = |id: &SalesforceId| {
            let row = self.rows.get(id).filter(|row| row.is_live())?;
            Some(record(row, fields))
        };
        ids.iter().map(find).collect()
    }

    /// Records that meet a condition, also those in the bin, by (SystemModstamp, Id).
    pub fn query_all(
        &self,
        object: Object,
        fields: &[&str],
        limit: usize,
        meets: impl Fn(&Row) -> bool,
    ) -> Vec<Record> {
        let mut found: Vec<&Row> = self
            .rows
            .values()
            .filter(|row| row.object == object && row.is_remembered() && meets(row))
            .collect();
        found.sort_by_key(|row| (row.stamp, row.id));
        found.truncate(limit);
        found.into_iter().map(|row| record(row, fields)).collect()
    }

    /// Live records that meet a condition, by (SystemModstamp, Id).
    pub fn query(
        &self,
        object: Object,
        fields: &[&str],
        limit: usize,
        meets: impl Fn(&Row) -> bool,
    ) -> Vec<Record> {
        self.query_all(object, fields, limit, |row| row.is_live() && meets(row))
    }

    /// Makes a query job over all live records of an object; it has run at once.
    pub fn open_query(&mut self, object: Object, fields: &[&str]) -> String {
        self.serial += 1;
        let name = format!("750{:012}", self.serial);
        let rows = self.query(object, fields, usize::MAX, |_| true);
        self.queries.insert(name.clone(), rows);
        name
    }

    /// A page of a query job's rows.
    pub fn query_page(&self, job: &str, from: usize, most: usize) -> Vec<Record> {
        let rows = self.queries.get(job).map_or(&[][..], Vec::as_slice);
        rows.iter().skip(from).take(most).cloned().collect()
    }
}

/// The chosen fields of a record.
pub fn record(row: &Row, fields: &[&str]) -> Record {
    let mut record = Map::new();
    for field in fields {
        record.insert((*field).to_owned(), value(row, field));
    }
    record
}

fn value(row: &Row, field: &str) -> Json {
    match field {
        "Id" => json!(row.id.as_str()),
        "OwnerId" => json!(row.owner.as_str()),
        "SystemModstamp" => json!(written(row.stamp)),
        "CreatedById" => json!(super::id(Org::actor_user(row.made_by)).as_str()),
        "LastModifiedById" => json!(super::id(Org::actor_user(row.modified_by)).as_str()),
        "IsDeleted" => json!(!row.is_live()),
        "MasterRecordId" => id_or_null(row.gone.and_then(|gone| gone.master)),
        "IsConverted" => json!(row.converted.is_some()),
        "ConvertedContactId" => id_or_null(row.converted.map(|became| became.contact)),
        "ConvertedAccountId" => id_or_null(row.converted.map(|became| became.account)),
        "ConvertedOpportunityId" => Json::Null,
        EXTERNAL_ID => row.external.as_ref().map_or(Json::Null, |text| json!(text)),
        _ => row.values.get(field).map_or(Json::Null, Value::json),
    }
}

fn id_or_null(id: Option<SalesforceId>) -> Json {
    id.map_or(Json::Null, |id| json!(id.as_str()))
}

/// A moment as Salesforce writes it.
pub fn written(at: Instant) -> String {
    literal::write_date_time(at)
}
