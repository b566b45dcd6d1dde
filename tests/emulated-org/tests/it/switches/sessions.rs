//! Switches about sessions and limits.
#![cfg(test)]

use emulated_org::Options;
use jsonwebtoken::Algorithm;
use serde_json::json;

use super::turn;
use crate::client::{Answer, Client, Key, V};

async fn assertion(client: &Client, claim: &str, value: &str) -> Answer {
    let mut claims = client.claims();
    claims[claim] = json!(value);
    client
        .ask_token(&Key::of_app().sign(Algorithm::RS256, &claims))
        .await
}

#[tokio::test]
async fn assertions_may_be_for_the_login_hosts_alone() {
    let client = Client::start().await;
    let own = client.org.url().to_owned();
    assert_eq!(assertion(&client, "aud", &own).await.status, 200);
    turn(&client, "jwtAudienceOfLoginHostsAlone", true).await;
    let refused = assertion(&client, "aud", &own).await;
    assert_eq!(
        (refused.status, &refused.json()["error_description"]),
        (400, &json!("audience is invalid"))
    );
    let login = assertion(&client, "aud", "https://login.salesforce.com").await;
    assert_eq!(login.status, 200, "{}", login.text);
}

#[tokio::test]
async fn an_unknown_app_has_one_of_two_errors() {
    let client = Client::start().await;
    for (on, error) in [(false, "invalid_client_id"), (true, "invalid_client")] {
        turn(&client, "unknownAppsAsInvalidClient", on).await;
        let refused = assertion(&client, "iss", "nobody").await;
        assert_eq!((refused.status, &refused.json()["error"]), (400, &json!(error)));
    }
}

#[tokio::test]
async fn switches_of_the_options_can_be_turned_while_it_runs() {
    let client = Client::start().await;
    let far = client.org.clock().now().timestamp() + 600;
    for (on, status) in [(false, 200), (true, 400)] {
        turn(&client, "lintJwtExpiry", on).await;
        assert_eq!(assertion(&client, "exp", &far.to_string()).await.status, status);
    }
}

#[tokio::test]
async fn the_daily_limit_is_hard_or_soft() {
    let client = Client::start_with(Options {
        daily_api_limit: Some(1),
        ..Options::default()
    })
    .await;
    let path = format!("{V}/sobjects");
    assert_eq!(client.get(&path).await.status, 200);
    assert_eq!(
        client.get(&path).await.refusal(),
        (403, "REQUEST_LIMIT_EXCEEDED".to_owned())
    );
    turn(&client, "dailyRequestsMayOverrun", true).await;
    let over = client.get(&path).await;
    assert_eq!(
        (over.status, over.header("sforce-limit-info")),
        (200, "api-usage=2/1")
    );
}

#[tokio::test]
async fn a_long_address_has_one_of_two_statuses() {
    let client = Client::start().await;
    let path = format!("{V}/query?q={}", "x".repeat(17_000));
    for (on, status) in [(false, 414), (true, 431)] {
        turn(&client, "longAddressesAs431", on).await;
        assert_eq!(client.get(&path).await.status, status);
    }
}
