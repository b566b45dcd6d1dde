//! Checks a parsed query against the metadata.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeSet, HashSet};
use std::sync::Arc;

use super::ast::{
    Condition, Expression, FieldGroup, OrderKey, Path, Purpose, Query, Select, SelectItem, Word,
};
use super::catalog;
use super::children::Children;
use super::comparison::{Comparand, Test};
use super::content_link;
use super::error::SoqlError;
use super::filter::{Checker, Filter};
use super::grouping::{self, Grouping};
use super::path::{Aliases, FieldPath, resolve};
use super::plan::{Column, Made, Output, Plan, Sorting};
use super::semi_join::{self, SemiJoin};
use super::setting::Setting;
use super::term::{Term, Via};
use crate::schema::{Object, Schema};

/// With `FIELDS(ALL)` and `FIELDS(CUSTOM)` a query must not ask for more rows. Source: SOQL and SOSL Reference,
/// FIELDS().
const MAX_ROWS_OF_ALL_FIELDS: u64 = 200;
/// The most parent relationships of one query. Source: SOQL and SOSL Reference, Understanding Relationship Query
/// Limitations; so are the two that follow.
const MAX_PARENT_RELATIONSHIPS: usize = 55;
/// The most child subqueries of one query.
const MAX_SUBQUERIES: usize = 20;
/// Levels of child subqueries below the root, and the version that brought them; before it was one.
const CHILD_LEVELS: (usize, u16) = (4, 58);

/// What planning one query needs and counts.
pub(super) struct Planner<'q> {
    schema: &'q Schema,
    text: &'q str,
    pub(super) setting: &'q Setting,
    relationships: RefCell<BTreeSet<String>>,
    subqueries: Cell<usize>,
}

impl<'q> Planner<'q> {
    pub(super) fn new(text: &'q str, schema: &'q Schema, setting: &'q Setting) -> Self {
        Self {
            schema,
            text,
            setting,
            relationships: RefCell::default(),
            subqueries: Cell::new(0),
        }
    }

    /// A refusal that points at a place of the query.
    pub(super) fn at(&self, code: &'static str, place: usize, message: &str) -> SoqlError {
        SoqlError::at(code, self.text, place, message)
    }

    /// The object that `FROM` names.
    pub(super) fn object_of(&self, from: &Path) -> Result<Arc<Object>, SoqlError> {
        let name = from.dotted();
        let Some(object) = self.schema.object(&name) else {
            let message = format!(
                "sObject type '{name}' is not supported. If you are attempting to use a custom object, be sure to \
                 append the '__c' after the entity name. Please reference your WSDL or the describe call for the \
                 appropriate names."
            );
            return Err(self.at("INVALID_TYPE", from.at, &message));
        };
        if !object.queryable {
            let message = format!("entity type {} does not support query", object.name);
            return Err(SoqlError {
                code: "INVALID_TYPE_FOR_OPERATION",
                message,
            });
        }
        Ok(Arc::clone(object))
    }

    /// Checks a query over rows of `object`, which stands `level` child relationships below the root.
    pub(super) fn plan(&self, query: &Query, object: Arc<Object>, level: usize) -> Result<Plan, SoqlError> {
        let aliases = Aliases::of(query, self.text)?;
        let resolve = |path: &Path| self.resolve(&object, &aliases, path);
        let output = self.output(query, &object, level, &resolve)?;
        let conditions = query.filter.iter().map(|condition| {
            semi_join::check_places(condition)?;
            self.filter(condition, &object, &resolve)
        });
        let scope = query
            .scope
            .iter()
            .filter_map(|word| self.scope(word, &object, &resolve).transpose());
        let mut filters = conditions.chain(scope).collect::<Result<Vec<_>, _>>()?;
        if level == 0 && object.name == "ContentDocumentLink" {
            content_link::must_be_filtered(&filters)?;
        }
        catalog::check(query, &object, &filters, level)?;
        filters.extend(object.sight.clone().map(Filter::Shown));
        let filter = if filters.len() > 1 {
            Some(Filter::All(filters))
        } else {
            filters.pop()
        };
        let order = match output {
            Output::Groups(_) => Vec::new(),
            _ => self.order(&query.order, &output, &resolve)?,
        };
        check_purpose(query, &output)?;
        let limited = !catalog::ignores_limit(&object);
        Ok(Plan {
            object,
            output,
            filter,
            order,
            limit: query.limit.filter(|_| limited),
            offset: query.offset.filter(|_| limited),
        })
    }

