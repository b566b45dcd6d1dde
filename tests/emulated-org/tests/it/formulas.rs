//! Formula fields and validation rules from metadata, and validation rules by knob.
#![cfg(test)]

use chrono::{DateTime, TimeZone, Utc};
use emulated_org::{Clock, Options};
use reqwest::Method;
use serde_json::{Value as Json, json};

use super::client::{Client, V};

const RULES: &str = "/emulator/rules";

fn options() -> Options {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/sfdx/formulas");
    Options {
        sfdx_source: vec![folder.into()],
        ..Options::default()
    }
}

fn noon() -> DateTime<Utc> {
    Utc.with_ymd_and_hms(2026, 11, 23, 12, 0, 0)
        .single()
        .expect("a moment")
}

async fn query(client: &Client, soql: &str) -> Json {
    let request = client
        .request(Method::GET, &format!("{V}/query"))
        .query(&[("q", soql)]);
    let answer = client.send(request).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    answer.json()
}

#[tokio::test]
async fn a_rule_that_is_true_refuses_the_save_with_its_own_text_and_field() {
    let client = Client::start_with(options()).await;
    let refused = client
        .post(
            &format!("{V}/sobjects/Account"),
            &json!({"Name": "Acme", "Type": "Prospect", "BillingPostalCode": "123"}),
        )
        .await;
    assert_eq!(
        refused.error(),
        (
            400,
            "FIELD_CUSTOM_VALIDATION_EXCEPTION".to_owned(),
            "A prospect needs a postal code of five digits.".to_owned(),
            vec!["BillingPostalCode".to_owned()]
        )
    );
    let account = client
        .create(
            "Account",
            json!({"Name": "Acme", "Type": "Prospect", "BillingPostalCode": "12345"}),
        )
        .await;
    let refused = client
        .patch(
            &format!("{V}/sobjects/Account/{account}"),
            &json!({"BillingPostalCode": null}),
        )
        .await;
    assert_eq!(refused.refusal().1, "FIELD_CUSTOM_VALIDATION_EXCEPTION");
    // A picklist that says something else is no prospect.
    client
        .create("Account", json!({"Name": "Free", "Type": "Customer - Direct"}))
        .await;
}

#[tokio::test]
async fn rules_compare_with_what_the_record_was() {
    let client = Client::start_with(options()).await;
    let account = client.create("Account", json!({"Name": "Fixed Ltd"})).await;
    let path = format!("{V}/sobjects/Account/{account}");
    let refused = client.patch(&path, &json!({"Name": "Other"})).await;
    let (_, code, message, fields) = refused.error();
    assert_eq!(code, "FIELD_CUSTOM_VALIDATION_EXCEPTION");
    assert_eq!(message, "A fixed name stays.");
    assert!(fields.is_empty());
    assert_eq!(client.patch(&path, &json!({"Phone": "1"})).await.status, 204);
}

#[tokio::test]
async fn rules_read_parents_and_their_formula_fields() {
    let client = Client::start_with(options()).await;
    let large = client
        .create("Account", json!({"Name": "Giant", "NumberOfEmployees": 900}))
        .await;
    let contact = json!({"LastName": "Doe", "AccountId": large});
    let refused = client.post(&format!("{V}/sobjects/Contact"), &contact).await;
    assert_eq!(
        refused.error().2,
        "People of large accounts need an e-mail address."
    );
    let body = json!({"allOrNone": false, "records": [
        {"attributes": {"type": "Contact"}, "LastName": "Doe", "AccountId": large},
        {"attributes": {"type": "Contact"}, "LastName": "Roe"},
    ]});
    let results = client
        .post(&format!("{V}/composite/sobjects"), &body)
        .await
        .json();
    assert_eq!(
        results[0]["errors"][0]["statusCode"],
        "FIELD_CUSTOM_VALIDATION_EXCEPTION"
    );
    assert_eq!(results[0]["errors"][0]["fields"], json!(["Email"]));
    assert_eq!(results[1]["success"], true);
}

