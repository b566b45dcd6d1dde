//! Semi-joins and anti-joins, and what they are not allowed.
#![cfg(test)]

use emulated_org::Value;

use super::{names, query, refusal, seed_accounts, start};

#[tokio::test]
async fn rows_are_found_by_the_references_of_other_rows() {
    let client = start().await;
    let accounts = seed_accounts(&client, ["Both", "Contacts", "Deals", "None"].map(str::to_owned));
    let contacts = [accounts[0], accounts[1]].map(|account| {
        vec![
            ("LastName", Value::text("Ann")),
            ("AccountId", Value::Id(account)),
        ]
    });
    client.org.seed("Contact", contacts).unwrap();
    client
        .org
        .seed("Contact", [vec![("LastName", Value::text("Alone"))]])
        .unwrap();
    let deals = [accounts[0], accounts[2]].map(|account| {
        vec![
            ("Name", Value::text("Deal")),
            ("AccountId", Value::Id(account)),
            ("StageName", Value::text("Prospecting")),
            ("CloseDate", Value::Date("2026-03-01".parse().unwrap())),
        ]
    });
    client.org.seed("Opportunity", deals).unwrap();
    let with_contact = "Id IN (SELECT AccountId FROM Contact WHERE LastName = 'ann')";
    let without_deal = "Id NOT IN (SELECT AccountId FROM Opportunity)";
    for (filter, expected) in [
        (with_contact.to_owned(), &["Both", "Contacts"][..]),
        (without_deal.to_owned(), &["Contacts", "None"]),
        (format!("{with_contact} AND {without_deal}"), &["Contacts"]),
        (format!("({with_contact}) AND Name LIKE 'b%'"), &["Both"]),
    ] {
        let answer = query(
            &client,
            &format!("SELECT Name FROM Account WHERE {filter} ORDER BY Name"),
        )
        .await;
        assert_eq!(names(&answer), expected, "{filter}");
    }
    let soql = "SELECT Name FROM Opportunity WHERE AccountId IN (SELECT AccountId FROM Contact)";
    assert_eq!(names(&query(&client, soql).await).len(), 1);
    let soql = "SELECT Name FROM Contact WHERE AccountId IN (SELECT Id FROM Account WHERE Name = 'Contacts')";
    assert_eq!(query(&client, soql).await["totalSize"], 1);
}

#[tokio::test]
async fn joins_keep_to_their_places_and_types() {
    let client = start().await;
    let join = "Id IN (SELECT AccountId FROM Contact)";
    for (filter, reason) in [
        (
            format!("{join} OR Name = 'x'"),
            "Semi join sub-selects are not allowed with the 'OR' operator",
        ),
        (
            format!("Name = 'x' AND ({join} OR Name = 'y')"),
            "Semi join sub-selects are only allowed at the top level WHERE expressions and not in nested WHERE \
             expressions.",
        ),
        (
            format!("NOT {join}"),
            "Semi join sub-selects are only allowed at the top level WHERE expressions and not in nested WHERE \
             expressions.",
        ),
        (
            format!("{join} AND {join} AND {join}"),
            "Maximum 2 semi join sub-selects are allowed",
        ),
        (
            "Id IN (SELECT AccountId FROM Contact WHERE Id IN (SELECT ContactId FROM Opportunity))"
                .to_owned(),
            "Nesting of semi join sub-selects is not supported",
        ),
        (
            "ParentId IN (SELECT Id FROM Account)".to_owned(),
            "The inner and outer selects should not be on the same object type",
        ),
        (
            "Id IN (SELECT AccountId FROM Contact LIMIT 1)".to_owned(),
            "missing value at 'LIMIT'",
        ),
        (
            "Id IN (SELECT AccountId, Id FROM Contact)".to_owned(),
            "Semi join sub-selects can only query one id field",
        ),
        (
            "Id IN (SELECT LastName FROM Contact)".to_owned(),
            "Semi join sub-selects can only query id fields, cannot use: 'LastName'",
        ),
        (
            "Id IN (SELECT Account.Owner.Id FROM Contact)".to_owned(),
            "inner select field cannot have more than one level of relationships",
        ),
        (
            "Name IN (SELECT AccountId FROM Contact)".to_owned(),
            "The left operand field in the where expression for outer query should be an id field, cannot use: 'Name'",
        ),
        (
            "Id IN (SELECT OwnerId FROM Contact)".to_owned(),
            "The selected field 'OwnerId' in the subquery and the left operand field in the where expression in the \
             outer query 'Id' should point to the same object type",
        ),
        (
            "Id IN (SELECT WhatId FROM Task)".to_owned(),
            "Entity 'Task' is not supported for semi join inner selects",
        ),
    ] {
        let (code, message) = refusal(&client, &format!("SELECT Id FROM Account WHERE {filter}")).await;
        assert_eq!(code, "MALFORMED_QUERY", "{filter}");
        assert!(message.ends_with(reason), "{filter}: {message}");
    }
}
