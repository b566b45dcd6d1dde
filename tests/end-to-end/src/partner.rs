//! A partner system: reads records, follows the feed.

use std::time::{Duration, Instant};

use chrono::TimeDelta;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde_json::{Value, json};

use crate::ScenarioError;
use crate::gateway::Gateway;

/// A client of the gateway that signs its own tokens (HS256).
#[derive(Debug, Clone)]
pub struct Partner {
    http: reqwest::Client,
    gateway: String,
    client: String,
    secret: String,
    ahead: TimeDelta,
}

impl Partner {
    /// The client of this id, with the secret that the gateway made for it.
    ///
    /// # Errors
    /// When there is no such secret.
    pub fn new(gateway: &Gateway, client: &str) -> Result<Partner, ScenarioError> {
        Ok(Partner {
            http: reqwest::Client::new(),
            gateway: gateway.url().to_owned(),
            client: client.to_owned(),
            secret: gateway.secret(client)?,
            ahead: TimeDelta::zero(),
        })
    }

    /// Lets its clock be ahead of the machine's, where the gateway's is.
    pub fn set_ahead(&mut self, ahead: TimeDelta) {
        self.ahead = ahead;
    }

    /// A bearer token, good for five minutes.
    ///
    /// # Errors
    /// When it cannot be signed.
    pub fn token(&self) -> Result<String, ScenarioError> {
        let now = (chrono::Utc::now() + self.ahead).timestamp();
        let claims = json!({"iss": self.client, "aud": self.gateway, "iat": now, "exp": now + 300});
        let key = EncodingKey::from_secret(self.secret.as_bytes());
        Ok(jsonwebtoken::encode(
            &Header::new(Algorithm::HS256),
            &claims,
            &key,
        )?)
    }

    /// Gets a path of the gateway.
    ///
    /// # Errors
    /// When the answer is no success.
    pub async fn get(&self, path: &str) -> Result<Value, ScenarioError> {
        let answer = self
            .http
            .get(format!("{}{path}", self.gateway))
            .bearer_auth(self.token()?)
            .send()
            .await?;
        success("GET", answer).await
    }

    /// Posts to a path of the gateway.
    ///
    /// # Errors
    /// When the answer is no success.
    pub async fn post(&self, path: &str, body: &Value) -> Result<Value, ScenarioError> {
        let answer = self
            .http
            .post(format!("{}{path}", self.gateway))
            .bearer_auth(self.token()?)
            .json(body)
            .send()
            .await?;
        success("POST", answer).await
    }

    /// Puts to a path of the gateway.
    ///
    /// # Errors
    /// When the answer is no success.
    pub async fn put(&self, path: &str, body: &Value) -> Result<Value, ScenarioError> {
        let answer = self
            .http
            .put(format!("{}{path}", self.gateway))
            .bearer_auth(self.token()?)
            .json(body)
            .send()
            .await?;
        success("PUT", answer).await
    }

    /// Posts to a path of the gateway with an idempotency key.
    ///
    /// # Errors
    /// When the answer is no success, or none came.
    pub async fn post_once(&self, path: &str, key: &str, body: &Value) -> Result<Value, ScenarioError> {
        let answer = self
            .http
            .post(format!("{}{path}", self.gateway))
            .bearer_auth(self.token()?)
            .header("Idempotency-Key", key)
            .json(body)
            .send()
            .await?;
        success("POST", answer).await
    }

    /// Deletes at a path of the gateway.
    ///
    /// # Errors
    /// When the answer is no success.
    pub async fn delete(&self, path: &str) -> Result<Value, ScenarioError> {
        let answer = self
            .http
            .delete(format!("{}{path}", self.gateway))
            .bearer_auth(self.token()?)
            .send()
            .await?;
        success("DELETE", answer).await
    }

    /// Every record of an object, over all pages.
    ///
    /// # Errors
    /// When the gateway refuses.
    pub async fn records(&self, object: &str) -> Result<Vec<Value>, ScenarioError> {
        self.pages(&format!("/v1/records/{object}?limit=1000"), "cursor", "records")
            .await
    }

    /// Everything in the feed.
    ///
    /// # Errors
    /// When the gateway refuses.
    pub async fn feed(&self) -> Result<Vec<Value>, ScenarioError> {
        self.pages("/v1/changes?limit=1000", "after", "changes").await
    }

    /// Every held record.
    ///
    /// # Errors
    /// When the gateway refuses.
    pub async fn held(&self) -> Result<Vec<Value>, ScenarioError> {
        self.pages("/v1/held?limit=1000", "cursor", "held").await
    }

    /// The record behind a Salesforce id, once it satisfies `is_right`.
    ///
    /// # Errors
    /// When that does not happen within 20 seconds.
    pub async fn wait_for(
        &self,
        object: &str,
        salesforce_id: &str,
        is_right: impl Fn(&Value) -> bool,
    ) -> Result<Value, ScenarioError> {
        let patience = Instant::now() + Duration::from_secs(20);
        loop {
            let found = self
                .get(&format!("/v1/records/{object}?salesforceId={salesforce_id}"))
                .await?;
            match found["records"].get(0) {
                Some(record) if is_right(record) => return Ok(record.clone()),
                _ if Instant::now() > patience => {
                    let what = format!("{object} {salesforce_id}, last seen as {found}");
                    return Err(ScenarioError::Timeout { what, seconds: 20 });
                }
                _ => tokio::time::sleep(Duration::from_millis(25)).await,
            }
        }
    }

    async fn pages(
        &self,
        first: &str,
        cursor: &str,
        items: &'static str,
    ) -> Result<Vec<Value>, ScenarioError> {
        let mut path = first.to_owned();
        let mut all = Vec::new();
        loop {
            let mut page = self.get(&path).await?;
            let found = page.get_mut(items).and_then(Value::as_array_mut);
            all.append(found.ok_or(ScenarioError::Missing(items))?);
            match page["next"].as_str() {
                Some(next) if page["hasMore"] == true => path = format!("{first}&{cursor}={next}"),
                _ => return Ok(all),
            }
        }
    }
}

async fn success(method: &str, answer: reqwest::Response) -> Result<Value, ScenarioError> {
    let (url, status) = (answer.url().to_string(), answer.status());
    let body = answer.text().await?;
    match serde_json::from_str(&body) {
        Ok(value) if status.is_success() => Ok(value),
        _ => Err(ScenarioError::Answer {
            method: method.to_owned(),
            url,
            status: status.as_u16(),
            body,
        }),
    }
}
