//! Record pages, saving, list views and lookups.

use emulated_org::access::PermissionSetDefinition;
use reqwest::Method;
use serde_json::{Value as Json, json};

use super::{Browser, NINA};
use crate::client::V;

const CONTACTS: &str = "/lightning/data/records/Contact";

impl Browser {
    async fn make(&self, object: &str, fields: Json) -> String {
        let path = format!("/lightning/data/records/{object}");
        let answer = self.ask(Method::POST, &path, &json!({ "fields": fields })).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        answer.json()["id"].as_str().expect("an id").to_owned()
    }
}

/// Field, code and message of the first error.
fn first_error(answer: &crate::client::Answer) -> (u16, String, String, String) {
    let body = answer.json();
    let error = &body["errors"][0];
    let text = |name: &str| error[name].as_str().unwrap_or_default().to_owned();
    (answer.status, text("field"), text("code"), text("message"))
}

fn fields_of(layout: &Json) -> Vec<&str> {
    let items = items_of(layout);
    items.filter_map(|item| item["field"].as_str()).collect()
}

fn items_of(layout: &Json) -> impl Iterator<Item = &Json> {
    let sections = layout["sections"].as_array().expect("sections");
    let columns = sections
        .iter()
        .flat_map(|section| section["columns"].as_array().expect("columns"));
    columns.flat_map(|column| column.as_array().expect("items"))
}

#[tokio::test]
async fn a_record_is_made_shown_changed_and_deleted() {
    let browser = Browser::of_nina().await;
    let account = browser.make("Account", json!({ "Name": "Fabrikam" })).await;
    let fields =
        json!({ "LastName": "Lind", "FirstName": "Eva", "AccountId": account, "MailingCity": "Bern" });
    let id = browser.make("Contact", fields).await;
    let page = browser.data(&format!("records/Contact/{id}")).await;
    assert_eq!(page["name"], "Eva Lind");
    assert_eq!(
        (&page["canEdit"], &page["canDelete"]),
        (&json!(true), &json!(true))
    );
    assert_eq!(
        page["values"]["AccountId"],
        json!({ "value": account, "display": "Fabrikam", "id": account, "object": "Account" })
    );
    assert_eq!(page["values"]["MailingAddress"]["display"], "Bern");
    assert_eq!(page["page"]["name"], "Default");
    assert_eq!(page["layout"]["name"], "Contact-Contact Layout");

    let path = format!("{CONTACTS}/{id}");
    let version = page["values"]["SystemModstamp"]["value"].clone();
    browser
        .client
        .org
        .clock()
        .advance(std::time::Duration::from_secs(5));
    let change = json!({ "fields": { "Title": "Buyer" }, "version": version });
    let answer = browser.ask(Method::PATCH, &path, &change).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    let again = browser.ask(Method::PATCH, &path, &change).await;
    assert_eq!(again.status, 409);
    let message = again.json()["message"].as_str().expect("words").to_owned();
    assert!(
        message.contains("was modified by Nina Berg during your edit session"),
        "{message}"
    );

    assert_eq!(browser.ask(Method::DELETE, &path, &json!({})).await.status, 200);
    assert_eq!(browser.open(&path).await.status, 404);
}

#[tokio::test]
async fn what_the_object_or_a_rule_refuses_is_said_of_its_field() {
    let browser = Browser::of_nina().await;
    let make = async |fields: Json| {
        browser
            .ask(Method::POST, CONTACTS, &json!({ "fields": fields }))
            .await
    };
    let (status, field, code, _) = first_error(&make(json!({ "FirstName": "Eva" })).await);
    assert_eq!(
        (status, field.as_str(), code.as_str()),
        (400, "LastName", "REQUIRED_FIELD_MISSING")
    );
    let (status, field, code, message) = first_error(&make(json!({ "LastName": "L", "Email": "no" })).await);
    assert_eq!(
        (status, field.as_str(), code.as_str()),
        (400, "Email", "INVALID_EMAIL_ADDRESS")
    );
    assert!(message.contains("invalid email address: no"), "{message}");
    // The package's own field is not given to Nina, so for her it is not there.
    let (status, _, code, _) = first_error(&make(json!({ "LastName": "L", "Partner_Id__c": "p" })).await);
    assert_eq!((status, code.as_str()), (400, "INVALID_FIELD"));
    assert_eq!(
        browser.open("/lightning/data/objects/Outbox__c").await.status,
        404
    );
}

