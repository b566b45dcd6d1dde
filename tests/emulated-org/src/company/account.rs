//! Accounts.

use super::culture::Culture;
use super::plan::{Plan, Stream};
use super::{Draft, Ids, Row, reference};
use crate::dice::Dice;

const TYPES: [&str; 7] = [
    "Prospect",
    "Customer - Direct",
    "Customer - Channel",
    "Channel Partner / Reseller",
    "Installation Partner",
    "Technology Partner",
    "Other",
];
const INDUSTRIES: [&str; 14] = [
    "Agriculture",
    "Chemicals",
    "Construction",
    "Consulting",
    "Education",
    "Electronics",
    "Energy",
    "Engineering",
    "Food & Beverage",
    "Healthcare",
    "Machinery",
    "Manufacturing",
    "Retail",
    "Transportation",
];

/// The account at an index.
pub fn account(plan: &Plan, index: u64, ids: &Ids) -> Row {
    let identity = plan.identity(index);
    let culture = identity.culture;
    let mut dice = plan.dice(Stream::AccountDetail, index);
    let mut draft = Draft::default();
    draft
        .text("Name", identity.name)
        .set("OwnerId", reference(&ids.users, identity.owner));
    if let Some(parent) = identity.parent {
        draft.set("ParentId", reference(&ids.accounts, parent));
    }
    if dice.chance(88) {
        let common = dice.weighted(&[30, 38, 12, 6, 5, 4, 5]);
        draft.text("Type", TYPES.get(common).copied().unwrap_or("Other"));
    }
    if dice.chance(80) {
        draft.text("Industry", dice.word(&INDUSTRIES));
    }
    if dice.chance(90) {
        address(&mut draft, &mut dice, culture, &BILLING);
    }
    if dice.chance(25) {
        address(&mut draft, &mut dice, culture, &SHIPPING);
    }
    if dice.chance(85) {
        draft.text("Phone", dice.fill(culture.phone));
    }
    if dice.chance(15) {
        draft.text("Fax", dice.fill(culture.phone));
    }
    if dice.chance(82) {
        draft.text("Website", format!("https://www.{}", identity.domain));
    }
    size(&mut draft, &mut dice);
    if dice.chance(45) {
        draft.text("Rating", dice.word(&["Hot", "Warm", "Cold"]));
    }
    if dice.chance(60) {
        let sources = [
            "Web",
            "Phone Inquiry",
            "Partner Referral",
            "Purchased List",
            "Other",
        ];
        draft.text("AccountSource", dice.word(&sources));
    }
    if dice.chance(30) {
        draft.text("AccountNumber", dice.fill("CD######"));
    }
    if dice.chance(5) {
        draft
            .text("Ownership", "Public")
            .text("TickerSymbol", dice.fill("@@@"));
    } else if dice.chance(40) {
        draft.text("Ownership", dice.word(&["Private", "Subsidiary", "Other"]));
    }
    if dice.chance(35) {
        draft.text("Description", notes(&mut dice, culture));
    }
    draft.0
}

/// The names of an address's fields: street, city, state, postal code, country.
pub type AddressFields = [&'static str; 5];

pub const BILLING: AddressFields = [
    "BillingStreet",
    "BillingCity",
    "BillingState",
    "BillingPostalCode",
    "BillingCountry",
];
const SHIPPING: AddressFields = [
    "ShippingStreet",
    "ShippingCity",
    "ShippingState",
    "ShippingPostalCode",
    "ShippingCountry",
];

/// An address in a country.
pub fn address(draft: &mut Draft, dice: &mut Dice, culture: &Culture, fields: &AddressFields) {
    let Some((city, state, postal_code)) = dice.pick(culture.cities) else {
        return;
    };
    let [street_field, city_field, state_field, postal_field, country_field] = *fields;
    let street = dice.word(culture.streets);
    draft
        .text(street_field, dice.fill(street))
        .text(city_field, *city)
        .text(state_field, *state)
        .text(postal_field, dice.fill(postal_code))
        .text(country_field, culture.country);
}

/// One note, sometimes several paragraphs of them, now and then a very long text.
pub fn notes(dice: &mut Dice, culture: &Culture) -> String {
    let paragraphs = match dice.weighted(&[70, 25, 5]) {
        0 => 1,
        1 => dice.between(2, 5),
        _ => dice.between(40, 120),
    };
    let mut text = String::new();
    for paragraph in 0..paragraphs {
        if paragraph > 0 {
            text.push_str(if paragraph % 4 == 0 { "\n\n" } else { "\n" });
        }
        text.push_str(dice.word(culture.notes));
    }
    text
}

/// Few large companies, many small ones; revenue follows the number of people.
fn size(draft: &mut Draft, dice: &mut Dice) {
    let employees = match dice.weighted(&[45, 35, 15, 5]) {
        0 => dice.between(1, 20),
        1 => dice.between(21, 200),
        2 => dice.between(201, 2_000),
        _ => dice.between(2_001, 60_000),
    };
    if dice.chance(65) {
        draft.number("NumberOfEmployees", employees);
    }
    if dice.chance(50) {
        let revenue = employees * dice.between(60, 240) * 1_000;
        draft.number("AnnualRevenue", revenue);
    }
}
