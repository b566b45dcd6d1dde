//! What the org's admin sets, and what follows from it.

use causeway::app::settings::{self, NewSettings, SettingsError};
use causeway::app::sync::{self, StartError, SyncEnd};
use causeway_core::id::SalesforceId;
use causeway_core::ports::Lane;
use causeway_core::ports::connections::{Connection, PartnerUser};
use causeway_core::ports::runs::RunKind;
use causeway_core::ports::settings::AdminSettings;
use causeway_core::record::FieldValue;
use emulated_org::Value as OrgValue;
use reqwest::{Response, StatusCode};
use serde_json::{Value, json};

use crate::gateway::{Gateway, problem};
use crate::linked::{Linked, partner_user, quick_options};

async fn save(linked: &Linked, new: NewSettings) -> Result<AdminSettings, SettingsError> {
    let id = linked.connection;
    let known: Connection = linked
        .app
        .store
        .read(move |tx| tx.connection(id))
        .await
        .unwrap()
        .unwrap();
    settings::save(&linked.app, &known, new, None).await
}

fn account(name: &str) -> NewSettings {
    NewSettings {
        account_name: Some(name.to_owned()),
        ..NewSettings::default()
    }
}

fn owner(name: &str) -> NewSettings {
    NewSettings {
        data_owner: Some(name.to_owned()),
        ..NewSettings::default()
    }
}

fn fields(error: &SettingsError) -> Vec<&str> {
    match error {
        SettingsError::Wrong(errors) => errors.iter().map(|error| error.field.as_str()).collect(),
        other => panic!("{other:?}"),
    }
}

async fn set_users(linked: &Linked, users: Vec<PartnerUser>) {
    let id = linked.connection;
    linked
        .app
        .store
        .write(Lane::Interactive, move |tx| tx.put_partner_users(id, &users))
        .await
        .unwrap();
}

fn seed(linked: &Linked, name: &str) {
    let row = vec![("LastName", OrgValue::text(name))];
    linked.org.seed("Contact", [row]).unwrap();
}

async fn owners(linked: &Linked) -> Vec<String> {
    let records = linked.records("contact").await;
    records.into_iter().map(|record| record.owner).collect()
}

#[tokio::test]
async fn the_data_owner_owns_what_has_no_owner_and_no_sync_starts_without_that_user() {
    let ada = partner_user("u-ada", "ada@partner.example");
    let linked = Linked::mapped(quick_options(), vec![ada.clone()]).await;
    seed(&linked, "Before");
    linked.sync().await;
    assert_eq!(owners(&linked).await, ["u-default"]);

    let saved = save(&linked, owner("Ada@Partner.example")).await.unwrap();
    assert_eq!(saved.data_owner.unwrap().user, "u-ada");
    seed(&linked, "After");
    linked.sync().await;
    assert_eq!(
        owners(&linked).await,
        ["u-default", "u-ada"],
        "what is there stays as it is"
    );

    let queued = linked.queue_sync().await;
    let gone = PartnerUser {
        active: false,
        ..ada.clone()
    };
    set_users(&linked, vec![gone]).await;
    let refused = sync::start(&linked.app, linked.connection, RunKind::Instant, Vec::new()).await;
    let Err(StartError::DataOwnerGone { user }) = refused else {
        panic!("{refused:?}")
    };
    assert_eq!(user, "Ada@Partner.example");
    let SyncEnd::Failed { error } = linked.work_on(queued).await else {
        panic!("it was not failed")
    };
    assert!(error.contains("Ada@Partner.example"), "{error}");
    set_users(&linked, vec![ada]).await;
    linked.sync_kind(RunKind::Instant).await;
}

