//! Runs aggregate queries: gathers rows into groups and computes what is asked of each.

use std::cmp::Ordering;
use std::collections::{HashMap, HashSet};

use rust_decimal::Decimal;

use super::aggregate::{Aggregate, Function};
use super::comparison::compare_values;
use super::evaluate::{Scope, Selection};
use super::filter::Filter;
use super::grouping::{GroupColumn, GroupSorting, Grouping, Source};
use super::plan::Plan;
use super::reader::Reader;
use crate::data::Data;
use crate::schema::FieldType;
use crate::value::Value;

/// Averages have as many digits as the platform's doubles.
const AVERAGE_DIGITS: u32 = 16;

/// One row of an aggregate result.
#[derive(Clone, Debug)]
pub struct Group {
    keys: Vec<Value>,
    /// Which of the keys the row is grouped by; it is a subtotal over the others.
    grouped_by: Vec<bool>,
    results: Vec<Value>,
}

impl Group {
    /// The value of a column.
    #[must_use]
    pub fn value(&self, column: &GroupColumn) -> Value {
        self.of(column.source)
    }

    fn of(&self, source: Source) -> Value {
        let found = match source {
            Source::Key(at) => self.keys.get(at).cloned(),
            Source::Aggregate(at) => self.results.get(at).cloned(),
            Source::Subtotal(at) => self
                .grouped_by
                .get(at)
                .map(|grouped| Value::Number(u8::from(!grouped).into())),
        };
        found.unwrap_or(Value::Null)
    }
}

/// The groups that an aggregate query finds, in its order. Without `ORDER BY` they come as their first rows do,
/// subtotals after details; Salesforce promises no order there.
#[must_use]
pub fn run_groups(plan: &Plan, grouping: &Grouping, data: &Data, scope: Scope) -> Vec<Group> {
    let settled = plan.settled(data, scope);
    let selection = Selection::new(&settled, data, scope);
    let key_readers: Vec<_> = grouping
        .keys
        .iter()
        .map(|key| Reader::new(&key.path, &plan.object, data))
        .collect();
    let readers: Vec<_> = grouping
        .aggregates
        .iter()
        .map(|aggregate| Reader::new(&aggregate.path, &plan.object, data))
        .collect();
    let mut heaps = Heaps::new(grouping);
    selection.each(|row| {
        let keys = grouping
            .keys
            .iter()
            .zip(&key_readers)
            .map(|(key, reader)| key.made_of(reader.value(row)).into_owned());
        let keys: Vec<Value> = keys.collect();
        let values: Vec<_> = readers.iter().map(|reader| reader.value(row)).collect();
        for (set, grouped_by) in grouping.sets.iter().enumerate() {
            let tallies = heaps
                .find(set, grouped_by, &keys)
                .map(|heap| heap.tallies.iter_mut());
            for (tally, value) in tallies.into_iter().flatten().zip(&values) {
                tally.add(value);
            }
        }
    });
    let mut groups = heaps.into_groups();
    if let Some(having) = &grouping.having {
        groups.retain(|group| holds(having, group));
    }
    let places: Vec<_> = grouping
        .order
        .iter()
        .map(|key| Places::of(grouping, *key))
        .collect();
    groups.sort_by(|left, right| order(&places, left, right));
    let offset = plan.offset.map_or(0, size);
    let limit = plan.limit.map_or(usize::MAX, size);
    groups.into_iter().skip(offset).take(limit).collect()
}

/// The rows of one group, as far as they have been seen.
struct Heap {
    set: usize,
    keys: Vec<Value>,
    grouped_by: Vec<bool>,
    tallies: Vec<Tally>,
}

struct Heaps<'g> {
    grouping: &'g Grouping,
    heaps: Vec<Heap>,
    by_key: HashMap<String, usize>,
}

impl<'g> Heaps<'g> {
    fn new(grouping: &'g Grouping) -> Self {
        let mut heaps = Self {
            grouping,
            heaps: Vec::new(),
            by_key: HashMap::new(),
        };
        if !grouping.grouped {
            // Without GROUP BY there is a result even of no rows.
            heaps.add(0, &[], &[]);
        }
        heaps
    }

    fn find(&mut self, set: usize, grouped_by: &[bool], keys: &[Value]) -> Option<&mut Heap> {
        let mut name = set.to_string();
        for ((key, grouped), term) in keys.iter().zip(grouped_by).zip(&self.grouping.keys) {
            name.push('\u{0}');
            if *grouped {
                name.push_str(&identity(key, term.path.field.case_sensitive));
            }
        }
        let at = if self.grouping.grouped {
            self.by_key.get(&name).copied()
        } else {
            Some(0)
        };
        let at = at.unwrap_or_else(|| {
            self.by_key.insert(name, self.heaps.len());
            self.add(set, grouped_by, keys)
        });
        self.heaps.get_mut(at)
    }

    fn add(&mut self, set: usize, grouped_by: &[bool], keys: &[Value]) -> usize {
        let kept = keys.iter().zip(grouped_by);
        self.heaps.push(Heap {
            set,
            keys: kept
                .map(|(key, grouped)| if *grouped { key.clone() } else { Value::Null })
                .collect(),
            grouped_by: grouped_by.to_vec(),
            tallies: self.grouping.aggregates.iter().map(Tally::of).collect(),
        });
        self.heaps.len() - 1
    }

