//! Queries of custom metadata types, of which a transaction has as many as it likes.
//!
//! Source: Salesforce Help, Custom Metadata Allocations and Usage Calculations: SOQL queries per Apex transaction are
//! unlimited, but queries containing long text area fields count toward the governor limits. Rows count always.

use crate::schema::{SObjectField, Schema};

/// The longest text area that is not a long one (Metadata API Developer Guide, Metadata Field Types).
const TEXT_AREA: u32 = 255;

/// Whether a field is a long text area.
pub(crate) fn is_long_text(field: &SObjectField) -> bool {
    let is_area = |kind: &str| kind == "textarea";
    let details = field.details.as_ref();
    field.length > TEXT_AREA && details.is_some_and(|details| is_area(&details.describe_type))
}

/// Whether a query counts.
pub(super) fn is_counted(text: &str, schema: &Schema) -> bool {
    let words = words(text);
    let from = words
        .iter()
        .position(|(word, depth)| *depth == 0 && word.eq_ignore_ascii_case("FROM"));
    let object = from.and_then(|at| words.get(at + 1)).map(|(word, _)| *word);
    let Some(object) = object.and_then(|name| schema.object(name)) else {
        return true;
    };
    if !object.name.ends_with("__mdt") {
        return true;
    }
    let mut long = object.fields.iter().filter(|field| is_long_text(field));
    long.any(|field| {
        words
            .iter()
            .any(|(word, _)| word.eq_ignore_ascii_case(&field.name))
    })
}

/// The names and keywords of a query with how many parentheses are open around them; what stands in quotes is none.
fn words(text: &str) -> Vec<(&str, usize)> {
    let mut found = Vec::new();
    let mut depth = 0_usize;
    let mut start = None;
    let (mut quoted, mut escaped) = (false, false);
    for (at, c) in text.char_indices().chain([(text.len(), ' ')]) {
        if quoted {
            quoted = escaped || c != '\'';
            escaped = !escaped && c == '\\';
            continue;
        }
        if c.is_alphanumeric() || c == '_' {
            start.get_or_insert(at);
            continue;
        }
        if let Some(word) = start.take().and_then(|start: usize| text.get(start..at)) {
            found.push((word, depth));
        }
        match c {
            '\'' => quoted = true,
            '(' => depth += 1,
            ')' => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    found
}
