//! Records and their values as the log shows them.

use serde_json::{Value, json};

use crate::decide::Presence;
use crate::mapping::convert::partner_json;
use crate::record::{FieldValue, Fields};

/// A partner record.
pub(super) fn record_json(fields: &Fields, owner: &str, presence: Presence) -> Value {
    json!({ "fields": fields_json(fields), "owner": owner, "presence": presence })
}

/// Values by name.
pub(super) fn fields_json(fields: &Fields) -> Value {
    Value::Object(
        fields
            .iter()
            .map(|(name, value)| (name.clone(), value_json(value)))
            .collect(),
    )
}

/// A value.
pub(super) fn value_json(value: &FieldValue) -> Value {
    match value {
        FieldValue::Reference(id) => json!(id),
        value => partner_json(value),
    }
}
