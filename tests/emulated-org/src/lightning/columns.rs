//! The names that list views have for standard fields.
//!
//! Source: Metadata API Developer Guide, ListView, `columns`; which name stands for which field is not listed there
//! and follows from what list views of orgs contain.

use super::error::PageError;
use super::list_views::field_at;
use crate::schema::{Object, Schema};

/// The field that a column of a list view shows, as a path from the object.
pub(super) fn path_of_column(object: &Object, schema: &Schema, column: &str) -> Result<String, PageError> {
    let path = match column {
        "NAME" | "FULL_NAME" => "Name".to_owned(),
        "CREATED_DATE" => "CreatedDate".to_owned(),
        "LAST_UPDATE" => "LastModifiedDate".to_owned(),
        "CORE.USERS.ALIAS" => "Owner.Alias".to_owned(),
        "CORE.USERS.FULL_NAME" => "Owner.Name".to_owned(),
        _ => match column.split_once('.') {
            Some((of, name)) if of.eq_ignore_ascii_case(&object.name) => camel_case(name),
            Some((of, name)) => format!("{}.{}", camel_case(of), camel_case(name)),
            None => column.to_owned(),
        },
    };
    // `ACCOUNT.PHONE1` is Phone.
    let numbered = path.trim_end_matches(|letter: char| letter.is_ascii_digit());
    [path.as_str(), numbered]
        .into_iter()
        .find(|path| field_at(schema, object, path).is_some())
        .map(str::to_owned)
        .ok_or_else(|| PageError::not_supported(format!("column {column} of {}", object.name)))
}

/// `STAGE_NAME` is StageName.
fn camel_case(name: &str) -> String {
    let words = name.split('_').map(|word| {
        let mut letters = word.chars();
        let first = letters.next().map(|letter| letter.to_ascii_uppercase());
        first
            .into_iter()
            .chain(letters.map(|letter| letter.to_ascii_lowercase()))
            .collect::<String>()
    });
    words.collect()
}
