//! One field of an object.

use std::sync::Arc;

use serde::Deserialize;
use serde_json::Value as Json;

use crate::formula::Formula;

/// The `type` of a field in a describe answer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
#[expect(
    missing_docs,
    reason = "each variant is the describe type of the same name, documented by Salesforce"
)]
pub enum FieldType {
    Id,
    #[default]
    String,
    Textarea,
    Picklist,
    Multipicklist,
    Combobox,
    Reference,
    Boolean,
    Int,
    Double,
    Currency,
    Percent,
    Date,
    Datetime,
    Time,
    Email,
    Phone,
    Url,
    Address,
    Location,
    Base64,
    Encryptedstring,
    #[serde(rename = "anyType")]
    Anytype,
    Long,
    Complexvalue,
}

impl FieldType {
    /// The name that describe answers print.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Id => "id",
            Self::String => "string",
            Self::Textarea => "textarea",
            Self::Picklist => "picklist",
            Self::Multipicklist => "multipicklist",
            Self::Combobox => "combobox",
            Self::Reference => "reference",
            Self::Boolean => "boolean",
            Self::Int => "int",
            Self::Double => "double",
            Self::Currency => "currency",
            Self::Percent => "percent",
            Self::Date => "date",
            Self::Datetime => "datetime",
            Self::Time => "time",
            Self::Email => "email",
            Self::Phone => "phone",
            Self::Url => "url",
            Self::Address => "address",
            Self::Location => "location",
            Self::Base64 => "base64",
            Self::Encryptedstring => "encryptedstring",
            Self::Anytype => "anyType",
            Self::Long => "long",
            Self::Complexvalue => "complexvalue",
        }
    }

    /// The XML schema type that describe answers print beside the type.
    #[must_use]
    pub fn soap_type(self) -> &'static str {
        match self {
            Self::Id | Self::Reference => "tns:ID",
            Self::Boolean => "xsd:boolean",
            Self::Int => "xsd:int",
            Self::Long => "xsd:long",
            Self::Double | Self::Currency | Self::Percent => "xsd:double",
            Self::Date => "xsd:date",
            Self::Datetime => "xsd:dateTime",
            Self::Time => "xsd:time",
            Self::Base64 => "xsd:base64Binary",
            Self::Address => "urn:address",
            Self::Location => "urn:location",
            Self::Anytype => "xsd:anyType",
            Self::Complexvalue => "urn:complexvalue",
            Self::String
            | Self::Textarea
            | Self::Picklist
            | Self::Multipicklist
            | Self::Combobox
            | Self::Email
            | Self::Phone
            | Self::Url
            | Self::Encryptedstring => "xsd:string",
        }
    }

    /// Whether values are numbers.
    #[must_use]
    pub fn is_number(self) -> bool {
        matches!(
            self,
            Self::Int | Self::Long | Self::Double | Self::Currency | Self::Percent
        )
    }

    /// Whether values are text.
    #[must_use]
    pub fn is_text(self) -> bool {
        self.soap_type() == "xsd:string"
    }

    /// Whether the field is made of other fields and stores nothing itself.
    #[must_use]
    pub fn is_compound(self) -> bool {
        matches!(self, Self::Address | Self::Location | Self::Complexvalue)
    }
}

/// A field's metadata. Member names follow Salesforce's describe result; omitted ones are false or absent,
/// but for `nillable`, `createable`, `updateable`, `filterable` and `sortable`, which are true when omitted.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(default, rename_all = "camelCase", deny_unknown_fields)]
#[expect(
    missing_docs,
    reason = "each member is the describe key of the same name, documented by Salesforce"
)]
pub struct Field {
    pub name: String,
    pub label: String,
    #[serde(rename = "type")]
    pub kind: FieldType,
    pub length: u32,
    pub precision: u8,
    pub scale: u8,
    pub digits: u8,
    pub nillable: bool,
    pub createable: bool,
    pub updateable: bool,
    pub filterable: bool,
    pub sortable: bool,
    pub groupable: bool,
    pub aggregatable: bool,
    pub permissionable: bool,
    pub defaulted_on_create: bool,
    pub unique: bool,
    pub external_id: bool,
    pub id_lookup: bool,
    pub case_sensitive: bool,
    pub calculated: bool,
    pub auto_number: bool,
    pub restricted_picklist: bool,
    pub dependent_picklist: bool,
    pub custom: bool,
    pub name_field: bool,
    pub name_pointing: bool,
    pub polymorphic_foreign_key: bool,
    pub cascade_delete: bool,
    pub restricted_delete: bool,
    pub write_requires_master_read: bool,
    pub deprecated_and_hidden: bool,
    pub html_formatted: bool,
    pub encrypted: bool,
    pub query_by_distance: bool,
    pub search_prefilterable: bool,
    pub high_scale_number: bool,
    pub display_location_in_decimal: bool,
    pub ai_prediction_field: bool,
    pub formula_treat_null_number_as_zero: bool,
    pub reference_to: Vec<String>,
    pub relationship_name: Option<String>,
    pub relationship_order: Option<u8>,
    pub picklist_values: Vec<PicklistValue>,
    pub controller_name: Option<String>,
    pub compound_field_name: Option<String>,
    pub calculated_formula: Option<String>,
    pub default_value: Option<Json>,
    pub default_value_formula: Option<String>,
    pub extra_type_info: Option<String>,
    pub inline_help_text: Option<String>,
    pub mask: Option<String>,
    pub mask_type: Option<String>,
    pub reference_target_field: Option<String>,
    pub filtered_lookup_info: Option<Json>,
    /// The pattern of an auto-number, e.g. `T-{0000}`; no describe key, but what creates need.
    pub display_format: Option<String>,
    /// The first number an auto-number hands out; no describe key, but what creates need.
    pub starting_number: u64,
    /// Of a metadata relationship to fields: the field with their object; no describe key.
    #[serde(skip)]
    pub governing_entity: Option<String>,
    /// The checked `calculatedFormula` of a formula field.
    #[serde(skip)]
    pub formula: Option<Arc<Formula>>,
}

