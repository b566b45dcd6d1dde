//! The web server flow: what a code is worth, and what it is exchanged for.

#![cfg(test)]

use std::time::Duration;

use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use emulated_org::{App, Options, Switches};
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use serde_json::Value as Json;

use super::{
    Browser, CALLBACK, KEY, SECRET, TOKEN, VERIFIER, callback, challenge, connected, data_status, exchange,
    get, oauth_error, refused, text, web_app,
};
use crate::client::Client;

async fn start() -> Client {
    let client = Client::start().await;
    client.org.register_app(web_app()).expect("the app is taken");
    client
}

#[tokio::test]
async fn a_code_buys_a_session_a_refresh_token_and_a_signature() {
    let client = start().await;
    let mut browser = Browser::new(&client);
    let parameters = browser.authorize(&[]).await;
    assert_eq!(
        get(&parameters, "from"),
        "salesforce",
        "the callback keeps its own"
    );
    assert_eq!(get(&parameters, "state"), "s&1");
    let answer = exchange(&client, get(&parameters, "code"), &[]).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    assert!(answer.header("cache-control").contains("no-store"));
    let body = answer.json();
    assert_eq!(body["scope"], "api refresh_token openid");
    assert_eq!(body["instance_url"], client.org.url());
    assert_eq!(body["token_type"], "Bearer");
    assert!(body.get("expires_in").is_none(), "the session policy decides");
    assert_eq!(data_status(&client, &text(&body, "access_token")).await, 200);
    let signed = format!("{}{}", text(&body, "id"), text(&body, "issued_at"));
    let key = hmac::Key::new(hmac::HMAC_SHA256, SECRET.as_bytes());
    let signature = STANDARD.encode(hmac::sign(&key, signed.as_bytes()));
    assert_eq!(text(&body, "signature"), signature);
}

#[tokio::test]
async fn an_identity_token_is_signed_by_the_key_that_is_published() {
    let client = start().await;
    let code = Browser::new(&client).code(&[("nonce", "n-0")]).await;
    let body = exchange(&client, &code, &[]).await.json();
    let keys = client.get("/id/keys").await.json();
    let key = &keys["keys"][0];
    assert_eq!(
        (&key["kty"], &key["alg"], &key["use"]),
        (&"RSA".into(), &"RS256".into(), &"sig".into())
    );
    let verifying = DecodingKey::from_rsa_components(&text(key, "n"), &text(key, "e")).expect("a public key");
    let mut validation = Validation::new(Algorithm::RS256);
    validation.set_audience(&[KEY]);
    validation.set_issuer(&[client.org.url()]);
    let token = jsonwebtoken::decode::<Json>(text(&body, "id_token"), &verifying, &validation)
        .expect("a good signature");
    assert_eq!(token.claims["sub"], body["id"]);
    assert_eq!(token.claims["nonce"], "n-0");
    assert_eq!(token.header.kid.as_deref(), key["kid"].as_str());
}

#[tokio::test]
async fn a_code_is_good_once_for_a_short_time_and_for_its_own_app() {
    let client = start().await;
    let mut browser = Browser::new(&client);
    let code = browser.code(&[]).await;
    assert_eq!(exchange(&client, &code, &[]).await.status, 200);
    let expired = refused("invalid_grant", "expired authorization code");
    assert_eq!(oauth_error(&exchange(&client, &code, &[]).await), expired);

    let code = browser.code(&[]).await;
    client.org.clock().advance(Duration::from_secs(16 * 60));
    assert_eq!(oauth_error(&exchange(&client, &code, &[]).await), expired);

    let other = App {
        consumer_key: "other".to_owned(),
        ..web_app()
    };
    client.org.register_app(other).expect("the app is taken");
    let code = browser.code(&[]).await;
    let invalid = refused("invalid_grant", "invalid authorization code");
    let stolen = exchange(&client, &code, &[("client_id", "other")]).await;
    assert_eq!(oauth_error(&stolen), invalid);
    assert_eq!(
        exchange(&client, &code, &[]).await.status,
        200,
        "the thief did not use it up"
    );
    for unknown in ["", "aPrxinvented"] {
        assert_eq!(oauth_error(&exchange(&client, unknown, &[]).await), invalid);
    }
}

