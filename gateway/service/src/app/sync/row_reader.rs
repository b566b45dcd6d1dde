//! The rows of Bulk results into news that the core decides on.

use std::sync::Arc;

use causeway_core::Instant;
use causeway_core::decide::Incoming;
use causeway_core::decide::Snapshot;
use causeway_core::failure::Failure;
use causeway_core::id::{FieldId, SalesforceId};
use causeway_core::mapping::convert::read_text;
use causeway_core::mapping::reading::{Reader, missing_stamp, read_owner, with_owner};
use causeway_core::mapping::{MappingPlan, literal};
use causeway_core::version::SalesforceVersion;

use crate::salesforce::csv::Row;

const ID: &str = "Id";
const OWNER: &str = "OwnerId";
const MODSTAMP: &str = "SystemModstamp";

/// For whom and under what rows are read.
#[derive(Debug, Clone)]
pub(super) struct RowSetting {
    /// The plan in force.
    pub plan: Arc<MappingPlan>,
    /// The gateway's own Salesforce user, once known.
    pub gateway_user: Option<SalesforceId>,
    /// A lower bound of when the rows were read.
    pub observed: Instant,
}

/// Reads the rows of Bulk results by the header of their page.
#[derive(Debug)]
pub(super) struct RowReader {
    setting: RowSetting,
    /// The header. Each row has as many columns.
    names: Vec<String>,
    id: usize,
    modstamp: usize,
    owner: Option<usize>,
    /// Column of each synced field, in the plan's order.
    columns: Vec<(FieldId, usize)>,
}

/// The results lack a column that the plan needs: they were asked for under another plan, or are no results.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("expected a column {0} in the results of the query job")]
pub(super) struct MissingColumn(pub String);

impl RowReader {
    /// A reader for the rows under this header.
    ///
    /// # Errors
    /// [`MissingColumn`] when a column that the plan needs is missing.
    pub(super) fn new(setting: &RowSetting, header: Row<'_>) -> Result<Self, MissingColumn> {
        let names: Vec<String> = header.iter().map(str::to_owned).collect();
        let need = |name: &str| find(&names, name).ok_or_else(|| MissingColumn(name.to_owned()));
        let columns = setting
            .plan
            .synced_fields()
            .map(|field| Ok((field.id, need(&field.salesforce.name)?)))
            .collect::<Result<_, MissingColumn>>()?;
        for name in setting.plan.salesforce_fields() {
            need(name)?;
        }
        Ok(RowReader {
            setting: setting.clone(),
            id: need(ID)?,
            modstamp: need(MODSTAMP)?,
            owner: find(&names, OWNER),
            columns,
            names,
        })
    }

    /// Reads a row.
    ///
    /// # Errors
    /// [`Failure::Unreadable`] when the row has another number of columns than the header, or no id or no stamp,
    /// which Salesforce never leaves out.
    pub(super) fn read(&self, row: Row<'_>) -> Result<Incoming, Failure> {
        let width = self.names.len();
        if row.len() != width {
            return Err(Failure::Unreadable {
                message: format!("expected {width} columns in each row, not {}", row.len()),
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
            observed: self.setting.observed,
        };
        let owner = match self.owner.and_then(|column| row.get(column)) {
            None | Some("") => Ok(None),
            Some(owner) => read_owner(owner).map(Some),
        };
        let plan = &self.setting.plan;
        let mut columns = self.columns.iter();
        let mut snapshot = with_owner(owner, |owner| {
            Snapshot::read(plan, salesforce_id, version, owner, |field| {
                let (_, column) = columns.find(|(id, _)| *id == field.id)?;
                Some(read_text(field.salesforce.kind, row.get(*column)?))
            })
        });
        let reader = Reader {
            plan,
            gateway_user: self.setting.gateway_user,
        };
        reader.read_marks(&mut snapshot, |name| {
            let value = row.get(find(&self.names, name)?)?;
            Some(Some(value).filter(|value| !value.is_empty()))
        });
        Ok(Incoming::Present(snapshot))
    }
}

fn find(names: &[String], name: &str) -> Option<usize> {
    names.iter().position(|column| column.eq_ignore_ascii_case(name))
}

#[cfg(test)]
mod tests {
    use causeway_core::mapping::SalesforceType;

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
        let setting = RowSetting {
            plan: plan(),
            gateway_user: None,
            observed: Instant::UNIX_EPOCH,
        };
        let reader = RowReader::new(&setting, csv.read(header).unwrap().row.unwrap()).unwrap();
        let row = format!("003000000000001,Ann,{owner},{STAMP}\n");
        present(
            reader
                .read(csv.read(row.as_bytes()).unwrap().row.unwrap())
                .unwrap(),
        )
    }

    fn present(incoming: Incoming) -> Snapshot {
        match incoming {
            Incoming::Present(snapshot) => snapshot,
            Incoming::Deleted { .. } => panic!("a reading is no delete"),
        }
    }

    #[test]
    fn an_owner_that_is_no_id_holds_its_record_alone() {
        let snapshot = from_row("nobody");
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

    #[test]
    fn an_owner_and_none_are_read() {
        let owner = SalesforceId::parse("005000000000001").unwrap();
        for (snapshot, owner) in [(from_row("005000000000001"), Some(owner)), (from_row(""), None)] {
            assert_eq!((snapshot.owner, snapshot.unreadable), (owner, Vec::new()));
        }
    }
}
