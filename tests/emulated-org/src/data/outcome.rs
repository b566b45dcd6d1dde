//! What became of one record of a write.

use serde_json::Value as Json;

use crate::id::RecordId;

/// A record that was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Saved {
    /// Its id.
    pub id: RecordId,
    /// Whether it is new.
    pub created: bool,
}

/// Why a record was not written.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{code}: {message}")]
pub struct SaveError {
    /// Salesforce's status code, such as `REQUIRED_FIELD_MISSING`.
    pub code: &'static str,
    /// What is wrong, in Salesforce's words.
    pub message: String,
    /// The fields at fault.
    pub fields: Vec<String>,
}

impl SaveError {
    /// An error that speaks of no field.
    pub fn new(code: &'static str, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
            fields: Vec::new(),
        }
    }

    /// An error of one field.
    pub fn of_field(code: &'static str, field: &str, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
            fields: vec![field.to_owned()],
        }
    }

    /// No such record.
    #[must_use]
    pub fn unknown_record() -> Self {
        Self::new("INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id")
    }

    /// The record lies in the recycle bin.
    #[must_use]
    pub fn entity_is_deleted() -> Self {
        Self::new("ENTITY_IS_DELETED", "entity is deleted")
    }

    /// Another record of the same all-or-none request failed.
    #[must_use]
    pub fn rolled_back() -> Self {
        Self::new(
            "ALL_OR_NONE_OPERATION_ROLLED_BACK",
            "Record rolled back because not all records were valid and the request was using AllOrNone header",
        )
    }
}

/// A record's fate: written, refused for reasons, or an external id that fits several records.
pub type Outcome = Result<Saved, Refusal>;

/// Why a record was refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// Rules of the metadata were broken; at least one error.
    Invalid(Vec<SaveError>),
    /// An upsert's external id fits these records, so none was written.
    SeveralMatches(Vec<RecordId>),
    /// A duplicate rule found others like it.
    Duplicates {
        /// What the rule says.
        message: String,
        /// What it found, as answers show it.
        result: Box<Json>,
    },
    /// An upsert that may only update found no record.
    NoMatch,
}

/// The code of a record that a duplicate rule refuses.
pub(crate) const DUPLICATES_DETECTED: &str = "DUPLICATES_DETECTED";

impl From<SaveError> for Refusal {
    fn from(error: SaveError) -> Self {
        Self::Invalid(vec![error])
    }
}

impl Refusal {
    /// The errors as rows of collections and Bulk results show them.
    #[must_use]
    pub fn into_errors(self) -> Vec<SaveError> {
        match self {
            Self::Invalid(errors) => errors,
            Self::SeveralMatches(ids) => {
                let ids: Vec<_> = ids.iter().map(RecordId::as_str15).collect();
                let message = format!(
                    "Multiple records were found with the same external id: {}",
                    ids.join(", ")
                );
                vec![SaveError::new("DUPLICATE_EXTERNAL_ID", message)]
            }
            Self::Duplicates { message, .. } => vec![SaveError::new(DUPLICATES_DETECTED, message)],
            Self::NoMatch => vec![SaveError::new(
                "NOT_FOUND",
                "The requested resource does not exist",
            )],
        }
    }
}
