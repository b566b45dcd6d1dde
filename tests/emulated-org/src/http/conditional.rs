//! Requests that only want what changed.
//!
//! Source: Salesforce REST API Developer Guide, Conditional Request Headers: describes and sObject Rows know
//! `If-Modified-Since`.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use actix_web::HttpRequest;
use actix_web::http::header::{HttpDate, IF_MODIFIED_SINCE};
use chrono::{DateTime, Utc};

/// A moment as HTTP dates tell it, which are whole seconds.
#[must_use]
pub fn http_time(moment: DateTime<Utc>) -> SystemTime {
    let seconds = u64::try_from(moment.timestamp()).unwrap_or_default();
    UNIX_EPOCH + Duration::from_secs(seconds)
}

/// Whether the caller holds what last changed at that moment. A date that cannot be read is no condition.
#[must_use]
pub fn is_unchanged(request: &HttpRequest, changed: DateTime<Utc>) -> bool {
    let held = request
        .headers()
        .get(IF_MODIFIED_SINCE)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.parse::<HttpDate>().ok())
        .map(SystemTime::from);
    held.is_some_and(|held| http_time(changed) <= held)
}