    fn output(
        &self,
        query: &Query,
        object: &Arc<Object>,
        level: usize,
        resolve: &dyn Fn(&Path) -> Result<FieldPath, SoqlError>,
    ) -> Result<Output, SoqlError> {
        let aggregated = grouping::is_aggregated(query);
        if level > 0 && (aggregated || query.select == Select::Count) {
            return Err(SoqlError::malformed(
                "only root queries support aggregate expressions",
            ));
        }
        let items = match &query.select {
            // That COUNT() and GROUP BY exclude each other is documented, the words are believed.
            Select::Count if query.group.is_some() => {
                return Err(SoqlError::malformed("COUNT() can not be used with GROUP BY"));
            }
            Select::Count => return Ok(Output::Count),
            Select::Items(items) => items,
        };
        if aggregated {
            let grouping = Grouping::check(self, query, items, self.text, resolve)?;
            return Ok(Output::Groups(Box::new(grouping)));
        }
        let mut columns = Vec::with_capacity(items.len());
        for item in items {
            match item {
                SelectItem::Expression { expression, alias } => {
                    columns.push(self.column(expression, alias.as_ref(), resolve)?);
                }
                SelectItem::Fields { group, at } => {
                    self.every_field(*group, *at, query, object, resolve, &mut columns)?;
                }
                SelectItem::Subquery(children) => {
                    columns.push(Column::Children(Box::new(
                        self.children(children, query, object, level)?,
                    )));
                }
            }
        }
        let mut seen = HashSet::new();
        if let Some(twice) = columns.iter().find(|column| !seen.insert(column.key())) {
            return Err(SoqlError {
                code: "INVALID_FIELD",
                message: format!("duplicate field selected: {}", twice.key()),
            });
        }
        Ok(Output::of(columns))
    }

    fn column(
        &self,
        expression: &Expression,
        alias: Option<&Word>,
        resolve: &dyn Fn(&Path) -> Result<FieldPath, SoqlError>,
    ) -> Result<Column, SoqlError> {
        let (made, path) = match expression {
            Expression::Path(_) if alias.is_some() => {
                return Err(SoqlError::malformed(
                    "only aggregate expressions use field aliasing",
                ));
            }
            Expression::Path(path) => return Ok(Column::Field(resolve(path)?)),
            Expression::Call { function, argument } => {
                let made = match function.text.to_ascii_uppercase().as_str() {
                    "TOLABEL" => Some(Made::Label),
                    "FORMAT" => Some(Made::Formatted),
                    _ => None,
                };
                match (made, argument.as_ref()) {
                    (Some(made), Expression::Path(path)) => (made, path),
                    (Some(_), Expression::Call { .. }) => {
                        return Err(SoqlError::unsupported("a function inside FORMAT() or toLabel()"));
                    }
                    (None, _) => {
                        // Date functions: checked for their own sake first.
                        Term::check(expression, self.text, self.setting, resolve)?;
                        return Err(SoqlError::malformed(format!(
                            "Field must be grouped or aggregated: {}",
                            written(expression)
                        )));
                    }
                }
            }
        };
        Ok(Column::Made {
            path: resolve(path)?,
            made,
            alias: alias.map(|alias| alias.text.clone()),
        })
    }

    fn every_field(
        &self,
        group: FieldGroup,
        at: usize,
        query: &Query,
        object: &Object,
        resolve: &dyn Fn(&Path) -> Result<FieldPath, SoqlError>,
        columns: &mut Vec<Column>,
    ) -> Result<(), SoqlError> {
        let bounded = query.limit.is_some_and(|limit| limit <= MAX_ROWS_OF_ALL_FIELDS);
        if group != FieldGroup::Standard && !bounded {
            return Err(self.at(
                "MALFORMED_QUERY",
                at,
                "The SOQL FIELDS function must have a LIMIT of at most 200",
            ));
        }
        for (_, field) in object.visible_fields() {
            let wanted = match group {
                FieldGroup::All => true,
                FieldGroup::Standard => !field.custom,
                FieldGroup::Custom => field.custom,
            };
            if wanted {
                columns.push(Column::Field(resolve(&Path {
                    names: vec![field.name.clone()],
                    at,
                })?));
            }
        }
        Ok(())
    }

