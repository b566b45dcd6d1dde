//! Rows of a push, read one by one so that a wrong one is refused alone.

use std::borrow::Cow;
use std::collections::BTreeMap;

use causeway_core::Instant;
use causeway_core::decide::MergedInto;
use causeway_core::id::SalesforceId;
use causeway_core::mapping::literal;
use causeway_core::ports::inbox::{ChangeKind, ReceivedChange};
use causeway_core::version::SalesforceVersion;
use chrono::{SecondsFormat, TimeDelta};

use crate::json::{JsonText, Kind};

/// How far the org's clock may go ahead of the gateway's. A version further ahead would outdate all true news of its
/// record until then.
const AHEAD: TimeDelta = TimeDelta::minutes(5);

/// Characters of a wrong value that are shown.
const SHOWN: usize = 60;

/// Fields that one row may name as changed: more than a record has.
const MOST_CHANGED: usize = 1_000;

/// Why a row is refused.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Refusal {
    /// The Salesforce id as posted, cut to the length of one; empty where the row has none.
    pub id: String,
    /// What is wrong, naming the field and the way out.
    pub problem: String,
}

/// A row as the package posts it.
#[derive(Debug, Default)]
struct PostedChange<'a> {
    object: Option<JsonText<'a>>,
    operation: Option<JsonText<'a>>,
    id: Option<JsonText<'a>>,
    system_modstamp: Option<JsonText<'a>>,
    observed_at: Option<JsonText<'a>>,
    changed_fields: Option<JsonText<'a>>,
    master_record_id: Option<JsonText<'a>>,
    fields: Option<JsonText<'a>>,
}

/// Reads a row of one of these sObjects, posted by this client.
///
/// # Errors
/// [`Refusal`]; the rest of the batch goes on.
pub(super) fn parse(
    row: &str,
    objects: &[&str],
    client: &str,
    now: Instant,
) -> Result<ReceivedChange, Refusal> {
    let members = JsonText::parse(row).ok().and_then(JsonText::members);
    let members = members.ok_or_else(|| Refusal {
        id: String::new(),
        problem: "this change is no JSON object; send one of the documented form".to_owned(),
    })?;
    let mut posted = PostedChange::default();
    for (name, value) in members {
        match name.as_ref() {
            "object" => posted.object = Some(value),
            "operation" => posted.operation = Some(value),
            "id" => posted.id = Some(value),
            "systemModstamp" => posted.system_modstamp = Some(value),
            "observedAt" => posted.observed_at = Some(value),
            "changedFields" => posted.changed_fields = Some(value),
            "masterRecordId" => posted.master_record_id = Some(value),
            "fields" => posted.fields = Some(value),
            _ => {}
        }
    }
    parse_change(&posted, objects, client, now).map_err(|problem| {
        let id = posted.id.and_then(JsonText::text).unwrap_or_default();
        Refusal {
            id: id.chars().take(18).collect(),
            problem,
        }
    })
}

fn parse_change(
    posted: &PostedChange<'_>,
    objects: &[&str],
    client: &str,
    now: Instant,
) -> Result<ReceivedChange, String> {
    let object = required("object", posted.object)?;
    let object = objects
        .iter()
        .find(|mapped| mapped.eq_ignore_ascii_case(&object))
        .ok_or_else(|| {
            format!(
                "object: {:?} is not mapped; add an object mapping for it, or take its trigger out",
                shown(&object)
            )
        })?;
    let salesforce_id =
        SalesforceId::parse(&required("id", posted.id)?).map_err(|error| format!("id: {error}"))?;
    let operation = required("operation", posted.operation)?;
    let kind = match operation.as_ref() {
        "create" | "update" | "undelete" => ChangeKind::Upsert,
        "delete" => ChangeKind::Delete,
        other => {
            return Err(format!(
                "operation: {:?} is none of create, update, undelete, delete",
                shown(other)
            ));
        }
    };
    let version = SalesforceVersion {
        modstamp: stamp("systemModstamp", posted.system_modstamp)?,
        observed: stamp("observedAt", posted.observed_at)?,
    };
    check_version(version, now)?;
    let fields = match (kind, given(posted.fields)) {
        (_, Some(fields)) => {
            check_fields(fields)?;
            fields.as_str().to_owned()
        }
        (ChangeKind::Delete, None) => "{}".to_owned(),
        (ChangeKind::Upsert, None) => {
            return Err("fields: missing; send the record's captured fields as they are now".to_owned());
        }
    };
    Ok(ReceivedChange {
        object: (*object).to_owned(),
        salesforce_id,
        kind,
        version,
        fields,
        changed: changed_fields(posted.changed_fields, version)?,
        merged: merged(posted.master_record_id, kind, salesforce_id)?,
        source: client.to_owned(),
    })
}

