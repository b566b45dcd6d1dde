//! Tabs: what they lead to, and who sees them.
//!
//! Source: Metadata API Developer Guide, CustomTab; PermissionSet, `PermissionSetTabSetting`; Profile,
//! `ProfileTabVisibility`.

use serde_json::{Map, Value as Json, json};

use super::translations::{Words, translated};
use super::visitor::Visitor;
use crate::access::Access;
use crate::org::Org;

/// How a tab stands for a user.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Standing {
    /// It is not there.
    Hidden,
    /// Under All Items alone.
    Available,
    /// Where apps have it.
    Visible,
}

/// A tab as the shell draws it.
#[derive(Clone, Debug)]
pub(super) struct Tab {
    pub(super) standing: Standing,
    json: Json,
}

impl Tab {
    pub(super) fn json(&self) -> Json {
        self.json.clone()
    }
}

/// The tab of a name, where the user sees it.
pub(super) fn tab(org: &Org, visitor: &Visitor, language: &str, name: &str) -> Option<Tab> {
    let standing = standing(&visitor.access, name);
    if standing == Standing::Hidden {
        return None;
    }
    let entry = match name.strip_prefix("standard-") {
        Some("home") => entry(name, "Home", "page", "standard:home"),
        Some(object) => {
            let object = visitor.schema().object(object)?;
            let icon = format!("standard:{}", object.name.to_ascii_lowercase());
            let label = Words::new(org, language.to_owned()).object(object, true);
            let mut entry = entry(name, &label, "object", &icon);
            entry.insert("object".to_owned(), json!(object.name));
            entry
        }
        None => custom(org, visitor, language, name)?,
    };
    Some(Tab {
        standing,
        json: Json::Object(entry),
    })
}

fn entry(name: &str, label: &str, kind: &str, icon: &str) -> Map<String, Json> {
    let mut entry = Map::new();
    for (key, value) in [("name", name), ("label", label), ("kind", kind), ("icon", icon)] {
        entry.insert(key.to_owned(), json!(value));
    }
    entry
}

fn custom(org: &Org, visitor: &Visitor, language: &str, name: &str) -> Option<Map<String, Json>> {
    let piece = org.piece("CustomTab", name)?;
    let definition = &piece.definition;
    let icon = icon(definition.text_of("motif").unwrap_or_default());
    if definition.says("customObject") {
        let object = visitor.schema().object(&piece.name)?;
        let label = Words::new(org, language.to_owned()).object(object, true);
        let mut entry = entry(&piece.name, &label, "object", &icon);
        entry.insert("object".to_owned(), json!(object.name));
        return Some(entry);
    }
    let label = translated(org, language, "customTabs", &piece.name);
    let label = label.unwrap_or_else(|| definition.text_of("label").unwrap_or(&piece.name).to_owned());
    let (kind, key, target) = [
        ("component", "component", "lwcComponent"),
        ("visualforce", "visualforcePage", "page"),
        ("page", "flexipage", "flexiPage"),
    ]
    .into_iter()
    // Tabs of web addresses and of Aura components lead to what this organisation does not draw.
    .find_map(|(kind, key, element)| Some((kind, key, definition.text_of(element)?)))?;
    let mut entry = entry(&piece.name, &label, kind, &icon);
    entry.insert(key.to_owned(), json!(target));
    Some(entry)
}

/// `Custom67: Gears` is the icon `custom:custom67` of the design system.
fn icon(motif: &str) -> String {
    let name = motif
        .split(':')
        .next()
        .unwrap_or_default()
        .trim()
        .to_ascii_lowercase();
    if name.is_empty() {
        "custom:custom1".to_owned()
    } else {
        format!("custom:{name}")
    }
}

/// Standard tabs are there unless the profile hides them, custom ones where somebody gives them. From whom nothing is
/// kept has all of them.
fn standing(access: &Access, name: &str) -> Standing {
    match access.tab(name) {
        Some("Visible" | "DefaultOn") => Standing::Visible,
        Some("Available" | "DefaultOff") => Standing::Available,
        Some("Hidden") => Standing::Hidden,
        _ if access.is_unlimited() || name.starts_with("standard-") => Standing::Visible,
        _ => Standing::Hidden,
    }
}

/// All tabs that the organisation has, standard ones first.
pub(super) fn names(org: &Org) -> Vec<String> {
    let standard = STANDARD.iter().map(|name| format!("standard-{name}"));
    let custom = org.pieces("CustomTab");
    let custom = custom.iter().map(|piece| piece.name.clone());
    standard.chain(custom).collect()
}

/// The standard tabs that this organisation can draw.
pub(super) const STANDARD: [&str; 8] = [
    "home",
    "Account",
    "Contact",
    "Lead",
    "Opportunity",
    "Task",
    "Campaign",
    "Case",
];