#[tokio::test]
async fn the_exchange_needs_the_verifier_the_secret_and_the_same_callback() {
    let client = start().await;
    let (short, long) = ("v".repeat(42), "v".repeat(172));
    let unverified = refused("invalid_grant", "invalid code verifier");
    let unproven = refused("invalid_client", "invalid client credentials");
    let cases = [
        (("code_verifier", ""), &unverified),
        (("code_verifier", short.as_str()), &unverified),
        (("code_verifier", long.as_str()), &unverified),
        (
            ("code_verifier", "aBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"),
            &unverified,
        ),
        (("client_secret", ""), &unproven),
        (("client_secret", "wrong"), &unproven),
        (
            ("client_id", "nobody"),
            &refused("invalid_client_id", "client identifier invalid"),
        ),
        (
            ("redirect_uri", "https://partner.example/other"),
            &refused("redirect_uri_mismatch", "redirect_uri must match configuration"),
        ),
    ];
    for (change, expected) in cases {
        let code = Browser::new(&client).code(&[]).await;
        let answer = exchange(&client, &code, &[change]).await;
        assert_eq!(&oauth_error(&answer), expected, "{change:?}");
    }
}

#[tokio::test]
async fn verifiers_as_long_as_jsforces_pass_unless_the_lint_switch_is_on() {
    for (lints, length, expected) in [(false, 171, 200), (true, 128, 200), (true, 129, 400)] {
        let switches = Switches {
            lint_code_verifier: lints,
            ..Switches::default()
        };
        let client = Client::start_with(Options {
            switches,
            ..Options::default()
        })
        .await;
        client.org.register_app(web_app()).expect("the app is taken");
        let verifier = "v".repeat(length);
        let code = Browser::new(&client)
            .code(&[("code_challenge", &challenge(&verifier))])
            .await;
        let answer = exchange(&client, &code, &[("code_verifier", &verifier)]).await;
        assert_eq!(answer.status, expected, "{length}: {}", answer.text);
    }
}

#[tokio::test]
async fn a_client_may_prove_itself_by_http_basic() {
    let client = start().await;
    let code = Browser::new(&client).code(&[]).await;
    let form = [
        ("grant_type", "authorization_code"),
        ("code", &code),
        ("redirect_uri", CALLBACK),
        ("code_verifier", VERIFIER),
    ];
    let request = client.http.post(client.url(TOKEN)).form(&form);
    let answer = client.send(request.basic_auth(KEY, Some(SECRET))).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
}

#[tokio::test]
async fn a_public_client_sends_no_secret() {
    let client = Client::start().await;
    let public = App {
        consumer_secret: None,
        ..web_app()
    };
    client.org.register_app(public).expect("the app is taken");
    let mut browser = Browser::new(&client);
    let code = browser.code(&[]).await;
    let with_secret = exchange(&client, &code, &[]).await;
    assert_eq!(
        oauth_error(&with_secret),
        refused("invalid_client", "invalid client credentials")
    );
    let code = browser.code(&[]).await;
    let answer = exchange(&client, &code, &[("client_secret", "")]).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
}

#[tokio::test]
async fn a_wrong_request_comes_back_to_the_callback_with_its_error() {
    let client = start().await;
    let mut browser = Browser::new(&client);
    let cases = [
        (
            ("code_challenge", ""),
            "invalid_request",
            "missing required code challenge",
        ),
        (
            ("code_challenge", "short"),
            "invalid_request",
            "invalid code challenge",
        ),
        (
            ("code_challenge_method", "plain"),
            "invalid_request",
            "invalid code challenge",
        ),
        (
            ("response_type", "token"),
            "unsupported_response_type",
            "response type not supported",
        ),
        (
            ("scope", "api full"),
            "invalid_scope",
            "the requested scope is invalid, unknown, or malformed",
        ),
        (("prompt", "none"), "login_required", "user is not logged in"),
    ];
    for (change, error, description) in cases {
        let address = browser.address(&[change]);
        let parameters = callback(&browser.open(&address).await);
        assert_eq!(get(&parameters, "error"), error, "{change:?}");
        assert_eq!(get(&parameters, "error_description"), description);
        assert_eq!(get(&parameters, "state"), "s&1");
    }
    // jsforce names no method.
    let address = browser.address(&[("code_challenge_method", "")]);
    assert_eq!(browser.open(&address).await.status, 200);
}

