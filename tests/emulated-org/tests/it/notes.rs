//! Notes, files and attachments.
#![cfg(test)]

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use reqwest::Method;
use serde_json::{Value as Json, json};

use super::client::{Answer, Client, V};

async fn query(client: &Client, soql: &str) -> Answer {
    let request = client
        .request(Method::GET, &format!("{V}/query"))
        .query(&[("q", soql)]);
    client.send(request).await
}

async fn records(client: &Client, soql: &str) -> Vec<Json> {
    let answer = query(client, soql).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    answer.json()["records"].as_array().expect("records").clone()
}

#[tokio::test]
async fn the_first_version_makes_a_document_and_shares_it() {
    let client = Client::start().await;
    let account = client.create("Account", json!({"Name": "Acme"})).await;
    let file = json!({
        "PathOnClient": "plans/Plan B.txt",
        "VersionData": STANDARD.encode("first words"),
        "FirstPublishLocationId": account,
    });
    let version = client.create("ContentVersion", file).await;
    let read = client.read("ContentVersion", &version).await;
    assert_eq!(
        (&read["Title"], &read["FileType"]),
        (&json!("Plan B"), &json!("TEXT"))
    );
    assert_eq!(
        (&read["ContentSize"], &read["VersionNumber"]),
        (&json!(11), &json!("1"))
    );
    let url = format!("{V}/sobjects/ContentVersion/{version}/VersionData");
    assert_eq!(read["VersionData"], url);
    let content = client.get(&url).await;
    assert_eq!((content.status, content.text.as_str()), (200, "first words"));

    let document = read["ContentDocumentId"].as_str().expect("a document").to_owned();
    assert!(document.starts_with("069"));
    let links = format!(
        "SELECT LinkedEntityId, ShareType FROM ContentDocumentLink WHERE ContentDocumentId = '{document}'"
    );
    assert_eq!(records(&client, &links).await.len(), 2);

    let second = json!({"ContentDocumentId": document, "PathOnClient": "b.txt", "VersionData": STANDARD.encode("more")});
    let second = client.create("ContentVersion", second).await;
    assert_eq!(client.read("ContentVersion", &version).await["IsLatest"], false);
    let whole = client.read("ContentDocument", &document).await;
    assert_eq!(whole["LatestPublishedVersionId"], second);
    assert_eq!(whole["Title"], "b");

    let by_account = "SELECT Name, (SELECT ContentDocument.Title FROM ContentDocumentLinks) FROM Account";
    let accounts = records(&client, by_account).await;
    let link = &accounts[0]["ContentDocumentLinks"]["records"][0];
    assert_eq!(link["ContentDocument"]["Title"], "b");

    let deleted = client
        .delete(&format!("{V}/sobjects/ContentDocument/{document}"))
        .await;
    assert_eq!(deleted.status, 204, "{}", deleted.text);
    assert!(records(&client, "SELECT Id FROM ContentVersion").await.is_empty());
    assert!(records(&client, &links).await.is_empty());
}

#[tokio::test]
async fn files_need_their_content_in_base64() {
    let client = Client::start().await;
    let path = format!("{V}/sobjects/ContentVersion");
    let refused = client.post(&path, &json!({"PathOnClient": "a.txt"})).await;
    assert_eq!(refused.error().2, "Required fields are missing: [VersionData]");
    let refused = client
        .post(&path, &json!({"PathOnClient": "a.txt", "VersionData": "%%%"}))
        .await;
    assert_eq!(refused.refusal(), (400, "JSON_PARSER_ERROR".to_owned()));
    let refused = client
        .post(&format!("{V}/sobjects/ContentDocument"), &json!({"Title": "x"}))
        .await;
    assert_eq!(refused.status, 400);
}

