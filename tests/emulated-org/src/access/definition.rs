//! A permission set or a profile as metadata describes it.
//!
//! Source: Salesforce Metadata API Developer Guide, `PermissionSet` and `Profile`.

use serde::Deserialize;

use super::AccessError;
use super::extras::{Extras, RecordTypeVisibility};
use crate::id::RecordId;
use crate::schema::Schema;
use crate::value::Value;

/// What a permission set or a profile grants. The names are those of the metadata, in XML and in JSON.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
#[expect(missing_docs, reason = "each member is the metadata element of the same name")]
pub struct PermissionSetDefinition {
    pub label: String,
    pub description: Option<String>,
    pub object_permissions: Vec<ObjectPermission>,
    pub field_permissions: Vec<FieldPermission>,
    pub user_permissions: Vec<Named>,
    pub class_accesses: Vec<Named>,
    pub page_accesses: Vec<Named>,
    pub custom_permissions: Vec<Named>,
    pub custom_metadata_type_accesses: Vec<Named>,
    pub custom_setting_accesses: Vec<Named>,
    pub record_type_visibilities: Vec<RecordTypeAccess>,
    pub tab_settings: Vec<TabSetting>,
    /// What profiles call `tabSettings`.
    pub tab_visibilities: Vec<TabSetting>,
    pub application_visibilities: Vec<ApplicationVisibility>,
    /// Of profiles alone.
    pub layout_assignments: Vec<LayoutAssignment>,
}

/// Rights on an object.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, rename_all = "camelCase", deny_unknown_fields)]
#[expect(clippy::struct_excessive_bools, reason = "the elements of the metadata type")]
#[expect(missing_docs, reason = "each member is the metadata element of the same name")]
pub struct ObjectPermission {
    pub object: String,
    pub allow_create: bool,
    pub allow_read: bool,
    pub allow_edit: bool,
    pub allow_delete: bool,
    pub view_all_records: bool,
    pub modify_all_records: bool,
    pub view_all_fields: bool,
}

/// Rights on a field, named `Object.Field`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, rename_all = "camelCase", deny_unknown_fields)]
#[expect(missing_docs, reason = "each member is the metadata element of the same name")]
pub struct FieldPermission {
    pub field: String,
    pub readable: bool,
    pub editable: bool,
}

/// Something by its name, and whether it is granted.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, rename_all = "camelCase", deny_unknown_fields)]
pub struct Named {
    /// The name of the permission, class, page or type.
    #[serde(alias = "apexClass", alias = "apexPage")]
    pub name: String,
    /// Whether it is granted.
    pub enabled: bool,
}

/// A record type, named `Object.DeveloperName`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, rename_all = "camelCase", deny_unknown_fields)]
#[expect(missing_docs, reason = "each member is the metadata element of the same name")]
pub struct RecordTypeAccess {
    pub record_type: String,
    pub visible: bool,
    pub default: bool,
    pub person_account_default: bool,
}

/// How a tab stands.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, rename_all = "camelCase", deny_unknown_fields)]
#[expect(missing_docs, reason = "each member is the metadata element of the same name")]
pub struct TabSetting {
    pub tab: String,
    pub visibility: String,
}

/// Whether an app is in the launcher.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, rename_all = "camelCase", deny_unknown_fields)]
#[expect(missing_docs, reason = "each member is the metadata element of the same name")]
pub struct ApplicationVisibility {
    pub application: String,
    pub default: bool,
    pub visible: bool,
}

/// Which page layout records have, of one type where it names one (`Object.DeveloperName`).
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, rename_all = "camelCase", deny_unknown_fields)]
#[expect(missing_docs, reason = "each member is the metadata element of the same name")]
pub struct LayoutAssignment {
    pub layout: String,
    pub record_type: Option<String>,
}

impl LayoutAssignment {
    /// What the layout is for: a record type, or all others of the object that names the layout.
    fn target(&self) -> Option<String> {
        let object = self.layout.split_once('-').map(|(object, _)| object);
        let target = self.record_type.as_deref().or(object)?;
        Some(target.to_ascii_lowercase())
    }
}

impl PermissionSetDefinition {
    /// Adds rights on an object: any of the letters C, R, E, D, V for "View All", M for "Modify All".
    #[must_use]
    pub fn with_object(mut self, object: &str, rights: &str) -> Self {
        self.object_permissions.push(ObjectPermission {
            object: object.to_owned(),
            allow_create: rights.contains('C'),
            allow_read: rights.contains('R'),
            allow_edit: rights.contains('E'),
            allow_delete: rights.contains('D'),
            view_all_records: rights.contains('V'),
            modify_all_records: rights.contains('M'),
            view_all_fields: false,
        });
        self
    }

    /// Adds rights on a field, named `Object.Field`.
    #[must_use]
    pub fn with_field(mut self, field: &str, editable: bool) -> Self {
        self.field_permissions.push(FieldPermission {
            field: field.to_owned(),
            readable: true,
            editable,
        });
        self
    }

