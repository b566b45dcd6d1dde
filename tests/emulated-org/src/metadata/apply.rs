//! Takes a checked deployment into the organisation.

use std::path::PathBuf;
use std::sync::{Arc, PoisonError};

use chrono::{DateTime, Utc};

use super::custom_metadata;
use super::package::{Component, Doomed};
use super::result::{Message, Problem};
use super::schema_change;
use super::store::{Components, Stored};
use crate::access::{
    self, CustomPermission, ExtrasChange, PermissionSetDefinition, RecordTypeDefinition, Setup,
};
use crate::apex::Installed;
use crate::data::{Author, Authority, Data, Draft, DuplicateOptions, Operation, Refusal, Transaction};
use crate::id::RecordId;
use crate::org::Org;
use crate::schema::sfdx::AccessSource;
use crate::schema::{Object, Schema};
use crate::value::Value;

/// A checked deployment.
pub(super) struct Change<'a> {
    pub components: &'a [Component],
    pub doomed: &'a [Doomed],
    pub schema: Schema,
    pub access: AccessSource,
    /// The Apex from now on.
    pub installed: Option<Arc<Installed>>,
    pub user: RecordId,
    pub now: DateTime<Utc>,
}

/// Types whose components are records, which are deleted with them.
const WITH_RECORDS: [&str; 3] = ["ApexClass", "ApexTrigger", "CustomPermission"];

type Failure = (&'static str, String);

/// Takes everything; what became of each component.
pub(super) fn apply(org: &Org, change: Change<'_>) -> Result<Vec<Message>, Failure> {
    let mut current = org.schema.write().unwrap_or_else(PoisonError::into_inner);
    let mut data = org.write();
    let mut schema = change.schema.clone();
    custom_metadata::refuse_lost_fields(change.components, change.doomed)
        .map_err(|text| ("UNSUPPORTED_OPERATION", text))?;
    data.adopt_custom_metadata(&schema);
    let author = Author {
        user: change.user,
        now: change.now,
        authority: Authority::Platform,
        duplicates: DuplicateOptions::default(),
    };
    let mut transaction = Transaction::begin(&mut data, &change.schema, author);
    let mut taking = Taking {
        org,
        change: &change,
        before: &current,
        components: org.metadata.components(),
        extras: Vec::new(),
        record_types: Vec::new(),
    };
    let messages = match taking.take(&mut transaction) {
        Ok(messages) => messages,
        Err(failure) => {
            transaction.roll_back();
            drop(transaction);
            data.adopt(&current);
            return Err(failure);
        }
    };
    let Taking {
        components,
        extras,
        record_types,
        ..
    } = taking;
    drop(transaction);
    for (id, object, definition) in record_types {
        schema
            .change_object(&object, |object| definition.describe(id, object))
            .map_err(|error| ("UNKNOWN_EXCEPTION", error.to_string()))?;
    }
    forget(&mut data, &current, change.doomed);
    data.adopt(&schema);
    *current = Arc::new(schema);
    org.install(change.installed.clone());
    org.access.change_extras(extras);
    org.record_entity_access(&mut data, &current);
    *org.schema_changed.write().unwrap_or_else(PoisonError::into_inner) = change.now;
    org.metadata.set_components(components);
    Ok(messages)
}

/// A deployment while it is taken.
struct Taking<'a> {
    org: &'a Org,
    change: &'a Change<'a>,
    before: &'a Schema,
    components: Components,
    extras: Vec<ExtrasChange>,
    /// With their ids and objects.
    record_types: Vec<(RecordId, String, RecordTypeDefinition)>,
}

