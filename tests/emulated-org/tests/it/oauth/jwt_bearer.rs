//! Tokens: who gets one, what it is good for, and when it ends.

#![cfg(test)]

use std::collections::BTreeSet;
use std::time::Duration;

use emulated_org::{App, Approval, NewUser, Options, Switches};
use jsonwebtoken::Algorithm;
use serde_json::{Value as Json, json};

use super::{oauth_error, refused};
use crate::certificate::self_signed;
use crate::client::{Answer, CONSUMER_KEY, Client, JWT_BEARER, Key, V};

async fn with_claims(client: &Client, change: impl FnOnce(&mut Json)) -> Answer {
    let mut claims = client.claims();
    change(&mut claims);
    client
        .ask_token(&Key::of_app().sign(Algorithm::RS256, &claims))
        .await
}

#[tokio::test]
async fn a_signed_assertion_buys_a_token_in_salesforces_shape() {
    let client = Client::start().await;
    let answer = with_claims(&client, |_| {}).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    let body = answer.json();
    let token = body["access_token"].as_str().expect("a token");
    let (organization, secret) = token.split_once('!').expect("an organisation before the mark");
    assert_eq!(organization, client.org.organization_id().as_str15());
    assert!(
        secret.len() >= 40
            && secret
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || c == '.' || c == '_'),
        "{secret}"
    );
    assert_eq!(body["token_type"], "Bearer");
    assert_eq!(body["instance_url"], client.org.url());
    assert_eq!(body["scope"], "api");
    let id = body["id"].as_str().expect("an identity URL");
    assert!(
        id.starts_with(&format!(
            "{}/id/{}/005",
            client.org.url(),
            client.org.organization_id()
        )),
        "{id}"
    );
    assert_eq!(
        body.as_object().map(serde_json::Map::len),
        Some(5),
        "no expires_in, no refresh token: {body}"
    );
}

#[tokio::test]
async fn claims_that_real_clients_send_are_taken() {
    let client = Client::start().await;
    let now = client.org.clock().now().timestamp();
    let localhost = client.org.url().replace("127.0.0.1", "localhost");
    let variants = [
        json!({ "exp": (now + 180).to_string() }),
        json!({ "exp": (now + 300) * 1000 }),
        json!({ "aud": format!("{}/", client.org.url()) }),
        json!({ "aud": localhost }),
        json!({ "aud": "https://login.salesforce.com" }),
        json!({ "aud": "https://test.salesforce.com/" }),
        json!({ "sub": client.org.admin_username().to_uppercase() }),
    ];
    for variant in variants {
        let answer = with_claims(&client, |claims| {
            for (name, value) in variant.as_object().expect("claims") {
                claims[name] = value.clone();
            }
        })
        .await;
        assert_eq!(answer.status, 200, "{variant}: {}", answer.text);
    }
}

#[tokio::test]
async fn wrong_claims_are_refused_in_salesforces_words() {
    let client = Client::start().await;
    let now = client.org.clock().now().timestamp();
    let cases = [
        (
            "exp",
            json!(now - 1),
            refused("invalid_grant", "expired authorization code"),
        ),
        (
            "exp",
            json!((now - 1).to_string()),
            refused("invalid_grant", "expired authorization code"),
        ),
        ("exp", Json::Null, refused("invalid_grant", "invalid assertion")),
        (
            "aud",
            json!("https://example.com"),
            refused("invalid_grant", "audience is invalid"),
        ),
        ("aud", Json::Null, refused("invalid_grant", "audience is invalid")),
        (
            "iss",
            json!("someone else"),
            refused("invalid_client_id", "client identifier invalid"),
        ),
        (
            "sub",
            json!("nobody@northwind.example"),
            refused("invalid_grant", "user hasn't approved this consumer"),
        ),
    ];
    for (claim, value, expected) in cases {
        let answer = with_claims(&client, |claims| claims[claim] = value.clone()).await;
        assert_eq!(oauth_error(&answer), expected, "{claim} = {value}");
    }
}

#[tokio::test]
async fn assertions_that_the_apps_key_did_not_sign_with_rs256_are_refused() {
    let client = Client::start().await;
    let invalid = refused("invalid_grant", "invalid assertion");
    let claims = client.claims();

    let stranger = Key::generate().sign(Algorithm::RS256, &claims);
    assert_eq!(oauth_error(&client.ask_token(&stranger).await), invalid);
    let rs512 = Key::of_app().sign(Algorithm::RS512, &claims);
    assert_eq!(oauth_error(&client.ask_token(&rs512).await), invalid);
    // The public key as an HMAC secret: the classic confusion of algorithms.
    let secret = jsonwebtoken::EncodingKey::from_secret(Key::of_app().public_pem.as_bytes());
    let hs256 =
        jsonwebtoken::encode(&jsonwebtoken::Header::default(), &claims, &secret).expect("an HS256 token");
    assert_eq!(oauth_error(&client.ask_token(&hs256).await), invalid);

    let good = Key::of_app().sign(Algorithm::RS256, &claims);
    let (message, _) = good.rsplit_once('.').expect("three parts");
    let payload = message.split('.').nth(1).expect("a payload");
    let none = format!("eyJhbGciOiJub25lIn0.{payload}.");
    let unsigned = format!("{message}.");
    for broken in [none.as_str(), unsigned.as_str(), "", "a.b", "a.b.c", "…"] {
        assert_eq!(oauth_error(&client.ask_token(broken).await), invalid, "{broken}");
    }
}

