//! Finds the few rows that a query can be about, where an index tells them.

use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};

use super::ast::Operator;
use super::comparison::{Comparand, Members, Test};
use super::evaluate::Scope;
use super::filter::Filter;
use super::plan::Plan;
use super::term::{Term, Via};
use crate::data::{Row, Table};
use crate::id::RecordId;
use crate::schema::FieldType;
use crate::value::Value;

/// An index is worth its looks-up up to this part of the table; beyond it reading the table is quicker.
const WORTHWHILE_PART: usize = 8;

/// The rows among which all rows of the answer are.
pub(super) enum Candidates<'a> {
    /// Every row of the table.
    All(&'a [Arc<Row>]),
    /// Some rows, in order of their ids.
    Some(Vec<&'a Arc<Row>>),
    /// Rows in the query's own order.
    Ordered(Box<dyn Iterator<Item = &'a Arc<Row>> + 'a>),
}

pub(super) fn candidates<'a>(plan: &Plan, table: &'a Table, scope: Scope) -> Candidates<'a> {
    let filter = plan.filter.as_ref();
    if let Some(mut ids) = filter.and_then(|filter| by_equality(filter, table, scope)) {
        ids.sort_unstable();
        ids.dedup();
        return Candidates::Some(ids.iter().filter_map(|id| table.shared(id)).collect());
    }
    let stamps = filter.map_or(Stamps::ANY, |filter| stamps(filter, table));
    let in_order = plan.limit.is_some() && ordered_by_stamp(plan, table);
    if !in_order && stamps == Stamps::ANY {
        return Candidates::All(table.shared_rows());
    }
    let Some(ids) = table.stamped_between(stamps.from, stamps.until) else {
        return Candidates::All(table.shared_rows());
    };
    if in_order {
        return Candidates::Ordered(Box::new(ids.filter_map(|id| table.shared(&id))));
    }
    let most = table.len() / WORTHWHILE_PART;
    let mut ids: Vec<RecordId> = ids.take(most + 1).collect();
    if ids.len() > most {
        return Candidates::All(table.shared_rows());
    }
    ids.sort_unstable();
    Candidates::Some(ids.iter().filter_map(|id| table.shared(id)).collect())
}

/// The ids that equality with an indexed field leaves.
fn by_equality(filter: &Filter, table: &Table, scope: Scope) -> Option<Vec<RecordId>> {
    match filter {
        Filter::All(filters) => filters
            .iter()
            .find_map(|filter| by_equality(filter, table, scope)),
        Filter::Any(filters) => {
            let each = filters.iter().map(|filter| by_equality(filter, table, scope));
            each.collect::<Option<Vec<_>>>().map(|ids| ids.concat())
        }
        Filter::Leaf(term, test) if term.via == Via::Value && term.path.is_id() => match test {
            Test::Compare(Operator::Equal, Comparand::Id(id)) => Some(vec![*id]),
            Test::Among(members) => Some(members.ids.iter().copied().collect()),
            _ => None,
        },
        // The other indexes know live rows alone.
        Filter::Leaf(term, test) if term.via == Via::Value && scope == Scope::Live => {
            let position = term.path.own_position()?;
            match test {
                Test::Compare(Operator::Equal, value) => by_value(table, position, value),
                Test::Among(members) => by_members(table, position, members),
                _ => None,
            }
        }
        _ => None,
    }
}

fn by_members(table: &Table, position: usize, members: &Members) -> Option<Vec<RecordId>> {
    if members.null || !members.spans.is_empty() {
        return None;
    }
    let ids = members.ids.iter().map(|id| Comparand::Id(*id));
    let texts = members.folded.iter().map(|text| Comparand::Folded(text.clone()));
    let mut found = Vec::new();
    for value in ids.chain(texts).chain(members.others.iter().cloned()) {
        found.extend(by_value(table, position, &value)?);
    }
    Some(found)
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

/// The values of `SystemModstamp` that a filter leaves: from a moment, until before another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Stamps {
    from: DateTime<Utc>,
    until: DateTime<Utc>,
}

impl Stamps {
    const ANY: Self = Self {
        from: DateTime::<Utc>::MIN_UTC,
        until: DateTime::<Utc>::MAX_UTC,
    };
}

fn stamps(filter: &Filter, table: &Table) -> Stamps {
    match filter {
        Filter::All(filters) => filters.iter().fold(Stamps::ANY, |left, filter| {
            let right = stamps(filter, table);
            Stamps {
                from: left.from.max(right.from),
                until: left.until.min(right.until),
            }
        }),
        Filter::Any(filters) => filters
            .iter()
            .map(|filter| stamps(filter, table))
            .reduce(|left, right| Stamps {
                from: left.from.min(right.from),
                until: left.until.max(right.until),
            })
            .unwrap_or(Stamps::ANY),
        Filter::Leaf(term, test) if is_stamp(term, table) => of_test(test),
        _ => Stamps::ANY,
    }
}

fn of_test(test: &Test) -> Stamps {
    // The index counts milliseconds; a literal that is finer is widened to the next.
    let (operator, first, before, after) = match test {
        Test::Compare(operator, Comparand::DateTime(instant)) => {
            let after = instant.checked_add_signed(TimeDelta::milliseconds(1));
            let after = after.unwrap_or(DateTime::<Utc>::MAX_UTC);
            (*operator, *instant, after, after)
        }
        Test::Span(operator, span) => (*operator, span.from, span.from, span.until),
        _ => return Stamps::ANY,
    };
    let any = Stamps::ANY;
    let (from, until) = match operator {
        Operator::Equal => (first, after),
        Operator::NotEqual => (any.from, any.until),
        Operator::Less => (any.from, before),
        Operator::LessOrEqual => (any.from, after),
        Operator::Greater => (after, any.until),
        Operator::GreaterOrEqual => (first, any.until),
    };
    Stamps { from, until }
}

fn is_stamp(term: &Term, table: &Table) -> bool {
    let position = term.path.own_position();
    term.via == Via::Value && position.is_some() && position == table.stamp_position()
}

/// Whether the index has the rows in the order that the query asks for: by stamp, then by id.
fn ordered_by_stamp(plan: &Plan, table: &Table) -> bool {
    let mut keys = plan.order.iter();
    let by_stamp = keys.next().is_some_and(|key| {
        !key.descending
            && key.field.kind == FieldType::Datetime
            && key.field.own_position().is_some()
            && key.field.own_position() == table.stamp_position()
    });
    by_stamp && keys.next().is_none_or(|key| !key.descending && key.field.is_id()) && plan.order.len() <= 2
}
