//! `/healthz` and `/readyz`: whether the process lives, and whether it can do its work.

use std::sync::atomic::Ordering;
use std::time::Duration;

use actix_web::{HttpResponse, get, web};
use serde::Serialize;
use utoipa::ToSchema;

use super::HttpState;
use super::problem::{Problem, ProblemDocument};

/// How long the store may take to answer before the gateway counts as not ready.
const PING_WITHIN: Duration = Duration::from_secs(2);

/// All is well.
#[derive(Debug, Serialize, ToSchema)]
pub struct Health {
    /// Always `ok`.
    #[schema(examples("ok"))]
    pub status: &'static str,
}

/// Does the process live?
#[utoipa::path(
    tag = "operation",
    security(()),
    responses((status = 200, description = "It lives", body = Health))
)]
#[get("/healthz")]
pub async fn healthz() -> HttpResponse {
    HttpResponse::Ok().json(Health { status: "ok" })
}

/// Can the gateway do its work?
///
/// It cannot while the store does not answer or has no room, when a worker has ended, and while it stops.
#[utoipa::path(
    tag = "operation",
    security(()),
    responses(
        (status = 200, description = "It can", body = Health),
        (status = 503, description = "It cannot", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 507, description = "It can keep nothing new; the store is full", body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
#[get("/readyz")]
pub async fn readyz(state: web::Data<HttpState>) -> Result<HttpResponse, Problem> {
    if state.stopping.load(Ordering::Relaxed) {
        return Err(Problem::unavailable("the gateway is stopping"));
    }
    if !(state.works)() {
        return Err(Problem::unavailable("a worker has ended"));
    }
    match tokio::time::timeout(PING_WITHIN, state.app.store.ping()).await {
        Ok(Ok(())) => Ok(HttpResponse::Ok().json(Health { status: "ok" })),
        Ok(Err(error)) => Err(Problem::from(error)),
        Err(_elapsed) => Err(Problem::unavailable("the store did not answer in time")),
    }
}
