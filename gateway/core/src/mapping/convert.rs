//! Values from one side's representation to the other's, exactly or not at all.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::id::SalesforceId;
use crate::mapping::catalog::{PartnerType, SalesforceField, SalesforceType};
use crate::mapping::literal;
use crate::mapping::plan::FieldPlan;
use crate::record::FieldValue;

/// Why a value cannot cross, with what a person needs to mend it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("{salesforce_field} to {partner_field}: {cause}")]
pub struct ConversionProblem {
    /// API name of the Salesforce field.
    pub salesforce_field: String,
    /// Partner field.
    pub partner_field: String,
    /// What is wrong.
    pub cause: ConversionCause,
}

/// The kinds of conversion failure.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(rename_all = "camelCase", tag = "kind")]
pub enum ConversionCause {
    /// A required field has no value.
    #[error("a value is required; fill the field in, or make it optional in the mapping")]
    Required,
    /// The option has no counterpart.
    #[error("option {option:?} has no counterpart; add it to the choice mapping")]
    UnmappedChoice {
        /// The option met.
        option: String,
    },
    /// The text is longer than the other side takes.
    #[error("{length} characters, but at most {limit} fit; shorten it or raise the limit")]
    TooLong {
        /// Characters met: Unicode scalar values. Salesforce is believed to count UTF-16 units, so a text with
        /// characters beyond the basic plane may be refused there although it fits here.
        length: u32,
        /// Characters that fit.
        limit: u32,
    },
    /// The value is not of the expected form.
    #[error("not {expected}")]
    Malformed {
        /// The expected form, with its article: `a date (YYYY-MM-DD)`.
        expected: String,
    },
    /// A record that is to be made without an external id has no value to be found by.
    #[error(
        "a value is required: the mapping has no external id, so that Salesforce's record is recognised by this field \
         alone; fill it in, or give the mapping an external id field"
    )]
    NothingToFindBy,
}

const A_DATE: &str = "a date (YYYY-MM-DD)";
const A_MOMENT: &str = "a moment with its zone (2026-11-22T06:04:37.000Z)";
const A_NUMBER: &str = "a number of at most 28 digits";
const A_BOOLEAN: &str = "true or false";
const A_TEXT: &str = "a text";
const AN_ID: &str = "a Salesforce record id (15 or 18 letters and digits)";
const CHOICES: &str = "a list of options";

/// Reads a value from text as Bulk results give it. No text is null.
///
/// # Errors
/// [`ConversionCause::Malformed`] when the text is not of the field's type.
pub fn read_text(kind: SalesforceType, text: &str) -> Result<FieldValue, ConversionCause> {
    if text.is_empty() {
        return Ok(FieldValue::Null);
    }
    match kind {
        SalesforceType::Boolean => match text {
            "true" => Ok(FieldValue::Boolean(true)),
            "false" => Ok(FieldValue::Boolean(false)),
            _ => Err(not(A_BOOLEAN)),
        },
        SalesforceType::Int
        | SalesforceType::Long
        | SalesforceType::Double
        | SalesforceType::Currency
        | SalesforceType::Percent => number(text),
        SalesforceType::Date => date(text),
        SalesforceType::Datetime => moment(text),
        SalesforceType::Multipicklist => Ok(choices(text.split(';'))),
        SalesforceType::Reference => reference(text),
        SalesforceType::Id => {
            let id = SalesforceId::parse(text).map_err(|wrong| not_because(AN_ID, &wrong))?;
            Ok(FieldValue::Text(id.as_str().to_owned()))
        }
        SalesforceType::String
        | SalesforceType::Textarea
        | SalesforceType::Picklist
        | SalesforceType::Combobox
        | SalesforceType::Time
        | SalesforceType::Email
        | SalesforceType::Phone
        | SalesforceType::Url
        | SalesforceType::Encryptedstring
        | SalesforceType::Address
        | SalesforceType::Location
        | SalesforceType::Base64
        | SalesforceType::Anytype
        | SalesforceType::Complexvalue => Ok(FieldValue::Text(text.to_owned())),
    }
}

