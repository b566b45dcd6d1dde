//! Who gets in, and why the others do not.

use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::gateway::{Gateway, SECRET, forged, hs256, now, problem, rs256, rsa};

const JWT_BEARER: &str = "urn:ietf:params:oauth:grant-type:jwt-bearer";

#[tokio::test]
async fn a_good_token_of_either_algorithm_gets_in() {
    let gateway = Gateway::start().await;
    for token in [gateway.token("partner"), rs256(&gateway.claims("signer"))] {
        let answer = gateway.with_token(&token).await;
        assert_eq!(answer.status(), StatusCode::OK);
        let body: Value = answer.json().await.unwrap();
        assert_eq!(body["name"], "acme");
        assert_eq!(body["organization"], crate::gateway::ORGANIZATION);
    }
    gateway.stop().await;
}

#[tokio::test]
async fn a_request_without_a_token_is_told_how_to_send_one() {
    let gateway = Gateway::start().await;
    let url = format!("{}/v1/connection", gateway.url());
    let answer = gateway.http.get(&url).send().await.unwrap();
    assert_eq!(answer.headers()["www-authenticate"], "Bearer realm=\"causeway\"");
    problem(answer, "missing-token").await;
    let basic = gateway
        .http
        .get(&url)
        .basic_auth("a", Some("b"))
        .send()
        .await
        .unwrap();
    problem(basic, "malformed-token").await;
    gateway.stop().await;
}

#[tokio::test]
async fn every_bad_token_is_refused_for_its_own_reason() {
    let gateway = Gateway::start().await;
    let with = |name: &str, value: Value| {
        let mut claims = gateway.claims("partner");
        claims[name] = value;
        hs256(&claims, SECRET)
    };
    let without = |name: &str| {
        let mut claims = gateway.claims("partner");
        claims.as_object_mut().unwrap().remove(name);
        hs256(&claims, SECRET)
    };
    let claims = gateway.claims("partner");
    let good = gateway.token("partner");
    let (head, _) = good.rsplit_once('.').unwrap();
    for (token, id) in [
        ("not-a-jwt".to_owned(), "malformed-token"),
        (without("iss"), "malformed-token"),
        (without("aud"), "malformed-token"),
        (without("exp"), "malformed-token"),
        (with("exp", json!("tomorrow")), "malformed-token"),
        (with("iss", json!("stranger")), "unknown-client"),
        (with("iss", json!("' OR 1=1 --")), "unknown-client"),
        (
            hs256(&claims, "another secret of the same length or so"),
            "wrong-signature",
        ),
        (format!("{head}."), "wrong-signature"),
        (
            forged(&json!({"alg": "none"}), &claims, b""),
            "algorithm-not-allowed",
        ),
        (
            forged(&json!({"alg": "NONE"}), &claims, b"x"),
            "algorithm-not-allowed",
        ),
        (
            forged(&json!({"alg": "HS384"}), &claims, b"x"),
            "algorithm-not-allowed",
        ),
        (with("aud", json!("https://elsewhere.example")), "wrong-audience"),
        (with("aud", json!([])), "wrong-audience"),
        (with("exp", json!(now() - 1)), "token-expired"),
        (with("exp", json!(now() + 24 * 3600)), "lifetime-too-long"),
        (with("nbf", json!(now() + 120)), "token-not-yet-valid"),
        (with("iat", json!(now() + 120)), "token-not-yet-valid"),
        (gateway.token("former"), "client-revoked"),
    ] {
        let answer = gateway.with_token(&token).await;
        assert_eq!(answer.status(), StatusCode::UNAUTHORIZED, "{id}");
        assert_eq!(
            answer.headers()["www-authenticate"],
            "Bearer realm=\"causeway\", error=\"invalid_token\""
        );
        let document = problem(answer, id).await;
        let text = document.to_string();
        assert!(!text.contains(SECRET) && !text.contains(&token), "{text}");
    }
    gateway.stop().await;
}

