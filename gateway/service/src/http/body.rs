//! Reading of request bodies: bounded in size, time and depth before anything else looks at them.

use std::time::Duration;

use actix_web::HttpRequest;
use actix_web::http::header;
use actix_web::web::{Bytes, BytesMut, Payload};
use futures_util::StreamExt;
use serde_json::Value;

use super::problem::{Problem, ProblemKind};
use crate::json::{self, Hostile, JsonText};
use crate::members::Members;

/// Room that is taken before the first byte arrived. A claimed length alone never takes memory.
const FIRST_ROOM: usize = 16 * 1024;

/// What a body may cost.
#[derive(Debug, Clone, Copy)]
pub struct Bounds {
    /// Bytes.
    pub bytes: usize,
    /// Time from the head of the request to the end of the body.
    pub within: Duration,
}

/// Reads a body of a media type.
///
/// # Errors
/// A [`Problem`] that names what is wrong: media type, encoding, size (refused before it is read where the length
/// is told), slowness.
pub async fn read(
    request: &HttpRequest,
    mut payload: Payload,
    media_type: &str,
    bounds: Bounds,
) -> Result<Bytes, Problem> {
    let given = text_header(request, &header::CONTENT_TYPE);
    let essence = given.split(';').next().unwrap_or_default().trim();
    if !essence.eq_ignore_ascii_case(media_type) {
        return Err(Problem::new(
            ProblemKind::UnsupportedMediaType,
            format!("send Content-Type: {media_type}"),
        ));
    }
    let encoding = text_header(request, &header::CONTENT_ENCODING);
    if !encoding.is_empty() && !encoding.eq_ignore_ascii_case("identity") {
        return Err(Problem::new(
            ProblemKind::UnsupportedMediaType,
            "send the body as it is, without Content-Encoding",
        ));
    }
    let too_large = || {
        Problem::new(
            ProblemKind::BodyTooLarge,
            format!("at most {} bytes are read here; send it in parts", bounds.bytes),
        )
    };
    let told: Option<u64> = text_header(request, &header::CONTENT_LENGTH).parse().ok();
    if told.is_some_and(|length| length > bounds.bytes as u64) {
        return Err(too_large());
    }
    let read_all = async {
        let mut body = BytesMut::with_capacity(FIRST_ROOM.min(bounds.bytes));
        while let Some(chunk) = payload.next().await {
            let chunk = chunk.map_err(|error| {
                tracing::debug!(%error, "a body was interrupted");
                Problem::new(ProblemKind::BodyInterrupted, "send the request again, whole")
            })?;
            if body.len() + chunk.len() > bounds.bytes {
                return Err(too_large());
            }
            body.extend_from_slice(&chunk);
        }
        Ok(body.freeze())
    };
    match tokio::time::timeout(bounds.within, read_all).await {
        Ok(read) => read,
        Err(_elapsed) => Err(Problem::new(
            ProblemKind::BodyTimeout,
            format!("the body must be here within {} seconds", bounds.within.as_secs()),
        )),
    }
}

/// Reads the text of a body.
///
/// # Errors
/// [`ProblemKind::BodyNotUtf8`] naming the first bad byte.
pub fn text(body: &[u8]) -> Result<&str, Problem> {
    std::str::from_utf8(body).map_err(|error| {
        Problem::new(
            ProblemKind::BodyNotUtf8,
            format!(
                "byte {} does not continue a UTF-8 character; encode the body as UTF-8",
                error.valid_up_to()
            ),
        )
    })
}

/// Reads the JSON of a body into a value.
///
/// # Errors
/// [`ProblemKind::BodyNotUtf8`], [`ProblemKind::BodyTooDeep`], [`ProblemKind::MalformedRequest`] for a key that is
/// reserved, or [`ProblemKind::BodyNotJson`], each with the place.
pub fn json(body: &[u8]) -> Result<Value, Problem> {
    serde_json::from_str(looked_over(body)?).map_err(|error| broken_json(&error))
}

/// Reads the JSON object of a body member by member.
///
/// # Errors
/// As [`json()`], and [`ProblemKind::InvalidFields`] where it is no object.
pub fn members(body: &[u8]) -> Result<Members, Problem> {
    Members::of("", json(body)?)
        .map_err(|error| Problem::with_errors(ProblemKind::InvalidFields, vec![error]))
}

/// Reads the JSON of a body as text, of which nothing is built.
///
/// # Errors
/// As [`json()`].
pub fn json_text(body: &[u8]) -> Result<JsonText<'_>, Problem> {
    JsonText::parse(looked_over(body)?).map_err(|error| broken_json(&error))
}

fn looked_over(body: &[u8]) -> Result<&str, Problem> {
    let text = text(body)?;
    json::look_over(text).map_err(|hostile| {
        let kind = match hostile {
            Hostile::TooDeep { .. } => ProblemKind::BodyTooDeep,
            Hostile::ReservedKey { .. } => ProblemKind::MalformedRequest,
        };
        Problem::new(kind, hostile.to_string())
    })?;
    Ok(text)
}

fn broken_json(error: &serde_json::Error) -> Problem {
    Problem::new(
        ProblemKind::BodyNotJson,
        if error.is_eof() {
            "it ends in the middle of a value".to_owned()
        } else {
            format!(
                "it breaks off at line {}, column {}",
                error.line(),
                error.column()
            )
        },
    )
}

fn text_header<'a>(request: &'a HttpRequest, name: &header::HeaderName) -> &'a str {
    request
        .headers()
        .get(name)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_of_bad_body_has_its_own_problem() {
        for (body, kind) in [
            (&b"{\"a\":\"\xff\"}"[..], ProblemKind::BodyNotUtf8),
            (b"{\"a\":", ProblemKind::BodyNotJson),
            (b"{\"a\":1}x", ProblemKind::BodyNotJson),
            (b"", ProblemKind::BodyNotJson),
            ("[".repeat(100_000).as_bytes(), ProblemKind::BodyTooDeep),
            (
                br#"{"$serde_json::private::Number":"1"}"#,
                ProblemKind::MalformedRequest,
            ),
        ] {
            assert_eq!(json(body).unwrap_err().kind(), kind);
            assert_eq!(json_text(body).unwrap_err().kind(), kind);
        }
    }
}
