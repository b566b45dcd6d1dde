//! Writes components where source folders have them.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};

use super::package::Component;
use super::xml::Element;

/// What file names have behind per cent signs.
const ESCAPED: &AsciiSet = &CONTROLS.add(b'%').add(b'/').add(b'\\').add(b':');

/// Writes one component; `None` where nothing describes it or source folders have no such files.
pub(super) fn lay_out(root: &Path, component: &Component) -> io::Result<Option<PathBuf>> {
    let Some(definition) = &component.definition else {
        return Ok(None);
    };
    let name = component.name.as_str();
    let (object, part) = name.split_once('.').unwrap_or((name, ""));
    let escaped = || utf8_percent_encode(name, ESCAPED).to_string();
    let in_object = |folder: &str, suffix: &str| {
        let folder = root.join("objects").join(object).join(folder);
        folder.join(format!("{part}.{suffix}-meta.xml"))
    };
    let path = match component.kind {
        "PermissionSet" => root
            .join("permissionsets")
            .join(format!("{}.permissionset-meta.xml", escaped())),
        "Profile" => root
            .join("profiles")
            .join(format!("{}.profile-meta.xml", escaped())),
        _ if !is_file_name(object) || !(part.is_empty() || is_file_name(part)) => {
            return Err(io::Error::other(format!("{name} is no name")));
        }
        "GlobalValueSet" => root
            .join("globalValueSets")
            .join(format!("{name}.globalValueSet-meta.xml")),
        "DuplicateRule" => root
            .join("duplicateRules")
            .join(format!("{name}.duplicateRule-meta.xml")),
        "CustomObject" => root
            .join("objects")
            .join(name)
            .join(format!("{name}.object-meta.xml")),
        "CustomField" => in_object("fields", "field"),
        "ValidationRule" => in_object("validationRules", "validationRule"),
        "FieldSet" => in_object("fieldSets", "fieldSet"),
        "RecordType" => in_object("recordTypes", "recordType"),
        _ => return Ok(None),
    };
    let mut definition = definition.clone();
    component.kind.clone_into(&mut definition.name);
    write(&path, &definition)?;
    Ok(Some(path))
}

/// Writes the matching rules of one object, which share a file.
pub(super) fn matching_rules(root: &Path, object: &str, rules: &[&Component]) -> io::Result<PathBuf> {
    let path = root
        .join("matchingRules")
        .join(format!("{object}.matchingRule-meta.xml"));
    let rules = rules.iter().filter_map(|rule| rule.definition.as_ref());
    let definition = Element {
        name: "MatchingRules".to_owned(),
        children: rules
            .map(|rule| Element {
                name: "matchingRules".to_owned(),
                ..rule.clone()
            })
            .collect(),
        ..Element::default()
    };
    write(&path, &definition)?;
    Ok(path)
}

fn write(path: &Path, definition: &Element) -> io::Result<()> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    fs::write(path, definition.write())
}

fn is_file_name(name: &str) -> bool {
    !name.is_empty() && !name.contains(['/', '\\']) && !name.starts_with('.')
}
