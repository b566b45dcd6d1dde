//! Salesforce's data in its three forms (Bulk rows, REST records, posted changes) into news that the core decides
//! on.

use std::sync::Arc;

use causeway_core::Instant;
use causeway_core::decide::{Incoming, Snapshot};
use causeway_core::failure::Failure;
use causeway_core::id::{FieldId, SalesforceId};
use causeway_core::mapping::convert::{read_json, read_text};
use causeway_core::mapping::{ConversionCause, ConversionProblem, MappingPlan, literal};
use causeway_core::ports::inbox::{ChangeKind, ReceivedChange};
use causeway_core::version::SalesforceVersion;
use serde_json::{Map, Value};

use crate::salesforce::csv::Row;

const ID: &str = "Id";
const OWNER: &str = "OwnerId";
/// How partners see the owner.
const PARTNER_OWNER: &str = "owner";
const MODSTAMP: &str = "SystemModstamp";

/// Reads the rows of Bulk results by the header of their page.
#[derive(Debug)]
pub struct RowReader {
    plan: Arc<MappingPlan>,
    /// Columns that each row must have.
    width: usize,
    id: usize,
    modstamp: usize,
    owner: Option<usize>,
    /// Column of each synced field, in the plan's order.
    columns: Vec<(FieldId, usize)>,
    observed: Instant,
}

/// The results lack a column that the plan needs: they were asked for under another plan, or are no results.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("expected a column {0} in the results of the query job")]
pub struct MissingColumn(pub String);

impl RowReader {
    /// A reader for the rows under this header. `observed` is a lower bound of when they were read.
    ///
    /// # Errors
    /// [`MissingColumn`] when a column that the plan needs is missing.
    pub fn new(plan: &Arc<MappingPlan>, header: Row<'_>, observed: Instant) -> Result<Self, MissingColumn> {
        let names: Vec<&str> = header.iter().collect();
        let find = |name: &str| names.iter().position(|column| column.eq_ignore_ascii_case(name));
        let need = |name: &str| find(name).ok_or_else(|| MissingColumn(name.to_owned()));
        let columns = plan
            .synced_fields()
            .map(|field| Ok((field.id, need(&field.salesforce.name)?)))
            .collect::<Result<_, MissingColumn>>()?;
        Ok(RowReader {
            plan: Arc::clone(plan),
            width: names.len(),
            id: need(ID)?,
            modstamp: need(MODSTAMP)?,
            owner: find(OWNER),
            columns,
            observed,
        })
    }

    /// Reads a row.
    ///
    /// # Errors
    /// [`Failure::Unreadable`] when the row has another number of columns than the header, or no id or no stamp,
    /// which Salesforce never leaves out.
    pub fn read(&self, row: Row<'_>) -> Result<Incoming, Failure> {
        if row.len() != self.width {
            return Err(Failure::Unreadable {
                message: format!("expected {} columns in each row, not {}", self.width, row.len()),
            });
        }
        let id = row.get(self.id).unwrap_or_default();
        let salesforce_id = SalesforceId::parse(id).map_err(|error| Failure::Unreadable {
            message: format!("expected the Id of each row: {error}"),
        })?;
        let modstamp = row
            .get(self.modstamp)
            .and_then(literal::date_time)
            .ok_or_else(|| missing_stamp(salesforce_id))?;
        let version = SalesforceVersion {
            modstamp,
            observed: self.observed,
        };
        let owner = match self.owner.and_then(|column| row.get(column)) {
            None | Some("") => Ok(None),
            Some(owner) => read_owner(owner).map(Some),
        };
        let mut columns = self.columns.iter();
        let snapshot = with_owner(owner, |owner| {
            Snapshot::read(&self.plan, salesforce_id, version, owner, |field| {
                let (_, column) = columns.find(|(id, _)| *id == field.id)?;
                Some(read_text(field.salesforce.kind, row.get(*column)?))
            })
        });
        Ok(Incoming::Present(snapshot))
    }
}

