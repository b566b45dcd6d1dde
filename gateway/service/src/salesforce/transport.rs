//! The one way in which every request to Salesforce goes out.
//!
//! `Salesforce::exchange` takes a call from the budget, adds the token, waits, understands what comes back, and does
//! what the failure policy says as far as that is safe: a refused token is replaced once, reads are tried again on a
//! schedule, writes never are.

use std::time::Duration;

use bytes::{Bytes, BytesMut};
use causeway_core::Instant;
use causeway_core::failure::{Call, Failure, NextStep, policy};
use causeway_core::schedule::RetrySchedule;
use reqwest::header::{CONTENT_TYPE, DATE, HeaderMap, RETRY_AFTER};
use reqwest::{Method, Response};
use secrecy::ExposeSecret;
use serde::de::DeserializeOwned;
use tokio::time::Instant as Ticks;
use url::Url;

use crate::salesforce::auth::AccessToken;
use crate::salesforce::{Salesforce, errors, limits, soql};

/// Bytes of a JSON answer that are read at most. The largest are describes of wide objects and query pages.
const MAX_JSON: usize = 64 * 1024 * 1024;

/// The longest wait that a `Retry-After` header may ask for.
const LONGEST_RETRY_AFTER: Duration = Duration::from_secs(120);

/// How long a request may take until its headers are there, and how long a body that is read at once may take then.
/// Below Salesforce's own ten minutes.
const JSON_TIMEOUT: Duration = Duration::from_secs(120);

/// How long a token may let itself be waited for, with everything that is tried.
const TOKEN_TIMEOUT: Duration = Duration::from_secs(600);

/// Names the gateway in change events and logs of the org (REST API Developer Guide, "Call Options Header").
const CALL_OPTIONS: &str = "client=causeway";

/// The owner that the mapping gives stays: without this, active assignment rules replace it (REST API Developer
/// Guide, "Assignment Rule Header").
const AUTO_ASSIGN: (&str, &str) = ("Sforce-Auto-Assign", "FALSE");

/// The org's duplicate rules hold for the gateway too (REST API Developer Guide, "Duplicate Rules Header").
const DUPLICATE_RULES: (&str, &str) = ("Sforce-Duplicate-Rule-Header", "allowSave=false");

/// A request before it has a token.
#[derive(Debug)]
pub(super) struct Ask<'a> {
    pub method: Method,
    pub target: Target<'a>,
    pub query: &'a [(&'a str, &'a str)],
    pub body: Body<'a>,
    /// Whether it may be repeated without harm.
    pub call: Call,
    /// The request is given up at this moment, wherever it is; none: only each of its steps is bounded.
    pub deadline: Option<Ticks>,
}

/// What a request carries.
#[derive(Debug, Clone)]
pub(super) enum Body<'a> {
    None,
    Json(&'a serde_json::Value),
    Csv(Bytes),
}

/// Why a request did not succeed, and whether it can have done anything.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unsuccessful {
    /// What went wrong.
    pub failure: Failure,
    /// Whether Salesforce may have done what was asked: the request went out and no refusal came back.
    pub may_have_written: bool,
}

impl Unsuccessful {
    /// A request that never went out.
    pub(super) fn unsent(failure: Failure) -> Self {
        Unsuccessful {
            failure,
            may_have_written: false,
        }
    }

    /// A request that went out.
    pub(super) fn sent(failure: Failure) -> Self {
        let may_have_written = match &failure {
            Failure::Salesforce { status, .. } => *status == 408 || *status >= 500,
            Failure::NoAnswer { .. } | Failure::Unreadable { .. } => true,
            Failure::Store { .. } => false,
        };
        Unsuccessful {
            failure,
            may_have_written,
        }
    }
}

