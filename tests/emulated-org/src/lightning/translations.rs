//! Labels in the language of the user.
//!
//! Source: Metadata API Developer Guide, Translations and CustomObjectTranslation.

use std::sync::Arc;

use super::book::Piece;
use crate::id::RecordId;
use crate::metadata::xml::Element;
use crate::org::Org;
use crate::schema::{Field, Object};
use crate::value::Value;

/// The label of something in the user's language, where a translation has one. `group` is the element that holds it,
/// such as `customTabs`.
pub(super) fn translated(org: &Org, language: &str, group: &str, name: &str) -> Option<String> {
    candidates(language).into_iter().find_map(|language| {
        let file = org.piece("Translations", language)?;
        let mut entries = file.definition.all(group);
        let entry = entries.find(|entry| names(entry, "name", name))?;
        filled(entry.text_of("label"))
    })
}

/// `de_AT` falls back to `de`.
fn candidates(language: &str) -> [&str; 2] {
    [language, language.split('_').next().unwrap_or(language)]
}

fn names(entry: &Element, element: &str, name: &str) -> bool {
    let known = entry.text_of(element);
    known.is_some_and(|known| known.eq_ignore_ascii_case(name))
}

fn filled(label: Option<&str>) -> Option<String> {
    label.filter(|label| !label.is_empty()).map(str::to_owned)
}

/// Names in the language of a user.
pub(super) struct Words<'o> {
    org: &'o Org,
    language: String,
}

impl<'o> Words<'o> {
    pub(super) fn of_user(org: &'o Org, user: RecordId) -> Self {
        Self::new(org, text_of_user(org, user, "LanguageLocaleKey"))
    }

    pub(super) fn new(org: &'o Org, language: String) -> Self {
        Self { org, language }
    }

    fn piece(&self, kind: &'static str, object: &Object, rest: &str) -> Option<Arc<Piece>> {
        candidates(&self.language)
            .into_iter()
            .find_map(|language| self.org.piece(kind, &format!("{}-{language}{rest}", object.name)))
    }

    /// What an object is called, one or many of them.
    pub(super) fn object(&self, object: &Object, plural: bool) -> String {
        let own = if plural {
            &object.label_plural
        } else {
            &object.label
        };
        self.piece("CustomObjectTranslation", object, "")
            .and_then(|piece| {
                let mut values = piece.definition.all("caseValues");
                let value = values.find(|value| {
                    value.says("plural") == plural
                        && matches!(value.text_of("caseType"), None | Some("Nominative"))
                })?;
                filled(value.text_of("value"))
            })
            .unwrap_or_else(|| own.clone())
    }

    /// What a field is called.
    pub(super) fn field(&self, object: &Object, field: &Field) -> String {
        let of_field = || {
            let piece = self.piece("CustomFieldTranslation", object, &format!(".{}", field.name))?;
            filled(piece.definition.text_of("label"))
        };
        let of_name = || {
            let piece = self.piece("CustomObjectTranslation", object, "")?;
            filled(piece.definition.text_of("nameFieldLabel"))
        };
        let translated = if field.name == "Name" {
            of_name()
        } else {
            of_field()
        };
        translated.unwrap_or_else(|| field.label.clone())
    }

    /// What a section of a layout is called. `layout` is the layout's full name, such as `Contact-Own Layout`.
    pub(super) fn section(&self, object: &Object, layout: &str, section: &str) -> String {
        let own_name = layout.split_once('-').map_or(layout, |(_, name)| name);
        let translated = || {
            let piece = self.piece("CustomObjectTranslation", object, "")?;
            let mut layouts = piece.definition.all("layouts");
            let layout = layouts.find(|entry| names(entry, "layout", own_name))?;
            let mut sections = layout.all("sections");
            let entry = sections.find(|entry| names(entry, "section", section))?;
            filled(entry.text_of("label"))
        };
        translated().unwrap_or_else(|| section.to_owned())
    }
}

/// The text of one of a user's fields, such as `LanguageLocaleKey`.
pub(super) fn text_of_user(org: &Org, user: RecordId, field: &str) -> String {
    match org.user_field(user, field) {
        Some(Value::Text(text)) => text.to_string(),
        _ => String::new(),
    }
}
