//! `/v1/salesforce/*` beside the changes: what the package in the org needs to be paired, to know what it captures, and
//! to tell how it is.

use actix_web::{HttpRequest, HttpResponse, get, post, web};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use causeway_core::Instant;
use causeway_core::id::SalesforceId;
use causeway_core::ports::connections::Connection;
use causeway_core::ports::packages::{PackageQueue, PackageReport, PackageTrouble};
use chrono::{DateTime, Utc};
use secrecy::SecretBox;
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use super::HttpState;
use super::auth::{Authorized, SalesforceWrite};
use super::body;
use super::parameters::Parameters;
use super::problem::{Problem, ProblemDocument, ProblemKind};
use super::salesforce_changes::other_organization;
use crate::app::org;
use crate::app::package::{self, Captured, KEY_BYTES, PairingError, PairingRequest, Reconciling};
use crate::members::Members;

/// Objects that one request may name at most.
const MAX_OBJECTS: usize = 200;

/// Characters that are kept of what a package says of its trouble.
const TROUBLE_LENGTH: usize = 1_000;

/// A package pairs itself.
#[derive(Debug, ToSchema)]
#[expect(dead_code, reason = "describes what is read member by member")]
#[schema(rename_all = "camelCase")]
pub struct NewPairing {
    /// The code from `causeway connection pair`; dashes and case do not matter.
    #[schema(examples("7K2QM-0ZX9D-4H1WT-VB6NR"))]
    code: String,
    /// The org, 15 or 18 characters.
    #[schema(examples("00D8a00001rBqb8EAC"))]
    organization_id: String,
    /// The key that the package made: 32 random bytes as base64. Its tokens are signed with them (HS256).
    key: String,
    /// Version of the package.
    #[schema(examples("1.0"))]
    package_version: String,
}

/// What a package needs to know once it is paired.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Pairing)]
pub struct PairingView {
    /// What its tokens name as `iss`.
    #[schema(examples("acme-package"))]
    pub client_id: String,
    /// What its tokens name as `aud`.
    #[schema(examples("https://gateway.example.com"))]
    pub audience: String,
    /// Name of the connection.
    #[schema(examples("acme"))]
    pub connection_name: String,
    /// What it captures.
    pub captured: CapturedView,
}

/// What a package captures.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Captured)]
pub struct CapturedView {
    /// Changes whenever the objects or fields do.
    #[schema(examples("5d41402abc4b2a76"))]
    pub revision: String,
    /// Objects with their fields.
    pub objects: Vec<CapturedObjectView>,
}

/// An object that a package captures.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = CapturedObject)]
pub struct CapturedObjectView {
    /// sObject.
    #[schema(examples("Contact"))]
    pub object: String,
    /// Its fields, beside Id and SystemModstamp, which belong to every reading.
    #[schema(examples(json!(["Email", "LastName", "OwnerId"])))]
    pub fields: Vec<String>,
}

impl From<Captured> for CapturedView {
    fn from(captured: Captured) -> Self {
        CapturedView {
            revision: captured.revision,
            objects: captured
                .objects
                .into_iter()
                .map(|(object, fields)| CapturedObjectView {
                    object,
                    fields: fields.into_iter().collect(),
                })
                .collect(),
        }
    }
}

/// A package tells how it is.
#[derive(Debug, ToSchema)]
#[expect(dead_code, reason = "describes what is read member by member")]
#[schema(rename_all = "camelCase")]
pub struct Heartbeat {
    /// The org, 15 or 18 characters.
    #[schema(examples("00D8a00001rBqb8EAC"))]
    organization_id: String,
    /// Version of the package.
    #[schema(examples("1.0"))]
    package_version: String,
    /// The user as whom it runs in the background.
    running_user_id: Option<String>,
    /// What waits in the org to be sent.
    queue: HeartbeatQueue,
    /// Objects that have to be reconciled, since room ran short while they were saved.
    #[schema(required = false, examples(json!(["Contact"])))]
    markers: Vec<String>,
    /// Whether the job is scheduled that sends what was left.
    sweeper_scheduled: bool,
    /// What keeps it from sending; null where nothing does.
    trouble: Option<HeartbeatTrouble>,
    /// `revision` of what it captures, as last told; left out where it was told nothing yet.
    captured_revision: Option<String>,
}

/// What waits in the org to be sent.
#[derive(Debug, ToSchema)]
#[expect(dead_code, reason = "describes what is read member by member")]
#[schema(rename_all = "camelCase")]
struct HeartbeatQueue {
    /// Rows of the package's own queue.
    #[schema(examples(0))]
    rows: u64,
    /// Since when the oldest waits; null where nothing does.
    oldest_at: Option<DateTime<Utc>>,
}

