//! Semi-joins and anti-joins: `Id IN (SELECT AccountId FROM Contact)` and `NOT IN`.
//!
//! Source: SOQL and SOSL Reference, Comparison Operators, Semi-Joins with IN and Anti-Joins with NOT IN. The
//! restrictions are documented there; the words of the refusals are those that people report.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::sync::Arc;

use super::ast::{Condition, Expression, Query, Select, SelectItem};
use super::comparison::{Members, Test};
use super::error::SoqlError;
use super::evaluate::{Scope, run};
use super::filter::Filter;
use super::path::FieldPath;
use super::plan::{Output, Plan};
use super::planner::Planner;
use super::term::{Term, Via};
use crate::data::Data;
use crate::schema::{FieldType, Object};
use crate::value::Value;

/// The most semi-joins and anti-joins of one `WHERE`.
const MAX_JOINS: usize = 2;
/// Objects that cannot be asked inside a semi-join.
const NOT_INSIDE: [&str; 9] = [
    "ActivityHistory",
    "Attachment",
    "ContentDocumentLink",
    "Event",
    "EventAttendee",
    "Note",
    "OpenActivity",
    "Tag",
    "Task",
];

/// The rows that a reference is compared with.
#[derive(Clone, Debug)]
pub struct SemiJoin {
    negated: bool,
    plan: Plan,
}

/// Refuses semi-joins where they cannot stand.
pub(super) fn check_places(condition: &Condition) -> Result<(), SoqlError> {
    let mut count = 0;
    check_place(condition, Place::Top, &mut count)?;
    if count > MAX_JOINS {
        return Err(SoqlError::malformed(format!(
            "Maximum {MAX_JOINS} semi join sub-selects are allowed"
        )));
    }
    Ok(())
}

#[derive(Clone, Copy)]
enum Place {
    Top,
    UnderAnd,
    UnderOr,
    Nested,
}

fn check_place(condition: &Condition, place: Place, count: &mut usize) -> Result<(), SoqlError> {
    match condition {
        // Parentheses around AND alone change nothing.
        Condition::All(conditions) => {
            let inside = match place {
                Place::Top => Place::UnderAnd,
                other => other,
            };
            conditions
                .iter()
                .try_for_each(|condition| check_place(condition, inside, count))
        }
        Condition::Any(conditions) => {
            let inside = match place {
                Place::Top => Place::UnderOr,
                _ => Place::Nested,
            };
            conditions
                .iter()
                .try_for_each(|condition| check_place(condition, inside, count))
        }
        Condition::Not(condition) => check_place(condition, Place::Nested, count),
        Condition::Join { .. } => {
            *count += 1;
            match place {
                Place::Top | Place::UnderAnd => Ok(()),
                Place::UnderOr => Err(SoqlError::malformed(
                    "Semi join sub-selects are not allowed with the 'OR' operator",
                )),
                Place::Nested => Err(SoqlError::malformed(
                    "Semi join sub-selects are only allowed at the top level WHERE expressions and not in nested \
                     WHERE expressions.",
                )),
            }
        }
        Condition::Compare { .. } | Condition::Like { .. } | Condition::Among { .. } => Ok(()),
    }
}

impl SemiJoin {
    /// Whether the rows must not be among those asked for.
    pub(super) fn is_negated(&self) -> bool {
        self.negated
    }

    pub(super) fn check(
        planner: &Planner<'_>,
        outer: &Object,
        left: &Term,
        negated: bool,
        query: &Query,
    ) -> Result<Self, SoqlError> {
        if left.via != Via::Value || left.path.names.len() > 1 || !is_id(&left.path) {
            return Err(planner.at(
                "MALFORMED_QUERY",
                left.path.at,
                &format!(
                    "The left operand field in the where expression for outer query should be an id field, cannot \
                     use: '{}'",
                    left.path.dotted()
                ),
            ));
        }
        let inner = planner.object_of(&query.from)?;
        if inner.name == outer.name {
            return Err(SoqlError::malformed(
                "The inner and outer selects should not be on the same object type",
            ));
        }
        if NOT_INSIDE.contains(&inner.name.as_str()) {
            return Err(planner.at(
                "MALFORMED_QUERY",
                query.from.at,
                &format!(
                    "Entity '{}' is not supported for semi join inner selects",
                    inner.name
                ),
            ));
        }
        let selected = check_inside(query)?;
        let plan = planner.plan(query, inner, 0)?;
        let column = plan.only_column().ok_or_else(|| selects_one_field(&plan))?;
        if column.names.len() > 2 {
            return Err(planner.at(
                "MALFORMED_QUERY",
                selected.at(),
                "inner select field cannot have more than one level of relationships",
            ));
        }
        if !is_id(column) || column.names.len() > 1 {
            return Err(planner.at(
                "MALFORMED_QUERY",
                selected.at(),
                &format!(
                    "Semi join sub-selects can only query id fields, cannot use: '{}'",
                    column.dotted()
                ),
            ));
        }
        if targets(&left.path, outer).is_disjoint(&targets(column, &plan.object)) {
            return Err(planner.at(
                "MALFORMED_QUERY",
                selected.at(),
                &format!(
                    "The selected field '{}' in the subquery and the left operand field in the where expression in \
                     the outer query '{}' should point to the same object type",
                    column.dotted(),
                    left.path.dotted()
                ),
            ));
        }
        Ok(Self { negated, plan })
    }

