//! A REST client of the org for scenarios. It is not the gateway's: a mistake in one does not hide in the other.

use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde_json::{Value, json};

use crate::ScenarioError;

/// The API version scenarios speak.
pub const VERSION: &str = "v67.0";

/// Somebody logged in to the org.
#[derive(Debug, Clone)]
pub struct OrgClient {
    http: reqwest::Client,
    url: String,
    token: String,
}

impl OrgClient {
    /// Logs in with the JWT bearer flow.
    ///
    /// # Errors
    /// When the org refuses.
    pub async fn login(
        url: &str,
        consumer_key: &str,
        username: &str,
        private_key_pem: &str,
    ) -> Result<OrgClient, ScenarioError> {
        let claims = json!({
            "iss": consumer_key, "sub": username, "aud": url,
            "exp": chrono::Utc::now().timestamp() + 180,
        });
        let key = EncodingKey::from_rsa_pem(private_key_pem.as_bytes())?;
        let assertion = jsonwebtoken::encode(&Header::new(Algorithm::RS256), &claims, &key)?;
        // The org closes connections that lie idle for five seconds; a request must not meet that.
        let http = reqwest::Client::builder()
            .pool_idle_timeout(std::time::Duration::from_secs(2))
            .build()?;
        let answer = http
            .post(format!("{url}/services/oauth2/token"))
            .form(&[
                ("grant_type", "urn:ietf:params:oauth:grant-type:jwt-bearer"),
                ("assertion", &assertion),
            ])
            .send()
            .await?;
        let body = expect_success("POST", answer).await?;
        let token = body["access_token"]
            .as_str()
            .ok_or(ScenarioError::Missing("access_token"))?
            .to_owned();
        Ok(OrgClient {
            http,
            url: url.to_owned(),
            token,
        })
    }

    /// Sends a request below `/services/data/vXX.0`.
    ///
    /// # Errors
    /// When the answer is no success.
    pub async fn send(&self, method: &str, path: &str, body: Option<&Value>) -> Result<Value, ScenarioError> {
        let verb = reqwest::Method::from_bytes(method.as_bytes())
            .map_err(|_wrong| ScenarioError::Missing("HTTP method"))?;
        let mut request = self
            .http
            .request(verb, format!("{}/services/data/{VERSION}{path}", self.url))
            .bearer_auth(&self.token);
        if let Some(body) = body {
            request = request.json(body);
        }
        expect_success(method, request.send().await?).await
    }

    /// Creates a record and returns its id.
    ///
    /// # Errors
    /// When the org refuses.
    pub async fn create(&self, object: &str, fields: &Value) -> Result<String, ScenarioError> {
        let answer = self
            .send("POST", &format!("/sobjects/{object}"), Some(fields))
            .await?;
        Ok(answer["id"]
            .as_str()
            .ok_or(ScenarioError::Missing("id"))?
            .to_owned())
    }

    /// Creates records in calls of 200 and returns their ids in order.
    ///
    /// # Errors
    /// When the org refuses any of them.
    pub async fn create_all(&self, object: &str, records: &[Value]) -> Result<Vec<String>, ScenarioError> {
        let mut ids = Vec::with_capacity(records.len());
        for chunk in records.chunks(200) {
            let records: Vec<Value> = chunk
                .iter()
                .map(|fields| {
                    let mut record = json!({"attributes": {"type": object}});
                    if let (Some(record), Some(fields)) = (record.as_object_mut(), fields.as_object()) {
                        record.extend(fields.clone());
                    }
                    record
                })
                .collect();
            let body = json!({"allOrNone": false, "records": records});
            let answer = self.send("POST", "/composite/sobjects", Some(&body)).await?;
            for row in answer.as_array().ok_or(ScenarioError::Missing("results"))? {
                match row["id"].as_str() {
                    Some(id) if row["success"] == true => ids.push(id.to_owned()),
                    _ => {
                        return Err(ScenarioError::Answer {
                            method: "POST".to_owned(),
                            url: format!("{}/composite/sobjects", self.url),
                            status: 200,
                            body: row.to_string(),
                        });
                    }
                }
            }
        }
        Ok(ids)
    }