impl From<Unsuccessful> for Failure {
    fn from(unsuccessful: Unsuccessful) -> Self {
        unsuccessful.failure
    }
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
            body: Body::None,
            call: Call::Read,
            deadline: None,
        }
    }

    /// A request that may be repeated although its method is not GET.
    pub(super) fn repeatable(method: Method, target: Target<'a>, body: Body<'a>) -> Self {
        Ask {
            method,
            target,
            query: &[],
            body,
            call: Call::Read,
            deadline: None,
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
    pub(super) async fn json<T: DeserializeOwned>(
        &self,
        ask: &Ask<'_>,
    ) -> Result<(T, Instant), Unsuccessful> {
        let mut attempt = 1;
        let (body, at) = loop {
            let answer = Box::pin(self.exchange(ask)).await?;
            let failure =
                match in_time(ask.deadline, JSON_TIMEOUT, read_body(answer.response, MAX_JSON)).await {
                    Ok(body) => break (body, answer.at),
                    Err(failure) => failure,
                };
            match retry_delay(&self.retries, attempt, &failure, ask.call, None) {
                Some(delay) if !is_too_large(&failure) => tokio::time::sleep(delay).await,
                _ => return Err(Unsuccessful::sent(failure)),
            }
            attempt += 1;
        };
        let value = serde_json::from_slice(&body).map_err(|error| {
            Unsuccessful::sent(Failure::Unreadable {
                message: format!(
                    "expected {} as JSON; line {} column {} does not fit",
                    route(&ask.target),
                    error.line(),
                    error.column()
                ),
            })
        })?;
        Ok((value, at))
    }

    /// Sends a request until it succeeds or the policy says to give up.
    pub(super) async fn exchange(&self, ask: &Ask<'_>) -> Result<Answer, Unsuccessful> {
        let token = in_time(ask.deadline, TOKEN_TIMEOUT, self.tokens.token(self.lane));
        let mut token = token.await.map_err(Unsuccessful::unsent)?;
        let mut replaced = false;
        let mut attempt = 1;
        // What an earlier attempt may have done is not undone by a later one that never left.
        let mut may_have_written = false;
        loop {
            let (mut refused, retry_after) = match self.send(ask, &token).await {
                Ok(answer) => return Ok(answer),
                Err(refused) => refused,
            };
            may_have_written |= refused.may_have_written;
            refused.may_have_written = may_have_written;
            if policy(&refused.failure, ask.call).next == NextStep::RefreshToken && !replaced {
                // Refused before anything was done, so also a write may go again.
                replaced = true;
                let other = in_time(
                    ask.deadline,
                    TOKEN_TIMEOUT,
                    self.tokens.replace(&token, self.lane),
                );
                token = other.await.map_err(|failure| Unsuccessful {
                    failure,
                    may_have_written,
                })?;
                continue;
            }
            match retry_delay(&self.retries, attempt, &refused.failure, ask.call, retry_after) {
                Some(delay) => {
                    tracing::info!(
                        route = route(&ask.target),
                        attempt,
                        ?delay,
                        failure = ?refused.failure,
                        "asking again"
                    );
                    tokio::time::sleep(delay).await;
                }
                None => return Err(refused),
            }
            attempt += 1;
        }
    }

    #[tracing::instrument(name = "salesforce.request", skip_all, fields(method = %ask.method, route = route(&ask.target)))]
    async fn send(
        &self,
        ask: &Ask<'_>,
        token: &AccessToken,
    ) -> Result<Answer, (Unsuccessful, Option<Duration>)> {
        let unsent = |failure| (Unsuccessful::unsent(failure), None);
        let url = self.url(ask, token).map_err(unsent)?;
        // A write that waited here past its deadline must not go out any more.
        in_time(ask.deadline, JSON_TIMEOUT, self.calls.take(self.lane))
            .await
            .map_err(unsent)?;
        let mut request = self
            .http
            .request(ask.method.clone(), url)
            .bearer_auth(token.secret.expose_secret())
            .header("Sforce-Call-Options", CALL_OPTIONS);
        if ask.method != Method::GET {
            for (name, value) in [AUTO_ASSIGN, DUPLICATE_RULES] {
                request = request.header(name, value);
            }
        }
        request = match &ask.body {
            Body::None => request,
            Body::Json(body) => request.json(body),
            Body::Csv(body) => request
                .header(CONTENT_TYPE, "text/csv; charset=UTF-8")
                .body(body.clone()),
        };
        let started = Ticks::now();
        // Until the headers are there; a body that is streamed has its own bound on each piece.
        let sending = async {
            request.send().await.map_err(|error| Unsuccessful {
                may_have_written: !error.is_connect() && !error.is_builder(),
                failure: errors::no_answer(&error),
            })
        };
        let response = tokio::time::timeout_at(ends_at(ask.deadline, JSON_TIMEOUT), sending)
            .await
            .map_err(|_elapsed| (Unsuccessful::sent(no_answer_in_time()), None))?
            .map_err(|unsuccessful| (unsuccessful, None))?;
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
        let reading = read_body(response, errors::MAX_ERROR_BODY);
        let body = in_time(ask.deadline, JSON_TIMEOUT, reading)
            .await
            .unwrap_or_default();
        let failure = errors::failure(status.as_u16(), &body);
        Err((Unsuccessful::sent(failure), retry_after))
    }

    fn url(&self, ask: &Ask<'_>, token: &AccessToken) -> Result<Url, Failure> {
        let mut url = match ask.target {
            Target::Versioned(segments) => {
                let version = format!("v{}", self.api_version);
                let path = ["services", "data", &version];
                token
                    .instance
                    .path(path.into_iter().chain(segments.iter().copied()))
            }
            Target::Unversioned(segments) => {
                let path = ["services", "data"];
                token
                    .instance
                    .path(path.into_iter().chain(segments.iter().copied()))
            }
            Target::Link(link) => token.instance.link(link).ok_or_else(|| Failure::Unreadable {
                message: "expected a link to the same host".to_owned(),
            })?,
        };
        if !ask.query.is_empty() {
            url.set_query(Some(&soql::url_query(ask.query)));
        }
        Ok(url)
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
        | NextStep::Pause
        | NextStep::ReadFirst
        | NextStep::RefreshToken
        | NextStep::Park
        | NextStep::Stop
        | NextStep::Gone
        | NextStep::StartOver => None,
    }
}

const TOO_LARGE: &str = "expected an answer of at most";

/// Whether an answer was larger than is read. Asking again for the same would give the same.
pub(super) fn is_too_large(failure: &Failure) -> bool {
    matches!(failure, Failure::Unreadable { message } if message.starts_with(TOO_LARGE))
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
                    message: format!("{TOO_LARGE} {limit} bytes"),
                });
            }
            body.extend_from_slice(&chunk);
        }
        Ok(body.freeze())
    };
    in_time(None, JSON_TIMEOUT, read).await
}

