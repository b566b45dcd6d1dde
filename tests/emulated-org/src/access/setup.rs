//! Permission sets, profiles and record types as one run of writes: their records, and what no record holds.
//!
//! Whoever adds one goes through here: those who call [`Org`](crate::org::Org), source folders and deployments.

use std::sync::Arc;

use super::definition::PermissionSetDefinition;
use super::entities::entity_named;
use super::extras::ExtrasChange;
use super::record_types::RecordTypeDefinition;
use super::records::{Record, all};
use super::{AccessError, set_of_profile};
use crate::data::{Draft, Operation, Transaction};
use crate::id::RecordId;
use crate::schema::{IS_PERSON_TYPE, Object, PERSON_RECORD_TYPE, Schema};
use crate::value::Value;

/// Writes what administrators set up. What [`Setup::finish`] answers is to be taken over with
/// [`AccessBook::change_extras`](super::AccessBook::change_extras) once the transaction stays.
#[derive(Debug)]
pub(crate) struct Setup<'t, 'd> {
    transaction: &'t mut Transaction<'d>,
    schema: &'t Schema,
    extras: Vec<ExtrasChange>,
}

impl<'t, 'd> Setup<'t, 'd> {
    pub(crate) fn new(transaction: &'t mut Transaction<'d>, schema: &'t Schema) -> Self {
        Self {
            transaction,
            schema,
            extras: Vec::new(),
        }
    }

    /// What no record holds of what was written.
    #[must_use]
    pub(crate) fn finish(self) -> Vec<ExtrasChange> {
        self.extras
    }

    /// Makes a permission set.
    pub(crate) fn add_permission_set(
        &mut self,
        name: &str,
        definition: &PermissionSetDefinition,
    ) -> Result<RecordId, AccessError> {
        definition.check(self.schema)?;
        let mut fields = set_fields(name, definition);
        fields.push(("Type", Value::text("Regular")));
        fields.push(("IsCustom", Value::Boolean(true)));
        let set = self.create("PermissionSet", fields)?;
        self.grant(set, definition)?;
        self.extras.push(ExtrasChange::of(set, definition, false));
        Ok(set)
    }

    /// Makes a permission set, or puts what it gives in place of what it gave.
    ///
    /// Source: Salesforce's notice on permission sets in Summer '17: since API version 40.0 a deployment replaces what
    /// the organisation has of a permission set; before it was merged.
    pub(crate) fn put_permission_set(
        &mut self,
        name: &str,
        definition: &PermissionSetDefinition,
    ) -> Result<RecordId, AccessError> {
        let Some(set) = self.permission_set(name) else {
            return self.add_permission_set(name, definition);
        };
        definition.check(self.schema)?;
        self.forget_grants(set)?;
        let object = self.object("PermissionSet")?;
        let mut fields = set_fields(name, definition);
        let flags = object.fields.iter().map(|field| field.name.as_str());
        let flags = flags.filter(|name| name.starts_with("Permissions"));
        fields.extend(flags.map(|name| (name, Value::Boolean(false))));
        self.update(&object, set, fields)?;
        self.grant(set, definition)?;
        self.extras.push(ExtrasChange::of(set, definition, true));
        Ok(set)
    }

    /// Deletes a permission set, and takes it from all who have it.
    pub(crate) fn delete_permission_set(&mut self, name: &str) -> Result<(), AccessError> {
        let Some(set) = self.permission_set(name) else {
            return Ok(());
        };
        self.forget_grants(set)?;
        self.delete_all("PermissionSetAssignment", |given| {
            given.id_in("PermissionSetId") == Some(set)
        })?;
        self.delete_all("PermissionSet", |known| known.row.id() == set)?;
        let nothing = PermissionSetDefinition::default();
        self.extras.push(ExtrasChange::of(set, &nothing, true));
        Ok(())
    }

