//! Runs checked queries over the stored rows.

use std::cmp::Ordering;
use std::collections::HashMap;
use std::sync::Arc;

use super::comparison::{Test, compare_values};
use super::filter::Filter;
use super::narrow::{Candidates, candidates};
use super::plan::{Plan, Sorting};
use super::reader::{Cell, Reader};
use super::term::{Term, Via};
use crate::access::Sight;
use crate::data::{Data, Row};
use crate::id::RecordId;
use crate::schema::{FieldType, Object};
use crate::value::Value;

/// Which rows a query sees.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// Live rows, as `/query` sees them.
    Live,
    /// Rows in the recycle bin as well, as `/queryAll` sees them.
    WithDeleted,
}

/// The rows that a query finds, in its order. They are shared snapshots: later writes do not change them.
///
/// Without `ORDER BY` rows come in order of their ids; Salesforce promises no order there.
#[must_use]
pub fn run(plan: &Plan, data: &Data, scope: Scope) -> Vec<Arc<Row>> {
    let settled = plan.settled(data, scope);
    let selection = Selection::new(&settled, data, scope);
    let rows = match selection.candidates() {
        Some(Candidates::Ordered(rows)) => selection.cut(rows.filter(|row| selection.passes(row)), true),
        Some(Candidates::Some(rows)) => selection.rows(rows.into_iter()),
        Some(Candidates::All(rows)) => selection.rows(rows.iter()),
        None => Vec::new(),
    };
    rows.into_iter().map(Arc::clone).collect()
}

/// Whether a row passes a query's filter. The row need not be stored.
#[must_use]
pub fn passes(plan: &Plan, row: &Row, data: &Data) -> bool {
    plan.filter.as_ref().is_none_or(|filter| {
        let filter = filter.settled(data, Scope::Live);
        Tried::new(&filter, &plan.object, data).passes(row)
    })
}

/// A settled query bound to the tables.
pub(super) struct Selection<'a> {
    plan: &'a Plan,
    data: &'a Data,
    scope: Scope,
    filter: Option<Tried<'a>>,
}

impl<'a> Selection<'a> {
    pub(super) fn new(plan: &'a Plan, data: &'a Data, scope: Scope) -> Self {
        let filter = plan.filter.as_ref();
        Self {
            plan,
            data,
            scope,
            filter: filter.map(|filter| Tried::new(filter, &plan.object, data)),
        }
    }

