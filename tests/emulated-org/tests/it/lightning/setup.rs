//! What administrators do in Setup, and what pages show then.

use reqwest::Method;
use serde_json::json;

use super::{Browser, NINA, names};

const TRUSTED: &str = "/lightning/data/setup/trusted-urls";
const REMOTE: &str = "/lightning/data/setup/remote-sites";

#[tokio::test]
async fn setup_is_for_those_who_may_customize() {
    let browser = Browser::of_nina().await;
    for page in [
        "remote-sites",
        "trusted-urls",
        "permission-sets",
        "layouts/Contact",
        "record-pages/Contact",
    ] {
        let answer = browser.open(&format!("/lightning/data/setup/{page}")).await;
        assert_eq!(answer.status, 403, "{page}");
        let message = answer.json()["message"].as_str().expect("words").to_owned();
        assert!(message.starts_with("Insufficient Privileges"), "{message}");
    }
    let site = json!({ "name": "Mine", "url": "https://evil.example", "frameSrc": true });
    assert_eq!(browser.ask(Method::POST, TRUSTED, &site).await.status, 403);
}

#[tokio::test]
async fn frames_are_of_trusted_urls_alone() {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("index.html"), "shell").expect("a file");
    let mut browser = Browser::start_with(emulated_org::Options {
        lightning: Some(folder.path().to_owned()),
        ..emulated_org::Options::default()
    })
    .await;
    let admin = browser.client.org.admin_username();
    browser.log_in(admin).await;
    let policy = async || {
        let page = browser.open("/lightning/page/home").await;
        page.header("content-security-policy").to_owned()
    };
    assert!(
        policy()
            .await
            .contains("frame-src 'self' https://gateway.causeway.example;")
    );
    let put = async |name: &str, url: &str, more: serde_json::Value| {
        let mut site = json!({ "name": name, "url": url });
        site.as_object_mut()
            .expect("an object")
            .extend(more.as_object().expect("an object").clone());
        browser.ask(Method::POST, TRUSTED, &site).await
    };
    let own = "https://gateway.fabrikam.example:8443";
    assert_eq!(put("Own", own, json!({ "frameSrc": true })).await.status, 200);
    assert!(policy().await.contains(&format!(" {own};")));
    for off in [
        json!({ "frameSrc": true, "isActive": false }),
        json!({}),
        json!({ "frameSrc": true, "context": "VisualForce" }),
    ] {
        assert_eq!(put("Own", own, off.clone()).await.status, 200);
        assert!(!policy().await.contains(own), "{off}");
    }
    for wrong in [
        "gateway.example",
        "javascript:alert(1)",
        "https://a.example; script-src *",
        "",
    ] {
        assert_eq!(
            put("Wrong", wrong, json!({ "frameSrc": true })).await.status,
            400,
            "{wrong}"
        );
    }
    let twice = put("Not a name", own, json!({})).await;
    assert_eq!(twice.json()["errors"][0]["field"], "DeveloperName");
    assert_eq!(
        browser
            .ask(Method::DELETE, &format!("{TRUSTED}/Causeway_Gateway"), &json!({}))
            .await
            .status,
        200
    );
    assert!(policy().await.contains("frame-src 'self';"));
}

#[tokio::test]
async fn apex_calls_what_a_remote_site_setting_lists() {
    let browser = Browser::of_admin().await;
    let sites = browser.data("setup/remote-sites").await;
    assert_eq!(names(&sites), ["Causeway_Gateway"]);
    // Nobody listens there: what is refused is the address, then the connection.
    let program = "HttpRequest r = new HttpRequest(); r.setEndpoint('http://127.0.0.1:9/x'); r.setMethod('GET');\
                   try { new Http().send(r); } catch (System.CalloutException e) { insert new Account(Name = e.getMessage().left(80)); }";
    let run = async || {
        let path = format!(
            "/services/data/v68.0/tooling/executeAnonymous?anonymousBody={}",
            percent_encoding::utf8_percent_encode(program, percent_encoding::NON_ALPHANUMERIC)
        );
        let answer = browser.client.get(&path).await;
        assert_eq!(answer.json()["success"], true, "{}", answer.text);
        browser.data("lookup/Account").await
    };
    assert!(names(&run().await)[0].starts_with("Unauthorized endpoint"));
    let site = json!({ "name": "Own", "url": "http://127.0.0.1:9" });
    assert_eq!(browser.ask(Method::POST, REMOTE, &site).await.status, 200);
    assert!(names(&run().await)[0].starts_with("Connection refused"));
    assert_eq!(
        browser
            .ask(Method::DELETE, &format!("{REMOTE}/Own"), &json!({}))
            .await
            .status,
        200
    );
    assert_eq!(
        browser
            .ask(Method::DELETE, &format!("{REMOTE}/Own"), &json!({}))
            .await
            .status,
        404
    );
}

