//! Whether a value may be stored in a field, and in what form.
//!
//! Source of rules and texts: Salesforce SOAP API Developer Guide, Core Data Types and Status Codes;
//! Object Reference, Field Types. Message texts are believed rather than documented.

use std::ops::RangeInclusive;

use rust_decimal::{Decimal, RoundingStrategy};

use super::outcome::SaveError;
use crate::schema::{Field, FieldType};
use crate::value::Value;

/// The form in which a value is stored: text trimmed, empty text gone, numbers rounded to the field's
/// scale, moments cut to the second.
///
/// # Errors
/// The value breaks a rule of the field.
pub fn storable(field: &Field, value: Value) -> Result<Value, SaveError> {
    let value = normalized(field, value);
    match &value {
        // A check box is always checked or not.
        Value::Null if field.kind == FieldType::Boolean => Err(wrong_type(field, "")),
        Value::Text(text) => check_text(field, text).map(|()| value),
        Value::Number(number) => check_number(field, *number).map(|()| value),
        _ => Ok(value),
    }
}

/// The value is of another type than the field.
pub fn wrong_type(field: &Field, given: &str) -> SaveError {
    let message = format!("{}: value not of required type: {given}", field.label);
    SaveError::of_field("INVALID_TYPE_ON_FIELD_IN_RECORD", &field.name, message)
}

/// The text in a reference is no id.
pub fn malformed_id(field: &Field, given: &str) -> SaveError {
    let message = format!("{}: id value of incorrect type: {given}", field.label);
    SaveError::of_field("MALFORMED_ID", &field.name, message)
}

/// The id is one of another object than the reference takes.
pub fn wrong_target(field: &Field, given: &str) -> SaveError {
    let message = format!("{}: id value of incorrect type: {given}", field.label);
    SaveError::of_field("FIELD_INTEGRITY_EXCEPTION", &field.name, message)
}

fn normalized(field: &Field, value: Value) -> Value {
    match value {
        Value::Text(text) => {
            let trimmed = text.trim_matches(is_white);
            if trimmed.is_empty() {
                Value::Null
            } else if trimmed.len() == text.len() {
                Value::Text(text)
            } else {
                Value::text(trimmed)
            }
        }
        Value::Number(number) => {
            let scale = match field.kind {
                FieldType::Int | FieldType::Long => 0,
                // Standard amounts keep their cents whatever their scale says (fflib_SObjectSelectorTest relies on it).
                FieldType::Currency if !field.custom => u32::from(field.scale).max(2),
                _ => u32::from(field.scale),
            };
            let rounded = number.round_dp_with_strategy(scale, RoundingStrategy::MidpointAwayFromZero);
            Value::Number(if rounded.is_zero() {
                Decimal::ZERO
            } else {
                rounded.normalize()
            })
        }
        Value::DateTime(instant) => {
            // Stored moments are whole seconds (believed): answers always show `.000`.
            Value::DateTime(chrono::DateTime::from_timestamp(instant.timestamp(), 0).unwrap_or(instant))
        }
        other => other,
    }
}

/// Java's notion of white space at the ends of text (code points up to U+0020).
fn is_white(character: char) -> bool {
    character <= ' '
}

fn check_text(field: &Field, text: &str) -> Result<(), SaveError> {
    if field.kind == FieldType::Base64 {
        return Ok(());
    }
    if !field.kind.is_text() {
        return Err(wrong_type(field, text));
    }
    let length = usize::try_from(field.length).unwrap_or(usize::MAX);
    // Bytes are never fewer than UTF-16 units, so the cheap count settles nearly all cases.
    if length > 0 && text.len() > length && text.encode_utf16().count() > length {
        let message = format!(
            "{}: data value too large: {text} (max length={length})",
            field.label
        );
        return Err(SaveError::of_field("STRING_TOO_LONG", &field.name, message));
    }
    match field.kind {
        FieldType::Email if !is_email(text) => {
            let message = format!("{}: invalid email address: {text}", field.label);
            Err(SaveError::of_field("INVALID_EMAIL_ADDRESS", &field.name, message))
        }
        FieldType::Picklist if field.restricted_picklist => check_choice(field, text),
        FieldType::Multipicklist if field.restricted_picklist => {
            text.split(';').try_for_each(|choice| check_choice(field, choice))
        }
        _ => Ok(()),
    }
}

