//! The components that the organisation holds, by type and name.

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::{DateTime, Utc};

use super::catalog;
use super::package::Component;
use crate::id::RecordId;

/// A component that was deployed.
#[derive(Clone, Debug)]
pub struct Stored {
    /// The component, as the last deployment brought it.
    pub component: Component,
    /// Its id.
    pub id: RecordId,
    /// Who made it, and when.
    pub created: (RecordId, DateTime<Utc>),
    /// Who changed it last, and when.
    pub modified: (RecordId, DateTime<Utc>),
}

/// Components by type and lower-case name.
#[derive(Clone, Debug, Default)]
pub struct Components {
    by_name: BTreeMap<(String, String), Arc<Stored>>,
}

impl Components {
    /// A component by its type and its name in any case.
    #[must_use]
    pub fn get(&self, kind: &str, name: &str) -> Option<&Arc<Stored>> {
        self.by_name.get(&key(kind, name))
    }

    /// All components of a type, by name.
    pub fn of<'a>(&'a self, kind: &'a str) -> impl Iterator<Item = &'a Arc<Stored>> {
        self.by_name
            .range((kind.to_owned(), String::new())..)
            .take_while(move |((known, _), _)| known == kind)
            .map(|(_, stored)| stored)
    }

    /// All components.
    pub fn iter(&self) -> impl Iterator<Item = &Arc<Stored>> {
        self.by_name.values()
    }

    pub(super) fn put(&mut self, stored: Stored) {
        let key = key(stored.component.kind, &stored.component.name);
        self.by_name.insert(key, Arc::new(stored));
    }

    /// Removes what lies inside an object.
    pub(super) fn remove_parts_of(&mut self, object: &str) {
        let start = format!("{}.", object.to_ascii_lowercase());
        let parts = catalog::parts_of("CustomObject");
        self.by_name
            .retain(|(kind, name), _| !(parts.contains(&kind.as_str()) && name.starts_with(&start)));
    }

    pub(super) fn remove(&mut self, kind: &str, name: &str) -> Option<Arc<Stored>> {
        self.by_name.remove(&key(kind, name))
    }
}

fn key(kind: &str, name: &str) -> (String, String) {
    (kind.to_owned(), name.to_ascii_lowercase())
}