    /// Forgets what is said of a field, or of an object and its fields and record types.
    pub(crate) fn forget_permissions_on(&mut self, name: &str) -> Result<(), AccessError> {
        let (object, field) = name.split_once('.').unwrap_or((name, ""));
        self.delete_all("FieldPermissions", |known| {
            let of_object = field.is_empty() && known.text("SobjectType").eq_ignore_ascii_case(object);
            of_object || known.text("Field").eq_ignore_ascii_case(name)
        })?;
        if !field.is_empty() {
            return Ok(());
        }
        for holder in ["ObjectPermissions", "RecordType"] {
            self.delete_all(holder, |known| {
                known.text("SobjectType").eq_ignore_ascii_case(object)
            })?;
        }
        Ok(())
    }

    /// Adds permissions to those of a profile, takes from it those that the definition denies, and makes the profile
    /// where it does not exist.
    ///
    /// Source: Metadata API Developer Guide, Profile: what a file does not mention stays as it is.
    pub(crate) fn put_profile(
        &mut self,
        name: &str,
        definition: &PermissionSetDefinition,
    ) -> Result<RecordId, AccessError> {
        definition.check(self.schema)?;
        let known = self.find("Profile", |profile| {
            profile.text("Name").eq_ignore_ascii_case(name)
        });
        let profile = match known {
            Some(profile) => profile,
            None => {
                let first = all(self.transaction.data(), "Profile").next();
                let license = first.map_or(Value::Null, |profile| profile.get("UserLicenseId").clone());
                let fields = vec![
                    ("Name", Value::text(name)),
                    ("UserLicenseId", license),
                    ("UserType", Value::text("Standard")),
                ];
                self.create("Profile", fields)?
            }
        };
        let known = self.find("PermissionSet", |set| set.id_in("ProfileId") == Some(profile));
        let set = match known {
            Some(set) => set,
            None => self.create("PermissionSet", set_of_profile(name, profile))?,
        };
        for permission in &definition.object_permissions {
            self.delete_all("ObjectPermissions", |known| {
                let same = known.text("SobjectType").eq_ignore_ascii_case(&permission.object);
                same && known.id_in("ParentId") == Some(set)
            })?;
        }
        for permission in &definition.field_permissions {
            self.delete_all("FieldPermissions", |known| {
                let same = known.text("Field").eq_ignore_ascii_case(&permission.field);
                same && known.id_in("ParentId") == Some(set)
            })?;
        }
        self.forget_denied(set, definition)?;
        self.grant(set, definition)?;
        self.extras.push(ExtrasChange::of(set, definition, false));
        Ok(profile)
    }

    /// Writes the record of a record type, over the one of that name where there `may_be_known` one.
    pub(crate) fn put_record_type(
        &mut self,
        object: &Object,
        definition: &RecordTypeDefinition,
        may_be_known: bool,
    ) -> Result<RecordId, AccessError> {
        let description = definition.description.as_deref();
        let fields = vec![
            ("Name", Value::text(definition.shown())),
            ("DeveloperName", Value::text(definition.full_name.as_str())),
            ("Description", description.map_or(Value::Null, Value::text)),
            ("SobjectType", Value::text(object.name.as_str())),
            ("IsActive", Value::Boolean(definition.active)),
            (
                IS_PERSON_TYPE,
                Value::Boolean(definition.full_name == PERSON_RECORD_TYPE),
            ),
        ];
        let known = self.find("RecordType", |known| {
            let same = known.text("DeveloperName") == definition.full_name;
            same && known.text("SobjectType") == object.name
        });
        match known {
            Some(_) if !may_be_known => {
                let name = format!("record type {}.{}", object.name, definition.full_name);
                Err(AccessError::Taken(name))
            }
            Some(known) => {
                let record_types = self.object("RecordType")?;
                self.update(&record_types, known, fields)?;
                Ok(known)
            }
            None => self.create("RecordType", fields),
        }
    }

    /// Writes a record.
    pub(crate) fn create(
        &mut self,
        object: &str,
        fields: Vec<(&str, Value)>,
    ) -> Result<RecordId, AccessError> {
        let object = self.object(object)?;
        let draft = draft(&object, fields);
        self.save(Operation::Create { object, draft })
    }

    pub(super) fn save(&mut self, operation: Operation) -> Result<RecordId, AccessError> {
        Ok(self.transaction.save(operation)?.id)
    }

