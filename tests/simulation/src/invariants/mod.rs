//! What must hold, after every step and at rest.
//!
//! None of it asks the core's decision: it compares what the parties hold with what they did.

pub mod fields;
mod newest;
pub mod owners;
pub mod presence;
pub mod rest;
pub mod steady;

use causeway_core::mapping::FieldPlan;
use causeway_core::mapping::convert::to_partner;
use causeway_core::record::FieldValue;

use crate::org::row::Value;
use crate::org::schema::Nature;

/// A Salesforce value of the org as the core writes it.
pub fn field_value(value: &Value) -> FieldValue {
    match value {
        Value::Null => FieldValue::Null,
        Value::Text(text) => FieldValue::Text(text.clone()),
        Value::Number(number) => FieldValue::Number(*number),
        Value::Reference(id) => FieldValue::Reference(*id),
    }
}

/// What a value comes down to: two that come down to the same mean the same.
pub fn meaning(nature: Nature, value: &FieldValue) -> String {
    match (nature, value) {
        (_, FieldValue::Null) => String::new(),
        (Nature::Phone, FieldValue::Text(text)) => {
            let digits: String = text.chars().filter(char::is_ascii_digit).collect();
            if digits.is_empty() {
                return text.trim().to_owned();
            }
            let plus = text.contains('+');
            format!("{}{digits}", if plus { "+" } else { "" })
        }
        (Nature::Email, FieldValue::Text(text)) => text.trim().to_lowercase(),
        (_, FieldValue::Text(text)) => text.trim().to_owned(),
        (_, FieldValue::Number(number)) => number
            .round_dp_with_strategy(2, rust_decimal::RoundingStrategy::MidpointAwayFromZero)
            .normalize()
            .to_string(),
        (_, FieldValue::Reference(id)) => id.to_string(),
        (_, other) => format!("{other:?}"),
    }
}

/// What a Salesforce value means at the partner; none where its option does not sync.
pub fn partner_meaning(plan: &FieldPlan, nature: Nature, value: &Value) -> Option<String> {
    match to_partner(plan, &field_value(value)) {
        Ok(Some(crossed)) => Some(meaning(nature, &crossed)),
        Ok(None) => None,
        Err(problem) => Some(format!("cannot cross: {problem}")),
    }
}
