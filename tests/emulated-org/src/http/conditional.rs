//! Requests with conditions.
//!
//! Source: Salesforce REST API Developer Guide, Conditional Request Headers. Describes and sObject Rows know
//! `If-Modified-Since` and `If-Unmodified-Since`; accounts have an `ETag` besides, with `If-Match` and `If-None-Match`.
//! PATCH refuses values that cannot be read, reads take them for no condition; DELETE knows no conditions. That PATCH
//! answers 304 to data older than `If-Modified-Since` follows the guide's words; the code of 412 is believed.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use actix_web::HttpRequest;
use actix_web::http::Method;
use actix_web::http::header::{
    HeaderName, HttpDate, IF_MATCH, IF_MODIFIED_SINCE, IF_NONE_MATCH, IF_UNMODIFIED_SINCE,
};
use aws_lc_rs::digest::{SHA1_FOR_LEGACY_USE_ONLY, digest};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chrono::{DateTime, Utc};

use super::ApiError;
use crate::data::Row;
use crate::schema::Object;
use crate::value::Value;

/// What conditions are held against.
#[derive(Clone, Debug)]
pub struct Validators {
    /// When it last changed.
    pub changed: DateTime<Utc>,
    /// The hash of its content, in quotes, where it has one.
    pub etag: Option<String>,
}

/// A moment as HTTP dates tell it, which are whole seconds.
#[must_use]
pub fn http_time(moment: DateTime<Utc>) -> SystemTime {
    let seconds = u64::try_from(moment.timestamp()).unwrap_or_default();
    UNIX_EPOCH + Duration::from_secs(seconds)
}

impl Validators {
    /// Of metadata that changed at a moment.
    #[must_use]
    pub fn of_metadata(changed: DateTime<Utc>) -> Self {
        Self { changed, etag: None }
    }

    /// Of a record; `None` where the object does not say when its records change.
    #[must_use]
    pub fn of_row(object: &Object, row: &Row) -> Option<Self> {
        let (position, _) = object.field("SystemModstamp")?;
        let Value::DateTime(changed) = row.get(position) else {
            return None;
        };
        let etag = (object.name == "Account").then(|| etag(object, row));
        Some(Self {
            changed: *changed,
            etag,
        })
    }

    /// `Last-Modified` as a header shows it.
    #[must_use]
    pub fn last_modified(&self) -> String {
        HttpDate::from(http_time(self.changed)).to_string()
    }

    /// Holds a request's conditions against what there is: `true` if the caller has it already, which answers 304.
    ///
    /// # Errors
    /// 412 where a condition does not hold, 400 where a change brings one that cannot be read.
    pub fn is_unchanged(&self, request: &HttpRequest) -> Result<bool, ApiError> {
        let changes = request.method() == Method::PATCH;
        if let Some(wanted) = self.tags(request, &IF_MATCH, changes)?
            && !wanted
        {
            return Err(precondition_failed());
        }
        if let Some(held) = date(request, &IF_UNMODIFIED_SINCE, changes)?
            && http_time(self.changed) > held
        {
            return Err(precondition_failed());
        }
        if let Some(known) = self.tags(request, &IF_NONE_MATCH, changes)? {
            return match (known, changes) {
                (true, true) => Err(precondition_failed()),
                (known, _) => Ok(known),
            };
        }
        let held = date(request, &IF_MODIFIED_SINCE, false)?;
        Ok(held.is_some_and(|held| http_time(self.changed) <= held))
    }

    /// Whether one of a header's tags is this one's; `None` without the header, or where there are no tags.
    fn tags(&self, request: &HttpRequest, name: &HeaderName, strict: bool) -> Result<Option<bool>, ApiError> {
        let (Some(etag), Some(header)) = (&self.etag, request.headers().get(name)) else {
            return Ok(None);
        };
        let text = header.to_str().unwrap_or_default();
        let tags: Vec<&str> = text.split(',').map(str::trim).collect();
        let is_tag = |tag: &str| {
            let inner = tag.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
            tag == "*" || inner.is_some_and(|inner| !inner.contains('"'))
        };
        if !tags.iter().all(|tag| is_tag(tag)) {
            return if strict {
                Err(ApiError::invalid_header(name.as_str()))
            } else {
                Ok(None)
            };
        }
        let plain = |tag: &str| tag.replace("-gzip\"", "\"").replace("--gzip\"", "\"");
        Ok(Some(tags.iter().any(|tag| *tag == "*" || plain(tag) == *etag)))
    }
}

fn date(request: &HttpRequest, name: &HeaderName, strict: bool) -> Result<Option<SystemTime>, ApiError> {
    let Some(header) = request.headers().get(name) else {
        return Ok(None);
    };
    let date = header
        .to_str()
        .ok()
        .and_then(|value| value.parse::<HttpDate>().ok());
    match date {
        None if strict => Err(ApiError::invalid_header(name.as_str())),
        date => Ok(date.map(SystemTime::from)),
    }
}

/// A hash of the content: of every field, since any of them may be asked for.
fn etag(object: &Object, row: &Row) -> String {
    let mut content = String::new();
    for (position, field) in object.fields.iter().enumerate() {
        content.push_str(&row.get(position).write_json(field).to_string());
        content.push('\n');
    }
    let hash = digest(&SHA1_FOR_LEGACY_USE_ONLY, content.as_bytes());
    format!("\"{}\"", STANDARD.encode(hash))
}

fn precondition_failed() -> ApiError {
    let message = "The precondition in the request headers is not met.";
    ApiError::new(412, "PRECONDITION_FAILED", message)
}
