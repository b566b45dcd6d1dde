//! One organisation under several hosts: login, test, My Domain.

#![cfg(test)]

use emulated_org::{App, Options};
use jsonwebtoken::Algorithm;
use serde_json::json;

use super::{Browser, KEY, SECRET, TOKEN, oauth_error, refused, text, web_app};
use crate::client::{Answer, Client, JWT_BEARER, Key, V};

const LOGIN: &str = "login.localhost";
const TEST: &str = "test.localhost";
const MY_DOMAIN: &str = "acme.my.localhost";

async fn post(client: &Client, host: &str, path: &str, form: &[(&str, &str)]) -> Answer {
    let request = client.http.post(client.url(path)).form(form);
    client.send(request.header("Host", host)).await
}

async fn by_jwt(client: &Client, host: &str, audience: &str) -> Answer {
    let mut claims = client.claims();
    claims["aud"] = json!(audience);
    let assertion = Key::of_app().sign(Algorithm::RS256, &claims);
    let form = [("grant_type", JWT_BEARER), ("assertion", assertion.as_str())];
    post(client, host, TOKEN, &form).await
}

#[tokio::test]
async fn tokens_of_the_login_host_name_my_domain_as_their_instance() {
    let client = Client::start_with(Options {
        my_domain: Some("https://acme.my.salesforce.com".to_owned()),
        ..Options::default()
    })
    .await;
    let answer = by_jwt(&client, "login.salesforce.com", "https://login.salesforce.com").await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    let body = answer.json();
    assert_eq!(body["instance_url"], "https://acme.my.salesforce.com");
    let identity = text(&body, "id");
    assert!(
        identity.starts_with("https://login.salesforce.com/id/00D"),
        "{identity}"
    );
    let answer = by_jwt(
        &client,
        "acme.my.salesforce.com",
        "https://acme.my.salesforce.com",
    )
    .await;
    assert_eq!(answer.status, 200, "{}", answer.text);
}

#[tokio::test]
async fn each_login_host_takes_its_own_audience() {
    let client = Client::start().await;
    let wrong = refused("invalid_grant", "audience is invalid");
    for audience in ["https://login.salesforce.com", "http://login.localhost"] {
        assert_eq!(by_jwt(&client, LOGIN, audience).await.status, 200, "{audience}");
        assert_eq!(
            by_jwt(&client, TEST, audience).await.json()["error_description"],
            wrong.2
        );
    }
    let elsewhere = by_jwt(&client, LOGIN, "https://test.salesforce.com").await;
    assert_eq!(oauth_error(&elsewhere), wrong);
    for audience in [
        "https://login.salesforce.com",
        "https://test.salesforce.com",
        client.org.url(),
    ] {
        let answer = by_jwt(&client, MY_DOMAIN, audience).await;
        assert_eq!(answer.status, 200, "{audience}: {}", answer.text);
    }
}

#[tokio::test]
async fn a_sandbox_is_reached_at_the_test_host_and_a_production_organisation_is_not() {
    let unknown = refused("invalid_grant", "user hasn't approved this consumer");
    let production = Client::start().await;
    let answer = by_jwt(&production, TEST, "https://test.salesforce.com").await;
    assert_eq!(oauth_error(&answer), unknown);
    let sandbox = Client::start_with(Options {
        is_sandbox: true,
        ..Options::default()
    })
    .await;
    let answer = by_jwt(&sandbox, LOGIN, "https://login.salesforce.com").await;
    assert_eq!(oauth_error(&answer), unknown);
    let answer = by_jwt(&sandbox, TEST, "https://test.salesforce.com").await;
    assert_eq!(answer.status, 200, "{}", answer.text);

    // So it is on the login page.
    production.org.register_app(web_app()).expect("the app is taken");
    for (host, shows) in [(TEST, "Please check"), (LOGIN, "Allow Access?")] {
        let mut browser = Browser::new(&production);
        browser.host = Some(host);
        let address = browser.address(&[]);
        let page = browser
            .submit(&address, &[("as", production.org.admin_username())])
            .await;
        assert!(page.text.contains(shows), "{host}: {}", page.text);
    }
}

#[tokio::test]
async fn data_is_served_at_my_domain_alone() {
    let client = Client::start().await;
    for host in [LOGIN, TEST] {
        let request = client.request(reqwest::Method::GET, &format!("{V}/limits"));
        let answer = client.send(request.header("Host", host)).await;
        let (status, code, message, _) = answer.error();
        assert_eq!(
            (status, code.as_str(), message.as_str()),
            (
                404,
                "URL_NOT_RESET",
                "Destination URL not reset. The URL returned from login must be set"
            )
        );
    }
    let request = client.request(reqwest::Method::GET, &format!("{V}/limits"));
    assert_eq!(client.send(request.header("Host", MY_DOMAIN)).await.status, 200);
}

#[tokio::test]
async fn client_credentials_are_taken_at_my_domain_alone() {
    let client = Client::start().await;
    let app = App {
        client_credentials: true,
        run_as: Some(client.org.admin_username().to_owned()),
        ..web_app()
    };
    client.org.register_app(app).expect("the app is taken");
    let form = [
        ("grant_type", "client_credentials"),
        ("client_id", KEY),
        ("client_secret", SECRET),
    ];
    let unsupported = refused("invalid_grant", "request not supported on this domain");
    for host in [LOGIN, TEST] {
        assert_eq!(oauth_error(&post(&client, host, TOKEN, &form).await), unsupported);
    }
    assert_eq!(post(&client, MY_DOMAIN, TOKEN, &form).await.status, 200);
}

#[tokio::test]
async fn discovery_speaks_of_the_host_that_was_asked() {
    let client = Client::start().await;
    let path = "/.well-known/openid-configuration";
    let request = client.http.get(client.url(path)).header("Host", LOGIN);
    let configuration = client.send(request).await.json();
    assert_eq!(configuration["issuer"], "http://login.localhost");
    assert_eq!(
        configuration["token_endpoint"],
        "http://login.localhost/services/oauth2/token"
    );
    assert_eq!(client.get(path).await.json()["issuer"], client.org.url());
}
