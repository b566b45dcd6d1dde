//! The sObjects as plain data, given by whoever holds the org: it makes field access typed and checked.

use std::collections::HashMap;
use std::sync::Arc;

use crate::types::Type;

/// All sObjects that programs may name.
#[derive(Debug, Clone, Default)]
pub struct Schema {
    objects: HashMap<String, Arc<SObjectType>>,
    labels: HashMap<String, Arc<str>>,
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
    /// Whether it is a custom setting, and of which kind.
    pub setting: Option<CustomSetting>,
    /// Of a platform event: whether it is published at once, or with the transaction's commit; none where that is
    /// not known.
    pub publishes_immediately: Option<bool>,
    /// Its field sets.
    pub field_sets: Vec<FieldSet>,
    /// What `Schema.DescribeSObjectResult` says of the object itself, none where that is not known.
    pub abilities: Option<ObjectAbilities>,
}

/// A field set of an object.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FieldSet {
    /// Its name.
    pub name: Arc<str>,
    /// Its label.
    pub label: String,
    /// What it is for.
    pub description: Option<String>,
    /// The fields it shows, in their order, and whether each is required.
    pub fields: Vec<(Arc<str>, bool)>,
}

/// The kinds of custom settings.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CustomSetting {
    /// One record for the org, and one for each profile and user.
    Hierarchy,
    /// Records by name.
    List,
}

/// What an object allows at all, whoever asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ObjectAbilities {
    /// Queries.
    pub queryable: bool,
    /// SOSL.
    pub searchable: bool,
    /// Merges.
    pub mergeable: bool,
    /// Undelete.
    pub undeletable: bool,
}

/// A field of an sObject.
#[derive(Debug, Clone, Default)]
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
    /// What `Schema.DescribeFieldResult` says further; none where that is not known.
    pub details: Option<FieldDetails>,
}

/// What a describe says of a field beyond what programs need to compile.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FieldDetails {
    /// The type by the REST describe's name: `picklist`, `double`, `currency`, …
    pub describe_type: String,
    /// All digits of a number.
    pub precision: u32,
    /// Digits behind the point.
    pub scale: u32,
    /// Digits of an integer.
    pub digits: u32,
    /// Bytes of a text.
    pub byte_length: u32,
    /// Whether values are unique.
    pub unique: bool,
    /// Whether it is an external id.
    pub external_id: bool,
    /// Whether an upsert may match by it.
    pub id_lookup: bool,
    /// Whether it is an auto-number.
    pub auto_number: bool,
    /// Whether a text's case counts.
    pub case_sensitive: bool,
    /// Whether a textarea holds HTML.
    pub html_formatted: bool,
    /// Whether it is the name field.
    pub name_field: bool,
    /// Whether a child goes with its parent.
    pub cascade_delete: bool,
    /// Whether queries may filter by it.
    pub filterable: bool,
    /// Whether queries may group by it.
    pub groupable: bool,
    /// Whether queries may order by it.
    pub sortable: bool,
    /// Whether an insert fills it in by itself.
    pub defaulted_on_create: bool,
    /// Whether a picklist takes listed values alone.
    pub restricted_picklist: bool,
    /// Help text.
    pub help_text: Option<String>,
    /// The formula.
    pub formula: Option<String>,
    /// The picklist that this one depends on.
    pub controller: Option<Arc<str>>,
    /// Master-detail: its number among the master-detail fields.
    pub relationship_order: Option<u32>,
    /// Picklist values in order.
    pub picklist: Vec<PicklistValue>,
}

/// A value of a picklist.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PicklistValue {
    /// API name.
    pub value: String,
    /// Label.
    pub label: String,
    /// Whether it may be chosen.
    pub active: bool,
    /// Whether it is chosen from the start.
    pub default: bool,
}

/// The types of fields, by the names the describe call uses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum FieldKind {
    /// The record's own id.
    Id,
    /// A lookup or master-detail.
    Reference,
    /// Text of any sort: string, textarea, picklist, email, phone, url, encrypted.
    #[default]
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
#[derive(Debug, Clone, Default)]
pub struct ChildRelationship {
    /// The name a subquery uses: `Contacts`; empty where there is none.
    pub name: Arc<str>,
    /// The child object.
    pub child: Arc<str>,
    /// The child's field that points here.
    pub field: Arc<str>,
    /// Whether children go with their parent.
    pub cascade_delete: bool,
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
            labels: HashMap::new(),
        }
    }

    /// The same with custom labels, by name.
    #[must_use]
    pub fn with_labels<'l>(mut self, labels: impl IntoIterator<Item = (&'l str, &'l str)>) -> Self {
        let keyed = |(name, text): (&str, &str)| (name.to_ascii_lowercase(), Arc::from(text));
        self.labels.extend(labels.into_iter().map(keyed));
        self
    }

    /// The text of a custom label by name, in any case.
    pub fn label(&self, name: &str) -> Option<&Arc<str>> {
        self.labels.get(&name.to_ascii_lowercase())
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
            .find(|c| !c.name.is_empty() && c.name.eq_ignore_ascii_case(name))
            .map(SObjectMember::Children)
    }
}
