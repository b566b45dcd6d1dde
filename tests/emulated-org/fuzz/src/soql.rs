//! Queries: whatever text, the answer is rows or a refusal.

use actix_web::http::Method;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value as Json, json};

use crate::service::{Asked, with_organisation};

/// Words that queries are made of.
pub const VOCABULARY: &[&str] = &[
    "SELECT",
    "FROM",
    "WHERE",
    "AND",
    "OR",
    "NOT",
    "IN",
    "NOT IN",
    "LIKE",
    "INCLUDES",
    "EXCLUDES",
    "ORDER BY",
    "ASC",
    "DESC",
    "NULLS FIRST",
    "NULLS LAST",
    "GROUP BY",
    "HAVING",
    "LIMIT",
    "OFFSET",
    "FOR UPDATE",
    "FOR VIEW",
    "ROLLUP",
    "CUBE",
    "GROUPING",
    "COUNT()",
    "COUNT(Id)",
    "COUNT_DISTINCT(Name)",
    "SUM(Amount)",
    "AVG(Amount)",
    "MIN(CreatedDate)",
    "MAX(Name)",
    "CALENDAR_YEAR(CreatedDate)",
    "HOUR_IN_DAY(convertTimezone(CreatedDate))",
    "FIELDS(ALL)",
    "FIELDS(STANDARD)",
    "FIELDS(CUSTOM)",
    "toLabel(",
    "FORMAT(",
    "convertCurrency(",
    "TYPEOF",
    "WHEN",
    "THEN",
    "ELSE",
    "END",
    "USING SCOPE",
    "ALL ROWS",
    "WITH SECURITY_ENFORCED",
    "Account",
    "Contact",
    "Lead",
    "Opportunity",
    "Task",
    "User",
    "Event",
    "Contacts",
    "Opportunities",
    "Id",
    "Name",
    "FirstName",
    "AccountId",
    "Account.Name",
    "Account.Owner.Name",
    "Account.Parent.Parent.Parent.Parent.Name",
    "Owner.Name",
    "CreatedDate",
    "SystemModstamp",
    "IsDeleted",
    "Amount",
    "CloseDate",
    "StageName",
    "What.Name",
    "Who.Id",
    "MailingAddress",
    "TODAY",
    "YESTERDAY",
    "LAST_N_DAYS:3",
    "NEXT_N_FISCAL_QUARTERS:9",
    "LAST_FISCAL_YEAR",
    "THIS_WEEK",
    "LAST_N_YEARS:2147483647",
    "2026-11-22",
    "2026-11-22T06:00:00Z",
    "2026-11-22T06:00:00.000+14:00",
    "0001-01-01",
    "'a'",
    "'%'",
    "'_'",
    "'\\''",
    "'\\u0041'",
    "'001'",
    "'Berg'",
    "null",
    "true",
    "false",
    "0",
    "-1",
    "1.5",
    "1e9",
    "99999999999999999999",
    "USD10",
    ":x",
    "=",
    "!=",
    "<>",
    "<",
    ">",
    "<=",
    ">=",
    "(",
    ")",
    ",",
    ".",
    "(SELECT Id",
    "FROM Contacts)",
    "(SELECT AccountId FROM Contact)",
    "DISTANCE(",
    "GEOLOCATION(",
];

/// Plays an input: it is a query.
pub fn check(input: &[u8]) {
    let Ok(query) = std::str::from_utf8(input) else {
        return;
    };
    with_organisation(furnish, |asked| {
        let query = utf8_percent_encode(query, NON_ALPHANUMERIC);
        for resource in ["query", "queryAll"] {
            let answer = asked.ask(Method::GET, &format!("/{resource}?q={query}"), "", Vec::new());
            assert!(
                serde_json::from_slice::<Json>(&answer.body).is_ok(),
                "the answer is no JSON"
            );
        }
    });
}

fn furnish(asked: &Asked) {
    let create = |object: &str, fields: Json| {
        let path = format!("/sobjects/{object}");
        let answer = asked.ask(Method::POST, &path, "application/json", fields.to_string().into());
        serde_json::from_slice::<Json>(&answer.body)
            .ok()?
            .get("id")
            .cloned()
    };
    let accounts: Vec<Option<Json>> = ["Acme", "Größe & Söhne", "a%_'\\"]
        .map(|name| create("Account", json!({ "Name": name, "AnnualRevenue": 12.5 })))
        .into();
    for (at, name) in ["Berg", "O'Hara", "Łuczak", "山田"].into_iter().enumerate() {
        let account = accounts.get(at).cloned().flatten();
        create(
            "Contact",
            json!({ "LastName": name, "FirstName": "Nina", "AccountId": account }),
        );
        create("Lead", json!({ "LastName": name, "Company": "Acme" }));
        let deal =
            json!({ "Name": name, "StageName": "Prospecting", "CloseDate": "2027-02-28", "Amount": at });
        create("Opportunity", deal);
        create("Task", json!({ "Subject": name, "WhatId": account }));
    }
    let leaves = create("Contact", json!({ "LastName": "Leaves" }));
    if let Some(id) = leaves.as_ref().and_then(Json::as_str) {
        asked.ask(Method::DELETE, &format!("/sobjects/Contact/{id}"), "", Vec::new());
    }
}
