//! `/v1/salesforce/records`: what the users of an org are told of the record that they look at.

use actix_web::{HttpRequest, HttpResponse, get, web};
use causeway_core::decide::HeldReason;
use causeway_core::id::SalesforceId;
use causeway_core::units::person;
use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use super::HttpState;
use super::auth::{Authorized, LogsRead, RecordsRead};
use super::connection::{rule_name, type_name};
use super::cursor::{self, CursorKind};
use super::parameters::Parameters;
use super::problem::{Problem, ProblemDocument, ProblemKind};
use super::view::{HistoryView, LostView, field_json, known_json};
use crate::app::read::panel::{self, Panel, PanelField, PanelStanding, ToldChange};
use crate::members::FieldError;

/// Changes on a page where a caller names no number.
const DEFAULT_LIMIT: u32 = 20;
/// Changes on a page at most.
const MOST: u32 = 200;

/// How a Salesforce record stands.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = RecordPanel)]
pub struct PanelView {
    /// Partner object that its object is mapped to; null where it is not mapped.
    #[schema(examples("contact"))]
    pub object: Option<String>,
    /// Number of the partner record; null while there is none.
    #[schema(examples("42"))]
    pub id: Option<String>,
    /// The record, in 18 characters.
    #[schema(examples("003ZM000001n4n5YAA"))]
    pub salesforce_id: String,
    /// `upToDate`; `waiting`: a change is on its way to either side; `held`: a person has to act, see `reason`;
    /// `notLinked`: its object is mapped and the record is not linked, or no longer; `notSynced`: its object is not
    /// mapped; `deleted`: on one of the sides, or merged into another record.
    #[schema(examples("upToDate"))]
    pub status: &'static str,
    /// Since when, where that is known.
    pub since: Option<DateTime<Utc>>,
    /// Why it is held, as in `/v1/held`.
    #[schema(examples("ambiguous"))]
    pub reason: Option<&'static str>,
    /// Why it is held and what to do, in one line.
    pub next_step: Option<String>,
    /// Names the held record in `/v1/held`.
    pub held: Option<String>,
    /// How many Salesforce records carry its identity, where it is held as `ambiguous`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub candidates: Option<usize>,
    /// When the partner record last changed.
    pub updated_at: Option<DateTime<Utc>>,
    /// Who owns it.
    pub owner: Option<PanelOwnerView>,
    /// Its fields, in the order of the mapping; empty unless it is linked.
    pub fields: Vec<PanelFieldView>,
}

/// Who owns a record on either side.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = RecordPanelOwner)]
pub struct PanelOwnerView {
    /// Owner in Salesforce, as last agreed on.
    #[schema(examples("005ZM000001n4n5YAA"))]
    pub salesforce_id: Option<String>,
    /// Partner user.
    #[schema(examples("u-7"))]
    pub partner_user: String,
    /// What that user is called, where the gateway knows.
    #[schema(examples("Ada Kovacs"))]
    pub partner_user_name: Option<String>,
}

/// A field of a record on both sides.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = RecordPanelField)]
pub struct PanelFieldView {
    /// Salesforce field.
    #[schema(examples("Email"))]
    pub salesforce_field: String,
    /// Partner field.
    #[schema(examples("email"))]
    pub partner_field: String,
    /// The partner field's type.
    #[serde(rename = "type")]
    #[schema(examples("Email"))]
    pub kind: &'static str,
    /// Who wins, as in `/v1/mappings`.
    #[schema(examples("mostRecent"))]
    pub rule: &'static str,
    /// What the partner holds.
    #[schema(value_type = Option<Object>)]
    pub partner_value: Value,
    /// What Salesforce held when both sides last agreed; null where it was empty, or they never did.
    #[schema(value_type = Option<Object>)]
    pub salesforce_value: Value,
    /// When they last agreed.
    pub agreed_at: Option<DateTime<Utc>>,
}

/// The history of a Salesforce record.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = RecordPanelHistory)]
pub struct PanelHistoryView {
    /// Changes, newest first.
    pub history: Vec<ToldChangeView>,
    /// Cursor of the next page; null on the last.
    pub next: Option<String>,
    /// Whether there is a next page.
    pub has_more: bool,
}