    /// Edits a record.
    ///
    /// # Errors
    /// When the org refuses.
    pub async fn update(&self, object: &str, id: &str, fields: &Value) -> Result<(), ScenarioError> {
        self.send("PATCH", &format!("/sobjects/{object}/{id}"), Some(fields))
            .await
            .map(|_| ())
    }

    /// Writes rows through Bulk API 2.0 (`insert`, `update`, `delete`), waits for the job's end, and returns how many
    /// rows failed.
    ///
    /// # Errors
    /// When the org refuses the job, or it does not end within half a minute.
    pub async fn bulk(&self, object: &str, operation: &str, csv: &str) -> Result<u64, ScenarioError> {
        let job = json!({"object": object, "operation": operation, "contentType": "CSV", "lineEnding": "LF"});
        let job = self.send("POST", "/jobs/ingest", Some(&job)).await?;
        let id = job["id"].as_str().ok_or(ScenarioError::Missing("id"))?;
        let path = format!("/jobs/ingest/{id}");
        let upload = self
            .http
            .put(format!("{}/services/data/{VERSION}{path}/batches", self.url))
            .bearer_auth(&self.token)
            .header("content-type", "text/csv")
            .body(csv.to_owned());
        expect_success("PUT", upload.send().await?).await?;
        self.send("PATCH", &path, Some(&json!({"state": "UploadComplete"})))
            .await?;
        for _ in 0..600 {
            let job = self.send("GET", &path, None).await?;
            match job["state"].as_str() {
                Some("JobComplete") => {
                    return job["numberRecordsFailed"]
                        .as_u64()
                        .ok_or(ScenarioError::Missing("numberRecordsFailed"));
                }
                Some("Failed" | "Aborted") => {
                    return Err(ScenarioError::Process(format!("the Bulk job ended: {job}")));
                }
                _ => tokio::time::sleep(std::time::Duration::from_millis(50)).await,
            }
        }
        Err(ScenarioError::Timeout {
            what: format!("Bulk job {id}"),
            seconds: 30,
        })
    }

    /// Deletes a record.
    ///
    /// # Errors
    /// When the org refuses.
    pub async fn delete(&self, object: &str, id: &str) -> Result<(), ScenarioError> {
        self.send("DELETE", &format!("/sobjects/{object}/{id}"), None)
            .await
            .map(|_| ())
    }

    /// All rows of a query, over all pages.
    ///
    /// # Errors
    /// When the org refuses.
    pub async fn query(&self, soql: &str) -> Result<Vec<Value>, ScenarioError> {
        let mut request = self
            .http
            .get(format!("{}/services/data/{VERSION}/query", self.url))
            .query(&[("q", soql)]);
        let mut rows = Vec::new();
        loop {
            let mut page = expect_success("GET", request.bearer_auth(&self.token).send().await?).await?;
            if let Some(records) = page.get_mut("records").and_then(Value::as_array_mut) {
                rows.append(records);
            }
            let Some(next) = page["nextRecordsUrl"].as_str() else {
                return Ok(rows);
            };
            request = self.http.get(format!("{}{next}", self.url));
        }
    }
}

async fn expect_success(method: &str, answer: reqwest::Response) -> Result<Value, ScenarioError> {
    let (url, status) = (answer.url().to_string(), answer.status());
    let body = answer.text().await?;
    if !status.is_success() {
        return Err(ScenarioError::Answer {
            method: method.to_owned(),
            url,
            status: status.as_u16(),
            body,
        });
    }
    if body.is_empty() {
        return Ok(Value::Null);
    }
    serde_json::from_str(&body).map_err(|_unreadable| ScenarioError::Answer {
        method: method.to_owned(),
        url,
        status: status.as_u16(),
        body,
    })
}