/// Reads a value from JSON as REST answers and the package's posts give it. An empty text stays one: only Bulk
/// results have no other way to say null.
///
/// # Errors
/// [`ConversionCause::Malformed`] when the JSON is not of the field's type.
pub fn read_json(kind: SalesforceType, value: &Value) -> Result<FieldValue, ConversionCause> {
    let expected = match kind {
        SalesforceType::Boolean => A_BOOLEAN,
        SalesforceType::Int
        | SalesforceType::Long
        | SalesforceType::Double
        | SalesforceType::Currency
        | SalesforceType::Percent => A_NUMBER,
        SalesforceType::Date => A_DATE,
        SalesforceType::Datetime => A_MOMENT,
        SalesforceType::Reference | SalesforceType::Id => AN_ID,
        _ => A_TEXT,
    };
    match value {
        Value::Null => Ok(FieldValue::Null),
        Value::Bool(value) if expected == A_BOOLEAN => Ok(FieldValue::Boolean(*value)),
        Value::Number(value) if expected == A_NUMBER => number(&value.to_string()),
        Value::String(text) if expected == A_TEXT && text.is_empty() => match kind {
            SalesforceType::Multipicklist => Ok(FieldValue::Null),
            _ => Ok(FieldValue::Text(String::new())),
        },
        Value::String(text) if expected != A_BOOLEAN && expected != A_NUMBER && !text.is_empty() => {
            read_text(kind, text)
        }
        _ => Err(not(expected)),
    }
}

/// Turns a Salesforce value into the partner's. `Ok(None)`: the option is mapped to "does not sync". Whether a
/// required field may stay empty is for the decision to say, which knows what the partner holds already.
///
/// # Errors
/// [`ConversionProblem`] naming both fields.
pub fn to_partner(field: &FieldPlan, value: &FieldValue) -> Result<Option<FieldValue>, ConversionProblem> {
    partner_value(field, value).map_err(|cause| field.problem(cause))
}

/// Turns a partner value into Salesforce's. Where several Salesforce options stand for one partner option, the
/// first by its API value is written. Empty text becomes null, which is what Salesforce would keep of it. A record
/// whose Salesforce record was not made yet stays one: it cannot be written before.
///
/// # Errors
/// [`ConversionProblem`] naming both fields, also where Salesforce would round or refuse the value.
pub fn to_salesforce(field: &FieldPlan, value: &FieldValue) -> Result<FieldValue, ConversionProblem> {
    salesforce_value(field, value).map_err(|cause| field.problem(cause))
}

/// Whether two Salesforce values of a field mean the same, so that neither is an edit of the other: Salesforce trims
/// text, rounds numbers to the field's scale and cuts moments to the second (Object Reference, "Field Types"), and orgs
/// format phone numbers.
pub fn same_meaning(field: &FieldPlan, one: &FieldValue, other: &FieldValue) -> bool {
    if one == other {
        return true;
    }
    let target = &field.salesforce;
    match (one, other) {
        (FieldValue::Text(one), FieldValue::Text(other)) => match target.kind {
            SalesforceType::Phone => same_phone(one, other),
            SalesforceType::Email => one.trim().to_lowercase() == other.trim().to_lowercase(),
            _ => same_text(one, other),
        },
        (FieldValue::Number(one), FieldValue::Number(other)) => {
            let whole_only = matches!(target.kind, SalesforceType::Int | SalesforceType::Long);
            let scaled = whole_only || target.precision > 0;
            scaled && rounded(*one, target.scale) == rounded(*other, target.scale)
        }
        (FieldValue::DateTime(one), FieldValue::DateTime(other)) => one.timestamp() == other.timestamp(),
        (FieldValue::Choices(one), FieldValue::Choices(other)) => {
            let set = |options: &[String]| options.iter().cloned().collect::<std::collections::BTreeSet<_>>();
            set(one) == set(other)
        }
        // Salesforce keeps no blank text and no empty list.
        _ => one.is_blank() && other.is_blank(),
    }
}

