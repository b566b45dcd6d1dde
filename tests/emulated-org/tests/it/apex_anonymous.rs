//! Anonymous Apex over REST and SOAP.
//!
//! Source: Tooling API Developer Guide, executeAnonymous; SOAP API Developer Guide, executeAnonymous().
#![cfg(test)]

use serde_json::{Value as Json, json};

use crate::access::Nina;
use crate::client::{Answer, Client, V};

fn path(text: &str) -> String {
    let text: String = url::form_urlencoded::byte_serialize(text.as_bytes()).collect();
    format!("{V}/tooling/executeAnonymous?anonymousBody={text}")
}

async fn execute(client: &Client, text: &str) -> Json {
    let answer = client.get(&path(text)).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    answer.json()
}

async fn count_of_leads(client: &Client) -> Json {
    let answer = client.get(&format!("{V}/query?q=SELECT+COUNT()+FROM+Lead")).await;
    answer.json()["totalSize"].clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_block_runs_as_its_caller_and_stays() {
    let client = Client::start().await;
    let done = execute(&client, "insert new Lead(LastName = 'L', Company = 'C');").await;
    assert_eq!(
        done,
        json!({ "line": -1, "column": -1, "compiled": true, "success": true, "compileProblem": null,
            "exceptionStackTrace": null, "exceptionMessage": null })
    );
    assert_eq!(count_of_leads(&client).await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_does_not_compile_and_what_fails_is_told() {
    let client = Client::start().await;
    let done = execute(&client, "Integer i = 1;\ni = 'one';").await;
    assert_eq!(
        (&done["compiled"], &done["success"], &done["line"]),
        (&json!(false), &json!(false), &json!(2))
    );
    assert_eq!(
        done["compileProblem"],
        "Illegal assignment from String to Integer"
    );
    let text = "insert new Lead(LastName = 'L', Company = 'C');\nString s = null;\ns.length();";
    let done = execute(&client, text).await;
    assert_eq!(
        (&done["compiled"], &done["success"], &done["line"]),
        (&json!(true), &json!(false), &json!(3))
    );
    assert_eq!(
        done["exceptionMessage"],
        "System.NullPointerException: Attempt to de-reference a null object"
    );
    assert_eq!(done["exceptionStackTrace"], "AnonymousBlock: line 3, column 1");
    assert_eq!(count_of_leads(&client).await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn it_takes_author_apex() {
    let nina = Nina::start().await;
    let answer = nina.client.get(&path("Integer i = 1;")).await;
    assert_eq!(answer.refusal(), (403, "INSUFFICIENT_ACCESS".to_owned()));
}

async fn soap(client: &Client, session: &str, text: &str) -> Answer {
    let text = text
        .replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;");
    let body = format!(
        "<env:Envelope xmlns:xsd=\"http://www.w3.org/2001/XMLSchema\" xmlns:env=\"http://schemas.xmlsoap.org/soap/envelope/\" xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\" xmlns:cmd=\"http://soap.sforce.com/2006/08/apex\" xmlns:apex=\"http://soap.sforce.com/2006/08/apex\"><env:Header><cmd:SessionHeader><cmd:sessionId>{session}</cmd:sessionId></cmd:SessionHeader><apex:DebuggingHeader><apex:debugLevel>DEBUGONLY</apex:debugLevel></apex:DebuggingHeader></env:Header><env:Body><executeAnonymous xmlns=\"http://soap.sforce.com/2006/08/apex\"><apexcode>{text}</apexcode></executeAnonymous></env:Body></env:Envelope>"
    );
    let request = client
        .http
        .post(client.url("/services/Soap/s/68.0/00D000000000001"))
        .header("content-type", "text/xml")
        .header("soapaction", "executeAnonymous")
        .body(body);
    client.send(request).await
}

#[tokio::test(flavor = "multi_thread")]
async fn the_salesforce_cli_gets_the_debug_log_with_the_answer() {
    let client = Client::start().await;
    let answer = soap(&client, &client.token, "System.debug('1 < 2');").await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    for part in [
        "<compiled>true</compiled>",
        "<success>true</success>",
        "<compileProblem xsi:nil=\"true\"/>",
        "|USER_DEBUG|[1]|DEBUG|1 &lt; 2",
    ] {
        assert!(answer.text.contains(part), "{part}: {}", answer.text);
    }
    let answer = soap(&client, "00D!nobody", "Integer i;").await;
    assert!(answer.text.contains("INVALID_SESSION_ID"), "{}", answer.text);
}