impl Taking<'_> {
    fn take(&mut self, transaction: &mut Transaction<'_>) -> Result<Vec<Message>, Failure> {
        let mut messages = self.delete(transaction)?;
        let records =
            custom_metadata::write_package(transaction, &self.change.schema, self.change.components)
                .map_err(|text| ("UNKNOWN_EXCEPTION", text))?;
        for component in self.change.components {
            let known = self.components.get(component.kind, &component.name).cloned();
            let changed = known.as_ref().is_none_or(|known| known.component != *component);
            let record = records
                .get(&component.name)
                .filter(|_| component.kind == "CustomMetadata");
            let known_id = record.copied().or(known.as_ref().map(|known| known.id));
            let id = self.save(transaction, component, known_id, changed)?;
            let id = id.unwrap_or_else(|| self.org.metadata.next_id(prefix(component.kind)));
            let was_there = known.is_some() || in_schema(self.before, component.kind, &component.name);
            messages.push(Message {
                created: !was_there,
                changed,
                id: Some(id.as_str().to_owned()),
                ..component.message(None)
            });
            if changed {
                let stamp = (self.change.user, self.change.now);
                self.components.put(Stored {
                    component: component.clone(),
                    id,
                    created: known.map_or(stamp, |known| known.created),
                    modified: stamp,
                });
            }
        }
        Ok(messages)
    }

    /// Writes a component's record, if its type has records; its id.
    fn save(
        &mut self,
        transaction: &mut Transaction<'_>,
        component: &Component,
        id: Option<RecordId>,
        changed: bool,
    ) -> Result<Option<RecordId>, Failure> {
        let schema = &self.change.schema;
        let access = &self.change.access;
        let named = |sets: &[(PathBuf, String, PermissionSetDefinition)]| {
            let mut sets = sets.iter();
            let found = sets.find(|(_, name, _)| *name == component.name);
            found.map(|(_, _, definition)| definition.clone())
        };
        let mut setup = Setup::new(transaction, schema);
        // What permissions are for may have gone and come again, so they are given anew whatever the file says.
        let id = match component.kind {
            "PermissionSet" => {
                let definition = named(&access.permission_sets).unwrap_or_default();
                setup.put_permission_set(&component.name, &definition)
            }
            "Profile" => {
                let definition = named(&access.profiles).unwrap_or_default();
                setup.put_profile(access::shown_profile(&component.name), &definition)
            }
            "RecordType" => {
                let (object, name) = component.name.split_once('.').unwrap_or_default();
                let mut known = access.record_types.iter();
                let found = known.find(|(_, of, definition)| of == object && definition.full_name == name);
                let Some(((_, _, definition), object)) = found.zip(schema.object(object)) else {
                    return Ok(id);
                };
                let id = setup.put_record_type(object, definition, true);
                if let Ok(id) = &id {
                    let of = object.name.clone();
                    self.record_types.push((*id, of, definition.clone()));
                }
                id
            }
            _ if !changed => return Ok(id),
            kind => {
                let Some(object) = record_object(schema, kind) else {
                    return Ok(id);
                };
                let draft = record(&object, component);
                let operation = match id {
                    Some(id) => Operation::Update { object, id, draft },
                    None => Operation::Create { object, draft },
                };
                return Ok(Some(transaction.save(operation).map_err(refused)?.id));
            }
        };
        self.extras.extend(setup.finish());
        Ok(Some(
            id.map_err(|error| ("UNKNOWN_EXCEPTION", error.to_string()))?,
        ))
    }

    /// Deletes components with their records; an object takes its parts along.
    fn delete(&mut self, transaction: &mut Transaction<'_>) -> Result<Vec<Message>, Failure> {
        let schema = &self.change.schema;
        let mut messages = Vec::new();
        for doomed in self.change.doomed {
            messages.push(deleted(doomed, &self.components, self.before));
            let mut setup = Setup::new(transaction, schema);
            match doomed.kind.as_str() {
                "CustomObject" => {
                    self.components.remove_parts_of(&doomed.name);
                    setup.forget_permissions_on(&doomed.name)
                }
                "CustomField" => setup.forget_permissions_on(&doomed.name),
                "CustomMetadata" => {
                    drop(setup);
                    custom_metadata::delete(transaction, schema, &doomed.name)
                        .map_err(|text| ("UNKNOWN_EXCEPTION", text))?;
                    self.components.remove(&doomed.kind, &doomed.name);
                    continue;
                }
                "PermissionSet" if self.components.get("PermissionSet", &doomed.name).is_some() => {
                    setup.delete_permission_set(&doomed.name)
                }
                _ => Ok(()),
            }
            .map_err(|error| ("UNKNOWN_EXCEPTION", error.to_string()))?;
            self.extras.extend(setup.finish());
            let Some(stored) = self.components.remove(&doomed.kind, &doomed.name) else {
                continue;
            };
            if let Some(object) = record_object(schema, &doomed.kind) {
                let id = stored.id;
                transaction
                    .save(Operation::HardDelete { object, id })
                    .map_err(refused)?;
            }
        }
        Ok(messages)
    }
}