#[tokio::test]
async fn permission_sets_are_assigned_and_taken_away() {
    let browser = Browser::of_admin().await;
    let nina = browser.make_nina();
    let sets = browser.data("setup/permission-sets").await;
    let listed = names(&sets);
    assert!(
        listed.contains(&"Causeway_Admin") && listed.contains(&"Causeway_User"),
        "{listed:?}"
    );
    let path = "/lightning/data/setup/permission-sets/Causeway_Admin/assignments";
    let user = json!({ "userId": nina });
    assert_eq!(browser.ask(Method::POST, path, &user).await.status, 200);
    let sets = browser.data("setup/permission-sets").await;
    let admin = sets
        .as_array()
        .expect("sets")
        .iter()
        .find(|set| set["name"] == "Causeway_Admin")
        .expect("the set");
    assert_eq!(
        admin["assigned"],
        json!([{ "userId": nina, "name": "Nina Berg", "username": NINA }])
    );
    assert!(!admin["assignable"].to_string().contains(NINA));
    assert_eq!(browser.ask(Method::DELETE, path, &user).await.status, 200);
    let nothing = "/lightning/data/setup/permission-sets/None/assignments";
    assert_eq!(browser.ask(Method::POST, nothing, &user).await.status, 404);
}

#[tokio::test]
async fn an_administrator_assigns_layouts_and_activates_record_pages() {
    let browser = Browser::of_admin().await;
    let id = browser
        .client
        .create("Contact", json!({ "LastName": "Lind" }))
        .await;
    let layouts = browser.data("setup/layouts/Contact").await;
    assert_eq!(
        layouts["layouts"],
        json!(["Contact-Contact Layout", "Contact-Causeway Contact Layout"])
    );
    let own = "Contact-Causeway Contact Layout";
    let wanted = json!({ "assignments": [{ "profile": "System Administrator", "layout": own }] });
    let path = "/lightning/data/setup/layouts/Contact";
    assert_eq!(browser.ask(Method::PUT, path, &wanted).await.status, 200);
    let record = format!("records/Contact/{id}");
    assert_eq!(browser.data(&record).await["layout"]["name"], own);
    let unknown = json!({ "assignments": [{ "profile": "System Administrator", "layout": "Contact-None" }] });
    assert_eq!(browser.ask(Method::PUT, path, &unknown).await.status, 404);

    let path = "/lightning/data/setup/record-pages/Contact";
    let pages = browser.data("setup/record-pages/Contact").await;
    assert_eq!(
        (names(&pages["pages"]), &pages["active"]),
        (vec!["Causeway_Contact_Record"], &json!(null))
    );
    let active = json!({ "active": "Causeway_Contact_Record" });
    assert_eq!(browser.ask(Method::PUT, path, &active).await.status, 200);
    let page = browser.data(&record).await["page"].clone();
    assert_eq!(page["name"], "Causeway_Contact_Record");
    let regions = page["regions"].as_array().expect("regions");
    assert_eq!(
        regions[0],
        json!({ "name": "header", "items": [{ "kind": "highlights" }] })
    );
    assert_eq!(
        regions[1]["items"][0],
        json!({ "kind": "tabset", "tabs": [
            { "label": "Details", "items": [{ "kind": "detail" }] },
            { "label": "Related", "items": [{ "kind": "relatedLists" }] },
        ] })
    );
    let side = &regions[2]["items"];
    assert_eq!(
        side[0],
        json!({ "kind": "component", "component": "recordPanel", "properties": {} })
    );
    assert_eq!(
        side[1],
        json!({ "kind": "unknown", "component": "runtime_sales_activities:activityPanel" })
    );
    assert_eq!(
        browser
            .ask(Method::PUT, path, &json!({ "active": null }))
            .await
            .status,
        200
    );
    assert_eq!(browser.data(&record).await["page"]["name"], "Default");
}
