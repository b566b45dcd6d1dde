//! Field paths checked against the metadata: `Name`, `Account.Owner.Name`, `Who.Email`.

use std::borrow::Cow;
use std::sync::Arc;

use super::ast::{Path, Query};
use super::error::SoqlError;
use crate::schema::{Field, FieldType, Object, Schema};

/// The most relationships a path may follow upwards.
pub const MAX_PARENT_LEVELS: usize = 5;

/// A path that exists. It can be followed from any row of the object it was checked against.
#[derive(Clone, Debug)]
pub struct FieldPath {
    /// The names between the dots as the metadata spells them, the field last.
    pub names: Vec<String>,
    /// What to read on the row itself: the field, or the reference that leads to the first parent.
    pub(super) root: Slot,
    /// The parents on the way, nearest first.
    pub(super) hops: Vec<Hop>,
    /// The type of the field.
    pub kind: FieldType,
    /// Whether the field may stand in `WHERE`.
    pub filterable: bool,
    /// Whether the field may stand in `ORDER BY`.
    pub sortable: bool,
    /// The field's metadata; that of the first object which has it where several can stand there.
    pub field: Box<Field>,
    /// Byte offset of the path in the query.
    pub at: usize,
}

/// The names by which a query's paths may begin, and what they stand for.
#[derive(Clone, Debug, Default)]
pub struct Aliases {
    /// A name and the relationships it stands for; none for the object itself.
    known: Vec<(String, Vec<String>)>,
}

impl Aliases {
    /// The names that a query's `FROM` gives.
    ///
    /// # Errors
    /// `INVALID_FIELD` for a parent that does not begin with a name already given.
    pub fn of(query: &Query, text: &str) -> Result<Self, SoqlError> {
        let mut aliases = Self::default();
        if let Some(alias) = &query.alias {
            aliases.known.push((alias.text.clone(), Vec::new()));
        }
        if let Some(object) = query.from.names.last() {
            aliases.known.push((object.clone(), Vec::new()));
        }
        for parent in &query.named_parents {
            let Some((first, rest)) = parent.path.names.split_first() else {
                continue;
            };
            let begun = aliases
                .find(first)
                .filter(|_| !rest.is_empty())
                .ok_or_else(|| no_relationship(text, parent.path.at, first))?;
            let relationships = begun.iter().chain(rest).cloned().collect();
            aliases.known.push((parent.alias.text.clone(), relationships));
        }
        Ok(aliases)
    }

    fn find(&self, name: &str) -> Option<&[String]> {
        let known = self
            .known
            .iter()
            .find(|(known, _)| known.eq_ignore_ascii_case(name));
        known.map(|(_, relationships)| relationships.as_slice())
    }

    /// The path without alias. An object's own name is one only where no relationship has it too.
    fn resolved<'n>(&self, object: &Object, names: &'n [String]) -> Cow<'n, [String]> {
        let [first, rest @ ..] = names else {
            return Cow::Borrowed(names);
        };
        let own_name = object.name.eq_ignore_ascii_case(first);
        if rest.is_empty() || (own_name && object.relationship(first).is_some()) {
            return Cow::Borrowed(names);
        }
        match self.find(first) {
            Some([]) => Cow::Borrowed(rest),
            Some(relationships) => relationships.iter().chain(rest).cloned().collect(),
            None if own_name => Cow::Borrowed(rest),
            None => Cow::Borrowed(names),
        }
    }
}

/// One relationship on the way.
#[derive(Clone, Debug)]
pub(super) struct Hop {
    /// The objects the parent may be of.
    pub(super) targets: Vec<Target>,
    /// Whether rows of different objects can stand there.
    pub(super) polymorphic: bool,
}

/// One object that a relationship may lead to.
#[derive(Clone, Debug)]
pub(super) struct Target {
    pub(super) object: Arc<Object>,
    /// What to read on its rows; `None` where this object has no such field.
    pub(super) next: Option<Slot>,
}

