//! Queries of `ContentDocumentLink` must say of which documents or records.
//!
//! Source: Object Reference for the Salesforce Platform, `ContentDocumentLink`, Usage.

use super::ast::Operator;
use super::comparison::Test;
use super::error::SoqlError;
use super::filter::Filter;
use super::term::Via;

/// Refuses a filter that leaves the links of everything.
pub(super) fn must_be_filtered(filters: &[Filter]) -> Result<(), SoqlError> {
    if filters.iter().any(names_some) {
        return Ok(());
    }
    Err(SoqlError::malformed(
        "Implementation restriction: ContentDocumentLink requires a filter by a single Id on ContentDocumentId or \
         LinkedEntityId using the equals operator or multiple Id's using the IN operator.",
    ))
}

fn names_some(filter: &Filter) -> bool {
    match filter {
        Filter::All(filters) => filters.iter().any(names_some),
        Filter::Leaf(term, Test::Compare(Operator::Equal, _) | Test::Among(_)) => {
            term.via == Via::Value && is_key(&term.path.names)
        }
        // That sub-selects count as lists is what people report.
        Filter::Join(term, join) => !join.is_negated() && is_key(&term.path.names),
        Filter::Leaf(..) | Filter::Any(_) | Filter::Not(_) | Filter::Shown(_) => false,
    }
}

fn is_key(names: &[String]) -> bool {
    match names {
        [name] => matches!(name.as_str(), "Id" | "ContentDocumentId" | "LinkedEntityId"),
        _ => false,
    }
}
