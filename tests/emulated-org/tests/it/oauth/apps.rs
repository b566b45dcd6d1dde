//! Apps and their policies: who may use them, client credentials, introspection, registration from outside.

#![cfg(test)]

use std::collections::BTreeSet;
use std::time::Duration;

use emulated_org::{App, Approval};
use jsonwebtoken::Algorithm;
use reqwest::Method;
use serde_json::{Value as Json, json};

use super::{
    Browser, CALLBACK, KEY, SECRET, TOKEN, callback, connected, data_status, exchange, get, oauth_error,
    refused, text, web_app,
};
use crate::client::{Answer, Client, Key};

async fn client_credentials(client: &Client) -> Answer {
    let form = [
        ("grant_type", "client_credentials"),
        ("client_id", KEY),
        ("client_secret", SECRET),
    ];
    client.post_form(TOKEN, &form).await
}

#[tokio::test]
async fn client_credentials_run_as_the_user_of_the_policy() {
    let client = Client::start().await;
    let integration = client.org.integration_username();
    let register = |client_credentials, run_as: Option<&str>| {
        let app = App {
            client_credentials,
            run_as: run_as.map(str::to_owned),
            ..web_app()
        };
        client.org.register_app(app).expect("the app is taken");
    };
    register(false, None);
    assert_eq!(
        oauth_error(&client_credentials(&client).await),
        refused("invalid_grant", "client credentials flow not enabled")
    );
    register(true, None);
    assert_eq!(
        oauth_error(&client_credentials(&client).await),
        refused("invalid_grant", "no client credentials user enabled")
    );
    register(true, Some(integration));
    let body = client_credentials(&client).await.json();
    assert_eq!(body["scope"], "api openid");
    assert!(
        body.get("refresh_token").is_none() && body.get("signature").is_some(),
        "{body}"
    );
    let token = text(&body, "access_token");
    let request = client.http.get(client.url("/services/oauth2/userinfo"));
    let info = client.send(request.bearer_auth(&token)).await.json();
    assert_eq!(info["preferred_username"], integration);

    client.org.freeze_user(integration, true);
    assert_eq!(
        oauth_error(&client_credentials(&client).await),
        refused("invalid_grant", "user is locked")
    );
    let public = App {
        consumer_secret: None,
        client_credentials: true,
        run_as: Some(integration.to_owned()),
        ..web_app()
    };
    client.org.register_app(public).expect("the app is taken");
    let form = [("grant_type", "client_credentials"), ("client_id", KEY)];
    assert_eq!(
        oauth_error(&client.post_form(TOKEN, &form).await),
        refused("invalid_client", "invalid client credentials")
    );
}

#[tokio::test]
async fn an_admin_approves_by_profile() {
    let client = Client::start().await;
    let register = |profiles: &[&str]| {
        let app = App {
            approval: Approval::AdminApproved {
                profiles: profiles.iter().map(|&profile| profile.to_owned()).collect(),
                permission_sets: BTreeSet::new(),
            },
            certificate_pem_or_public_key_pem: Some(Key::of_app().public_pem.clone()),
            ..web_app()
        };
        client.org.register_app(app).expect("the app is taken");
    };
    let assert_by_jwt = async |expected: u16| {
        let mut claims = client.claims();
        claims["iss"] = json!(KEY);
        let answer = client
            .ask_token(&Key::of_app().sign(Algorithm::RS256, &claims))
            .await;
        assert_eq!(answer.status, expected, "{}", answer.text);
        answer
    };
    register(&["System Administrator"]);
    assert_by_jwt(200).await;
    let mut browser = Browser::new(&client);
    let parameters = browser.authorize(&[]).await;
    assert!(!get(&parameters, "code").is_empty(), "nobody is asked");

    register(&["Standard User"]);
    let answer = assert_by_jwt(400).await;
    let denied = "user is not admin approved to access this app";
    assert_eq!(oauth_error(&answer), refused("invalid_app_access", denied));
    let address = browser.address(&[]);
    let parameters = callback(&browser.open(&address).await);
    assert_eq!(get(&parameters, "error"), "OAUTH_APP_ACCESS_DENIED");
    assert_eq!(get(&parameters, "error_description"), denied);
    // By id, as policies of packages name them.
    register(&[client.org.standard_profile().as_str()]);
    assert_by_jwt(400).await;
}

#[tokio::test]
async fn what_a_user_allowed_with_refresh_token_counts_for_assertions() {
    let client = Client::start().await;
    let app = App {
        certificate_pem_or_public_key_pem: Some(Key::of_app().public_pem.clone()),
        ..web_app()
    };
    client.org.register_app(app).expect("the app is taken");
    let ask = async || {
        let mut claims = client.claims();
        claims["iss"] = json!(KEY);
        client
            .ask_token(&Key::of_app().sign(Algorithm::RS256, &claims))
            .await
    };
    let unapproved = refused("invalid_grant", "user hasn't approved this consumer");
    assert_eq!(oauth_error(&ask().await), unapproved);
    let mut browser = Browser::new(&client);
    browser.authorize(&[("scope", "api")]).await;
    assert_eq!(
        oauth_error(&ask().await),
        unapproved,
        "api alone is no standing approval"
    );
    browser.authorize(&[("scope", "api refresh_token")]).await;
    let body = ask().await.json();
    assert_eq!(body["scope"], "api", "what was allowed, no more");
}

