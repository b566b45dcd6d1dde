//! Queries: `/query`, `/queryAll` and the pages after the first.
//!
//! Source: Salesforce REST API Developer Guide, Query, QueryAll, Query Options Header.

mod columns;
mod coverage;
mod records;

use std::sync::Arc;

use actix_web::{HttpRequest, HttpResponse, web};
use chrono_tz::Tz;
use serde_json::{Map, Value as Json, json};

use super::{ApiError, ApiVersion, Caller, get_or_head, resource};
use crate::data::{Data, Row};
use crate::id::RecordId;
use crate::org::Org;
use crate::soql::cursors::Cursor;
use crate::soql::grouping::Grouping;
use crate::soql::groups::Group;
use crate::soql::setting::first_day_of_week;
use crate::soql::{Output, Plan, Scope, Setting, SoqlError, run, run_groups};
use crate::value::Value;
use records::{RecordWriter, Surroundings};

/// Rows of a page unless the caller asks for fewer, and the most it may ask for.
const MAX_BATCH: usize = 2_000;
/// The fewest rows that a caller may ask for.
const MIN_BATCH: usize = 200;

/// Adds the routes below `/services/data/{version}`.
pub fn configure(routes: &mut web::ServiceConfig) {
    routes
        .service(resource("/query", "GET,HEAD").route(get_or_head().to(query)))
        .service(resource("/queryAll", "GET,HEAD").route(get_or_head().to(query_all)))
        .service(resource("/query/{locator}", "GET,HEAD").route(get_or_head().to(more)))
        .service(resource("/queryAll/{locator}", "GET,HEAD").route(get_or_head().to(more)));
}

/// Adds the query resource of the Tooling API, which asks about metadata that is kept as records, such as ApexClass.
pub fn configure_tooling(routes: &mut web::ServiceConfig) {
    routes
        .service(resource("/tooling/query", "GET,HEAD").route(get_or_head().to(query_tooling)))
        .service(resource("/tooling/query/{locator}", "GET,HEAD").route(get_or_head().to(more)));
}

impl From<SoqlError> for ApiError {
    fn from(error: SoqlError) -> Self {
        Self::new(400, error.code, error.message)
    }
}

async fn query(caller: Caller, org: web::Data<Org>, request: HttpRequest) -> Result<HttpResponse, ApiError> {
    answer(&caller, &org, &request, Scope::Live)
}

async fn query_tooling(
    caller: Caller,
    org: web::Data<Org>,
    request: HttpRequest,
) -> Result<HttpResponse, ApiError> {
    if let Some(text) = Parameters::read(&request)?.text
        && let Some(records) = coverage::answer(&org, &caller, &text)?
    {
        return Ok(HttpResponse::Ok().json(page_json(records.len(), records, None)));
    }
    answer(&caller, &org, &request, Scope::Live)
}

async fn query_all(
    caller: Caller,
    org: web::Data<Org>,
    request: HttpRequest,
) -> Result<HttpResponse, ApiError> {
    answer(&caller, &org, &request, Scope::WithDeleted)
}