    fn children(
        &self,
        query: &Query,
        parent_query: &Query,
        parent: &Object,
        level: usize,
    ) -> Result<Children, SoqlError> {
        let (most, since) = CHILD_LEVELS;
        let most = if self.setting.version >= since { most } else { 1 };
        if level >= most {
            return Err(SoqlError::malformed(format!(
                "SOQL statements cannot query aggregate relationships more than {most} level away from the root \
                 entity object."
            )));
        }
        self.subqueries.set(self.subqueries.get() + 1);
        if self.subqueries.get() > MAX_SUBQUERIES {
            // The limit is documented, the words are believed.
            return Err(SoqlError::malformed(format!(
                "SOQL statements cannot have more than {MAX_SUBQUERIES} sub-selects"
            )));
        }
        let name = match query.from.names.as_slice() {
            [name] => name,
            [first, name] if is_called(first, parent_query, parent) => name,
            _ => return Err(self.no_child_relationship(&query.from)),
        };
        let relationship = parent
            .child_relationship(name)
            .ok_or_else(|| self.no_child_relationship(&query.from))?;
        let child = self
            .schema
            .object(&relationship.child_sobject)
            .ok_or_else(|| self.no_child_relationship(&query.from))?;
        let (reference, _) = child
            .field(&relationship.field)
            .ok_or_else(|| self.no_child_relationship(&query.from))?;
        if query.scope.is_some() {
            return Err(SoqlError::unexpected_token("USING"));
        }
        if query.purpose.is_some() {
            return Err(SoqlError::unexpected_token("FOR"));
        }
        if query.offset.is_some() && parent_query.limit != Some(1) {
            // SOQL and SOSL Reference, OFFSET; the words are believed.
            return Err(SoqlError::malformed(
                "OFFSET in a sub-select is only allowed if the parent query has LIMIT 1",
            ));
        }
        Ok(Children {
            name: relationship.relationship_name.clone().unwrap_or_default(),
            plan: self.plan(query, Arc::clone(child), level + 1)?,
            reference,
        })
    }

    fn no_child_relationship(&self, from: &Path) -> SoqlError {
        let message = format!(
            "Didn't understand relationship '{}' in FROM part of query call. If you are attempting to use a custom \
             relationship, be sure to append the '__r' after the custom relationship name. Please reference your \
             WSDL or the describe call for the appropriate names.",
            from.names.last().map_or("", String::as_str)
        );
        self.at("INVALID_TYPE", from.at, &message)
    }

    fn filter(
        &self,
        condition: &Condition,
        object: &Object,
        resolve: &dyn Fn(&Path) -> Result<FieldPath, SoqlError>,
    ) -> Result<Filter, SoqlError> {
        let checker = Checker {
            text: self.text,
            setting: self.setting,
            leaf: &|expression| {
                if let Some(aggregate) = grouping::aggregate_in(expression) {
                    // Reported in these words; the reference only says to use HAVING.
                    let message =
                        format!("Aggregate function '{aggregate}' is not allowed in the WHERE clause");
                    return Err(self.at("MALFORMED_QUERY", expression.at(), &message));
                }
                let term = Term::check(expression, self.text, self.setting, resolve)?;
                let subject = term.subject();
                Ok((term, subject))
            },
            join: &|left, negated, query| SemiJoin::check(self, object, left, negated, query),
        };
        checker.check(condition)
    }

