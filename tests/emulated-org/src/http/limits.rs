//! What may still be spent.
//!
//! Source: Salesforce REST API Developer Guide, Limits.

use actix_web::{HttpResponse, web};
use serde_json::{Map, Value as Json, json};

use super::{Caller, get_or_head, resource};
use crate::limits::Allocation;
use crate::org::Org;

/// Adds the routes below `/services/data/{version}`.
pub fn configure(routes: &mut web::ServiceConfig) {
    routes.service(resource("/limits", "GET,HEAD").route(get_or_head().to(limits)));
}

async fn limits(org: web::Data<Org>, _caller: Caller) -> HttpResponse {
    let now = org.clock.now();
    let limits: Map<String, Json> = Allocation::ALL
        .into_iter()
        .map(|allocation| {
            let (used, maximum) = org.limits.usage(allocation, now);
            let remaining = maximum.saturating_sub(used);
            (
                allocation.name().to_owned(),
                json!({ "Max": maximum, "Remaining": remaining }),
            )
        })
        .collect();
    HttpResponse::Ok().json(limits)
}
