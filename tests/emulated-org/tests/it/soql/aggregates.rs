//! Groups of rows, and what is made of them.
#![cfg(test)]

use emulated_org::Value;
use serde_json::{Value as Json, json};

use super::{query, refusal, seed_accounts, start};
use crate::client::Client;

fn number(text: &str) -> Value {
    Value::Number(text.parse().unwrap())
}

/// Five opportunities of two accounts, and one of none.
async fn pipeline() -> Client {
    let client = start().await;
    let accounts = seed_accounts(&client, ["Acme".to_owned(), "Beta".to_owned()]);
    let rows = [
        (Some(0), "Prospecting", Some("100.10"), "2026-01-15"),
        (Some(0), "Prospecting", Some("200.20"), "2026-01-20"),
        (Some(0), "Closed Won", None, "2025-12-31"),
        (Some(1), "Prospecting", Some("50"), "2026-03-01"),
        (None, "Closed Won", Some("10"), "2026-03-02"),
    ];
    let rows = rows.map(|(account, stage, amount, close)| {
        vec![
            ("Name", Value::text(format!("{stage} {close}"))),
            (
                "AccountId",
                account.map_or(Value::Null, |at: usize| Value::Id(accounts[at])),
            ),
            ("StageName", Value::text(stage)),
            ("Amount", amount.map_or(Value::Null, number)),
            ("CloseDate", Value::Date(close.parse().unwrap())),
        ]
    });
    client.org.seed("Opportunity", rows).unwrap();
    client
}

/// The records without their attributes.
fn records(answer: &Json) -> Vec<Json> {
    let records = answer["records"].as_array().unwrap_or_else(|| panic!("{answer}"));
    let bare = records.iter().map(|record| {
        assert_eq!(record["attributes"], json!({ "type": "AggregateResult" }));
        let mut record = record.as_object().unwrap().clone();
        record.shift_remove("attributes");
        Json::Object(record)
    });
    bare.collect()
}

#[tokio::test]
async fn functions_of_all_rows_answer_one_record_and_skip_nulls() {
    let client = pipeline().await;
    let soql = "SELECT COUNT(Id), COUNT(Amount) amounts, SUM(Amount), AVG(Amount), MIN(CloseDate), MAX(StageName) highest, \
                COUNT_DISTINCT(StageName) FROM Opportunity";
    let answer = query(&client, soql).await;
    assert_eq!((&answer["totalSize"], &answer["done"]), (&json!(1), &json!(true)));
    let expected: Json = serde_json::from_str(
        r#"{"expr0": 5, "amounts": 4, "expr1": 360.3, "expr2": 90.075, "expr3": "2025-12-31",
            "highest": "Prospecting", "expr4": 2}"#,
    )
    .unwrap();
    assert_eq!(records(&answer), [expected]);
    let none = query(
        &client,
        "SELECT COUNT(Id), SUM(Amount) FROM Opportunity WHERE Name = 'none'",
    )
    .await;
    assert_eq!(records(&none), [json!({ "expr0": 0, "expr1": null })]);
}

#[tokio::test]
async fn results_of_functions_are_formatted() {
    let client = pipeline().await;
    let soql = "SELECT FORMAT(MIN(CloseDate)) first, FORMAT(SUM(Amount)) FROM Opportunity WHERE Amount > 100";
    assert_eq!(refusal(&client, soql).await.1, "unexpected token: 'first'");
    let soql = soql.replace(" first,", " earliest,");
    assert_eq!(
        records(&query(&client, &soql).await),
        [json!({ "earliest": "1/15/2026", "expr0": "$300.30" })]
    );
}

#[tokio::test]
async fn groups_are_filtered_ordered_and_cut() {
    let client = pipeline().await;
    let soql = "SELECT StageName, COUNT(Id) n FROM Opportunity GROUP BY StageName ORDER BY COUNT(Id) DESC";
    assert_eq!(
        records(&query(&client, soql).await),
        [
            json!({ "StageName": "Prospecting", "n": 3 }),
            json!({ "StageName": "Closed Won", "n": 2 }),
        ]
    );
    let soql =
        "SELECT StageName FROM Opportunity GROUP BY StageName HAVING SUM(Amount) > 10 AND COUNT(Id) < 5";
    assert_eq!(
        records(&query(&client, soql).await),
        [json!({ "StageName": "Prospecting" })]
    );
    let soql = "SELECT StageName FROM Opportunity GROUP BY StageName HAVING StageName LIKE 'closed%' LIMIT 1";
    assert_eq!(
        records(&query(&client, soql).await),
        [json!({ "StageName": "Closed Won" })]
    );
    let soql = "SELECT StageName s FROM Opportunity GROUP BY StageName ORDER BY StageName LIMIT 1 OFFSET 1";
    assert_eq!(
        records(&query(&client, soql).await),
        [json!({ "s": "Closed Won" })],
        "stages have an order of their own"
    );
}

#[tokio::test]
async fn a_parents_field_groups_under_its_own_name() {
    let client = pipeline().await;
    let soql = "SELECT Account.Name, COUNT(Id) FROM Opportunity GROUP BY Account.Name ORDER BY Account.Name NULLS LAST";
    assert_eq!(
        records(&query(&client, soql).await),
        [
            json!({ "Name": "Acme", "expr0": 3 }),
            json!({ "Name": "Beta", "expr0": 1 }),
            json!({ "Name": null, "expr0": 1 }),
        ]
    );
}