#[tokio::test]
async fn other_grants_are_refused() {
    let client = Client::start().await;
    let expected = refused("unsupported_grant_type", "grant type not supported");
    for form in [vec![], vec![("grant_type", "implicit")], vec![("assertion", "x")]] {
        assert_eq!(
            oauth_error(&client.post_form("/services/oauth2/token", &form).await),
            expected
        );
    }
    let password = [
        ("grant_type", "password"),
        ("client_id", CONSUMER_KEY),
        ("username", client.org.admin_username()),
        ("password", "any"),
    ];
    assert_eq!(
        oauth_error(&client.post_form("/services/oauth2/token", &password).await),
        refused("invalid_grant", "authentication failure"),
        "the username-password flow is blocked"
    );
    let without_assertion = client
        .post_form("/services/oauth2/token", &[("grant_type", JWT_BEARER)])
        .await;
    assert_eq!(
        oauth_error(&without_assertion),
        refused("invalid_grant", "invalid assertion")
    );
}

#[tokio::test]
async fn approvals_decide_who_may_use_an_app() {
    let client = Client::start().await;
    let admin: BTreeSet<String> = [client.org.admin_username().to_owned()].into();
    let register = |approval: Approval, scopes: &[&str]| {
        let scopes = scopes.iter().map(|&scope| scope.to_owned()).collect();
        let app = App {
            approval,
            scopes,
            ..App::pre_authorized(CONSUMER_KEY, &*Key::of_app().public_pem)
        };
        client.org.register_app(app).expect("the key is taken");
    };
    let ask = || with_claims(&client, |_| {});
    let unapproved = refused("invalid_grant", "user hasn't approved this consumer");

    register(
        Approval::SelfAuthorized(BTreeSet::new()),
        &["api", "refresh_token"],
    );
    assert_eq!(oauth_error(&ask().await), unapproved);
    register(Approval::SelfAuthorized(admin.clone()), &["api", "refresh_token"]);
    assert_eq!(ask().await.status, 200);
    register(Approval::PreAuthorizedFor(BTreeSet::new()), &["api"]);
    let not_by_admin = refused(
        "invalid_app_access",
        "user is not admin approved to access this app",
    );
    assert_eq!(oauth_error(&ask().await), not_by_admin);
    register(Approval::PreAuthorizedFor(admin), &["api"]);
    assert_eq!(ask().await.status, 200);
    register(Approval::PreAuthorized, &["refresh_token"]);
    assert_eq!(oauth_error(&ask().await), unapproved);

    register(Approval::PreAuthorized, &["openid"]);
    let token = ask().await.json()["access_token"]
        .as_str()
        .expect("a token")
        .to_owned();
    let answer = client
        .send(client.http.get(client.url(V)).bearer_auth(token))
        .await;
    let (status, code, message, _) = answer.error();
    assert_eq!((status, code.as_str()), (401, "INVALID_SESSION_ID"));
    assert_eq!(message, "This session is not valid for use with the REST API");
}

#[tokio::test]
async fn inactive_and_frozen_users_get_no_token() {
    let client = Client::start().await;
    let user = |username: &str, is_active| NewUser {
        first_name: "Ines".to_owned(),
        last_name: "Active".to_owned(),
        username: username.to_owned(),
        is_active,
    };
    client
        .org
        .create_user(&user("gone@northwind.example", false))
        .expect("a user");
    client
        .org
        .create_user(&user("frozen@northwind.example", true))
        .expect("a user");
    client.org.freeze_user("frozen@northwind.example", true);

    let gone = with_claims(&client, |claims| claims["sub"] = json!("gone@northwind.example")).await;
    assert_eq!(oauth_error(&gone), refused("inactive_user", "user is inactive"));
    let frozen = with_claims(&client, |claims| {
        claims["sub"] = json!("frozen@northwind.example")
    })
    .await;
    assert_eq!(oauth_error(&frozen), refused("invalid_grant", "user is locked"));
    client.org.freeze_user("frozen@northwind.example", false);
    let thawed = with_claims(&client, |claims| {
        claims["sub"] = json!("frozen@northwind.example")
    })
    .await;
    assert_eq!(thawed.status, 200);
}

#[tokio::test]
async fn the_lint_switch_holds_clients_to_three_minutes() {
    let switches = Switches {
        lint_jwt_expiry: true,
        ..Switches::default()
    };
    let client = Client::start_with(Options {
        switches,
        ..Options::default()
    })
    .await;
    let now = client.org.clock().now().timestamp();
    let far = with_claims(&client, |claims| claims["exp"] = json!(now + 600)).await;
    assert_eq!(
        oauth_error(&far),
        refused("invalid_grant", "expired authorization code")
    );
}

