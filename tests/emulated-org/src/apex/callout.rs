//! Callouts: real HTTP, to endpoints that a Remote Site Setting allows.
//!
//! Source: Apex Developer Guide, Invoking Callouts Using Apex; Metadata API Developer Guide, RemoteSiteSetting.

use std::io::Read as _;
use std::sync::PoisonError;
use std::time::Duration;

use apex_runtime::host::{Callout, CalloutAnswer, HostError};
use reqwest::blocking::Client;
use reqwest::redirect::Policy;
use reqwest::{Method, Url};
use serde::Deserialize;

use crate::org::Org;

/// What a program waits unless it says otherwise, and the most it may (Apex Developer Guide, Callout Limits).
const DEFAULT_TIMEOUT: Duration = Duration::from_secs(10);
const LONGEST_TIMEOUT: Duration = Duration::from_secs(120);
/// The most of an answer: the heap of asynchronous Apex.
const LARGEST_ANSWER: u64 = 12_000_000;

/// A Remote Site Setting.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct RemoteSite {
    /// The address: scheme, host and port count.
    pub url: String,
    /// Whether it allows anything.
    pub is_active: bool,
}

impl RemoteSite {
    /// An active one.
    pub fn new(url: impl Into<String>) -> Self {
        Self {
            url: url.into(),
            is_active: true,
        }
    }

    fn allows(&self, endpoint: &Url) -> bool {
        self.is_active && Url::parse(&self.url).is_ok_and(|url| url.origin() == endpoint.origin())
    }
}

impl Org {
    /// Lets programs call an endpoint.
    pub fn add_remote_site(&self, site: RemoteSite) {
        let mut sites = self.apex.sites.write().unwrap_or_else(PoisonError::into_inner);
        sites.retain(|known| known.url != site.url);
        sites.push(site);
    }

    fn may_call(&self, endpoint: &Url) -> bool {
        let deployed = self.metadata.components();
        let mut deployed = deployed.of("RemoteSiteSetting").filter_map(|stored| {
            let definition = stored.component.definition.as_ref()?;
            Some(RemoteSite {
                url: definition.text_of("url")?.to_owned(),
                is_active: definition.text_of("isActive") == Some("true"),
            })
        });
        let sites = self.apex.sites.read().unwrap_or_else(PoisonError::into_inner);
        sites.iter().any(|site| site.allows(endpoint)) || deployed.any(|site| site.allows(endpoint))
    }
}

fn refused(message: impl Into<String>) -> HostError {
    HostError::Exception("CalloutException".to_owned(), message.into())
}

/// Calls. No lock is held meanwhile, and the thread is one of its own: programs run inside the server's tasks, in
/// which no other runtime may start.
pub(super) fn send(org: &Org, call: &Callout) -> Result<CalloutAnswer, HostError> {
    if call.endpoint.to_ascii_lowercase().starts_with("callout:") {
        return Err(HostError::NotSupported("named credentials".to_owned()));
    }
    let endpoint = Url::parse(&call.endpoint).map_err(|error| refused(format!("Invalid URL: {error}")))?;
    if !org.may_call(&endpoint) {
        return Err(refused(format!(
            "Unauthorized endpoint, please check Setup->Security->Remote site settings. endpoint = {}",
            call.endpoint
        )));
    }
    std::thread::scope(|scope| {
        scope
            .spawn(|| exchange(&endpoint, call))
            .join()
            .unwrap_or_else(|_| Err("The callout ended without an answer".to_owned()))
    })
    .map_err(refused)
}

fn exchange(endpoint: &Url, call: &Callout) -> Result<CalloutAnswer, String> {
    let timeout = match u64::try_from(call.timeout) {
        Ok(0) | Err(_) => DEFAULT_TIMEOUT,
        Ok(milliseconds) => Duration::from_millis(milliseconds).min(LONGEST_TIMEOUT),
    };
    let explained = |error: reqwest::Error| {
        if error.is_timeout() {
            "Read timed out".to_owned()
        } else if error.is_connect() {
            "Connection refused (Connection refused)".to_owned()
        } else {
            error.to_string()
        }
    };
    let method = Method::from_bytes(call.method.as_bytes()).map_err(|error| error.to_string())?;
    let client = Client::builder()
        .redirect(Policy::none())
        .timeout(timeout)
        .build()
        .map_err(explained)?;
    let mut request = client.request(method, endpoint.clone());
    for (name, value) in &call.headers {
        request = request.header(name, value);
    }
    if !call.body.is_empty() {
        request = request.body(call.body.clone());
    }
    let answer = request.send().map_err(explained)?;
    let status = answer.status();
    let headers = answer.headers().iter().map(|(name, value)| {
        let value = String::from_utf8_lossy(value.as_bytes()).into_owned();
        (name.as_str().to_owned(), value)
    });
    let headers = headers.collect();
    let mut body = Vec::new();
    answer
        .take(LARGEST_ANSWER + 1)
        .read_to_end(&mut body)
        .map_err(|error| format!("Read timed out: {error}"))?;
    if u64::try_from(body.len()).unwrap_or(u64::MAX) > LARGEST_ANSWER {
        return Err(format!(
            "Exceeded max size limit of {LARGEST_ANSWER} with response size {}",
            body.len()
        ));
    }
    Ok(CalloutAnswer {
        status: status.as_u16().into(),
        reason: status.canonical_reason().unwrap_or_default().to_owned(),
        headers,
        body,
    })
}