    fn update(
        &mut self,
        object: &Arc<Object>,
        id: RecordId,
        fields: Vec<(&str, Value)>,
    ) -> Result<(), AccessError> {
        let draft = draft(object, fields);
        let object = Arc::clone(object);
        self.save(Operation::Update { object, id, draft })?;
        Ok(())
    }

    /// Writes what a definition says as records of a permission set.
    fn grant(&mut self, set: RecordId, definition: &PermissionSetDefinition) -> Result<(), AccessError> {
        let flags: Vec<(String, Value)> = definition
            .system_permissions()
            .into_iter()
            .map(|(name, enabled)| (format!("Permissions{name}"), Value::Boolean(enabled)))
            .collect();
        if !flags.is_empty() {
            let object = self.object("PermissionSet")?;
            let fields = flags.iter().map(|(name, value)| (name.as_str(), value.clone()));
            self.update(&object, set, fields.collect())?;
        }
        for (object, fields) in definition.records(set) {
            self.create(object, fields)?;
        }
        Ok(())
    }

    fn forget_grants(&mut self, set: RecordId) -> Result<(), AccessError> {
        for object in ["ObjectPermissions", "FieldPermissions", "SetupEntityAccess"] {
            self.delete_all(object, |known| known.id_in("ParentId") == Some(set))?;
        }
        Ok(())
    }

    /// What is given or denied anew, records say no longer.
    fn forget_denied(
        &mut self,
        set: RecordId,
        definition: &PermissionSetDefinition,
    ) -> Result<(), AccessError> {
        let mut entities = Vec::new();
        for said in [definition.extras(), definition.denied()] {
            let data = self.transaction.data();
            let classes = said.classes.iter().map(|name| ("ApexClass", name));
            let permissions = said.custom_permissions.iter();
            let permissions = permissions.map(|name| ("CustomPermission", name));
            entities.extend(
                classes
                    .chain(permissions)
                    .filter_map(|(kind, name)| entity_named(data, kind, name)),
            );
        }
        self.delete_all("SetupEntityAccess", |known| {
            let entity = known.id_in("SetupEntityId");
            known.id_in("ParentId") == Some(set) && entity.is_some_and(|entity| entities.contains(&entity))
        })
    }

    fn delete_all(&mut self, object: &str, doomed: impl Fn(&Record<'_>) -> bool) -> Result<(), AccessError> {
        let ids: Vec<RecordId> = all(self.transaction.data(), object)
            .filter(doomed)
            .map(|record| record.row.id())
            .collect();
        let object = self.object(object)?;
        for id in ids {
            let object = Arc::clone(&object);
            self.save(Operation::HardDelete { object, id })?;
        }
        Ok(())
    }

    fn permission_set(&self, name: &str) -> Option<RecordId> {
        self.find("PermissionSet", |set| set.text("Name").eq_ignore_ascii_case(name))
    }

    fn find(&self, object: &str, wanted: impl Fn(&Record<'_>) -> bool) -> Option<RecordId> {
        let found = all(self.transaction.data(), object).find(wanted);
        found.map(|record| record.row.id())
    }

    fn object(&self, name: &str) -> Result<Arc<Object>, AccessError> {
        let found = self.schema.object(name).cloned();
        found.ok_or_else(|| AccessError::Unknown(format!("object {name}")))
    }
}

fn set_fields<'n>(name: &str, definition: &PermissionSetDefinition) -> Vec<(&'n str, Value)> {
    let label = if definition.label.is_empty() {
        name
    } else {
        &definition.label
    };
    let description = definition.description.as_deref();
    vec![
        ("Name", Value::text(name)),
        ("Label", Value::text(label)),
        ("Description", description.map_or(Value::Null, Value::text)),
    ]
}

fn draft(object: &Object, fields: Vec<(&str, Value)>) -> Draft {
    let values = fields
        .into_iter()
        .filter_map(|(name, value)| Some((object.field(name)?.0, value)));
    Draft {
        values: values.collect(),
        parents: Vec::new(),
    }
}
