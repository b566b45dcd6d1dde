//! Keeps what users may do, until a record or the metadata changes that says so.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use super::Access;
use super::extras::{Extras, ExtrasChange};
use super::grants::Grants;
use crate::data::{Data, Table};
use crate::id::RecordId;
use crate::schema::Schema;

/// The objects whose records decide about access.
const DECIDING: [&str; 9] = [
    "User",
    "PermissionSet",
    "PermissionSetAssignment",
    "ObjectPermissions",
    "FieldPermissions",
    "GroupMember",
    "SetupEntityAccess",
    "CustomPermission",
    "ApexClass",
];

/// The access of all users who were asked for.
#[derive(Debug, Default)]
pub(crate) struct AccessBook {
    extras: RwLock<BTreeMap<RecordId, Extras>>,
    extras_changed: AtomicU64,
    known: Mutex<BTreeMap<RecordId, (u64, Arc<Access>)>>,
}

impl AccessBook {
    /// What a user may do, as the records say it now.
    pub(crate) fn of(&self, user: RecordId, data: &Data, schema: &Arc<Schema>) -> Arc<Access> {
        let revision = self.revision(data);
        {
            let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some((known_revision, access)) = known.get(&user)
                && *known_revision == revision
                && Arc::ptr_eq(&access.full, schema)
            {
                return Arc::clone(access);
            }
        }
        let extras = self.extras.read().unwrap_or_else(PoisonError::into_inner);
        let grants = Grants::of(user, data, |set| extras.get(&set).cloned().unwrap_or_default());
        let mut access = Access::new(user, grants, data, schema);
        drop(extras);
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, before)) = known.get(&user) {
            access.changed = if before.grants == access.grants {
                before.changed
            } else {
                data.now()
            };
        }
        let access = Arc::new(access);
        known.insert(user, (revision, Arc::clone(&access)));
        access
    }

    /// Gives the holders of a permission set what no record says.
    pub(crate) fn add_extras(&self, permission_set: RecordId, extras: Extras) {
        self.extras
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .entry(permission_set)
            .or_default()
            .add(extras);
        self.extras_changed.fetch_add(1, Ordering::Relaxed);
    }

    /// What a permission set gives that no record says.
    pub(super) fn extras_of(&self, permission_set: RecordId) -> Extras {
        let extras = self.extras.read().unwrap_or_else(PoisonError::into_inner);
        extras.get(&permission_set).cloned().unwrap_or_default()
    }

    /// Takes over what no record holds of what was set up.
    pub(crate) fn change_extras(&self, changes: Vec<ExtrasChange>) {
        if changes.is_empty() {
            return;
        }
        let mut extras = self.extras.write().unwrap_or_else(PoisonError::into_inner);
        for change in changes {
            let extras = extras.entry(change.permission_set()).or_default();
            change.apply(extras);
        }
        self.extras_changed.fetch_add(1, Ordering::Relaxed);
    }

    /// Takes out what records can say now: the permission set, the kind of the entity and the entity.
    pub(super) fn take_entities(
        &self,
        named: impl Fn(&str, &str) -> Option<RecordId>,
    ) -> Vec<(RecordId, &'static str, RecordId)> {
        let mut found = Vec::new();
        let mut all = self.extras.write().unwrap_or_else(PoisonError::into_inner);
        for (set, extras) in all.iter_mut() {
            let mut take = |names: &mut BTreeSet<String>, kind: &'static str| {
                names.retain(|name| match named(kind, name) {
                    Some(entity) => {
                        found.push((*set, kind, entity));
                        false
                    }
                    None => true,
                });
            };
            take(&mut extras.classes, "ApexClass");
            take(&mut extras.custom_permissions, "CustomPermission");
        }
        self.extras_changed.fetch_add(1, Ordering::Relaxed);
        found
    }

    /// Counts up with every change; it cannot stay the same while what it counts goes on.
    fn revision(&self, data: &Data) -> u64 {
        let tables = DECIDING.iter().filter_map(|object| data.table(object));
        tables.map(Table::revision).sum::<u64>() + self.extras_changed.load(Ordering::Relaxed)
    }
}
