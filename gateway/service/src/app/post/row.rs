//! Rows of a partner's request, read one by one so that a wrong one is refused alone.
//!
//! A row is checked while it is still text, and only what a mapped field can hold is built into values: a body of many
//! small pieces takes no more memory than its records need.

use std::collections::BTreeSet;

use causeway_core::Instant;
use causeway_core::decide::partner::{PartnerRefusal, RefusalCode};
use causeway_core::id::{Position, RecordId};
use causeway_core::mapping::nearest::suggestion;
use causeway_core::mapping::{FieldPlan, MappingPlan, PartnerType, literal};
use causeway_core::units::partner_news::{Address, PartnerPost, PostedEvent};
use serde_json::{Map, Value};

use super::Row;
use crate::json::{JsonText, Kind};

/// Longest own id that a partner may give a record, in characters.
const LONGEST_KEY: usize = 255;

/// Options that one value of a multiple choice may hold. Salesforce takes fewer.
const MOST_OPTIONS: usize = 500;

/// Problems of one row that are named.
pub(super) const MOST_PROBLEMS: usize = 20;

/// Characters of a wrong value that are shown.
const SHOWN: usize = 60;

/// Members of a row that edits.
const EDIT: [&str; 6] = ["id", "key", "changedAt", "ifPosition", "owner", "fields"];
/// Members of a row that deletes.
const DELETE: [&str; 4] = ["id", "key", "changedAt", "ifPosition"];

/// Reads a row that makes or edits a record, with the partner's own id in it. `owners` are who may own it.
pub(super) fn edit(
    row: &str,
    plan: &MappingPlan,
    owners: &BTreeSet<&str>,
) -> (Option<String>, Row<PartnerPost>) {
    let mut problems = Problems::default();
    let members = match Members::of(row, &EDIT, &mut problems) {
        Ok(members) => members,
        Err(refusal) => return (None, Err(vec![refusal])),
    };
    let target = target(&members, &mut problems);
    let owner = text("owner", members.owner, &mut problems);
    if let Some(owner) = owner.as_deref().filter(|owner| !owners.contains(*owner)) {
        problems.add(
            "owner",
            RefusalCode::ValueDoesNotFit,
            format!(
                "{:?} is no user of this connection; add the user first, or leave the owner out",
                shown(owner)
            ),
        );
    }
    let fields = match members.fields {
        Some(fields) => values(fields, plan, &mut problems),
        None => {
            problems.add(
                "fields",
                RefusalCode::Required,
                "is missing; send the values to set by field name",
            );
            Map::new()
        }
    };
    let address = match (target.id, &target.key) {
        (Some(id), _) => Address::Record(id),
        (None, Some(key)) => Address::Key(key.clone()),
        (None, None) => Address::New,
    };
    finish(target, address, PostedEvent::Upsert { fields, owner }, problems)
}

/// Reads a row that deletes a record, with the partner's own id in it.
pub(super) fn delete(row: &str) -> (Option<String>, Row<PartnerPost>) {
    let mut problems = Problems::default();
    let members = match Members::of(row, &DELETE, &mut problems) {
        Ok(members) => members,
        Err(refusal) => return (None, Err(vec![refusal])),
    };
    let target = target(&members, &mut problems);
    let address = match (target.id, &target.key) {
        (Some(id), _) => Address::Record(id),
        (None, Some(key)) => Address::Key(key.clone()),
        (None, None) => {
            problems.add(
                "id",
                RefusalCode::Required,
                "is missing; send the record's id, or the partner's own as key",
            );
            Address::New
        }
    };
    finish(target, address, PostedEvent::Delete, problems)
}

#[derive(Debug, Default)]
struct Problems(Vec<PartnerRefusal>);

impl Problems {
    fn are_enough(&self) -> bool {
        self.0.len() >= MOST_PROBLEMS
    }

    fn add(&mut self, field: &str, code: RefusalCode, message: impl Into<String>) {
        if !self.are_enough() {
            self.0.push(PartnerRefusal::of_field(field, code, message));
        }
    }
}

/// A row's members as text. Null counts as not given.
#[derive(Debug, Default)]
struct Members<'a> {
    id: Option<JsonText<'a>>,
    key: Option<JsonText<'a>>,
    changed_at: Option<JsonText<'a>>,
    if_position: Option<JsonText<'a>>,
    owner: Option<JsonText<'a>>,
    fields: Option<JsonText<'a>>,
}

impl<'a> Members<'a> {
    fn of(row: &'a str, accepted: &[&str], problems: &mut Problems) -> Result<Self, PartnerRefusal> {
        let mut found = Members::default();
        let members = JsonText::parse(row).ok().and_then(JsonText::members);
        let members = members.ok_or_else(|| {
            PartnerRefusal::of_record(
                RefusalCode::WrongType,
                "this row is no JSON object; send one of the documented form",
            )
        })?;
        for (name, value) in members {
            if problems.are_enough() {
                break;
            }
            let slot = match name.as_ref() {
                name if !accepted.contains(&name) => {
                    problems.add(
                        &shown(name),
                        RefusalCode::UnknownField,
                        format!("is unknown; accepted here: {}", accepted.join(", ")),
                    );
                    continue;
                }
                "id" => &mut found.id,
                "key" => &mut found.key,
                "changedAt" => &mut found.changed_at,
                "ifPosition" => &mut found.if_position,
                "owner" => &mut found.owner,
                _ => &mut found.fields,
            };
            *slot = Some(value).filter(|value| value.kind() != Kind::Null);
        }
        Ok(found)
    }
}

/// The record that a row is for, and when the row counts.
#[derive(Debug)]
struct Target {
    id: Option<RecordId>,
    key: Option<String>,
    changed_at: Option<Instant>,
    if_position: Option<Position>,
}