#[tokio::test]
async fn rollup_and_cube_add_subtotals_that_grouping_tells_from_nulls() {
    let client = pipeline().await;
    let soql = "SELECT Account.Name a, StageName s, GROUPING(Account.Name) ga, GROUPING(StageName) gs, COUNT(Id) n \
                FROM Opportunity GROUP BY ROLLUP(Account.Name, StageName)";
    let rollup = records(&query(&client, soql).await);
    let row = |a: Json, s: Json, ga, gs, n| json!({ "a": a, "s": s, "ga": ga, "gs": gs, "n": n });
    let (acme, beta, none) = (json!("Acme"), json!("Beta"), Json::Null);
    let (open, won) = (json!("Prospecting"), json!("Closed Won"));
    assert_eq!(
        rollup,
        [
            row(acme.clone(), open.clone(), 0, 0, 2),
            row(acme.clone(), won.clone(), 0, 0, 1),
            row(beta.clone(), open.clone(), 0, 0, 1),
            row(none.clone(), won.clone(), 0, 0, 1),
            row(acme, none.clone(), 0, 1, 3),
            row(beta, none.clone(), 0, 1, 1),
            row(none.clone(), none.clone(), 0, 1, 1),
            row(none.clone(), none.clone(), 1, 1, 5),
        ]
    );
    let cube = query(&client, &soql.replace("ROLLUP", "CUBE")).await;
    let cube = records(&cube);
    assert_eq!(cube.len(), 10);
    assert!(cube.contains(&row(none, open, 1, 0, 3)), "{cube:?}");
}

#[tokio::test]
async fn dates_group_by_their_parts() {
    let client = pipeline().await;
    let soql = "SELECT CALENDAR_YEAR(CloseDate), CALENDAR_MONTH(CloseDate) month, COUNT(Id) FROM Opportunity \
                GROUP BY CALENDAR_YEAR(CloseDate), CALENDAR_MONTH(CloseDate) ORDER BY CALENDAR_YEAR(CloseDate) DESC, \
                CALENDAR_MONTH(CloseDate)";
    assert_eq!(
        records(&query(&client, soql).await),
        [
            json!({ "expr0": 2026, "month": 1, "expr1": 2 }),
            json!({ "expr0": 2026, "month": 3, "expr1": 2 }),
            json!({ "expr0": 2025, "month": 12, "expr1": 1 }),
        ]
    );
}

#[tokio::test]
async fn what_is_neither_grouped_nor_aggregated_is_refused() {
    let client = start().await;
    for (soql, message) in [
        (
            "SELECT Name, COUNT(Id) FROM Account",
            "Field must be grouped or aggregated: Name",
        ),
        (
            "SELECT CALENDAR_YEAR(CreatedDate) FROM Account",
            "Field must be grouped or aggregated: CALENDAR_YEAR(CreatedDate)",
        ),
        (
            "SELECT COUNT(Id) FROM Account LIMIT 1",
            "Non-grouped query that uses overall aggregate functions cannot also use LIMIT",
        ),
        (
            "SELECT SUM(Name) FROM Account",
            "field Name does not support aggregate operator SUM",
        ),
        (
            "SELECT MAX(IsDeleted) FROM Account",
            "field IsDeleted does not support aggregate operator MAX",
        ),
        (
            "SELECT Name, Owner.Name FROM Account GROUP BY Name, Owner.Name",
            "duplicate alias: Name",
        ),
        (
            "SELECT COUNT() FROM Account GROUP BY Name",
            "COUNT() can not be used with GROUP BY",
        ),
        (
            "SELECT Name n FROM Account",
            "only aggregate expressions use field aliasing",
        ),
        (
            "SELECT Id, (SELECT COUNT(Id) FROM Contacts) FROM Account",
            "only root queries support aggregate expressions",
        ),
    ] {
        let expected = ("MALFORMED_QUERY".to_owned(), message.to_owned());
        assert_eq!(refusal(&client, soql).await, expected, "{soql}");
    }
    for (soql, end) in [
        (
            "SELECT CreatedDate FROM Account GROUP BY CreatedDate",
            "ERROR at Row:1:Column:42\nfield 'CreatedDate' can not be grouped in a query call",
        ),
        (
            "SELECT COUNT(Id) FROM Account GROUP BY Id",
            "ERROR at Row:1:Column:14\nGrouped field should not be aggregated: Id",
        ),
        (
            "SELECT COUNT(Id) FROM Account GROUP BY Name ORDER BY Industry",
            "ERROR at Row:1:Column:54\nOrdered field must be grouped or aggregated: Industry",
        ),
        (
            "SELECT Id FROM Account WHERE COUNT(Id) > 1",
            "ERROR at Row:1:Column:30\nAggregate function 'COUNT' is not allowed in the WHERE clause",
        ),
    ] {
        let (code, message) = refusal(&client, soql).await;
        assert_eq!(code, "MALFORMED_QUERY", "{soql}");
        assert!(message.ends_with(end), "{soql}: {message}");
    }
}

#[tokio::test]
async fn groups_come_in_one_page_or_not_at_all() {
    let client = start().await;
    seed_accounts(&client, (0..2_001).map(|index| format!("A{index}")));
    let soql = "SELECT Name FROM Account GROUP BY Name";
    assert_eq!(
        refusal(&client, soql).await,
        (
            "EXCEEDED_ID_LIMIT".to_owned(),
            "Aggregate query does not support queryMore(), use LIMIT to restrict the results to a single batch"
                .to_owned()
        )
    );
    let limited = query(&client, &format!("{soql} LIMIT 2000")).await;
    assert_eq!(
        (&limited["totalSize"], &limited["done"]),
        (&json!(2_000), &json!(true))
    );
}