    /// Adds a system permission such as `ViewAllData`.
    #[must_use]
    pub fn with_permission(mut self, name: &str) -> Self {
        self.user_permissions.push(Named {
            name: name.to_owned(),
            enabled: true,
        });
        self
    }

    /// Whether all that is named exists, as a deployment would ask. Classes, pages, tabs and custom permissions are
    /// not known here.
    pub(crate) fn check(&self, schema: &Schema) -> Result<(), AccessError> {
        for permission in &self.object_permissions {
            if schema.object(&permission.object).is_none() {
                return Err(AccessError::Unknown(format!("object {}", permission.object)));
            }
        }
        for permission in &self.field_permissions {
            let unknown = || AccessError::Unknown(format!("field {}", permission.field));
            let (object, field) = permission.field.split_once('.').ok_or_else(unknown)?;
            let object = if object == "Activity" { "Task" } else { object };
            let known = schema.object(object).and_then(|object| object.field(field));
            known.ok_or_else(unknown)?;
        }
        let sets = schema.object("PermissionSet");
        for permission in &self.user_permissions {
            let flag = format!("Permissions{}", permission.name);
            if sets.is_none_or(|sets| sets.field(&flag).is_none()) {
                let unknown = format!("system permission {}", permission.name);
                return Err(AccessError::Unknown(unknown));
            }
        }
        Ok(())
    }

    pub(super) fn system_permissions(&self) -> Vec<(&str, bool)> {
        let permissions = self.user_permissions.iter();
        permissions
            .map(|permission| (permission.name.as_str(), permission.enabled))
            .collect()
    }

    /// The records of a permission set that say what is granted on objects and fields.
    pub(crate) fn records(&self, set: RecordId) -> Vec<(&'static str, Vec<(&'static str, Value)>)> {
        let objects = self.object_permissions.iter().map(|permission| {
            let fields = vec![
                ("ParentId", Value::Id(set)),
                ("SobjectType", Value::text(permission.object.as_str())),
                ("PermissionsCreate", Value::Boolean(permission.allow_create)),
                ("PermissionsRead", Value::Boolean(permission.allow_read)),
                ("PermissionsEdit", Value::Boolean(permission.allow_edit)),
                ("PermissionsDelete", Value::Boolean(permission.allow_delete)),
                (
                    "PermissionsViewAllRecords",
                    Value::Boolean(permission.view_all_records),
                ),
                (
                    "PermissionsModifyAllRecords",
                    Value::Boolean(permission.modify_all_records),
                ),
                (
                    "PermissionsViewAllFields",
                    Value::Boolean(permission.view_all_fields),
                ),
            ];
            ("ObjectPermissions", fields)
        });
        let fields = self.field_permissions.iter().map(|permission| {
            let (object, _) = permission.field.split_once('.').unwrap_or_default();
            let fields = vec![
                ("ParentId", Value::Id(set)),
                ("SobjectType", Value::text(object)),
                ("Field", Value::text(permission.field.as_str())),
                (
                    "PermissionsRead",
                    Value::Boolean(permission.readable || permission.editable),
                ),
                ("PermissionsEdit", Value::Boolean(permission.editable)),
            ];
            ("FieldPermissions", fields)
        });
        objects.chain(fields).collect()
    }

    pub(super) fn extras(&self) -> Extras {
        let tabs = self.tab_settings.iter().chain(&self.tab_visibilities);
        Extras {
            tabs: tabs
                .map(|setting| (setting.tab.to_ascii_lowercase(), setting.visibility.clone()))
                .collect(),
            record_types: self
                .record_type_visibilities
                .iter()
                .map(|access| {
                    let visibility = RecordTypeVisibility {
                        available: access.visible,
                        default: access.default,
                    };
                    (access.record_type.to_ascii_lowercase(), visibility)
                })
                .collect(),
            applications: self
                .application_visibilities
                .iter()
                .filter(|known| known.visible)
                .map(|known| known.application.to_ascii_lowercase())
                .collect(),
            layouts: self
                .layout_assignments
                .iter()
                .filter_map(|assignment| Some((assignment.target()?, assignment.layout.clone())))
                .collect(),
            ..self.named(true)
        }
    }

    /// What the definition names and does not give.
    pub(super) fn denied(&self) -> Extras {
        let hidden = self
            .application_visibilities
            .iter()
            .filter(|known| !known.visible);
        Extras {
            applications: hidden
                .map(|known| known.application.to_ascii_lowercase())
                .collect(),
            ..self.named(false)
        }
    }

    fn named(&self, enabled: bool) -> Extras {
        let named = |list: &[Named]| {
            list.iter()
                .filter(|named| named.enabled == enabled)
                .map(|named| named.name.to_ascii_lowercase())
                .collect()
        };
        let mut configuration: Vec<Named> = self.custom_metadata_type_accesses.clone();
        configuration.extend(self.custom_setting_accesses.iter().cloned());
        Extras {
            classes: named(&self.class_accesses),
            pages: named(&self.page_accesses),
            custom_permissions: named(&self.custom_permissions),
            configuration: named(&configuration),
            ..Extras::default()
        }
    }
}
