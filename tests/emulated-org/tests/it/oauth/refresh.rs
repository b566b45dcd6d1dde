//! Refresh tokens: rotation, reuse, end.

#![cfg(test)]

use std::time::Duration;

use emulated_org::App;
use emulated_org::app::{RefreshTokenLifetime, RefreshTokenPolicy};

use super::{
    Browser, CALLBACK, KEY, TOKEN, connected, data_status, exchange, oauth_error, refresh, refused, text,
    web_app,
};

const DAY: Duration = Duration::from_hours(24);

fn expired() -> (u16, String, String) {
    refused("invalid_grant", "expired access/refresh token")
}

#[tokio::test]
async fn every_refresh_gives_a_new_refresh_token_and_a_live_session() {
    let (client, body) = connected(web_app()).await;
    let mut current = text(&body, "refresh_token");
    for _ in 0..3 {
        let answer = refresh(&client, &current).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        let body = answer.json();
        let next = text(&body, "refresh_token");
        assert_ne!(next, current);
        assert_eq!(data_status(&client, &text(&body, "access_token")).await, 200);
        assert_eq!(body["scope"], "api refresh_token openid");
        assert!(body.get("id_token").is_some());
        current = next;
    }
}

#[tokio::test]
async fn a_rotated_token_that_comes_again_ends_the_grant_and_its_sessions() {
    let (client, body) = connected(web_app()).await;
    let (old, first) = (text(&body, "refresh_token"), text(&body, "access_token"));
    let body = refresh(&client, &old).await.json();
    let (current, second) = (text(&body, "refresh_token"), text(&body, "access_token"));
    assert_eq!(oauth_error(&refresh(&client, &old).await), expired());
    assert_eq!(oauth_error(&refresh(&client, &current).await), expired());
    for token in [&first, &second] {
        assert_eq!(data_status(&client, token).await, 401);
    }
    assert_eq!(
        data_status(&client, &client.token).await,
        200,
        "other apps are not touched"
    );
    // The user is asked again.
    let mut browser = Browser::new(&client);
    let address = browser.address(&[]);
    let page = browser
        .submit(&address, &[("as", client.org.admin_username())])
        .await;
    assert!(page.text.contains("Allow Access?"), "{}", page.text);
}

#[tokio::test]
async fn of_two_refreshes_at_once_one_wins_and_the_grant_is_lost() {
    let (client, body) = connected(web_app()).await;
    let token = text(&body, "refresh_token");
    let (left, right) = tokio::join!(refresh(&client, &token), refresh(&client, &token));
    let mut statuses = [left.status, right.status];
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 400]);
    let winner = if left.status == 200 { left } else { right };
    let current = text(&winner.json(), "refresh_token");
    assert_eq!(oauth_error(&refresh(&client, &current).await), expired());
}

#[tokio::test]
async fn thirty_idle_days_end_a_refresh_token_and_use_makes_it_last() {
    let (client, body) = connected(web_app()).await;
    let mut current = text(&body, "refresh_token");
    for _ in 0..3 {
        client.org.clock().advance(DAY * 29);
        current = text(&refresh(&client, &current).await.json(), "refresh_token");
    }
    client.org.clock().advance(DAY * 30);
    assert_eq!(oauth_error(&refresh(&client, &current).await), expired());
}

#[tokio::test]
async fn policies_decide_about_rotation_and_end() {
    let policy = |rotates, lifetime| App {
        refresh_tokens: RefreshTokenPolicy { rotates, lifetime },
        ..web_app()
    };
    let (client, body) = connected(policy(false, RefreshTokenLifetime::After(DAY))).await;
    let token = text(&body, "refresh_token");
    for _ in 0..2 {
        let answer = refresh(&client, &token).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        assert!(answer.json().get("refresh_token").is_none(), "it stays the same");
    }
    client.org.clock().advance(DAY);
    assert_eq!(oauth_error(&refresh(&client, &token).await), expired());

    let (client, body) = connected(policy(true, RefreshTokenLifetime::UntilRevoked)).await;
    client.org.clock().advance(DAY * 1_000);
    assert_eq!(refresh(&client, &text(&body, "refresh_token")).await.status, 200);

    let (_, body) = connected(policy(true, RefreshTokenLifetime::None)).await;
    assert!(body.get("refresh_token").is_none(), "{body}");
}

#[tokio::test]
async fn a_refresh_needs_its_own_app_and_that_apps_secret() {
    let (client, body) = connected(web_app()).await;
    let other = App {
        consumer_key: "other".to_owned(),
        consumer_secret: None,
        ..web_app()
    };
    client.org.register_app(other).expect("the app is taken");
    let token = text(&body, "refresh_token");
    let with = |id: &'static str| {
        let form = [
            ("grant_type", "refresh_token".to_owned()),
            ("refresh_token", token.clone()),
            ("client_id", id.to_owned()),
        ];
        client.send(client.http.post(client.url(TOKEN)).form(&form))
    };
    assert_eq!(oauth_error(&with("other").await), expired());
    assert_eq!(
        oauth_error(&with(KEY).await),
        refused("invalid_client", "invalid client credentials")
    );
    assert_eq!(refresh(&client, &token).await.status, 200, "nothing was lost");
}

#[tokio::test]
async fn revoking_ends_one_session_or_the_whole_grant() {
    let (client, body) = connected(web_app()).await;
    let revoke = async |token: &str| {
        client
            .get(&format!("/services/oauth2/revoke?token={token}"))
            .await
    };
    let (access, token) = (text(&body, "access_token"), text(&body, "refresh_token"));
    assert_eq!(revoke(&access).await.status, 200);
    assert_eq!(data_status(&client, &access).await, 401);
    let body = refresh(&client, &token).await.json();
    let (access, current) = (text(&body, "access_token"), text(&body, "refresh_token"));

    assert_eq!(
        revoke(&token).await.status,
        400,
        "a rotated token is nothing to revoke"
    );
    assert_eq!(revoke(&current).await.status, 200);
    assert_eq!(data_status(&client, &access).await, 401);
    assert_eq!(oauth_error(&refresh(&client, &current).await), expired());
    assert_eq!(
        oauth_error(&revoke(&current).await),
        refused("invalid_token", "invalid token")
    );
}

#[tokio::test]
async fn who_may_not_log_in_gets_no_new_session_but_keeps_the_grant() {
    let (client, body) = connected(web_app()).await;
    let token = text(&body, "refresh_token");
    let admin = client.org.admin_username();
    client.org.freeze_user(admin, true);
    let locked = refused("invalid_grant", "user is locked");
    assert_eq!(oauth_error(&refresh(&client, &token).await), locked);
    client.org.freeze_user(admin, false);
    assert_eq!(refresh(&client, &token).await.status, 200);
}

#[tokio::test]
async fn an_allowed_app_need_not_ask_again_unless_it_wants_to() {
    let (client, _) = connected(web_app()).await;
    let mut browser = Browser::new(&client);
    let parameters = browser.authorize(&[("prompt", "consent")]).await;
    assert!(parameters.iter().any(|(name, _)| name == "code"));
    // Logged in and allowed before: straight back.
    let address = browser.address(&[]);
    let answer = browser.open(&address).await;
    assert_eq!(answer.status, 302);
    assert!(answer.header("location").starts_with(CALLBACK));
    let silent = browser.address(&[("prompt", "none")]);
    assert!(browser.open(&silent).await.header("location").contains("code="));
    let login = browser.address(&[("prompt", "login")]);
    assert!(browser.open(&login).await.text.contains("login_form"));
    let code = browser.code(&[]).await;
    assert_eq!(exchange(&client, &code, &[]).await.status, 200);
}
