//! Which records of an object were changed or deleted in a span of time.
//!
//! Source: Salesforce REST API Developer Guide, sObject Get Updated and sObject Get Deleted.

use actix_web::{HttpResponse, web};
use chrono::{DateTime, TimeDelta, Utc};
use serde::Deserialize;
use serde_json::{Value as Json, json};

use super::errors::ApiError;
use super::record::parse_datetime;
use super::sobjects::object_named;
use super::{Caller, get_or_head, resource};
use crate::data::{Data, Row};
use crate::org::Org;
use crate::schema::Object;
use crate::value::{Value, datetime_json};

/// Adds the routes below `/services/data/{version}`.
pub fn configure(routes: &mut web::ServiceConfig) {
    routes
        .service(resource("/sobjects/{object}/updated", "GET,HEAD").route(get_or_head().to(updated)))
        .service(resource("/sobjects/{object}/deleted", "GET,HEAD").route(get_or_head().to(deleted)));
}

const MAX_IDS: usize = 600_000;
const UPDATED_DAYS: i64 = 30;
const DELETED_DAYS: i64 = 15;

#[derive(Debug, Deserialize)]
struct SpanParameters {
    start: Option<String>,
    end: Option<String>,
}

/// Whole minutes, the start within and the end without.
struct Span {
    start: DateTime<Utc>,
    end: DateTime<Utc>,
}

async fn updated(
    org: web::Data<Org>,
    caller: Caller,
    path: web::Path<(String, String)>,
    span: web::Query<SpanParameters>,
) -> Result<HttpResponse, ApiError> {
    let schema = caller.schema(&org);
    let object = replicateable(object_named(&schema, &path.1)?)?;
    let span = span.read(org.clock.now(), UPDATED_DAYS)?;
    let data = org.read();
    let ids: Vec<Json> = rows_within(&data, object, &span, false)?
        .iter()
        .map(|row| json!(row.id().as_str()))
        .collect();
    Ok(HttpResponse::Ok().json(json!({ "ids": ids, "latestDateCovered": datetime_json(span.end) })))
}

async fn deleted(
    org: web::Data<Org>,
    caller: Caller,
    path: web::Path<(String, String)>,
    span: web::Query<SpanParameters>,
) -> Result<HttpResponse, ApiError> {
    let schema = caller.schema(&org);
    let object = replicateable(object_named(&schema, &path.1)?)?;
    let now = org.clock.now();
    let span = span.read(now, DELETED_DAYS)?;
    let data = org.read();
    let records: Vec<Json> = rows_within(&data, object, &span, true)?
        .iter()
        .filter_map(|row| {
            let deleted = stamp(object, row)?;
            Some(json!({ "deletedDate": datetime_json(deleted), "id": row.id().as_str() }))
        })
        .collect();
    let earliest = (now - TimeDelta::days(DELETED_DAYS)).max(data.deletions_known_since());
    Ok(HttpResponse::Ok().json(json!({
        "deletedRecords": records,
        "earliestDateAvailable": datetime_json(minute(earliest)),
        "latestDateCovered": datetime_json(span.end),
    })))
}

/// The live or the deleted rows that were last written within the span.
fn rows_within<'d>(
    data: &'d Data,
    object: &Object,
    span: &Span,
    deleted: bool,
) -> Result<Vec<&'d Row>, ApiError> {
    let table = data.table(&object.name).ok_or_else(ApiError::unknown_object)?;
    let rows: Vec<&Row> = table
        .rows()
        .filter(|row| row.is_deleted() == deleted && span.holds(object, row) && object.shows(row, data))
        .take(MAX_IDS + 1)
        .collect();
    if rows.len() > MAX_IDS {
        return Err(ApiError::new(
            400,
            "EXCEEDED_ID_LIMIT",
            "The span holds more than 600,000 records. Ask for a shorter one.",
        ));
    }
    Ok(rows)
}

impl SpanParameters {
    fn read(&self, now: DateTime<Utc>, days: i64) -> Result<Span, ApiError> {
        let moment = |name: &str, text: Option<&String>| {
            let text = text.ok_or_else(|| {
                ApiError::new(
                    400,
                    "MISSING_ARGUMENT",
                    format!("The {name} parameter is required."),
                )
            })?;
            // A plus sign that the client did not encode arrives as a space.
            parse_datetime(text).ok_or_else(|| {
                ApiError::new(
                    400,
                    "INVALID_REPLICATION_DATE",
                    format!("{name} is not a date and time with a zone: {text}"),
                )
            })
        };
        let (given_start, given_end) = (
            moment("start", self.start.as_ref())?,
            moment("end", self.end.as_ref())?,
        );
        let (start, end) = (minute(given_start), minute(given_end));
        if given_end - given_start <= TimeDelta::minutes(1) {
            let message = "endDate must be more than one minute greater than startDate";
            return Err(ApiError::new(400, "INVALID_REPLICATION_DATE", message));
        }
        if start < minute(now - TimeDelta::days(days)) {
            let message = format!("startDate cannot be more than {days} days ago");
            return Err(ApiError::new(400, "INVALID_REPLICATION_DATE", message));
        }
        Ok(Span {
            start,
            end: end.min(minute(now)),
        })
    }
}

impl Span {
    fn holds(&self, object: &Object, row: &Row) -> bool {
        stamp(object, row).is_some_and(|stamp| self.start <= stamp && stamp < self.end)
    }
}

fn stamp(object: &Object, row: &Row) -> Option<DateTime<Utc>> {
    let (position, _) = object.field("SystemModstamp")?;
    match row.get(position) {
        Value::DateTime(stamp) => Some(*stamp),
        _ => None,
    }
}

fn minute(moment: DateTime<Utc>) -> DateTime<Utc> {
    let seconds = moment.timestamp().div_euclid(60) * 60;
    DateTime::from_timestamp(seconds, 0).unwrap_or(moment)
}

fn replicateable(object: &Object) -> Result<&Object, ApiError> {
    if object.replicateable {
        return Ok(object);
    }
    let message = format!("sObject type '{}' is not replicateable.", object.name);
    Err(ApiError::new(400, "INVALID_TYPE", message))
}
