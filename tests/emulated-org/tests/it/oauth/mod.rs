//! Tokens: who gets one, by which flow, and what becomes of it.

#![cfg(test)]

mod apps;
mod hosts;
mod identity;
mod jwt_bearer;
mod pages;
mod refresh;
mod web_server;

use aws_lc_rs::digest;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use emulated_org::App;
use reqwest::redirect::Policy;
use serde_json::Value as Json;

use crate::client::{Answer, Client};

pub const KEY: &str = "3MVG9.web.consumer.key";
pub const SECRET: &str = "A1B2C3+/=&secret";
pub const CALLBACK: &str = "https://partner.example/callback?from=salesforce";
pub const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const TOKEN: &str = "/services/oauth2/token";

fn oauth_error(answer: &Answer) -> (u16, String, String) {
    let body = answer.json();
    let text = |name: &str| body[name].as_str().unwrap_or_default().to_owned();
    (answer.status, text("error"), text("error_description"))
}

fn refused(error: &str, description: &str) -> (u16, String, String) {
    (400, error.to_owned(), description.to_owned())
}

fn challenge(verifier: &str) -> String {
    URL_SAFE_NO_PAD.encode(digest::digest(&digest::SHA256, verifier.as_bytes()))
}

/// A confidential app of the web server flow.
fn web_app() -> App {
    App {
        name: "Partner <b>sync</b>".to_owned(),
        consumer_secret: Some(SECRET.to_owned()),
        scopes: ["api", "refresh_token", "openid"].map(str::to_owned).into(),
        ..App::web(KEY, vec![CALLBACK.to_owned()])
    }
}

/// A browser: keeps the cookie, follows no redirect.
struct Browser<'a> {
    client: &'a Client,
    http: reqwest::Client,
    cookie: String,
    host: Option<&'static str>,
}

impl<'a> Browser<'a> {
    fn new(client: &'a Client) -> Self {
        let http = reqwest::Client::builder().redirect(Policy::none());
        Self {
            client,
            http: http.build().expect("a client"),
            cookie: String::new(),
            host: None,
        }
    }

    /// The address of the authorization page, with parameters changed or, where empty, left out.
    fn address(&self, change: &[(&str, &str)]) -> String {
        let challenge = challenge(VERIFIER);
        let mut parameters = vec![
            ("response_type", "code"),
            ("client_id", KEY),
            ("redirect_uri", CALLBACK),
            ("code_challenge", challenge.as_str()),
            ("code_challenge_method", "S256"),
            ("state", "s&1"),
        ];
        for &(name, value) in change {
            parameters.retain(|(known, _)| *known != name);
            if !value.is_empty() {
                parameters.push((name, value));
            }
        }
        let query = url::form_urlencoded::Serializer::new(String::new())
            .extend_pairs(parameters)
            .finish();
        self.client.url(&format!("/services/oauth2/authorize?{query}"))
    }

    async fn open(&mut self, address: &str) -> Answer {
        self.go(self.http.get(address)).await
    }

    async fn submit(&mut self, address: &str, form: &[(&str, &str)]) -> Answer {
        self.go(self.http.post(address).form(form)).await
    }

    async fn go(&mut self, request: reqwest::RequestBuilder) -> Answer {
        let mut request = request.header("Cookie", &self.cookie);
        if let Some(host) = self.host {
            request = request.header("Host", host);
        }
        let answer = self.client.send(request).await;
        if let Some((cookie, _)) = answer.header("set-cookie").split_once(';') {
            cookie.clone_into(&mut self.cookie);
        }
        answer
    }

    /// Logs in and allows, and answers what the callback gets.
    async fn authorize(&mut self, change: &[(&str, &str)]) -> Vec<(String, String)> {
        let address = self.address(change);
        let admin = self.client.org.admin_username();
        let page = self.submit(&address, &[("as", admin)]).await;
        if page.status == 302 {
            return callback(&page);
        }
        let confirmation = confirmation(&page);
        let form = [("action", "allow"), ("confirmation", confirmation.as_str())];
        callback(&self.submit(&address, &form).await)
    }

    async fn code(&mut self, change: &[(&str, &str)]) -> String {
        let parameters = self.authorize(change).await;
        get(&parameters, "code").to_owned()
    }
}

/// What stands in the page's form against forgery.
fn confirmation(page: &Answer) -> String {
    let (_, rest) = page
        .text
        .split_once("name=\"confirmation\" value=\"")
        .unwrap_or_else(|| panic!("{} {}", page.status, page.text));
    rest.split_once('"').expect("a quoted value").0.to_owned()
}

fn callback(answer: &Answer) -> Vec<(String, String)> {
    assert_eq!(answer.status, 302, "{}", answer.text);
    let location = answer.header("location");
    assert!(location.starts_with(CALLBACK), "{location}");
    let url = url::Url::parse(location).expect("an address");
    url.query_pairs().into_owned().collect()
}

fn get<'p>(parameters: &'p [(String, String)], name: &str) -> &'p str {
    parameters
        .iter()
        .find(|(known, _)| known == name)
        .map_or_else(|| panic!("no {name} in {parameters:?}"), |(_, value)| value)
}

/// Exchanges a code, with parameters changed or, where empty, left out.
async fn exchange(client: &Client, code: &str, change: &[(&str, &str)]) -> Answer {
    let mut form = vec![
        ("grant_type", "authorization_code"),
        ("code", code),
        ("client_id", KEY),
        ("client_secret", SECRET),
        ("redirect_uri", CALLBACK),
        ("code_verifier", VERIFIER),
    ];
    for &(name, value) in change {
        form.retain(|(known, _)| *known != name);
        if !value.is_empty() {
            form.push((name, value));
        }
    }
    client.post_form(TOKEN, &form).await
}

async fn refresh(client: &Client, token: &str) -> Answer {
    let form = [
        ("grant_type", "refresh_token"),
        ("refresh_token", token),
        ("client_id", KEY),
        ("client_secret", SECRET),
    ];
    client.post_form(TOKEN, &form).await
}

fn text(body: &Json, name: &str) -> String {
    body[name]
        .as_str()
        .unwrap_or_else(|| panic!("no {name} in {body}"))
        .to_owned()
}

/// An organisation with the web app, and the first tokens of its administrator.
async fn connected(app: App) -> (Client, Json) {
    let client = Client::start().await;
    client.org.register_app(app).expect("the app is taken");
    let code = Browser::new(&client).code(&[]).await;
    let answer = exchange(&client, &code, &[]).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    let body = answer.json();
    (client, body)
}

/// The status of a data request with this token.
async fn data_status(client: &Client, token: &str) -> u16 {
    let request = client.http.get(client.url(crate::client::V)).bearer_auth(token);
    client.send(request).await.status
}
