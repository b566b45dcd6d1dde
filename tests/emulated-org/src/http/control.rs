//! The knobs of the emulated organisation for other processes. None of this exists in Salesforce; no route
//! here needs a session, is logged, or counts against a limit. Apps, passwords and frozen users have theirs in
//! `http/oauth/knobs.rs`, people and rules in [`people`](super::people).
//!
//! | Route | Method | Body | Effect |
//! |---|---|---|---|
//! | `/emulator/clock` | GET | | `{"now"}` |
//! | `/emulator/clock` | POST | `{"set": "2026-11-22T06:00:00Z"}` or `{"advanceSeconds": 60}` | moves the clock |
//! | `/emulator/faults` | POST | any of `delayMilliseconds`, `cutAfterNextWrites`, `cutNextResultPages`, `answerNext: {requests, status, code}` | sets faults |
//! | `/emulator/faults` | POST | `chaos: {percent, seed?, kinds?, client?, mostDelayMilliseconds?}` | lets a share of all data API answers go wrong; `kinds` are those of [`Trouble`](crate::faults::Trouble), percent 0 ends it |
//! | `/emulator/faults` | POST | any of `lockedRows: {percent, seed?}`, `holdLocksMilliseconds` | refuses a share of all rows with `UNABLE_TO_LOCK_ROW`; how long requests keep their rows and parents locked |
//! | `/emulator/faults` | POST | `lateCommits: {percent, milliseconds, seed?}` | lets a share of what people do commit that long after its stamps |
//! | `/emulator/faults` | POST | `longRequests: 25` | pretends that other clients have so many requests of 20 seconds or longer under way |
//! | `/emulator/faults` | GET | | `{"chaos": {kind: count}, "lockedRows": count, "active": {…}}`: what went wrong so far, and what is set now, as it is posted |
//! | `/emulator/faults` | DELETE | | ends all faults and their counts |
//! | `/emulator/tokens/expire` | POST | | ends all sessions |
//! | `/emulator/tokens/timeout` | POST | `{"seconds": 7200}` | how long an unused session lasts |
//! | `/emulator/requests` | GET | | `{"total", "counts": [{method, route, count}], "latest": […]}`; `?last=100` for so many of the latest alone |
//! | `/emulator/requests` | DELETE | | forgets them |
//! | `/emulator/bulk` | POST | any of `waitingMilliseconds`, `runningMilliseconds`, `pageRows`, `hardDelete`, `failNextAfterRows`, `failNextBatch` | how long Bulk jobs created from now on take; how many rows a result page has that asks for no number; whether users may hard delete; after how many rows the next ingest job fails; with which `stateMessage` the next batch of the first Bulk API fails |
//! | `/emulator/limits` | POST | any of `dailyApiRequests`, `concurrentLongRequests`, `allocations: {"DailyBulkApiBatches": 100}` by the names of `/limits` and `DailyBulkV2IngestRecords` | changes what may be spent |
//! | `/emulator/recycle-bin/purge` | POST | | deletes for good what lies in the recycle bin |

use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::time::Duration;

use actix_web::{HttpResponse, web};
use chrono::TimeDelta;
use serde::Deserialize;
use serde_json::{Value as Json, json};