    /// What `USING SCOPE` asks of a row; nothing for `everything`.
    fn scope(
        &self,
        word: &Word,
        object: &Object,
        resolve: &dyn Fn(&Path) -> Result<FieldPath, SoqlError>,
    ) -> Result<Option<Filter>, SoqlError> {
        match word.text.to_ascii_lowercase().as_str() {
            "everything" => return Ok(None),
            "mine" => {}
            "delegated" | "mine_and_my_groups" | "my_territory" | "my_team_territory" | "scopingrule"
            | "team" => {
                return Err(SoqlError::unsupported(&format!("the scope {}", word.text)));
            }
            _ => return Err(SoqlError::unexpected_token(&word.text)),
        }
        if object.field("OwnerId").is_none() {
            // That objects tell their scopes is documented, the words are believed.
            let message = format!("The scope 'mine' is not supported for the entity {}", object.name);
            return Err(self.at("MALFORMED_QUERY", word.at, &message));
        }
        let path = resolve(&Path {
            names: vec!["OwnerId".to_owned()],
            at: word.at,
        })?;
        let test = match self.setting.user {
            Some(user) => Test::Compare(super::ast::Operator::Equal, Comparand::Id(user)),
            None => Test::NotNull,
        };
        let via = Via::Value;
        Ok(Some(Filter::Leaf(Term { path, via }, test)))
    }

    fn order(
        &self,
        keys: &[OrderKey],
        output: &Output,
        resolve: &dyn Fn(&Path) -> Result<FieldPath, SoqlError>,
    ) -> Result<Vec<Sorting>, SoqlError> {
        let mut order = Vec::with_capacity(keys.len());
        for key in keys {
            let Expression::Path(path) = &key.expression else {
                // Functions order groups alone.
                return Err(SoqlError::unexpected_token("("));
            };
            let field = resolve(path)?;
            self.must_be_sortable(&field)?;
            if matches!(output, Output::Count) {
                let message = format!(
                    "Ordered field must be grouped or aggregated: {}",
                    field.field_name()
                );
                return Err(self.at("MALFORMED_QUERY", field.at, &message));
            }
            order.push(Sorting {
                field,
                descending: key.descending,
                nulls_last: key.nulls_last,
            });
        }
        Ok(order)
    }

    pub(super) fn must_be_sortable(&self, field: &FieldPath) -> Result<(), SoqlError> {
        if field.sortable {
            return Ok(());
        }
        let message = format!("field '{}' can not be sorted in a query call", field.field_name());
        Err(self.at("MALFORMED_QUERY", field.at, &message))
    }

    fn resolve(&self, object: &Arc<Object>, aliases: &Aliases, path: &Path) -> Result<FieldPath, SoqlError> {
        let found = resolve(self.schema, object, aliases, path, self.text)?;
        let mut relationships = self.relationships.borrow_mut();
        let parents = found.names.len() - 1;
        for length in 1..=parents {
            let prefix = found.names.get(..length).unwrap_or_default();
            relationships.insert(format!("{}.{}", object.name, prefix.join(".")));
        }
        if relationships.len() > MAX_PARENT_RELATIONSHIPS {
            // The limit is documented, the words are believed.
            let message = format!(
                "SOQL statements cannot query more than {MAX_PARENT_RELATIONSHIPS} child-to-parent relationships"
            );
            return Err(self.at("MALFORMED_QUERY", path.at, &message));
        }
        Ok(found)
    }
}

/// An expression as refusals show it.
pub(super) fn written(expression: &Expression) -> String {
    match expression {
        Expression::Path(path) => path.dotted(),
        Expression::Call { function, argument } => format!("{}({})", function.text, written(argument)),
    }
}

fn is_called(name: &str, query: &Query, object: &Object) -> bool {
    let alias = query.alias.as_ref().map(|alias| alias.text.as_str());
    [Some(object.name.as_str()), alias]
        .into_iter()
        .flatten()
        .any(|known| known.eq_ignore_ascii_case(name))
}

/// Locked rows have no order. Source: Apex Developer Guide, Locking Statements; the words are believed.
fn check_purpose(query: &Query, output: &Output) -> Result<(), SoqlError> {
    if query.purpose != Some(Purpose::Update) {
        return Ok(());
    }
    let refused = match output {
        _ if !query.order.is_empty() => "ORDER BY",
        Output::Count | Output::Groups(_) => "an aggregate function",
        _ => return Ok(()),
    };
    Err(SoqlError::malformed(format!(
        "FOR UPDATE can not be used with {refused}"
    )))
}
