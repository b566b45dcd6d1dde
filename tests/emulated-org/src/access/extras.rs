//! What permission sets give besides what records hold: access to classes and pages, custom permissions, record
//! types. What Salesforce has records for (SetupEntityAccess) stands here only as long as its target does not exist.

use std::collections::{BTreeMap, BTreeSet};

use super::definition::PermissionSetDefinition;
use crate::id::RecordId;

/// What one permission set gives, or several together. Names are kept in lower case.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Extras {
    /// Whether nothing at all is kept from who has the set.
    pub(super) everything: bool,
    pub(super) classes: BTreeSet<String>,
    pub(super) pages: BTreeSet<String>,
    pub(super) custom_permissions: BTreeSet<String>,
    /// Custom metadata types and custom settings.
    pub(super) configuration: BTreeSet<String>,
    /// `Default`, `Visible` or what else the source says of a tab.
    pub(super) tabs: BTreeMap<String, String>,
    /// Apps in the launcher.
    pub(super) applications: BTreeSet<String>,
    /// Page layouts, by object or `object.developer name`.
    pub(super) layouts: BTreeMap<String, String>,
    /// By `object.developer name`.
    pub(super) record_types: BTreeMap<String, RecordTypeVisibility>,
}

/// Whether a record type can be chosen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RecordTypeVisibility {
    /// Whether it can.
    pub available: bool,
    /// Whether records get it that name none. A profile's matter alone.
    pub default: bool,
}

impl Extras {
    /// A set from whose holders nothing is kept.
    #[must_use]
    pub fn everything() -> Self {
        Self {
            everything: true,
            ..Self::default()
        }
    }

    pub(super) fn add(&mut self, other: Self) {
        self.everything |= other.everything;
        self.classes.extend(other.classes);
        self.pages.extend(other.pages);
        self.custom_permissions.extend(other.custom_permissions);
        self.configuration.extend(other.configuration);
        self.applications.extend(other.applications);
        self.layouts.extend(other.layouts);
        for (tab, visibility) in other.tabs {
            // The set that shows most of a tab decides (Salesforce Help, Tab Settings in Permission Sets).
            let known = self.tabs.entry(tab).or_default();
            if rank(&visibility) >= rank(known) {
                *known = visibility;
            }
        }
        for (name, visibility) in other.record_types {
            let known = self.record_types.entry(name).or_default();
            known.available |= visibility.available;
            known.default |= visibility.default;
        }
    }
}

/// How much a setting shows of a tab.
fn rank(visibility: &str) -> u8 {
    match visibility {
        "Visible" | "DefaultOn" => 3,
        "Available" | "DefaultOff" => 2,
        "Hidden" | "None" => 1,
        _ => 0,
    }
}

/// What becomes of the extras of one permission set.
#[derive(Clone, Debug)]
pub(crate) struct ExtrasChange {
    permission_set: RecordId,
    /// Whether what is not given any more is taken away.
    replaces: bool,
    given: Extras,
    denied: Extras,
}

impl ExtrasChange {
    /// What a definition gives and denies.
    pub(super) fn of(permission_set: RecordId, definition: &PermissionSetDefinition, replaces: bool) -> Self {
        Self {
            permission_set,
            replaces,
            given: definition.extras(),
            denied: definition.denied(),
        }
    }

    pub(super) fn permission_set(&self) -> RecordId {
        self.permission_set
    }

    pub(super) fn apply(self, extras: &mut Extras) {
        let Self { given, denied, .. } = self;
        if self.replaces {
            *extras = Extras {
                everything: extras.everything,
                ..Extras::default()
            };
        }
        extras.classes.retain(|name| !denied.classes.contains(name));
        extras.pages.retain(|name| !denied.pages.contains(name));
        let permissions = &denied.custom_permissions;
        extras
            .custom_permissions
            .retain(|name| !permissions.contains(name));
        extras
            .configuration
            .retain(|name| !denied.configuration.contains(name));
        extras
            .applications
            .retain(|name| !denied.applications.contains(name));
        extras.tabs.retain(|name, _| !given.tabs.contains_key(name));
        // What is said of a record type is all that holds for it, and an object has one default.
        for (name, visibility) in &given.record_types {
            let object = name.split('.').next();
            for (other, known) in &mut extras.record_types {
                known.default &= !(visibility.default && other.split('.').next() == object);
            }
            extras.record_types.remove(name);
        }
        extras.add(given);
    }
}