use super::ApiError;
use super::body::JsonBody;
use super::record::parse_datetime;
use crate::faults::Chaos;
use crate::limits::Allocation;
use crate::org::Org;
use crate::people::LateCommits;

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
                .route(web::get().to(read_faults))
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
    chaos: Option<Chaos>,
    locked_rows: Option<LockedRows>,
    hold_locks_milliseconds: Option<u32>,
    late_commits: Option<Late>,
    long_requests: Option<u32>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct LockedRows {
    percent: u8,
    #[serde(default)]
    seed: u64,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Late {
    percent: u8,
    milliseconds: u32,
    #[serde(default)]
    seed: u64,
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
    daily_api_requests: Option<u64>,
    concurrent_long_requests: Option<u32>,
    #[serde(default)]
    allocations: BTreeMap<String, u64>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RequestsWanted {
    last: Option<usize>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct BulkSettings {
    waiting_milliseconds: Option<u32>,
    running_milliseconds: Option<u32>,
    page_rows: Option<NonZeroUsize>,
    hard_delete: Option<bool>,
    fail_next_after_rows: Option<usize>,
    fail_next_batch: Option<String>,
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
    let percents = [
        ("chaos", settings.chaos.as_ref().map(|chaos| chaos.percent)),
        (
            "lockedRows",
            settings.locked_rows.as_ref().map(|rows| rows.percent),
        ),
        (
            "lateCommits",
            settings.late_commits.as_ref().map(|late| late.percent),
        ),
    ];
    if let Some((name, Some(percent))) = percents
        .into_iter()
        .find(|(_, percent)| percent.is_some_and(|percent| percent > 100))
    {
        let message = format!("{name}.percent must be from 0 to 100, not {percent}");
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
    if let Some(chaos) = settings.chaos {
        org.faults.set_chaos(chaos);
    }
    if let Some(rows) = settings.locked_rows {
        org.row_locks.refuse(rows.percent, rows.seed);
    }
    if let Some(hold) = settings.hold_locks_milliseconds {
        org.row_locks.hold_for(Duration::from_millis(hold.into()));
    }
    if let Some(late) = settings.late_commits {
        let delay = TimeDelta::milliseconds(late.milliseconds.into());
        org.set_late_commits(LateCommits::new(late.percent, delay, late.seed));
    }
    if let Some(of_others) = settings.long_requests {
        org.long_requests.pretend(of_others);
    }
    Ok(HttpResponse::NoContent().finish())
}

async fn read_faults(org: web::Data<Org>) -> HttpResponse {
    let active = org.faults.active();
    let (locked, hold) = org.row_locks.active();
    let late = org.current_late_commits();
    HttpResponse::Ok().json(json!({
        "chaos": org.faults.troubles(),
        "lockedRows": org.row_locks.refused(),
        "active": {
            "delayMilliseconds": active.delay_milliseconds,
            "cutAfterNextWrites": active.cut_after_next_writes,
            "cutNextResultPages": active.cut_next_result_pages,
            "answerNext": active.answer_next,
            "chaos": active.chaos,
            "lockedRows": locked.map(|(percent, seed)| json!({ "percent": percent, "seed": seed })),
            "holdLocksMilliseconds": u64::try_from(hold.as_millis()).unwrap_or(u64::MAX),
            "lateCommits": (late.percent > 0).then(|| json!({
                "percent": late.percent,
                "milliseconds": late.delay.num_milliseconds(),
                "seed": late.seed,
            })),
            "longRequests": org.long_requests.pretended(),
        },
    }))
}

async fn clear_faults(org: web::Data<Org>) -> HttpResponse {
    org.faults.clear();
    org.row_locks.clear();
    org.set_late_commits(LateCommits::default());
    org.long_requests.pretend(0);
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

async fn read_requests(org: web::Data<Org>, wanted: web::Query<RequestsWanted>) -> HttpResponse {
    let counts: Vec<Json> = org
        .request_log
        .counts()
        .into_iter()
        .map(|((method, route), count)| json!({ "method": method, "route": route, "count": count }))
        .collect();
    let latest = org.request_log.last(wanted.last.unwrap_or(usize::MAX));
    let total = org.request_log.total();
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
    org.ingest.set_processing_time(processing);
    if let Some(permitted) = settings.hard_delete {
        org.ingest.permit_hard_delete(permitted);
    }
    if let Some(rows) = settings.fail_next_after_rows {
        org.ingest.fail_next_after(rows);
    }
    if let Some(message) = settings.fail_next_batch {
        org.classic.fail_next_batch(message);
    }
    if let Some(rows) = settings.page_rows {
        org.bulk.set_page_rows(rows.get());
    }
    Ok(HttpResponse::NoContent().finish())
}

async fn set_limits(org: web::Data<Org>, body: JsonBody) -> Result<HttpResponse, ApiError> {
    let settings: LimitSettings = parse(&body)?;
    let mut maxima = Vec::new();
    for (name, maximum) in settings.allocations {
        let allocation = Allocation::ALL
            .into_iter()
            .chain([Allocation::DailyBulkV2IngestRecords])
            .find(|allocation| allocation.name() == name)
            .ok_or_else(|| ApiError::json_parser(format!("{name} is not the name of an allocation")))?;
        maxima.push((allocation, maximum));
    }
    maxima.extend(
        settings
            .daily_api_requests
            .map(|maximum| (Allocation::DailyApiRequests, maximum)),
    );
    for (allocation, maximum) in maxima {
        org.limits.set_maximum(allocation, maximum);
    }
    if let Some(most) = settings.concurrent_long_requests {
        org.long_requests.set_maximum(most);
    }
    Ok(HttpResponse::NoContent().finish())
}

async fn purge(org: web::Data<Org>) -> HttpResponse {
    HttpResponse::Ok().json(json!({ "purged": org.purge_recycle_bin() }))
}

pub(super) fn parse<T: for<'de> Deserialize<'de>>(body: &JsonBody) -> Result<T, ApiError> {
    serde_json::from_str(body.text()?).map_err(|error| ApiError::json_parser(error.to_string()))
}
