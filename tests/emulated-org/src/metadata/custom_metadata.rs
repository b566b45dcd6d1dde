//! Records of custom metadata types: read from files and kept as rows.
//!
//! Source: Metadata API Developer Guide, CustomMetadata; Salesforce Help, Custom Metadata Relationships. Records that
//! are protected hide from other namespaces alone, and here is one namespace. What a file leaves out stays as it is
//! (believed), and so are the words of refusals.

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::{DateTime, NaiveDate, Utc};
use rust_decimal::Decimal;

use super::names::is_developer_name;
use super::package::{Component, Doomed};
use super::result::Problem;
use super::world::World;
use super::xml::Element;
use crate::data::definitions::{ENTITIES, durable_field_id, durable_id, holds_durable_id};
use crate::data::validate::storable;
use crate::data::{Author, Authority, Data, Draft, DuplicateOptions, Operation, Transaction};
use crate::id::RecordId;
use crate::org::Org;
use crate::schema::sfdx::{SfdxError, source};
use crate::schema::{Field, FieldType, Object, Schema};
use crate::value::Value;

/// The longest developer name of a record.
const LONGEST_NAME: usize = 40;

/// A record as its file describes it.
pub(crate) struct Described {
    object: Arc<Object>,
    name: String,
    values: Vec<(usize, Value)>,
    /// The records of other types that fields name, by the position of the field.
    named: Vec<(usize, String, String)>,
}

/// What a relationship in a record names: a type and a record of it.
pub(super) type Named<'a> = (&'a str, &'a str);

impl Described {
    /// Reads a record's file; its full name is that of its type without `__mdt`, a dot and its own.
    ///
    /// # Errors
    /// What its type, its fields or its name do not allow.
    pub(crate) fn read(
        schema: &Schema,
        full_name: &str,
        definition: &Element,
        pod: u16,
    ) -> Result<Self, Problem> {
        let (kind, name) = full_name.split_once('.').unwrap_or((full_name, ""));
        let kind = format!("{kind}__mdt");
        let Some(object) = schema.object(&kind) else {
            let text = format!("In field: fullName - no CustomObject named {kind} found");
            return Err(Problem::at(definition, text));
        };
        if !is_developer_name(name) || name.len() > LONGEST_NAME {
            let text = format!(
                "Custom Metadata Record Name: {name} must begin with a letter, hold letters, digits and single \
                 underscores alone and be no longer than {LONGEST_NAME} characters"
            );
            return Err(Problem::at(definition, text));
        }
        let label = definition.text_of("label").unwrap_or_default();
        if label.is_empty() {
            let text = "Required fields are missing: [MasterLabel]";
            return Err(Problem::at(definition, text));
        }
        let mut described = Self {
            object: Arc::clone(object),
            name: name.to_owned(),
            values: Vec::new(),
            named: Vec::new(),
        };
        let own = [
            ("DeveloperName", name),
            ("QualifiedApiName", name),
            ("MasterLabel", label),
            ("Label", label),
            ("Language", "en_US"),
        ];
        for (field, text) in own {
            if let Some((position, field)) = object.field(field) {
                described.put(position, field, Value::text(text), definition)?;
            }
        }
        for given in definition.all("values") {
            described.take(schema, definition, given, pod)?;
        }
        Ok(described)
    }

