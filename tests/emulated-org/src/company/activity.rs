//! Tasks.

use chrono::Days;

use super::account::notes;
use super::plan::{Plan, Stream};
use super::{Draft, Ids, Row, TODAY, reference};
use crate::value::Value;

/// The task at an index: about a contact and its account, or about a deal.
pub fn task(plan: &Plan, index: u64, ids: &Ids) -> Row {
    let mut dice = plan.dice(Stream::Task, index);
    let contact = dice.below(plan.contacts);
    let identity = plan.identity(plan.account_of_contact(contact));
    let culture = identity.culture;
    let mut draft = Draft::default();
    draft
        .text("Subject", dice.word(culture.subjects))
        .set("OwnerId", reference(&ids.users, identity.owner));
    match dice.weighted(&[55, 25, 15, 5]) {
        0 => {
            let account = plan.account_of_contact(contact);
            draft.set("WhoId", reference(&ids.contacts, contact));
            draft.set("WhatId", reference(&ids.accounts, account));
        }
        1 => {
            let deal = dice.below(plan.opportunities);
            draft.set("WhatId", reference(&ids.opportunities, deal));
        }
        2 => {
            draft.set("WhoId", reference(&ids.contacts, contact));
        }
        _ => {}
    }
    let past = dice.chance(65);
    let status = match (past, dice.below(100)) {
        (true, 0..88) => "Completed",
        (_, 88..93) => "Waiting on someone else",
        (_, 93..96) => "Deferred",
        (_, 60..88) => "In Progress",
        _ => "Not Started",
    };
    draft.text("Status", status);
    if dice.chance(92) {
        let days = Days::new(dice.below(if past { 540 } else { 90 }));
        let due = if past {
            TODAY.checked_sub_days(days)
        } else {
            TODAY.checked_add_days(days)
        };
        draft.set("ActivityDate", Value::Date(due.unwrap_or(TODAY)));
    }
    let urgency = dice.weighted(&[72, 20, 8]);
    draft.text(
        "Priority",
        ["Normal", "High", "Low"]
            .get(urgency)
            .copied()
            .unwrap_or("Normal"),
    );
    if dice.chance(20) {
        let seconds = dice.between(20, 2_400);
        draft
            .text("TaskSubtype", "Call")
            .text("CallType", dice.word(&["Inbound", "Outbound"]));
        draft.number("CallDurationInSeconds", seconds);
    }
    if dice.chance(40) {
        draft.text("Description", notes(&mut dice, culture));
    }
    draft.0
}
