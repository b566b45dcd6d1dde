//! `/v1/changes`: the feed of changed records.

use actix_web::{HttpRequest, HttpResponse, get, web};
use causeway_core::id::Position;
use serde::Serialize;
use utoipa::ToSchema;

use super::HttpState;
use super::auth::{Authorized, RecordsRead};
use super::cursor::{self, CursorKind};
use super::parameters::Parameters;
use super::problem::{Problem, ProblemDocument};
use super::records::views;
use super::view::RecordView;
use crate::app::read;

/// Changes on a page where a caller names no number.
const DEFAULT_LIMIT: u32 = 100;
/// Changes on a page at most.
const MOST: u32 = 1_000;

/// A page of the feed.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = ChangeList)]
pub struct ChangesView {
    /// Changed records as they are now, in the order of their changes. A record that changed twice stands once,
    /// where it changed last.
    pub changes: Vec<RecordView>,
    /// Send it as `after` to go on from here, now or later. It is there on every page, also on an empty one.
    pub next: String,
    /// Whether more is there already.
    pub has_more: bool,
}

/// Follow changes.
///
/// Every record whose state changed behind `after`, deleted ones too, each as it is now. Whoever reads on from `next`
/// misses no change.
#[utoipa::path(
    tag = "records",
    security(("bearer" = ["records:read"])),
    params(
        ("after" = Option<String>, Query, description = "`next` of the page before; from the beginning when left out"),
        ("limit" = Option<u32>, Query, description = "Changes on a page, 1 to 1000; 100 when left out"),
        ("object" = Option<String>, Query, description = "Only this partner object", example = "contact"),
    ),
    responses(
        (status = 200, description = "A page", body = ChangesView),
        (status = 400, description = "Some parameters are wrong", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 401, description = "The token is refused", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 403, description = "The token does not allow this", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 404, description = "Nothing maps this object", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 500, description = "The gateway failed", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 503, description = "The store cannot be asked", body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
#[get("/v1/changes")]
pub async fn changes(
    state: web::Data<HttpState>,
    caller: Authorized<RecordsRead>,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    let mut parameters = Parameters::parse(request.query_string())?;
    let after = parameters
        .read("after", |text| cursor::read(CursorKind::Feed, text))
        .unwrap_or_default();
    let limit = parameters.limit(DEFAULT_LIMIT, MOST);
    let object = parameters.text("object");
    parameters.finish()?;
    let connection = caller.connection().id;
    let (page, next) = read::feed(&state.app, connection, object.as_deref(), Position(after), limit).await?;
    Ok(HttpResponse::Ok().json(ChangesView {
        next: cursor::write(CursorKind::Feed, next.0),
        has_more: page.more,
        changes: views(&page),
    }))
}
