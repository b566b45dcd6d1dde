//! A query checked against the metadata, ready to run.

use std::collections::HashSet;
use std::sync::Arc;

use chrono::{DateTime, Utc};

use super::ast::{FieldGroup, Path, Query, Select, SelectItem};
use super::error::SoqlError;
use super::filter::Filter;
use super::parser::parse;
use super::path::{FieldPath, resolve};
use crate::schema::{Object, Schema};

/// With `FIELDS(ALL)` and `FIELDS(CUSTOM)` a query must not ask for more rows.
const MAX_ROWS_OF_ALL_FIELDS: u64 = 200;

/// A query that can run. It stays valid when fields are added to the metadata later.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The object of `FROM`.
    pub object: Arc<Object>,
    /// What is asked of each row.
    pub output: Output,
    pub(super) filter: Option<Filter>,
    pub(super) order: Vec<Sorting>,
    /// `LIMIT`, in rows.
    pub limit: Option<u64>,
    /// `OFFSET`, in rows.
    pub offset: Option<u64>,
}

/// What a query asks of each row.
#[derive(Clone, Debug)]
pub enum Output {
    /// Only how many there are.
    Count,
    /// These fields, in this order.
    Columns(Vec<FieldPath>),
}

/// One key of the order.
#[derive(Clone, Debug)]
pub(super) struct Sorting {
    pub(super) field: FieldPath,
    pub(super) descending: bool,
    pub(super) nulls_last: bool,
}

impl Plan {
    /// Reads and checks a query. Relative dates count from `now`.
    ///
    /// # Errors
    /// Every refusal of [`parse`]; `INVALID_TYPE` for an object that does not exist, `INVALID_FIELD` and
    /// others for what does not fit the object.
    pub fn new(text: &str, schema: &Schema, now: DateTime<Utc>) -> Result<Self, SoqlError> {
        let query = parse(text)?;
        let object = object_of(&query, text, schema)?;
        let alias = query.alias.as_ref().map(|alias| alias.text.as_str());
        let resolve = |path: &Path| resolve(schema, &object, alias, path, text);
        let output = match &query.select {
            Select::Count => Output::Count,
            Select::Items(items) => Output::Columns(columns(items, &query, &object, text, &resolve)?),
        };
        let filter = query
            .filter
            .as_ref()
            .map(|condition| Filter::check(condition, text, now.date_naive(), &resolve))
            .transpose()?;
        let mut order = Vec::with_capacity(query.order.len());
        for key in &query.order {
            let field = resolve(&key.path)?;
            let name = field.field_name();
            if !field.sortable {
                let message = format!("field '{name}' can not be sorted in a query call");
                return Err(SoqlError::at("MALFORMED_QUERY", text, field.at, &message));
            }
            if matches!(output, Output::Count) {
                let message = format!("Ordered field must be grouped or aggregated: {name}");
                return Err(SoqlError::at("MALFORMED_QUERY", text, field.at, &message));
            }
            order.push(Sorting {
                field,
                descending: key.descending,
                nulls_last: key.nulls_last,
            });
        }
        Ok(Self {
            object,
            output,
            filter,
            order,
            limit: query.limit,
            offset: query.offset,
        })
    }
}

fn object_of(query: &Query, text: &str, schema: &Schema) -> Result<Arc<Object>, SoqlError> {
    let name = &query.from.text;
    let Some(object) = schema.object(name) else {
        let message = format!(
            "sObject type '{name}' is not supported. If you are attempting to use a custom object, be sure to \
             append the '__c' after the entity name. Please reference your WSDL or the describe call for the \
             appropriate names."
        );
        return Err(SoqlError::at("INVALID_TYPE", text, query.from.at, &message));
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

fn columns(
    items: &[SelectItem],
    query: &Query,
    object: &Object,
    text: &str,
    resolve: &dyn Fn(&Path) -> Result<FieldPath, SoqlError>,
) -> Result<Vec<FieldPath>, SoqlError> {
    let mut columns = Vec::with_capacity(items.len());
    for item in items {
        match item {
            SelectItem::Path(path) => columns.push(resolve(path)?),
            SelectItem::Fields { group, at } => {
                let bounded = query.limit.is_some_and(|limit| limit <= MAX_ROWS_OF_ALL_FIELDS);
                if *group != FieldGroup::Standard && !bounded {
                    return Err(SoqlError::at(
                        "MALFORMED_QUERY",
                        text,
                        *at,
                        "The SOQL FIELDS function must have a LIMIT of at most 200",
                    ));
                }
                for field in &object.fields {
                    let wanted = match group {
                        FieldGroup::All => true,
                        FieldGroup::Standard => !field.custom,
                        FieldGroup::Custom => field.custom,
                    };
                    if wanted {
                        columns.push(resolve(&Path {
                            names: vec![field.name.clone()],
                            at: *at,
                        })?);
                    }
                }
            }
        }
    }
    let mut seen = HashSet::new();
    match columns.iter().find(|column| !seen.insert(&column.names)) {
        None => Ok(columns),
        Some(twice) => Err(SoqlError {
            code: "INVALID_FIELD",
            message: format!("duplicate field selected: {}", twice.dotted()),
        }),
    }
}

#[cfg(test)]
#[path = "plan_tests.rs"]
mod tests;