#[tokio::test]
async fn formula_fields_are_calculated_when_read_without_touching_the_stamp() {
    let clock = Clock::fixed(noon());
    let client = Client::start_with(Options {
        clock: clock.clone(),
        ..options()
    })
    .await;
    let account = client
        .create(
            "Account",
            json!({"Name": "Acme", "NumberOfEmployees": 10, "AnnualRevenue": 100}),
        )
        .await;
    let contact = client
        .create(
            "Contact",
            json!({"LastName": "Doe", "AccountId": account, "Birthdate": "2026-12-03"}),
        )
        .await;
    let before = client.read("Contact", &contact).await;
    assert_eq!(before["Account_Label__c"], "Acme (Small)");
    assert_eq!(before["Days_To_Birthday__c"].to_string(), "10.0");
    assert_eq!(before["Is_Orphan__c"], false);
    assert!(before["Owner_Alias__c"].is_string(), "{before}");
    let read = client.read("Account", &account).await;
    assert_eq!(read["Half_Revenue__c"].to_string(), "33.33");

    clock.advance(std::time::Duration::from_hours(48));
    let mut client = client;
    client.log_in().await;
    let path = format!("{V}/sobjects/Account/{account}");
    let change = json!({"NumberOfEmployees": null, "AnnualRevenue": null});
    assert_eq!(client.patch(&path, &change).await.status, 204);
    let after = client.read("Contact", &contact).await;
    assert_eq!(after["Account_Label__c"], "Acme (Unknown)");
    assert_eq!(after["Days_To_Birthday__c"].to_string(), "8.0");
    assert_eq!(after["SystemModstamp"], before["SystemModstamp"]);
    let read = client.read("Account", &account).await;
    assert_eq!(read["Half_Revenue__c"].to_string(), "0.0");
}

#[tokio::test]
async fn soql_selects_filters_and_orders_by_formula_fields() {
    let client = Client::start_with(options()).await;
    for (name, employees) in [("A", json!(10)), ("B", json!(300)), ("C", Json::Null)] {
        let account = client
            .create("Account", json!({"Name": name, "NumberOfEmployees": employees}))
            .await;
        let contact = json!({"LastName": name, "AccountId": account, "Email": "a@b.co"});
        client.create("Contact", contact).await;
    }
    let names = |answer: Json| -> Vec<String> {
        let records = answer["records"].as_array().expect("records").clone();
        records
            .iter()
            .map(|record| record["Account_Label__c"].as_str().unwrap_or_default().to_owned())
            .collect()
    };
    let select = "SELECT Account_Label__c FROM Contact";
    let all = query(&client, &format!("{select} ORDER BY Account_Label__c DESC")).await;
    assert_eq!(names(all), ["C (Unknown)", "B (Large)", "A (Small)"]);
    let filter = "WHERE Account.Size__c IN ('Large', 'Small') AND Account_Label__c LIKE 'B%'";
    assert_eq!(
        names(query(&client, &format!("{select} {filter}")).await),
        ["B (Large)"]
    );
    let nested = query(
        &client,
        "SELECT Account.Size__c FROM Contact WHERE LastName = 'B'",
    )
    .await;
    assert_eq!(nested["records"][0]["Account"]["Size__c"], "Large");
    let grouped = query(
        &client,
        "SELECT Size__c s, COUNT(Id) n FROM Account GROUP BY Size__c",
    )
    .await;
    assert_eq!(grouped["totalSize"], 3, "{grouped}");
}

#[tokio::test]
async fn formula_fields_are_read_only_and_described_with_their_formula() {
    let client = Client::start_with(options()).await;
    let body = json!({"Name": "Acme", "Size__c": "Large"});
    let refused = client.post(&format!("{V}/sobjects/Account"), &body).await;
    assert_eq!(refused.refusal().1, "INVALID_FIELD_FOR_INSERT_UPDATE");
    let described = client.get(&format!("{V}/sobjects/Account/describe")).await.json();
    let fields = described["fields"].as_array().expect("fields").clone();
    let size = fields
        .iter()
        .find(|field| field["name"] == "Size__c")
        .expect("the field");
    assert_eq!(size["calculated"], true);
    assert_eq!(
        (&size["createable"], &size["updateable"]),
        (&json!(false), &json!(false))
    );
    let formula = size["calculatedFormula"].as_str().expect("a formula");
    assert!(formula.starts_with("IF(NumberOfEmployees >= 250"), "{formula}");
}

