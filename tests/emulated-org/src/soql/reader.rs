//! Follows checked paths from rows to values.

use std::borrow::Cow;

use chrono::{DateTime, Utc};

use super::path::{FieldPath, Slot, Target};
use crate::data::definitions::is_definition;
use crate::data::{Data, Row, Table};
use crate::formula::Context;
use crate::id::RecordId;
use crate::schema::{Field, FieldType, Object};
use crate::value::Value;

static NULL: Value = Value::Null;

/// A path together with the tables it leads through, found once for many rows.
#[derive(Debug)]
pub struct Reader<'a> {
    now: DateTime<Utc>,
    object: &'a Object,
    path: &'a FieldPath,
    hops: Vec<Vec<(&'a Target, &'a Table)>>,
    data: &'a Data,
}

/// What a path leads to.
#[derive(Clone, Debug)]
pub enum Cell<'a> {
    /// A stored value and its field.
    Stored(&'a Value, &'a Field),
    /// The value of a formula field.
    Calculated(Value, &'a Field),
    /// A value that no field stores: an id, a deletion mark, an object's name.
    Made(Value),
    /// The content at a position of an object, which answers give as an address.
    Content(&'a Row, &'a Object, usize),
    /// The compound field at a position of an object, to be made from a row's parts.
    Compound(&'a Row, &'a Object, usize),
    /// No value, or no parent to hold one.
    Nothing,
}

/// A parent on the way of a path.
#[derive(Clone, Copy, Debug)]
pub struct Parent<'a> {
    /// The relationship that leads to it.
    pub relationship: &'a str,
    /// Its row and object; `None` where the reference is empty or leads nowhere.
    pub found: Option<(&'a Row, &'a Object)>,
    /// Whether rows of several objects can stand there.
    pub polymorphic: bool,
}

/// A row on the way of a path, with what to read on it next.
#[derive(Clone, Copy, Debug)]
struct Step<'a> {
    row: &'a Row,
    object: &'a Object,
    slot: Option<Slot>,
}

impl<'a> Reader<'a> {
    /// Prepares a path for rows of `object`.
    #[must_use]
    pub fn new(path: &'a FieldPath, object: &'a Object, data: &'a Data) -> Self {
        let hops = path.hops.iter().map(|hop| {
            let tables = hop
                .targets
                .iter()
                .filter_map(|to| Some((to, data.table(&to.object.name)?)));
            tables.collect()
        });
        Self {
            now: data.now(),
            object,
            path,
            hops: hops.collect(),
            data,
        }
    }

    /// The path that is followed.
    #[must_use]
    pub fn path(&self) -> &'a FieldPath {
        self.path
    }

    /// What stands at the end of the path.
    #[must_use]
    pub fn cell(&self, row: &'a Row) -> Cell<'a> {
        let mut step = self.start(row);
        for hop in 0..self.hops.len() {
            match self.follow(step, hop) {
                Some(next) => step = next,
                None => return Cell::Nothing,
            }
        }
        self.at(step)
    }

    /// The value at the end of the path, null where there is none.
    #[must_use]
    pub fn value(&self, row: &'a Row) -> Cow<'a, Value> {
        match self.cell(row) {
            Cell::Stored(value, _) => Cow::Borrowed(value),
            Cell::Made(value) | Cell::Calculated(value, _) => Cow::Owned(value),
            Cell::Compound(..) | Cell::Content(..) | Cell::Nothing => Cow::Borrowed(&NULL),
        }
    }

    /// The parents on the way to the end of the path, nearest first, and what stands there. Where a parent is
    /// missing the way ends with it.
    #[must_use]
    pub fn trail(&self, row: &'a Row) -> (Vec<Parent<'a>>, Cell<'a>) {
        let mut step = self.start(row);
        let mut parents = Vec::with_capacity(self.hops.len());
        for (index, (hop, relationship)) in self.path.hops.iter().zip(&self.path.names).enumerate() {
            let next = self.follow(step, index);
            let found = next.map(|next| (next.row, next.object));
            parents.push(Parent {
                relationship,
                found,
                polymorphic: hop.polymorphic,
            });
            match next {
                Some(next) => step = next,
                None => return (parents, Cell::Nothing),
            }
        }
        (parents, self.at(step))
    }

    fn at(&self, step: Step<'a>) -> Cell<'a> {
        let Some(Slot::Field(position)) = step.slot else {
            return step.cell();
        };
        let Some(field) = step.object.fields.get(position) else {
            return Cell::Nothing;
        };
        let context = || Context::reading(self.data, step.object, step.row, self.now);
        match &field.formula {
            Some(formula) => Cell::Calculated(formula.field_value(&context(), field), field),
            None => step.cell(),
        }
    }

    fn start(&self, row: &'a Row) -> Step<'a> {
        Step {
            row,
            object: self.object,
            slot: Some(self.path.root),
        }
    }

    fn follow(&self, from: Step<'a>, hop: usize) -> Option<Step<'a>> {
        let Slot::Field(position) = from.slot? else {
            return None;
        };
        let parent = match from.row.get(position) {
            Value::Id(parent) => *parent,
            durable @ Value::Text(_) => self.data.defined(from.object.fields.get(position)?, durable)?,
            _ => return None,
        };
        let prefix = parent.prefix();
        let (target, table) = self
            .hops
            .get(hop)?
            .iter()
            .find(|(target, _)| target.object.key_prefix == prefix)?;
        // A parent that the user does not see is as good as none (believed).
        let row = table
            .get(&parent)
            .filter(|row| target.object.shows(row, self.data))?;
        Some(Step {
            row,
            object: &table.object,
            slot: target.next,
        })
    }
}

impl<'a> Step<'a> {
    fn cell(self) -> Cell<'a> {
        match self.slot {
            None => Cell::Nothing,
            // Definitions have no ids of their own: answers show zeros, as people print them.
            Some(Slot::Id) if is_definition(&self.object.name) => Cell::Made(Value::Id(RecordId::MIN)),
            Some(Slot::Id) => Cell::Made(Value::Id(self.row.id())),
            Some(Slot::IsDeleted) => Cell::Made(Value::Boolean(self.row.is_deleted())),
            Some(Slot::TypeName) => Cell::Made(Value::text(self.object.name.as_str())),
            Some(Slot::Field(position)) => match self.object.fields.get(position) {
                Some(field) if field.kind == FieldType::Base64 && !self.row.get(position).is_null() => {
                    Cell::Content(self.row, self.object, position)
                }
                Some(field) => Cell::Stored(self.row.get(position), field),
                None => Cell::Nothing,
            },
            Some(Slot::Compound(position)) => Cell::Compound(self.row, self.object, position),
        }
    }
}