fn check_choice(field: &Field, choice: &str) -> Result<(), SaveError> {
    if field
        .picklist_values
        .iter()
        .any(|known| known.active && known.value == choice)
    {
        return Ok(());
    }
    let message = format!(
        "{}: bad value for restricted picklist field: {choice}",
        field.label
    );
    Err(SaveError::of_field(
        "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST",
        &field.name,
        message,
    ))
}

fn check_number(field: &Field, number: Decimal) -> Result<(), SaveError> {
    if !field.kind.is_number() {
        return Err(wrong_type(field, &number.to_string()));
    }
    let whole_digits = match field.kind {
        FieldType::Int if field.digits > 0 => u32::from(field.digits),
        FieldType::Int => 10,
        FieldType::Long => 18,
        _ if field.precision > 0 => u32::from(field.precision.saturating_sub(field.scale)),
        _ => 18,
    };
    let beyond = 10_i128
        .checked_pow(whole_digits)
        .and_then(|limit| Decimal::try_from_i128_with_scale(limit, 0).ok());
    let in_range = beyond.is_none_or(|beyond| number.abs() < beyond)
        && bounds(field).is_none_or(|bounds| bounds.contains(&number))
        && (field.kind != FieldType::Int || i32::try_from(number.trunc().mantissa()).is_ok());
    if in_range {
        return Ok(());
    }
    let message = format!(
        "{}: value outside of valid range on numeric field: {number}",
        field.label
    );
    Err(SaveError::of_field(
        "NUMBER_OUTSIDE_VALID_RANGE",
        &field.name,
        message,
    ))
}

/// Fields that mean less than their digits allow (Salesforce SOAP API Developer Guide, Compound Fields; Object
/// Reference, Opportunity).
fn bounds(field: &Field) -> Option<RangeInclusive<Decimal>> {
    let ends_in = |standard, custom| {
        field.compound_field_name.is_some()
            && (field.name.ends_with(standard) || field.name.ends_with(custom))
    };
    let within = |least: i64, most: i64| Some(Decimal::from(least)..=Decimal::from(most));
    match field.kind {
        FieldType::Double if ends_in("Latitude", "__Latitude__s") => within(-90, 90),
        FieldType::Double if ends_in("Longitude", "__Longitude__s") => within(-180, 180),
        FieldType::Percent if field.name == "Probability" => within(0, 100),
        _ => None,
    }
}

