//! What may still be spent.
//!
//! Source: Salesforce REST API Developer Guide, Limits and Record Count.

use std::collections::BTreeMap;

use actix_web::{HttpResponse, web};
use serde::Deserialize;
use serde_json::{Map, Value as Json, json};

use super::{ApiError, Caller, get_or_head, resource};
use crate::id::RecordId;
use crate::limits::Allocation;
use crate::org::Org;
use crate::value::Value;

/// Adds the routes below `/services/data/{version}`.
pub fn configure(routes: &mut web::ServiceConfig) {
    routes
        .service(resource("/limits", "GET,HEAD").route(get_or_head().to(limits)))
        .service(resource("/limits/recordCount", "GET,HEAD").route(get_or_head().to(record_count)));
}

/// The parameters of Record Count.
#[derive(Debug, Deserialize)]
struct RecordCountParameters {
    #[serde(rename = "sObjects")]
    objects: Option<String>,
}

/// Allocations that nothing here spends, with sizes believed of an Enterprise organisation.
const UNSPENT: [(&str, u64); 40] = [
    ("ActiveScratchOrgs", 40),
    ("AnalyticsExternalDataSizeMB", 40_960),
    ("ConcurrentAsyncGetReportInstances", 200),
    ("ConcurrentEinsteinDataInsightsStoryCreation", 5),
    ("ConcurrentEinsteinDiscoveryStoryCreation", 2),
    ("ConcurrentSyncReportRuns", 20),
    ("DailyAnalyticsDataflowJobExecutions", 60),
    ("DailyAnalyticsUploadedFilesSizeMB", 51_200),
    ("DailyAsyncApexTests", 500),
    ("DailyDurableGenericStreamingApiEvents", 10_000),
    ("DailyDurableStreamingApiEvents", 10_000),
    ("DailyEinsteinDataInsightsStoryCreation", 1_000),
    ("DailyEinsteinDiscoveryOptimizationJobRuns", 25),
    ("DailyEinsteinDiscoveryPredictAPICalls", 50_000),
    ("DailyEinsteinDiscoveryPredictionsByCDC", 500_000),
    ("DailyEinsteinDiscoveryStoryCreation", 100),
    ("DailyFunctionsApiCallLimit", 235_000),
    ("DailyGenericStreamingApiEvents", 10_000),
    ("DailyScratchOrgs", 80),
    ("DailyStandardVolumePlatformEvents", 25_000),
    ("DailyStreamingApiEvents", 50_000),
    ("DailyWorkflowEmails", 1_000),
    ("DurableStreamingApiConcurrentClients", 1_000),
    ("HourlyAsyncReportRuns", 1_200),
    ("HourlyDashboardRefreshes", 200),
    ("HourlyDashboardResults", 5_000),
    ("HourlyDashboardStatuses", 999_999_999),
    ("HourlyLongTermIdMapping", 100_000),
    ("HourlyManagedContentPublicRequests", 50_000),
    ("HourlyODataCallout", 20_000),
    ("HourlyPublishedStandardVolumePlatformEvents", 100_000),
    ("HourlyShortTermIdMapping", 100_000),
    ("HourlySyncReportRuns", 500),
    ("HourlyTimeBasedWorkflow", 1_000),
    ("MassEmail", 5_000),
    ("MonthlyEinsteinDiscoveryStoryCreation", 500),
    ("Package2VersionCreates", 6),
    ("PermissionSets", 1_500),
    ("SingleEmail", 5_000),
    ("StreamingApiConcurrentClients", 1_000),
];

/// The whole map, in order of names.
async fn limits(org: web::Data<Org>, caller: Caller) -> Result<HttpResponse, ApiError> {
    if !may_view_setup(&org, caller.user) {
        return Err(setup_is_hidden());
    }
    let now = org.clock.now();
    let spent = Allocation::ALL.into_iter().map(|allocation| {
        let (used, maximum) = org.limits.usage(allocation, now);
        (allocation.name(), (maximum, maximum.saturating_sub(used)))
    });
    let unspent = UNSPENT
        .into_iter()
        .map(|(name, maximum)| (name, (maximum, maximum)));
    let by_name: BTreeMap<&str, (u64, u64)> = unspent.chain(spent).collect();
    let limits: Map<String, Json> = by_name
        .into_iter()
        .map(|(name, (maximum, remaining))| {
            let limit = json!({ "Max": maximum, "Remaining": remaining });
            (name.to_owned(), limit)
        })
        .collect();
    Ok(HttpResponse::Ok().json(limits))
}

/// How many records objects have, without those in the recycle bin; names that are no object's are ignored.
/// Salesforce counts now and then, this counts at once.
async fn record_count(
    org: web::Data<Org>,
    caller: Caller,
    parameters: web::Query<RecordCountParameters>,
) -> Result<HttpResponse, ApiError> {
    const SINCE: u16 = 40;
    if caller.version.0 < SINCE {
        return Err(ApiError::not_found());
    }
    if !may_view_setup(&org, caller.user) {
        return Err(setup_is_hidden());
    }
    let schema = caller.schema(&org);
    let wanted: Vec<&str> = match &parameters.objects {
        Some(names) => names.split(',').map(str::trim).collect(),
        None => schema.objects().map(|object| object.name.as_str()).collect(),
    };
    let data = org.read();
    let counts: Vec<Json> = wanted
        .into_iter()
        .filter_map(|name| {
            let object = schema.object(name)?;
            let table = data.table(&object.name)?;
            let count = table.rows().filter(|row| !row.is_deleted()).count();
            Some(json!({ "count": count, "name": object.name }))
        })
        .collect();
    Ok(HttpResponse::Ok().json(json!({ "sObjects": counts })))
}

/// Both resources are "for API users with the View Setup and Configuration permission"; the answer to others is
/// believed.
fn setup_is_hidden() -> ApiError {
    let message = "insufficient access rights on cross-reference id";
    ApiError::new(403, "INSUFFICIENT_ACCESS", message)
}

fn may_view_setup(org: &Org, user: RecordId) -> bool {
    let data = org.read();
    let permitted = || {
        let users = data.table("User")?;
        let (profile, _) = users.object.field("ProfileId")?;
        let Value::Id(profile) = users.get(&user)?.get(profile) else {
            return None;
        };
        let profiles = data.table("Profile")?;
        let (permission, _) = profiles.object.field("PermissionsViewSetup")?;
        Some(profiles.get(profile)?.get(permission) == &Value::Boolean(true))
    };
    permitted().unwrap_or(false)
}
