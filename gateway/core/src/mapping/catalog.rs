//! What each side can hold: Salesforce's described fields and the partner's field types.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// A field's type on the partner side.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum PartnerType {
    /// One line of text.
    Text,
    /// Text of several lines.
    MultiLine,
    /// A calendar day without zone.
    Date,
    /// A moment.
    DateTime,
    /// One of a list of options.
    SingleChoice,
    /// Any of a list of options.
    MultiChoice,
    /// A decimal number.
    Number,
    /// An amount of money.
    Currency,
    /// An e-mail address.
    Email,
    /// A phone number, kept letter for letter.
    Phone,
    /// True or false.
    Boolean,
    /// Another record.
    Reference,
    /// One component of an address, kept letter for letter.
    Address,
}

/// A field's type as Salesforce describes it (`type` in a describe result).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[expect(missing_docs, reason = "the names are Salesforce's own describe types")]
pub enum SalesforceType {
    Id,
    String,
    Textarea,
    Picklist,
    Multipicklist,
    Combobox,
    Reference,
    Boolean,
    Int,
    Long,
    Double,
    Currency,
    Percent,
    Date,
    Datetime,
    Time,
    Email,
    Phone,
    Url,
    Encryptedstring,
    Address,
    Location,
    Base64,
    Anytype,
    Complexvalue,
}

/// What a mapping needs to know of a Salesforce field.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SalesforceField {
    /// API name.
    pub name: String,
    /// Described type.
    pub kind: SalesforceType,
    /// Greatest number of characters; 0 where that does not apply.
    pub length: u32,
    /// Digits in all; 0 where that does not apply.
    pub precision: u32,
    /// Digits behind the decimal point; 0 where that does not apply.
    pub scale: u32,
    /// May hold null.
    pub nillable: bool,
    /// May be written on create.
    pub createable: bool,
    /// May be written on update.
    pub updateable: bool,
    /// Salesforce fills it in where a create leaves it out.
    #[serde(default)]
    pub defaulted_on_create: bool,
    /// A formula: its value changes without moving SystemModstamp.
    pub calculated: bool,
    /// Marked as an external id.
    #[serde(default)]
    pub external_id: bool,
    /// No two records may hold the same value.
    #[serde(default)]
    pub unique: bool,
    /// May stand in the condition of a query.
    #[serde(default = "filterable")]
    pub filterable: bool,
    /// Objects a reference may point to.
    pub reference_to: Vec<String>,
    /// Active picklist values.
    pub picklist_values: Vec<String>,
    /// Whether Salesforce refuses values outside the list.
    pub restricted_picklist: bool,
}

/// Almost every field is; plans of earlier versions did not note it.
fn filterable() -> bool {
    true
}

/// What a mapping needs to know of a Salesforce object. Built from a describe by whoever talks to Salesforce.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SalesforceObject {
    /// API name.
    pub name: String,
    /// Fields by API name as Salesforce spells it.
    pub fields: BTreeMap<String, SalesforceField>,
}
