//! Callouts: real HTTP, to endpoints that a Remote Site Setting allows.
//!
//! Source: Apex Developer Guide, Invoking Callouts Using Apex; Metadata API Developer Guide, RemoteSiteSetting.

use std::io::{Read as _, Write as _};
use std::net::{Shutdown, TcpStream};
use std::sync::{OnceLock, PoisonError};
use std::time::Duration;

use apex_runtime::host::{Callout, CalloutAnswer, HostError};
use reqwest::blocking::Client;
use reqwest::redirect::Policy;
use reqwest::{Method, Url};
use serde::Deserialize;

use crate::faults::CalloutFault;
use crate::org::Org;

/// What a program waits unless it says otherwise, and the most it may (Apex Developer Guide, Callout Limits).
const DEFAULT_TIMEOUT: Duration = Duration::from_secs(10);
const LONGEST_TIMEOUT: Duration = Duration::from_secs(120);
/// The most of an answer: the heap of asynchronous Apex.
const LARGEST_ANSWER: u64 = 12_000_000;

/// What Java says, in which callouts are made.
const TIMED_OUT: &str = "Read timed out";
const NOT_REACHED: &str = "Connection refused (Connection refused)";
const CUT: &str = "Unexpected end of file from server";

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

    /// Takes an endpoint from what programs may call.
    pub(crate) fn remove_remote_site(&self, url: &str) {
        let mut sites = self.apex.sites.write().unwrap_or_else(PoisonError::into_inner);
        sites.retain(|known| known.url != url);
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
    let fault = org.faults.apex().of_callout();
    match &fault {
        Some(CalloutFault::Refused) => return Err(refused(NOT_REACHED)),
        Some(CalloutFault::TimedOut) => return Err(refused(TIMED_OUT)),
        Some(CalloutFault::Answered {
            status,
            headers,
            body,
        }) => {
            return Ok(CalloutAnswer {
                status: (*status).into(),
                reason: String::new(),
                headers: headers.clone(),
                body: body.clone().into_bytes(),
            });
        }
        Some(CalloutFault::Cut) => {
            // The program hears the same whether or not its half had arrived.
            drop(send_half(&endpoint, call));
            return Err(refused(CUT));
        }
        Some(CalloutFault::AnswerLost) | None => {}
    }
    let answer = std::thread::scope(|scope| {
        scope
            .spawn(|| exchange(&endpoint, call))
            .join()
            .unwrap_or_else(|_| Err("The callout ended without an answer".to_owned()))
    })
    .map_err(refused)?;
    match fault {
        Some(_) => Err(refused(TIMED_OUT)),
        None => Ok(answer),
    }
}

/// Sends a request up to the middle of its body and cuts the connection.
fn send_half(endpoint: &Url, call: &Callout) -> std::io::Result<()> {
    let address = (
        endpoint.host_str().unwrap_or_default(),
        endpoint.port_or_known_default().unwrap_or(80),
    );
    let mut head = format!(
        "{} {} HTTP/1.1\r\nHost: {}:{}\r\nContent-Length: {}\r\n",
        call.method,
        endpoint.path(),
        address.0,
        address.1,
        call.body.len()
    );
    for (name, value) in &call.headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    head.push_str("\r\n");
    let mut socket = TcpStream::connect(address)?;
    socket.write_all(head.as_bytes())?;
    socket.write_all(call.body.get(..call.body.len() / 2).unwrap_or_default())?;
    socket.shutdown(Shutdown::Both)
}

/// The client of all callouts. Each has a connection of its own: what the other side does with one that lies idle must
/// not decide what becomes of a program.
fn client() -> Result<&'static Client, reqwest::Error> {
    static CLIENT: OnceLock<Client> = OnceLock::new();
    if let Some(client) = CLIENT.get() {
        return Ok(client);
    }
    let built = Client::builder()
        .redirect(Policy::none())
        .pool_max_idle_per_host(0)
        .build()?;
    Ok(CLIENT.get_or_init(|| built))
}

fn exchange(endpoint: &Url, call: &Callout) -> Result<CalloutAnswer, String> {
    let timeout = match u64::try_from(call.timeout) {
        Ok(0) | Err(_) => DEFAULT_TIMEOUT,
        Ok(milliseconds) => Duration::from_millis(milliseconds).min(LONGEST_TIMEOUT),
    };
    let explained = |error: reqwest::Error| {
        if error.is_timeout() {
            TIMED_OUT.to_owned()
        } else if error.is_connect() {
            NOT_REACHED.to_owned()
        } else {
            error.to_string()
        }
    };
    let method = Method::from_bytes(call.method.as_bytes()).map_err(|error| error.to_string())?;
    let client = client().map_err(explained)?;
    let mut request = client.request(method, endpoint.clone()).timeout(timeout);
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
