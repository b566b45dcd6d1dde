//! Whether a component may have its name, and whether source and name agree.

use super::package::Component;
use super::result::Problem;
use super::world::World;

/// Types whose names are developer names.
const DEVELOPER_NAMES: &[&str] = &[
    "ApexClass",
    "ApexTrigger",
    "ApexPage",
    "ApexComponent",
    "CustomLabel",
    "CustomPermission",
    "PermissionSet",
    "RemoteSiteSetting",
    "NamedCredential",
    "ExternalCredential",
    "StaticResource",
    "FlexiPage",
    "LightningComponentBundle",
    "AuraDefinitionBundle",
];

/// What is wrong with a component's name.
pub(super) fn check(component: &Component, world: &World<'_>) -> Option<Problem> {
    let name = component.name.as_str();
    if DEVELOPER_NAMES.contains(&component.kind) && !is_developer_name(name) {
        let text = format!(
            "{name}: The name can only contain underscores and alphanumeric characters. It must be unique, begin with a letter, not include spaces, not end with an underscore, and not contain two consecutive underscores."
        );
        return Some(Problem::new(text));
    }
    match component.kind {
        "ApexTrigger" => trigger(component, world),
        "ApexClass" => class(component),
        _ => None,
    }
}

pub(super) fn is_developer_name(name: &str) -> bool {
    name.starts_with(|letter: char| letter.is_ascii_alphabetic())
        && name
            .chars()
            .all(|letter| letter.is_ascii_alphanumeric() || letter == '_')
        && !name.ends_with('_')
        && !name.contains("__")
}

/// `trigger Name on Object (…)`.
fn trigger(component: &Component, world: &World<'_>) -> Option<Problem> {
    let code = super::sources::without_texts(component.source().unwrap_or_default(), true);
    let words: Vec<&str> = code
        .split(|letter: char| letter.is_whitespace() || letter == '(')
        .filter(|word| !word.is_empty())
        .take(4)
        .collect();
    let [keyword, name, on, object] = words.as_slice() else {
        return Some(Problem::new(
            "Unexpected token: a trigger begins with trigger … on …".to_owned(),
        ));
    };
    if !keyword.eq_ignore_ascii_case("trigger") || !on.eq_ignore_ascii_case("on") {
        return Some(Problem::new(
            "Unexpected token: a trigger begins with trigger … on …".to_owned(),
        ));
    }
    if !name.eq_ignore_ascii_case(&component.name) {
        let text = format!(
            "Invalid name in trigger: the file is called {}, the trigger {name}",
            component.name
        );
        return Some(Problem::new(text));
    }
    match world.schema.object(object) {
        None => Some(Problem::new(format!("Invalid type: {object}"))),
        Some(found) if !found.triggerable => Some(Problem::new(format!(
            "SObject type does not allow triggers: {object}"
        ))),
        Some(_) => None,
    }
}

/// The outermost type has the file's name.
fn class(component: &Component) -> Option<Problem> {
    let code = super::sources::without_texts(component.source().unwrap_or_default(), true);
    let mut words = code.split(|letter: char| !(letter.is_ascii_alphanumeric() || letter == '_'));
    let found = words.find(|word| {
        ["class", "interface", "enum"]
            .iter()
            .any(|kind| word.eq_ignore_ascii_case(kind))
    });
    let name = found.and_then(|_| words.find(|word| !word.is_empty()));
    match name {
        Some(name) if name.eq_ignore_ascii_case(&component.name) => None,
        Some(name) => Some(Problem::new(format!(
            "Class name must match the file's: {name} in {}",
            component.file
        ))),
        None => Some(Problem::new(
            "Unexpected token: neither a class, an interface nor an enum".to_owned(),
        )),
    }
}
