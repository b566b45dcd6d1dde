//! From the cells of an upload to writes.

use std::sync::Arc;

use super::{Kind, Order};
use crate::data::validate::{malformed_id, wrong_type};
use crate::data::{Draft, Operation, ParentKey, SaveError};
use crate::http::record::value_from_text;
use crate::id::RecordId;
use crate::schema::{Field, FieldType, Object, Schema};
use crate::value::Value;

/// The cell that clears a field.
const CLEAR: &str = "#N/A";

/// What a column holds.
#[derive(Clone, Debug)]
enum Column {
    Id,
    /// The field at a position.
    Field(usize),
    /// The parent behind a reference, by one of the parent's external ids.
    Parent {
        reference: usize,
        parent: Arc<Object>,
        key_field: usize,
    },
}

/// The columns of an upload, checked against the job's object.
#[derive(Clone, Debug)]
pub(in crate::bulk) struct Columns {
    columns: Vec<Column>,
}

impl Columns {
    /// Checks a header.
    ///
    /// # Errors
    /// The job's `errorMessage`.
    pub fn read(header: &[String], order: &Order, schema: &Schema) -> Result<Self, String> {
        let mut columns = Vec::with_capacity(header.len());
        for name in header {
            let column = column(name, &order.object, schema)
                .ok_or_else(|| format!("InvalidBatch : Field name not found : {name}"))?;
            let position = column.position();
            // Binary content comes in zip files of the first Bulk API alone (Bulk API Developer Guide, Load Binary
            // Attachments), which this organisation does not take; the words are believed.
            if position
                .and_then(|position| order.object.fields.get(position))
                .is_some_and(|field| field.kind == FieldType::Base64)
            {
                return Err(format!(
                    "InvalidBatch : Binary fields are not supported in CSV : {name}"
                ));
            }
            columns.push(column);
        }
        let mut seen = std::collections::BTreeSet::new();
        for (column, name) in columns.iter().zip(header) {
            if let Some(position) = column.position()
                && !seen.insert(position)
            {
                return Err(format!("InvalidBatch : Duplicate column : {name}"));
            }
        }
        let deletes = matches!(order.kind, Kind::Delete | Kind::HardDelete);
        if deletes && !header.is_empty() && !matches!(columns.as_slice(), [Column::Id]) {
            let name = order.kind.name();
            return Err(format!("InvalidBatch : The '{name}' batch must contain only ids"));
        }
        Ok(Self { columns })
    }

    /// What a row is to do, and the id that it names.
    pub fn operation(
        &self,
        row: &[String],
        order: &Order,
    ) -> (Result<Operation, SaveError>, Option<RecordId>) {
        let given = self.id_of(row, order);
        let named = given.as_ref().ok().copied().flatten();
        let operation = given.and_then(|id| {
            order.operation(
                id,
                |key_field| self.draft(row, &order.object, key_field),
                |key_field| self.key(row, &order.object, key_field),
            )
        });
        (operation, named)
    }

    fn id_of(&self, row: &[String], order: &Order) -> Result<Option<RecordId>, SaveError> {
        let cell = self.cells(row).find_map(|(column, cell)| match column {
            Column::Id => Some(cell),
            _ => None,
        });
        order.row_id(cell.unwrap_or_default())
    }

    fn key(&self, row: &[String], object: &Object, key_field: usize) -> Result<Value, SaveError> {
        let cell = self.cells(row).find_map(|(column, cell)| match column {
            Column::Field(position) if *position == key_field => Some(cell),
            _ => None,
        });
        match (object.fields.get(key_field), cell) {
            (Some(field), Some(cell)) => value(field, cell),
            _ => Ok(Value::Null),
        }
    }

    fn draft(&self, row: &[String], object: &Object, key_field: Option<usize>) -> Result<Draft, SaveError> {
        let mut draft = Draft::default();
        for (column, cell) in self.cells(row) {
            // An empty cell leaves the field alone.
            if cell.is_empty() {
                continue;
            }
            match column {
                Column::Id => {}
                Column::Field(position) if Some(*position) == key_field => {}
                Column::Field(position) => {
                    if let Some(field) = object.fields.get(*position) {
                        draft.values.push((*position, value(field, cell)?));
                    }
                }
                Column::Parent { reference, .. } if cell == CLEAR => {
                    draft.values.push((*reference, Value::Null));
                }
                Column::Parent {
                    reference,
                    parent,
                    key_field,
                } => {
                    if let Some(field) = parent.fields.get(*key_field) {
                        draft.parents.push(ParentKey {
                            reference: *reference,
                            parent: Arc::clone(parent),
                            key_field: *key_field,
                            key: value(field, cell)?,
                        });
                    }
                }
            }
        }
        Ok(draft)
    }

    fn cells<'a>(&'a self, row: &'a [String]) -> impl Iterator<Item = (&'a Column, &'a str)> {
        self.columns.iter().zip(row.iter().map(String::as_str))
    }
}

impl Column {
    /// The position of the field that the column writes.
    fn position(&self) -> Option<usize> {
        match self {
            Self::Id => None,
            Self::Field(position) => Some(*position),
            Self::Parent { reference, .. } => Some(*reference),
        }
    }
}

/// `Name`, `Account.Ext__c`, or `User:Owner.Username` where a reference may lead to several objects.
fn column(name: &str, object: &Object, schema: &Schema) -> Option<Column> {
    let Some((path, key)) = name.split_once('.') else {
        let (position, field) = object.field(name)?;
        return Some(if field.kind == FieldType::Id {
            Column::Id
        } else {
            Column::Field(position)
        });
    };
    let (target, relationship) = match path.split_once(':') {
        Some((target, relationship)) => (Some(target), relationship),
        None => (None, path),
    };
    let (reference, field) = object.relationship(relationship)?;
    let target = match (target, field.reference_to.as_slice()) {
        (Some(target), targets) => targets
            .iter()
            .find(|known| known.eq_ignore_ascii_case(target))?
            .as_str(),
        (None, [only]) => only.as_str(),
        (None, _) => return None,
    };
    let parent = schema.object(target)?;
    let (key_field, found) = parent.field(key)?;
    let identifies = found.external_id || found.id_lookup || found.kind == FieldType::Id;
    identifies.then(|| Column::Parent {
        reference,
        parent: Arc::clone(parent),
        key_field,
    })
}

fn value(field: &Field, cell: &str) -> Result<Value, SaveError> {
    if cell == CLEAR {
        return Ok(Value::Null);
    }
    if cell.contains('\0') {
        return Err(wrong_type(field, cell));
    }
    value_from_text(field, cell).ok_or_else(|| match field.kind {
        FieldType::Id | FieldType::Reference => malformed_id(field, cell),
        _ => wrong_type(field, cell),
    })
}
