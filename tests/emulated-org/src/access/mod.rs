//! Who may see and do what.
//!
//! [`Org::access_of`] answers for one user. Reading follows from [`Access::schema`], the metadata as the user sees it:
//! objects, fields and rows that it lacks are as good as absent. Writing is admitted in one place,
//! `data::admission`, which every transaction in a user's name passes. What flows do is not admitted: they run in
//! system mode.
//!
//! Source: Salesforce Help, Control Who Sees What; Object Reference for the Salesforce Platform, PermissionSet.

mod book;
mod change;
mod definition;
mod entities;
mod extras;
mod grants;
mod metadata;
mod queues;
mod record_types;
pub(crate) mod records;
mod rights;
mod setup;
mod sight;
mod standard;
mod view;

use std::collections::BTreeSet;
use std::sync::Arc;

pub(crate) use book::AccessBook;
pub use change::AccessError;
pub(crate) use change::set_of_profile;
pub use definition::{
    ApplicationVisibility, FieldPermission, LayoutAssignment, Named, ObjectPermission,
    PermissionSetDefinition, RecordTypeAccess, TabSetting,
};
pub(crate) use entities::{CustomPermission, permission_fields};
pub(crate) use extras::ExtrasChange;
pub use extras::{Extras, RecordTypeVisibility};
use grants::Grants;
pub(crate) use metadata::{adopt as adopt_metadata, shown_profile};
pub use queues::QueueDefinition;
pub(crate) use queues::is_queue_for;
pub use record_types::RecordTypeDefinition;
pub(crate) use record_types::{RECORD_TYPE_ID, not_for_user, take_record_types};
pub use rights::{FieldRights, ObjectRights};
pub(crate) use setup::Setup;
pub use sight::Sight;
pub(crate) use standard::{
    ADMINISTRATOR, MARKETING_USER, MINIMUM_ACCESS, STANDARD_USER, is_of_company_data, marketing_rights,
    permissions_of_profile, standard_rights,
};

use chrono::{DateTime, Utc};

use crate::data::{Data, Row};
use crate::id::RecordId;
use crate::org::Org;
use crate::schema::{Field, Object, Schema, Sharing};
use crate::value::Value;

/// What one user may see and do. It is a snapshot: later changes to permissions make another.
#[derive(Clone, Debug)]
pub struct Access {
    user: RecordId,
    grants: Grants,
    /// The user, and the groups whose member the user is.
    owners: Arc<BTreeSet<RecordId>>,
    full: Arc<Schema>,
    seen: Arc<Schema>,
    /// As `seen`, without what only the code of a package sees.
    outside: Arc<Schema>,
    changed: DateTime<Utc>,
}

/// How an object is kept from users.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Keeping {
    /// By object and field permissions.
    Permissions,
    /// By permissions on activities; the fields of Activity by field permissions.
    Activity,
    /// Everybody looks, administrators change.
    Setup,
    /// Custom metadata types and custom settings.
    Configuration,
    /// By nothing that this organisation knows.
    Open,
}

impl Org {
    /// What a user may see and do now. A user that does not exist may do nothing.
    #[must_use]
    pub fn access_of(&self, user: RecordId) -> Arc<Access> {
        let schema = self.schema();
        self.access.of(user, &self.read(), &schema)
    }
}

impl Access {
    fn new(user: RecordId, grants: Grants, data: &Data, schema: &Arc<Schema>) -> Self {
        let mut access = Self {
            user,
            grants,
            owners: Arc::new(queues::groups_of(user, data)),
            full: Arc::clone(schema),
            seen: Arc::clone(schema),
            outside: Arc::clone(schema),
            changed: DateTime::UNIX_EPOCH,
        };
        let chooses = schema.objects().any(|object| object.record_type_infos.len() > 1);
        if !access.grants.everything || chooses {
            access.seen = Arc::new(schema.seen(|object| access.seen(object)));
        }
        access.outside = if schema.objects().any(|object| object.is_protected) {
            let shown = |object: &Arc<Object>| (!object.is_protected).then(|| Arc::clone(object));
            Arc::new(access.seen.seen(shown))
        } else {
            Arc::clone(&access.seen)
        };
        access
    }

    /// The user.
    #[must_use]
    pub fn user(&self) -> RecordId {
        self.user
    }

    /// When the user's permissions were last found changed.
    pub(crate) fn changed(&self) -> DateTime<Utc> {
        self.changed
    }

    /// The metadata as the user sees it.
    #[must_use]
    pub fn schema(&self) -> &Arc<Schema> {
        &self.seen
    }

    /// The metadata as the user sees it who is no code of a package: through any interface of the organisation.
    #[must_use]
    pub fn schema_outside(&self) -> &Arc<Schema> {
        &self.outside
    }

    /// Whether nothing is kept from the user.
    #[must_use]
    pub fn is_unlimited(&self) -> bool {
        self.grants.everything
    }

