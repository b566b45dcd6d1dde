//! The identity URL: its forms, and whom it refuses.

#![cfg(test)]

use crate::client::Client;

async fn identity_url(client: &Client) -> String {
    let info = client.get("/services/oauth2/userinfo").await.json();
    let url = info["sub"].as_str().expect("an identity URL");
    url.strip_prefix(client.org.url()).expect("this host").to_owned()
}

#[tokio::test]
async fn an_identity_comes_as_json_xml_or_form_parameters() {
    let client = Client::start().await;
    let url = identity_url(&client).await;
    let json = client.get(&url).await;
    assert!(json.header("content-type").starts_with("application/json"));
    assert!(json.text.contains("/services/data/v{version}/"), "{}", json.text);
    let xml = client.get(&format!("{url}?format=xml")).await;
    assert!(xml.header("content-type").starts_with("application/xml"));
    let username = client.org.admin_username();
    assert!(
        xml.text.contains(&format!("<username>{username}</username>")),
        "{}",
        xml.text
    );
    let request = client.request(reqwest::Method::GET, &url);
    let form = client
        .send(request.header("Accept", "application/x-www-form-urlencoded"))
        .await;
    assert!(
        form.text.contains("username=admin%40northwind.example"),
        "{}",
        form.text
    );
    let versioned = client.get(&format!("{url}?version=latest")).await;
    assert!(
        versioned.text.contains("/services/data/v68.0/sobjects/"),
        "{}",
        versioned.text
    );
}

#[tokio::test]
async fn the_token_may_come_as_a_parameter_and_must_come() {
    let client = Client::start().await;
    let url = identity_url(&client).await;
    let ask = async |url: &str| {
        let answer = client.send(client.http.get(client.url(url))).await;
        (answer.status, answer.text)
    };
    let (status, text) = ask(&format!("{url}?oauth_token={}", client.token)).await;
    assert_eq!(status, 200, "{text}");
    assert_eq!(ask(&url).await, (403, "Missing_OAuth_Token".to_owned()));
    let invented = format!("{url}?oauth_token=invented");
    assert_eq!(ask(&invented).await, (403, "Bad_OAuth_Token".to_owned()));
}

#[tokio::test]
async fn nobody_learns_another_users_identity() {
    let client = Client::start().await;
    let url = identity_url(&client).await;
    let (organization, own) = url.rsplit_once('/').expect("a path");
    let other = client.token_of_another_user();
    let request = client.http.get(client.url(&url)).bearer_auth(&other);
    let answer = client.send(request).await;
    assert_eq!((answer.status, answer.text.as_str()), (404, "No_Access"));
    for (path, expected) in [
        (format!("{organization}/005000000000001"), (404, "Bad_Id")),
        (format!("{organization}/me"), (404, "Bad_Id")),
        (format!("/id/00D000000000001/{own}"), (403, "Wrong_Org")),
    ] {
        let answer = client.get(&path).await;
        assert_eq!((answer.status, answer.text.as_str()), expected, "{path}");
    }
}