/// Checks that the partner's own field takes a value: its type, and its greatest number of characters.
///
/// # Errors
/// [`ConversionCause::Malformed`] or [`ConversionCause::TooLong`].
pub fn fits_partner(field: &FieldPlan, value: &FieldValue) -> Result<(), ConversionCause> {
    of_type(field.partner_type, value)?;
    match (value, field.max_length) {
        (FieldValue::Text(text), Some(limit)) => at_most(text, limit),
        _ => Ok(()),
    }
}

/// Reads a partner's JSON value of a type.
///
/// # Errors
/// [`ConversionCause::Malformed`] when the JSON is not of that type.
pub fn read_partner_json(kind: PartnerType, value: &Value) -> Result<FieldValue, ConversionCause> {
    match (kind, value) {
        (_, Value::Null) => Ok(FieldValue::Null),
        (PartnerType::Boolean, Value::Bool(value)) => Ok(FieldValue::Boolean(*value)),
        (PartnerType::Boolean, _) => Err(not(A_BOOLEAN)),
        (PartnerType::Number | PartnerType::Currency, Value::Number(value)) => number(&value.to_string()),
        (PartnerType::Number | PartnerType::Currency, _) => Err(not(A_NUMBER)),
        (PartnerType::Date, Value::String(text)) => date(text),
        (PartnerType::Date, _) => Err(not(A_DATE)),
        (PartnerType::DateTime, Value::String(text)) => moment(text),
        (PartnerType::DateTime, _) => Err(not(A_MOMENT)),
        (PartnerType::MultiChoice, Value::Array(options)) => options
            .iter()
            .map(|option| option.as_str().ok_or_else(|| not(CHOICES)))
            .collect::<Result<Vec<_>, _>>()
            .map(|options| sorted(options.into_iter())),
        (PartnerType::MultiChoice, _) => Err(not(CHOICES)),
        (PartnerType::Reference, Value::String(text)) => reference(text),
        (PartnerType::Reference, _) => Err(not(AN_ID)),
        (
            PartnerType::Text
            | PartnerType::MultiLine
            | PartnerType::SingleChoice
            | PartnerType::Email
            | PartnerType::Phone
            | PartnerType::Address,
            Value::String(text),
        ) => Ok(FieldValue::Text(text.clone())),
        (
            PartnerType::Text
            | PartnerType::MultiLine
            | PartnerType::SingleChoice
            | PartnerType::Email
            | PartnerType::Phone
            | PartnerType::Address,
            _,
        ) => Err(not(A_TEXT)),
    }
}

/// The JSON that partners read. A reference is its Salesforce id; the caller knows the partner's record.
pub fn partner_json(value: &FieldValue) -> Value {
    match value {
        FieldValue::Null => Value::Null,
        FieldValue::Text(text) => Value::String(text.clone()),
        FieldValue::Boolean(value) => Value::Bool(*value),
        // The number's own digits: a float between would change amounts.
        FieldValue::Number(number) => number.to_string().parse().map_or(Value::Null, Value::Number),
        FieldValue::Date(day) => Value::String(day.to_string()),
        FieldValue::DateTime(moment) => Value::String(literal::write_date_time(*moment)),
        FieldValue::Choices(options) => options.iter().cloned().map(Value::String).collect(),
        FieldValue::Reference(id) => Value::String(id.as_str().to_owned()),
        FieldValue::Record(id) => Value::String(id.to_string()),
    }
}

