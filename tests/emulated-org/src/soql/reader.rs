//! Follows checked paths from rows to values.

use std::borrow::Cow;

use super::path::{FieldPath, Slot, Target};
use crate::data::{Data, Row, Table};
use crate::schema::{Field, Object};
use crate::value::Value;

static NULL: Value = Value::Null;

/// A path together with the tables it leads through, found once for many rows.
#[derive(Debug)]
pub struct Reader<'a> {
    object: &'a Object,
    path: &'a FieldPath,
    hops: Vec<Vec<(&'a Target, &'a Table)>>,
}

/// What a path leads to.
#[derive(Clone, Debug)]
pub enum Cell<'a> {
    /// A stored value and its field.
    Stored(&'a Value, &'a Field),
    /// A value that no field stores: an id, a deletion mark, an object's name.
    Made(Value),
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
            object,
            path,
            hops: hops.collect(),
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
        step.cell()
    }

    /// The value at the end of the path, null where there is none.
    #[must_use]
    pub fn value(&self, row: &'a Row) -> Cow<'a, Value> {
        match self.cell(row) {
            Cell::Stored(value, _) => Cow::Borrowed(value),
            Cell::Made(value) => Cow::Owned(value),
            Cell::Compound(..) | Cell::Nothing => Cow::Borrowed(&NULL),
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
        (parents, step.cell())
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
        let Value::Id(parent) = from.row.get(position) else {
            return None;
        };
        let prefix = parent.prefix();
        let (target, table) = self
            .hops
            .get(hop)?
            .iter()
            .find(|(target, _)| target.object.key_prefix == prefix)?;
        Some(Step {
            row: table.get(parent)?,
            object: &table.object,
            slot: target.next,
        })
    }
}

impl<'a> Step<'a> {
    fn cell(self) -> Cell<'a> {
        match self.slot {
            None => Cell::Nothing,
            Some(Slot::Id) => Cell::Made(Value::Id(self.row.id())),
            Some(Slot::IsDeleted) => Cell::Made(Value::Boolean(self.row.is_deleted())),
            Some(Slot::TypeName) => Cell::Made(Value::text(self.object.name.as_str())),
            Some(Slot::Field(position)) => match self.object.fields.get(position) {
                Some(field) => Cell::Stored(self.row.get(position), field),
                None => Cell::Nothing,
            },
            Some(Slot::Compound(position)) => Cell::Compound(self.row, self.object, position),
        }
    }
}
