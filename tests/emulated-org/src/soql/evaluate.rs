//! Runs checked queries over the stored rows.

use std::cmp::Ordering;
use std::collections::HashMap;
use std::sync::Arc;

use super::ast::Operator;
use super::filter::{Comparand, Filter, Test, compare_text};
use super::plan::{Plan, Sorting};
use super::reader::{Cell, Reader};
use crate::data::{Data, Row, Table};
use crate::id::RecordId;
use crate::schema::Object;
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
    let Some(table) = data.table(&plan.object.name) else {
        return Vec::new();
    };
    let filter = plan
        .filter
        .as_ref()
        .map(|filter| Tried::new(filter, &plan.object, data));
    let passes = |row: &Arc<Row>| {
        (scope == Scope::WithDeleted || !row.is_deleted())
            && filter.as_ref().is_none_or(|filter| filter.passes(row))
    };
    let offset = size(plan.offset.unwrap_or(0));
    let limit = plan.limit.map(size);
    let narrowed = plan
        .filter
        .as_ref()
        .and_then(|filter| narrowed(filter, table, scope));
    match narrowed {
        Some(mut ids) => {
            ids.sort_unstable();
            ids.dedup();
            let rows = ids
                .iter()
                .filter_map(|id| table.shared(id))
                .filter(|row| passes(row));
            cut(rows, plan, data, offset, limit)
        }
        None => cut(
            table.shared_rows().iter().filter(|row| passes(row)),
            plan,
            data,
            offset,
            limit,
        ),
    }
}

/// Whether a row passes a query's filter. The row need not be stored.
#[must_use]
pub fn passes(plan: &Plan, row: &Row, data: &Data) -> bool {
    plan.filter
        .as_ref()
        .is_none_or(|filter| Tried::new(filter, &plan.object, data).passes(row))
}

fn cut<'a>(
    rows: impl Iterator<Item = &'a Arc<Row>>,
    plan: &'a Plan,
    data: &'a Data,
    offset: usize,
    limit: Option<usize>,
) -> Vec<Arc<Row>> {
    if plan.order.is_empty() {
        return rows
            .skip(offset)
            .take(limit.unwrap_or(usize::MAX))
            .cloned()
            .collect();
    }
    let keys: Vec<_> = plan
        .order
        .iter()
        .map(|sorting| SortKey::new(sorting, &plan.object, data))
        .collect();
    let wanted = limit.map(|limit| limit.saturating_add(offset));
    let mut best = Best {
        keys: &keys,
        wanted,
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
    rows.map(|candidate| Arc::clone(candidate.row)).collect()
}

/// The ids among which all rows of the answer are, where an index tells them.
fn narrowed(filter: &Filter, table: &Table, scope: Scope) -> Option<Vec<RecordId>> {
    match filter {
        Filter::All(filters) => filters.iter().find_map(|filter| narrowed(filter, table, scope)),
        Filter::Field(path, test) if path.is_id() => match test {
            Test::Compare(Operator::Equal, Comparand::Id(id)) => Some(vec![*id]),
            Test::Among(members) => Some(members.ids.iter().copied().collect()),
            _ => None,
        },
        // The other indexes know live rows alone.
        Filter::Field(path, test) if scope == Scope::Live => {
            let position = path.own_position()?;
            match test {
                Test::Compare(Operator::Equal, value) => by_value(table, position, value),
                Test::Among(members)
                    if !members.null && members.others.is_empty() && members.spans.is_empty() =>
                {
                    let ids = members.ids.iter().map(|id| Comparand::Id(*id));
                    let texts = members.folded.iter().map(|text| Comparand::Folded(text.clone()));
                    let mut found = Vec::new();
                    for value in ids.chain(texts) {
                        found.extend(by_value(table, position, &value)?);
                    }
                    Some(found)
                }
                _ => None,
            }
        }
        _ => None,
    }
}

fn by_value(table: &Table, position: usize, value: &Comparand) -> Option<Vec<RecordId>> {
    let value = match value {
        Comparand::Id(parent) => return Some(table.find_by_reference(position, *parent)?.collect()),
        Comparand::Folded(text) | Comparand::Exact(text) => Value::text(text.as_str()),
        Comparand::Number(number) => Value::Number(*number),
        _ => return None,
    };
    table.find_by_key(position, &value).map(<[RecordId]>::to_vec)
}

/// A filter with its paths bound to tables.
enum Tried<'a> {
    All(Vec<Tried<'a>>),
    Any(Vec<Tried<'a>>),
    Not(Box<Tried<'a>>),
    Field(Reader<'a>, &'a Test),
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
            Filter::Field(path, test) => match path.own_position() {
                Some(position) => Self::Own(position, test),
                None => Self::Field(Reader::new(path, object, data), test),
            },
        }
    }

    fn passes(&self, row: &'a Row) -> bool {
        match self {
            Self::All(filters) => filters.iter().all(|filter| filter.passes(row)),
            Self::Any(filters) => filters.iter().any(|filter| filter.passes(row)),
            Self::Not(filter) => !filter.passes(row),
            Self::Field(reader, test) => test.passes(&reader.value(row)),
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
        let values = sorting.field.picklist.iter().enumerate();
        let places = values.map(|(place, value)| (value.as_str(), place)).collect();
        Self {
            reader: Reader::new(&sorting.field, object, data),
            sorting,
            places,
        }
    }

    fn of(&self, row: &'a Row) -> Key<'a> {
        match self.reader.cell(row) {
            Cell::Stored(Value::Null, _) | Cell::Nothing | Cell::Compound(..) => Key::Null,
            Cell::Stored(Value::Text(text), _) if !self.places.is_empty() => {
                // Values that are no longer in the picklist come after all others.
                Key::Place(self.places.get(text.as_ref()).copied().unwrap_or(usize::MAX))
            }
            Cell::Stored(value, _) => Key::Stored(value),
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

fn compare_values(left: &Value, right: &Value) -> Ordering {
    match (left, right) {
        (Value::Text(left), Value::Text(right)) => compare_text(left, right),
        (Value::Boolean(left), Value::Boolean(right)) => left.cmp(right),
        (Value::Number(left), Value::Number(right)) => left.cmp(right),
        (Value::Date(left), Value::Date(right)) => left.cmp(right),
        (Value::DateTime(left), Value::DateTime(right)) => left.cmp(right),
        (Value::Time(left), Value::Time(right)) => left.cmp(right),
        (Value::Id(left), Value::Id(right)) => left.cmp(right),
        // One field holds values of one kind.
        _ => Ordering::Equal,
    }
}

fn size(rows: u64) -> usize {
    usize::try_from(rows).unwrap_or(usize::MAX)
}

#[cfg(test)]
#[path = "evaluate_tests.rs"]
mod tests;
