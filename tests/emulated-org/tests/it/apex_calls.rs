//! Apex called from outside: REST services and controllers.
#![cfg(test)]

use apex_runtime::Source;
use emulated_org::access::PermissionSetDefinition;
use reqwest::Method;
use serde_json::{Value as Json, json};

use crate::access::Nina;
use crate::client::{Answer, Client};

const SERVICE: &str = "
@RestResource(urlMapping='/leads/*')
global with sharing class LeadService {
    global class Found { public String name; public String title; public Integer size; }
    @HttpGet
    global static Found find() {
        String company = RestContext.request.requestURI.substringAfterLast('/');
        Lead found = [SELECT LastName FROM Lead WHERE Company = :company];
        Found answer = new Found();
        answer.name = found.LastName;
        answer.size = Integer.valueOf(RestContext.request.params.get('size'));
        return answer;
    }
    @HttpPost
    global static void make(String company, List<String> names) {
        List<Lead> leads = new List<Lead>();
        for (String name : names) { leads.add(new Lead(LastName = name, Company = company)); }
        insert leads;
        RestContext.response.statusCode = 201;
        RestContext.response.addHeader('X-Made', String.valueOf(leads.size()));
        RestContext.response.responseBody = Blob.valueOf(leads[0].Id);
    }
    @HttpPut
    global static String raw() {
        return RestContext.request.httpMethod + RestContext.request.requestBody.toString()
            + RestContext.request.resourcePath;
    }
    @HttpDelete
    global static void fail() {
        insert new Lead(LastName = 'never', Company = 'C');
        Integer i = 1 / 0;
    }
}";

const CONTROLLER: &str = "
public with sharing class LeadController {
    public class Wish { @AuraEnabled public String name; @AuraEnabled public Integer count; }
    @AuraEnabled(cacheable=true)
    public static List<Lead> leads(String company) {
        return [SELECT LastName FROM Lead WHERE Company = :company ORDER BY LastName];
    }
    @AuraEnabled
    public static Wish make(Wish wish) {
        insert new Lead(LastName = wish.name, Company = 'Made');
        wish.count += 1;
        return wish;
    }
    @AuraEnabled(cacheable=true)
    public static void sneak() { insert new Lead(LastName = 'sneak', Company = 'C'); }
    @AuraEnabled
    public static void refuse() {
        try { insert new Lead(); } catch (DmlException e) { throw new AuraHandledException('Fill in a name'); }
    }
    @AuraEnabled
    public static void fail() { String nothing; nothing.length(); }
    public static void hidden() { }
}";

async fn nina() -> Nina {
    let nina = Nina::start().await;
    let sources = vec![
        Source::class("LeadService", SERVICE),
        Source::class("LeadController", CONTROLLER),
    ];
    let org = nina.client.org.org();
    org.set_apex(sources).expect("the sources compile");
    nina
}

fn may_call() -> PermissionSetDefinition {
    let class = |name: &str| json!({ "apexClass": name, "enabled": true });
    let definition = json!({ "classAccesses": [class("LeadService"), class("LeadController")] });
    serde_json::from_value(definition).expect("a permission set")
}

