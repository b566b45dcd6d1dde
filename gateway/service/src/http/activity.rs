//! `/v1/activity`: what crossed, hour by hour.

use actix_web::{HttpRequest, HttpResponse, get, web};
use chrono::{DateTime, Utc};
use serde::Serialize;
use utoipa::ToSchema;

use super::HttpState;
use super::auth::{Authorized, SyncsRead};
use super::parameters::Parameters;
use super::problem::{Problem, ProblemDocument};
use crate::app::activity::{self, HourOfActivity};

/// Hours where a caller names no number.
const DEFAULT_HOURS: u32 = 24;
/// Hours at most: as long as they are kept.
const MOST: u32 = 30 * 24;

/// What crossed, hour by hour.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Activity)]
pub struct ActivityView {
    /// Hours, oldest first; the last one has not ended.
    pub hours: Vec<HourView>,
}

/// What crossed in an hour.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = ActivityHour)]
pub struct HourView {
    /// When it began.
    pub from: DateTime<Utc>,
    /// Records that crossed, either way.
    #[schema(examples(12))]
    pub records: u64,
    /// Records whose news of Salesforce changed the partner's side.
    #[schema(examples(10))]
    pub salesforce_to_partner: u64,
    /// Writes that Salesforce stored.
    #[schema(examples(2))]
    pub partner_to_salesforce: u64,
    /// Records that were held, and writes that Salesforce refused.
    #[schema(examples(0))]
    pub failures: u64,
    /// What half of the changes that the package pushed took no longer than, from their save in Salesforce to here,
    /// up to the next power of two of milliseconds; null where it pushed none.
    #[schema(examples(1.023))]
    pub lag_seconds_median: Option<f64>,
    /// The longest of them.
    #[schema(examples(3.5))]
    pub lag_seconds_max: Option<f64>,
    /// Salesforce calls that were spent.
    #[schema(examples(17))]
    pub api_calls: u64,
}

impl From<&HourOfActivity> for HourView {
    fn from(hour: &HourOfActivity) -> Self {
        let crossed = &hour.crossed;
        HourView {
            from: hour.from,
            records: crossed.to_partner + crossed.to_salesforce,
            salesforce_to_partner: crossed.to_partner,
            partner_to_salesforce: crossed.to_salesforce,
            failures: crossed.failures,
            lag_seconds_median: crossed.lags.median().map(|lag| lag.as_secs_f64()),
            lag_seconds_max: crossed.lags.longest().map(|lag| lag.as_secs_f64()),
            api_calls: hour.calls,
        }
    }
}

/// Read what crossed, hour by hour.
#[utoipa::path(
    tag = "syncs",
    security(("bearer" = ["syncs:read"])),
    params(("hours" = Option<u32>, Query, description = "How many hours, 1 to 720; 24 when left out")),
    responses(
        (status = 200, description = "The hours", body = ActivityView),
        (status = 400, description = "Some parameters are wrong", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 401, description = "The token is refused", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 403, description = "The token does not allow this", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 500, description = "The gateway failed", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 503, description = "The store cannot be asked", body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
#[get("/v1/activity")]
pub async fn get_activity(
    state: web::Data<HttpState>,
    caller: Authorized<SyncsRead>,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    let mut parameters = Parameters::parse(request.query_string())?;
    let hours = parameters.read("hours", |text| match text.parse() {
        Ok(hours) if (1..=MOST).contains(&hours) => Ok(hours),
        _ => Err(format!("must be a number from 1 to {MOST}")),
    });
    parameters.finish()?;
    let hours = hours.unwrap_or(DEFAULT_HOURS);
    let hours = activity::hours(&state.app, caller.connection().id, hours).await?;
    Ok(HttpResponse::Ok().json(ActivityView {
        hours: hours.iter().map(HourView::from).collect(),
    }))
}
