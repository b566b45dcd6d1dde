//! Labels in the language of the user.
//!
//! Source: Metadata API Developer Guide, Translations.

use crate::id::RecordId;
use crate::org::Org;
use crate::value::Value;

/// The label of something in the user's language, where a translation has one. `group` is the element that holds it,
/// such as `customTabs`.
pub(super) fn translated(org: &Org, language: &str, group: &str, name: &str) -> Option<String> {
    // `de_AT` falls back to `de`.
    let candidates = [language, language.split('_').next().unwrap_or(language)];
    candidates.into_iter().find_map(|language| {
        let file = org.piece("Translations", language)?;
        let entry = file.definition.all(group).find(|entry| {
            entry
                .text_of("name")
                .is_some_and(|known| known.eq_ignore_ascii_case(name))
        })?;
        let label = entry.text_of("label")?;
        (!label.is_empty()).then(|| label.to_owned())
    })
}

/// The text of one of a user's fields, such as `LanguageLocaleKey`.
pub(super) fn text_of_user(org: &Org, user: RecordId, field: &str) -> String {
    match org.user_field(user, field) {
        Some(Value::Text(text)) => text.to_string(),
        _ => String::new(),
    }
}