    fn into_groups(mut self) -> Vec<Group> {
        self.heaps.sort_by_key(|heap| heap.set);
        self.heaps
            .into_iter()
            .map(|heap| Group {
                keys: heap.keys,
                grouped_by: heap.grouped_by,
                results: heap.tallies.into_iter().map(Tally::result).collect(),
            })
            .collect()
    }
}

/// A text that two values share if they are the same. Texts that differ by case alone are the same, as they are
/// in comparisons (that groups follow comparisons is believed).
fn identity(value: &Value, case_sensitive: bool) -> String {
    match value {
        Value::Null => String::new(),
        Value::Text(text) if case_sensitive => format!("={text}"),
        Value::Text(text) => format!("={}", text.to_lowercase()),
        Value::Boolean(boolean) => format!("={boolean}"),
        Value::Number(number) => format!("={}", number.normalize()),
        Value::Date(date) => format!("={date}"),
        Value::DateTime(instant) => format!("={}", instant.timestamp_millis()),
        Value::Time(time) => format!("={time}"),
        Value::Id(id) => format!("={id}"),
    }
}

/// What an aggregate has seen so far. Nulls are not seen.
enum Tally {
    Count(u64),
    Distinct(HashSet<String>, bool),
    Sum(Option<Decimal>),
    Average(Decimal, u64),
    Extreme(Value, Ordering),
}

impl Tally {
    fn of(aggregate: &Aggregate) -> Self {
        match aggregate.function {
            Function::Count => Self::Count(0),
            Function::CountDistinct => Self::Distinct(HashSet::new(), aggregate.path.field.case_sensitive),
            Function::Sum => Self::Sum(None),
            Function::Avg => Self::Average(Decimal::ZERO, 0),
            Function::Min => Self::Extreme(Value::Null, Ordering::Less),
            Function::Max => Self::Extreme(Value::Null, Ordering::Greater),
        }
    }

    fn add(&mut self, value: &Value) {
        if value.is_null() {
            return;
        }
        match (self, value) {
            (Self::Count(count), _) => *count += 1,
            (Self::Distinct(seen, case_sensitive), value) => {
                seen.insert(identity(value, *case_sensitive));
            }
            (Self::Sum(sum), Value::Number(number)) => {
                *sum = Some(sum.unwrap_or_default().saturating_add(*number));
            }
            (Self::Average(sum, count), Value::Number(number)) => {
                *sum = sum.saturating_add(*number);
                *count += 1;
            }
            (Self::Extreme(best, wanted), value) => {
                if best.is_null() || compare_values(value, best) == *wanted {
                    *best = value.clone();
                }
            }
            (Self::Sum(_) | Self::Average(..), _) => {}
        }
    }

    fn result(self) -> Value {
        match self {
            Self::Count(count) => Value::Number(count.into()),
            Self::Distinct(seen, _) => Value::Number(seen.len().into()),
            Self::Sum(sum) => sum.map_or(Value::Null, Value::Number),
            Self::Average(sum, count) => sum
                .checked_div(count.into())
                .and_then(|average| average.round_sf(AVERAGE_DIGITS))
                .map_or(Value::Null, Value::Number),
            Self::Extreme(best, _) => best,
        }
    }
}

fn holds(filter: &Filter<Source>, group: &Group) -> bool {
    match filter {
        Filter::All(filters) => filters.iter().all(|filter| holds(filter, group)),
        Filter::Any(filters) => filters.iter().any(|filter| holds(filter, group)),
        Filter::Not(filter) => !holds(filter, group),
        Filter::Leaf(source, test) => test.passes(&group.of(*source)),
        // Checking refused them.
        Filter::Join(..) | Filter::Shown(_) => false,
    }
}

/// One key of the order, with the places of picklist values: picklists sort by them, not by the text.
struct Places {
    key: GroupSorting,
    values: Vec<String>,
}

impl Places {
    fn of(grouping: &Grouping, key: GroupSorting) -> Self {
        let field = grouping.field_of(key.source);
        let values = match field.kind {
            FieldType::Picklist => field
                .picklist_values
                .into_iter()
                .map(|value| value.value)
                .collect(),
            _ => Vec::new(),
        };
        Self { key, values }
    }

    fn compare(&self, left: &Group, right: &Group) -> Ordering {
        let (left, right) = (left.of(self.key.source), right.of(self.key.source));
        let null_first = if self.key.nulls_last {
            Ordering::Greater
        } else {
            Ordering::Less
        };
        let order = match (left.is_null(), right.is_null()) {
            (true, true) => return Ordering::Equal,
            (true, false) => return null_first,
            (false, true) => return null_first.reverse(),
            (false, false) => match (&left, &right) {
                (Value::Text(left), Value::Text(right)) if !self.values.is_empty() => {
                    self.place(left).cmp(&self.place(right))
                }
                _ => compare_values(&left, &right),
            },
        };
        if self.key.descending {
            order.reverse()
        } else {
            order
        }
    }

    fn place(&self, value: &str) -> usize {
        let place = self.values.iter().position(|known| known == value);
        place.unwrap_or(usize::MAX)
    }
}

fn order(keys: &[Places], left: &Group, right: &Group) -> Ordering {
    keys.iter()
        .map(|key| key.compare(left, right))
        .find(|order| order.is_ne())
        .unwrap_or(Ordering::Equal)
}

fn size(rows: u64) -> usize {
    usize::try_from(rows).unwrap_or(usize::MAX)
}