    /// Whether the user has a system permission such as `ApiEnabled` or `ViewAllData`.
    #[must_use]
    pub fn has_permission(&self, name: &str) -> bool {
        self.grants.may(name)
    }

    /// Whether the user has a custom permission.
    #[must_use]
    pub fn has_custom_permission(&self, name: &str) -> bool {
        let name = name.to_ascii_lowercase();
        self.grants.extras.custom_permissions.contains(&name)
    }

    /// Whether the user may call an Apex class from outside.
    #[must_use]
    pub fn has_class(&self, name: &str) -> bool {
        let classes = &self.grants.extras.classes;
        self.may("AuthorApex") || classes.contains(&name.to_ascii_lowercase())
    }

    /// Whether the user may open a Visualforce page.
    #[must_use]
    pub fn has_page(&self, name: &str) -> bool {
        let pages = &self.grants.extras.pages;
        self.may("CustomizeApplication") || pages.contains(&name.to_ascii_lowercase())
    }

    /// How a tab stands for the user, as the metadata says it: `Visible`, `Available`, `DefaultOn` and so on.
    #[must_use]
    pub fn tab(&self, name: &str) -> Option<&str> {
        let tabs = &self.grants.extras.tabs;
        tabs.get(&name.to_ascii_lowercase()).map(String::as_str)
    }

    /// Whether an app is in the user's launcher.
    #[must_use]
    pub fn has_application(&self, name: &str) -> bool {
        let applications = &self.grants.extras.applications;
        applications.contains(&name.to_ascii_lowercase())
    }

    /// The page layout that the user's profile has for records of an object, of a type where it names one.
    #[must_use]
    pub fn layout(&self, object: &str, record_type: Option<&str>) -> Option<&str> {
        let layouts = &self.grants.extras.layouts;
        let of_type =
            record_type.and_then(|name| layouts.get(&format!("{object}.{name}").to_ascii_lowercase()));
        let found = of_type.or_else(|| layouts.get(&object.to_ascii_lowercase()));
        found.map(String::as_str)
    }

    /// What the user may do with an object's records.
    #[must_use]
    pub fn object(&self, object: &Object) -> ObjectRights {
        if self.grants.everything {
            return ObjectRights::ALL;
        }
        match keeping(object) {
            Keeping::Open => ObjectRights::ALL,
            Keeping::Permissions => {
                let mut rights = self.grants.object(&object.name);
                if self.may("ViewAllData") {
                    rights.view_all = true;
                }
                if self.may("ModifyAllData") {
                    rights.create = true;
                    rights.modify_all = true;
                }
                rights.completed()
            }
            Keeping::Activity => {
                let permission = format!("Edit{}", object.name);
                let edit = self.may(&permission);
                ObjectRights {
                    create: edit,
                    read: true,
                    edit,
                    delete: edit,
                    view_all: self.may("ViewAllData"),
                    modify_all: self.may("ModifyAllData"),
                    view_all_fields: false,
                }
            }
            Keeping::Setup => {
                let may_write = self.may(match object.name.as_str() {
                    "Organization" | "RecordType" => "CustomizeApplication",
                    _ => "ManageUsers",
                });
                if may_write {
                    ObjectRights::ALL
                } else {
                    ObjectRights {
                        // A user changes what is said of himself.
                        edit: object.name == "User",
                        ..ObjectRights::LOOK
                    }
                }
            }
            Keeping::Configuration => {
                let name = object.name.to_ascii_lowercase();
                if self.may("CustomizeApplication") {
                    ObjectRights::ALL
                } else if self.grants.extras.configuration.contains(&name) {
                    ObjectRights::LOOK
                } else {
                    ObjectRights::default()
                }
            }
        }
    }

    /// What the user may do with a field, as far as its object allows it.
    ///
    /// Source: Object Reference for the Salesforce Platform, FieldPermissions: fields that are not permissionable,
    /// which every record needs, are open; the parts of a compound field follow it.
    #[must_use]
    pub fn field(&self, object: &Object, field: &Field) -> FieldRights {
        let keeping = keeping(object);
        let open = match keeping {
            Keeping::Permissions => false,
            Keeping::Activity => !field.custom,
            _ => true,
        };
        if self.grants.everything {
            return FieldRights::ALL;
        }
        if open {
            let kept = object.name == "User" && is_of_administrators(&field.name) && !self.may("ManageUsers");
            return FieldRights {
                read: true,
                edit: !kept,
            };
        }
        let compound = field.compound_field_name.as_deref();
        let whole = compound
            .and_then(|name| object.field(name))
            .map(|(_, whole)| whole);
        let governing = whole.filter(|whole| whole.permissionable).unwrap_or(field);
        if !governing.permissionable {
            return FieldRights::ALL;
        }
        let mut rights = self.grants.field(&object.name, &governing.name);
        if keeping == Keeping::Activity {
            rights |= self.grants.field("Activity", &governing.name);
        }
        rights.read |= self.object(object).view_all_fields;
        rights
    }