/// What keeps a package from sending.
#[derive(Debug, ToSchema)]
#[expect(dead_code, reason = "describes what is read member by member")]
struct HeartbeatTrouble {
    /// Code of the package's own.
    #[schema(examples("gateway-401"))]
    code: String,
    /// What it says to people; the first 1,000 characters are kept.
    message: String,
    /// Since when.
    since: DateTime<Utc>,
}

/// What a package is told in return.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = HeartbeatAnswer)]
pub struct HeartbeatView {
    /// The latest version.
    #[schema(examples("1.0"))]
    pub latest_package_version: String,
    /// Its id, by which Salesforce installs it; null where whoever runs the gateway has not said it.
    #[schema(examples("04tZM000000CqO2YAK"))]
    pub latest_package_id: Option<String>,
    /// Whether the package is older than that.
    pub out_of_date: bool,
    /// Whom to ask for help.
    pub support: SupportView,
    /// What it captures from now on; null where that is what it has.
    pub captured: Option<CapturedView>,
}

/// Whom to ask for help.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Support)]
pub struct SupportView {
    /// E-mail address.
    pub email: Option<String>,
    /// Phone number.
    pub phone: Option<String>,
}

/// A package asks for objects to be reconciled.
#[derive(Debug, ToSchema)]
#[expect(dead_code, reason = "describes what is read member by member")]
#[schema(rename_all = "camelCase")]
pub struct NewReconcile {
    /// The org, 15 or 18 characters.
    #[schema(examples("00D8a00001rBqb8EAC"))]
    organization_id: String,
    /// sObjects, up to 200. Those that are not mapped need nothing.
    #[schema(examples(json!(["Contact"])))]
    objects: Vec<String>,
}

/// The order is taken.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Reconcile)]
pub struct ReconcileView {
    /// The run; null where none of the objects is mapped.
    pub run: Option<String>,
}