/// Reads a record that REST answered, read at `observed`.
///
/// # Errors
/// [`Failure::Unreadable`] when it has no id or no stamp.
pub fn from_rest(
    plan: &MappingPlan,
    record: &Map<String, Value>,
    observed: Instant,
) -> Result<Incoming, Failure> {
    let (salesforce_id, modstamp) = id_and_stamp(record)?;
    let version = SalesforceVersion { modstamp, observed };
    Ok(Incoming::Present(snapshot(plan, record, salesforce_id, version)))
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

/// Reads a change that was posted.
///
/// # Errors
/// [`Failure::Unreadable`] when its fields are no JSON object, which receiving has ruled out.
pub fn from_change(plan: &MappingPlan, change: &ReceivedChange) -> Result<Incoming, Failure> {
    match change.kind {
        ChangeKind::Delete => Ok(Incoming::Deleted {
            salesforce_id: change.salesforce_id,
            version: change.version,
        }),
        ChangeKind::Upsert => {
            let fields: Map<String, Value> =
                serde_json::from_str(&change.fields).map_err(|_malformed| Failure::Unreadable {
                    message: "expected the fields of a change as a JSON object".to_owned(),
                })?;
            Ok(Incoming::Present(snapshot(
                plan,
                &fields,
                change.salesforce_id,
                change.version,
            )))
        }
    }
}

fn snapshot(
    plan: &MappingPlan,
    record: &Map<String, Value>,
    salesforce_id: SalesforceId,
    version: SalesforceVersion,
) -> Snapshot {
    let owner = match get(record, OWNER) {
        None | Some(Value::Null) => Ok(None),
        Some(owner) => read_owner(owner.as_str().unwrap_or_default()).map(Some),
    };
    with_owner(owner, |owner| {
        Snapshot::read(plan, salesforce_id, version, owner, |field| {
            get(record, &field.salesforce.name).map(|value| read_json(field.salesforce.kind, value))
        })
    })
}

fn read_owner(owner: &str) -> Result<SalesforceId, ConversionProblem> {
    SalesforceId::parse(owner).map_err(|_malformed| ConversionProblem {
        salesforce_field: OWNER.to_owned(),
        partner_field: PARTNER_OWNER.to_owned(),
        cause: ConversionCause::Malformed {
            expected: "a user's id".to_owned(),
        },
    })
}

/// An owner that is not understood holds the record like any other value of it.
fn with_owner(
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

fn missing_stamp(id: SalesforceId) -> Failure {
    Failure::Unreadable {
        message: format!("expected the SystemModstamp of record {id}"),
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
mod tests {
    use causeway_core::mapping::SalesforceType;
    use serde_json::json;

    use super::*;
    use crate::app::sample::contact_plan;
    use crate::salesforce::csv::CsvReader;

    const STAMP: &str = "2026-11-22T06:04:37.000Z";

    fn plan() -> Arc<MappingPlan> {
        contact_plan(&[("OwnerId", SalesforceType::Reference)])
    }

    fn from_row(owner: &str) -> Snapshot {
        let mut csv = CsvReader::default();
        let header = b"Id,Name,OwnerId,SystemModstamp\n";
        let reader = RowReader::new(
            &plan(),
            csv.read(header).unwrap().row.unwrap(),
            Instant::UNIX_EPOCH,
        )
        .unwrap();
        let row = format!("003000000000001,Ann,{owner},{STAMP}\n");
        present(
            reader
                .read(csv.read(row.as_bytes()).unwrap().row.unwrap())
                .unwrap(),
        )
    }

    fn from_json(owner: &Value) -> Snapshot {
        let record =
            json!({"Id": "003000000000001", "Name": "Ann", "OwnerId": owner, "SystemModstamp": STAMP});
        present(from_rest(&plan(), record.as_object().unwrap(), Instant::UNIX_EPOCH).unwrap())
    }

    fn present(incoming: Incoming) -> Snapshot {
        match incoming {
            Incoming::Present(snapshot) => snapshot,
            Incoming::Deleted { .. } => panic!("a reading is no delete"),
        }
    }

    #[test]
    fn an_owner_that_is_no_id_holds_its_record_alone() {
        for snapshot in [
            from_row("nobody"),
            from_json(&json!("nobody")),
            from_json(&json!(7)),
        ] {
            assert_eq!(snapshot.owner, None);
            let problems: Vec<String> = snapshot.unreadable.iter().map(ToString::to_string).collect();
            assert_eq!(problems, ["OwnerId to owner: not a user's id"]);
            assert_eq!(
                snapshot.fields.into_iter().collect::<Vec<_>>(),
                [(
                    "Name".to_owned(),
                    causeway_core::record::FieldValue::Text("Ann".to_owned())
                )]
            );
        }
    }

    #[test]
    fn an_owner_and_none_are_read() {
        let owner = SalesforceId::parse("005000000000001").unwrap();
        for (snapshot, owner) in [
            (from_row("005000000000001"), Some(owner)),
            (from_json(&json!("005000000000001")), Some(owner)),
            (from_row(""), None),
            (from_json(&Value::Null), None),
        ] {
            assert_eq!((snapshot.owner, snapshot.unreadable), (owner, Vec::new()));
        }
    }
}
