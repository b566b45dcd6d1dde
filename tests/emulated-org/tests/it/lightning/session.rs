//! Logging in, the shell, the context, and calls of controllers.

use emulated_org::Options;
use reqwest::Method;
use serde_json::{Value as Json, json};

use super::{Browser, NINA, PASSWORD, names};

const WRONG: &str = "Please check your username and password. If you still can";

#[tokio::test]
async fn who_is_not_logged_in_is_sent_to_the_login_page_and_comes_back_to_the_page_asked_for() {
    let browser = Browser::start().await;
    browser.make_nina();
    browser.give_password(NINA).await;
    let wanted = "/lightning/n/Connection_Settings?x=1";
    let answer = browser.open(wanted).await;
    assert_eq!(answer.status, 302);
    let login = answer.header("location").to_owned();
    assert!(login.starts_with("/login?startURL=%2Flightning"), "{login}");
    let page = browser.open(&login).await;
    assert!(
        page.text
            .contains("name=\"startURL\" value=\"/lightning/n/Connection_Settings?x=1\"")
    );
    let answer = browser.submit(NINA, PASSWORD, wanted).await;
    assert_eq!((answer.status, answer.header("location")), (303, wanted));
    let cookie = answer.header("set-cookie");
    for part in ["sid=", "Path=/", "HttpOnly", "SameSite=Lax"] {
        assert!(cookie.contains(part), "{cookie}");
    }
    for elsewhere in ["https://evil.example/", "//evil.example", "/\\evil.example"] {
        let answer = browser.submit(NINA, PASSWORD, elsewhere).await;
        assert_eq!(answer.header("location"), "/lightning/page/home");
    }
}

#[tokio::test]
async fn wrong_passwords_frozen_and_inactive_users_get_the_same_words() {
    let browser = Browser::start().await;
    browser.make_nina();
    browser.give_password(NINA).await;
    for (username, password) in [
        (NINA, "wrong"),
        ("nobody@northwind.example", PASSWORD),
        (NINA, ""),
    ] {
        let answer = browser.submit(username, password, "/").await;
        assert!(
            answer.status == 200 && answer.text.contains(WRONG),
            "{}",
            answer.text
        );
        assert_eq!(answer.header("set-cookie"), "");
    }
    browser.client.org.freeze_user(NINA, true);
    assert!(browser.submit(NINA, PASSWORD, "/").await.text.contains(WRONG));
    browser.client.org.freeze_user(NINA, false);
    assert_eq!(browser.submit(NINA, PASSWORD, "/").await.status, 303);
}

#[tokio::test]
async fn a_session_ends_with_log_out_and_with_the_users_freezing() {
    let browser = Browser::of_nina().await;
    assert_eq!(browser.open("/lightning/data/context").await.status, 200);
    browser.client.org.freeze_user(NINA, true);
    assert_eq!(browser.open("/lightning/data/context").await.status, 401);
    browser.client.org.freeze_user(NINA, false);
    let answer = browser.open("/secur/logout.jsp").await;
    assert_eq!((answer.status, answer.header("location")), (303, "/login"));
    assert_eq!(browser.open("/lightning/data/context").await.status, 401);
}

#[tokio::test]
async fn the_cookie_opens_no_door_of_the_api() {
    let browser = Browser::of_admin().await;
    let answer = browser.open("/services/data/v68.0/limits").await;
    assert_eq!(answer.refusal(), (401, "INVALID_SESSION_ID".to_owned()));
}

#[tokio::test]
async fn the_app_and_its_tabs_are_there_for_whom_they_are_given() {
    let browser = Browser::of_nina().await;
    let context = browser.data("context").await;
    assert_eq!(context["user"]["username"], NINA);
    assert_eq!(context["user"]["isAdmin"], false);
    assert_eq!(names(&context["apps"]), ["standard__LightningSales"]);
    let tabs = names(&context["tabs"]).join(" ");
    assert!(
        tabs.contains("standard-Contact") && !tabs.contains("Connection_Settings"),
        "{tabs}"
    );

    browser.assign("Causeway_User", NINA);
    let context = browser.data("context").await;
    let causeway = app(&context, "Causeway");
    assert_eq!(
        names(&causeway["tabs"]),
        [
            "standard-Account",
            "standard-Contact",
            "standard-Lead",
            "standard-Opportunity"
        ]
    );

    browser.assign("Causeway_Admin", NINA);
    let context = browser.data("context").await;
    let tabs = &app(&context, "Causeway")["tabs"];
    assert_eq!(
        names(tabs),
        [
            "Synchronization_Information",
            "Connection_Settings",
            "standard-Account",
            "standard-Contact",
            "standard-Lead",
            "standard-Opportunity",
            "Outbox__c"
        ]
    );
    assert_eq!(
        tabs[1],
        json!({ "name": "Connection_Settings", "label": "Connection Settings", "kind": "component",
                "icon": "custom:custom67", "component": "connectionSettings" })
    );
    assert_eq!(tabs[6]["object"], "Outbox__c");
}

