//! Opportunities.

use chrono::{Datelike, Days, NaiveDate};
use rust_decimal::Decimal;

use super::account::notes;
use super::plan::{Plan, Stream};
use super::{Draft, Ids, Row, TODAY, reference};
use crate::dice::Dice;
use crate::value::Value;

/// Stages of open deals with their probability in percent and how often each comes up.
const OPEN_STAGES: [(&str, u64, u64); 8] = [
    ("Prospecting", 10, 18),
    ("Qualification", 10, 18),
    ("Needs Analysis", 20, 14),
    ("Value Proposition", 50, 12),
    ("Id. Decision Makers", 60, 9),
    ("Perception Analysis", 70, 8),
    ("Proposal/Price Quote", 75, 12),
    ("Negotiation/Review", 90, 9),
];

/// Deals close before the quarter does, and hardly in August.
const MONTHS: [u64; 12] = [5, 6, 12, 6, 7, 12, 6, 3, 11, 7, 9, 16];
const YEARS: [(i32, u64); 4] = [(2024, 20), (2025, 30), (2026, 38), (2027, 12)];

/// The opportunity at an index.
pub fn opportunity(plan: &Plan, index: u64, ids: &Ids) -> Row {
    let mut dice = plan.dice(Stream::Opportunity, index);
    let account = dice.below(plan.accounts);
    let identity = plan.identity(account);
    let culture = identity.culture;
    let closes = close_date(&mut dice);
    let (stage, probability) = stage(&mut dice, closes);
    let goods = dice.word(culture.goods);

    let mut draft = Draft::default();
    draft
        .text(
            "Name",
            shortened(&format!("{} – {goods} {}", identity.name, closes.year()), 120),
        )
        .set("AccountId", reference(&ids.accounts, account))
        .set("OwnerId", reference(&ids.users, identity.owner))
        .text("StageName", stage)
        .number("Probability", probability)
        .set("CloseDate", Value::Date(closes));
    // Early deals often have no figure yet.
    if probability > 10 || !(1..=50).contains(&probability) || dice.chance(55) {
        draft.set("Amount", Value::Number(amount(&mut dice)));
    }
    if dice.chance(75) {
        let kinds = [
            "New Customer",
            "Existing Customer - Upgrade",
            "Existing Customer - Replacement",
            "Existing Customer - Downgrade",
        ];
        let kind = dice.weighted(&[50, 30, 15, 5]);
        draft.text("Type", kinds.get(kind).copied().unwrap_or_default());
    }
    if closes > TODAY && dice.chance(60) {
        draft.text("NextStep", dice.word(culture.steps));
    }
    if dice.chance(65) {
        draft.text(
            "LeadSource",
            dice.word(&["Web", "Phone Inquiry", "Partner Referral", "Other"]),
        );
    }
    if dice.chance(10) {
        let quantity = dice.between(1, 500);
        draft.number("TotalOpportunityQuantity", quantity);
    }
    if dice.chance(30) {
        draft.text("Description", notes(&mut dice, culture));
    }
    draft.0
}

fn stage(dice: &mut Dice, closes: NaiveDate) -> (&'static str, u64) {
    // A few deals that should have closed long ago are still open, as in any pipeline.
    if closes <= TODAY && !dice.chance(4) {
        return if dice.chance(57) {
            ("Closed Won", 100)
        } else {
            ("Closed Lost", 0)
        };
    }
    let at = dice.weighted(&OPEN_STAGES.map(|(_, _, weight)| weight));
    OPEN_STAGES
        .get(at)
        .map_or(("Prospecting", 10), |(stage, probability, _)| {
            (*stage, *probability)
        })
}

fn close_date(dice: &mut Dice) -> NaiveDate {
    let at = dice.weighted(&YEARS.map(|(_, weight)| weight));
    let year = YEARS.get(at).map_or(2026, |(year, _)| *year);
    let month = u32::try_from(dice.weighted(&MONTHS) + 1).unwrap_or(12);
    let first = NaiveDate::from_ymd_opt(year, month, 1).unwrap_or(TODAY);
    let days = u64::from(first.num_days_in_month());
    // Half of all deals close in the last week of their month.
    let day = if dice.chance(50) {
        dice.between(days - 7, days - 1)
    } else {
        dice.below(days)
    };
    first.checked_add_days(Days::new(day)).unwrap_or(first)
}

/// Many small deals, few large ones; some to the cent.
fn amount(dice: &mut Dice) -> Decimal {
    let hundreds = match dice.weighted(&[50, 35, 12, 3]) {
        0 => dice.between(5, 120),
        1 => dice.between(100, 900),
        2 => dice.between(800, 6_000),
        _ => dice.between(5_000, 45_000),
    };
    let whole = Decimal::from(hundreds * 100);
    let cents = if dice.chance(30) { dice.below(10_000) } else { 0 };
    whole + Decimal::from(cents) / Decimal::ONE_HUNDRED
}

fn shortened(text: &str, length: usize) -> String {
    text.chars().take(length).collect()
}
