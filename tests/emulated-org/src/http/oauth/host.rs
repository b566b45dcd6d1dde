//! The hosts that one organisation answers under, told apart by the `Host` header.
//!
//! | Host | Behaves as |
//! |---|---|
//! | `login.` and anything, such as `login.localhost` or `login.salesforce.com` | the login host of production organisations |
//! | `test.` and anything | the login host of sandboxes |
//! | every other, such as `acme.my.localhost`, `127.0.0.1` and `localhost` | My Domain: the instance, where people may log in too |
//!
//! Source: Salesforce Help, My Domain Login and Application URL Formats. That a data request at a login host is
//! refused with `URL_NOT_RESET` is what clients' own documentation tells of it; the status is believed.

use actix_web::HttpRequest;
use actix_web::http::header::{HOST, HeaderMap};

use crate::http::errors::ApiError;
use crate::org::Org;

/// What kind of host a request came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// login.salesforce.com
    Login,
    /// test.salesforce.com
    Test,
    /// My Domain
    Instance,
}

/// The host that a request came to.
#[derive(Clone, Debug)]
pub(crate) struct Host {
    pub(super) kind: Kind,
    origin: String,
}

impl Host {
    pub(crate) fn of(org: &Org, headers: &HeaderMap, uri_authority: Option<&str>) -> Self {
        // HTTP/2 has the authority in place of the header.
        let authority = headers
            .get(HOST)
            .and_then(|value| value.to_str().ok())
            .or(uri_authority)
            .unwrap_or_default()
            .to_ascii_lowercase();
        let is_plain = authority
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b':'));
        let kind = match authority.split_once('.') {
            _ if !is_plain || authority.contains(".my.") => Kind::Instance,
            Some(("login", _)) => Kind::Login,
            Some(("test", _)) => Kind::Test,
            _ => Kind::Instance,
        };
        let origin = match kind {
            Kind::Instance => org.instance_url().to_owned(),
            Kind::Login | Kind::Test => {
                let scheme = org
                    .instance_url()
                    .split_once(':')
                    .map_or("http", |(scheme, _)| scheme);
                format!("{scheme}://{authority}")
            }
        };
        Self { kind, origin }
    }

    pub(crate) fn of_request(org: &Org, request: &HttpRequest) -> Self {
        let authority = request.uri().authority().map(|authority| authority.as_str());
        Self::of(org, request.headers(), authority)
    }

    /// Scheme and authority, as identity URLs and discovery name them.
    pub(crate) fn origin(&self) -> &str {
        &self.origin
    }

    /// Whether users of this organisation can log in here: sandboxes at the test host, others at the login host.
    pub(crate) fn serves(&self, org: &Org) -> bool {
        match self.kind {
            Kind::Login => !org.is_sandbox,
            Kind::Test => org.is_sandbox,
            Kind::Instance => true,
        }
    }

    /// Whether assertions for this audience may be brought here. My Domain takes those for the login hosts too,
    /// because clients try several pairs of host and audience until one works.
    pub(super) fn takes_audience(&self, org: &Org, audience: &str) -> bool {
        const LOGIN: &str = "https://login.salesforce.com";
        const TEST: &str = "https://test.salesforce.com";
        if org.switches().jwt_audience_of_login_hosts_alone {
            return match self.kind {
                Kind::Login => audience == LOGIN,
                Kind::Test => audience == TEST,
                Kind::Instance => audience == LOGIN || audience == TEST,
            };
        }
        match self.kind {
            Kind::Login => audience == LOGIN || audience == self.origin,
            Kind::Test => audience == TEST || audience == self.origin,
            Kind::Instance => {
                audience == LOGIN || audience == TEST || org.origins().iter().any(|own| own == audience)
            }
        }
    }

    /// Refuses data requests at the login hosts.
    pub(crate) fn admits_data(&self) -> Result<(), ApiError> {
        match self.kind {
            Kind::Instance => Ok(()),
            Kind::Login | Kind::Test => Err(ApiError::new(
                404,
                "URL_NOT_RESET",
                "Destination URL not reset. The URL returned from login must be set",
            )),
        }
    }
}