#[tokio::test]
async fn a_public_key_is_never_taken_for_a_shared_secret() {
    let gateway = Gateway::start().await;
    let confused = hs256(&gateway.claims("signer"), &rsa().public);
    problem(gateway.with_token(&confused).await, "algorithm-not-allowed").await;
    let swapped = rs256(&gateway.claims("partner"));
    problem(gateway.with_token(&swapped).await, "algorithm-not-allowed").await;
    gateway.stop().await;
}

#[tokio::test]
async fn a_token_allows_what_its_client_may_and_its_scope_says() {
    let gateway = Gateway::start().await;
    let document = problem(gateway.get("pump", "/v1/connection").await, "insufficient-scope").await;
    assert_eq!(document["status"], 403);
    assert_eq!(document["detail"], "this needs the scope connection:read");

    let mut narrow = gateway.claims("partner");
    narrow["scope"] = json!("records:read");
    problem(
        gateway.with_token(&hs256(&narrow, SECRET)).await,
        "insufficient-scope",
    )
    .await;

    let mut wide = gateway.claims("pump");
    wide["scope"] = json!("connection:read salesforce:write");
    problem(
        gateway.with_token(&hs256(&wide, SECRET)).await,
        "insufficient-scope",
    )
    .await;
    gateway.stop().await;
}

#[tokio::test]
async fn one_connections_client_sees_and_writes_nothing_of_another() {
    let gateway = Gateway::start().await;
    gateway.map_accounts_and_contacts().await;
    let body: Value = gateway.get_json("other-partner", "/v1/connection").await;
    assert_eq!(body["name"], "other");
    problem(
        gateway.get("other-partner", "/v1/records/contact").await,
        "object-not-found",
    )
    .await;

    let answer = gateway
        .http
        .post(format!("{}/v1/salesforce/changes", gateway.url()))
        .bearer_auth(gateway.token("other-partner"))
        .json(
            &json!({"organizationId": crate::gateway::ORGANIZATION, "packageVersion": "1.0", "changes": []}),
        )
        .send()
        .await
        .unwrap();
    assert_eq!(answer.status(), StatusCode::FORBIDDEN);
    problem(answer, "connection-mismatch").await;
    gateway.stop().await;
}

#[tokio::test]
async fn a_connection_that_is_switched_off_lets_nobody_in() {
    let gateway = Gateway::start().await;
    problem(
        gateway.get("off-partner", "/v1/connection").await,
        "connection-disabled",
    )
    .await;
    gateway.stop().await;
}

#[tokio::test]
async fn a_signed_assertion_is_exchanged_for_an_access_token() {
    let gateway = Gateway::start().await;
    for (assertion, scope) in [
        (
            gateway.token("partner"),
            "salesforce:write records:read records:write syncs:read syncs:write logs:read decisions:write \
             connection:read connection:write embed:write embed:templates",
        ),
        (rs256(&gateway.claims("signer")), "records:read connection:read"),
    ] {
        let answer = exchange(&gateway, &[("grant_type", JWT_BEARER), ("assertion", &assertion)]).await;
        assert_eq!(answer.status(), StatusCode::OK);
        assert_eq!(answer.headers()["cache-control"], "no-store");
        let body: Value = answer.json().await.unwrap();
        assert_eq!(body["token_type"], "Bearer");
        assert_eq!(body["expires_in"], 600);
        assert_eq!(body["scope"], scope);
        let answer = gateway.with_token(body["access_token"].as_str().unwrap()).await;
        assert_eq!(answer.status(), StatusCode::OK);
    }
    gateway.stop().await;
}

