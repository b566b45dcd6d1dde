//! What a subrequest's method and URL lead to.

use actix_web::http::{Method, Uri};

use crate::http::gate::served_version;
use crate::http::{ApiError, ApiVersion};
use crate::org::Org;

/// A resource by version and path, such as 68 and `sobjects/Account`.
pub(super) struct Target<'u> {
    pub version: ApiVersion,
    /// The path below the version, without its query.
    pub path: &'u str,
}

impl<'u> Target<'u> {
    /// Reads `v68.0/sobjects/Account?fields=Name`.
    ///
    /// # Errors
    /// No version, or one that is not served.
    pub(super) fn read(org: &Org, url: &'u str) -> Result<Self, ApiError> {
        let (segment, rest) = url.split_once('/').unwrap_or((url, ""));
        let version = served_version(org, segment)?;
        let path = rest.split(['?', '#']).next().unwrap_or_default();
        Ok(Self { version, path })
    }

    /// The first two segments of the path.
    pub(super) fn kind(&self) -> (&'u str, &'u str) {
        let mut segments = self.path.split('/').filter(|segment| !segment.is_empty());
        (
            segments.next().unwrap_or_default(),
            segments.next().unwrap_or_default(),
        )
    }
}

/// A method by its name in upper case.
///
/// # Errors
/// Another name.
pub(super) fn method(name: &str) -> Result<Method, ApiError> {
    match name {
        "GET" => Ok(Method::GET),
        "POST" => Ok(Method::POST),
        "PUT" => Ok(Method::PUT),
        "PATCH" => Ok(Method::PATCH),
        "DELETE" => Ok(Method::DELETE),
        other => Err(ApiError::json_parser(format!(
            "Invalid value for field method: {other}. Use POST, PUT, PATCH, GET or DELETE"
        ))),
    }
}

/// The URL as one that can be sent. The guide asks for encoded query strings and shows plain ones in its examples, so
/// spaces and letters beyond ASCII are encoded here.
///
/// # Errors
/// No URL even then.
pub(super) fn uri(url: &str) -> Result<Uri, ApiError> {
    let mut encoded = String::with_capacity(url.len());
    for byte in url.bytes() {
        if byte.is_ascii_graphic() && !matches!(byte, b'<' | b'>' | b'"') {
            encoded.push(char::from(byte));
        } else {
            encoded.push_str(&format!("%{byte:02X}"));
        }
    }
    encoded
        .parse()
        .map_err(|error| ApiError::json_parser(format!("Invalid value for field url: {error}")))
}