/// Refuses moments that cannot be: taken as they are, they would make the record deaf to all later news.
fn check_version(version: SalesforceVersion, now: Instant) -> Result<(), String> {
    let written = |moment: Instant| moment.to_rfc3339_opts(SecondsFormat::Millis, true);
    if version.modstamp > version.observed {
        return Err(format!(
            "systemModstamp: {} is later than observedAt, {}; send the stamp that the record had when it was read",
            written(version.modstamp),
            written(version.observed)
        ));
    }
    if version.observed > now + AHEAD {
        return Err(format!(
            "observedAt: {} lies more than {} minutes ahead of the gateway's clock, which shows {}; send the moment \
             at which the record was read, or have the gateway's clock set right",
            written(version.observed),
            AHEAD.num_minutes(),
            written(now)
        ));
    }
    Ok(())
}

/// When each field that the package names was edited. A name without a moment was edited in the save that gave the
/// record its stamp.
fn changed_fields(
    value: Option<JsonText<'_>>,
    version: SalesforceVersion,
) -> Result<BTreeMap<String, Instant>, String> {
    let wrong =
        || "changedFields: must be a list of field names, or an object of moments by field name".to_owned();
    let Some(value) = given(value) else {
        return Ok(BTreeMap::new());
    };
    let mut changed = BTreeMap::new();
    let mut note = |name: &str, at: Instant| {
        if !is_api_name(name) {
            return Err(format!("changedFields: {}", no_api_name(name)));
        }
        changed.insert(name.to_owned(), at);
        if changed.len() > MOST_CHANGED {
            return Err(format!(
                "changedFields: more than {MOST_CHANGED} fields; name each field that changed once"
            ));
        }
        Ok(())
    };
    if let Some(names) = value.items() {
        for name in names {
            note(&name.text().ok_or_else(wrong)?, version.modstamp)?;
        }
    } else {
        for (name, moment) in value.members().ok_or_else(wrong)? {
            let at = stamp(&format!("changedFields.{}", shown(&name)), Some(moment))?;
            // A moment ahead of its reading would win over every true edit until then.
            note(&name, at.min(version.observed))?;
        }
    }
    Ok(changed)
}

/// Whether a deleted record was merged into another: absent says nothing, null says that it was not.
fn merged(
    value: Option<JsonText<'_>>,
    kind: ChangeKind,
    salesforce_id: SalesforceId,
) -> Result<MergedInto, String> {
    let told = match value {
        None => return Ok(MergedInto::Unknown),
        Some(value) if value.kind() == Kind::Null => MergedInto::Nothing,
        Some(value) => {
            let text = required("masterRecordId", Some(value))?;
            let master = SalesforceId::parse(&text).map_err(|error| format!("masterRecordId: {error}"))?;
            if master == salesforce_id {
                return Err(
                    "masterRecordId: names the deleted record itself; send the record it was merged \
                            into, or null"
                        .to_owned(),
                );
            }
            MergedInto::Record(master)
        }
    };
    match (kind, told) {
        (ChangeKind::Delete, told) => Ok(told),
        (ChangeKind::Upsert, MergedInto::Record(_)) => Err(
            "masterRecordId: only a delete carries one; leave it out, or send the operation delete"
                .to_owned(),
        ),
        (ChangeKind::Upsert, _) => Ok(MergedInto::Unknown),
    }
}

/// Every value must be one that a field of a record can have, so that what the worker finds later makes sense.
fn check_fields(fields: JsonText<'_>) -> Result<(), String> {
    let members = fields
        .members()
        .ok_or("fields: must be an object with the field values")?;
    for (name, value) in members {
        if !is_api_name(&name) {
            return Err(format!("fields: {}", no_api_name(&name)));
        }
        let wrong = match value.kind() {
            Kind::Null | Kind::Boolean | Kind::Number => continue,
            Kind::List | Kind::Object => {
                "holds a list or an object; send a text, a number, true, false or null"
            }
            Kind::Text => match value.text() {
                Some(text) if text.contains('\0') => {
                    "holds the character U+0000, which no text of Salesforce has; leave it out"
                }
                Some(_) => continue,
                None => "holds half of a character (a lone surrogate); leave it out",
            },
        };
        return Err(format!("fields.{}: {wrong}", shown(&name)));
    }
    Ok(())
}

