//! The pages of the authorization endpoint: who may log in, and what hostile input becomes.

#![cfg(test)]

use std::time::Duration;

use emulated_org::{App, NewUser};
use reqwest::Method;
use serde_json::json;

use super::{Browser, callback, confirmation, get, web_app};
use crate::client::Client;

async fn start() -> Client {
    let client = Client::start().await;
    client.org.register_app(web_app()).expect("the app is taken");
    client
}

#[tokio::test]
async fn a_browser_logs_in_sees_what_the_app_wants_and_allows_it() {
    let client = start().await;
    let admin = client.org.admin_username();
    let password = json!({ "username": admin, "password": "p&ss word" });
    let knob = client
        .knob(Method::POST, "/emulator/users/password", &password)
        .await;
    assert_eq!(knob.status, 204, "{}", knob.text);
    let mut browser = Browser::new(&client);
    let address = browser.address(&[("login_hint", admin)]);
    let page = browser.open(&address).await;
    assert_eq!(page.status, 200);
    assert!(
        page.text.contains(&format!("value=\"{admin}\"")),
        "the hint is filled in"
    );
    let page = browser
        .submit(&address, &[("username", admin), ("pw", "p&ss word")])
        .await;
    assert!(page.header("set-cookie").contains("HttpOnly; SameSite=Lax"));
    for words in ["Manage user data via APIs", "Perform requests at any time"] {
        assert!(page.text.contains(words), "{}", page.text);
    }
    let confirmation = confirmation(&page);
    let form = [("action", "allow"), ("confirmation", confirmation.as_str())];
    get(&callback(&browser.submit(&address, &form).await), "code");
}

#[tokio::test]
async fn who_denies_sends_the_app_away() {
    let client = start().await;
    let mut browser = Browser::new(&client);
    let address = browser.address(&[]);
    let page = browser
        .submit(&address, &[("as", client.org.admin_username())])
        .await;
    let confirmation = confirmation(&page);
    let form = [("action", "deny"), ("confirmation", confirmation.as_str())];
    let parameters = callback(&browser.submit(&address, &form).await);
    assert_eq!(get(&parameters, "error"), "access_denied");
    assert_eq!(
        get(&parameters, "error_description"),
        "end-user denied authorization"
    );
    assert_eq!(get(&parameters, "state"), "s&1");
}

#[tokio::test]
async fn no_other_site_can_allow_in_a_users_name() {
    let client = start().await;
    let mut browser = Browser::new(&client);
    let address = browser.address(&[]);
    let page = browser
        .submit(&address, &[("as", client.org.admin_username())])
        .await;
    let right = confirmation(&page);
    for forged in ["", "guessed"] {
        let form = [("action", "allow"), ("confirmation", forged)];
        assert!(browser.submit(&address, &form).await.text.contains("login_form"));
    }
    let mut stranger = Browser::new(&client);
    let form = [("action", "allow"), ("confirmation", right.as_str())];
    assert!(stranger.submit(&address, &form).await.text.contains("login_form"));
}

#[tokio::test]
async fn hostile_names_states_and_hints_stay_text() {
    let client = start().await;
    let mut browser = Browser::new(&client);
    let hostile = "\"><script>alert('1')</script>&\r\nX: y";
    let address = browser.address(&[("login_hint", hostile), ("state", hostile)]);
    let page = browser.open(&address).await;
    assert!(!page.text.contains("<script"), "{}", page.text);
    assert!(page.text.contains("&lt;script&gt;alert(&#39;1&#39;)"));
    let policy = page.header("content-security-policy");
    assert!(
        policy.starts_with("default-src 'none'") && policy.contains("frame-ancestors 'none'"),
        "{policy}"
    );
    assert!(
        policy.contains("form-action 'self' https://partner.example;"),
        "{policy}"
    );
    let page = browser
        .submit(&address, &[("as", client.org.admin_username())])
        .await;
    assert!(
        page.text.contains("Partner &lt;b&gt;sync&lt;/b&gt;"),
        "{}",
        page.text
    );
    let confirmation = confirmation(&page);
    let form = [("action", "deny"), ("confirmation", confirmation.as_str())];
    let parameters = callback(&browser.submit(&address, &form).await);
    assert_eq!(
        get(&parameters, "state"),
        hostile,
        "the app gets its state back as it was"
    );
}

#[tokio::test]
async fn wrong_passwords_lock_a_user_out_for_a_while() {
    let client = start().await;
    let admin = client.org.admin_username();
    let password = json!({ "username": admin, "password": "right" });
    client
        .knob(Method::POST, "/emulator/users/password", &password)
        .await;
    let mut browser = Browser::new(&client);
    let address = browser.address(&[]);
    for _ in 0..10 {
        let page = browser
            .submit(&address, &[("username", admin), ("pw", "wrong")])
            .await;
        assert!(page.text.contains("Please check your username and password."));
        assert_eq!(page.header("set-cookie"), "");
    }
    let right = [("username", admin), ("pw", "right")];
    assert!(
        browser
            .submit(&address, &right)
            .await
            .text
            .contains("Please check")
    );
    client.org.clock().advance(Duration::from_secs(16 * 60));
    assert!(
        browser
            .submit(&address, &right)
            .await
            .text
            .contains("Allow Access?")
    );
}

#[tokio::test]
async fn inactive_frozen_and_unknown_users_cannot_log_in() {
    let client = start().await;
    let gone = NewUser {
        first_name: "Ines".to_owned(),
        last_name: "Gone".to_owned(),
        username: "gone@northwind.example".to_owned(),
        is_active: false,
    };
    client.org.create_user(&gone).expect("a user");
    client.org.freeze_user(client.org.integration_username(), true);
    let mut browser = Browser::new(&client);
    let address = browser.address(&[]);
    for username in [
        "gone@northwind.example",
        client.org.integration_username(),
        "nobody",
    ] {
        let page = browser.submit(&address, &[("as", username)]).await;
        assert!(page.text.contains("Please check"), "{username}");
    }
    // A user frozen while logged in is logged out.
    let admin = client.org.admin_username();
    assert!(
        browser
            .submit(&address, &[("as", admin)])
            .await
            .text
            .contains("Allow Access?")
    );
    client.org.freeze_user(admin, true);
    assert!(browser.open(&address).await.text.contains("login_form"));
}

#[tokio::test]
async fn a_custom_scheme_of_a_native_app_is_a_callback_too() {
    let client = Client::start().await;
    let callback = "causeway.partner:/done";
    let app = App {
        callback_urls: vec![callback.to_owned()],
        ..web_app()
    };
    client.org.register_app(app).expect("the app is taken");
    let mut browser = Browser::new(&client);
    let address = browser.address(&[("redirect_uri", callback)]);
    let page = browser
        .submit(&address, &[("as", client.org.admin_username())])
        .await;
    let policy = page.header("content-security-policy");
    assert!(
        policy.contains("form-action 'self' causeway.partner:;"),
        "{policy}"
    );
    let confirmation = confirmation(&page);
    let form = [("action", "allow"), ("confirmation", confirmation.as_str())];
    let answer = browser.submit(&address, &form).await;
    assert!(
        answer
            .header("location")
            .starts_with("causeway.partner:/done?code="),
        "{}",
        answer.header("location")
    );
    for wrong in [
        "http://partner.example/",
        "https://partner.example/#part",
        "javascript:alert(1)",
        "no address",
        "https://partner.example/\r\nX: y",
    ] {
        let app = App {
            callback_urls: vec![wrong.to_owned()],
            ..web_app()
        };
        assert!(client.org.register_app(app).is_err(), "{wrong:?}");
    }
}
