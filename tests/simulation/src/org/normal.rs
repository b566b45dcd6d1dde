//! What the org makes of a value when it is saved, whoever saves it.

use rust_decimal::{Decimal, RoundingStrategy};

use crate::org::row::{Value, Values};
use crate::org::schema::{Nature, Object};
use crate::org::{Automation, Refusal};

/// The value as it would be stored.
pub fn stored(nature: Nature, value: &Value, automation: Automation) -> Value {
    match (nature, value) {
        (Nature::Text | Nature::Phone | Nature::Email | Nature::Picklist(_), Value::Text(text)) => {
            let text = text.trim();
            let text = match nature {
                Nature::Email => text.to_lowercase(),
                Nature::Phone if automation.formats_phones => phone(text),
                _ => text.to_owned(),
            };
            if text.is_empty() {
                Value::Null
            } else {
                Value::Text(text)
            }
        }
        (Nature::Currency, Value::Number(number)) => Value::Number(cents(*number)),
        _ => value.clone(),
    }
}

/// The phone's digits in the org's form.
fn phone(text: &str) -> String {
    let digits: String = text.chars().filter(char::is_ascii_digit).collect();
    let plus = if text.starts_with('+') { "+" } else { "" };
    match digits.split_at_checked(3) {
        Some((area, rest)) if !rest.is_empty() => format!("{plus}({area}) {rest}"),
        _ => text.to_owned(),
    }
}

fn cents(number: Decimal) -> Decimal {
    number
        .round_dp_with_strategy(2, RoundingStrategy::MidpointAwayFromZero)
        .normalize()
}

/// What Flows before the save make of a record's values.
pub fn flows(object: Object, values: &mut Values, automation: Automation) {
    if automation.capitalises_titles
        && let Some(Value::Text(title)) = values.get_mut("Title")
    {
        *title = title.to_uppercase();
    }
    let has_level = values.get("Level__c").is_some_and(|level| *level != Value::Null);
    if automation.defaults_level && object == Object::Contact && !has_level {
        values.insert("Level__c", Value::Text("Secondary".to_owned()));
    }
}

/// The org's validation rules and constraints.
pub fn validate(object: Object, values: &Values) -> Result<(), Refusal> {
    for field in object.fields() {
        let value = values.get(field.name).unwrap_or(&Value::Null);
        if field.required && *value == Value::Null {
            return Err(Refusal {
                code: "REQUIRED_FIELD_MISSING",
                message: format!("Required fields are missing: [{}]", field.name),
                fields: vec![field.name.to_owned()],
            });
        }
        if let (Nature::Picklist(options), Value::Text(option)) = (field.nature, value)
            && !options.contains(&option.as_str())
        {
            return Err(Refusal {
                code: "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST",
                message: format!("bad value for restricted picklist field: {option}"),
                fields: vec![field.name.to_owned()],
            });
        }
    }
    match values.get("Title") {
        Some(Value::Text(title)) if title.to_lowercase().contains(FORBIDDEN) => Err(Refusal {
            code: "FIELD_CUSTOM_VALIDATION_EXCEPTION",
            message: "this title is not allowed".to_owned(),
            fields: vec!["Title".to_owned()],
        }),
        _ => Ok(()),
    }
}

/// A title with this word is refused.
pub const FORBIDDEN: &str = "forbidden";
/// A title with this word makes the whole call fail that carries it beside others.
pub const POISON: &str = "poison";

/// Whether a call that carries these values beside others fails as a whole.
pub fn is_poisoned(values: &Values) -> bool {
    matches!(values.get("Title"), Some(Value::Text(title)) if title.to_lowercase().contains(POISON))
}
