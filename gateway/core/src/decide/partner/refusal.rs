//! Why news from the partner cannot be taken.

use serde::{Deserialize, Serialize};

/// One reason why news from the partner cannot be taken. Nothing of the news is kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(rename_all = "camelCase")]
#[error("{}{message}", .field.as_ref().map(|field| format!("{field}: ")).unwrap_or_default())]
pub struct PartnerRefusal {
    /// The partner field concerned; none where it is the record as a whole.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub field: Option<String>,
    /// What kind of reason, for programs.
    pub code: RefusalCode,
    /// What is wrong and what to do, for people.
    pub message: String,
}

/// The kinds of refusal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RefusalCode {
    /// The mapping has no such field.
    UnknownField,
    /// The value is not of the field's type.
    WrongType,
    /// Salesforce, or the partner's own limit, cannot hold the value.
    ValueDoesNotFit,
    /// A value is missing.
    Required,
    /// The mapping carries nothing from the partner to Salesforce.
    OneWay,
    /// The record was deleted.
    Deleted,
    /// There is no such record.
    NotFound,
    /// Another record has the key, or the value by which records are recognised.
    IdentityTaken,
    /// There is such a record already, and only new ones were to be made.
    Exists,
    /// Another record took this one's place.
    Moved,
    /// The record was written since the caller read it.
    PreconditionFailed,
    /// It cannot be done at this moment; the same may succeed later.
    TryAgain,
}

impl PartnerRefusal {
    /// A refusal of one field.
    pub fn of_field(field: &str, code: RefusalCode, message: impl Into<String>) -> Self {
        PartnerRefusal {
            field: Some(field.to_owned()),
            code,
            message: message.into(),
        }
    }

    /// A refusal of the record as a whole.
    pub fn of_record(code: RefusalCode, message: impl Into<String>) -> Self {
        PartnerRefusal {
            field: None,
            code,
            message: message.into(),
        }
    }
}