#[tokio::test]
async fn an_access_token_carries_only_the_scopes_asked_for() {
    let gateway = Gateway::start().await;
    let mut claims = gateway.claims("partner");
    claims["aud"] = json!(format!("{}/oauth/token", gateway.url()));
    let assertion = hs256(&claims, SECRET);
    let answer = exchange(
        &gateway,
        &[
            ("grant_type", JWT_BEARER),
            ("assertion", &assertion),
            ("scope", "records:read"),
        ],
    )
    .await;
    let body: Value = answer.json().await.unwrap();
    assert_eq!(body["scope"], "records:read");
    let answer = gateway.with_token(body["access_token"].as_str().unwrap()).await;
    problem(answer, "insufficient-scope").await;
    gateway.stop().await;
}

#[tokio::test]
async fn what_is_no_proper_grant_gets_the_error_of_rfc_6749() {
    let gateway = Gateway::start().await;
    let good = gateway.token("partner");
    let pump = gateway.token("pump");
    let mut expired = gateway.claims("partner");
    expired["exp"] = json!(now() - 10);
    let expired = hs256(&expired, SECRET);
    let mut for_another = gateway.claims("partner");
    for_another["sub"] = json!("somebody-else");
    let for_another = hs256(&for_another, SECRET);
    for (form, error) in [
        (vec![], "invalid_request"),
        (vec![("grant_type", JWT_BEARER)], "invalid_request"),
        (
            vec![
                ("grant_type", JWT_BEARER),
                ("assertion", &good),
                ("assertion", &good),
            ],
            "invalid_request",
        ),
        (
            vec![("grant_type", "client_credentials"), ("client_id", "x")],
            "unsupported_grant_type",
        ),
        (vec![("grant_type", "password")], "unsupported_grant_type"),
        (
            vec![("grant_type", JWT_BEARER), ("assertion", "nonsense")],
            "invalid_grant",
        ),
        (
            vec![("grant_type", JWT_BEARER), ("assertion", &expired)],
            "invalid_grant",
        ),
        (
            vec![("grant_type", JWT_BEARER), ("assertion", &for_another)],
            "invalid_grant",
        ),
        (
            vec![
                ("grant_type", JWT_BEARER),
                ("assertion", &pump),
                ("scope", "records:read"),
            ],
            "invalid_scope",
        ),
        (
            vec![
                ("grant_type", JWT_BEARER),
                ("assertion", &good),
                ("scope", "everything"),
            ],
            "invalid_scope",
        ),
    ] {
        let answer = exchange(&gateway, &form).await;
        assert_eq!(answer.status(), StatusCode::BAD_REQUEST, "{form:?}");
        assert_eq!(answer.headers()["cache-control"], "no-store");
        let body: Value = answer.json().await.unwrap();
        assert_eq!(body["error"], error, "{form:?}: {body}");
        assert!(!body["error_description"].as_str().unwrap().is_empty());
    }
    gateway.stop().await;
}

#[tokio::test]
async fn an_access_token_is_no_assertion_and_lasts_no_longer_than_its_client() {
    let gateway = Gateway::start().await;
    let assertion = gateway.token("partner");
    let answer = exchange(&gateway, &[("grant_type", JWT_BEARER), ("assertion", &assertion)]).await;
    let body: Value = answer.json().await.unwrap();
    let token = body["access_token"].as_str().unwrap();
    let again = exchange(&gateway, &[("grant_type", JWT_BEARER), ("assertion", token)]).await;
    assert_eq!(again.status(), StatusCode::BAD_REQUEST);
    let body: Value = again.json().await.unwrap();
    assert_eq!(body["error"], "invalid_grant");

    // Signed by a client in the gateway's name.
    let mut claims = gateway.claims("partner");
    claims["iss"] = json!(gateway.url());
    claims["sub"] = json!("partner");
    problem(
        gateway.with_token(&hs256(&claims, SECRET)).await,
        "wrong-signature",
    )
    .await;
    gateway.stop().await;
}

async fn exchange(gateway: &Gateway, form: &[(&str, &str)]) -> reqwest::Response {
    gateway
        .http
        .post(format!("{}/oauth/token", gateway.url()))
        .form(form)
        .send()
        .await
        .unwrap()
}