/// Pair a package.
///
/// The package sends a key of its own making in exchange for a code that is good once. From then on it signs its tokens
/// with that key; a key it had before is of no use any more.
#[utoipa::path(
    tag = "salesforce",
    security(()),
    request_body = NewPairing,
    responses(
        (status = 200, description = "Paired", body = PairingView),
        (status = 400, description = "The body cannot be read", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 403, description = "The code is wrong, used or expired, or of another org", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 408, description = "The body took too long", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 413, description = "The body is too large", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 415, description = "The body is of another form", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 422, description = "Some fields are wrong", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 500, description = "The gateway failed", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 503, description = "The store cannot be asked", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 507, description = "The store is full", body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
#[post("/v1/salesforce/pairings")]
pub async fn post_pairing(
    state: web::Data<HttpState>,
    request: HttpRequest,
    payload: web::Payload,
) -> Result<HttpResponse, Problem> {
    Parameters::parse(request.query_string())?.finish()?;
    let body = body::read(&request, payload, "application/json", state.small_bodies()).await?;
    let paired = package::pair(&state.app, read_pairing(&body)?)
        .await
        .map_err(refuse_pairing)?;
    tracing::info!(client = paired.client, "a package was paired");
    Ok(HttpResponse::Ok().json(PairingView {
        client_id: paired.client,
        audience: state.verifier.audience().to_owned(),
        connection_name: paired.connection,
        captured: paired.captured.into(),
    }))
}

/// Read what the package captures.
#[utoipa::path(
    tag = "salesforce",
    security(("bearer" = ["salesforce:write"])),
    responses(
        (status = 200, description = "Objects and fields that are mapped", body = CapturedView),
        (status = 400, description = "Some parameters are wrong", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 401, description = "The token is refused", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 403, description = "The token does not allow this", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 500, description = "The gateway failed", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 503, description = "The store cannot be asked", body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
#[get("/v1/salesforce/captured")]
pub async fn get_captured(
    state: web::Data<HttpState>,
    caller: Authorized<SalesforceWrite>,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    Parameters::parse(request.query_string())?.finish()?;
    let captured = package::captured(&state.app, caller.connection().id).await?;
    Ok(HttpResponse::Ok().json(CapturedView::from(captured)))
}

/// Tell how the package is.
///
/// What it tells takes the place of what it told before. An admin finds it in `/v1/connection`.
#[utoipa::path(
    tag = "salesforce",
    security(("bearer" = ["salesforce:write"])),
    request_body = Heartbeat,
    responses(
        (status = 200, description = "Heard", body = HeartbeatView),
        (status = 400, description = "The body cannot be read", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 401, description = "The token is refused", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 403, description = "The token does not allow this, or belongs to another connection", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 408, description = "The body took too long", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 413, description = "The body is too large", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 415, description = "The body is of another form", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 422, description = "Some fields are wrong", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 500, description = "The gateway failed", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 503, description = "The store cannot be asked", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 507, description = "The store is full", body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
#[post("/v1/salesforce/heartbeat")]
pub async fn post_heartbeat(
    state: web::Data<HttpState>,
    caller: Authorized<SalesforceWrite>,
    request: HttpRequest,
    payload: web::Payload,
) -> Result<HttpResponse, Problem> {
    Parameters::parse(request.query_string())?.finish()?;
    let body = body::read(&request, payload, "application/json", state.small_bodies()).await?;
    let told = read_heartbeat(&body, state.app.clock.now())?;
    check_organization(caller.connection(), &told.organization)?;
    let latest = state.app.options.latest_package.clone();
    let out_of_date = latest.outdates(&told.report.version);
    let captured = package::heartbeat(&state.app, caller.connection().id, told.report).await?;
    Ok(HttpResponse::Ok().json(HeartbeatView {
        latest_package_version: latest.version.to_string(),
        latest_package_id: latest.id.map(|id| id.to_string()),
        out_of_date,
        support: SupportView {
            email: state.support.email.clone(),
            phone: state.support.phone.clone(),
        },
        captured: (told.captured_revision.as_ref() != Some(&captured.revision)).then(|| captured.into()),
    }))
}

/// Ask for objects to be reconciled.
///
/// For what the package could not note down while records were saved. It asks until it is answered with 202.
#[utoipa::path(
    tag = "salesforce",
    security(("bearer" = ["salesforce:write"])),
    request_body = NewReconcile,
    responses(
        (status = 202, description = "They are reconciled, from now on", body = ReconcileView),
        (status = 400, description = "The body cannot be read", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 401, description = "The token is refused", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 403, description = "The token does not allow this, or belongs to another connection", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 408, description = "The body took too long", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 409, description = "A reconcile is under way that may have passed them; send this again later", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 413, description = "The body is too large", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 415, description = "The body is of another form", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 422, description = "Some fields are wrong", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 500, description = "The gateway failed", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 503, description = "The store cannot be asked", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 507, description = "The store is full", body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
#[post("/v1/salesforce/reconciles")]
pub async fn post_reconcile(
    state: web::Data<HttpState>,
    caller: Authorized<SalesforceWrite>,
    request: HttpRequest,
    payload: web::Payload,
) -> Result<HttpResponse, Problem> {
    Parameters::parse(request.query_string())?.finish()?;
    let body = body::read(&request, payload, "application/json", state.small_bodies()).await?;
    let (organization, objects) = read_reconcile(&body)?;
    check_organization(caller.connection(), &organization)?;
    let run = match package::reconcile(&state.app, caller.connection().id, objects).await? {
        Reconciling::Queued(run) => Some(run.to_string()),
        Reconciling::NotMapped => None,
        Reconciling::UnderWay(run) => {
            return Err(Problem::new(
                ProblemKind::SyncRunning,
                format!(
                    "sync {run} is under way and may have passed these objects; send this again when it is done"
                ),
            ));
        }
    };
    Ok(HttpResponse::Accepted().json(ReconcileView { run }))
}

struct Told {
    organization: String,
    captured_revision: Option<String>,
    report: PackageReport,
}

fn read_pairing(body: &[u8]) -> Result<PairingRequest, Problem> {
    let mut members = body::members(body)?;
    let code = members.required_text("code");
    let organization = members.required_text("organizationId");
    let key = members.read("key", |text| match STANDARD.decode(text) {
        Ok(key) if key.len() == KEY_BYTES => Ok(SecretBox::from(key.into_boxed_slice())),
        _ => Err(format!("must be {KEY_BYTES} bytes as base64")),
    });
    members.required_text("packageVersion");
    match (code, organization, key, members.finish()) {
        (Some(code), Some(organization), Some(key), errors) if errors.is_empty() => Ok(PairingRequest {
            code,
            organization,
            key,
        }),
        (.., errors) => Err(Problem::with_errors(ProblemKind::InvalidFields, errors)),
    }
}

fn read_heartbeat(body: &[u8], at: Instant) -> Result<Told, Problem> {
    let mut members = body::members(body)?;
    let organization = members.required_text("organizationId");
    let version = members.required_text("packageVersion");
    let running_user = members.text("runningUserId").and_then(|id| {
        SalesforceId::parse(&id)
            .map_err(|_invalid| members.error("runningUserId", "must be a Salesforce id, or be left out"))
            .ok()
    });
    let queue = members.required("queue");
    let queue = queue.and_then(|queue| nested(&mut members, "queue", queue, read_queue));
    let markers = read_objects(&mut members, "markers");
    let sweeper_scheduled = match members.required("sweeperScheduled") {
        Some(Value::Bool(scheduled)) => Some(scheduled),
        Some(_) => {
            members.error("sweeperScheduled", "must be true or false");
            None
        }
        None => None,
    };
    let trouble = match members.value("trouble") {
        None | Some(Value::Null) => None,
        Some(trouble) => nested(&mut members, "trouble", trouble, read_trouble),
    };
    let captured_revision = members.text("capturedRevision");
    let errors = members.finish();
    match (organization, version, queue, sweeper_scheduled) {
        (Some(organization), Some(version), Some(queue), Some(sweeper_scheduled)) if errors.is_empty() => {
            Ok(Told {
                organization,
                captured_revision,
                report: PackageReport {
                    at,
                    version: shortened(&version, 40),
                    running_user,
                    queue,
                    markers,
                    sweeper_scheduled,
                    trouble,
                },
            })
        }
        _ => Err(Problem::with_errors(ProblemKind::InvalidFields, errors)),
    }
}

fn read_queue(queue: &mut Members) -> Option<PackageQueue> {
    let rows = match queue.required("rows")?.as_u64() {
        Some(rows) => rows,
        None => {
            queue.error("rows", "must be a whole number from 0");
            return None;
        }
    };
    let oldest = match queue.text("oldestAt") {
        None => None,
        Some(text) => Some(moment(queue, "oldestAt", &text)?),
    };
    Some(PackageQueue { rows, oldest })
}

fn read_trouble(trouble: &mut Members) -> Option<PackageTrouble> {
    let code = trouble.required_text("code");
    let message = trouble.required_text("message");
    let since = trouble.required_text("since");
    let since = since.and_then(|since| moment(trouble, "since", &since));
    Some(PackageTrouble {
        code: shortened(&code?, 80),
        message: shortened(&message?, TROUBLE_LENGTH),
        since: since?,
    })
}

fn read_reconcile(body: &[u8]) -> Result<(String, Vec<String>), Problem> {
    let mut members = body::members(body)?;
    let organization = members.required_text("organizationId");
    let objects = read_objects(&mut members, "objects");
    if objects.is_empty() {
        members.error("objects", "must name at least one sObject");
    }
    let errors = members.finish();
    match organization {
        Some(organization) if errors.is_empty() => Ok((organization, objects)),
        _ => Err(Problem::with_errors(ProblemKind::InvalidFields, errors)),
    }
}

fn read_objects(members: &mut Members, name: &'static str) -> Vec<String> {
    let named = members.list(name);
    if named.len() > MAX_OBJECTS {
        members.error(
            name,
            format!("names {} objects; at most {MAX_OBJECTS}", named.len()),
        );
    }
    let mut objects = Vec::new();
    for (place, object) in named.into_iter().take(MAX_OBJECTS).enumerate() {
        match object {
            // API names of sObjects have letters, digits and underscores (Object Reference, custom objects).
            Value::String(object)
                if (1..=80).contains(&object.len())
                    && object
                        .bytes()
                        .all(|letter| letter.is_ascii_alphanumeric() || letter == b'_') =>
            {
                objects.push(object);
            }
            _ => members.error(&format!("{name}[{place}]"), "must be the API name of an sObject"),
        }
    }
    objects
}

/// Reads an object within the body. Its errors count as the body's.
fn nested<T>(
    members: &mut Members,
    name: &'static str,
    value: Value,
    read: impl FnOnce(&mut Members) -> Option<T>,
) -> Option<T> {
    let mut inner = match Members::of(name, value) {
        Ok(inner) => inner,
        Err(error) => {
            members.error(&error.field, error.message);
            return None;
        }
    };
    let read = read(&mut inner);
    for error in inner.finish() {
        members.error(&error.field, error.message);
    }
    read
}

fn moment(members: &mut Members, name: &str, text: &str) -> Option<Instant> {
    let moment = DateTime::parse_from_rfc3339(text).map(|moment| moment.with_timezone(&Utc));
    if moment.is_err() {
        members.error(name, "must be a moment such as 2026-01-31T08:15:00Z");
    }
    moment.ok()
}

fn shortened(text: &str, most: usize) -> String {
    text.chars().take(most).collect()
}

fn check_organization(connection: &Connection, organization: &str) -> Result<(), Problem> {
    if org::is_of(connection.organization, organization) {
        return Ok(());
    }
    Err(other_organization())
}

fn refuse_pairing(error: PairingError) -> Problem {
    match error {
        PairingError::UnknownCode | PairingError::Expired => Problem::new(
            ProblemKind::PairingRefused,
            format!("{error}; make a new one with `causeway connection pair`"),
        ),
        PairingError::OtherOrganization => Problem::new(
            ProblemKind::ConnectionMismatch,
            "the code belongs to the connection of another org; make one for this org's connection",
        ),
        PairingError::SwitchedOff => Problem::new(
            ProblemKind::ConnectionDisabled,
            "ask the gateway's operator to switch the connection on",
        ),
        PairingError::Vault(error) => Problem::internal(error.to_string()),
        PairingError::Store(error) => Problem::from(error),
    }
}