/// A change with who made it and by which rule.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = ToldChange)]
pub struct ToldChangeView {
    /// Number.
    #[schema(examples("7"))]
    pub id: String,
    /// Partner field, or `owner`. A field that is no longer mapped shows as `#` and its number.
    #[schema(examples("email"))]
    pub field: String,
    /// Salesforce field; null for one that is no longer mapped.
    #[schema(examples("Email"))]
    pub salesforce_field: Option<String>,
    /// When.
    pub at: DateTime<Utc>,
    /// Salesforce value before; null where it was empty or not known.
    #[schema(value_type = Option<Object>)]
    pub salesforce_before: Value,
    /// Salesforce value after.
    #[schema(value_type = Option<Object>)]
    pub salesforce_after: Value,
    /// Partner value before.
    #[schema(value_type = Option<Object>)]
    pub partner_before: Value,
    /// Partner value after.
    #[schema(value_type = Option<Object>)]
    pub partner_after: Value,
    /// Why, as in `/v1/records/{object}/{id}/history`.
    #[schema(examples("salesforceWins"))]
    pub cause: &'static str,
    /// Who caused it, as in `/v1/records/{object}/{id}/history`.
    #[schema(examples("push"))]
    pub source: &'static str,
    /// Name of the Salesforce user who saved the record, where the change came from there and the user is known; the
    /// client where a partner or a person caused it. Several saves that came in together go by the last.
    #[schema(examples("Ada Lovelace"))]
    pub person: Option<String>,
    /// The client, where a partner or a person caused it.
    pub client: Option<String>,
    /// The sync run, where one caused it.
    pub run: Option<String>,
    /// Revision of the mapping that it was decided under.
    #[schema(examples(3))]
    pub mapping_revision: i64,
    /// The field's rule in that revision; null where that revision does not know the field.
    #[schema(examples("mostRecent"))]
    pub rule: Option<&'static str>,
    /// The value that lost, where one did.
    pub lost: Option<LostView>,
}