/// Gives a step up at a request's deadline, and after `longest` in any case.
async fn in_time<T>(
    deadline: Option<Ticks>,
    longest: Duration,
    step: impl Future<Output = Result<T, Failure>>,
) -> Result<T, Failure> {
    tokio::time::timeout_at(ends_at(deadline, longest), step)
        .await
        .unwrap_or_else(|_elapsed| Err(no_answer_in_time()))
}

fn ends_at(deadline: Option<Ticks>, longest: Duration) -> Ticks {
    let end = Ticks::now() + longest;
    deadline.map_or(end, |deadline| deadline.min(end))
}

fn no_answer_in_time() -> Failure {
    Failure::NoAnswer {
        message: "no answer in time".to_owned(),
    }
}

/// Name of a request for logs: its first two segments, never ids or data.
fn route(target: &Target<'_>) -> &'static str {
    let first = match target {
        Target::Versioned(segments) | Target::Unversioned(segments) => segments,
        Target::Link(_) => return "query page",
    };
    match first {
        ["query", ..] => "query",
        ["queryAll", ..] => "queryAll",
        ["sobjects", ..] => "describe",
        ["composite", ..] => "collections",
        ["limits", ..] => "limits",
        ["jobs", "ingest", ..] => "jobs/ingest",
        ["jobs", ..] => "jobs/query",
        _ => "versions",
    }
}

fn header<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}

fn read_retry_after(value: &str) -> Option<Duration> {
    value.trim().parse().ok().map(Duration::from_secs)
}