async fn rest(client: &Client, method: Method, path: &str, body: &str) -> Answer {
    let request = client.request(method, &format!("/services/apexrest{path}"));
    client
        .send(
            request
                .header("content-type", "application/json")
                .body(body.to_owned()),
        )
        .await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rest_service_reads_and_writes() {
    let nina = nina().await;
    nina.grant("Services", &may_call());
    let made = rest(
        &nina.client,
        Method::POST,
        "/leads",
        r#"{"company":"Acme","names":["Ada","Bea"]}"#,
    )
    .await;
    assert_eq!(
        (made.status, made.header("x-made"), made.text.len()),
        (201, "2", 18),
        "{}",
        made.text
    );
    let other = rest(
        &nina.client,
        Method::POST,
        "/leads/",
        r#"{"company":"One","names":["Cid"]}"#,
    )
    .await;
    assert_eq!(other.status, 201, "{}", other.text);
    let found = rest(&nina.client, Method::GET, "/leads/One?size=3", "").await;
    // What is null is not in the answer.
    assert_eq!(
        (found.status, found.json()),
        (200, json!({ "name": "Cid", "size": 3 })),
        "{}",
        found.text
    );
    let raw = rest(&nina.client, Method::PUT, "/leads/x", "anything").await;
    assert_eq!(raw.json(), json!("PUTanything/services/apexrest/leads/*"));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_rest_service_does_not_serve_is_refused() {
    let nina = nina().await;
    let refused = rest(&nina.client, Method::GET, "/leads/One", "").await;
    assert_eq!(
        (refused.status, refused.json()[0]["message"].clone()),
        (
            403,
            json!("You do not have access to the Apex class named: LeadService")
        )
    );
    nina.grant("Services", &may_call());
    let unknown = rest(&nina.client, Method::GET, "/other", "").await;
    assert_eq!(
        (unknown.status, unknown.json()[0]["message"].clone()),
        (404, json!("Could not find a match for URL"))
    );
    let method = rest(&nina.client, Method::PATCH, "/leads", "{}").await;
    assert_eq!(
        (method.status, method.json()[0]["message"].clone()),
        (
            405,
            json!("HTTP Method 'PATCH' not allowed. Allowed are DELETE,GET,POST,PUT")
        )
    );
    let wrong = rest(&nina.client, Method::POST, "/leads", r#"{"firm":"Acme"}"#).await;
    assert_eq!(
        (wrong.status, &wrong.json()[0]["errorCode"]),
        (400, &json!("JSON_PARSER_ERROR"))
    );
    let failed = rest(&nina.client, Method::DELETE, "/leads", "").await;
    assert_eq!(
        (failed.status, &failed.json()[0]["errorCode"]),
        (500, &json!("APEX_ERROR"))
    );
    let message = failed.json()[0]["message"]
        .as_str()
        .map(str::to_owned)
        .expect("why");
    assert!(
        message.starts_with("System.MathException: Divide by 0\n\nClass.LeadService.fail: line "),
        "{message}"
    );
    assert!(
        nina.query("SELECT Id FROM Lead").await.is_empty(),
        "what failed is taken back"
    );
    let mut nobody = nina;
    nobody.client.token = "none".to_owned();
    assert_eq!(
        rest(&nobody.client, Method::GET, "/leads/One", "").await.status,
        401
    );
}

async fn call(client: &Client, method: &str, arguments: Json) -> Answer {
    client
        .post(&format!("/apex/LeadController/{method}"), &arguments)
        .await
}

#[tokio::test(flavor = "multi_thread")]
async fn components_call_their_controllers() {
    let nina = nina().await;
    nina.grant("Pages", &may_call());
    let made = call(
        &nina.client,
        "make",
        json!({ "wish": { "name": "Ada", "count": 1 } }),
    )
    .await;
    assert_eq!(
        (made.status, made.json()),
        (200, json!({ "name": "Ada", "count": 2 })),
        "{}",
        made.text
    );
    let leads = call(&nina.client, "leads", json!({ "company": "Made" }))
        .await
        .json();
    assert_eq!(
        (leads[0]["LastName"].clone(), leads.as_array().map(Vec::len)),
        (json!("Ada"), Some(1))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_controller_throws_is_what_the_component_gets() {
    let nina = nina().await;
    let denied = call(&nina.client, "leads", json!({})).await;
    assert_eq!(
        (denied.status, denied.json()["message"].clone()),
        (
            403,
            json!("You do not have access to the Apex class named 'LeadController'.")
        )
    );
    nina.grant("Pages", &may_call());
    let refused = call(&nina.client, "refuse", json!({})).await;
    assert_eq!(
        (
            refused.status,
            &refused.json()["message"],
            &refused.json()["exceptionType"]
        ),
        (
            500,
            &json!("Fill in a name"),
            &json!("System.AuraHandledException")
        )
    );
    let failed = call(&nina.client, "fail", json!({})).await.json();
    assert_eq!(
        (&failed["message"], &failed["exceptionType"]),
        (
            &json!("Attempt to de-reference a null object"),
            &json!("System.NullPointerException")
        )
    );
    let sneaked = call(&nina.client, "sneak", json!({})).await;
    assert_eq!(
        sneaked.json()["message"],
        "Too many DML statements: 1",
        "{}",
        sneaked.text
    );
    for hidden in ["hidden", "nothing"] {
        assert_eq!(call(&nina.client, hidden, json!({})).await.status, 404);
    }
    assert!(nina.query("SELECT Id FROM Lead").await.is_empty());
}