fn is_api_name(name: &str) -> bool {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'.';
    !name.is_empty() && name.bytes().all(fits)
}

fn no_api_name(name: &str) -> String {
    format!(
        "{:?} is no field's API name, which has letters, digits and `_`",
        shown(name)
    )
}

/// A member that is there. Null counts as not given.
fn given(value: Option<JsonText<'_>>) -> Option<JsonText<'_>> {
    value.filter(|value| value.kind() != Kind::Null)
}

fn required<'a>(name: &str, value: Option<JsonText<'a>>) -> Result<Cow<'a, str>, String> {
    let value = given(value).ok_or_else(|| format!("{name}: missing"))?;
    match value.text() {
        Some(text) if text.is_empty() => Err(format!("{name}: missing")),
        Some(text) => Ok(text),
        None => Err(format!("{name}: must be a text")),
    }
}

fn stamp(name: &str, value: Option<JsonText<'_>>) -> Result<Instant, String> {
    let text = required(name, value)?;
    literal::date_time(&text).ok_or_else(|| {
        format!(
            "{name}: {:?} is no moment; write 2026-11-22T06:04:37.000Z",
            shown(&text)
        )
    })
}

fn shown(text: &str) -> String {
    text.chars().take(SHOWN).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROW: &str = r#"{"object":"contact","operation":"update","id":"003ZM000001n4n5","systemModstamp":"2026-11-22T06:04:37.000+0000","observedAt":"2026-11-22T06:04:38.500Z","changedFields":["Email"],"fields":{"LastName":"Ng","Amount__c":1100.040}}"#;

    fn now() -> Instant {
        literal::date_time("2026-11-22T06:05:00.000Z").unwrap()
    }

    fn parse_text(text: &str) -> Result<ReceivedChange, Refusal> {
        parse(text, &["Account", "Contact"], "pump", now())
    }

    #[test]
    fn a_row_keeps_its_fields_letter_for_letter() {
        let change = parse_text(ROW).unwrap();
        assert_eq!(change.object, "Contact");
        assert_eq!(change.kind, ChangeKind::Upsert);
        assert_eq!(change.fields, r#"{"LastName":"Ng","Amount__c":1100.040}"#);
        assert_eq!(
            change.version.observed - change.version.modstamp,
            chrono::TimeDelta::milliseconds(1_500)
        );
    }

    #[test]
    fn every_bad_row_is_refused_by_the_name_of_its_field() {
        for (from, to, field) in [
            ("\"contact\"", "\"Lead\"", "object"),
            ("\"contact\"", "\"\"", "object"),
            ("\"update\"", "\"upsert\"", "operation"),
            ("003ZM000001n4n5", "003ZM000001n4", "id"),
            ("003ZM000001n4n5", "003zm000001n4n5YAA", "id"),
            ("2026-11-22T06:04:37.000+0000", "yesterday", "systemModstamp"),
            ("2026-11-22T06:04:38.500Z", "2026-11-22", "observedAt"),
            ("\"003ZM000001n4n5\"", "7", "id"),
            (
                "2026-11-22T06:04:37.000+0000",
                "2026-11-22T06:04:39.000+0000",
                "systemModstamp",
            ),
            (
                "2026-11-22T06:04:38.500Z",
                "2026-11-22T06:10:00.001Z",
                "observedAt",
            ),
            ("\"Ng\"", "\"N\\u0000g\"", "fields.LastName"),
            ("\"Ng\"", "\"\\ud800\"", "fields.LastName"),
            ("\"Ng\"", "[\"Ng\"]", "fields.LastName"),
            (
                "1100.040",
                "{\"$serde_json::private::Number\":\"1\"}",
                "fields.Amount__c",
            ),
            ("LastName", "$serde_json::private::RawValue", "fields"),
            ("LastName", "Last\\u0000Name", "fields"),
            ("[\"Email\"]", "7", "changedFields"),
            ("[\"Email\"]", "[7]", "changedFields"),
            ("[\"Email\"]", "[\"E-mail\"]", "changedFields"),
            ("[\"Email\"]", "{\"Email\":\"lately\"}", "changedFields.Email"),
            ("[\"Email\"]", "{\"Email\":null}", "changedFields.Email"),
            (
                "\"changedFields\"",
                "\"masterRecordId\":\"003ZM000001n4n6\",\"changedFields\"",
                "masterRecordId",
            ),
            ("{\"LastName\":\"Ng\",\"Amount__c\":1100.040}", "[1]", "fields"),
            (
                ",\"fields\":{\"LastName\":\"Ng\",\"Amount__c\":1100.040}",
                "",
                "fields",
            ),
        ] {
            let text = ROW.replace(from, to);
            assert_ne!(text, ROW, "{from} is not in the row");
            let refusal = parse_text(&text).unwrap_err();
            assert!(
                refusal.problem.starts_with(&format!("{field}: ")),
                "{field}: {}",
                refusal.problem
            );
        }
    }

    #[test]
    fn an_org_clock_may_be_a_little_ahead() {
        let text = ROW.replace("2026-11-22T06:04:38.500Z", "2026-11-22T06:10:00.000Z");
        assert!(parse_text(&text).is_ok());
    }

    #[test]
    fn rows_of_another_shape_are_refused() {
        for text in ["7", "[]", "", "{", r#"{"id":7}"#, "\"003ZM000001n4n5\""] {
            assert!(parse_text(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_delete_needs_no_fields() {
        let text = ROW
            .replace("\"update\"", "\"delete\"")
            .replace(",\"fields\":{\"LastName\":\"Ng\",\"Amount__c\":1100.040}", "");
        let change = parse_text(&text).unwrap();
        assert_eq!((change.kind, change.fields.as_str()), (ChangeKind::Delete, "{}"));
    }

    #[test]
    fn changed_fields_carry_their_own_moment_or_the_stamp_of_the_record() {
        let moment = |text: &str| literal::date_time(text).unwrap();
        let stamp = moment("2026-11-22T06:04:37.000Z");
        let changed = parse_text(ROW).unwrap().changed;
        assert_eq!(changed, BTreeMap::from([("Email".to_owned(), stamp)]));
        let timed = ROW.replace(
            r#"["Email"]"#,
            r#"{"Email":"2026-11-22T06:04:30.000Z","Phone":"2026-11-22T06:04:59.000Z"}"#,
        );
        let observed = moment("2026-11-22T06:04:38.500Z");
        assert_eq!(
            parse_text(&timed).unwrap().changed,
            BTreeMap::from([
                ("Email".to_owned(), moment("2026-11-22T06:04:30.000Z")),
                ("Phone".to_owned(), observed),
            ])
        );
        for nothing in ["[]", "{}", "null"] {
            let text = ROW.replace(r#"["Email"]"#, nothing);
            assert_eq!(parse_text(&text).unwrap().changed, BTreeMap::new(), "{nothing}");
        }
    }

    #[test]
    fn a_row_names_so_many_changed_fields_and_no_more() {
        let names = |count: usize| {
            let names: Vec<String> = (0..count).map(|number| format!("\"F{number}__c\"")).collect();
            ROW.replace(r#"["Email"]"#, &format!("[{}]", names.join(",")))
        };
        assert_eq!(
            parse_text(&names(MOST_CHANGED)).unwrap().changed.len(),
            MOST_CHANGED
        );
        let refusal = parse_text(&names(MOST_CHANGED + 1)).unwrap_err();
        assert!(
            refusal.problem.starts_with("changedFields: "),
            "{}",
            refusal.problem
        );
    }

    #[test]
    fn a_delete_tells_whether_it_was_a_merge() {
        let delete = |member: &str| {
            let text = ROW.replace("\"update\"", "\"delete\"");
            parse_text(&text.replacen('{', &format!("{{{member}"), 1)).map(|change| change.merged)
        };
        let master = SalesforceId::parse("003ZM000001n4n6").unwrap();
        assert_eq!(delete(""), Ok(MergedInto::Unknown));
        assert_eq!(delete(r#""masterRecordId":null,"#), Ok(MergedInto::Nothing));
        assert_eq!(
            delete(r#""masterRecordId":"003ZM000001n4n6","#),
            Ok(MergedInto::Record(master))
        );
        for wrong in ["\"\"", "7", "\"003\"", "\"003ZM000001n4n5\""] {
            let refusal = delete(&format!("\"masterRecordId\":{wrong},")).unwrap_err();
            assert!(
                refusal.problem.starts_with("masterRecordId: "),
                "{}",
                refusal.problem
            );
        }
    }
}