fn partner_value(field: &FieldPlan, value: &FieldValue) -> Result<Option<FieldValue>, ConversionCause> {
    let crossed = match (field.partner_type, value) {
        (_, FieldValue::Null) => FieldValue::Null,
        (PartnerType::SingleChoice, FieldValue::Text(option)) if option.is_empty() => FieldValue::Null,
        (PartnerType::SingleChoice, FieldValue::Text(option)) => match partner_option(field, option)? {
            Some(option) => FieldValue::Text(option.to_owned()),
            None => return Ok(None),
        },
        (PartnerType::MultiChoice, FieldValue::Choices(options)) => {
            let mut crossed = Vec::with_capacity(options.len());
            for option in options {
                crossed.extend(partner_option(field, option)?);
            }
            if crossed.is_empty() {
                FieldValue::Null
            } else {
                sorted(crossed.into_iter())
            }
        }
        (_, value) => {
            fits_partner(field, value)?;
            value.clone()
        }
    };
    Ok(Some(crossed))
}

fn salesforce_value(field: &FieldPlan, value: &FieldValue) -> Result<FieldValue, ConversionCause> {
    let target = &field.salesforce;
    of_type(field.partner_type, value)?;
    let crossed = match value {
        FieldValue::Text(text) if text.is_empty() => FieldValue::Null,
        FieldValue::Choices(options) if options.is_empty() => FieldValue::Null,
        FieldValue::Text(option) if field.partner_type == PartnerType::SingleChoice => {
            FieldValue::Text(salesforce_option(field, option)?.to_owned())
        }
        FieldValue::Choices(options) => {
            let options: Vec<_> = options
                .iter()
                .map(|option| salesforce_option(field, option))
                .collect::<Result<_, _>>()?;
            sorted(options.into_iter())
        }
        FieldValue::Text(text) => {
            if target.length > 0 {
                at_most(text, target.length)?;
            }
            FieldValue::Text(text.clone())
        }
        FieldValue::Number(number) => {
            holds(target, *number)?;
            FieldValue::Number(number.normalize())
        }
        other => other.clone(),
    };
    if crossed == FieldValue::Null && !target.nillable {
        return Err(ConversionCause::Required);
    }
    Ok(crossed)
}

/// The partner's name of an option; `None` when the option does not sync.
fn partner_option<'a>(field: &'a FieldPlan, option: &'a str) -> Result<Option<&'a str>, ConversionCause> {
    if field.choices.is_empty() {
        return Ok(Some(option));
    }
    match field.choices.get(option) {
        Some(partner) => Ok(partner.as_deref()),
        None => Err(ConversionCause::UnmappedChoice {
            option: option.to_owned(),
        }),
    }
}

fn salesforce_option<'a>(field: &'a FieldPlan, option: &'a str) -> Result<&'a str, ConversionCause> {
    let mapped = if field.choices.is_empty() {
        let target = &field.salesforce;
        let exists =
            !target.restricted_picklist || target.picklist_values.iter().any(|known| known == option);
        exists.then_some(option)
    } else {
        field
            .choices
            .iter()
            .find(|(_, partner)| partner.as_deref() == Some(option))
            .map(|(salesforce, _)| salesforce.as_str())
    };
    mapped.ok_or_else(|| ConversionCause::UnmappedChoice {
        option: option.to_owned(),
    })
}

/// Refuses a value that is not of a partner type.
fn of_type(kind: PartnerType, value: &FieldValue) -> Result<(), ConversionCause> {
    let (fits, expected) = match kind {
        PartnerType::Text
        | PartnerType::MultiLine
        | PartnerType::SingleChoice
        | PartnerType::Email
        | PartnerType::Phone
        | PartnerType::Address => (matches!(value, FieldValue::Text(_)), A_TEXT),
        PartnerType::Date => (matches!(value, FieldValue::Date(_)), A_DATE),
        PartnerType::DateTime => (matches!(value, FieldValue::DateTime(_)), A_MOMENT),
        PartnerType::MultiChoice => (matches!(value, FieldValue::Choices(_)), CHOICES),
        PartnerType::Number | PartnerType::Currency => (matches!(value, FieldValue::Number(_)), A_NUMBER),
        PartnerType::Boolean => (matches!(value, FieldValue::Boolean(_)), A_BOOLEAN),
        PartnerType::Reference => (
            matches!(value, FieldValue::Reference(_) | FieldValue::Record(_)),
            AN_ID,
        ),
    };
    if fits || *value == FieldValue::Null {
        Ok(())
    } else {
        Err(not(expected))
    }
}