    /// Looks at every row that passes, in no order.
    pub(super) fn each(&self, mut look: impl FnMut(&'a Row)) {
        let passing = |row: &&'a Arc<Row>| self.passes(row);
        match self.candidates() {
            Some(Candidates::Ordered(rows)) => rows.filter(passing).for_each(|row| look(row)),
            Some(Candidates::Some(rows)) => rows.into_iter().filter(passing).for_each(|row| look(row)),
            Some(Candidates::All(rows)) => rows.iter().filter(passing).for_each(|row| look(row)),
            None => {}
        }
    }

    /// Those of some rows that the query finds, in its order and number.
    pub(super) fn rows(&self, candidates: impl Iterator<Item = &'a Arc<Row>>) -> Vec<&'a Arc<Row>> {
        self.cut(
            candidates.filter(|row| self.passes(row)),
            self.plan.order.is_empty(),
        )
    }

    fn candidates(&self) -> Option<Candidates<'a>> {
        let table = self.data.table(&self.plan.object.name)?;
        Some(candidates(self.plan, table, self.scope))
    }

    fn passes(&self, row: &'a Row) -> bool {
        (self.scope == Scope::WithDeleted || !row.is_deleted())
            && self.filter.as_ref().is_none_or(|filter| filter.passes(row))
    }

    fn cut(&self, rows: impl Iterator<Item = &'a Arc<Row>>, ordered: bool) -> Vec<&'a Arc<Row>> {
        let offset = self.plan.offset.map_or(0, size);
        let limit = self.plan.limit.map(size);
        if ordered {
            return rows.skip(offset).take(limit.unwrap_or(usize::MAX)).collect();
        }
        let keys: Vec<_> = self
            .plan
            .order
            .iter()
            .map(|sorting| SortKey::new(sorting, &self.plan.object, self.data))
            .collect();
        let mut best = Best {
            keys: &keys,
            wanted: limit.map(|limit| limit.saturating_add(offset)),
            candidates: Vec::new(),
            last_wanted: None,
        };
        for (index, row) in rows.enumerate() {
            best.offer(Candidate {
                keys: keys.iter().map(|key| key.of(row)).collect(),
                index,
                row,
            });
        }
        let rows = best
            .sorted()
            .into_iter()
            .skip(offset)
            .take(limit.unwrap_or(usize::MAX));
        rows.map(|candidate| candidate.row).collect()
    }
}

/// A filter with its paths bound to tables.
enum Tried<'a> {
    All(Vec<Tried<'a>>),
    Any(Vec<Tried<'a>>),
    Not(Box<Tried<'a>>),
    Field(Reader<'a>, &'a Term, &'a Test),
    Shown(&'a Sight, &'a Data),
    /// A stored field of the row itself: the common case, spared the way through [`Reader`].
    Own(usize, &'a Test),
}

impl<'a> Tried<'a> {
    fn new(filter: &'a Filter, object: &'a Object, data: &'a Data) -> Self {
        let each = |filters: &'a [Filter]| {
            filters
                .iter()
                .map(|filter| Self::new(filter, object, data))
                .collect()
        };
        match filter {
            Filter::All(filters) => Self::All(each(filters)),
            Filter::Any(filters) => Self::Any(each(filters)),
            Filter::Not(filter) => Self::Not(Box::new(Self::new(filter, object, data))),
            Filter::Leaf(term, test) => match term.path.own_position() {
                Some(position) if term.via == Via::Value => Self::Own(position, test),
                _ => Self::Field(Reader::new(&term.path, object, data), term, test),
            },
            Filter::Shown(sight) => Self::Shown(sight, data),
            // A settled filter has none.
            Filter::Join(..) => Self::Any(Vec::new()),
        }
    }

    fn passes(&self, row: &'a Row) -> bool {
        match self {
            Self::All(filters) => filters.iter().all(|filter| filter.passes(row)),
            Self::Any(filters) => filters.iter().any(|filter| filter.passes(row)),
            Self::Not(filter) => !filter.passes(row),
            Self::Shown(sight, data) => sight.sees(row, data),
            Self::Field(reader, term, test) => test.passes(&term.made_of(reader.value(row))),
            Self::Own(position, test) => test.passes(row.get(*position)),
        }
    }
}

/// One `ORDER BY` key bound to tables.
struct SortKey<'a> {
    reader: Reader<'a>,
    sorting: &'a Sorting,
    /// Picklists sort by the order of their values, not by the text.
    places: HashMap<&'a str, usize>,
}

/// A row's value under one key, in a form quick to compare.
enum Key<'a> {
    Null,
    Stored(&'a Value),
    Calculated(Value),
    Id(RecordId),
    Boolean(bool),
    Place(usize),
}

struct Candidate<'a> {
    keys: Box<[Key<'a>]>,
    index: usize,
    row: &'a Arc<Row>,
}

impl<'a> SortKey<'a> {
    fn new(sorting: &'a Sorting, object: &'a Object, data: &'a Data) -> Self {
        let field = &sorting.field.field;
        let values = field.picklist_values.iter().enumerate();
        let places = match field.kind {
            FieldType::Picklist => values
                .map(|(place, value)| (value.value.as_str(), place))
                .collect(),
            _ => HashMap::new(),
        };
        Self {
            reader: Reader::new(&sorting.field, object, data),
            sorting,
            places,
        }
    }

    fn of(&self, row: &'a Row) -> Key<'a> {
        match self.reader.cell(row) {
            Cell::Stored(Value::Null, _)
            | Cell::Calculated(Value::Null, _)
            | Cell::Nothing
            | Cell::Content(..)
            | Cell::Compound(..) => Key::Null,
            Cell::Stored(Value::Text(text), _) if !self.places.is_empty() => {
                // Values that are no longer in the picklist come after all others.
                Key::Place(self.places.get(text.as_ref()).copied().unwrap_or(usize::MAX))
            }
            Cell::Stored(value, _) => Key::Stored(value),
            Cell::Calculated(value, _) => Key::Calculated(value),
            Cell::Made(Value::Id(id)) => Key::Id(id),
            Cell::Made(Value::Boolean(boolean)) => Key::Boolean(boolean),
            // `Type` of a parent: objects have no order of their own.
            Cell::Made(_) => Key::Null,
        }
    }

    fn compare(&self, left: &Key<'_>, right: &Key<'_>) -> Ordering {
        let directed = |order: Ordering| {
            if self.sorting.descending {
                order.reverse()
            } else {
                order
            }
        };
        let null_first = if self.sorting.nulls_last {
            Ordering::Greater
        } else {
            Ordering::Less
        };
        match (left, right) {
            (Key::Null, Key::Null) => Ordering::Equal,
            (Key::Null, _) => null_first,
            (_, Key::Null) => null_first.reverse(),
            (Key::Stored(left), Key::Stored(right)) => directed(compare_values(left, right)),
            (Key::Calculated(left), Key::Calculated(right)) => directed(compare_values(left, right)),
            (Key::Id(left), Key::Id(right)) => directed(left.cmp(right)),
            (Key::Boolean(left), Key::Boolean(right)) => directed(left.cmp(right)),
            (Key::Place(left), Key::Place(right)) => directed(left.cmp(right)),
            _ => Ordering::Equal,
        }
    }
}

/// Keeps the first rows of an order while all are looked at, so that sorting a million rows for a page of two
/// thousand neither holds nor sorts the million.
struct Best<'k, 'a> {
    keys: &'k [SortKey<'a>],
    wanted: Option<usize>,
    candidates: Vec<Candidate<'a>>,
    /// Index in `candidates` of the last row that was still wanted when they were last cut.
    last_wanted: Option<usize>,
}

impl<'a> Best<'_, 'a> {
    fn offer(&mut self, candidate: Candidate<'a>) {
        let worst = self.last_wanted.and_then(|at| self.candidates.get(at));
        if worst.is_some_and(|worst| order(self.keys, &candidate, worst).is_ge()) || self.wanted == Some(0) {
            return;
        }
        self.candidates.push(candidate);
        let Some(wanted) = self.wanted else { return };
        if self.candidates.len() >= wanted.saturating_mul(2).saturating_add(1_024) {
            let keys = self.keys;
            self.candidates
                .select_nth_unstable_by(wanted - 1, |left, right| order(keys, left, right));
            self.candidates.truncate(wanted);
            self.last_wanted = Some(wanted - 1);
        }
    }

    fn sorted(mut self) -> Vec<Candidate<'a>> {
        let keys = self.keys;
        self.candidates
            .sort_unstable_by(|left, right| order(keys, left, right));
        self.candidates
    }
}

fn order(keys: &[SortKey<'_>], left: &Candidate<'_>, right: &Candidate<'_>) -> Ordering {
    let by_keys = keys.iter().zip(left.keys.iter().zip(right.keys.iter()));
    by_keys
        .map(|(key, (left, right))| key.compare(left, right))
        .find(|order| order.is_ne())
        .unwrap_or_else(|| left.index.cmp(&right.index))
}

fn size(rows: u64) -> usize {
    usize::try_from(rows).unwrap_or(usize::MAX)
}

#[cfg(test)]
#[path = "evaluate_tests.rs"]
mod tests;