/// Salesforce takes ASCII addresses with one `@` and a domain of at least two labels.
fn is_email(text: &str) -> bool {
    let Some((local, domain)) = text.split_once('@') else {
        return false;
    };
    let local_ok = !local.is_empty()
        && local.len() <= 64
        && !local.starts_with('.')
        && !local.ends_with('.')
        && !local.contains("..")
        && local
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"!#$%&'*/=?^_+-`{|}~.".contains(&byte));
    let labels: Vec<_> = domain.split('.').collect();
    let domain_ok = labels.len() >= 2
        && labels.iter().all(|label| {
            !label.is_empty()
                && !label.starts_with('-')
                && !label.ends_with('-')
                && label
                    .bytes()
                    .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
        });
    local_ok && domain_ok
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schema::PicklistValue;

    fn field(kind: FieldType) -> Field {
        Field {
            name: "F".into(),
            label: "Eff".into(),
            kind,
            length: 5,
            ..Field::default()
        }
    }

    fn number(text: &str) -> Value {
        Value::Number(text.parse().expect("a number"))
    }

    fn code(result: Result<Value, SaveError>) -> &'static str {
        result.expect_err("refused").code
    }

    #[test]
    fn text_is_trimmed_and_empty_text_becomes_null() {
        let field = field(FieldType::String);
        assert_eq!(storable(&field, Value::text(" \t ab \n")), Ok(Value::text("ab")));
        assert_eq!(storable(&field, Value::text("  ")), Ok(Value::Null));
    }

    #[test]
    fn length_counts_utf16_units_not_bytes() {
        let field = field(FieldType::String);
        assert_eq!(storable(&field, Value::text("ßßßßß")), Ok(Value::text("ßßßßß")));
        let refused = storable(&field, Value::text("abcdef")).expect_err("six of five");
        assert_eq!(
            refused.message,
            "Eff: data value too large: abcdef (max length=5)"
        );
        assert_eq!(refused.fields, ["F"]);
        assert_eq!(code(storable(&field, Value::text("😀😀😀"))), "STRING_TOO_LONG");
    }

    #[test]
    fn decimals_round_away_from_zero_to_the_scale() {
        let field = Field {
            precision: 6,
            scale: 2,
            ..field(FieldType::Currency)
        };
        for (given, stored) in [
            ("1.005", "1.01"),
            ("-1.005", "-1.01"),
            ("2.50", "2.5"),
            ("-0.001", "0"),
        ] {
            assert_eq!(storable(&field, number(given)), Ok(number(stored)), "{given}");
        }
        assert_eq!(storable(&field, number("9999.99")), Ok(number("9999.99")));
        for too_large in ["10000", "-10000", "9999.995"] {
            assert_eq!(
                code(storable(&field, number(too_large))),
                "NUMBER_OUTSIDE_VALID_RANGE",
                "{too_large}"
            );
        }
    }

    #[test]
    fn integers_keep_to_their_digits_and_to_32_bits() {
        let eight = Field {
            digits: 8,
            ..field(FieldType::Int)
        };
        assert_eq!(storable(&eight, number("99999999")), Ok(number("99999999")));
        assert_eq!(
            code(storable(&eight, number("100000000"))),
            "NUMBER_OUTSIDE_VALID_RANGE"
        );
        assert_eq!(
            code(storable(&field(FieldType::Int), number("2147483648"))),
            "NUMBER_OUTSIDE_VALID_RANGE"
        );
    }

    #[test]
    fn addresses_need_one_at_sign_and_a_domain_of_two_labels() {
        let field = Field {
            length: 80,
            ..field(FieldType::Email)
        };
        for good in ["a@b.co", "o'neil+x@sub.example.com", "A_1.b@ex-ample.org"] {
            assert_eq!(storable(&field, Value::text(good)), Ok(Value::text(good)));
        }
        for bad in [
            "a",
            "a@b",
            "@b.co",
            "a@@b.co",
            "a b@c.de",
            ".a@b.co",
            "a..b@c.de",
            "ü@b.co",
            "a@-b.co",
            "a@b..co",
        ] {
            assert_eq!(
                code(storable(&field, Value::text(bad))),
                "INVALID_EMAIL_ADDRESS",
                "{bad}"
            );
        }
    }

    #[test]
    fn restricted_picklists_take_active_values_only() {
        let values = [("A", true), ("B", true), ("C", false)].map(|(value, active)| PicklistValue {
            value: value.into(),
            active,
            ..PicklistValue::default()
        });
        let restricted = Field {
            length: 255,
            restricted_picklist: true,
            picklist_values: values.into(),
            ..field(FieldType::Multipicklist)
        };
        assert_eq!(storable(&restricted, Value::text("A;B")), Ok(Value::text("A;B")));
        let refused = storable(&restricted, Value::text("A;C")).expect_err("C is inactive");
        assert_eq!(refused.code, "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST");
        assert_eq!(refused.message, "Eff: bad value for restricted picklist field: C");
        let open = Field {
            restricted_picklist: false,
            ..restricted
        };
        assert_eq!(storable(&open, Value::text("Z")), Ok(Value::text("Z")));
    }

    #[test]
    fn a_check_box_is_never_null() {
        let refused = storable(&field(FieldType::Boolean), Value::Null).expect_err("null");
        assert_eq!(refused.code, "INVALID_TYPE_ON_FIELD_IN_RECORD");
        assert_eq!(refused.message, "Eff: value not of required type: ");
    }
}