    /// The records that it names.
    pub(super) fn named(&self) -> impl Iterator<Item = Named<'_>> {
        self.named
            .iter()
            .map(|(_, kind, name)| (kind.as_str(), name.as_str()))
    }

    fn names(&self, other: &Self) -> bool {
        let is_it = |(_, kind, name): &(usize, String, String)| {
            kind.eq_ignore_ascii_case(&other.object.name) && name.eq_ignore_ascii_case(&other.name)
        };
        self.named.iter().any(is_it)
    }

    fn save(&self, transaction: &mut Transaction<'_>, with_named: bool) -> Result<RecordId, String> {
        let mut values = self.values.clone();
        for (position, kind, name) in self.named.iter().filter(|_| with_named) {
            let target = named(transaction.data(), kind, name).ok_or_else(|| no_such_record(kind, name))?;
            values.push((*position, Value::Id(target)));
        }
        let object = Arc::clone(&self.object);
        let draft = draft(values);
        let operation = match named(transaction.data(), &self.object.name, &self.name) {
            Some(id) => Operation::Update { object, id, draft },
            None => Operation::Create { object, draft },
        };
        save(transaction, operation)
    }

    fn put(&mut self, at: usize, field: &Field, value: Value, element: &Element) -> Result<(), Problem> {
        let value = storable(field, value).map_err(|error| Problem::at(element, error.message))?;
        self.values.push((at, value));
        Ok(())
    }

    fn take(
        &mut self,
        schema: &Schema,
        definition: &Element,
        given: &Element,
        pod: u16,
    ) -> Result<(), Problem> {
        let object = Arc::clone(&self.object);
        let name = given.text_of("field").unwrap_or_default();
        let Some((at, field)) = object.field(name).filter(|(_, field)| field.custom) else {
            let text = format!(
                "In field: field - no CustomField named {}.{name} found",
                object.name
            );
            return Err(Problem::at(given.child("field").unwrap_or(given), text));
        };
        let element = given.child("value").unwrap_or(given);
        let text = given.text_of("value").unwrap_or_default();
        if text.is_empty() {
            let empty = if field.kind == FieldType::Boolean {
                Value::Boolean(false)
            } else {
                Value::Null
            };
            return self.put(at, field, empty, element);
        }
        if field.kind == FieldType::Reference {
            let kind = field.reference_to.first().cloned().unwrap_or_default();
            self.named.push((at, kind, text.to_owned()));
            return Ok(());
        }
        let value = if holds_durable_id(field) {
            durable(schema, definition, field, text, pod)
        } else {
            typed(field, text)
        };
        let value = value.ok_or_else(|| {
            Problem::at(
                element,
                format!("Invalid value for custom field {}.{name}: {text}", object.name),
            )
        })?;
        self.put(at, field, value, element)
    }
}

/// The value that a text stands for in a field of metadata.
fn typed(field: &Field, text: &str) -> Option<Value> {
    Some(match field.kind {
        FieldType::Boolean => match text {
            "true" | "1" => Value::Boolean(true),
            "false" | "0" => Value::Boolean(false),
            _ => return None,
        },
        kind if kind.is_number() => {
            let number = text
                .parse::<Decimal>()
                .or_else(|_| Decimal::from_scientific(text));
            Value::Number(number.ok()?)
        }
        FieldType::Date => Value::Date(NaiveDate::parse_from_str(text, "%Y-%m-%d").ok()?),
        FieldType::Datetime => Value::DateTime(DateTime::parse_from_rfc3339(text).ok()?.with_timezone(&Utc)),
        kind if kind.is_text() => Value::text(text),
        _ => return None,
    })
}

/// The durable id of the object or field that a record names; fields belong to the object in another field.
fn durable(schema: &Schema, definition: &Element, field: &Field, text: &str, pod: u16) -> Option<Value> {
    if field.reference_to.iter().any(|target| target == ENTITIES) {
        return Some(Value::text(durable_id(schema.object(text)?, pod)));
    }
    let governing = field.governing_entity.as_deref()?;
    let mut given = definition.all("values");
    let entity = given
        .find(|other| other.text_of("field") == Some(governing))?
        .text_of("value")?;
    let object = schema.object(entity)?;
    let (position, _) = object.field(text)?;
    Some(Value::text(durable_field_id(object, position, pod)?))
}

