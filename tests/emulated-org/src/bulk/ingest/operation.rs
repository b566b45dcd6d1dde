//! From a job's kind and a row's parts to a write.

use std::sync::Arc;

use super::{Kind, Order};
use crate::data::{Draft, Operation, SaveError};
use crate::id::RecordId;
use crate::schema::FieldType;
use crate::value::Value;

impl Order {
    /// What a row is to do. `draft` reads its fields without the upsert's key, `key` reads that.
    pub(in crate::bulk) fn operation(
        &self,
        id: Option<RecordId>,
        draft: impl FnOnce(Option<usize>) -> Result<Draft, SaveError>,
        key: impl FnOnce(usize) -> Result<Value, SaveError>,
    ) -> Result<Operation, SaveError> {
        let object = Arc::clone(&self.object);
        let id_needed = |call: &str| {
            let message = format!("Id not specified in {call} call");
            id.ok_or_else(|| SaveError::new("MISSING_ARGUMENT", message))
        };
        Ok(match self.kind {
            Kind::Insert if id.is_some() => {
                let message = "cannot specify Id in an insert call";
                return Err(SaveError::of_field(
                    "INVALID_FIELD_FOR_INSERT_UPDATE",
                    "Id",
                    message,
                ));
            }
            Kind::Insert => Operation::Create {
                draft: draft(None)?,
                object,
            },
            Kind::Update => Operation::Update {
                id: id_needed("an update")?,
                draft: draft(None)?,
                object,
            },
            Kind::Delete => Operation::Delete {
                id: id_needed("a delete")?,
                object,
            },
            Kind::HardDelete => Operation::HardDelete {
                id: id_needed("a delete")?,
                object,
            },
            Kind::Upsert { key_field } => {
                let is_id = object
                    .fields
                    .get(key_field)
                    .is_some_and(|field| field.kind == FieldType::Id);
                let key = if is_id {
                    id.map_or(Value::Null, Value::Id)
                } else if id.is_some() {
                    let message = "cannot specify Id beside another external ID";
                    return Err(SaveError::of_field("INVALID_FIELD", "Id", message));
                } else {
                    key(key_field)?
                };
                Operation::Upsert {
                    draft: draft(Some(key_field))?,
                    key_field,
                    key,
                    update_only: false,
                    object,
                }
            }
        })
    }

    /// The id in a row; empty text is none.
    pub(in crate::bulk) fn row_id(&self, text: &str) -> Result<Option<RecordId>, SaveError> {
        let text = text.trim();
        if text.is_empty() {
            return Ok(None);
        }
        let id = RecordId::parse(text).filter(|id| id.prefix() == self.object.key_prefix);
        id.map(Some).ok_or_else(|| {
            let message = format!("{} ID: id value of incorrect type: {text}", self.object.label);
            SaveError::of_field("MALFORMED_ID", "Id", message)
        })
    }
}