/// What is read on one row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Slot {
    /// The record's own id.
    Id,
    /// Whether it lies in the recycle bin.
    IsDeleted,
    /// The name of its object.
    TypeName,
    /// The field at a position.
    Field(usize),
    /// The compound field at a position, made of its parts.
    Compound(usize),
}

/// The fields that a parent has whose object is not known before the row is read. Source: Object Reference
/// for the Salesforce Platform, Name.
const FIELDS_OF_NAME: [&str; 17] = [
    "Id",
    "Name",
    "Type",
    "Alias",
    "Email",
    "FirstName",
    "IsActive",
    "LastName",
    "LastReferencedDate",
    "LastViewedDate",
    "NameOrAlias",
    "Phone",
    "ProfileId",
    "RecordTypeId",
    "Title",
    "Username",
    "UserRoleId",
];
const RELATIONSHIPS_OF_NAME: [&str; 3] = ["Profile", "RecordType", "UserRole"];

/// Where resolving a path has arrived.
enum Place {
    One(Arc<Object>),
    /// Any of several objects, seen through what they have in common.
    Name(Vec<Arc<Object>>),
}

/// Finds what a written path means for rows of `object`.
///
/// # Errors
/// `INVALID_FIELD` for a field or relationship that does not exist.
pub fn resolve(
    schema: &Schema,
    object: &Arc<Object>,
    aliases: &Aliases,
    path: &Path,
    text: &str,
) -> Result<FieldPath, SoqlError> {
    let names = aliases.resolved(object, &path.names);
    let (leaf, relationships) = names
        .split_last()
        .ok_or_else(|| SoqlError::unexpected_token("."))?;
    if relationships.len() > MAX_PARENT_LEVELS {
        return Err(SoqlError::at(
            "MALFORMED_QUERY",
            text,
            path.at,
            "SOQL statements cannot query relationships more than 5 levels away from the root SObject.",
        ));
    }
    let mut place = Place::One(Arc::clone(object));
    let mut spelled = Vec::with_capacity(names.len());
    let mut root = None;
    let mut hops: Vec<Hop> = Vec::with_capacity(relationships.len());
    for name in relationships {
        let reference = place
            .relationship(name)
            .ok_or_else(|| no_relationship(text, path.at, name))?;
        spelled.push(reference.relationship_name.clone().unwrap_or_default());
        let targets: Vec<_> = reference
            .reference_to
            .iter()
            .filter_map(|to| schema.object(to).cloned())
            .collect();
        let polymorphic = reference.reference_to.len() > 1;
        place.connect(&mut root, &mut hops, &reference.name);
        let next = targets
            .iter()
            .map(|target| Target {
                object: Arc::clone(target),
                next: None,
            })
            .collect();
        hops.push(Hop {
            targets: next,
            polymorphic,
        });
        place = match <[_; 1]>::try_from(targets) {
            Ok([only]) if !polymorphic => Place::One(only),
            Ok(only) => Place::Name(only.into()),
            // An object that the relationship names and the organisation has not: nothing can be read there.
            Err(none) if none.is_empty() => return Err(no_relationship(text, path.at, name)),
            Err(several) => Place::Name(several),
        };
    }
    let field = place
        .field(leaf)
        .ok_or_else(|| no_column(text, path.at, leaf, place.entity()))?;
    spelled.push(field.name.clone());
    place.connect(&mut root, &mut hops, &field.name);
    Ok(FieldPath {
        names: spelled,
        root: root.unwrap_or(Slot::Id),
        hops,
        kind: field.kind,
        filterable: field.filterable && !field.kind.is_compound(),
        sortable: field.sortable && !field.kind.is_compound(),
        field: Box::new(field),
        at: path.at,
    })
}

impl FieldPath {
    /// The name of the field itself.
    #[must_use]
    pub fn field_name(&self) -> &str {
        self.names.last().map_or("", String::as_str)
    }

