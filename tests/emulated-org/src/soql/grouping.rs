//! Aggregate queries: `SELECT Industry, COUNT(Id) FROM Account GROUP BY Industry`.
//!
//! Source: SOQL and SOSL Reference, Aggregate Functions, GROUP BY, GROUP BY ROLLUP, GROUP BY CUBE, HAVING.

use std::collections::HashSet;

use super::aggregate::{Aggregate, Function};
use super::ast::{Condition, Expression, Path, Query, SelectItem, Subtotals};
use super::error::SoqlError;
use super::filter::{Checker, Filter, Subject};
use super::path::FieldPath;
use super::planner::{Planner, written};
use super::term::{Term, Via};
use crate::schema::{Field, FieldType};

/// The most keys of a `GROUP BY ROLLUP` or `CUBE`.
const MAX_SUBTOTAL_KEYS: usize = 3;

/// How rows are grouped and what is made of each group.
#[derive(Clone, Debug)]
pub struct Grouping {
    /// The columns of the result.
    pub columns: Vec<GroupColumn>,
    pub(super) keys: Vec<Term>,
    /// For each kind of row in the result, which of the keys it is grouped by.
    pub(super) sets: Vec<Vec<bool>>,
    pub(super) aggregates: Vec<Aggregate>,
    pub(super) having: Option<Filter<Source>>,
    pub(super) order: Vec<GroupSorting>,
    /// Whether there is a `GROUP BY`; without it the result is one row, even of no rows.
    pub(super) grouped: bool,
}

/// One column of an aggregate result.
#[derive(Clone, Debug)]
pub struct GroupColumn {
    /// Its name in the result.
    pub name: String,
    /// The expression as written.
    pub written: String,
    /// Whether a function made it.
    pub aggregate: bool,
    /// Whether it stands in `FORMAT()`.
    pub formatted: bool,
    /// Metadata of a field that would hold such values.
    pub field: Field,
    pub(super) source: Source,
}

/// Where a value of a group comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// The key at a position.
    Key(usize),
    /// The aggregate at a position.
    Aggregate(usize),
    /// Whether the key at a position is totalled over: `GROUPING()`.
    Subtotal(usize),
}

/// One key of the order of groups.
#[derive(Clone, Copy, Debug)]
pub(super) struct GroupSorting {
    pub(super) source: Source,
    pub(super) descending: bool,
    pub(super) nulls_last: bool,
}

/// Whether a query asks about groups rather than rows.
pub(super) fn is_aggregated(query: &Query) -> bool {
    let super::ast::Select::Items(items) = &query.select else {
        return query.group.is_some();
    };
    query.group.is_some()
        || items.iter().any(|item| {
            matches!(item, SelectItem::Expression { expression, .. } if aggregate_in(expression).is_some())
        })
}

/// The aggregate function that an expression calls, as written.
pub(super) fn aggregate_in(expression: &Expression) -> Option<&str> {
    match expression {
        Expression::Call { function, argument } => {
            let known = Function::parse(&function.text).is_some() || is_grouping(&function.text);
            if known {
                Some(&function.text)
            } else {
                aggregate_in(argument)
            }
        }
        Expression::Path(_) => None,
    }
}

fn is_grouping(function: &str) -> bool {
    function.eq_ignore_ascii_case("GROUPING")
}

/// What checking an aggregate query needs and gathers.
struct Gathering<'q> {
    planner: &'q Planner<'q>,
    text: &'q str,
    resolve: &'q dyn Fn(&Path) -> Result<FieldPath, SoqlError>,
    keys: Vec<Term>,
    aggregates: std::cell::RefCell<Vec<Aggregate>>,
    subtotals: Subtotals,
}

impl Grouping {
    /// Checks an aggregate query with these items after `SELECT`.
    pub(super) fn check(
        planner: &Planner<'_>,
        query: &Query,
        items: &[SelectItem],
        text: &str,
        resolve: &dyn Fn(&Path) -> Result<FieldPath, SoqlError>,
    ) -> Result<Self, SoqlError> {
        let (key_expressions, subtotals, having) = match &query.group {
            Some(group) => (group.keys.as_slice(), group.subtotals, group.having.as_ref()),
            None => (&[][..], Subtotals::None, None),
        };
        check_clauses(query, key_expressions, subtotals)?;
        let mut gathering = Gathering {
            planner,
            text,
            resolve,
            keys: Vec::with_capacity(key_expressions.len()),
            aggregates: std::cell::RefCell::default(),
            subtotals,
        };
        for expression in key_expressions {
            let key = gathering.key(expression)?;
            gathering.keys.push(key);
        }
        let columns = gathering.columns(items)?;
        let having = having.map(|having| gathering.having(having)).transpose()?;
        let order = query.order.iter().map(|key| {
            Ok(GroupSorting {
                source: gathering.ordered(&key.expression)?,
                descending: key.descending,
                nulls_last: key.nulls_last,
            })
        });
        let order = order.collect::<Result<_, SoqlError>>()?;
        Ok(Self {
            columns,
            sets: sets(subtotals, gathering.keys.len()),
            keys: gathering.keys,
            aggregates: gathering.aggregates.into_inner(),
            having,
            order,
            grouped: query.group.is_some(),
        })
    }