#[tokio::test]
async fn an_app_takes_a_certificate_as_salesforce_does_and_refuses_other_pem() {
    let client = Client::start().await;
    let certificate = self_signed(Key::of_app());
    client
        .org
        .register_app(App::pre_authorized(CONSUMER_KEY, certificate))
        .expect("the certificate is taken");
    assert_eq!(with_claims(&client, |_| {}).await.status, 200);
    for wrong in [
        "",
        "no pem",
        "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n",
    ] {
        assert!(
            client
                .org
                .register_app(App::pre_authorized("other", wrong))
                .is_err(),
            "{wrong:?}"
        );
    }
}

#[tokio::test]
async fn requests_without_a_live_session_are_refused() {
    let client = Client::start().await;
    let ask = |authorization: Option<&str>| {
        let request = client.http.get(client.url(&format!("{V}/sobjects")));
        client.send(match authorization {
            Some(value) => request.header("Authorization", value),
            None => request,
        })
    };
    let invented = format!("Bearer {}!invented", client.org.organization_id().as_str15());
    for authorization in [
        None,
        Some("Bearer"),
        Some("Bearer "),
        Some("Basic eDp5"),
        Some(invented.as_str()),
    ] {
        let answer = ask(authorization).await;
        let (status, code, message, _) = answer.error();
        assert_eq!(
            (status, code.as_str(), message.as_str()),
            (401, "INVALID_SESSION_ID", "Session expired or invalid")
        );
        assert_eq!(
            answer.header("sforce-limit-info"),
            "",
            "what was not let in is not counted"
        );
    }
}

#[tokio::test]
async fn an_unused_session_ends_and_a_used_one_lasts() {
    let client = Client::start().await;
    for _ in 0..3 {
        client.org.clock().advance(Duration::from_secs(90 * 60));
        assert_eq!(client.get(V).await.status, 200);
    }
    client.org.clock().advance(Duration::from_secs(121 * 60));
    assert_eq!(
        client.get(V).await.refusal(),
        (401, "INVALID_SESSION_ID".to_owned())
    );
}

#[tokio::test]
async fn revoked_and_expired_tokens_are_refused() {
    let mut client = Client::start().await;
    let token = client.token.clone();
    assert_eq!(
        client
            .post_form("/services/oauth2/revoke", &[("token", &token)])
            .await
            .status,
        200
    );
    assert_eq!(client.get(V).await.status, 401);
    let again = client
        .post_form("/services/oauth2/revoke", &[("token", &token)])
        .await;
    assert_eq!(oauth_error(&again).1, "invalid_token");

    client.log_in().await;
    assert_eq!(client.get(V).await.status, 200);
    client.org.faults().expire_all_tokens();
    assert_eq!(client.get(V).await.status, 401);
}

#[tokio::test]
async fn deactivating_a_user_ends_the_users_sessions() {
    let client = Client::start().await;
    let answer = with_claims(&client, |claims| {
        claims["sub"] = json!(client.org.integration_username())
    })
    .await;
    let token = answer.json()["access_token"]
        .as_str()
        .expect("a token")
        .to_owned();
    let ask = |path: &str| client.send(client.http.get(client.url(path)).bearer_auth(&token));
    assert_eq!(ask(V).await.status, 200);
    let info = ask("/services/oauth2/userinfo").await.json();
    let user = info["user_id"].as_str().expect("a user");
    let change = client
        .patch(
            &format!("{V}/sobjects/User/{user}"),
            &json!({ "IsActive": false }),
        )
        .await;
    assert_eq!(change.status, 204, "{}", change.text);
    assert_eq!(ask(V).await.status, 401);
}

#[tokio::test]
async fn a_token_tells_whose_it_is() {
    let client = Client::start().await;
    let info = client.get("/services/oauth2/userinfo").await.json();
    assert_eq!(info["preferred_username"], client.org.admin_username());
    assert_eq!(info["organization_id"], client.org.organization_id().as_str());
    assert_eq!(info["name"], "Ada Admin");
    assert_eq!(info["active"], true);
    let identity_url = info["sub"].as_str().expect("an identity URL");
    assert!(identity_url.ends_with(info["user_id"].as_str().expect("a user id")));

    let identity = client
        .send(client.http.get(identity_url).bearer_auth(&client.token))
        .await;
    assert_eq!(identity.json()["username"], client.org.admin_username());
    let stranger = client
        .send(client.http.get(identity_url).bearer_auth("wrong"))
        .await;
    assert_eq!(
        (stranger.status, stranger.text.as_str()),
        (403, "Bad_OAuth_Token")
    );
    let other = identity_url.rsplit_once('/').expect("a path").0.to_owned() + "/005000000000001";
    assert_eq!(
        client
            .send(client.http.get(other).bearer_auth(&client.token))
            .await
            .status,
        404
    );
}
