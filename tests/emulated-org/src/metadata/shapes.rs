//! Which elements each metadata type takes, and whether a file keeps to them.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::OnceLock;

use super::catalog;
use super::result::Problem;
use super::xml::{Element, NAMESPACE, TOOLING_NAMESPACE};

/// One element of a type.
#[derive(Debug)]
struct Slot {
    name: &'static str,
    repeats: bool,
    required: bool,
    kind: Kind,
}

#[derive(Debug)]
enum Kind {
    Text,
    Number,
    Boolean,
    Anything,
    Word(Vec<&'static str>),
    Type(&'static str),
}

type Shapes = BTreeMap<&'static str, Vec<Slot>>;

fn shapes() -> &'static Shapes {
    static SHAPES: OnceLock<Shapes> = OnceLock::new();
    SHAPES.get_or_init(|| {
        include_str!("shapes.txt")
            .lines()
            .filter(|line| !line.starts_with('#'))
            .filter_map(|line| {
                let mut words = line.split(' ');
                Some((words.next()?, words.map(slot).collect()))
            })
            .collect()
    })
}

fn slot(word: &'static str) -> Slot {
    let (head, kind) = word.split_once(':').unwrap_or((word, ""));
    let kind = match kind {
        "" => Kind::Text,
        "n" => Kind::Number,
        "b" => Kind::Boolean,
        "x" => Kind::Anything,
        words if words.starts_with('{') => Kind::Word(words.trim_matches(['{', '}']).split('|').collect()),
        name => Kind::Type(name),
    };
    Slot {
        name: head.trim_end_matches(['*', '!']),
        repeats: head.contains('*'),
        required: head.contains('!'),
        kind,
    }
}

/// The first element of a file that its type does not take. What is missing is asked afterwards, for the components
/// inside one by one.
pub(super) fn check(root: &Element, kind: &str) -> Result<(), Problem> {
    let namespace = root.namespace.as_deref();
    let known = namespace.is_some_and(|namespace| [NAMESPACE, TOOLING_NAMESPACE].contains(&namespace));
    if root.name != kind || !known {
        let message = format!(
            "Error parsing file: Element {{{}}}{} invalid at this location",
            root.namespace.as_deref().unwrap_or_default(),
            root.name
        );
        return Err(Problem::at(root, message));
    }
    elements(root, kind)
}

fn elements(parent: &Element, kind: &str) -> Result<(), Problem> {
    let Some(slots) = shapes().get(kind) else {
        return Ok(());
    };
    let mut closed: BTreeSet<&str> = BTreeSet::new();
    let mut last = "";
    for child in &parent.children {
        let Some(slot) = slots.iter().find(|slot| slot.name == child.name) else {
            let message = format!(
                "Error parsing file: Element {{{NAMESPACE}}}{} invalid at this location in type {kind}",
                child.name
            );
            return Err(Problem::at(child, message));
        };
        // Elements that may repeat must stand together (Salesforce's parser is told so by the WSDL's sequence).
        if closed.contains(slot.name) || (last == slot.name && !slot.repeats) {
            let message = format!(
                "Error parsing file: Element {} is duplicated at this location in type {kind}",
                child.name
            );
            return Err(Problem::at(child, message));
        }
        if last != slot.name {
            closed.insert(last);
            last = slot.name;
        }
        value(child, slot)?;
    }
    Ok(())
}

fn value(element: &Element, slot: &Slot) -> Result<(), Problem> {
    let text = element.text.trim();
    let refuse = |what: String| Err(Problem::at(element, format!("Error parsing file: {what}")));
    match &slot.kind {
        Kind::Anything => return Ok(()),
        Kind::Type(kind) => return elements(element, kind),
        _ => {}
    }
    if let Some(child) = element.children.first() {
        return refuse(format!(
            "Element {{{NAMESPACE}}}{} invalid at this location in type string",
            child.name
        ));
    }
    match &slot.kind {
        Kind::Boolean if !matches!(text, "true" | "false" | "1" | "0") => {
            refuse(format!("'{text}' is not a valid value for the type xsd:boolean"))
        }
        Kind::Number if text.parse::<rust_decimal::Decimal>().is_err() => {
            refuse(format!("'{text}' is not a valid value for the type xsd:double"))
        }
        Kind::Word(words) if !words.contains(&text) => {
            let name = slot.name;
            refuse(format!("'{text}' is not a valid value for the enum '{name}'"))
        }
        _ => Ok(()),
    }
}

/// The first element that a component of this type must have and has not; components inside are asked by themselves.
pub(super) fn missing(element: &Element, kind: &str) -> Option<Problem> {
    let slots = shapes().get(kind)?;
    for slot in slots {
        if slot.required && element.child(slot.name).is_none() {
            return Some(Problem::at(
                element,
                format!("Required field is missing: {}", slot.name),
            ));
        }
        if let Kind::Type(inner) = slot.kind
            && !catalog::is_type(inner)
        {
            let found = element.all(slot.name).find_map(|child| missing(child, inner));
            if found.is_some() {
                return found;
            }
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_type_that_is_named_has_a_line() {
        for (kind, slots) in shapes() {
            for slot in slots {
                if let Kind::Type(inner) = slot.kind {
                    assert!(shapes().contains_key(inner), "{kind}.{}: {inner}", slot.name);
                }
            }
        }
    }
}