    /// The join as a test against the references that the other rows have now.
    fn test(&self, data: &Data, scope: Scope) -> Test {
        let mut members = Members::default();
        if let Some(column) = self.plan.only_column() {
            let position = column.own_position();
            for row in run(&self.plan, data, scope) {
                match position.map(|position| row.get(position)) {
                    None => members.ids.extend([row.id()]),
                    Some(Value::Id(id)) => members.ids.extend([*id]),
                    Some(_) => {}
                }
            }
        }
        if self.negated {
            Test::NotAmong(members)
        } else {
            Test::Among(members)
        }
    }
}

impl Filter {
    /// The filter with its joins made into lists of the ids they stand for now.
    #[must_use]
    pub fn settled(&self, data: &Data, scope: Scope) -> Cow<'_, Self> {
        if !self.has_joins() {
            return Cow::Borrowed(self);
        }
        let each = |filters: &[Self]| {
            filters
                .iter()
                .map(|filter| filter.settled(data, scope).into_owned())
                .collect()
        };
        Cow::Owned(match self {
            Self::All(filters) => Self::All(each(filters)),
            Self::Any(filters) => Self::Any(each(filters)),
            Self::Not(filter) => Self::Not(Box::new(filter.settled(data, scope).into_owned())),
            Self::Leaf(term, test) => Self::Leaf(term.clone(), test.clone()),
            Self::Join(term, join) => Self::Leaf(term.clone(), join.test(data, scope)),
            Self::Shown(sight) => Self::Shown(Arc::clone(sight)),
        })
    }

    fn has_joins(&self) -> bool {
        match self {
            Self::All(filters) | Self::Any(filters) => filters.iter().any(Self::has_joins),
            Self::Not(filter) => filter.has_joins(),
            Self::Leaf(..) | Self::Shown(_) => false,
            Self::Join(..) => true,
        }
    }
}

fn check_inside(query: &Query) -> Result<&Expression, SoqlError> {
    for (found, clause) in [
        (query.group.is_some(), "GROUP"),
        (!query.order.is_empty(), "ORDER"),
        (query.limit.is_some(), "LIMIT"),
        (query.offset.is_some(), "OFFSET"),
        (query.purpose.is_some(), "FOR"),
        (query.scope.is_some(), "USING"),
    ] {
        if found {
            return Err(SoqlError::malformed(format!("missing value at '{clause}'")));
        }
    }
    if query.filter.as_ref().is_some_and(joins) {
        return Err(SoqlError::malformed(
            "Nesting of semi join sub-selects is not supported",
        ));
    }
    match &query.select {
        Select::Items(items) => match items.as_slice() {
            [
                SelectItem::Expression {
                    expression: expression @ Expression::Path(_),
                    alias: None,
                },
            ] => Ok(expression),
            _ => Err(only_one_field()),
        },
        Select::Count => Err(only_one_field()),
    }
}

fn joins(condition: &Condition) -> bool {
    match condition {
        Condition::All(conditions) | Condition::Any(conditions) => conditions.iter().any(joins),
        Condition::Not(condition) => joins(condition),
        Condition::Join { .. } => true,
        _ => false,
    }
}

/// That there must be one field is documented, the words are believed.
fn only_one_field() -> SoqlError {
    SoqlError::malformed("Semi join sub-selects can only query one id field")
}

fn selects_one_field(plan: &Plan) -> SoqlError {
    match &plan.output {
        Output::Columns(_) => only_one_field(),
        _ => SoqlError::malformed("only root queries support aggregate expressions"),
    }
}

fn is_id(path: &FieldPath) -> bool {
    matches!(path.kind, FieldType::Id | FieldType::Reference)
}

/// The objects that an id in a field can be of.
fn targets(path: &FieldPath, object: &Object) -> BTreeSet<String> {
    if path.kind == FieldType::Id {
        BTreeSet::from([object.name.clone()])
    } else {
        path.field.reference_to.iter().cloned().collect()
    }
}