    /// Metadata of a field that would hold the values of a source.
    pub(super) fn field_of(&self, source: Source) -> Field {
        field_of(&self.keys, &self.aggregates, source)
    }
}

/// Which of the keys each kind of row is grouped by, details first.
fn sets(subtotals: Subtotals, keys: usize) -> Vec<Vec<bool>> {
    match subtotals {
        Subtotals::None => vec![vec![true; keys]],
        Subtotals::Rollup => (0..=keys)
            .rev()
            .map(|kept| (0..keys).map(|key| key < kept).collect())
            .collect(),
        Subtotals::Cube => (0..1_usize << keys)
            .map(|left_out| (0..keys).map(|key| left_out >> key & 1 == 0).collect())
            .collect(),
    }
}

fn check_clauses(query: &Query, keys: &[Expression], subtotals: Subtotals) -> Result<(), SoqlError> {
    if query.group.is_none() {
        for (found, clause) in [
            (query.limit.is_some(), "LIMIT"),
            (query.offset.is_some(), "OFFSET"),
        ] {
            if found {
                return Err(SoqlError::malformed(format!(
                    "Non-grouped query that uses overall aggregate functions cannot also use {clause}"
                )));
            }
        }
    }
    if subtotals != Subtotals::None && keys.len() > MAX_SUBTOTAL_KEYS {
        // The limit is documented, the words are believed.
        return Err(SoqlError::malformed(format!(
            "GROUP BY ROLLUP and GROUP BY CUBE can have at most {MAX_SUBTOTAL_KEYS} fields"
        )));
    }
    Ok(())
}