#[tokio::test]
async fn the_knob_adds_a_validation_rule_and_names_what_it_does_not_know() {
    let client = Client::start().await;
    let rule = |formula: &str| {
        json!({"object": "Contact", "then": {"validationRule": {
            "formula": formula, "message": "No.", "field": "Title"
        }}})
    };
    for (formula, words) in [
        ("FOO(LastName)", "Unknown function FOO. Check spelling."),
        ("Nmae = 'x'", "Field Nmae does not exist. Check spelling."),
        (
            "LEN(LastName) > 'x'",
            "Incorrect parameter type for operator '>'. Expected Number, received Text",
        ),
        (
            "LEN(LastName, 2) > 1",
            "Incorrect number of parameters for function 'LEN()'. Expected 1, received 2",
        ),
        ("Salutation = 'Mr.'", "Field Salutation is a picklist field."),
        (
            "LEN(LastName)",
            "Formula result is data type (Number), incompatible with expected data type (Boolean).",
        ),
        ("AND(TRUE", "Syntax error. Missing ')'"),
    ] {
        let refused = client.knob(Method::POST, RULES, &rule(formula)).await;
        assert_eq!(refused.status, 400, "{formula}");
        assert!(refused.text.contains(words), "{formula}: {}", refused.text);
    }
    let cases = [
        (
            "CASE(Salutation, 'Mr.', 1, 'Ms.', 2, 0) = 2",
            json!({"Salutation": "Ms."}),
        ),
        (
            "MOD(LEN(LastName), 2) = 1 && CONTAINS(Title, 'odd')",
            json!({"LastName": "abc", "Title": "odd"}),
        ),
        ("YEAR(Birthdate) < 1900", json!({"Birthdate": "1899-12-31"})),
        ("Birthdate > TODAY()", json!({"Birthdate": "2999-12-31"})),
        (
            "Birthdate = DATE(2000, 2, 29)",
            json!({"Birthdate": "2000-02-29"}),
        ),
        (
            "UPPER(LEFT(LastName, 2)) & RIGHT(LastName, 1) = 'QWy'",
            json!({"LastName": "qw...y"}),
        ),
        ("MID(LastName, 2, 2) = 'bc' || FALSE", json!({"LastName": "abcd"})),
        ("TEXT(Salutation) = 'Dr.'", json!({"Salutation": "Dr."})),
        ("$User.Id = OwnerId && Fax = 'own'", json!({"Fax": "own"})),
        (
            "BLANKVALUE(Department, 'none') = 'none' && Title = 'blank'",
            json!({"Title": "blank"}),
        ),
        (
            "ROUND(2.5, 0) + CEILING(-1.2) + FLOOR(1.9) + MAX(1, 4, 2) = 6 && Title = 'sum'",
            json!({"Title": "sum"}),
        ),
        ("VALUE(Title) / 4 = 0.75", json!({"Title": "3"})),
    ];
    for (formula, fields) in cases {
        let kept = client.knob(Method::POST, RULES, &rule(formula)).await;
        assert!(kept.status < 300, "{formula}: {}", kept.text);
        let mut record = json!({"LastName": "plain", "Title": "0"});
        client.create("Contact", record.clone()).await;
        for (name, value) in fields.as_object().expect("fields") {
            record[name] = value.clone();
        }
        let refused = client.post(&format!("{V}/sobjects/Contact"), &record).await;
        assert_eq!(refused.status, 400, "{formula}");
        assert_eq!(refused.error().3, ["Title"], "{formula}");
        client.knob(Method::DELETE, RULES, &json!({})).await;
    }
}
