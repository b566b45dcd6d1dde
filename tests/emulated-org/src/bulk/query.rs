//! What Bulk jobs can query, which is less than what `/query` can.
//!
//! Source: Bulk API 2.0 and Bulk API Developer Guide, SOQL Considerations.

use crate::schema::{FieldType, Schema};
use crate::soql::ast::{Condition, Expression, FieldGroup, Path, Query, Select, SelectItem};
use crate::soql::parser::parse;
use crate::soql::{Output, Plan, Setting, SoqlError};

/// Why a query is none for a Bulk job.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unqueryable {
    /// The query is wrong anywhere.
    #[error(transparent)]
    Soql(#[from] SoqlError),
    /// Addresses and names in one field.
    #[error("compound data")]
    Compound,
    /// What `/query` can and Bulk cannot, by its name.
    #[error("{0}")]
    Unsupported(&'static str),
}

/// A plan for a Bulk query.
///
/// # Errors
/// The query is wrong, or asks for what Bulk jobs do not write.
pub fn plan(text: &str, setting: &Setting, schema: &Schema) -> Result<Plan, Unqueryable> {
    let query = parse(text)?;
    match &query.select {
        Select::Count => return Err(Unqueryable::Unsupported("Aggregate queries")),
        Select::Items(items) => {
            let unbounded = items.iter().any(|item| {
                matches!(
                    item,
                    SelectItem::Fields {
                        group: FieldGroup::All | FieldGroup::Custom,
                        ..
                    }
                )
            });
            if unbounded {
                let message =
                    "The SOQL FIELDS function is not supported with an unbounded set of fields in this API.";
                return Err(SoqlError::malformed(message).into());
            }
        }
    }
    if query.offset.is_some() {
        return Err(Unqueryable::Unsupported("OFFSET"));
    }
    let plan = Plan::in_setting(text, schema, setting)?;
    match &plan.output {
        Output::Count => {}
        Output::Columns(columns) => {
            if columns.iter().any(|column| column.kind.is_compound()) {
                return Err(Unqueryable::Compound);
            }
            if columns.iter().any(|column| column.kind == FieldType::Base64) {
                return Err(Unqueryable::Unsupported("Blob field"));
            }
        }
        Output::Groups(_) => return Err(Unqueryable::Unsupported("Aggregate queries")),
        Output::Records(_) => return Err(Unqueryable::Unsupported("Sub-selects and functions of fields")),
    }
    Ok(plan)
}

/// Whether a query may be cut by ranges of ids: it has no conditions but those of `WHERE`, and none on the id
/// (PK Chunking Header).
#[must_use]
pub fn is_divisible(text: &str) -> bool {
    parse(text).is_ok_and(|query| {
        let whole = query.order.is_empty() && query.limit.is_none() && query.offset.is_none();
        whole
            && !query
                .filter
                .as_ref()
                .is_some_and(|filter| asks_for_id(filter, &query))
    })
}

fn asks_for_id(condition: &Condition, query: &Query) -> bool {
    match condition {
        Condition::All(parts) | Condition::Any(parts) => parts.iter().any(|part| asks_for_id(part, query)),
        Condition::Not(part) => asks_for_id(part, query),
        Condition::Compare { left, .. }
        | Condition::Like { left, .. }
        | Condition::Among { left, .. }
        | Condition::Join { left, .. } => match left {
            Expression::Path(path) => is_id(path, query),
            Expression::Call { .. } => false,
        },
    }
}

fn is_id(path: &Path, query: &Query) -> bool {
    let own = |name: &String| {
        let alias = query.alias.as_ref().map(|alias| alias.text.as_str());
        name.eq_ignore_ascii_case(&query.from.dotted())
            || alias.is_some_and(|alias| name.eq_ignore_ascii_case(alias))
    };
    match path.names.as_slice() {
        [name] => name.eq_ignore_ascii_case("Id"),
        [object, name] => own(object) && name.eq_ignore_ascii_case("Id"),
        _ => false,
    }
}