#[tokio::test]
async fn nobody_is_sent_to_a_callback_that_the_app_does_not_have() {
    let client = start().await;
    let mut browser = Browser::new(&client);
    let mismatch =
        "error=redirect_uri_mismatch&error_description=redirect_uri%20must%20match%20configuration";
    let unknown = "error=invalid_client_id&error_description=client%20identifier%20invalid";
    for (change, body) in [
        (("redirect_uri", "https://evil.example/"), mismatch),
        (("redirect_uri", "https://partner.example/callback"), mismatch),
        (("redirect_uri", ""), mismatch),
        (("client_id", "<script>"), unknown),
        (("client_id", ""), unknown),
    ] {
        let address = browser.address(&[change]);
        let answer = browser.open(&address).await;
        assert_eq!((answer.status, answer.text.as_str()), (400, body), "{change:?}");
        assert_eq!(answer.header("location"), "");
        assert!(answer.header("content-type").starts_with("text/plain"));
    }
}

#[tokio::test]
async fn garbage_is_refused_and_breaks_nothing() {
    let client = start().await;
    let bodies: [&[u8]; 5] = [
        b"",
        b"\xff\x00&&==%zz",
        b"grant_type=authorization_code&client_id=%FF&code=%00",
        b"{\"grant_type\":\"refresh_token\"}",
        b"token=%F0%9F%92%A9&client_id=3MVG9.web.consumer.key&client_secret=\xfe",
    ];
    for path in ["authorize", "token", "introspect", "revoke"] {
        for body in bodies {
            let url = client.url(&format!("/services/oauth2/{path}"));
            let answer = client.send(client.http.post(url).body(body.to_vec())).await;
            assert_eq!(answer.status, 400, "{path}: {}", answer.text);
        }
        for authorization in ["Basic", "Basic !", "Basic Og==", "Basic /w==", "Bearer x"] {
            let request = client.http.post(client.url(&format!("/services/oauth2/{path}")));
            let request = request.header("Authorization", authorization);
            let answer = client
                .send(request.form(&[("grant_type", "refresh_token")]))
                .await;
            assert_eq!(answer.status, 400, "{path}: {}", answer.text);
        }
    }
}

#[tokio::test]
async fn only_the_scopes_asked_for_are_given() {
    let client = start().await;
    let code = Browser::new(&client).code(&[("scope", "api")]).await;
    let body = exchange(&client, &code, &[]).await.json();
    assert_eq!(body["scope"], "api");
    assert!(
        body.get("refresh_token").is_none() && body.get("id_token").is_none(),
        "{body}"
    );
}

#[tokio::test]
async fn an_apps_own_session_timeout_counts() {
    let app = App {
        session_timeout: Some(Duration::from_secs(15 * 60)),
        ..web_app()
    };
    let (client, body) = connected(app).await;
    let token = text(&body, "access_token");
    for _ in 0..3 {
        client.org.clock().advance(Duration::from_secs(10 * 60));
        assert_eq!(data_status(&client, &token).await, 200, "use makes it last");
    }
    client.org.clock().advance(Duration::from_secs(15 * 60));
    let answer = client
        .send(client.http.get(client.url(crate::client::V)).bearer_auth(&token))
        .await;
    assert_eq!(
        (answer.status, answer.text.as_str()),
        (
            401,
            r#"[{"message":"Session expired or invalid","errorCode":"INVALID_SESSION_ID"}]"#
        )
    );
}