#[tokio::test]
async fn an_enhanced_note_is_a_document_with_a_preview() {
    let client = Client::start().await;
    let contact = client.create("Contact", json!({"LastName": "Doe"})).await;
    let html = "<p>Called <b>Ann</b> &amp; Bob</p><p>Tomorrow</p>";
    let note = json!({"Title": "Call", "Content": STANDARD.encode(html)});
    let note = client.create("ContentNote", note).await;
    assert!(note.starts_with("069"));
    let read = client.read("ContentNote", &note).await;
    assert_eq!(read["TextPreview"], "Called Ann & Bob Tomorrow");
    assert_eq!(
        read["Content"],
        format!("{V}/sobjects/ContentNote/{note}/Content")
    );
    let content = client.get(read["Content"].as_str().expect("an address")).await;
    assert_eq!(content.text, html);
    assert_eq!(client.read("ContentDocument", &note).await["FileType"], "SNOTE");

    let link = json!({"ContentDocumentId": note, "LinkedEntityId": contact, "ShareType": "V"});
    client.create("ContentDocumentLink", link.clone()).await;
    let refused = client
        .post(&format!("{V}/sobjects/ContentDocumentLink"), &link)
        .await;
    assert_eq!(refused.refusal(), (400, "DUPLICATE_VALUE".to_owned()));

    let path = format!("{V}/sobjects/ContentNote/{note}");
    let change = json!({"Content": STANDARD.encode("New text")});
    assert_eq!(client.patch(&path, &change).await.status, 204);
    let rows = records(&client, "SELECT Title, TextPreview FROM ContentNote").await;
    assert_eq!(rows[0]["TextPreview"], "New text");
    let versions = format!(
        "SELECT VersionNumber FROM ContentVersion WHERE ContentDocumentId = '{note}' AND IsLatest = true"
    );
    assert_eq!(records(&client, &versions).await[0]["VersionNumber"], "2");

    assert_eq!(client.delete(&path).await.status, 204);
    assert_eq!(client.get(&path).await.status, 404);
    assert_eq!(
        client
            .get(&format!("{V}/sobjects/ContentDocument/{note}"))
            .await
            .status,
        404
    );
}

#[tokio::test]
async fn links_are_queried_by_document_or_record_alone() {
    let client = Client::start().await;
    let account = client.create("Account", json!({"Name": "Acme"})).await;
    let select = "SELECT Id FROM ContentDocumentLink";
    for filter in [
        String::new(),
        " WHERE ShareType = 'V'".to_owned(),
        format!(" WHERE LinkedEntityId != '{account}'"),
        format!(" WHERE LinkedEntityId = '{account}' OR ShareType = 'V'"),
        " WHERE LinkedEntity.Name = 'Acme'".to_owned(),
    ] {
        let (status, code, message, _) = query(&client, &format!("{select}{filter}")).await.error();
        assert_eq!((status, code.as_str()), (400, "MALFORMED_QUERY"), "{filter}");
        let words = "Implementation restriction: ContentDocumentLink requires a filter by a single Id";
        assert!(message.starts_with(words), "{message}");
    }
    for filter in [
        format!("LinkedEntityId = '{account}'"),
        format!("LinkedEntityId IN ('{account}') AND ShareType = 'V'"),
        "LinkedEntityId IN (SELECT Id FROM Account)".to_owned(),
    ] {
        let answer = query(&client, &format!("{select} WHERE {filter}")).await;
        assert_eq!(answer.status, 200, "{filter}: {}", answer.text);
    }
}

#[tokio::test]
async fn classic_notes_and_attachments_belong_to_their_parent() {
    let client = Client::start().await;
    let account = client.create("Account", json!({"Name": "Acme"})).await;
    let note = json!({"ParentId": account, "Title": "Met", "Body": "Lunch"});
    let note = client.create("Note", note).await;
    assert_eq!(client.read("Note", &note).await["Body"], "Lunch");
    let file = json!({
        "ParentId": account, "Name": "a.txt", "ContentType": "text/plain", "Body": STANDARD.encode("hello"),
    });
    let file = client.create("Attachment", file).await;
    let read = client.read("Attachment", &file).await;
    assert_eq!(read["BodyLength"], 5);
    let body = client.get(read["Body"].as_str().expect("an address")).await;
    assert_eq!(
        (body.text.as_str(), body.header("content-type")),
        ("hello", "text/plain")
    );
    let refused = client
        .post(&format!("{V}/sobjects/Note"), &json!({"Title": "x"}))
        .await;
    assert_eq!(refused.refusal().1, "REQUIRED_FIELD_MISSING");
    let accounts = records(&client, "SELECT (SELECT Title FROM Notes) FROM Account").await;
    assert_eq!(accounts[0]["Notes"]["totalSize"], 1);
    client.delete(&format!("{V}/sobjects/Account/{account}")).await;
    assert_eq!(client.get(&format!("{V}/sobjects/Note/{note}")).await.status, 404);
}