    /// The path with dots, as a CSV header has it.
    #[must_use]
    pub fn dotted(&self) -> String {
        self.names.join(".")
    }

    /// Whether the path is the row's own id.
    #[must_use]
    pub fn is_id(&self) -> bool {
        self.hops.is_empty() && self.root == Slot::Id
    }

    /// The position of the row's own stored field; `None` for parents' fields and for what is no stored field.
    pub(super) fn own_position(&self) -> Option<usize> {
        match self.root {
            Slot::Field(position) if self.hops.is_empty() && self.field.formula.is_none() => Some(position),
            _ => None,
        }
    }
}

impl Slot {
    fn of(object: &Object, name: &str) -> Option<Self> {
        let Some((position, field)) = object.field(name) else {
            return name.eq_ignore_ascii_case("Type").then_some(Self::TypeName);
        };
        Some(match field.name.as_str() {
            "Id" => Self::Id,
            "IsDeleted" => Self::IsDeleted,
            _ if field.kind.is_compound() => Self::Compound(position),
            _ => Self::Field(position),
        })
    }
}

impl Place {
    fn entity(&self) -> &str {
        match self {
            Self::One(object) => &object.name,
            Self::Name(_) => "Name",
        }
    }

    fn field(&self, name: &str) -> Option<Field> {
        match self {
            Self::One(object) => object.field(name).map(|(_, field)| field.clone()),
            Self::Name(objects) => {
                let known = FIELDS_OF_NAME
                    .into_iter()
                    .find(|known| known.eq_ignore_ascii_case(name))?;
                if known == "Type" {
                    return Some(Field {
                        name: known.to_owned(),
                        ..Field::default()
                    });
                }
                let field = objects.iter().find_map(|object| object.field(known));
                field.map(|(_, field)| field.clone())
            }
        }
    }

    fn relationship(&self, name: &str) -> Option<Field> {
        match self {
            Self::One(object) => object.relationship(name).map(|(_, field)| field.clone()),
            Self::Name(objects) => {
                let known = RELATIONSHIPS_OF_NAME
                    .into_iter()
                    .find(|known| known.eq_ignore_ascii_case(name))?;
                objects
                    .iter()
                    .find_map(|object| object.relationship(known))
                    .map(|(_, field)| field.clone())
            }
        }
    }

    /// Says what is to be read on the rows of this place.
    fn connect(&self, root: &mut Option<Slot>, hops: &mut [Hop], name: &str) {
        let polymorphic = matches!(self, Self::Name(_));
        match hops.last_mut() {
            None => {
                if let Self::One(object) = self {
                    *root = Slot::of(object, name);
                }
            }
            Some(hop) => {
                for target in &mut hop.targets {
                    // `Type` of Name is the object, not a picklist that Account happens to have.
                    let type_of_name = polymorphic && name.eq_ignore_ascii_case("Type");
                    target.next = if type_of_name {
                        Some(Slot::TypeName)
                    } else {
                        Slot::of(&target.object, name)
                    };
                }
            }
        }
    }
}

fn no_column(text: &str, at: usize, column: &str, entity: &str) -> SoqlError {
    let message = format!(
        "No such column '{column}' on entity '{entity}'. If you are attempting to use a custom field, be sure to \
         append the '__c' after the custom field name. Please reference your WSDL or the describe call for the \
         appropriate names."
    );
    SoqlError::at("INVALID_FIELD", text, at, &message)
}

fn no_relationship(text: &str, at: usize, relationship: &str) -> SoqlError {
    let message = format!(
        "Didn't understand relationship '{relationship}' in field path. If you are attempting to use a custom \
         relationship, be sure to append the '__r' after the custom relationship name. Please reference your WSDL \
         or the describe call for the appropriate names."
    );
    SoqlError::at("INVALID_FIELD", text, at, &message)
}