impl Field {
    /// The type that describes tell. What refers to a definition is a reference, though it holds a name (believed).
    #[must_use]
    pub fn described_kind(&self) -> FieldType {
        if self.custom && self.kind == FieldType::String && !self.reference_to.is_empty() {
            return FieldType::Reference;
        }
        self.kind
    }
}

impl Default for Field {
    fn default() -> Self {
        Self {
            name: String::new(),
            label: String::new(),
            kind: FieldType::String,
            length: 0,
            precision: 0,
            scale: 0,
            digits: 0,
            nillable: true,
            createable: true,
            updateable: true,
            filterable: true,
            sortable: true,
            groupable: false,
            aggregatable: false,
            permissionable: false,
            defaulted_on_create: false,
            unique: false,
            external_id: false,
            id_lookup: false,
            case_sensitive: false,
            calculated: false,
            auto_number: false,
            restricted_picklist: false,
            dependent_picklist: false,
            custom: false,
            name_field: false,
            name_pointing: false,
            polymorphic_foreign_key: false,
            cascade_delete: false,
            restricted_delete: false,
            write_requires_master_read: false,
            deprecated_and_hidden: false,
            html_formatted: false,
            encrypted: false,
            query_by_distance: false,
            search_prefilterable: false,
            high_scale_number: false,
            display_location_in_decimal: false,
            ai_prediction_field: false,
            formula_treat_null_number_as_zero: false,
            reference_to: Vec::new(),
            relationship_name: None,
            relationship_order: None,
            picklist_values: Vec::new(),
            controller_name: None,
            compound_field_name: None,
            calculated_formula: None,
            default_value: None,
            default_value_formula: None,
            extra_type_info: None,
            inline_help_text: None,
            mask: None,
            mask_type: None,
            reference_target_field: None,
            filtered_lookup_info: None,
            display_format: None,
            starting_number: 1,
            governing_entity: None,
            formula: None,
        }
    }
}

impl Field {
    /// Whether a create must give a value: the rule `createable && !nillable && !defaultedOnCreate`.
    #[must_use]
    pub fn required_on_create(&self) -> bool {
        self.createable && !self.nillable && !self.defaulted_on_create && self.kind != FieldType::Boolean
    }
}

/// One value of a picklist.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(default, rename_all = "camelCase", deny_unknown_fields)]
pub struct PicklistValue {
    /// The API value.
    pub value: String,
    /// The label people see.
    pub label: Option<String>,
    /// Whether it may be chosen.
    pub active: bool,
    /// Whether creates that give no value get this one.
    pub default_value: bool,
    /// Base64 bitmap over the controlling picklist's values.
    pub valid_for: Option<String>,
    /// Opportunity stage or task status: the record counts as closed.
    pub is_closed: bool,
    /// Opportunity stage: the record counts as won.
    pub is_won: bool,
    /// Lead status: the lead counts as converted.
    pub is_converted: bool,
    /// Task priority: the task counts as urgent.
    pub is_high_priority: bool,
    /// Opportunity stage: the probability a record gets, in percent.
    pub probability: Option<u8>,
    /// Opportunity stage: the forecast category a record gets.
    pub forecast_category: Option<String>,
}

impl Default for PicklistValue {
    fn default() -> Self {
        Self {
            value: String::new(),
            label: None,
            active: true,
            default_value: false,
            valid_for: None,
            is_closed: false,
            is_won: false,
            is_converted: false,
            is_high_priority: false,
            probability: None,
            forecast_category: None,
        }
    }
}
