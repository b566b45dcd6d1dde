//! The one way in which every request to Salesforce goes out.
//!
//! `Salesforce::exchange` adds the token, waits, understands what comes back, and does what the failure policy
//! says as far as that is safe: a refused token is replaced once, reads are tried again on a schedule, writes never
//! are.

use std::time::Duration;

use bytes::{Bytes, BytesMut};
use causeway_core::Instant;
use causeway_core::failure::{Call, Failure, NextStep, policy};
use causeway_core::schedule::RetrySchedule;
use reqwest::header::{DATE, HeaderMap, RETRY_AFTER};
use reqwest::{Method, Response};
use secrecy::ExposeSecret;
use serde::de::DeserializeOwned;
use url::Url;

use crate::salesforce::auth::AccessToken;
use crate::salesforce::{Salesforce, errors, limits};

/// Bytes of a JSON answer that are read at most. The largest are describes of wide objects and query pages.
const MAX_JSON: usize = 64 * 1024 * 1024;

/// The longest wait that a `Retry-After` header may ask for.
const LONGEST_RETRY_AFTER: Duration = Duration::from_secs(120);

/// How long a whole exchange may take where the answer is read at once. Below Salesforce's own ten minutes.
const JSON_TIMEOUT: Duration = Duration::from_secs(120);

/// Names the gateway in change events and logs of the org (REST API Developer Guide, "Call Options Header").
const CALL_OPTIONS: &str = "client=causeway";

/// A request before it has a token.
#[derive(Debug)]
pub(super) struct Ask<'a> {
    pub method: Method,
    pub target: Target<'a>,
    pub query: &'a [(&'a str, &'a str)],
    pub body: Option<&'a serde_json::Value>,
    /// Whether it may be repeated without harm.
    pub call: Call,
}

/// Where a request goes.
#[derive(Debug, Clone, Copy)]
pub(super) enum Target<'a> {
    /// Segments below `/services/data/v67.0/`.
    Versioned(&'a [&'a str]),
    /// Segments below `/services/data/`.
    Unversioned(&'a [&'a str]),
    /// A link from an earlier answer.
    Link(&'a str),
}

impl<'a> Ask<'a> {
    pub(super) fn get(target: Target<'a>, query: &'a [(&'a str, &'a str)]) -> Self {
        Ask {
            method: Method::GET,
            target,
            query,
            body: None,
            call: Call::Read,
        }
    }
}

/// A success, its body not read yet.
#[derive(Debug)]
pub(super) struct Answer {
    pub response: Response,
    /// Salesforce's clock when it answered, in whole seconds rounded down.
    pub at: Instant,
}

impl Salesforce {
    /// Sends a request and reads its JSON answer.
    pub(super) async fn json<T: DeserializeOwned>(&self, ask: &Ask<'_>) -> Result<(T, Instant), Failure> {
        let mut attempt = 1;
        let (body, at) = loop {
            let answer = Box::pin(self.exchange(ask)).await?;
            let failure = match read_body(answer.response, MAX_JSON).await {
                Ok(body) => break (body, answer.at),
                Err(failure) => failure,
            };
            match retry_delay(&self.retries, attempt, &failure, ask.call, None) {
                Some(delay) => tokio::time::sleep(delay).await,
                None => return Err(failure),
            }
            attempt += 1;
        };
        let value = serde_json::from_slice(&body).map_err(|error| Failure::Unreadable {
            message: format!(
                "expected {} as JSON; line {} column {} does not fit",
                route(&ask.target),
                error.line(),
                error.column()
            ),
        })?;
        Ok((value, at))
    }

    /// Sends a request until it succeeds or the policy says to give up.
    pub(super) async fn exchange(&self, ask: &Ask<'_>) -> Result<Answer, Failure> {
        let mut token = self.tokens.token().await?;
        let mut replaced = false;
        let mut attempt = 1;
        loop {
            let (failure, retry_after) = match self.send(ask, &token).await {
                Ok(answer) => return Ok(answer),
                Err(refused) => refused,
            };
            if policy(&failure, ask.call).next == NextStep::RefreshToken && !replaced {
                // Refused before anything was done, so also a write may go again.
                replaced = true;
                token = self.tokens.replace(&token).await?;
                continue;
            }
            match retry_delay(&self.retries, attempt, &failure, ask.call, retry_after) {
                Some(delay) => {
                    tracing::info!(
                        route = route(&ask.target),
                        attempt,
                        ?delay,
                        ?failure,
                        "asking again"
                    );
                    tokio::time::sleep(delay).await;
                }
                None => return Err(failure),
            }
            attempt += 1;
        }
    }

