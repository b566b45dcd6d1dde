//! Request bodies: bytes that may be anything, and the JSON in them.

use std::collections::HashSet;
use std::fmt;
use std::future::Future;
use std::pin::Pin;

use actix_web::dev::Payload;
use actix_web::error::PayloadError;
use actix_web::http::header::{CONTENT_ENCODING, CONTENT_TYPE};
use actix_web::web::Bytes;
use actix_web::{FromRequest, HttpRequest};
use serde::de::{self, Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value as Json};

use super::ApiError;

/// A body whose text is UTF-8 and whose type says JSON, or says nothing.
#[derive(Clone, Debug)]
pub struct JsonBody {
    bytes: Bytes,
}

impl JsonBody {
    /// The text as sent.
    ///
    /// # Errors
    /// The body is empty or no UTF-8.
    pub fn text(&self) -> Result<&str, ApiError> {
        if self.bytes.is_empty() {
            let message = "The HTTP entity body is required, but this request has no entity body.";
            return Err(ApiError::json_parser(message));
        }
        std::str::from_utf8(&self.bytes).map_err(|error| {
            let (line, column) = position(&self.bytes, error.valid_up_to());
            ApiError::json_parser(format!("Invalid UTF-8 byte at [line:{line}, column:{column}]"))
        })
    }

    /// The body as a JSON object.
    ///
    /// # Errors
    /// The body is no JSON, or another JSON value.
    pub fn object(&self) -> Result<Map<String, Json>, ApiError> {
        let text = self.text()?;
        let parsed = serde_json::from_str::<Unambiguous>(text).and_then(|_| serde_json::from_str(text));
        match parsed.map_err(|error| refused(&error))? {
            Json::Object(object) => Ok(object),
            _ => Err(ApiError::json_parser(
                "The request body must be a JSON object at [line:1, column:1]",
            )),
        }
    }
}

impl FromRequest for JsonBody {
    type Error = ApiError;
    type Future = Pin<Box<dyn Future<Output = Result<Self, ApiError>>>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let media_type = request
            .headers()
            .get(CONTENT_TYPE)
            .and_then(|value| value.to_str().ok())
            .map(|value| {
                value
                    .split(';')
                    .next()
                    .unwrap_or_default()
                    .trim()
                    .to_ascii_lowercase()
            });
        // What gzip and deflate packed is unpacked by the server (REST API Developer Guide, Using Compression).
        let is_packed_otherwise = request
            .headers()
            .get(CONTENT_ENCODING)
            .is_some_and(|encoding| !matches!(encoding.as_bytes(), b"gzip" | b"deflate" | b"identity"));
        let bytes = Bytes::from_request(request, payload);
        Box::pin(async move {
            if is_packed_otherwise {
                let message = "The request's content encoding is not supported. Use gzip or deflate.";
                return Err(ApiError::new(415, "UNSUPPORTED_MEDIA_TYPE", message));
            }
            if media_type.is_some_and(|media_type| media_type != "application/json") {
                let message = "The request's content type is not supported. Use application/json.";
                return Err(ApiError::new(415, "UNSUPPORTED_MEDIA_TYPE", message));
            }
            match bytes.await {
                Ok(bytes) => Ok(Self { bytes }),
                Err(error) => Err(match error.as_error::<PayloadError>() {
                    Some(PayloadError::Overflow) => ApiError::new(
                        413,
                        "EXCEEDED_MAX_SIZE_REQUEST",
                        "The request exceeds the size limit of 50 MB.",
                    ),
                    _ => ApiError::json_parser(format!("The request body could not be read: {error}")),
                }),
            }
        })
    }
}

fn refused(error: &serde_json::Error) -> ApiError {
    // The parser ends its text with its own notion of the place, which is printed in Salesforce's form.
    let text = error.to_string();
    let reason = text.split(" at line ").next().unwrap_or_default();
    let (line, column) = (error.line(), error.column());
    ApiError::json_parser(format!("{reason} at [line:{line}, column:{column}]"))
}

/// JSON in which every object has a key once and no text holds the character NUL: what JSON's grammar leaves
/// open, and the plain parser lets pass by keeping the last of two values.
struct Unambiguous;

impl<'de> Deserialize<'de> for Unambiguous {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(UnambiguousVisitor)
    }
}

struct UnambiguousVisitor;

impl<'de> Visitor<'de> for UnambiguousVisitor {
    type Value = Unambiguous;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("any JSON value")
    }

    fn visit_unit<E>(self) -> Result<Unambiguous, E> {
        Ok(Unambiguous)
    }

    fn visit_bool<E>(self, _: bool) -> Result<Unambiguous, E> {
        Ok(Unambiguous)
    }

    fn visit_i64<E>(self, _: i64) -> Result<Unambiguous, E> {
        Ok(Unambiguous)
    }

    fn visit_u64<E>(self, _: u64) -> Result<Unambiguous, E> {
        Ok(Unambiguous)
    }

    fn visit_f64<E>(self, _: f64) -> Result<Unambiguous, E> {
        Ok(Unambiguous)
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Unambiguous, E> {
        if text.contains('\0') {
            return Err(E::custom("Illegal character (NUL, code 0) in a text"));
        }
        Ok(Unambiguous)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<Unambiguous, A::Error> {
        while elements.next_element::<Unambiguous>()?.is_some() {}
        Ok(Unambiguous)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Unambiguous, A::Error> {
        let mut keys = HashSet::new();
        while let Some(key) = entries.next_key::<String>()? {
            UnambiguousVisitor.visit_str(&key)?;
            entries.next_value::<Unambiguous>()?;
            if let Some(twice) = keys.replace(key) {
                return Err(de::Error::custom(format!("Duplicate field '{twice}'")));
            }
        }
        Ok(Unambiguous)
    }
}

/// Line and column, from 1, of a place in the text.
#[must_use]
pub fn position(text: &[u8], offset: usize) -> (usize, usize) {
    let before = text.get(..offset).unwrap_or(text);
    let line = before.iter().filter(|byte| **byte == b'\n').count() + 1;
    let column = before.iter().rev().take_while(|byte| **byte != b'\n').count() + 1;
    (line, column)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn body(bytes: &'static [u8]) -> JsonBody {
        JsonBody {
            bytes: Bytes::from_static(bytes),
        }
    }

    #[test]
    fn what_is_no_json_object_is_refused_with_its_place() {
        let refused = |bytes| body(bytes).object().expect_err("refused").message;
        assert_eq!(
            refused(b""),
            "The HTTP entity body is required, but this request has no entity body."
        );
        assert!(refused(b"{\"a\":\n }").ends_with(" at [line:2, column:2]"));
        assert_eq!(
            refused(b"{\"a\":\"\xff\"}"),
            "Invalid UTF-8 byte at [line:1, column:7]"
        );
        assert!(refused(b"[]").starts_with("The request body must be a JSON object"));
        assert_eq!(body(b"{\"a\":1}").object().expect("an object").len(), 1);
    }
}
