//! An admin's browser: logs in with a password, and asks the org what its pages ask.

use end_to_end::ScenarioError;
use reqwest::header::{COOKIE, SET_COOKIE};
use reqwest::{Method, redirect};
use serde_json::Value;

/// A browser that is logged in.
#[derive(Debug)]
pub struct Browser {
    http: reqwest::Client,
    org: String,
    cookie: String,
}

impl Browser {
    /// Logs in on the login page.
    pub async fn log_in(org: &str, username: &str, password: &str) -> Result<Browser, ScenarioError> {
        // The login answers with a redirect, which carries the cookie.
        let http = reqwest::Client::builder()
            .redirect(redirect::Policy::none())
            .build()?;
        let answer = http
            .post(format!("{org}/login"))
            .form(&[("username", username), ("pw", password)])
            .send()
            .await?;
        let cookie = answer
            .headers()
            .get(SET_COOKIE)
            .and_then(|cookie| cookie.to_str().ok()?.split(';').next())
            .ok_or(ScenarioError::Missing("session: the login was refused"))?
            .to_owned();
        Ok(Browser {
            http,
            org: org.to_owned(),
            cookie,
        })
    }

    /// Does something on a page of Setup.
    pub async fn set_up(&self, method: Method, page: &str, body: &Value) -> Result<Value, ScenarioError> {
        self.ask(method, &format!("/lightning/data/setup/{page}"), body)
            .await
    }

    /// Reads a page of Setup.
    pub async fn look(&self, page: &str) -> Result<Value, ScenarioError> {
        self.ask(
            Method::GET,
            &format!("/lightning/data/setup/{page}"),
            &Value::Null,
        )
        .await
    }

    /// Calls a method of a page's Apex controller.
    pub async fn call(&self, class: &str, method: &str, arguments: &Value) -> Result<Value, ScenarioError> {
        self.ask(
            Method::POST,
            &format!("/lightning/apex/{class}/{method}"),
            arguments,
        )
        .await
    }

    async fn ask(&self, method: Method, path: &str, body: &Value) -> Result<Value, ScenarioError> {
        let url = format!("{}{path}", self.org);
        let mut request = self
            .http
            .request(method.clone(), &url)
            .header(COOKIE, &self.cookie)
            // Without it nothing is changed: another site's form cannot send it.
            .header("X-Requested-With", "lightning");
        if !body.is_null() {
            request = request.json(body);
        }
        let answer = request.send().await?;
        let (status, text) = (answer.status(), answer.text().await?);
        let read = if text.is_empty() {
            Ok(Value::Null)
        } else {
            serde_json::from_str(&text)
        };
        match read {
            Ok(value) if status.is_success() => Ok(value),
            _ => Err(ScenarioError::Answer {
                method: method.to_string(),
                url,
                status: status.as_u16(),
                body: text,
            }),
        }
    }
}