#[tokio::test]
async fn an_uninstalled_app_is_for_those_who_used_it_before() {
    let (client, _) = connected(web_app()).await;
    let uninstalled = App {
        is_installed: false,
        certificate_pem_or_public_key_pem: Some(Key::of_app().public_pem.clone()),
        client_credentials: true,
        run_as: Some(client.org.admin_username().to_owned()),
        ..web_app()
    };
    client.org.register_app(uninstalled).expect("the app is taken");
    let mut browser = Browser::new(&client);
    let code = browser.code(&[]).await;
    assert_eq!(exchange(&client, &code, &[]).await.status, 200);
    let mut other = Browser::new(&client);
    let address = other.address(&[]);
    let integration = client.org.integration_username();
    let parameters = callback(&other.submit(&address, &[("as", integration)]).await);
    assert_eq!(get(&parameters, "error"), "OAUTH_APPROVAL_ERROR_GENERIC");
    for (username, expected) in [(client.org.admin_username(), 200), (integration, 400)] {
        let mut claims = client.claims();
        claims["iss"] = json!(KEY);
        claims["sub"] = json!(username);
        let answer = client
            .ask_token(&Key::of_app().sign(Algorithm::RS256, &claims))
            .await;
        assert_eq!(answer.status, expected, "{username}: {}", answer.text);
    }
    assert_eq!(
        oauth_error(&client_credentials(&client).await),
        refused("invalid_grant", "no client credentials user enabled")
    );
}

#[tokio::test]
async fn an_app_learns_of_its_own_tokens_alone() {
    let (client, body) = connected(web_app()).await;
    let other = App {
        consumer_key: "other".to_owned(),
        ..web_app()
    };
    client.org.register_app(other.clone()).expect("the app is taken");
    let introspect = async |id: &str, secret: &str, token: &str| {
        let form = [("client_id", id), ("client_secret", secret), ("token", token)];
        client.post_form("/services/oauth2/introspect", &form).await
    };
    let (access, refresh) = (text(&body, "access_token"), text(&body, "refresh_token"));
    let about: Json = introspect(KEY, SECRET, &access).await.json();
    let now = client.org.clock().now().timestamp();
    assert_eq!(about["active"], true);
    assert_eq!(about["client_id"], KEY);
    assert_eq!(about["username"], client.org.admin_username());
    assert_eq!(about["sub"], body["id"]);
    assert_eq!(about["scope"], body["scope"]);
    assert_eq!(about["token_type"], "access_token");
    let expires = about["exp"].as_i64().expect("a moment");
    assert!((expires - now - 7_200).abs() < 60, "{about}");
    let about: Json = introspect(KEY, SECRET, &refresh).await.json();
    assert_eq!(
        (&about["active"], &about["token_type"]),
        (&true.into(), &"refresh_token".into())
    );

    let inactive = json!({ "active": false });
    assert_eq!(introspect("other", SECRET, &access).await.json(), inactive);
    assert_eq!(introspect("other", SECRET, &refresh).await.json(), inactive);
    assert_eq!(introspect(KEY, SECRET, "invented").await.json(), inactive);
    assert_eq!(
        oauth_error(&introspect(KEY, "wrong", &access).await),
        refused("invalid_client", "invalid client credentials")
    );
    let trusted = App {
        introspects_all_tokens: true,
        ..other
    };
    client.org.register_app(trusted).expect("the app is taken");
    assert_eq!(introspect("other", SECRET, &access).await.json()["active"], true);
    // Looking does not make a session last.
    client.org.clock().advance(Duration::from_hours(2));
    assert_eq!(introspect(KEY, SECRET, &access).await.json(), inactive);
}

#[tokio::test]
async fn other_processes_register_apps_over_http() {
    let client = Client::start().await;
    let app = json!({
        "consumerKey": KEY,
        "name": "From outside",
        "consumerSecret": SECRET,
        "certificate": Key::of_app().public_pem,
        "callbackUrls": [CALLBACK],
        "scopes": ["api", "refresh_token"],
        "permittedUsers": { "adminApproved": { "profiles": ["System Administrator"] } },
        "refreshTokens": { "rotates": true, "expires": { "unusedSeconds": 60 } },
        "sessionTimeoutSeconds": 900,
        "clientCredentials": { "runAs": client.org.integration_username() },
    });
    let answer = client.knob(Method::POST, "/emulator/apps", &app).await;
    assert_eq!(answer.status, 204, "{}", answer.text);
    let listed = client.get("/emulator/apps").await.json();
    assert!(
        listed
            .as_array()
            .expect("a list")
            .contains(&json!({ "consumerKey": KEY, "name": "From outside" })),
        "{listed}"
    );
    let code = Browser::new(&client).code(&[]).await;
    let body = exchange(&client, &code, &[]).await.json();
    assert_eq!(data_status(&client, &text(&body, "access_token")).await, 200);
    assert_eq!(client_credentials(&client).await.status, 200);
    for wrong in [
        json!({}),
        json!({ "consumerKey": "x", "certificate": "no pem" }),
        json!({ "consumerKey": "x", "callbackUrls": ["http://partner.example/"] }),
        json!({ "consumerKey": "x", "unknown": 1 }),
    ] {
        assert_eq!(
            client.knob(Method::POST, "/emulator/apps", &wrong).await.status,
            400,
            "{wrong}"
        );
    }
}