#[tokio::test]
async fn the_layout_is_that_of_the_profile_and_asks_for_what_it_requires() {
    let browser = Browser::of_nina().await;
    browser.assign("Causeway_User", NINA);
    let blank = browser.data("records/Opportunity/new").await;
    assert_eq!(blank["layout"]["name"], "Opportunity-Opportunity Layout");
    assert_eq!(blank["values"]["OwnerId"]["display"], "Nina Berg");

    browser
        .org()
        .add_profile(
            "Standard User",
            &own_layout("Opportunity-Causeway Opportunity Layout"),
        )
        .expect("assigned");
    let blank = browser.data("records/Opportunity/new").await;
    let layout = &blank["layout"];
    assert_eq!(layout["name"], "Opportunity-Causeway Opportunity Layout");
    let fields = fields_of(layout);
    assert!(
        fields.contains(&"Partner_Id__c") && fields.contains(&"StageName"),
        "{fields:?}"
    );
    let text = layout.to_string();
    assert!(
        text.contains("\"visualforcePage\":\"OpportunityPanel\""),
        "{text}"
    );
    // Without the permission set the fields of the package are not on the page.
    browser
        .org()
        .unassign_permission_set("Causeway_User", NINA)
        .expect("taken");
    let blank = browser.data("records/Opportunity/new").await;
    assert!(!fields_of(&blank["layout"]).contains(&"Partner_Id__c"));
}

fn own_layout(name: &str) -> PermissionSetDefinition {
    PermissionSetDefinition {
        layout_assignments: vec![emulated_org::access::LayoutAssignment {
            layout: name.to_owned(),
            record_type: None,
        }],
        ..PermissionSetDefinition::default()
    }
}

#[tokio::test]
async fn who_may_only_look_changes_nothing() {
    let browser = Browser::of_nina().await;
    let admin_contact = browser
        .client
        .create("Contact", json!({ "LastName": "Kept" }))
        .await;
    browser
        .org()
        .set_profile(NINA, "Minimum Access - Salesforce")
        .expect("the profile");
    let looks = PermissionSetDefinition::default()
        .with_object("Contact", "RV")
        .with_field("Contact.Title", false);
    browser
        .org()
        .add_permission_set("Looks", &looks)
        .expect("a permission set");
    browser.assign("Looks", NINA);
    let path = format!("{CONTACTS}/{admin_contact}");
    let page = browser.data(&format!("records/Contact/{admin_contact}")).await;
    assert_eq!(
        (&page["canEdit"], &page["canDelete"]),
        (&json!(false), &json!(false))
    );
    assert!(page["values"].get("Email").is_none(), "{page}");
    let answer = browser
        .ask(Method::PATCH, &path, &json!({ "fields": { "LastName": "X" } }))
        .await;
    assert_eq!(first_error(&answer).0, 403, "{}", answer.text);
    assert_eq!(browser.ask(Method::DELETE, &path, &json!({})).await.status, 403);
    assert_eq!(browser.open(&format!("{CONTACTS}/new")).await.status, 403);
    let client = reqwest::Client::new();
    let without = client
        .patch(browser.client.url(&path))
        .json(&json!({ "fields": {} }));
    assert_eq!(browser.client.send(without).await.status, 401);
}

/// What the layout of a new contact calls a field.
async fn called(browser: &Browser, field: &str) -> String {
    let page = browser.data("records/Contact/new").await;
    let item = items_of(&page["layout"]).find(|item| item["field"] == field);
    item.and_then(|item| item["label"].as_str())
        .unwrap_or_default()
        .to_owned()
}