/// Writes records, which may name each other; their ids in the same order.
///
/// # Errors
/// Where in the list and why one was refused.
pub(crate) fn write(
    transaction: &mut Transaction<'_>,
    records: &[Described],
) -> Result<Vec<RecordId>, (usize, String)> {
    let mut ids: BTreeMap<usize, RecordId> = BTreeMap::new();
    let refused = |at: usize| move |reason: String| (at, reason);
    // A field that must not be empty wants the record that it names to be there first.
    loop {
        let open: Vec<usize> = (0..records.len()).filter(|at| !ids.contains_key(at)).collect();
        let of = |at: &usize| records.get(*at);
        let ready = open
            .iter()
            .filter_map(|at| Some((*at, of(at)?)))
            .filter(|(at, record)| {
                let mut others = open.iter().filter(|other| *other != at).filter_map(of);
                !others.any(|other| record.names(other))
            });
        let ready: Vec<_> = ready.collect();
        if ready.is_empty() {
            break;
        }
        for (at, record) in ready {
            ids.insert(at, record.save(transaction, true).map_err(refused(at))?);
        }
    }
    // Those that name each other in a ring come first without their relationships.
    let ring: Vec<_> = records
        .iter()
        .enumerate()
        .filter(|(at, _)| !ids.contains_key(at))
        .collect();
    for named in [false, true] {
        for (at, record) in &ring {
            ids.insert(*at, record.save(transaction, named).map_err(refused(*at))?);
        }
    }
    Ok(ids.into_values().collect())
}

/// What is said of a record that another names and that is not there.
pub(super) fn no_such_record(kind: &str, name: &str) -> String {
    format!(
        "In field: value - no CustomMetadata named {}.{name} found",
        kind.trim_end_matches("__mdt")
    )
}

fn draft(values: Vec<(usize, Value)>) -> Draft {
    Draft {
        values,
        parents: Vec::new(),
    }
}

fn save(transaction: &mut Transaction<'_>, operation: Operation) -> Result<RecordId, String> {
    let saved = transaction.save(operation).map_err(|refusal| {
        let errors = refusal.into_errors();
        let texts: Vec<String> = errors.into_iter().map(|error| error.message).collect();
        texts.join("; ")
    })?;
    Ok(saved.id)
}

/// The record of a type by its developer name, in any case.
pub(super) fn named(data: &Data, kind: &str, name: &str) -> Option<RecordId> {
    let table = data.table(kind)?;
    let (position, _) = table.object.field("DeveloperName")?;
    let is_it = |value: &Value| matches!(value, Value::Text(text) if text.eq_ignore_ascii_case(name));
    let found = table
        .rows()
        .find(|row| !row.is_deleted() && is_it(row.get(position)));
    Some(found?.id())
}

impl Org {
    /// Loads the records of source folders.
    ///
    /// # Errors
    /// Files that are no records of types that are there.
    pub(crate) fn load_custom_metadata(
        &self,
        folders: &[impl AsRef<std::path::Path>],
    ) -> Result<(), SfdxError> {
        let schema = self.schema();
        let mut data = self.write();
        let mut records = Vec::new();
        let mut paths = Vec::new();
        let mut known: BTreeMap<String, std::path::PathBuf> = BTreeMap::new();
        for path in source::find(folders)?.custom_metadata {
            let refused = |reason: String| SfdxError::Invalid {
                path: path.clone(),
                reason,
            };
            let text = std::fs::read_to_string(&path).map_err(|source| SfdxError::Read {
                path: path.clone(),
                source,
            })?;
            let definition = Element::read(&text).map_err(|malformed| refused(malformed.reason))?;
            if definition.name != "CustomMetadata" {
                return Err(refused(format!(
                    "the root element is {}; it must be CustomMetadata",
                    definition.name
                )));
            }
            let name = source::file_stem(&path, ".md-meta.xml").unwrap_or_default();
            if let Some(first) = known.insert(name.to_ascii_lowercase(), path.clone()) {
                return Err(refused(format!(
                    "{name} is already defined in {}",
                    first.display()
                )));
            }
            let record = Described::read(&schema, name, &definition, data.pod())
                .map_err(|problem| refused(problem.text))?;
            records.push(record);
            paths.push(path);
        }
        let author = Author {
            user: self.admin,
            now: self.clock.now(),
            authority: Authority::Platform,
            duplicates: DuplicateOptions::default(),
        };
        let mut transaction = Transaction::begin(&mut data, &schema, author);
        write(&mut transaction, &records).map_err(|(at, reason)| SfdxError::Invalid {
            path: paths.get(at).cloned().unwrap_or_default(),
            reason,
        })?;
        Ok(())
    }
}

