//! `/v1/connection/settings`, `/instant` and `/budget`: what the org's admin sets on the package's pages.

use actix_web::http::header;
use actix_web::{HttpRequest, HttpResponse, put, web};
use causeway_core::ports::settings::{AdminSettings, InstantSchedule};
use serde_json::Value;
use utoipa::ToSchema;

use super::HttpState;
use super::auth::{Authorized, ConnectionWrite};
use super::body;
use super::overview::{BudgetView, SettingsView};
use super::parameters::Parameters;
use super::problem::{Problem, ProblemDocument, ProblemKind};
use crate::app::settings::{self, NewSettings, SettingsError};
use crate::app::{budget, console};
use crate::members::{FieldError, Members};

/// Settings to save, all or none. A text that is null or blank empties the setting.
#[derive(Debug, ToSchema)]
#[schema(rename_all = "camelCase", as = NewSettings)]
#[expect(dead_code, reason = "describes what `put_settings` reads")]
pub struct SettingsOrder {
    /// The partner's user to whom records from Salesforce belong whose owner has no partner user: an id or e-mail
    /// address. Null: the mappings' own default owners.
    #[schema(examples("ada@example.com"))]
    data_owner: Option<String>,
    /// Name of the Salesforce account to which new contacts and opportunities from the partner are attached that
    /// name none. Null: to none.
    #[schema(examples("Acme"))]
    account_name: Option<String>,
    /// Names the partner's site that is shown on records.
    #[schema(examples("acme-site"))]
    micro_site_key: Option<String>,
    /// Names the page that is shown on records.
    #[schema(examples("record"))]
    frame_name: Option<String>,
}

/// When instant syncs come by themselves.
#[derive(Debug, ToSchema)]
#[schema(rename_all = "camelCase", as = NewInstant)]
#[expect(dead_code, reason = "describes what `put_instant` reads")]
pub struct InstantOrder {
    /// Whether they do.
    enabled: bool,
    /// Minutes from one to the next.
    #[schema(minimum = 5, maximum = 1440, examples(15))]
    interval_minutes: u32,
}

/// A cap of Salesforce calls.
#[derive(Debug, ToSchema)]
#[schema(as = NewBudget)]
#[expect(dead_code, reason = "describes what `put_budget` reads")]
pub struct BudgetOrder {
    /// Whether the cap holds. Otherwise the automatic one does.
    enforced: bool,
    /// Calls in 24 hours, at most what the org allows. It may be kept without being enforced.
    #[schema(minimum = 1, examples(5000))]
    cap: Option<u64>,
}