#[tokio::test]
async fn a_contact_that_names_no_account_is_attached_to_the_admins_and_never_again() {
    let linked = Linked::both_ways(quick_options()).await;
    let named = |name: &str| vec![("Name", OrgValue::text(name))];
    let accounts = linked
        .org
        .seed("Account", [named("Acme"), named("Globex")])
        .unwrap();
    linked.sync().await;
    let saved = save(&linked, account("Acme")).await.unwrap();
    let acme = SalesforceId::parse(accounts[0].as_str()).unwrap();
    assert_eq!(saved.default_account.unwrap().id, Some(acme));

    let globex = json!({"salesforceId": accounts[1].as_str()});
    let posted = linked
        .post(
            "contact",
            &[
                json!({"fields": {"last_name": "Alone"}}),
                json!({"fields": {"last_name": "Null", "account": null}}),
                json!({"fields": {"last_name": "Theirs", "account": globex}}),
            ],
        )
        .await;
    linked.drain_outbox().await;
    let attached = async || {
        let rows = linked
            .rows("SELECT LastName, AccountId FROM Contact ORDER BY LastName")
            .await;
        let text = |value: &Value| value.as_str().unwrap_or("none").to_owned();
        rows.iter()
            .map(|row| (text(&row["LastName"]), text(&row["AccountId"])))
            .collect::<Vec<_>>()
    };
    let of = |name: &str, account: &str| (name.to_owned(), account.to_owned());
    let (acme, globex) = (accounts[0].as_str(), accounts[1].as_str());
    assert_eq!(
        attached().await,
        [of("Alone", acme), of("Null", acme), of("Theirs", globex)]
    );

    // Neither side takes it for an edit: nothing more is written.
    let writes = linked.org.request_log().total();
    linked.sync().await;
    linked.drain_outbox().await;
    linked.sync_kind(RunKind::Instant).await;
    assert!(linked.org.request_log().total() > writes);
    assert_eq!(linked.outbox().await.links, 0);
    assert_eq!(
        attached().await,
        [of("Alone", acme), of("Null", acme), of("Theirs", globex)]
    );
    // An update attaches nothing.
    let id = posted[2].to_string();
    linked
        .post("contact", &[json!({"id": id, "fields": {"account": null}})])
        .await;
    linked.drain_outbox().await;
    assert_eq!(attached().await[2], of("Theirs", "none"));
    let held = linked.records("contact").await;
    let theirs = held.iter().find(|record| record.id == posted[2]).unwrap();
    assert_eq!(theirs.fields["account"], FieldValue::Null);
}

#[tokio::test]
async fn a_contact_mapped_without_its_account_is_attached_all_the_same() {
    let linked = Linked::both_ways(quick_options()).await;
    let admin = linked.admin().await;
    let mut contact = crate::linked::two_way_documents(&admin).remove(1);
    contact.fields.pop();
    linked.map(&contact).await;
    let acme = linked
        .org
        .seed("Account", [vec![("Name", OrgValue::text("Acme"))]])
        .unwrap();
    save(&linked, account("Acme")).await.unwrap();
    linked
        .post("contact", &[json!({"fields": {"last_name": "Alone"}})])
        .await;
    linked.drain_outbox().await;
    let rows = linked.rows("SELECT AccountId FROM Contact").await;
    assert_eq!(rows[0]["AccountId"], acme[0].as_str());
    linked.map(&contact).await;
    let plans = linked.connection;
    let plans = linked.app.store.read(move |tx| tx.plans(plans)).await.unwrap();
    let revision = plans.iter().find(|plan| plan.partner_object == "contact");
    assert_eq!(
        revision.unwrap().revision.0,
        2,
        "a setting makes no new revision of a mapping"
    );
}

#[tokio::test]
async fn an_account_that_no_or_several_records_are_named_by_is_refused_and_one_is_found_later() {
    let linked = Linked::both_ways(quick_options()).await;
    let named = |name: &str| vec![("Name", OrgValue::text(name))];
    linked
        .org
        .seed("Account", [named("Twin"), named("Twin"), named("O'Hara \\ Sons")])
        .unwrap();
    let none = save(&linked, account("Nobody")).await.unwrap_err();
    assert_eq!(fields(&none), ["accountName"]);
    let several = save(&linked, account("Twin")).await.unwrap_err();
    assert_eq!(fields(&several), ["accountName"]);
    let quoted = save(&linked, account(" O'Hara \\ Sons ")).await.unwrap();
    assert!(quoted.default_account.unwrap().id.is_some());

    // Where the org cannot be asked, the account is looked up before anything is written to it.
    linked.org.faults().answer_next(1_000, 503, "SERVER_UNAVAILABLE");
    let later = save(&linked, account("Later")).await.unwrap();
    assert_eq!(later.default_account.unwrap().id, None);
    linked.org.faults().clear();
    linked
        .post("contact", &[json!({"fields": {"last_name": "Waits"}})])
        .await;
    linked.write_once().await;
    assert_eq!(linked.rows("SELECT Id FROM Contact").await.len(), 0);
    assert_eq!(linked.outbox().await.links, 1, "it waits for the account");
    let made = linked.org.seed("Account", [named("Later")]).unwrap();
    linked.drain_outbox().await;
    let rows = linked.rows("SELECT AccountId FROM Contact").await;
    assert_eq!(rows[0]["AccountId"], made[0].as_str());
}

async fn put(gateway: &Gateway, what: &str, body: &Value, if_match: Option<&str>) -> Response {
    let url = format!("{}/v1/connection/{what}", gateway.url());
    let mut request = gateway
        .http
        .put(url)
        .bearer_auth(gateway.token("partner"))
        .json(body);
    if let Some(revision) = if_match {
        request = request.header("If-Match", revision);
    }
    request.send().await.unwrap()
}

