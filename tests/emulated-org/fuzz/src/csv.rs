//! Tables of Bulk API 2.0 ingest jobs: whatever the bytes, the job ends, and each row is in one of the results.

use actix_web::http::Method;
use serde_json::{Value as Json, json};

use crate::service::{Asked, with_organisation};

/// What tables are made of.
pub const VOCABULARY: &[&str] = &[
    "Id",
    "LastName",
    "FirstName",
    "Email",
    "AccountId",
    "Account.Name",
    "Owner.Username",
    "User:Owner.Username",
    "Birthdate",
    "DoNotCall",
    "Phone",
    "MailingStreet",
    "Salutation",
    "LeadSource",
    "Name",
    "CloseDate",
    "StageName",
    "Amount",
    "#N/A",
    "true",
    "false",
    "1",
    "-0.5",
    "1e400",
    "2026-11-22",
    "2026-11-22T06:00:00Z",
    "0000-00-00",
    "Berg",
    "nina@example.com",
    "not an address",
    "003000000000001AAA",
    "\"",
    "\"\"",
    "\"a\nb\"",
    "\"a,b\"",
    "\"a\"\"b\"",
    ",",
    "\t",
    "|",
    ";",
    "^",
    "`",
    "\n",
    "\r\n",
    "\r",
    "\u{feff}",
    "\u{0}",
    "ä",
    "😀",
];

const OBJECTS: [&str; 4] = ["Contact", "Account", "Lead", "Opportunity"];
const OPERATIONS: [&str; 5] = ["insert", "update", "upsert", "delete", "hardDelete"];
const DELIMITERS: [&str; 6] = ["COMMA", "TAB", "PIPE", "SEMICOLON", "CARET", "BACKQUOTE"];

/// Plays an input: a line such as `Contact insert COMMA LF`, by which the job is made, and the table.
pub fn check(input: &[u8]) {
    let Some(end) = input.iter().position(|byte| *byte == b'\n') else {
        return;
    };
    let (order, table) = input.split_at(end);
    let table = table.get(1..).unwrap_or_default();
    let Some(order) = std::str::from_utf8(order).ok().and_then(read_order) else {
        return;
    };
    with_organisation(furnish, |asked| {
        let answer = asked.ask(Method::POST, "/jobs/ingest", JSON, order.to_string().into());
        let made: Json = serde_json::from_slice(&answer.body).unwrap_or_default();
        let Some(id) = made.get("id").and_then(Json::as_str) else {
            return;
        };
        let job = format!("/jobs/ingest/{id}");
        let uploaded = asked.ask(Method::PUT, &format!("{job}/batches"), "text/csv", table.to_vec());
        if uploaded.status != 201 {
            return;
        }
        let complete = json!({ "state": "UploadComplete" });
        asked.ask(Method::PATCH, &job, JSON, complete.to_string().into());
        asked.org.clock.advance(std::time::Duration::from_secs(60));
        let shown = asked.ask(Method::GET, &job, JSON, Vec::new());
        let shown: Json = serde_json::from_slice(&shown.body).unwrap_or_default();
        let state = shown.get("state").and_then(Json::as_str).unwrap_or_default();
        assert!(matches!(state, "JobComplete" | "Failed"), "the job is {state}");
        for results in ["successfulResults", "failedResults", "unprocessedrecords"] {
            let read = asked.ask(Method::GET, &format!("{job}/{results}"), JSON, Vec::new());
            assert_eq!(read.status, 200, "{results}");
        }
    });
}

const JSON: &str = "application/json";

fn furnish(asked: &Asked) {
    asked.org.ingest.permit_hard_delete(true);
}

/// The order of a job; a line with other words is no input.
fn read_order(line: &str) -> Option<Json> {
    let mut words = line.split(' ');
    let object = words.next()?;
    let operation = words.next()?;
    let delimiter = words.next()?;
    let line_ending = words.next()?;
    if words.next().is_some() {
        return None;
    }
    let is_known =
        OBJECTS.contains(&object) && OPERATIONS.contains(&operation) && DELIMITERS.contains(&delimiter);
    if !is_known || !matches!(line_ending, "LF" | "CRLF") {
        return None;
    }
    let mut order = json!({
        "object": object,
        "operation": operation,
        "columnDelimiter": delimiter,
        "lineEnding": line_ending,
    });
    if operation == "upsert"
        && let Some(order) = order.as_object_mut()
    {
        order.insert("externalIdFieldName".to_owned(), json!("Id"));
    }
    Some(order)
}