fn target(members: &Members<'_>, problems: &mut Problems) -> Target {
    let id = text("id", members.id, problems);
    let key = text("key", members.key, problems);
    if key
        .as_ref()
        .is_some_and(|key| key.trim().is_empty() || key.chars().count() > LONGEST_KEY)
    {
        problems.add(
            "key",
            RefusalCode::WrongType,
            format!("must be a text of 1 to {LONGEST_KEY} characters; leave it out for none"),
        );
    }
    let mut read = |name, wanted, found: Option<&str>, number: &dyn Fn(&str) -> Option<i64>| {
        let found = found?;
        let read = number(found);
        if read.is_none() {
            problems.add(
                name,
                RefusalCode::WrongType,
                format!("{:?} {wanted}", shown(found)),
            );
        }
        read
    };
    let whole = |text: &str| text.parse().ok().filter(|number: &i64| *number >= 0);
    let id = read(
        "id",
        "is no record's id; send one as it was given",
        id.as_deref(),
        &whole,
    );
    let if_position = read(
        "ifPosition",
        "is no position; send the number that the record showed",
        members.if_position.map(JsonText::as_str),
        &whole,
    );
    let changed_at = text("changedAt", members.changed_at, problems).and_then(|text| {
        let moment = literal::date_time(&text);
        if moment.is_none() {
            problems.add(
                "changedAt",
                RefusalCode::WrongType,
                format!("{:?} is no moment; write 2026-11-22T06:04:37.000Z", shown(&text)),
            );
        }
        moment
    });
    Target {
        id: id.map(RecordId),
        key,
        changed_at,
        if_position: if_position.map(Position),
    }
}

fn finish(
    target: Target,
    address: Address,
    happened: PostedEvent,
    Problems(problems): Problems,
) -> (Option<String>, Row<PartnerPost>) {
    let key = target.key.clone();
    if !problems.is_empty() {
        let key = key.map(|key| key.chars().take(LONGEST_KEY).collect());
        return (key, Err(problems));
    }
    let post = PartnerPost {
        address,
        key: target.key,
        if_position: target.if_position,
        changed_at: target.changed_at,
        happened,
    };
    (key, Ok(post))
}

fn values(fields: JsonText<'_>, plan: &MappingPlan, problems: &mut Problems) -> Map<String, Value> {
    let mut read = Map::new();
    let Some(members) = fields.members() else {
        problems.add(
            "fields",
            RefusalCode::WrongType,
            "must be an object with the values by field name",
        );
        return read;
    };
    for (name, value) in members {
        if problems.are_enough() {
            break;
        }
        let path = format!("fields.{}", shown(&name));
        let Some(field) = plan.fields.iter().find(|field| field.partner == name) else {
            let names = plan.fields.iter().map(|field| field.partner.as_str());
            let meant = suggestion(&shown(&name), names);
            problems.add(
                &path,
                RefusalCode::UnknownField,
                format!("is no field of this object.{meant} GET /v1/mappings lists them all."),
            );
            continue;
        };
        match value_of(field, value) {
            Ok(value) => drop(read.insert(name.into_owned(), value)),
            Err(message) => problems.add(&path, RefusalCode::WrongType, message),
        }
    }
    read
}

/// Builds a value, but none of a form that the field cannot hold.
fn value_of(field: &FieldPlan, value: JsonText<'_>) -> Result<Value, String> {
    let pieces: Vec<JsonText<'_>> = match (value.kind(), field.partner_type) {
        (Kind::Object, PartnerType::Reference) => {
            let members: Vec<_> = value.members().into_iter().flatten().take(2).collect();
            if members.len() != 1 {
                return Err(r#"must be {"id": "17"}, {"salesforceId": "001…"} or null"#.to_owned());
            }
            members.into_iter().map(|(_, value)| value).collect()
        }
        (Kind::List, PartnerType::MultiChoice) => {
            let options: Vec<_> = value
                .items()
                .into_iter()
                .flatten()
                .take(MOST_OPTIONS + 1)
                .collect();
            if options.len() > MOST_OPTIONS {
                return Err(format!("holds more than {MOST_OPTIONS} options"));
            }
            options
        }
        (Kind::Object, _) => return Err("holds an object; see the field's type in /v1/mappings".to_owned()),
        (Kind::List, _) => return Err("holds a list; see the field's type in /v1/mappings".to_owned()),
        _ => vec![value],
    };
    for piece in pieces {
        match piece.kind() {
            Kind::List | Kind::Object => {
                return Err("holds a list or an object in another; send texts there".to_owned());
            }
            Kind::Text => check_characters(piece)?,
            Kind::Null | Kind::Boolean | Kind::Number => {}
        }
    }
    serde_json::from_str(value.as_str()).map_err(|_malformed| "cannot be read as JSON".to_owned())
}

fn check_characters(text: JsonText<'_>) -> Result<(), String> {
    match text.text() {
        Some(text) if text.contains('\0') => {
            Err("holds the character U+0000, which no text of Salesforce has; leave it out".to_owned())
        }
        Some(_) => Ok(()),
        None => Err("holds half of a character (a lone surrogate); leave it out".to_owned()),
    }
}

fn text(name: &str, value: Option<JsonText<'_>>, problems: &mut Problems) -> Option<String> {
    let value = value?;
    if value.kind() != Kind::Text {
        problems.add(name, RefusalCode::WrongType, "must be a text");
        return None;
    }
    match check_characters(value) {
        Ok(()) => value.text().map(Into::into),
        Err(message) => {
            problems.add(name, RefusalCode::WrongType, message);
            None
        }
    }
}

fn shown(text: &str) -> String {
    text.chars().take(SHOWN).collect()
}