#[tokio::test]
async fn over_http_settings_are_saved_together_or_not_at_all() {
    let gateway = Gateway::start().await;
    let body = json!({"dataOwner": "ada@example.com", "accountName": null, "microSiteKey": " site ", "frameName": ""});
    let answer = put(&gateway, "settings", &body, Some("\"0\"")).await;
    assert_eq!(answer.status(), StatusCode::OK);
    let tag = answer.headers()["etag"].to_str().unwrap().to_owned();
    let saved: Value = answer.json().await.unwrap();
    assert_eq!(
        saved,
        json!({"dataOwner": "ada@example.com", "accountName": null, "accountId": null, "microSiteKey": "site",
            "frameName": null, "revision": 1})
    );
    let shown = async || gateway.get_json("partner", "/v1/connection").await["settings"].clone();
    assert_eq!(shown().await, saved);
    for (member, value) in [
        ("dataOwner", json!("nobody@example.com")),
        ("dataOwner", json!(7)),
        ("microSiteKey", json!("x".repeat(201))),
        ("frameName", json!("two\nlines")),
        ("apiSecret", json!("typed")),
    ] {
        let mut wrong = body.clone();
        wrong["frameName"] = json!("other");
        wrong[member] = value;
        let refused = problem(put(&gateway, "settings", &wrong, None).await, "invalid-fields").await;
        assert_eq!(refused["errors"][0]["field"], member, "{refused}");
    }
    let refused = put(&gateway, "settings", &json!({"dataOwner": null}), None).await;
    let refused = problem(refused, "invalid-fields").await;
    assert_eq!(refused["errors"].as_array().unwrap().len(), 3, "{refused}");
    assert_eq!(shown().await, saved);

    assert_eq!(
        put(&gateway, "settings", &body, Some(&tag)).await.status(),
        StatusCode::OK
    );
    problem(
        put(&gateway, "settings", &body, Some(&tag)).await,
        "settings-changed",
    )
    .await;
    problem(
        put(&gateway, "settings", &body, Some("1")).await,
        "invalid-parameters",
    )
    .await;
    let other = gateway.get_json("other-partner", "/v1/connection").await;
    assert_eq!(other["settings"]["revision"], 0, "another connection has its own");
    gateway.stop().await;
}

#[tokio::test]
async fn over_http_instant_syncs_are_switched_within_bounds() {
    let gateway = Gateway::start().await;
    let before = gateway.get_json("partner", "/v1/connection").await;
    assert_eq!(
        (
            &before["instant"]["enabled"],
            &before["instant"]["intervalMinutes"]
        ),
        (&json!(false), &Value::Null)
    );
    let order = |enabled: bool, minutes: i64| json!({"enabled": enabled, "intervalMinutes": minutes});
    for minutes in [4, 1_441, -1, i64::MAX] {
        let refused = put(&gateway, "instant", &order(true, minutes), None).await;
        let refused = problem(refused, "invalid-fields").await;
        assert_eq!(refused["errors"][0]["field"], "intervalMinutes", "{refused}");
    }
    let answer = put(&gateway, "instant", &order(true, 5), None).await;
    assert_eq!(answer.status(), StatusCode::OK);
    let off: Value = put(&gateway, "instant", &order(false, 30), None)
        .await
        .json()
        .await
        .unwrap();
    assert_eq!(
        (&off["enabled"], &off["intervalMinutes"]),
        (&json!(false), &json!(30))
    );
    let shown = gateway.get_json("partner", "/v1/connection").await;
    assert_eq!(shown["instant"], off);
    assert_eq!(shown["settings"]["revision"], 2);
    gateway.stop().await;
}

#[tokio::test]
async fn an_instant_sync_comes_when_the_admin_says_whatever_the_gateway_is_configured_with() {
    let linked = Linked::mapped(quick_options(), Vec::new()).await;
    linked.sync().await;
    let count = async || {
        let id = linked.connection;
        let runs = linked
            .app
            .store
            .read(move |tx| tx.runs(id, causeway_core::ports::runs::RunFilter::default(), None, 100));
        let runs = runs.await.unwrap();
        runs.iter().filter(|run| run.kind == RunKind::Instant).count()
    };
    let schedule = async |enabled: bool| {
        let schedule = causeway_core::ports::settings::InstantSchedule {
            enabled,
            interval_minutes: 5,
        };
        settings::save_instant(&linked.app, linked.connection, schedule, None)
            .await
            .unwrap();
    };
    sync::start_due(&linked.app, None).await.unwrap();
    assert_eq!(count().await, 0);
    schedule(false).await;
    sync::start_due(&linked.app, Some(std::time::Duration::ZERO))
        .await
        .unwrap();
    assert_eq!(count().await, 0, "the admin switched them off");
    schedule(true).await;
    sync::start_due(&linked.app, None).await.unwrap();
    assert_eq!(count().await, 1);
}
