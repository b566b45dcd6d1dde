//! Values that people on both sides write: few of each kind, so that they meet, and some that hurt.

use causeway_core::id::{RecordId, SalesforceId};
use rust_decimal::Decimal;
use serde_json::{Map, Value as Json, json};

use crate::dice::Dice;
use crate::org::row::{Value, Values};
use crate::org::schema::{Field, INDUSTRIES, LEVELS, Nature, Object};
use crate::setting::partner_field;

const NAMES: &[&str] = &["Ann", "Bob", " Cid ", "Dora", "Eve"];
const TITLES: &[&str] = &[
    "boss",
    "Chief",
    " clerk",
    "CHIEF",
    "forbidden",
    "poison",
    "",
    "maker",
];
const PHONES: &[&str] = &["4155550100", "(415) 5550100", "+49301234", "415 555 0101", ""];
const EMAILS: &[&str] = &[
    "a@x.org", "B@x.org", "c@x.org", "d@x.org", "e@x.org", "f@x.org", "b@x.org", "",
];

fn text(dice: &mut Dice, field: &Field) -> &'static str {
    let pool = match field.nature {
        Nature::Phone => PHONES,
        Nature::Email => EMAILS,
        Nature::Picklist(_) => LEVELS,
        _ if field.required => NAMES,
        // What is refused, or makes calls fail, comes seldom.
        _ if dice.percent(70) => &["boss", "Chief", "clerk "],
        _ => TITLES,
    };
    dice.choose(pool, "Ann")
}

/// A value that a person writes in Salesforce.
fn salesforce_value(dice: &mut Dice, field: &Field, accounts: &[SalesforceId]) -> Value {
    if !field.required && dice.percent(12) {
        return Value::Null;
    }
    match field.nature {
        Nature::Currency => Value::Number(Decimal::new(dice.between(0, 9) * 125, 3)),
        Nature::Picklist(options) => Value::Text(dice.choose(options, "Primary").to_owned()),
        Nature::Parent => dice
            .pick(accounts)
            .map_or(Value::Null, |account| Value::Reference(*account)),
        Nature::Formula => Value::Null,
        _ => Value::Text(text(dice, field).to_owned()),
    }
}

/// Values of a new record in Salesforce.
pub fn whole_row(dice: &mut Dice, object: Object, accounts: &[SalesforceId]) -> Values {
    let mut values = Values::new();
    for field in object
        .fields()
        .iter()
        .filter(|field| field.nature != Nature::Formula)
    {
        if field.required || dice.percent(70) {
            values.insert(field.name, salesforce_value(dice, field, accounts));
        }
    }
    values
}

/// One field with a value, as a person edits it in Salesforce.
pub fn some_value(
    dice: &mut Dice,
    object: Object,
    accounts: &[SalesforceId],
) -> Option<(&'static str, Value)> {
    let field = dice.pick(object.fields()).copied()?;
    if field.nature == Nature::Formula {
        return None;
    }
    Some((field.name, salesforce_value(dice, &field, accounts)))
}

/// A value that a partner posts.
fn partner_value(dice: &mut Dice, field: &Field, companies: &[RecordId]) -> Json {
    if !field.required && dice.percent(12) {
        return Json::Null;
    }
    match field.nature {
        Nature::Currency => Decimal::new(dice.between(0, 9) * 25, 2)
            .to_string()
            .parse()
            .map_or(Json::Null, Json::Number),
        Nature::Picklist(INDUSTRIES) => json!(dice.choose(&["food", "money"], "food")),
        Nature::Parent => match dice.pick(companies) {
            Some(company) => json!({"id": company.to_string()}),
            None => Json::Null,
        },
        _ => json!(text(dice, field)),
    }
}

/// Fields of a new record at the partner.
pub fn whole_record(dice: &mut Dice, object: Object, companies: &[RecordId]) -> Map<String, Json> {
    let mut fields = Map::new();
    for field in object
        .fields()
        .iter()
        .filter(|field| field.nature != Nature::Formula)
    {
        if field.required || dice.percent(70) {
            let value = partner_value(dice, field, companies);
            fields.insert(partner_field(field.name).to_owned(), value);
        }
    }
    fields
}

/// One or two fields as a partner edits them.
pub fn some_fields(dice: &mut Dice, object: Object, companies: &[RecordId]) -> Map<String, Json> {
    let mut fields = Map::new();
    for _ in 0..dice.between(1, 2) {
        if let Some(field) = dice
            .pick(object.fields())
            .copied()
            .filter(|field| field.nature != Nature::Formula)
        {
            let value = partner_value(dice, &field, companies);
            fields.insert(partner_field(field.name).to_owned(), value);
        }
    }
    fields
}