fn refused(refusal: Refusal) -> Failure {
    let errors: Vec<String> = refusal.into_errors().iter().map(ToString::to_string).collect();
    ("UNKNOWN_EXCEPTION", errors.join("; "))
}

/// What a deletion tells. What is not there is warned of (believed).
pub(super) fn deleted(doomed: &Doomed, stored: &Components, before: &Schema) -> Message {
    let known = stored.get(&doomed.kind, &doomed.name);
    let missing = known.is_none() && !in_schema(before, &doomed.kind, &doomed.name);
    Message {
        component_type: doomed.kind.clone(),
        full_name: doomed.name.clone(),
        file_name: doomed.file.to_owned(),
        problem: missing.then(|| Problem::new(format!("No {} named: {} found", doomed.kind, doomed.name))),
        warning: missing,
        success: true,
        created: false,
        changed: !missing,
        deleted: !missing,
        id: known.map(|known| known.id.as_str().to_owned()),
    }
}

/// Takes the values of deleted fields and the records of deleted objects out of the tables.
pub(super) fn forget(data: &mut Data, before: &Schema, doomed: &[Doomed]) {
    for doomed in doomed {
        match doomed.kind.as_str() {
            "CustomObject" => data.drop_table(&doomed.name),
            "CustomField" => {
                let (object, field) = doomed.name.split_once('.').unwrap_or_default();
                for object in schema_change::behind(object) {
                    let Some(known) = before.object(object) else {
                        continue;
                    };
                    let is_it = |known: &crate::schema::Field| {
                        let compound = known.compound_field_name.as_deref();
                        known.name.eq_ignore_ascii_case(field)
                            || compound.is_some_and(|compound| compound.eq_ignore_ascii_case(field))
                    };
                    let gone: Vec<usize> = known
                        .fields
                        .iter()
                        .enumerate()
                        .filter(|(_, known)| is_it(known))
                        .map(|(at, _)| at)
                        .collect();
                    for at in gone.into_iter().rev() {
                        data.drop_column(object, at);
                    }
                }
            }
            _ => {}
        }
    }
}

fn in_schema(schema: &Schema, kind: &str, name: &str) -> bool {
    match kind {
        "CustomObject" => schema.object(name).is_some(),
        "CustomField" => name.split_once('.').is_some_and(|(object, field)| {
            let object = schema_change::behind(object).first().copied().unwrap_or(object);
            schema
                .object(object)
                .is_some_and(|object| object.field(field).is_some())
        }),
        "ValidationRule" | "RecordType" => name.split_once('.').is_some_and(|(object, part)| {
            let object = schema_change::behind(object).first().copied().unwrap_or(object);
            schema.object(object).is_some_and(|object| {
                let is_rule = object
                    .validation_rules
                    .iter()
                    .any(|rule| kind == "ValidationRule" && rule.name == part);
                let is_type = object
                    .record_type_infos
                    .iter()
                    .any(|info| kind == "RecordType" && info.developer_name == part);
                is_rule || is_type
            })
        }),
        _ => false,
    }
}

fn record_object(schema: &Schema, kind: &str) -> Option<Arc<Object>> {
    if !WITH_RECORDS.contains(&kind) {
        return None;
    }
    schema.object(kind).cloned()
}

/// The fields of a component's record.
fn record(object: &Object, component: &Component) -> Draft {
    let mut draft = Draft::default();
    let fields = if component.kind == "CustomPermission" {
        custom_permission_fields(component)
    } else {
        apex_fields(component)
    };
    for (name, value) in fields {
        if let Some((at, _)) = object.field(name) {
            draft.values.push((at, value));
        }
    }
    draft
}

