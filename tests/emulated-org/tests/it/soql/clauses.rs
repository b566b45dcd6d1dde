//! Aliases, labels, scopes, purposes and the limits of a query.
#![cfg(test)]

use emulated_org::Value;
use serde_json::json;

use super::{names, query, refusal, seed_accounts, start};
use crate::client::V;

#[tokio::test]
async fn parents_may_be_named_in_from() {
    let client = start().await;
    let account = seed_accounts(&client, ["Acme".to_owned()])[0];
    let contact = vec![
        ("LastName", Value::text("Ann")),
        ("AccountId", Value::Id(account)),
    ];
    client.org.seed("Contact", [contact]).unwrap();
    let soql =
        "SELECT c.LastName, a.Name, o.Name FROM Contact c, c.Account a, a.Owner o WHERE a.Name = 'acme'";
    let answer = query(&client, soql).await;
    assert_eq!(answer["totalSize"], 1, "{answer}");
    let record = &answer["records"][0];
    assert_eq!(record["Account"]["Name"], "Acme");
    assert!(record["Account"]["Owner"]["Name"].is_string());
    let (code, _) = refusal(&client, "SELECT Id FROM Contact c, x.Account a").await;
    assert_eq!(code, "INVALID_FIELD");
}

#[tokio::test]
async fn labels_and_formatted_values_are_texts() {
    let client = start().await;
    let row = vec![
        ("Name", Value::text("Acme")),
        ("Industry", Value::text("Energy")),
        ("AnnualRevenue", Value::Number(1_234_567.into())),
        (
            "CreatedDate",
            Value::DateTime("2026-02-17T15:04:00Z".parse().unwrap()),
        ),
    ];
    client.org.seed("Account", [row]).unwrap();
    let soql = "SELECT toLabel(Industry), AnnualRevenue, FORMAT(AnnualRevenue) shown, FORMAT(CreatedDate) FROM Account \
                WHERE toLabel(Industry) = 'energy'";
    let mut record = query(&client, soql).await["records"][0].clone();
    record.as_object_mut().unwrap().shift_remove("attributes");
    assert_eq!(record["Industry"], "Energy");
    assert_eq!(record["CreatedDate"], "2/17/2026, 3:04 PM");
    assert_eq!(record["AnnualRevenue"].to_string(), "1234567.0");
    assert_eq!(record["shown"], "$1,234,567");
    let twice = "SELECT AnnualRevenue, FORMAT(AnnualRevenue) FROM Account";
    assert_eq!(
        refusal(&client, twice).await,
        (
            "INVALID_FIELD".to_owned(),
            "duplicate field selected: AnnualRevenue".to_owned()
        )
    );
}

#[tokio::test]
async fn a_scope_keeps_to_the_users_own_rows() {
    let client = start().await;
    seed_accounts(&client, ["Mine".to_owned(), "Theirs".to_owned()]);
    client.token_of_another_user();
    let other = query(
        &client,
        "SELECT Id FROM User WHERE Username = 'nina@northwind.example'",
    )
    .await;
    let other = other["records"][0]["Id"].as_str().unwrap().to_owned();
    let theirs = query(&client, "SELECT Id FROM Account WHERE Name = 'Theirs'").await;
    let id = theirs["records"][0]["Id"].as_str().unwrap().to_owned();
    let given = client
        .patch(
            &format!("{V}/sobjects/Account/{id}"),
            &json!({ "OwnerId": other }),
        )
        .await;
    assert_eq!(given.status, 204, "{}", given.text);
    let scoped = |scope: &str| format!("SELECT Name FROM Account USING SCOPE {scope} ORDER BY Name");
    assert_eq!(names(&query(&client, &scoped("mine")).await), ["Mine"]);
    assert_eq!(
        names(&query(&client, &scoped("Everything")).await),
        ["Mine", "Theirs"]
    );
    assert_eq!(
        refusal(&client, &scoped("yours")).await.1,
        "unexpected token: 'yours'"
    );
    assert_eq!(
        refusal(&client, &scoped("team")).await.1,
        "the scope team is not supported by the emulated org"
    );
}

#[tokio::test]
async fn purposes_are_taken_where_they_can_be_kept() {
    let client = start().await;
    seed_accounts(&client, ["Acme".to_owned()]);
    for purpose in ["VIEW", "REFERENCE", "UPDATE"] {
        let answer = query(
            &client,
            &format!("SELECT Name FROM Account LIMIT 1 FOR {purpose}"),
        )
        .await;
        assert_eq!(names(&answer), ["Acme"], "{purpose}");
    }
    for (soql, message) in [
        (
            "SELECT Name FROM Account ORDER BY Name FOR UPDATE",
            "FOR UPDATE can not be used with ORDER BY",
        ),
        (
            "SELECT COUNT() FROM Account FOR UPDATE",
            "FOR UPDATE can not be used with an aggregate function",
        ),
        (
            "SELECT Id FROM Account ALL ROWS",
            "ALL ROWS not allowed in this context",
        ),
    ] {
        assert_eq!(
            refusal(&client, soql).await,
            ("MALFORMED_QUERY".to_owned(), message.to_owned()),
            "{soql}"
        );
    }
}

#[tokio::test]
async fn subqueries_and_keys_are_counted() {
    let client = start().await;
    let contacts = vec!["(SELECT Id FROM Contacts)"; 21].join(", ");
    let (code, message) = refusal(&client, &format!("SELECT Id, {contacts} FROM Account")).await;
    assert_eq!(
        (code.as_str(), message.as_str()),
        (
            "MALFORMED_QUERY",
            "SOQL statements cannot have more than 20 sub-selects"
        )
    );
    let keys = vec!["Name"; 33].join(", ");
    let (code, _) = refusal(&client, &format!("SELECT Id FROM Account ORDER BY {keys}")).await;
    assert_eq!(code, "MALFORMED_QUERY");
    let soql = "SELECT Id, (SELECT Id FROM Contacts OFFSET 1) FROM Account";
    assert_eq!(
        refusal(&client, soql).await.1,
        "OFFSET in a sub-select is only allowed if the parent query has LIMIT 1"
    );
    let allowed = format!("{soql} LIMIT 1");
    assert_eq!(query(&client, &allowed).await["totalSize"], 0);
}

#[tokio::test]
async fn what_the_organisation_has_not_is_said_openly() {
    let client = start().await;
    for (soql, what) in [
        ("SELECT TYPEOF Owner WHEN User THEN Id END FROM Lead", "TYPEOF"),
        (
            "SELECT convertCurrency(Amount) FROM Opportunity",
            "the function CONVERTCURRENCY()",
        ),
    ] {
        let expected = format!("{what} is not supported by the emulated org");
        assert_eq!(
            refusal(&client, soql).await,
            ("MALFORMED_QUERY".to_owned(), expected),
            "{soql}"
        );
    }
    let explain = client
        .get(&format!("{V}/query?explain=SELECT+Id+FROM+Account"))
        .await;
    let (status, _, message, _) = explain.error();
    assert_eq!(
        (status, message.as_str()),
        (
            400,
            "the explain parameter of a query is not supported by the emulated org"
        )
    );
}