#[tokio::test]
async fn fields_are_called_as_record_pages_call_them_and_in_the_users_language() {
    let browser = Browser::of_admin().await;
    for (field, label) in [
        ("OwnerId", "Contact Owner"),
        ("AccountId", "Account Name"),
        ("ReportsToId", "Reports To"),
        ("CreatedById", "Created By"),
        ("Title", "Title"),
        ("Partner_Id__c", "Partner Id"),
    ] {
        assert_eq!(called(&browser, field).await, label);
    }
    let object = browser.data("objects/Contact").await;
    assert_eq!(object["fields"]["OwnerId"]["label"], "Owner ID");
    let waiting = browser.data("objects/Outbox__c").await;
    assert_eq!(waiting["labelPlural"], "Waiting Changes");

    let context = browser.data("context").await;
    let admin = context["user"]["id"].as_str().expect("an id");
    let german = json!({ "LanguageLocaleKey": "de" });
    let path = format!("{V}/sobjects/User/{admin}");
    assert_eq!(browser.client.patch(&path, &german).await.status, 204);
    assert_eq!(called(&browser, "Partner_Id__c").await, "Partner-Id");
    let waiting = browser.data("objects/Outbox__c").await;
    assert_eq!(waiting["labelPlural"], "Wartende Änderungen");
    assert_eq!(waiting["fields"]["Count__c"]["label"], "Datensätze");
    assert_eq!(waiting["fields"]["Name"]["label"], "Nummer");
}

#[tokio::test]
async fn list_views_show_what_their_filters_let_through() {
    let browser = Browser::of_admin().await;
    let account = browser.make("Account", json!({ "Name": "Fabrikam" })).await;
    let linked = json!({ "LastName": "Linked", "Partner_Id__c": "p-1", "AccountId": account });
    browser.make("Contact", linked).await;
    for number in 0..51 {
        browser
            .make("Contact", json!({ "LastName": format!("Other {number:02}") }))
            .await;
    }
    let object = browser.data("objects/Contact").await;
    let views: Vec<&str> = super::names(&object["listViews"]);
    assert_eq!(views, ["All", "Linked_with_Partner", "Not_Linked_with_Partner"]);
    assert_eq!(object["fields"]["AccountId"]["referenceTo"], json!(["Account"]));

    let list = browser
        .data("objects/Contact/list?view=Linked_with_Partner")
        .await;
    assert_eq!(list["label"], "Contacts Linked with the Partner");
    let columns = list["columns"].as_array().expect("columns");
    let columns: Vec<_> = columns
        .iter()
        .map(|column| column["field"].as_str().expect("a path"))
        .collect();
    assert_eq!(columns[..3], ["Name", "Account.Name", "Email"]);
    assert_eq!(list["rows"].as_array().expect("rows").len(), 1);
    let row = &list["rows"][0]["values"];
    assert_eq!(row["Name"]["display"], "Linked");
    assert_eq!(
        (&row["Account.Name"]["display"], &row["Account.Name"]["id"]),
        (&json!("Fabrikam"), &json!(account))
    );

    let path = "objects/Contact/list?view=Not_Linked_with_Partner";
    let first = browser.data(path).await;
    assert_eq!(
        (first["rows"].as_array().expect("rows").len(), &first["hasMore"]),
        (50, &json!(true))
    );
    let second = browser.data(&format!("{path}&offset=50")).await;
    assert_eq!(second["rows"][0]["values"]["Name"]["display"], "Other 50");
    assert_eq!(second["hasMore"], false);
    assert_eq!(
        browser
            .open("/lightning/data/objects/Contact/list?view=None")
            .await
            .status,
        404
    );
}

#[tokio::test]
async fn lookups_offer_what_the_user_sees() {
    let browser = Browser::of_nina().await;
    for name in ["Fabrikam", "Contoso", "Fabrikam North"] {
        browser.make("Account", json!({ "Name": name })).await;
    }
    let found = browser.data("lookup/Account?q=fabri").await;
    assert_eq!(super::names(&found), ["Fabrikam", "Fabrikam North"]);
    assert_eq!(
        browser
            .data("lookup/Account")
            .await
            .as_array()
            .expect("a list")
            .len(),
        3
    );
    browser
        .org()
        .set_sharing("Account", emulated_org::schema::Sharing::Private)
        .expect("private");
    browser
        .client
        .create("Account", json!({ "Name": "Fabrikam of others" }))
        .await;
    assert_eq!(
        super::names(&browser.data("lookup/Account?q=fabri").await).len(),
        2
    );
}