fn custom_permission_fields(component: &Component) -> Vec<(&'static str, Value)> {
    let of = |name: &str| {
        component
            .definition
            .as_ref()
            .and_then(|definition| definition.text_of(name))
    };
    let definition = CustomPermission {
        label: of("label").unwrap_or(&component.name).to_owned(),
        description: of("description").map(str::to_owned),
        is_licensed: of("isLicensed") == Some("true"),
    };
    access::permission_fields(&component.name, &definition)
}

/// Makes the custom permissions of a package that the records lack, for tests that run before it is taken.
pub(super) fn add_custom_permissions(org: &Org, data: &mut Data, schema: &Schema, components: &[Component]) {
    let Some(object) = schema.object("CustomPermission") else {
        return;
    };
    let author = Author {
        user: org.admin,
        now: org.clock.now(),
        authority: Authority::Platform,
        duplicates: DuplicateOptions::default(),
    };
    let stored = org.metadata.components();
    let mut transaction = Transaction::begin(data, schema, author);
    for component in components {
        if component.kind == "CustomPermission" && stored.get(component.kind, &component.name).is_none() {
            let draft = record(object, component);
            let object = Arc::clone(object);
            drop(transaction.save(Operation::Create { object, draft }));
        }
    }
}

fn apex_fields(component: &Component) -> Vec<(&'static str, Value)> {
    let body = component.source().unwrap_or_default();
    let definition = component.definition.as_ref();
    let of = |name: &str| definition.and_then(|definition| definition.text_of(name));
    let version = of("apiVersion").unwrap_or_default().parse().unwrap_or_default();
    let without_comments = super::sources::without_comments(body).chars().count();
    let mut fields = vec![
        ("Name", Value::text(component.name.as_str())),
        ("Body", Value::text(body)),
        ("ApiVersion", Value::Number(version)),
        ("Status", Value::text(of("status").unwrap_or("Active"))),
        ("IsValid", Value::Boolean(true)),
        ("LengthWithoutComments", Value::Number(without_comments.into())),
    ];
    if component.kind == "ApexTrigger" {
        let code = super::sources::without_texts(body, true);
        let (head, _) = code.split_once('{').unwrap_or((code.as_str(), ""));
        let (name, events) = head.split_once('(').unwrap_or((head, ""));
        let table = name.split_whitespace().last().unwrap_or_default();
        fields.push(("TableEnumOrId", Value::text(table)));
        let events = events.to_ascii_lowercase();
        let mut fires = |field: &'static str, moment: &str, deed: &str| {
            let wanted = events.split(',').any(|event| {
                let mut words = event
                    .trim_matches(|letter: char| !letter.is_alphabetic())
                    .split_whitespace();
                words.next() == Some(moment) && words.next() == Some(deed)
            });
            fields.push((field, Value::Boolean(wanted)));
        };
        fires("UsageBeforeInsert", "before", "insert");
        fires("UsageAfterInsert", "after", "insert");
        fires("UsageBeforeUpdate", "before", "update");
        fires("UsageAfterUpdate", "after", "update");
        fires("UsageBeforeDelete", "before", "delete");
        fires("UsageAfterDelete", "after", "delete");
        fires("UsageAfterUndelete", "after", "undelete");
    }
    fields
}

/// The key prefixes of components without records here. Source: those that are known; the rest share one (believed).
fn prefix(kind: &str) -> &'static str {
    match kind {
        "CustomObject" => "01I",
        "CustomField" => "00N",
        "ValidationRule" => "03d",
        "RecordType" => "012",
        "ListView" => "00B",
        "WebLink" => "00b",
        "Layout" => "00h",
        "CustomTab" => "01r",
        "CustomApplication" => "02u",
        "CustomLabel" => "101",
        "ApexPage" => "066",
        "ApexComponent" => "099",
        "StaticResource" => "081",
        "PermissionSet" => "0PS",
        "PermissionSetGroup" => "0PG",
        "Profile" => "00e",
        "RemoteSiteSetting" => "0rp",
        "NamedCredential" => "0XA",
        "FlexiPage" => "0M0",
        "LightningComponentBundle" => "0Rb",
        "AuraDefinitionBundle" => "0Ab",
        "CustomPermission" => "0CP",
        "CspTrustedSite" => "08y",
        _ => "0zz",
    }
}
