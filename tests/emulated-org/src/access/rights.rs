//! What a user may do with an object, and with a field.

use std::ops::BitOrAssign;

/// What a user may do with the records of an object.
///
/// Source: Object Reference for the Salesforce Platform, ObjectPermissions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "the permissions of one ObjectPermissions record"
)]
pub struct ObjectRights {
    /// Make records.
    pub create: bool,
    /// See the object and those records that are shared with the user.
    pub read: bool,
    /// Change records.
    pub edit: bool,
    /// Delete records.
    pub delete: bool,
    /// See every record, whoever owns it.
    pub view_all: bool,
    /// Change and delete every record, whoever owns it.
    pub modify_all: bool,
    /// See every field.
    pub view_all_fields: bool,
}

/// What a user may do with a field.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FieldRights {
    /// See it.
    pub read: bool,
    /// Set it, where the object's records may be made or changed.
    pub edit: bool,
}

impl ObjectRights {
    /// No right is missing.
    pub const ALL: Self = Self {
        create: true,
        read: true,
        edit: true,
        delete: true,
        view_all: true,
        modify_all: true,
        view_all_fields: true,
    };

    /// Only looking, at every record.
    pub const LOOK: Self = Self {
        create: false,
        read: true,
        edit: false,
        delete: false,
        view_all: true,
        modify_all: false,
        view_all_fields: true,
    };

    /// The rights that others need, so that nobody may change what he cannot see.
    ///
    /// Source: Salesforce Help, Object Permissions: create, edit and delete need read, "View All" needs read, "Modify
    /// All" needs all of them.
    #[must_use]
    pub fn completed(mut self) -> Self {
        if self.modify_all {
            self.view_all = true;
            self.edit = true;
            self.delete = true;
        }
        self.edit |= self.delete;
        self.read |= self.create || self.edit || self.view_all || self.view_all_fields;
        self
    }
}

impl BitOrAssign for ObjectRights {
    fn bitor_assign(&mut self, other: Self) {
        self.create |= other.create;
        self.read |= other.read;
        self.edit |= other.edit;
        self.delete |= other.delete;
        self.view_all |= other.view_all;
        self.modify_all |= other.modify_all;
        self.view_all_fields |= other.view_all_fields;
    }
}

impl FieldRights {
    /// No right is missing.
    pub const ALL: Self = Self {
        read: true,
        edit: true,
    };
}

impl BitOrAssign for FieldRights {
    fn bitor_assign(&mut self, other: Self) {
        self.read |= other.read;
        self.edit |= other.edit;
    }
}