/// What is wrong with a record in a package: with itself, or with the records that it names.
pub(super) fn problem(component: &Component, world: &World<'_>, data: &Data) -> Option<Problem> {
    let definition = component
        .definition
        .as_ref()
        .filter(|_| component.kind == "CustomMetadata")?;
    match Described::read(world.schema, &component.name, definition, data.pod()) {
        Err(problem) => Some(problem),
        Ok(record) => record.named().find_map(|(kind, name)| {
            let stem = kind.trim_end_matches("__mdt");
            let full = format!("{stem}.{name}");
            let is_there = world.holds("CustomMetadata", &full) || named(data, kind, name).is_some();
            (!is_there).then(|| Problem::at(definition, no_such_record(kind, name)))
        }),
    }
}

/// Writes the records of a package; their ids by full name.
///
/// # Errors
/// Why one was refused.
pub(super) fn write_package(
    transaction: &mut Transaction<'_>,
    schema: &Schema,
    components: &[Component],
) -> Result<BTreeMap<String, RecordId>, String> {
    let own = components
        .iter()
        .filter(|component| component.kind == "CustomMetadata");
    let mut records = Vec::new();
    let mut names = Vec::new();
    for component in own {
        let Some(definition) = &component.definition else {
            continue;
        };
        let pod = transaction.data().pod();
        let record =
            Described::read(schema, &component.name, definition, pod).map_err(|problem| problem.text)?;
        records.push(record);
        names.push(component.name.clone());
    }
    let ids = write(transaction, &records).map_err(|(_, reason)| reason)?;
    Ok(names.into_iter().zip(ids).collect())
}

/// Deletes a record that a package names by its full name.
///
/// # Errors
/// Why it was refused.
pub(super) fn delete(transaction: &mut Transaction<'_>, schema: &Schema, full: &str) -> Result<(), String> {
    let (kind, name) = full.split_once('.').unwrap_or((full, ""));
    let kind = format!("{kind}__mdt");
    let found = schema.object(&kind).zip(named(transaction.data(), &kind, name));
    let Some((object, id)) = found else {
        return Ok(());
    };
    let object = Arc::clone(object);
    save(transaction, Operation::HardDelete { object, id }).map(|_| ())
}

/// Records are written before fields go, so that both cannot be done to one type.
///
/// # Errors
/// The field that would go.
pub(super) fn refuse_lost_fields(components: &[Component], doomed: &[Doomed]) -> Result<(), String> {
    let writes = components
        .iter()
        .any(|component| component.kind == "CustomMetadata");
    let lost = doomed
        .iter()
        .find(|doomed| doomed.kind == "CustomField" && doomed.name.contains("__mdt."));
    match lost.filter(|_| writes) {
        Some(lost) => Err(format!(
            "not supported: deleting {} together with custom metadata",
            lost.name
        )),
        None => Ok(()),
    }
}

/// Writes the custom metadata of a package, for tests that run before it is taken.
pub(super) fn add_custom_metadata(org: &Org, data: &mut Data, schema: &Schema, components: &[Component]) {
    let author = Author {
        user: org.admin,
        now: org.clock.now(),
        authority: Authority::Platform,
        duplicates: DuplicateOptions::default(),
    };
    let mut transaction = Transaction::begin(data, schema, author);
    // What is refused here is refused when the package is taken.
    drop(write_package(&mut transaction, schema, components));
}