fn answer(caller: &Caller, org: &Org, request: &HttpRequest, scope: Scope) -> Result<HttpResponse, ApiError> {
    let parameters = Parameters::read(request)?;
    let text = parameters
        .text
        .ok_or_else(|| ApiError::new(400, "MALFORMED_QUERY", "A query string has to be specified"))?;
    let batch = batch_size(request)?;
    let setting = setting_of(caller, org);
    let plan = Plan::in_setting(&text, &caller.schema(org), &setting)?;
    if parameters.columns {
        return Ok(HttpResponse::Ok().json(columns::metadata(&plan)));
    }
    let data = org.read();
    if let Output::Groups(grouping) = &plan.output {
        let groups = run_groups(&plan, grouping, &data, scope);
        return groups_answer(grouping, &groups, batch, setting.zone);
    }
    let rows = run(&plan, &data, scope);
    let total = rows.len();
    if matches!(plan.output, Output::Count) {
        return Ok(HttpResponse::Ok().json(json!({ "totalSize": total, "done": true, "records": [] })));
    }
    let settled = plan.settled(&data, scope);
    let surroundings = Surroundings {
        caller,
        org,
        data: &data,
        scope,
        version: caller.version,
        zone: setting.zone,
        batch,
    };
    let writer = RecordWriter::new(&settled, &surroundings);
    let page = writer.page(rows.iter().map(|row| Some(row.as_ref())))?;
    let next = if page.taken < total {
        let ids = rows.iter().map(|row| row.id()).collect();
        let cursor = Cursor::new(
            settled.as_ref().clone(),
            ids,
            scope,
            caller.version.0,
            caller.user,
            setting.now,
        );
        let id = org.cursors.open(cursor).ok_or_else(no_locators_left)?;
        Some(locator_url(caller.version, id, page.taken))
    } else {
        None
    };
    Ok(HttpResponse::Ok().json(page_json(total, page.records, next)))
}

/// All rows of a Bulk result as records.
pub(super) fn bulk_records(
    plan: &Plan,
    rows: &[Arc<Row>],
    scope: Scope,
    caller: &Caller,
    org: &Org,
) -> Result<Vec<Json>, ApiError> {
    let setting = setting_of(caller, org);
    let data = org.read();
    let surroundings = Surroundings {
        caller,
        org,
        data: &data,
        scope,
        version: caller.version,
        zone: setting.zone,
        batch: usize::MAX,
    };
    let page = RecordWriter::new(plan, &surroundings).page(rows.iter().map(|row| Some(row.as_ref())))?;
    Ok(page.records)
}

async fn more(
    caller: Caller,
    org: web::Data<Org>,
    path: web::Path<(String, String)>,
    request: HttpRequest,
) -> Result<HttpResponse, ApiError> {
    let (_, locator) = path.into_inner();
    let batch = batch_size(&request)?;
    let setting = setting_of(&caller, &org);
    let (id, cursor, start) = org
        .cursors
        .find(&locator, caller.user, setting.now)
        .ok_or_else(|| ApiError::new(400, "INVALID_QUERY_LOCATOR", "invalid query locator"))?;
    let total = cursor.ids.len();
    let version = ApiVersion(cursor.version);
    let data = org.read();
    let surroundings = Surroundings {
        caller: &caller,
        org: &org,
        data: &data,
        scope: cursor.scope,
        version,
        zone: setting.zone,
        batch,
    };
    let table = data.table(&cursor.plan.object.name);
    let rows = cursor.ids.get(start..).unwrap_or_default().iter().map(|id| {
        let row = table?.get(id)?;
        (cursor.scope == Scope::WithDeleted || !row.is_deleted()).then_some(row)
    });
    let page = RecordWriter::new(&cursor.plan, &surroundings).page(rows)?;
    let end = start.saturating_add(page.taken);
    let next = (end < total).then(|| locator_url(version, id, end));
    Ok(HttpResponse::Ok().json(page_json(total, page.records, next)))
}

/// Groups come in one page. Source: SOQL and SOSL Reference, Considerations for GROUP BY; the words and code are
/// those that people report.
fn groups_answer(
    grouping: &Grouping,
    groups: &[Group],
    batch: usize,
    zone: Tz,
) -> Result<HttpResponse, ApiError> {
    if groups.len() > batch {
        return Err(ApiError::new(
            400,
            "EXCEEDED_ID_LIMIT",
            "Aggregate query does not support queryMore(), use LIMIT to restrict the results to a single batch",
        ));
    }
    let records = groups
        .iter()
        .map(|group| records::group_json(grouping, group, zone));
    Ok(HttpResponse::Ok().json(page_json(groups.len(), records.collect(), None)))
}

fn locator_url(version: ApiVersion, id: RecordId, position: usize) -> String {
    format!("{}/query/{id}-{position}", version.root())
}