/// Save the settings of the page Connection Settings.
///
/// All are saved, or none: each that is wrong is named. They take effect at once.
#[utoipa::path(
    tag = "connection",
    security(("bearer" = ["connection:write"])),
    params(("If-Match" = Option<String>, Header, description = "The revision that is replaced, as `ETag` gave it")),
    request_body = SettingsOrder,
    responses(
        (status = 200, description = "Saved", body = SettingsView, headers(("ETag" = String, description = "The revision"))),
        (status = 400, description = "The body cannot be read", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 401, description = "The token is refused", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 403, description = "The token does not allow this", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 408, description = "The body took too long", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 412, description = "Somebody else saved meanwhile", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 413, description = "The body is too large", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 415, description = "The body is of another form", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 422, description = "Some fields are wrong; nothing is saved", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 500, description = "The gateway failed", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 503, description = "The store cannot be asked", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 507, description = "The store is full", body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
#[put("/v1/connection/settings")]
pub async fn put_settings(
    state: web::Data<HttpState>,
    caller: Authorized<ConnectionWrite>,
    request: HttpRequest,
    payload: web::Payload,
) -> Result<HttpResponse, Problem> {
    Parameters::parse(request.query_string())?.finish()?;
    let replaced = if_match(&request)?;
    let body = body::read(&request, payload, "application/json", state.small_bodies()).await?;
    let new = read_settings(&body)?;
    let saved = settings::save(&state.app, caller.connection(), new, replaced).await?;
    Ok(tagged(&saved).json(SettingsView::from(&saved)))
}

/// Say when instant syncs come by themselves.
///
/// It takes effect within seconds; no restart is needed.
#[utoipa::path(
    tag = "connection",
    security(("bearer" = ["connection:write"])),
    params(("If-Match" = Option<String>, Header, description = "The revision of the settings that is replaced")),
    request_body = InstantOrder,
    responses(
        (status = 200, description = "Saved", body = super::overview::InstantView, headers(("ETag" = String, description = "The revision"))),
        (status = 400, description = "The body cannot be read", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 401, description = "The token is refused", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 403, description = "The token does not allow this", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 408, description = "The body took too long", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 412, description = "Somebody else saved meanwhile", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 413, description = "The body is too large", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 415, description = "The body is of another form", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 422, description = "Some fields are wrong; nothing is saved", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 500, description = "The gateway failed", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 503, description = "The store cannot be asked", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 507, description = "The store is full", body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
#[put("/v1/connection/instant")]
pub async fn put_instant(
    state: web::Data<HttpState>,
    caller: Authorized<ConnectionWrite>,
    request: HttpRequest,
    payload: web::Payload,
) -> Result<HttpResponse, Problem> {
    Parameters::parse(request.query_string())?.finish()?;
    let replaced = if_match(&request)?;
    let body = body::read(&request, payload, "application/json", state.small_bodies()).await?;
    let schedule = read_schedule(&body)?;
    let connection = caller.connection();
    let saved = settings::save_instant(&state.app, connection.id, schedule, replaced).await?;
    let overview = console::overview(&state.app, connection).await?;
    Ok(tagged(&saved).json(super::overview::InstantView::from(&overview.instant)))
}

/// Set the cap of Salesforce calls.
///
/// It holds at once: no call is made above it, and what waits for calls looks again.
#[utoipa::path(
    tag = "connection",
    security(("bearer" = ["connection:write"])),
    request_body = BudgetOrder,
    responses(
        (status = 200, description = "Saved", body = BudgetView),
        (status = 400, description = "The body cannot be read", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 401, description = "The token is refused", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 403, description = "The token does not allow this", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 408, description = "The body took too long", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 413, description = "The body is too large", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 415, description = "The body is of another form", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 422, description = "Some fields are wrong; nothing is saved", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 500, description = "The gateway failed", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 503, description = "The store cannot be asked", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 507, description = "The store is full", body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
#[put("/v1/connection/budget")]
pub async fn put_budget(
    state: web::Data<HttpState>,
    caller: Authorized<ConnectionWrite>,
    request: HttpRequest,
    payload: web::Payload,
) -> Result<HttpResponse, Problem> {
    Parameters::parse(request.query_string())?.finish()?;
    let body = body::read(&request, payload, "application/json", state.small_bodies()).await?;
    let (enforced, cap) = read_budget(&body)?;
    let saved = budget::save(&state.app, caller.connection(), enforced, cap).await?;
    Ok(HttpResponse::Ok().json(BudgetView::from(&saved)))
}

fn tagged(settings: &AdminSettings) -> actix_web::HttpResponseBuilder {
    let mut answer = HttpResponse::Ok();
    answer.insert_header((header::ETAG, format!("\"{}\"", settings.revision)));
    answer
}

/// The revision that a request replaces, where it says.
fn if_match(request: &HttpRequest) -> Result<Option<i64>, Problem> {
    let Some(given) = request.headers().get(header::IF_MATCH) else {
        return Ok(None);
    };
    let given = given.to_str().unwrap_or_default().trim();
    if given == "*" {
        return Ok(None);
    }
    let revision = given
        .strip_prefix('"')
        .and_then(|rest| rest.strip_suffix('"'))
        .and_then(|revision| revision.parse().ok());
    revision.map(Some).ok_or_else(|| {
        let error = FieldError {
            field: "If-Match".to_owned(),
            message: "must be the ETag of the settings, such as \"3\"".to_owned(),
        };
        Problem::with_errors(ProblemKind::InvalidParameters, vec![error])
    })
}

fn read_settings(body: &[u8]) -> Result<NewSettings, Problem> {
    let mut members = body::members(body)?;
    let mut text = |name| members.nullable_text(name);
    let new = NewSettings {
        data_owner: text("dataOwner"),
        account_name: text("accountName"),
        micro_site_key: text("microSiteKey"),
        frame_name: text("frameName"),
    };
    all_well(members)?;
    Ok(new)
}

fn read_schedule(body: &[u8]) -> Result<InstantSchedule, Problem> {
    let mut members = body::members(body)?;
    let enabled = flag(&mut members, "enabled");
    let interval = members
        .required("intervalMinutes")
        .and_then(|interval| interval.as_u64());
    if interval.is_none() {
        members.error("intervalMinutes", "must be a whole number of minutes");
    }
    all_well(members)?;
    Ok(InstantSchedule {
        enabled,
        // What is out of bounds is refused by its bounds.
        interval_minutes: interval
            .and_then(|interval| u32::try_from(interval).ok())
            .unwrap_or(u32::MAX),
    })
}

fn read_budget(body: &[u8]) -> Result<(bool, Option<u64>), Problem> {
    let mut members = body::members(body)?;
    let enforced = flag(&mut members, "enforced");
    let cap = match members.value("cap") {
        None | Some(Value::Null) => None,
        Some(Value::Number(cap)) if cap.is_u64() => cap.as_u64(),
        Some(_) => {
            members.error("cap", "must be a whole number of calls");
            None
        }
    };
    all_well(members)?;
    Ok((enforced, cap))
}

fn flag(members: &mut Members, name: &'static str) -> bool {
    match members.required(name) {
        Some(Value::Bool(flag)) => flag,
        Some(_) => {
            members.error(name, "must be true or false");
            false
        }
        None => false,
    }
}

fn all_well(members: Members) -> Result<(), Problem> {
    let errors = members.finish();
    if errors.is_empty() {
        Ok(())
    } else {
        Err(Problem::with_errors(ProblemKind::InvalidFields, errors))
    }
}

impl From<SettingsError> for Problem {
    fn from(error: SettingsError) -> Self {
        match error {
            SettingsError::Wrong(errors) => Problem::with_errors(ProblemKind::InvalidFields, errors),
            SettingsError::Changed { revision } => Problem::new(
                ProblemKind::SettingsChanged,
                format!("they are at revision {revision} by now; read them again, then save"),
            ),
            SettingsError::Store(error) => Problem::from(error),
        }
    }
}
