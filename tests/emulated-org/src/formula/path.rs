//! Fields as formulas name them: `Name`, `Account.Owner.Alias`, `Owner:User.Alias`, `$User.Id`.

use super::FormulaError;
use crate::schema::{Field, FieldType, Object, Schema};

/// The most relationships that a path may follow (Salesforce Help, Tips on Building Formulas: cross-object formulas
/// may reference fields up to ten relationships away).
const MOST_HOPS: usize = 10;

/// A field that exists, and the way to it. Names instead of positions: a way through a parent of several possible
/// objects ends at different positions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct FieldPath {
    /// As the formula has it.
    pub written: String,
    pub start: Start,
    /// The reference fields to follow, nearest first.
    pub references: Vec<String>,
    /// The field at the end.
    pub field: String,
    /// The object that has it; of several, the first.
    pub object: String,
    pub kind: FieldType,
    pub is_calculated: bool,
    pub is_long_text: bool,
}

/// Where a path begins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Start {
    Record,
    User,
    Profile,
    Organization,
    /// The custom setting of this name, as it holds for the user.
    Setting(String),
}

impl FieldPath {
    /// Whether it is the record's own field.
    pub(super) fn is_own(&self) -> bool {
        self.start == Start::Record && self.references.is_empty()
    }

    /// Whether what it reads depends on who saves.
    pub(super) fn is_global(&self) -> bool {
        !matches!(self.start, Start::Record | Start::Organization)
    }
}

pub(super) fn resolve(schema: &Schema, object: &Object, written: &str) -> Result<FieldPath, FormulaError> {
    let mut names: Vec<&str> = written.split('.').collect();
    let unknown = || FormulaError::new(format!("Field {written} does not exist. Check spelling."));
    let mut here = vec![object];
    let mut start = Start::Record;
    if let Some(global) = names.first().filter(|name| name.starts_with('$')) {
        let object = match global.to_ascii_lowercase().as_str() {
            "$user" => (Start::User, "User"),
            "$profile" => (Start::Profile, "Profile"),
            "$organization" => (Start::Organization, "Organization"),
            "$setup" => {
                let setting = names.get(1).copied().unwrap_or_default();
                let object = schema.object(setting).filter(|object| object.custom_setting);
                let name = object.ok_or_else(unknown)?.name.as_str();
                names.remove(0);
                (Start::Setting(name.to_owned()), name)
            }
            _ => {
                return Err(FormulaError::new(format!(
                    "The global variable {global} is not supported by the emulated org"
                )));
            }
        };
        here = vec![schema.object(object.1).ok_or_else(unknown)?];
        start = object.0;
        names.remove(0);
    }
    let (leaf, relationships) = names.split_last().ok_or_else(unknown)?;
    if relationships.len() > MOST_HOPS {
        return Err(FormulaError::new(format!(
            "Field {written} is too many relationships away"
        )));
    }
    let mut references = Vec::with_capacity(relationships.len());
    for name in relationships {
        // `Owner:User` chooses one of the objects that a relationship may lead to.
        let (name, chosen) = name
            .split_once(':')
            .map_or((*name, None), |(name, to)| (name, Some(to)));
        let reference = here
            .iter()
            .find_map(|object| object.relationship(name))
            .map(|(_, field)| field)
            .ok_or_else(unknown)?;
        references.push(reference.name.clone());
        let targets = reference
            .reference_to
            .iter()
            .filter(|target| chosen.is_none_or(|chosen| target.eq_ignore_ascii_case(chosen)));
        here = targets
            .filter_map(|target| schema.object(target))
            .map(AsRef::as_ref)
            .collect();
    }
    let (object, field) = here
        .iter()
        .find_map(|object| Some((object, object.field(leaf)?.1)))
        .ok_or_else(unknown)?;
    Ok(FieldPath {
        written: written.to_owned(),
        start,
        references,
        field: field.name.clone(),
        object: object.name.clone(),
        kind: field.kind,
        is_calculated: field.calculated_formula.is_some(),
        is_long_text: is_long_text(field),
    })
}

fn is_long_text(field: &Field) -> bool {
    field.kind == FieldType::Textarea && field.length > 255
}
