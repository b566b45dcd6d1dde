//! JSON bodies: whatever the bytes, and wherever they are sent, the answer is Salesforce's or a refusal.

use actix_web::http::Method;

use crate::service::with_organisation;

/// What bodies are made of, and the requests that bring them.
pub const VOCABULARY: &[&str] = &[
    "{",
    "}",
    "[",
    "]",
    ":",
    ",",
    "null",
    "true",
    "false",
    "0",
    "-1",
    "1.5",
    "1e400",
    "0.1e-400",
    "123456789012345678901234567890",
    "\"\"",
    "\"a\"",
    "\"\\u0000\"",
    "\"\\ud800\"",
    "\"2026-11-22\"",
    "\"2026-11-22T06:00:00.000+0000\"",
    "\"attributes\"",
    "\"type\"",
    "\"url\"",
    "\"referenceId\"",
    "\"records\"",
    "\"allOrNone\"",
    "\"collateSubrequests\"",
    "\"compositeRequest\"",
    "\"method\"",
    "\"body\"",
    "\"httpHeaders\"",
    "\"batchRequests\"",
    "\"richInput\"",
    "\"haltOnError\"",
    "\"ids\"",
    "\"fields\"",
    "\"Id\"",
    "\"Name\"",
    "\"LastName\"",
    "\"AccountId\"",
    "\"Account\"",
    "\"Contacts\"",
    "\"Contact\"",
    "\"Owner\"",
    "\"GET\"",
    "\"POST\"",
    "\"PATCH\"",
    "\"DELETE\"",
    "\"/services/data/v68.0/sobjects/Account\"",
    "\"@{a.id}\"",
    "\"@{a.records[0].Id}\"",
    "\"operation\"",
    "\"object\"",
    "\"query\"",
    "\"insert\"",
    "\"state\"",
    "\"UploadComplete\"",
    "\"SELECT Id FROM Contact\"",
    "\"001000000000001AAA\"",
    "\"Birthdate\"",
    "\"Amount\"",
    "\"Email\"",
    "\"MailingAddress\"",
    "\"IsDeleted\"",
    "POST /sobjects/Account\n",
    "POST /sobjects/Contact\n",
    "PATCH /sobjects/Contact/Id/\n",
    "POST /composite\n",
    "POST /composite/batch\n",
    "POST /composite/tree/Account\n",
    "POST /composite/sobjects\n",
    "PATCH /composite/sobjects\n",
    "POST /composite/sobjects/Account\n",
    "POST /jobs/ingest\n",
    "POST /jobs/query\n",
];

/// Plays an input: a line such as `POST /sobjects/Contact`, and the body.
pub fn check(input: &[u8]) {
    let Some(end) = input.iter().position(|byte| *byte == b'\n') else {
        return;
    };
    let (line, body) = input.split_at(end);
    let body = body.get(1..).unwrap_or_default();
    let Some((method, path)) = std::str::from_utf8(line)
        .ok()
        .and_then(|line| line.split_once(' '))
    else {
        return;
    };
    let method = match method {
        "POST" => Method::POST,
        "PATCH" => Method::PATCH,
        "PUT" => Method::PUT,
        _ => return,
    };
    let is_path = path.starts_with('/') && path.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'#');
    if !is_path || path.parse::<actix_web::http::Uri>().is_err() {
        return;
    }
    with_organisation(
        |_| {},
        |asked| {
            asked.ask(method, path, "application/json", body.to_vec());
        },
    );
}