/// Refuses a number that Salesforce would round or could not hold.
fn holds(target: &SalesforceField, number: rust_decimal::Decimal) -> Result<(), ConversionCause> {
    let number = number.normalize();
    let whole_only = matches!(target.kind, SalesforceType::Int | SalesforceType::Long);
    if whole_only && number.scale() > 0 {
        return Err(not("a whole number"));
    }
    if whole_only || target.precision == 0 {
        return Ok(());
    }
    let before = target.precision.saturating_sub(target.scale);
    let whole_digits = match number.trunc().abs().mantissa() {
        0 => 0,
        whole => whole.ilog10() + 1,
    };
    if number.scale() > target.scale || whole_digits > before {
        return Err(ConversionCause::Malformed {
            expected: format!(
                "a number of at most {before} digits before and {} behind the decimal point",
                target.scale
            ),
        });
    }
    Ok(())
}

fn same_text(one: &str, other: &str) -> bool {
    let plain = |text: &str| text.trim().replace("\r\n", "\n").replace('\r', "\n");
    plain(one) == plain(other)
}

fn same_phone(one: &str, other: &str) -> bool {
    let digits = |text: &str| text.chars().filter(char::is_ascii_digit).collect::<String>();
    let number = |text: &str| (text.trim_start().starts_with('+'), digits(text));
    match (number(one), number(other)) {
        // Words in place of a number.
        ((_, one_digits), _) if one_digits.is_empty() => same_text(one, other),
        (one, other) => one == other,
    }
}

fn rounded(number: rust_decimal::Decimal, scale: u32) -> rust_decimal::Decimal {
    number
        .round_dp_with_strategy(scale, rust_decimal::RoundingStrategy::MidpointAwayFromZero)
        .normalize()
}

fn at_most(text: &str, limit: u32) -> Result<(), ConversionCause> {
    let length = u32::try_from(text.chars().count()).unwrap_or(u32::MAX);
    if length > limit {
        return Err(ConversionCause::TooLong { length, limit });
    }
    Ok(())
}

fn number(text: &str) -> Result<FieldValue, ConversionCause> {
    literal::decimal(text)
        .map(FieldValue::Number)
        .ok_or_else(|| not(A_NUMBER))
}

fn date(text: &str) -> Result<FieldValue, ConversionCause> {
    literal::date(text)
        .map(FieldValue::Date)
        .ok_or_else(|| not(A_DATE))
}

fn moment(text: &str) -> Result<FieldValue, ConversionCause> {
    literal::date_time(text)
        .map(FieldValue::DateTime)
        .ok_or_else(|| not(A_MOMENT))
}

fn reference(text: &str) -> Result<FieldValue, ConversionCause> {
    SalesforceId::parse(text)
        .map(FieldValue::Reference)
        .map_err(|wrong| not_because(AN_ID, &wrong))
}

fn choices<'a>(options: impl Iterator<Item = &'a str>) -> FieldValue {
    let mut options = options.filter(|option| !option.is_empty()).peekable();
    if options.peek().is_none() {
        return FieldValue::Null;
    }
    sorted(options)
}

fn sorted<'a>(options: impl Iterator<Item = &'a str>) -> FieldValue {
    let unique: std::collections::BTreeSet<&str> = options.collect();
    FieldValue::Choices(unique.into_iter().map(str::to_owned).collect())
}

fn not(expected: &str) -> ConversionCause {
    ConversionCause::Malformed {
        expected: expected.to_owned(),
    }
}

fn not_because(expected: &str, wrong: &dyn std::fmt::Display) -> ConversionCause {
    ConversionCause::Malformed {
        expected: format!("{expected}: {wrong}"),
    }
}

#[cfg(test)]
mod tests;
