//! The knobs of the emulated organisation for other processes. None of this exists in Salesforce; no route
//! here needs a session, is logged, or counts against a limit.
//!
//! | Route | Method | Body | Effect |
//! |---|---|---|---|
//! | `/emulator/clock` | GET | | `{"now"}` |
//! | `/emulator/clock` | POST | `{"set": "2026-11-22T06:00:00Z"}` or `{"advanceSeconds": 60}` | moves the clock |
//! | `/emulator/faults` | POST | any of `delayMilliseconds`, `cutAfterNextWrites`, `cutNextResultPages`, `answerNext: {requests, status, code}` | sets faults |
//! | `/emulator/faults` | DELETE | | ends all faults |
//! | `/emulator/tokens/expire` | POST | | ends all sessions |
//! | `/emulator/tokens/timeout` | POST | `{"seconds": 7200}` | how long an unused session lasts |
//! | `/emulator/requests` | GET | | `{"total", "counts": [{method, route, count}], "latest": […]}` |
//! | `/emulator/requests` | DELETE | | forgets them |
//! | `/emulator/bulk` | POST | any of `waitingMilliseconds`, `runningMilliseconds`, `pageRows` | how long Bulk jobs created from now on take, and how many rows a result page has that asks for no number |
//! | `/emulator/limits` | POST | `{"dailyApiRequests": 1000}` | changes the daily limit |
//! | `/emulator/recycle-bin/purge` | POST | | deletes for good what lies in the recycle bin |

use std::num::NonZeroUsize;
use std::time::Duration;

use actix_web::{HttpResponse, web};
use chrono::TimeDelta;
use serde::Deserialize;
use serde_json::{Value as Json, json};

use super::ApiError;
use super::body::JsonBody;
use super::record::parse_datetime;
use crate::limits::Allocation;
use crate::org::Org;

/// Adds the routes.
pub fn configure(routes: &mut web::ServiceConfig) {
    routes
        .service(
            web::resource("/emulator/clock")
                .route(web::get().to(read_clock))
                .route(web::post().to(move_clock)),
        )
        .service(
            web::resource("/emulator/faults")
                .route(web::post().to(set_faults))
                .route(web::delete().to(clear_faults)),
        )
        .route("/emulator/tokens/expire", web::post().to(expire_tokens))
        .route("/emulator/tokens/timeout", web::post().to(set_timeout))
        .service(
            web::resource("/emulator/requests")
                .route(web::get().to(read_requests))
                .route(web::delete().to(clear_requests)),
        )
        .route("/emulator/bulk", web::post().to(set_bulk))
        .route("/emulator/limits", web::post().to(set_limits))
        .route("/emulator/recycle-bin/purge", web::post().to(purge));
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
enum ClockMove {
    Set(String),
    AdvanceSeconds(u64),
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct FaultSettings {
    delay_milliseconds: Option<u64>,
    cut_after_next_writes: Option<u32>,
    cut_next_result_pages: Option<u32>,
    answer_next: Option<NextAnswers>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct NextAnswers {
    requests: u32,
    status: u16,
    code: String,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Timeout {
    seconds: u64,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct LimitSettings {
    daily_api_requests: u64,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct BulkSettings {
    waiting_milliseconds: Option<u32>,
    running_milliseconds: Option<u32>,
    page_rows: Option<NonZeroUsize>,
}

async fn read_clock(org: web::Data<Org>) -> HttpResponse {
    HttpResponse::Ok().json(json!({ "now": org.clock.now() }))
}

async fn move_clock(org: web::Data<Org>, body: JsonBody) -> Result<HttpResponse, ApiError> {
    match parse(&body)? {
        ClockMove::Set(to) => {
            let to = parse_datetime(&to).ok_or_else(|| {
                ApiError::json_parser(format!("set must be a date and time with a zone, not {to:?}"))
            })?;
            org.clock.set(to);
        }
        ClockMove::AdvanceSeconds(seconds) => org.clock.advance(Duration::from_secs(seconds)),
    }
    Ok(read_clock(org).await)
}

async fn set_faults(org: web::Data<Org>, body: JsonBody) -> Result<HttpResponse, ApiError> {
    let settings: FaultSettings = parse(&body)?;
    if let Some(next) = &settings.answer_next
        && !(400..=599).contains(&next.status)
    {
        let message = format!("answerNext.status must be from 400 to 599, not {}", next.status);
        return Err(ApiError::json_parser(message));
    }
    if let Some(delay) = settings.delay_milliseconds {
        org.faults.delay(Duration::from_millis(delay));
    }
    if let Some(writes) = settings.cut_after_next_writes {
        org.faults.cut_after_next_writes(writes);
    }
    if let Some(pages) = settings.cut_next_result_pages {
        org.faults.cut_next_result_pages(pages);
    }
    if let Some(next) = settings.answer_next {
        org.faults.answer_next(next.requests, next.status, next.code);
    }
    Ok(HttpResponse::NoContent().finish())
}

async fn clear_faults(org: web::Data<Org>) -> HttpResponse {
    org.faults.clear();
    HttpResponse::NoContent().finish()
}

async fn expire_tokens(org: web::Data<Org>) -> HttpResponse {
    org.tokens.expire_all();
    HttpResponse::NoContent().finish()
}

async fn set_timeout(org: web::Data<Org>, body: JsonBody) -> Result<HttpResponse, ApiError> {
    let timeout: Timeout = parse(&body)?;
    org.tokens.set_timeout(Duration::from_secs(timeout.seconds));
    Ok(HttpResponse::NoContent().finish())
}

async fn read_requests(org: web::Data<Org>) -> HttpResponse {
    let counts: Vec<Json> = org
        .request_log
        .counts()
        .into_iter()
        .map(|((method, route), count)| json!({ "method": method, "route": route, "count": count }))
        .collect();
    let (total, latest) = (org.request_log.total(), org.request_log.latest());
    HttpResponse::Ok().json(json!({ "total": total, "counts": counts, "latest": latest }))
}

async fn clear_requests(org: web::Data<Org>) -> HttpResponse {
    org.request_log.clear();
    HttpResponse::NoContent().finish()
}

async fn set_bulk(org: web::Data<Org>, body: JsonBody) -> Result<HttpResponse, ApiError> {
    let settings: BulkSettings = parse(&body)?;
    let mut processing = org.bulk.processing_time();
    if let Some(waiting) = settings.waiting_milliseconds {
        processing.waiting = TimeDelta::milliseconds(waiting.into());
    }
    if let Some(running) = settings.running_milliseconds {
        processing.running = TimeDelta::milliseconds(running.into());
    }
    org.bulk.set_processing_time(processing);
    if let Some(rows) = settings.page_rows {
        org.bulk.set_page_rows(rows.get());
    }
    Ok(HttpResponse::NoContent().finish())
}

async fn set_limits(org: web::Data<Org>, body: JsonBody) -> Result<HttpResponse, ApiError> {
    let settings: LimitSettings = parse(&body)?;
    org.limits
        .set_maximum(Allocation::DailyApiRequests, settings.daily_api_requests);
    Ok(HttpResponse::NoContent().finish())
}

async fn purge(org: web::Data<Org>) -> HttpResponse {
    HttpResponse::Ok().json(json!({ "purged": org.purge_recycle_bin() }))
}

fn parse<T: for<'de> Deserialize<'de>>(body: &JsonBody) -> Result<T, ApiError> {
    serde_json::from_str(body.text()?).map_err(|error| ApiError::json_parser(error.to_string()))
}
