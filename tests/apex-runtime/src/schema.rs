//! The sObjects as plain data, given by whoever holds the org: it makes field access typed and checked.

use std::collections::HashMap;
use std::sync::Arc;

use crate::types::Type;

/// All sObjects that programs may name.
#[derive(Debug, Clone, Default)]
pub struct Schema {
    objects: HashMap<String, Arc<SObjectType>>,
}

/// One sObject.
#[derive(Debug, Clone, Default)]
pub struct SObjectType {
    /// API name as Salesforce writes it.
    pub name: Arc<str>,
    /// Label.
    pub label: String,
    /// Plural label.
    pub label_plural: String,
    /// The first three characters of its ids, where it has any.
    pub key_prefix: Option<String>,
    /// Whether it ends in `__c` and its like.
    pub custom: bool,
    /// Its fields.
    pub fields: Vec<SObjectField>,
    /// Lists of children that subqueries may name.
    pub children: Vec<ChildRelationship>,
}

/// A field of an sObject.
#[derive(Debug, Clone)]
pub struct SObjectField {
    /// API name as Salesforce writes it.
    pub name: Arc<str>,
    /// Label.
    pub label: String,
    /// What it holds.
    pub kind: FieldKind,
    /// Whether null is allowed.
    pub nillable: bool,
    /// `Owner` for `OwnerId`, `Parent__r` for `Parent__c`.
    pub relationship_name: Option<Arc<str>>,
    /// The objects a reference may point at.
    pub reference_to: Vec<Arc<str>>,
    /// The longest text, zero where there is no limit.
    pub length: u32,
    /// Whether an insert may set it.
    pub createable: bool,
    /// Whether an update may set it.
    pub updateable: bool,
    /// Whether its value is computed by a formula.
    pub calculated: bool,
    /// The value a new record made with `newSObject(null, true)` holds.
    pub default_value: Option<String>,
}

/// The types of fields, by the names the describe call uses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FieldKind {
    /// The record's own id.
    Id,
    /// A lookup or master-detail.
    Reference,
    /// Text of any sort: string, textarea, picklist, email, phone, url, encrypted.
    Text,
    /// A checkbox.
    Boolean,
    /// A whole number of 32 bits.
    Integer,
    /// A whole number of 64 bits.
    Long,
    /// Number, currency and percent.
    Decimal,
    /// A date.
    Date,
    /// A date and time.
    Datetime,
    /// A time of day.
    Time,
    /// Binary content.
    Base64,
    /// A compound address.
    Address,
    /// A compound geolocation.
    Location,
}

/// A list of children.
#[derive(Debug, Clone)]
pub struct ChildRelationship {
    /// The name a subquery uses: `Contacts`.
    pub name: Arc<str>,
    /// The child object.
    pub child: Arc<str>,
    /// The child's field that points here.
    pub field: Arc<str>,
}

impl FieldKind {
    /// The Apex type in which the field's value is held.
    pub fn apex_type(self) -> Type {
        match self {
            Self::Id | Self::Reference => Type::Id,
            Self::Text => Type::String,
            Self::Boolean => Type::Boolean,
            Self::Integer => Type::Integer,
            Self::Long => Type::Long,
            Self::Decimal => Type::Decimal,
            Self::Date => Type::Date,
            Self::Datetime => Type::Datetime,
            Self::Time => Type::Time,
            Self::Base64 => Type::Blob,
            Self::Address => Type::Unsupported("System.Address".into()),
            Self::Location => Type::Unsupported("System.Location".into()),
        }
    }
}

/// What a name behind a record's dot means.
#[derive(Debug, Clone)]
pub enum SObjectMember<'s> {
    /// A field.
    Field(&'s SObjectField),
    /// A parent record, by its relationship's name, and the field that points at it.
    Parent(&'s SObjectField, Arc<str>),
    /// A list of children.
    Children(&'s ChildRelationship),
}

impl Schema {
    /// A schema of these objects.
    pub fn new(objects: impl IntoIterator<Item = SObjectType>) -> Self {
        let keyed = |object: SObjectType| (object.name.to_ascii_lowercase(), Arc::new(object));
        Self {
            objects: objects.into_iter().map(keyed).collect(),
        }
    }

    /// The object of that API name, in any case.
    pub fn object(&self, name: &str) -> Option<&Arc<SObjectType>> {
        self.objects.get(&name.to_ascii_lowercase())
    }

    /// The object whose ids start with these three characters.
    pub fn object_by_prefix(&self, prefix: &str) -> Option<&Arc<SObjectType>> {
        self.objects
            .values()
            .find(|object| object.key_prefix.as_deref() == Some(prefix))
    }

    /// All objects, ordered by name.
    pub fn objects(&self) -> Vec<&Arc<SObjectType>> {
        let mut all: Vec<_> = self.objects.values().collect();
        all.sort_by(|a, b| a.name.cmp(&b.name));
        all
    }
}

impl SObjectType {
    /// The field of that API name, in any case.
    pub fn field(&self, name: &str) -> Option<&SObjectField> {
        self.fields
            .iter()
            .find(|field| field.name.eq_ignore_ascii_case(name))
    }

    /// What a name behind the dot means.
    pub fn member(&self, name: &str) -> Option<SObjectMember<'_>> {
        if let Some(field) = self.field(name) {
            return Some(SObjectMember::Field(field));
        }
        for field in &self.fields {
            if let Some(relationship) = &field.relationship_name
                && relationship.eq_ignore_ascii_case(name)
            {
                return Some(SObjectMember::Parent(field, Arc::clone(relationship)));
            }
        }
        self.children
            .iter()
            .find(|c| c.name.eq_ignore_ascii_case(name))
            .map(SObjectMember::Children)
    }
}
