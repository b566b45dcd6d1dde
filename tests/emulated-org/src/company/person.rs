//! People: contacts and leads.

use chrono::{Days, NaiveDate};

use super::account::{AddressFields, address, notes};
use super::culture::{Culture, gendered, mail_word, split};
use super::plan::{Plan, Stream, roll_culture};
use super::{Draft, Ids, Row, TODAY, reference};
use crate::dice::Dice;
use crate::value::Value;

const MAILING: AddressFields = [
    "MailingStreet",
    "MailingCity",
    "MailingState",
    "MailingPostalCode",
    "MailingCountry",
];
const LEAD_ADDRESS: AddressFields = ["Street", "City", "State", "PostalCode", "Country"];
const SOURCES: [&str; 5] = [
    "Web",
    "Phone Inquiry",
    "Partner Referral",
    "Purchased List",
    "Other",
];

/// A person's name as written and as used in mail addresses.
#[derive(Debug)]
pub struct Name {
    pub woman: bool,
    pub first: &'static str,
    pub last: &'static str,
    /// For instance `juergen.schaefer`.
    pub mail_box: String,
}

/// A name from a country.
pub fn name(dice: &mut Dice, culture: &'static Culture) -> Name {
    let woman = dice.chance(50);
    let first = dice.word(if woman { culture.women } else { culture.men });
    let last = gendered(dice.word(culture.families), woman);
    let mail_box = format!("{}.{}", mail_word(first), mail_word(last));
    Name {
        woman,
        first: split(first).0,
        last: split(last).0,
        mail_box,
    }
}

/// The contact at an index.
pub fn contact(plan: &Plan, index: u64, ids: &Ids) -> Row {
    let account = plan.account_of_contact(index);
    let identity = plan.identity(account);
    let mut dice = plan.dice(Stream::Contact, index);
    let mut draft = Draft::default();
    // Some contacts were entered without their company.
    if !dice.chance(4) {
        draft.set("AccountId", reference(&ids.accounts, account));
        if index >= plan.head_contacts
            && dice.chance(40)
            && let Some(head) = plan.head_contact_of(account)
        {
            draft.set("ReportsToId", reference(&ids.contacts, head));
        }
    }
    // Most contacts are looked after by their account's owner.
    let owner = if dice.chance(92) {
        identity.owner
    } else {
        plan.owner(&mut dice)
    };
    draft.set("OwnerId", reference(&ids.users, owner));
    contact_details(&mut draft, &mut dice, identity.culture, &identity.domain);
    draft.0
}

/// A contact of no account.
pub fn lone_contact(seed: u64, index: u64) -> Row {
    let mut dice = Dice::new(seed, Stream::LoneContact as u64, index);
    let culture = roll_culture(&mut dice);
    let domain = format!("{}.example", mail_word(dice.word(culture.companies)));
    let mut draft = Draft::default();
    contact_details(&mut draft, &mut dice, culture, &domain);
    draft.0
}

/// The lead at an index.
pub fn lead(plan: &Plan, index: u64, ids: &Ids) -> Row {
    let mut dice = plan.dice(Stream::Lead, index);
    let culture = roll_culture(&mut dice);
    let mut draft = Draft::default();
    let name = name(&mut dice, culture);
    let stem = dice.word(culture.companies);
    let company = dice
        .word(culture.company_forms)
        .replace("{name}", split(stem).0)
        .replace("{trade}", dice.word(culture.trades));
    let owner = plan.owner(&mut dice);
    draft
        .text("Company", company)
        .set("OwnerId", reference(&ids.users, owner));
    full_name(&mut draft, &mut dice, &name);
    if dice.chance(85) {
        draft.text("Email", format!("{}@{}.example", name.mail_box, mail_word(stem)));
    }
    if dice.chance(60) {
        draft.text("Phone", dice.fill(culture.phone));
    }
    if dice.chance(55) {
        draft.text("Title", dice.word(culture.titles));
    }
    if dice.chance(50) {
        address(&mut draft, &mut dice, culture, &LEAD_ADDRESS);
    } else {
        draft.text("Country", culture.country);
    }
    let status = dice.weighted(&[45, 35, 20]);
    let statuses = [
        "Open - Not Contacted",
        "Working - Contacted",
        "Closed - Not Converted",
    ];
    draft.text("Status", statuses.get(status).copied().unwrap_or_default());
    if dice.chance(85) {
        draft.text("LeadSource", dice.word(&SOURCES));
    }
    if dice.chance(50) {
        draft.text("Rating", dice.word(&["Hot", "Warm", "Cold"]));
    }
    if dice.chance(30) {
        let employees = dice.between(1, 500);
        draft.number("NumberOfEmployees", employees);
    }
    if dice.chance(25) {
        draft.text("Description", notes(&mut dice, culture));
    }
    draft.0
}

fn contact_details(draft: &mut Draft, dice: &mut Dice, culture: &'static Culture, domain: &str) {
    let name = name(dice, culture);
    full_name(draft, dice, &name);
    if dice.chance(88) {
        draft.text("Email", format!("{}@{domain}", name.mail_box));
    }
    if dice.chance(70) {
        draft.text("Phone", dice.fill(culture.phone));
    }
    if dice.chance(55) {
        draft.text("MobilePhone", dice.fill(culture.mobile));
    }
    if dice.chance(72) {
        draft.text("Title", dice.word(culture.titles));
    }
    if dice.chance(50) {
        draft.text("Department", dice.word(culture.departments));
    }
    if dice.chance(65) {
        address(draft, dice, culture, &MAILING);
    }
    if dice.chance(60) {
        draft.text("LeadSource", dice.word(&SOURCES));
    }
    if dice.chance(12) {
        draft.set("Birthdate", Value::Date(birthdate(dice)));
    }
    if dice.chance(15) {
        draft.text("Description", notes(dice, culture));
    }
}

fn full_name(draft: &mut Draft, dice: &mut Dice, name: &Name) {
    draft.text("LastName", name.last);
    if !dice.chance(3) {
        draft.text("FirstName", name.first);
    }
    if dice.chance(60) {
        let title = if dice.chance(8) {
            dice.word(&["Dr.", "Prof."])
        } else if name.woman {
            "Ms."
        } else {
            "Mr."
        };
        draft.text("Salutation", title);
    }
}

/// People are between 20 and 66 years old.
fn birthdate(dice: &mut Dice) -> NaiveDate {
    let days = dice.between(20 * 365, 66 * 365);
    TODAY.checked_sub_days(Days::new(days)).unwrap_or(TODAY)
}
