//! `URL` (Apex Reference Guide, "URL Class") and `UUID` ("UUID Class"). The addresses of the org are the host's.

use super::declaration::Declarations;
use crate::run::value::Value;
use crate::run::{Machine, Run};

#[derive(Debug)]
struct Uuid(String);

/// An address by its parts.
#[derive(Debug, Clone, Default)]
struct Url {
    text: String,
    protocol: String,
    authority: String,
    path: String,
    query: Option<String>,
    reference: Option<String>,
}

impl Url {
    /// None without a protocol and `://`.
    fn parse(text: &str) -> Option<Self> {
        let (protocol, rest) = text.split_once("://")?;
        let known = protocol.chars().all(|c| c.is_ascii_alphanumeric()) && !protocol.is_empty();
        let (rest, reference) = match rest.split_once('#') {
            Some((rest, reference)) => (rest, Some(reference.to_owned())),
            None => (rest, None),
        };
        let (rest, query) = match rest.split_once('?') {
            Some((rest, query)) => (rest, Some(query.to_owned())),
            None => (rest, None),
        };
        let end = rest.find('/').unwrap_or(rest.len());
        let (authority, path) = rest.split_at(end);
        known.then(|| Self {
            text: text.to_owned(),
            protocol: protocol.to_ascii_lowercase(),
            authority: authority.to_owned(),
            path: path.to_owned(),
            query,
            reference,
        })
    }

    fn port(&self) -> Option<i32> {
        let (_, port) = self.authority.rsplit_once(':')?;
        port.parse().ok()
    }

    fn host(&self) -> &str {
        let host = self
            .authority
            .rsplit_once('@')
            .map_or(&*self.authority, |(_, host)| host);
        match self.port() {
            Some(_) => host.rsplit_once(':').map_or(host, |(host, _)| host),
            None => host,
        }
    }
}

pub(super) fn declare(catalogue: &mut Declarations) {
    catalogue
        .class("System.UUID")
        .method("static UUID randomUUID()", random)
        .method("String toString()", to_string);
    catalogue
        .class("System.URL")
        .constructor("new(String text)", new_url)
        .method("static URL getOrgDomainUrl()", domain)
        .method("String toExternalForm()", |m, this, _| {
            of(m, this, |u| Value::from(u.text.as_str()))
        })
        .method("String toString()", |m, this, _| {
            of(m, this, |u| Value::from(u.text.as_str()))
        })
        .method("String getProtocol()", |m, this, _| {
            of(m, this, |u| Value::from(u.protocol.as_str()))
        })
        .method("String getAuthority()", |m, this, _| {
            of(m, this, |u| Value::from(u.authority.as_str()))
        })
        .method("String getHost()", |m, this, _| {
            of(m, this, |u| Value::from(u.host()))
        })
        .method("String getPath()", |m, this, _| {
            of(m, this, |u| Value::from(u.path.as_str()))
        })
        .method("Integer getPort()", |m, this, _| {
            of(m, this, |u| Value::Integer(u.port().unwrap_or(-1)))
        })
        .method("Integer getDefaultPort()", |m, this, _| {
            of(m, this, |u| {
                Value::Integer(match &*u.protocol {
                    "http" => 80,
                    "https" => 443,
                    _ => -1,
                })
            })
        })
        .method("String getQuery()", |m, this, _| {
            of(m, this, |u| u.query.clone().map_or(Value::Null, Value::from))
        })
        .method("String getRef()", |m, this, _| {
            of(m, this, |u| u.reference.clone().map_or(Value::Null, Value::from))
        })
        .method("String getFile()", |m, this, _| {
            of(m, this, |u| {
                let query = u.query.as_ref().map(|query| format!("?{query}"));
                Value::from(format!("{}{}", u.path, query.unwrap_or_default()))
            })
        });
}

fn of(m: &Machine<'_>, this: &Value, part: impl Fn(&Url) -> Value) -> Run<Value> {
    m.with_state(this, |url: &mut Url| part(url))
}

fn new_url(m: &mut Machine<'_>, _: &Value, arguments: &[Value]) -> Run<Value> {
    let text = m.text(arguments, 0)?;
    match Url::parse(&text) {
        Some(url) => m.platform_object("System.URL", url),
        None => Err(m.raise("StringException", format!("no protocol: {text}"))),
    }
}

/// `https://MyDomainName.my.salesforce.com`
fn domain(m: &mut Machine<'_>, _: &Value, _: &[Value]) -> Run<Value> {
    let text = m.host.domain_url().map_err(|error| m.from_host(error))?;
    match Url::parse(&text) {
        Some(url) => m.platform_object("System.URL", url),
        None => Err(m.not_supported(format!("the address {text}"))),
    }
}

/// Version 4, variant 1.
fn random(m: &mut Machine<'_>, _: &Value, _: &[Value]) -> Run<Value> {
    let bits = (u128::from(m.host.random()) << 64) | u128::from(m.host.random());
    let bits = (bits & !(0xf << 76) & !(0x3 << 62)) | (0x4 << 76) | (0x2 << 62);
    let hex = format!("{bits:032x}");
    let part = |from: usize, to: usize| hex.get(from..to).unwrap_or_default();
    let text = [part(0, 8), part(8, 12), part(12, 16), part(16, 20), part(20, 32)].join("-");
    match m.catalogue.find("System.UUID") {
        Some(id) => Ok(Value::native(crate::types::Type::platform(id), Uuid(text))),
        None => Err(m.null_pointer()),
    }
}

fn to_string(m: &mut Machine<'_>, this: &Value, _: &[Value]) -> Run<Value> {
    m.with_state(this, |uuid: &mut Uuid| Value::from(uuid.0.as_str()))
}
