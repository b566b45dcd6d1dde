//! Addresses that the gateway may send a token to.

use std::fmt;

use url::Url;

use crate::loopback::is_loopback;

/// The origin of a Salesforce host: `https://acme.my.salesforce.com`. Plain `http` only reaches this machine.
#[derive(Clone, PartialEq, Eq)]
pub struct BaseUrl(Url);

/// Why a text is no address of a Salesforce host.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidBaseUrl {
    /// Not a URL.
    #[error("{text:?} is no URL; write https://login.salesforce.com or your My Domain")]
    NoUrl {
        /// The text met.
        text: String,
    },
    /// Not https, and not on this machine.
    #[error("{url} is not https; only a host on this machine may be reached without TLS")]
    NotHttps {
        /// The URL met.
        url: String,
    },
    /// Something behind the host.
    #[error("{url} must be a scheme and a host only, without user, path, query or fragment")]
    MoreThanHost {
        /// The URL met, without user and password.
        url: String,
    },
    /// A Lightning host, which serves pages and not the API.
    #[error(
        "{url} is a Lightning host, which does not serve the API; use the My Domain (….my.salesforce.com)"
    )]
    Lightning {
        /// The URL met.
        url: String,
    },
}

impl BaseUrl {
    /// Reads an address.
    ///
    /// # Errors
    /// [`InvalidBaseUrl`] with what to write instead.
    pub fn parse(text: &str) -> Result<Self, InvalidBaseUrl> {
        let url = Url::parse(text.trim()).map_err(|_malformed| InvalidBaseUrl::NoUrl {
            text: text.to_owned(),
        })?;
        let shown = url.origin().ascii_serialization();
        let more = !matches!(url.path(), "" | "/")
            || url.query().is_some()
            || url.fragment().is_some()
            || !url.username().is_empty()
            || url.password().is_some();
        match url.scheme() {
            "https" | "http" if url.host().is_none() => Err(InvalidBaseUrl::NoUrl {
                text: text.to_owned(),
            }),
            "https" => Ok(()),
            "http" if is_loopback(&url) => Ok(()),
            _ => Err(InvalidBaseUrl::NotHttps { url: shown.clone() }),
        }?;
        if more {
            return Err(InvalidBaseUrl::MoreThanHost { url: shown });
        }
        if url
            .host_str()
            .is_some_and(|host| host.ends_with(".lightning.force.com"))
        {
            return Err(InvalidBaseUrl::Lightning { url: shown });
        }
        Ok(BaseUrl(url))
    }

    /// The URL of a path, given as its segments, which are percent-encoded.
    pub fn path<'a>(&self, segments: impl IntoIterator<Item = &'a str>) -> Url {
        let mut url = self.0.clone();
        if let Ok(mut path) = url.path_segments_mut() {
            path.clear().extend(segments);
        }
        url
    }

    /// The URL of a link that Salesforce gave; `None` where it leads to another host.
    pub fn link(&self, link: &str) -> Option<Url> {
        self.0
            .join(link)
            .ok()
            .filter(|url| url.origin() == self.0.origin())
    }

    /// Whether the host is this machine.
    pub fn is_loopback(&self) -> bool {
        is_loopback(&self.0)
    }
}

impl fmt::Display for BaseUrl {
    /// Without a closing slash, the form that tokens name as their audience.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0.origin().ascii_serialization())
    }
}

impl fmt::Debug for BaseUrl {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "BaseUrl({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_are_accepted_with_and_without_a_slash() {
        for text in ["https://login.salesforce.com", "https://login.salesforce.com/"] {
            assert_eq!(
                BaseUrl::parse(text).unwrap().to_string(),
                "https://login.salesforce.com"
            );
        }
        for text in ["http://127.0.0.1:8080", "http://localhost:1", "http://[::1]:1"] {
            assert!(BaseUrl::parse(text).unwrap().is_loopback(), "{text}");
        }
    }

    #[test]
    fn everything_else_is_refused() {
        for text in [
            "login.salesforce.com",
            "http://login.salesforce.com",
            "http://localhost.evil.example",
            "ftp://localhost",
            "https://user:pw@login.salesforce.com",
            "https://login.salesforce.com/services",
            "https://login.salesforce.com/?a=b",
            "https://acme.lightning.force.com",
            "",
        ] {
            assert!(BaseUrl::parse(text).is_err(), "{text}");
        }
        let error = BaseUrl::parse("https://user:pw@login.salesforce.com").unwrap_err();
        assert!(!error.to_string().contains("pw"), "{error}");
    }

    #[test]
    fn segments_are_encoded_and_links_stay_on_the_host() {
        let base = BaseUrl::parse("https://a.my.salesforce.com").unwrap();
        assert_eq!(
            base.path(["services", "data", "v67.0", "sobjects", "A/../B"])
                .as_str(),
            "https://a.my.salesforce.com/services/data/v67.0/sobjects/A%2F..%2FB"
        );
        assert_eq!(
            base.link("/services/data/v67.0/query/01g-2000").unwrap().as_str(),
            "https://a.my.salesforce.com/services/data/v67.0/query/01g-2000"
        );
        for elsewhere in [
            "https://evil.example/x",
            "//evil.example/x",
            "http://a.my.salesforce.com/x",
        ] {
            assert_eq!(base.link(elsewhere), None, "{elsewhere}");
        }
    }
}