    /// Whether the user sees a row of an object that the user may read.
    #[must_use]
    pub fn sees(&self, object: &Object, row: &Row, data: &Data) -> bool {
        self.object(object).read && self.sight(object).is_none_or(|sight| sight.sees(row, data))
    }

    /// Whether the user may change a row.
    #[must_use]
    pub fn may_edit(&self, object: &Object, row: &Row, data: &Data) -> bool {
        let rights = self.object(object);
        if !rights.edit {
            return false;
        }
        if object.name == "User" {
            return rights.modify_all || row.id() == self.user;
        }
        self.reaches(object, row, data, |sharing| {
            matches!(
                sharing,
                Sharing::ReadWrite | Sharing::ReadWriteTransfer | Sharing::FullAccess
            )
        })
    }

    /// Whether sharing lets the user change a row, whatever object permissions say.
    pub(crate) fn shares_edit(&self, object: &Object, row: &Row, data: &Data) -> bool {
        object.name == "User"
            || self.reaches(object, row, data, |sharing| {
                matches!(
                    sharing,
                    Sharing::ReadWrite | Sharing::ReadWriteTransfer | Sharing::FullAccess
                )
            })
    }

    /// Whether the user may delete a row: the owner may, and whoever may modify all.
    ///
    /// Source: Salesforce Help, Sharing Access Levels: with Public Read/Write others change a record, but only its
    /// owner deletes it.
    #[must_use]
    pub fn may_delete(&self, object: &Object, row: &Row, data: &Data) -> bool {
        self.object(object).delete
            && self.reaches(object, row, data, |sharing| sharing == Sharing::FullAccess)
    }

    /// Whether the user may give a row to another owner.
    #[must_use]
    pub fn may_transfer(&self, object: &Object, row: &Row, data: &Data) -> bool {
        self.may("TransferAnyEntity")
            || object.name == "Lead" && self.may("TransferAnyLead")
            || self.reaches(object, row, data, |sharing| {
                matches!(sharing, Sharing::ReadWriteTransfer | Sharing::FullAccess)
            })
    }

    fn reaches(&self, object: &Object, row: &Row, data: &Data, by_default: impl Fn(Sharing) -> bool) -> bool {
        if self.object(object).modify_all {
            return true;
        }
        let owner = object.field("OwnerId").map(|(position, _)| row.get(position));
        if let Some(Value::Id(owner)) = owner
            && self.owners.contains(owner)
        {
            return true;
        }
        let sharing = view::sharing_of(object);
        if sharing != Sharing::ControlledByParent {
            return by_default(sharing) || owner.is_none();
        }
        let Some((reference, parent)) = view::controlling_parent(object, &self.full) else {
            return false;
        };
        let Value::Id(parent_id) = row.get(reference) else {
            return false;
        };
        let found = data.table(&parent.name).and_then(|table| table.get(parent_id));
        found.is_some_and(|found| self.may_edit(parent, found, data))
    }

    fn may(&self, permission: &str) -> bool {
        self.grants.may(permission)
    }
}

/// Standard objects with object permissions (Object Reference, ObjectPermissions), the custom ones beside them.
const PERMISSIONABLE: [&str; 13] = [
    "Account",
    "Asset",
    "Campaign",
    "Case",
    "Contact",
    "Contract",
    "Document",
    "Lead",
    "Opportunity",
    "Order",
    "Pricebook2",
    "Product2",
    "Solution",
];
const SETUP: [&str; 13] = [
    "CustomPermission",
    "FieldPermissions",
    "Group",
    "GroupMember",
    "ObjectPermissions",
    "Organization",
    "PermissionSet",
    "PermissionSetAssignment",
    "Profile",
    "QueueSobject",
    "RecordType",
    "SetupEntityAccess",
    "User",
];

/// What users do not change of themselves: what they may do, and who they are to the organisation (believed).
fn is_of_administrators(field: &str) -> bool {
    let named = [
        "Alias",
        "CommunityNickname",
        "FederationIdentifier",
        "IsActive",
        "ManagerId",
        "ProfileId",
        "UserRoleId",
        "Username",
    ];
    named.contains(&field) || field.starts_with("UserPermissions")
}

fn keeping(object: &Object) -> Keeping {
    let name = object.name.as_str();
    if object.custom_setting || name.ends_with("__mdt") {
        Keeping::Configuration
    } else if object.custom || PERMISSIONABLE.contains(&name) {
        Keeping::Permissions
    } else if matches!(name, "Task" | "Event") {
        Keeping::Activity
    } else if SETUP.contains(&name) {
        Keeping::Setup
    } else {
        Keeping::Open
    }
}
