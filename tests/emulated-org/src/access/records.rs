//! Reads the records that hold permissions by the names of their fields.

use crate::data::{Data, Row};
use crate::id::RecordId;
use crate::schema::Object;
use crate::value::Value;

/// A live row with its object, so that its fields have names.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Record<'d> {
    pub(crate) object: &'d Object,
    pub(crate) row: &'d Row,
}

impl<'d> Record<'d> {
    pub(crate) fn get(&self, field: &str) -> &'d Value {
        static NULL: Value = Value::Null;
        self.object
            .field(field)
            .map_or(&NULL, |(position, _)| self.row.get(position))
    }

    pub(crate) fn text(&self, field: &str) -> &'d str {
        match self.get(field) {
            Value::Text(text) => text,
            _ => "",
        }
    }

    pub(crate) fn id_in(&self, field: &str) -> Option<RecordId> {
        match self.get(field) {
            Value::Id(id) => Some(*id),
            _ => None,
        }
    }

    pub(crate) fn is(&self, field: &str) -> bool {
        self.get(field) == &Value::Boolean(true)
    }
}

/// All live records of an object.
pub(crate) fn all<'d>(data: &'d Data, object: &str) -> impl Iterator<Item = Record<'d>> {
    data.table(object).into_iter().flat_map(|table| {
        let live = table.rows().filter(|row| !row.is_deleted());
        live.map(|row| Record {
            object: &table.object,
            row,
        })
    })
}

/// The live record with this id.
pub(crate) fn one<'d>(data: &'d Data, object: &str, id: RecordId) -> Option<Record<'d>> {
    let table = data.table(object)?;
    let row = table.get(&id).filter(|row| !row.is_deleted())?;
    Some(Record {
        object: &table.object,
        row,
    })
}

/// The live records whose reference field leads to a record.
pub(crate) fn referring<'d>(data: &'d Data, object: &str, field: &str, to: RecordId) -> Vec<Record<'d>> {
    let Some(table) = data.table(object) else {
        return Vec::new();
    };
    let indexed = table
        .object
        .field(field)
        .and_then(|(position, _)| table.find_by_reference(position, to));
    match indexed {
        Some(ids) => ids.filter_map(|id| one(data, object, id)).collect(),
        None => all(data, object)
            .filter(|record| record.id_in(field) == Some(to))
            .collect(),
    }
}
