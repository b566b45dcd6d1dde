//! Record types: which there are, and which a user may choose.
//!
//! Source: Salesforce Help, How Is Record Type Access Specified?; Object Reference, RecordType. `RecordTypeId` is a
//! field of an object as soon as the object has a record type.

use serde::Deserialize;

use super::extras::RecordTypeVisibility;
use super::{Access, AccessError, PermissionSetDefinition, RecordTypeAccess, STANDARD_USER};
use crate::data::SaveError;
use crate::id::RecordId;
use crate::org::Org;
use crate::schema::{Field, FieldType, Object, PERSON_RECORD_TYPE, RecordTypeInfo, RecordTypePicklist};

/// The field that names a record's type.
pub(crate) const RECORD_TYPE_ID: &str = "RecordTypeId";
const MASTER: &str = "012000000000000AAA";

/// A record type to make.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct RecordTypeDefinition {
    /// Its developer name.
    #[serde(alias = "developerName")]
    pub full_name: String,
    /// Its label; the developer name unless given.
    pub label: String,
    /// What it is for.
    pub description: Option<String>,
    /// Whether new records may have it.
    pub active: bool,
    /// Which values its records have in picklists; all where a picklist is not listed.
    pub picklist_values: Vec<RecordTypePicklist>,
}

impl Default for RecordTypeDefinition {
    fn default() -> Self {
        Self {
            full_name: String::new(),
            label: String::new(),
            description: None,
            active: true,
            picklist_values: Vec::new(),
        }
    }
}

impl RecordTypeDefinition {
    /// The name that people see.
    pub(super) fn shown(&self) -> &str {
        if self.label.is_empty() {
            &self.full_name
        } else {
            &self.label
        }
    }

    /// Says of an object that it has the record type, in place of what was said of the one of that name.
    pub(crate) fn describe(&self, id: RecordId, object: &mut Object) {
        take_record_types(object);
        let info = RecordTypeInfo {
            record_type_id: Some(id.as_str().to_owned()),
            name: self.shown().to_owned(),
            developer_name: self.full_name.clone(),
            available: true,
            active: self.active,
            master: false,
            default_record_type_mapping: false,
        };
        let infos = &mut object.record_type_infos;
        match infos
            .iter_mut()
            .find(|known| known.developer_name == self.full_name)
        {
            Some(known) => *known = info,
            None => infos.push(info),
        }
        object
            .record_type_picklists
            .insert(id, self.picklist_values.clone());
    }
}

impl Org {
    /// Adds the record type of persons, which ordinary users may choose.
    ///
    /// # Errors
    /// It is there already.
    pub(crate) fn add_person_record_type(&self) -> Result<(), AccessError> {
        self.add_record_type(
            "Account",
            &RecordTypeDefinition {
                full_name: PERSON_RECORD_TYPE.to_owned(),
                label: "Person Account".to_owned(),
                ..RecordTypeDefinition::default()
            },
        )?;
        let visible = RecordTypeAccess {
            record_type: format!("Account.{PERSON_RECORD_TYPE}"),
            visible: true,
            default: false,
            person_account_default: true,
        };
        let granted = PermissionSetDefinition {
            record_type_visibilities: vec![visible],
            ..PermissionSetDefinition::default()
        };
        self.add_profile(STANDARD_USER, &granted)?;
        Ok(())
    }

    /// Adds a record type to an object.
    ///
    /// # Errors
    /// An object that does not exist, a name that the object has already.
    pub fn add_record_type(
        &self,
        object: &str,
        definition: &RecordTypeDefinition,
    ) -> Result<RecordId, AccessError> {
        let schema = self.schema();
        let object = schema
            .object(object)
            .ok_or_else(|| AccessError::Unknown(format!("object {object}")))?;
        let id = self.set_up(|setup| setup.put_record_type(object, definition, false))?;
        let name = &object.name;
        self.change_schema(|schema| schema.change_object(name, |object| definition.describe(id, object)))?;
        Ok(id)
    }
}

impl Access {
    /// Says in the user's view of an object which record types the user may choose, and which is the default.
    pub(super) fn choose_record_types(&self, object: &mut Object) {
        if object.record_type_infos.len() < 2 {
            return;
        }
        let name = object.name.clone();
        let mut chosen = false;
        for info in object.record_type_infos.iter_mut().filter(|info| !info.master) {
            let visibility = self.visibility(&name, &info.developer_name);
            info.available = info.active && visibility.available;
            info.default_record_type_mapping = info.available && visibility.default && !chosen;
            chosen |= info.default_record_type_mapping;
        }
        for info in object.record_type_infos.iter_mut().filter(|info| info.master) {
            info.default_record_type_mapping = !chosen;
        }
    }

    /// The record type of records of an object that name none; `None` for the master record type.
    #[must_use]
    pub fn default_record_type(&self, object: &Object) -> Option<RecordId> {
        let mut infos = object.record_type_infos.iter();
        let default = infos.find(|info| {
            let visibility = self.visibility(&object.name, &info.developer_name);
            !info.master && info.active && visibility.available && visibility.default
        })?;
        RecordId::parse(default.record_type_id.as_deref()?)
    }

    /// Whether the user may give a record of an object this type.
    #[must_use]
    pub fn may_choose(&self, object: &Object, record_type: RecordId) -> bool {
        let mut infos = object.record_type_infos.iter();
        let found = infos.find(|info| info.record_type_id.as_deref() == Some(record_type.as_str()));
        found.is_some_and(|info| {
            info.active && (info.master || self.visibility(&object.name, &info.developer_name).available)
        })
    }

    fn visibility(&self, object: &str, developer_name: &str) -> RecordTypeVisibility {
        let name = format!("{object}.{developer_name}").to_ascii_lowercase();
        let given = self.grants.extras.record_types.get(&name).copied();
        let mut visibility = given.unwrap_or_default();
        visibility.available |= self.grants.everything;
        visibility
    }
}

/// Reported in these words by many; the code is believed.
pub(crate) fn not_for_user(field: &Field, record_type: RecordId) -> SaveError {
    let message = format!(
        "{}: this ID value isn't valid for the user: {record_type}",
        field.label
    );
    SaveError::of_field("INVALID_CROSS_REFERENCE_KEY", &field.name, message)
}

/// Prepares an object for record types.
pub(crate) fn take_record_types(object: &mut Object) {
    if object.record_type_infos.is_empty() {
        object.record_type_infos.push(master());
    }
    if object.field(RECORD_TYPE_ID).is_none() {
        object.fields.push(record_type_field());
    }
}

fn master() -> RecordTypeInfo {
    RecordTypeInfo {
        record_type_id: Some(MASTER.to_owned()),
        name: "Master".to_owned(),
        developer_name: "Master".to_owned(),
        master: true,
        default_record_type_mapping: true,
        ..RecordTypeInfo::default()
    }
}

fn record_type_field() -> Field {
    Field {
        name: RECORD_TYPE_ID.to_owned(),
        label: "Record Type ID".to_owned(),
        kind: FieldType::Reference,
        length: 18,
        reference_to: vec!["RecordType".to_owned()],
        relationship_name: Some("RecordType".to_owned()),
        groupable: true,
        aggregatable: true,
        ..Field::default()
    }
}