/// Read how a Salesforce record stands.
///
/// Answers for every well-formed id: what is not linked, or of an object that is not mapped, says so by its status.
#[utoipa::path(
    tag = "salesforce",
    security(("bearer" = ["records:read"])),
    params(
        ("id" = String, Path, description = "The record, 15 or 18 characters", example = "003ZM000001n4n5YAA"),
        ("object" = String, Query, description = "Its sObject", example = "Contact"),
    ),
    responses(
        (status = 200, description = "How it stands", body = PanelView),
        (status = 400, description = "Some parameters are wrong", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 401, description = "The token is refused", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 403, description = "The token does not allow this", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 500, description = "The gateway failed", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 503, description = "The store cannot be asked", body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
#[get("/v1/salesforce/records/{id}")]
pub async fn get_panel(
    state: web::Data<HttpState>,
    caller: Authorized<RecordsRead>,
    path: web::Path<String>,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    let mut parameters = Parameters::parse(request.query_string())?;
    let (object, id) = record_named(&mut parameters, &path);
    parameters.finish()?;
    let (Some(object), Some(id)) = (object, id) else {
        return Err(Problem::internal("a parameter is missing after all were checked"));
    };
    let panel = panel::panel(&state.app, caller.connection().id, &object, id).await?;
    Ok(HttpResponse::Ok().json(PanelView::from(&panel)))
}

/// Read why a Salesforce record's values are as they are.
///
/// What changed in its fields since it was linked, newest first: values on both sides, who made the change, the rule
/// that decided, and the value that lost.
#[utoipa::path(
    tag = "salesforce",
    security(("bearer" = ["logs:read"])),
    params(
        ("id" = String, Path, description = "The record, 15 or 18 characters", example = "003ZM000001n4n5YAA"),
        ("object" = String, Query, description = "Its sObject", example = "Contact"),
        ("field" = Option<String>, Query, description = "Salesforce field; all when left out", example = "Phone"),
        ("cursor" = Option<String>, Query, description = "`next` of the page before"),
        ("limit" = Option<u32>, Query, description = "Changes on a page, 1 to 200; 20 when left out"),
    ),
    responses(
        (status = 200, description = "A page; empty where nothing is linked", body = PanelHistoryView),
        (status = 400, description = "Some parameters are wrong", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 401, description = "The token is refused", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 403, description = "The token does not allow this", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 500, description = "The gateway failed", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 503, description = "The store cannot be asked", body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
#[get("/v1/salesforce/records/{id}/history")]
pub async fn get_panel_history(
    state: web::Data<HttpState>,
    caller: Authorized<LogsRead>,
    path: web::Path<String>,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    let mut parameters = Parameters::parse(request.query_string())?;
    let (object, id) = record_named(&mut parameters, &path);
    let field = parameters.text("field");
    let before = parameters.read("cursor", |text| cursor::read(CursorKind::History, text));
    let limit = parameters.limit(DEFAULT_LIMIT, MOST);
    parameters.finish()?;
    let (Some(object), Some(id)) = (object, id) else {
        return Err(Problem::internal("a parameter is missing after all were checked"));
    };
    let read = panel::history(&state.app, caller.connection(), &object, id, field, before, limit).await?;
    let history = read.map_err(|unknown| {
        let message = format!("is not mapped; mapped are: {}", unknown.known.join(", "));
        let field = "field".to_owned();
        Problem::with_errors(
            ProblemKind::InvalidParameters,
            vec![FieldError { field, message }],
        )
    })?;
    let last = history.changes.last().map(|told| told.change.entry.id);
    Ok(HttpResponse::Ok().json(PanelHistoryView {
        next: last
            .filter(|_| history.more)
            .map(|id| cursor::write(CursorKind::History, id)),
        has_more: history.more,
        history: history.changes.iter().map(ToldChangeView::from).collect(),
    }))
}

/// The record that a request names. What is wrong with it is noted.
fn record_named(parameters: &mut Parameters, path: &str) -> (Option<String>, Option<SalesforceId>) {
    let object = parameters.text("object");
    if object.is_none() {
        parameters.error("object", "is missing; send the record's sObject");
    }
    let id = SalesforceId::parse(path);
    if let Err(error) = &id {
        parameters.error("id", error.to_string());
    }
    (object, id.ok())
}

/// A standing as the interface spells it.
pub(super) fn standing_name(standing: &PanelStanding) -> &'static str {
    match standing {
        PanelStanding::UpToDate => "upToDate",
        PanelStanding::Waiting => "waiting",
        PanelStanding::Held { .. } => "held",
        PanelStanding::NotLinked => "notLinked",
        PanelStanding::NotSynced => "notSynced",
        PanelStanding::Deleted => "deleted",
    }
}

impl From<&Panel> for PanelView {
    fn from(panel: &Panel) -> Self {
        let held = match &panel.standing {
            PanelStanding::Held { link, reason } => Some((link, reason)),
            _ => None,
        };
        PanelView {
            object: panel.object.clone(),
            id: panel.record.map(|id| id.to_string()),
            salesforce_id: panel.salesforce_id.to_string(),
            status: standing_name(&panel.standing),
            since: panel.since,
            reason: held.map(|(_, reason)| person::code(reason)),
            next_step: held.map(|(_, reason)| reason.summary()),
            held: held.map(|(link, _)| link.to_string()),
            candidates: held.and_then(|(_, reason)| match reason {
                HeldReason::Ambiguous { candidates, .. } => Some(candidates.len()),
                _ => None,
            }),
            updated_at: panel.updated_at,
            owner: panel.owner.as_ref().map(|owner| PanelOwnerView {
                salesforce_id: owner.salesforce.map(|id| id.to_string()),
                partner_user: owner.partner.clone(),
                partner_user_name: owner.name.clone(),
            }),
            fields: panel
                .fields
                .iter()
                .map(|field| field_view(field, panel))
                .collect(),
        }
    }
}

fn field_view(field: &PanelField, panel: &Panel) -> PanelFieldView {
    PanelFieldView {
        salesforce_field: field.salesforce.clone(),
        partner_field: field.partner.clone(),
        kind: type_name(field.kind),
        rule: rule_name(field.rule),
        partner_value: field
            .partner_value
            .as_ref()
            .map_or(Value::Null, |value| field_json(value, &panel.references)),
        salesforce_value: known_json(field.salesforce_value.as_ref()),
        agreed_at: field.agreed_at,
    }
}

impl From<&ToldChange> for ToldChangeView {
    fn from(told: &ToldChange) -> Self {
        let plain = HistoryView::from(&told.change);
        ToldChangeView {
            id: plain.id,
            field: plain.field,
            salesforce_field: told.change.salesforce_field.clone(),
            at: plain.at,
            salesforce_before: plain.salesforce_before,
            salesforce_after: plain.salesforce_after,
            partner_before: plain.partner_before,
            partner_after: plain.partner_after,
            cause: plain.cause,
            source: plain.source,
            person: plain.client.clone().or_else(|| told.person.clone()),
            client: plain.client,
            run: plain.run,
            mapping_revision: plain.revision,
            rule: told.rule.map(rule_name),
            lost: plain.lost,
        }
    }
}
