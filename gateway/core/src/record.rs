//! Records and the values of their fields.
//!
//! Absent, null and empty text are three different things: a field that is *absent* is not in the map and says
//! nothing; `Null` says that the field holds no value; `Text("")` is a text of no characters, which Salesforce
//! never stores but a partner may.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use crate::Instant;
use crate::id::{RecordId, SalesforceId};

/// The value of one field.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "t", content = "v")]
pub enum FieldValue {
    /// The field holds no value.
    #[serde(rename = "0")]
    Null,
    /// Text, also of single choices, phones and e-mail addresses.
    #[serde(rename = "s")]
    Text(String),
    /// True or false.
    #[serde(rename = "b")]
    Boolean(bool),
    /// An exact decimal number.
    #[serde(rename = "n")]
    Number(Decimal),
    /// A calendar day. It has no zone and is never shifted.
    #[serde(rename = "d")]
    Date(NaiveDate),
    /// A moment.
    #[serde(rename = "i")]
    DateTime(Instant),
    /// The chosen options of a multiple choice, sorted and without repeats.
    #[serde(rename = "m")]
    Choices(Vec<String>),
    /// Another record, named by its Salesforce id; which partner record that is, is looked up when it is read.
    #[serde(rename = "r")]
    Reference(SalesforceId),
    /// Another partner record whose Salesforce record was not made yet. Only the partner's side holds such a value,
    /// and only until that record is in Salesforce: it becomes a [`FieldValue::Reference`] then.
    #[serde(rename = "p")]
    Record(RecordId),
}

impl FieldValue {
    /// Whether the value counts as blank for the "unless blank" rules: null, or text of no visible characters.
    pub fn is_blank(&self) -> bool {
        match self {
            FieldValue::Null => true,
            FieldValue::Text(text) => text.trim().is_empty(),
            FieldValue::Choices(choices) => choices.is_empty(),
            _ => false,
        }
    }
}

/// Field values by name. A name that is missing is absent, which is not null.
pub type Fields = BTreeMap<String, FieldValue>;