impl Gathering<'_> {
    fn key(&self, expression: &Expression) -> Result<Term, SoqlError> {
        if aggregate_in(expression).is_some() {
            return Err(SoqlError::malformed(format!(
                "Grouped field should not be aggregated: {}",
                written(expression)
            )));
        }
        let term = Term::check(expression, self.text, self.planner.setting, self.resolve)?;
        let groupable = match term.via {
            Via::Value => term.path.field.groupable && !term.path.kind.is_compound(),
            Via::Date(_) => true,
            Via::Label => false,
        };
        if !groupable {
            let message = format!(
                "field '{}' can not be grouped in a query call",
                term.path.field_name()
            );
            return Err(self.planner.at("MALFORMED_QUERY", term.path.at, &message));
        }
        if self.keys.iter().any(|known| known.is(&term)) {
            return Err(SoqlError::malformed(format!(
                "duplicate grouping expression: {}",
                written(expression)
            )));
        }
        Ok(term)
    }

    fn columns(&self, items: &[SelectItem]) -> Result<Vec<GroupColumn>, SoqlError> {
        let mut columns: Vec<GroupColumn> = Vec::with_capacity(items.len());
        let mut unnamed = 0;
        for item in items {
            let (expression, alias) = match item {
                SelectItem::Expression { expression, alias } => (expression, alias.as_ref()),
                // That neither goes with GROUP BY is documented, the words are believed.
                SelectItem::Fields { .. } => {
                    return Err(SoqlError::malformed(
                        "The SOQL FIELDS function is not supported in aggregate queries",
                    ));
                }
                SelectItem::Subquery(_) => {
                    return Err(SoqlError::malformed("aggregate queries can not have sub-selects"));
                }
            };
            let (inner, formatted) = match expression {
                Expression::Call { function, argument } if function.text.eq_ignore_ascii_case("FORMAT") => {
                    (argument.as_ref(), true)
                }
                _ => (expression, false),
            };
            let source = self.source(inner)?;
            let aggregate = matches!(expression, Expression::Call { .. });
            let name = match (alias, expression) {
                (Some(alias), _) => alias.text.clone(),
                (None, Expression::Path(_)) => self.name_of(source),
                (None, Expression::Call { .. }) => {
                    unnamed += 1;
                    format!("expr{}", unnamed - 1)
                }
            };
            columns.push(GroupColumn {
                name,
                written: written(expression),
                aggregate,
                formatted,
                field: self.field_of(source),
                source,
            });
        }
        let mut seen = HashSet::new();
        match columns
            .iter()
            .find(|column| !seen.insert(column.name.to_ascii_lowercase()))
        {
            Some(twice) => Err(SoqlError::malformed(format!("duplicate alias: {}", twice.name))),
            None => Ok(columns),
        }
    }

    /// A parent's field stands in the result under its own name, without the way to it.
    fn name_of(&self, source: Source) -> String {
        match source {
            Source::Key(at) => self.keys.get(at).map(|key| key.path.field_name().to_owned()),
            _ => None,
        }
        .unwrap_or_default()
    }

    fn field_of(&self, source: Source) -> Field {
        field_of(&self.keys, &self.aggregates.borrow(), source)
    }

    /// Where the values of an expression come from.
    fn source(&self, expression: &Expression) -> Result<Source, SoqlError> {
        let ungrouped = || {
            SoqlError::malformed(format!(
                "Field must be grouped or aggregated: {}",
                written(expression)
            ))
        };
        if let Expression::Call { function, argument } = expression {
            if let Some(known) = Function::parse(&function.text) {
                return self.aggregate(known, argument).map(Source::Aggregate);
            }
            if is_grouping(&function.text) {
                if self.subtotals == Subtotals::None {
                    // That it belongs to ROLLUP and CUBE is documented, the words are believed.
                    return Err(self.planner.at(
                        "MALFORMED_QUERY",
                        function.at,
                        "GROUPING can only be used with GROUP BY ROLLUP or GROUP BY CUBE",
                    ));
                }
                let term = Term::check(argument, self.text, self.planner.setting, self.resolve)?;
                let key = self.keys.iter().position(|key| key.is(&term));
                return key.map(Source::Subtotal).ok_or_else(ungrouped);
            }
        }
        let term = Term::check(expression, self.text, self.planner.setting, self.resolve)?;
        let key = self.keys.iter().position(|key| key.is(&term));
        key.map(Source::Key).ok_or_else(ungrouped)
    }

    fn aggregate(&self, function: Function, argument: &Expression) -> Result<usize, SoqlError> {
        let Expression::Path(path) = argument else {
            return Err(SoqlError::unexpected_token("("));
        };
        let path = (self.resolve)(path)?;
        if !function.suits(path.kind) || !(path.field.aggregatable || path.kind == FieldType::Id) {
            return Err(SoqlError::malformed(format!(
                "field {} does not support aggregate operator {}",
                path.field_name(),
                function.name()
            )));
        }
        let term = Term {
            path,
            via: Via::Value,
        };
        if self.subtotals == Subtotals::None && self.keys.iter().any(|key| key.is(&term)) {
            return Err(self.planner.at(
                "MALFORMED_QUERY",
                term.path.at,
                &format!(
                    "Grouped field should not be aggregated: {}",
                    term.path.field_name()
                ),
            ));
        }
        let path = term.path;
        let mut aggregates = self.aggregates.borrow_mut();
        let known = aggregates
            .iter()
            .position(|known| known.function == function && known.path.names == path.names);
        Ok(known.unwrap_or_else(|| {
            aggregates.push(Aggregate { function, path });
            aggregates.len() - 1
        }))
    }

    fn having(&self, condition: &Condition) -> Result<Filter<Source>, SoqlError> {
        let checker = Checker {
            text: self.text,
            setting: self.planner.setting,
            leaf: &|expression| {
                let source = self.source(expression)?;
                let field = self.field_of(source);
                let subject = Subject {
                    name: written(expression),
                    kind: field.kind,
                    case_sensitive: field.case_sensitive,
                    filterable: true,
                    at: expression.at(),
                };
                Ok((source, subject))
            },
            join: &|_, _, _| {
                Err(SoqlError::malformed(
                    "Semi join sub-selects are only allowed at the top level WHERE expressions and not in nested \
                     WHERE expressions.",
                ))
            },
        };
        checker.check(condition)
    }

    fn ordered(&self, expression: &Expression) -> Result<Source, SoqlError> {
        if let Expression::Path(path) = expression {
            let field = (self.resolve)(path)?;
            self.planner.must_be_sortable(&field)?;
            let term = Term {
                path: field,
                via: Via::Value,
            };
            let key = self.keys.iter().position(|key| key.is(&term));
            return key.map(Source::Key).ok_or_else(|| {
                let message = format!(
                    "Ordered field must be grouped or aggregated: {}",
                    term.path.field_name()
                );
                self.planner.at("MALFORMED_QUERY", path.at, &message)
            });
        }
        self.source(expression)
    }
}

fn field_of(keys: &[Term], aggregates: &[Aggregate], source: Source) -> Field {
    match source {
        Source::Key(at) => keys.get(at).map(field_of_key),
        Source::Aggregate(at) => aggregates.get(at).map(Aggregate::field),
        Source::Subtotal(_) => Some(whole_number()),
    }
    .unwrap_or_default()
}

fn field_of_key(key: &Term) -> Field {
    match key.via {
        Via::Value => Field::clone(&key.path.field),
        _ => Field {
            kind: key.kind(),
            ..Field::default()
        },
    }
}

fn whole_number() -> Field {
    Field {
        kind: FieldType::Int,
        ..Field::default()
    }
}
