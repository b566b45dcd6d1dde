//! The organisation's pages, as a browser and the shell of the app ask for them.

#![cfg(test)]

mod records;
mod session;
mod setup;
mod visualforce;

use std::path::PathBuf;

use emulated_org::{NewUser, Options};
use reqwest::Method;
use reqwest::redirect::Policy;
use serde_json::{Value as Json, json};

use crate::client::{Answer, Client};

pub const NINA: &str = "nina@northwind.example";
const PASSWORD: &str = "a good password";

/// The source of the package.
fn package() -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../force-app"))
}

/// A browser in which a user is logged in; it follows no redirect.
pub struct Browser {
    pub client: Client,
    http: reqwest::Client,
    cookie: String,
}

impl Browser {
    /// An organisation with the package, in which nobody is logged in yet.
    pub async fn start() -> Self {
        Self::start_with(Options::default()).await
    }

    /// With more source than that of the package, if the options name some.
    pub async fn start_with(options: Options) -> Self {
        let mut sfdx_source = vec![package()];
        sfdx_source.extend(options.sfdx_source.iter().cloned());
        let client = Client::start_with(Options {
            sfdx_source,
            ..options
        })
        .await;
        let http = reqwest::Client::builder().redirect(Policy::none());
        Self {
            client,
            http: http.build().expect("a client"),
            cookie: String::new(),
        }
    }

    /// With the administrator logged in.
    pub async fn of_admin() -> Self {
        let mut browser = Self::start().await;
        let admin = browser.client.org.admin_username();
        browser.log_in(admin).await;
        browser
    }

    /// With Nina logged in, an ordinary user.
    pub async fn of_nina() -> Self {
        let mut browser = Self::start().await;
        browser.make_nina();
        browser.log_in(NINA).await;
        browser
    }

    pub fn make_nina(&self) -> String {
        let nina = NewUser {
            first_name: "Nina".to_owned(),
            last_name: "Berg".to_owned(),
            username: NINA.to_owned(),
            is_active: true,
        };
        self.client.org.create_user(&nina).expect("a user").to_string()
    }

    /// Gives a user a password and logs the browser in with it.
    pub async fn log_in(&mut self, username: &str) {
        self.give_password(username).await;
        let answer = self.submit(username, PASSWORD, "/lightning/page/home").await;
        assert_eq!(answer.status, 303, "{}", answer.text);
        let cookie = answer.header("set-cookie").split(';').next().unwrap_or_default();
        self.cookie = cookie.to_owned();
    }

    pub async fn give_password(&self, username: &str) {
        let password = json!({ "username": username, "password": PASSWORD });
        let path = "/emulator/users/password";
        let knob = self.client.knob(Method::POST, path, &password).await;
        assert_eq!(knob.status, 204, "{}", knob.text);
    }

    /// Sends the login form.
    pub async fn submit(&self, username: &str, password: &str, start: &str) -> Answer {
        let form = [("username", username), ("pw", password), ("startURL", start)];
        let request = self.http.post(self.client.url("/login")).form(&form);
        self.client.send(request).await
    }

    pub fn request(&self, method: Method, path: &str) -> reqwest::RequestBuilder {
        self.http
            .request(method, self.client.url(path))
            .header("cookie", &self.cookie)
    }

    pub async fn open(&self, path: &str) -> Answer {
        self.client.send(self.request(Method::GET, path)).await
    }

    /// The JSON of an address below `/lightning/data`, which must be there.
    #[track_caller]
    pub fn data(&self, path: &str) -> impl Future<Output = Json> {
        let caller = std::panic::Location::caller();
        async move {
            let answer = self.open(&format!("/lightning/data/{path}")).await;
            assert_eq!(answer.status, 200, "{caller}: {path}: {}", answer.text);
            answer.json()
        }
    }

    /// As the shell sends what changes something.
    pub async fn ask(&self, method: Method, path: &str, body: &Json) -> Answer {
        let request = self.request(method, path).header("x-requested-with", "lightning");
        self.client.send(request.json(body)).await
    }

    pub fn org(&self) -> &emulated_org::Org {
        self.client.org.org()
    }

    pub fn assign(&self, permission_set: &str, username: &str) {
        let assigned = self.org().assign_permission_set(permission_set, username);
        assigned.expect("the permission set is given");
    }
}

/// The names of a list's entries.
fn names(list: &Json) -> Vec<&str> {
    let list = list.as_array().expect("a list");
    list.iter()
        .map(|entry| entry["name"].as_str().expect("a name"))
        .collect()
}