fn no_locators_left() -> ApiError {
    ApiError::new(
        500,
        "UNKNOWN_EXCEPTION",
        "The organisation has run out of query locators",
    )
}

/// One page of a result.
fn page_json(total: usize, records: Vec<Json>, next: Option<String>) -> Json {
    let mut page = Map::new();
    page.insert("totalSize".to_owned(), json!(total));
    page.insert("done".to_owned(), json!(next.is_none()));
    if let Some(next) = next {
        page.insert("nextRecordsUrl".to_owned(), json!(next));
    }
    page.insert("records".to_owned(), Json::Array(records));
    Json::Object(page)
}

/// The surroundings of a caller's queries: the clock, the user's time zone and locale, the organisation's fiscal
/// year.
pub(super) fn setting_of(caller: &Caller, org: &Org) -> Setting {
    setting_in(caller.user, caller.version.0, org, &org.read())
}

/// The surroundings of a user's queries over records that are held already.
pub(crate) fn setting_in(user: RecordId, version: u16, org: &Org, data: &Data) -> Setting {
    let text_of = |object: &str, id: RecordId, field: &str| -> Option<Value> {
        let table = data.table(object)?;
        let (position, _) = table.object.field(field)?;
        Some(table.get(&id)?.get(position).clone())
    };
    let mut setting = Setting {
        user: Some(user),
        version,
        ..Setting::of_platform(org.clock.now())
    };
    if let Some(Value::Text(zone)) = text_of("User", user, "TimeZoneSidKey") {
        setting.zone = zone.parse().unwrap_or(setting.zone);
    }
    if let Some(Value::Text(locale)) = text_of("User", user, "LocaleSidKey") {
        setting.first_day_of_week = first_day_of_week(&locale);
    }
    if let Some(Value::Number(month)) = text_of("Organization", org.id, "FiscalYearStartMonth") {
        let month = u32::try_from(month).ok().filter(|month| (1..=12).contains(month));
        setting.first_fiscal_month = month.unwrap_or(setting.first_fiscal_month);
    }
    if let Some(Value::Boolean(by_start)) = text_of("Organization", org.id, "UsesStartDateAsFiscalYearName") {
        setting.fiscal_year_named_by_start = by_start;
    }
    setting
}

/// What the query string says.
struct Parameters {
    text: Option<String>,
    columns: bool,
}

impl Parameters {
    fn read(request: &HttpRequest) -> Result<Self, ApiError> {
        let mut parameters = Self {
            text: None,
            columns: false,
        };
        for (name, value) in url::form_urlencoded::parse(request.query_string().as_bytes()) {
            match name.as_ref() {
                "q" => parameters.text = Some(value.into_owned()),
                "columns" => parameters.columns = value == "true",
                "explain" => {
                    return Err(SoqlError::unsupported("the explain parameter of a query").into());
                }
                _ => {}
            }
        }
        Ok(parameters)
    }
}

/// The rows of a page that `Sforce-Query-Options: batchSize=…` asks for. Numbers outside the range are drawn
/// into it.
fn batch_size(request: &HttpRequest) -> Result<usize, ApiError> {
    let Some(header) = request.headers().get("sforce-query-options") else {
        return Ok(MAX_BATCH);
    };
    let refused = || {
        let message = "Invalid Sforce-Query-Options header. Use batchSize=n with n from 200 to 2000.";
        ApiError::new(400, "INVALID_QUERY_OPTIONS", message)
    };
    let mut size = MAX_BATCH;
    for option in header.to_str().ok().ok_or_else(refused)?.split([',', ';']) {
        let (name, value) = option.split_once('=').ok_or_else(refused)?;
        if name.trim().eq_ignore_ascii_case("batchSize") {
            size = value.trim().parse().ok().ok_or_else(refused)?;
        }
    }
    Ok(size.clamp(MIN_BATCH, MAX_BATCH))
}
