//! What queries of the metadata catalog may ask: of definitions and of custom metadata types.
//!
//! Source: Tooling API Reference, SOQL Operation Limitations, with its words; Salesforce Help, Custom Metadata Types
//! Limitations. That `FieldDefinition` wants to know of which object is what people report, with the words.

use super::ast::{Condition, Expression, ListOperator, Operator, Query, Select};
use super::error::SoqlError;
use super::filter::Filter;
use super::grouping;
use super::term::Term;
use crate::data::definitions::{FIELDS, is_definition};
use crate::schema::Object;

const UNSUPPORTED: &str = "EXTERNAL_OBJECT_UNSUPPORTED_EXCEPTION";
const NOT_YET: &str = "The requested operation is not yet supported by this SObject storage type, contact \
                       salesforce.com support for more information.";

/// Whether limits are passed over: "LIMIT and LIMIT OFFSET are ignored".
pub(super) fn ignores_limit(object: &Object) -> bool {
    is_definition(&object.name)
}

/// Refuses what the storage of the object cannot do.
pub(super) fn check(
    query: &Query,
    object: &Object,
    filters: &[Filter],
    level: usize,
) -> Result<(), SoqlError> {
    let defined = is_definition(&object.name);
    if !defined && !object.is_custom_metadata() {
        return Ok(());
    }
    let counted = matches!(query.select, Select::Count);
    if grouping::is_aggregated(query) || (defined && counted) {
        return Err(refused(NOT_YET));
    }
    if let Some(condition) = &query.filter {
        conjunctions_only(condition, defined)?;
    }
    let by_parent = query.order.iter().find(|key| is_of_parent(&key.expression));
    if !defined && by_parent.is_some() {
        // The words are believed.
        return Err(refused("ORDER BY is supported with non-relationship fields only"));
    }
    if object.name == FIELDS && level == 0 && !filters.iter().any(says_of_what) {
        return Err(refused(
            "FieldDefinition: a filter on a reified column is required [EntityDefinitionId,DurableId]",
        ));
    }
    Ok(())
}

fn refused(message: &str) -> SoqlError {
    SoqlError {
        code: UNSUPPORTED,
        message: message.to_owned(),
    }
}

fn conjunctions_only(condition: &Condition, defined: bool) -> Result<(), SoqlError> {
    let disjunction = || refused("Disjunctions not supported");
    let unequal = || refused("Only equals comparisons permitted");
    match condition {
        Condition::All(conditions) => conditions
            .iter()
            .try_for_each(|condition| conjunctions_only(condition, defined)),
        Condition::Any(_) if defined => Err(disjunction()),
        Condition::Any(conditions) => {
            let first = conditions.first().and_then(column);
            let same = conditions
                .iter()
                .all(|condition| column(condition).is_some() && column(condition) == first);
            if same { Ok(()) } else { Err(disjunction()) }
        }
        Condition::Not(_) if defined => Err(unequal()),
        Condition::Not(condition) => conjunctions_only(condition, defined),
        Condition::Compare { operator, .. } if defined && *operator != Operator::Equal => Err(unequal()),
        Condition::Among { operator, .. } if defined && *operator != ListOperator::In => Err(unequal()),
        Condition::Join { .. } if defined => Err(unequal()),
        _ => Ok(()),
    }
}

/// The one column of a condition that may stand in a disjunction.
fn column(condition: &Condition) -> Option<String> {
    let (Condition::Compare { left, .. } | Condition::Like { left, .. }) = condition else {
        return None;
    };
    match left {
        Expression::Path(path) => Some(path.dotted().to_ascii_lowercase()),
        Expression::Call { .. } => None,
    }
}

fn is_of_parent(expression: &Expression) -> bool {
    matches!(expression, Expression::Path(path) if path.names.len() > 1)
}

/// Whether a filter says of which object the fields are.
fn says_of_what(filter: &Filter) -> bool {
    let names_it = |term: &Term| {
        let first = term.path.names.first().map(String::as_str);
        matches!(
            first,
            Some("EntityDefinition" | "EntityDefinitionId" | "DurableId")
        )
    };
    match filter {
        Filter::All(filters) => filters.iter().any(says_of_what),
        Filter::Leaf(term, _) => names_it(term),
        _ => false,
    }
}
