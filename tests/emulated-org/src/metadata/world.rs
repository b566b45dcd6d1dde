//! What is there once a deployment has gone through: what a component may name.

use super::package::{Component, Doomed};
use super::store::Components;
use crate::schema::{Field, Schema};

/// The organisation as the deployment would leave it.
#[derive(Clone, Copy)]
pub(super) struct World<'a> {
    pub schema: &'a Schema,
    pub stored: &'a Components,
    pub package: &'a [Component],
    pub doomed: &'a [Doomed],
}

impl World<'_> {
    /// Whether a component is there.
    pub fn has(&self, kind: &str, name: &str) -> bool {
        match kind {
            "CustomObject" => self.schema.object(name).is_some(),
            "CustomField" => self.has_field(name),
            // Standard tabs are those of standard objects and a few places.
            "CustomTab" => match name.strip_prefix("standard-") {
                Some(tab) => STANDARD_TABS.contains(&tab) || self.schema.object(tab).is_some(),
                None => self.holds(kind, name),
            },
            "CustomApplication" if name.starts_with("standard__") => true,
            "Profile" => STANDARD_PROFILES.contains(&name) || self.holds(kind, name),
            "Layout" if is_standard_layout(name, self.schema) => true,
            "RecordType" => self.holds(kind, name) || self.has_record_type(name),
            // Global actions such as `FeedItem.TextPost` and those that objects bring.
            "QuickAction" if STANDARD_ACTIONS.contains(&name) => true,
            _ => self.holds(kind, name),
        }
    }

    /// Whether a component is in the package, or in the organisation and stays there.
    pub fn holds(&self, kind: &str, name: &str) -> bool {
        let in_package = self
            .package
            .iter()
            .any(|component| component.kind == kind && component.name.eq_ignore_ascii_case(name));
        in_package || (self.stored.get(kind, name).is_some() && !self.dooms(kind, name))
    }

    fn dooms(&self, kind: &str, name: &str) -> bool {
        self.doomed
            .iter()
            .any(|doomed| doomed.kind == kind && doomed.name.eq_ignore_ascii_case(name))
    }

    /// A field by `Object.Field`.
    pub fn field(&self, full: &str) -> Option<&Field> {
        let (object, field) = full.split_once('.')?;
        // Activity stands for tasks and events.
        let object = if object == "Activity" { "Task" } else { object };
        Some(self.schema.object(object)?.field(field)?.1)
    }

    /// Whether a field is there; standard lookups go by their names with and without `Id`.
    pub fn has_field(&self, full: &str) -> bool {
        self.field(full).is_some() || (!full.ends_with("__c") && self.field(&format!("{full}Id")).is_some())
    }

    /// Whether a path such as `Owner.Name` leads to a field.
    pub fn has_field_path(&self, object: &str, path: &str) -> bool {
        // Activity stands for tasks and events.
        let object = if object == "Activity" { "Task" } else { object };
        let Some(found) = self.schema.object(object) else {
            return false;
        };
        match path.split_once('.') {
            None => found.field(path).is_some() || self.has_field(&format!("{object}.{path}")),
            Some((step, rest)) => found.relationship(step).is_some_and(|(_, field)| {
                field
                    .reference_to
                    .iter()
                    .any(|parent| self.has_field_path(parent, rest))
            }),
        }
    }

    fn has_record_type(&self, full: &str) -> bool {
        full.split_once('.').is_some_and(|(object, name)| {
            self.schema.object(object).is_some_and(|object| {
                object
                    .record_type_infos
                    .iter()
                    .any(|info| !info.master && info.developer_name.eq_ignore_ascii_case(name))
            })
        })
    }
}

const STANDARD_TABS: &[&str] = &[
    "home",
    "Chatter",
    "Feed",
    "File",
    "report",
    "Dashboard",
    "Campaign",
    "Case",
    "Document",
    "Forecasts3",
];

const STANDARD_PROFILES: &[&str] = &["Admin", "Standard", "Minimum Access - API Only Integrations"];

const STANDARD_ACTIONS: &[&str] = &[
    "FeedItem.TextPost",
    "FeedItem.ContentPost",
    "FeedItem.LinkPost",
    "FeedItem.PollPost",
    "FeedItem.QuestionPost",
    "FeedItem.RypplePost",
    "FeedItem.MobileSmartActions",
    "NewTask",
    "NewEvent",
    "NewContact",
    "NewAccount",
    "NewLead",
    "NewOpportunity",
    "NewNote",
    "LogACall",
    "SendEmail",
    "Edit",
    "Delete",
    "Clone",
];

/// The layout that every object has: `Account-Account Layout`.
fn is_standard_layout(name: &str, schema: &Schema) -> bool {
    name.split_once('-').is_some_and(|(object, layout)| {
        schema
            .object(object)
            .is_some_and(|found| layout == format!("{} Layout", found.label))
    })
}