fn app<'j>(context: &'j Json, name: &str) -> &'j Json {
    let apps = context["apps"].as_array().expect("apps");
    apps.iter().find(|app| app["name"] == name).expect("the app")
}

#[tokio::test]
async fn controllers_run_for_the_sessions_user_who_needs_access_to_their_class() {
    let browser = Browser::of_nina().await;
    let call = "/lightning/apex/ConnectionSettingsController/read";
    let refused = browser.ask(Method::POST, call, &json!({})).await;
    assert_eq!(refused.status, 403, "{}", refused.text);
    let message = "You do not have access to the Apex class named 'ConnectionSettingsController'.";
    assert_eq!(refused.json()["message"], message);
    browser.assign("Causeway_Admin", NINA);
    let answer = browser.ask(Method::POST, call, &json!({})).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    let path = "/lightning/apex/ConnectionSettingsController/nothing";
    assert_eq!(browser.ask(Method::POST, path, &json!({})).await.status, 404);
}

#[tokio::test]
async fn what_another_site_could_send_changes_nothing() {
    let browser = Browser::of_admin().await;
    let call = "/lightning/apex/ConnectionSettingsController/read";
    let answer = browser.client.send(browser.request(Method::POST, call)).await;
    assert_eq!(answer.status, 403, "{}", answer.text);
    let without_session = browser.client.http.post(browser.client.url(call));
    assert_eq!(browser.client.send(without_session).await.status, 401);
}

#[tokio::test]
async fn no_request_of_a_page_costs_a_call() {
    let browser = Browser::of_admin().await;
    let used = |answer: &Json| {
        answer["DailyApiRequests"]["Remaining"]
            .as_u64()
            .expect("a number")
    };
    let before = used(&browser.client.get("/services/data/v68.0/limits").await.json());
    browser.data("context").await;
    let call = "/lightning/apex/ConnectionSettingsController/read";
    assert_eq!(browser.ask(Method::POST, call, &json!({})).await.status, 200);
    let after = used(&browser.client.get("/services/data/v68.0/limits").await.json());
    assert_eq!(before - after, 1, "the second look at the limits alone");
}

#[tokio::test]
async fn without_the_bundle_a_page_says_how_to_build_it() {
    let browser = Browser::of_nina().await;
    let page = browser.open("/lightning/page/home").await;
    assert_eq!(page.status, 503);
    assert!(page.text.contains("scripts/lightning-pages"), "{}", page.text);
}

#[tokio::test]
async fn every_address_shows_the_shell_and_its_files_stay_in_their_folder() {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::create_dir(folder.path().join("assets")).expect("a folder");
    std::fs::write(folder.path().join("index.html"), "<!doctype html><p>the shell").expect("a file");
    std::fs::write(folder.path().join("assets/app.js"), "export {}").expect("a file");
    std::fs::write(folder.path().join("secret.js"), "secret").expect("a file");
    let mut browser = Browser::start_with(Options {
        lightning: Some(folder.path().to_owned()),
        ..Options::default()
    })
    .await;
    browser.make_nina();
    browser.log_in(NINA).await;
    for address in [
        "/lightning/page/home",
        "/lightning/r/Contact/003000000000001/view",
        "/lightning",
    ] {
        let page = browser.open(address).await;
        assert!(
            page.status == 200 && page.text.contains("the shell"),
            "{address}: {}",
            page.text
        );
        let policy = page.header("content-security-policy");
        for part in [
            "default-src 'self'; script-src 'self';",
            "object-src 'none'",
            "frame-ancestors 'self'",
            // What the package trusts.
            "frame-src 'self' https://gateway.causeway.example;",
            "connect-src 'self';",
        ] {
            assert!(policy.contains(part), "{part}: {policy}");
        }
    }
    let file = browser.open("/lightning/assets/app.js").await;
    assert_eq!(file.text, "export {}");
    assert_eq!(file.header("content-type"), "text/javascript;charset=utf-8");
    let tag = file.header("etag").to_owned();
    let again = browser
        .request(Method::GET, "/lightning/assets/app.js")
        .header("if-none-match", tag);
    assert_eq!(browser.client.send(again).await.status, 304);
    for climbing in ["/lightning/assets/..%2fsecret.js", "/lightning/assets/none.js"] {
        assert_eq!(browser.open(climbing).await.status, 404, "{climbing}");
    }
}
