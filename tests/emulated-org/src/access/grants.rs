//! What the profile and the permission sets of one user add up to.
//!
//! Source: Object Reference for the Salesforce Platform, PermissionSet (every profile owns one, which holds the
//! profile's permissions), PermissionSetAssignment, ObjectPermissions, FieldPermissions. Permissions only ever add
//! up: none takes away what another gives.

use std::collections::{BTreeMap, BTreeSet};

use super::extras::Extras;
use super::records::{Record, all, one, referring};
use super::rights::{FieldRights, ObjectRights};
use crate::data::Data;
use crate::id::RecordId;

/// The sum of a user's permissions. Names are kept in lower case.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Grants {
    /// Whether nothing is kept from the user, whatever else is granted.
    pub(super) everything: bool,
    /// System permissions such as `viewalldata`.
    permissions: BTreeSet<String>,
    objects: BTreeMap<String, ObjectRights>,
    /// By `object.field`.
    fields: BTreeMap<String, FieldRights>,
    /// What no record holds.
    pub(super) extras: Extras,
}

impl Grants {
    /// The permissions of a user. `extras_of` says what else a permission set gives.
    pub(super) fn of(user: RecordId, data: &Data, extras_of: impl Fn(RecordId) -> Extras) -> Self {
        let mut grants = Self::default();
        for set in sets_of(user, data) {
            grants.add(set, data, extras_of(set.row.id()));
        }
        if grants.may("ModifyAllData") {
            grants.permissions.insert("viewalldata".to_owned());
        }
        grants
    }

    fn add(&mut self, set: Record<'_>, data: &Data, extras: Extras) {
        for (position, field) in set.object.fields.iter().enumerate() {
            if let Some(name) = field.name.strip_prefix("Permissions")
                && set.row.get(position) == &crate::value::Value::Boolean(true)
            {
                self.permissions.insert(name.to_ascii_lowercase());
            }
        }
        for record in referring(data, "ObjectPermissions", "ParentId", set.row.id()) {
            let given = ObjectRights {
                create: record.is("PermissionsCreate"),
                read: record.is("PermissionsRead"),
                edit: record.is("PermissionsEdit"),
                delete: record.is("PermissionsDelete"),
                view_all: record.is("PermissionsViewAllRecords"),
                modify_all: record.is("PermissionsModifyAllRecords"),
                view_all_fields: record.is("PermissionsViewAllFields"),
            };
            let object = record.text("SobjectType").to_ascii_lowercase();
            *self.objects.entry(object).or_default() |= given.completed();
        }
        for record in referring(data, "FieldPermissions", "ParentId", set.row.id()) {
            let edit = record.is("PermissionsEdit");
            let given = FieldRights {
                read: edit || record.is("PermissionsRead"),
                edit,
            };
            let field = record.text("Field").to_ascii_lowercase();
            *self.fields.entry(field).or_default() |= given;
        }
        self.extras.add(super::entities::opened_by(set.row.id(), data));
        self.everything |= extras.everything;
        self.extras.add(extras);
    }

    /// Whether a system permission such as `ViewAllData` is granted.
    pub(super) fn may(&self, permission: &str) -> bool {
        // Even administrators hard delete by Bulk only where they are told they may (Bulk API 2.0 Developer Guide).
        let is_given = self.permissions.contains(&permission.to_ascii_lowercase());
        is_given || self.everything && !permission.eq_ignore_ascii_case("BulkApiHardDelete")
    }

    pub(super) fn object(&self, name: &str) -> ObjectRights {
        self.objects
            .get(&name.to_ascii_lowercase())
            .copied()
            .unwrap_or_default()
    }

    pub(super) fn field(&self, object: &str, field: &str) -> FieldRights {
        let name = format!("{object}.{field}").to_ascii_lowercase();
        self.fields.get(&name).copied().unwrap_or_default()
    }
}

/// The permission set of a user's profile, and those assigned to the user.
fn sets_of(user: RecordId, data: &Data) -> Vec<Record<'_>> {
    let profile = one(data, "User", user).and_then(|user| user.id_in("ProfileId"));
    let own = all(data, "PermissionSet").filter(|set| profile.is_some() && set.id_in("ProfileId") == profile);
    let assigned = all(data, "PermissionSetAssignment")
        .filter(|assignment| assignment.id_in("AssigneeId") == Some(user))
        .filter_map(|assignment| one(data, "PermissionSet", assignment.id_in("PermissionSetId")?));
    own.chain(assigned).collect()
}