    #[tracing::instrument(name = "salesforce.request", skip_all, fields(method = %ask.method, route = route(&ask.target)))]
    async fn send(&self, ask: &Ask<'_>, token: &AccessToken) -> Result<Answer, (Failure, Option<Duration>)> {
        let url = self.url(ask, token).map_err(|failure| (failure, None))?;
        let mut request = self
            .http
            .request(ask.method.clone(), url)
            .bearer_auth(token.secret.expose_secret())
            .header("Sforce-Call-Options", CALL_OPTIONS);
        if !ask.query.is_empty() {
            request = request.query(ask.query);
        }
        if let Some(body) = ask.body {
            request = request.json(body);
        }
        let started = tokio::time::Instant::now();
        // Until the headers are there; a body that is streamed has its own bound on each piece.
        let response = tokio::time::timeout(JSON_TIMEOUT, request.send())
            .await
            .map_err(|_elapsed| {
                let message = "no answer in time".to_owned();
                (Failure::NoAnswer { message }, None)
            })?
            .map_err(|error| (errors::no_answer(&error), None))?;
        let status = response.status();
        if let Some(usage) = header(response.headers(), limits::HEADER) {
            self.usage.note(usage);
        }
        tracing::debug!(status = status.as_u16(), elapsed = ?started.elapsed(), "answered");
        if status.is_success() {
            let at = self.dated(response.headers());
            return Ok(Answer { response, at });
        }
        let retry_after = header(response.headers(), RETRY_AFTER.as_str()).and_then(read_retry_after);
        let body = read_body(response, errors::MAX_ERROR_BODY)
            .await
            .unwrap_or_default();
        Err((errors::failure(status.as_u16(), &body), retry_after))
    }

    fn url(&self, ask: &Ask<'_>, token: &AccessToken) -> Result<Url, Failure> {
        match ask.target {
            Target::Versioned(segments) => {
                let version = format!("v{}", self.api_version);
                let path = ["services", "data", &version];
                Ok(token
                    .instance
                    .path(path.into_iter().chain(segments.iter().copied())))
            }
            Target::Unversioned(segments) => {
                let path = ["services", "data"];
                Ok(token
                    .instance
                    .path(path.into_iter().chain(segments.iter().copied())))
            }
            Target::Link(link) => token.instance.link(link).ok_or_else(|| Failure::Unreadable {
                message: "expected a link to the same host".to_owned(),
            }),
        }
    }

    /// The `Date` of an answer. A proxy that drops it leaves our own clock, which is said once in the log.
    fn dated(&self, headers: &HeaderMap) -> Instant {
        header(headers, DATE.as_str())
            .and_then(|date| chrono::DateTime::parse_from_rfc2822(date).ok())
            .map(|date| date.with_timezone(&chrono::Utc))
            .unwrap_or_else(|| {
                tracing::warn!("an answer of Salesforce has no Date; the gateway's clock is used instead");
                self.clock.now()
            })
    }
}

/// The wait before the next attempt, if the policy allows one. A call that may have written is never repeated here:
/// not even a refusal that could pass, since only the caller knows what it would write twice.
pub(super) fn retry_delay(
    retries: &RetrySchedule,
    attempt: u32,
    failure: &Failure,
    call: Call,
    retry_after: Option<Duration>,
) -> Option<Duration> {
    match policy(failure, call).next {
        NextStep::Retry if call == Call::Read => {
            let delay = retries.delay(attempt, rand::random())?;
            Some(delay.max(retry_after.unwrap_or_default().min(LONGEST_RETRY_AFTER)))
        }
        NextStep::Retry
        | NextStep::ReadFirst
        | NextStep::RefreshToken
        | NextStep::Park
        | NextStep::Stop
        | NextStep::Gone
        | NextStep::StartOver => None,
    }
}

/// Reads a body of at most `limit` bytes, counted after decompression.
pub(super) async fn read_body(mut response: Response, limit: usize) -> Result<Bytes, Failure> {
    let mut body = BytesMut::new();
    let read = async {
        while let Some(chunk) = response
            .chunk()
            .await
            .map_err(|error| errors::no_answer(&error))?
        {
            if body.len() + chunk.len() > limit {
                return Err(Failure::Unreadable {
                    message: format!("expected at most {limit} bytes"),
                });
            }
            body.extend_from_slice(&chunk);
        }
        Ok(body.freeze())
    };
    tokio::time::timeout(JSON_TIMEOUT, read)
        .await
        .map_err(|_elapsed| Failure::NoAnswer {
            message: "the answer did not end in time".to_owned(),
        })?
}

/// Name of a request for logs: its first two segments, never ids or data.
fn route(target: &Target<'_>) -> &'static str {
    let first = match target {
        Target::Versioned(segments) | Target::Unversioned(segments) => segments,
        Target::Link(_) => return "query page",
    };
    match first.first() {
        Some(&"query") => "query",
        Some(&"queryAll") => "queryAll",
        Some(&"sobjects") => "describe",
        Some(&"composite") => "collections",
        Some(&"limits") => "limits",
        Some(&"jobs") => "jobs/query",
        _ => "versions",
    }
}

fn header<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}

fn read_retry_after(value: &str) -> Option<Duration> {
    value.trim().parse().ok().map(Duration::from_secs)
}
