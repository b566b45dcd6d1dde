//! The HTTP surface: routes, and what every request passes through before it reaches one.

pub mod body;
pub mod bulk;
pub mod caller;
pub mod collections;
pub mod conditional;
pub mod control;
pub mod describe;
pub mod errors;
pub mod external_id;
mod gate;
pub mod identity;
pub mod ingest;
pub mod limits;
mod mishap;
pub mod oauth;
pub mod people;
pub mod query;
pub mod record;
pub mod replication;
pub mod sobjects;
pub mod tree;
pub mod versions;

use actix_web::middleware::from_fn;
use actix_web::{HttpRequest, HttpResponse, Resource, Route, guard, web};

pub use caller::{ApiVersion, Caller};
pub use errors::ApiError;
pub(crate) use gate::observe;
pub use gate::wrote;

/// Largest request body, unpacked (Salesforce SOAP API Developer Guide, `EXCEEDED_MAX_SIZE_REQUEST`).
pub const MAX_BODY_BYTES: usize = 50 * 1024 * 1024;

/// Adds all routes.
pub fn configure(routes: &mut web::ServiceConfig) {
    routes
        .app_data(web::PayloadConfig::new(MAX_BODY_BYTES))
        // Without these, a parameter or path that cannot be read would be answered as plain text.
        .app_data(web::QueryConfig::default().error_handler(|error, _| {
            ApiError::new(400, "INVALID_QUERY_PARAMETER", error.to_string()).into()
        }))
        .app_data(web::PathConfig::default().error_handler(|_, _| ApiError::not_found().into()))
        .configure(control::configure)
        .configure(people::configure)
        .configure(oauth::configure)
        .configure(identity::configure)
        .route("/services/data", web::get().to(versions::list))
        .service(
            web::scope("/services/data/{version}")
                .wrap(from_fn(gate::gate))
                .configure(versions::configure)
                .configure(describe::configure)
                .configure(replication::configure)
                .configure(sobjects::configure)
                .configure(external_id::configure)
                .configure(collections::configure)
                .configure(tree::configure)
                .configure(limits::configure)
                .configure(query::configure)
                .configure(bulk::configure)
                .configure(ingest::configure)
                .default_service(web::to(unknown_resource)),
        )
        .default_service(web::to(unknown_resource));
}

/// A resource that answers other methods than the listed ones with 405.
#[must_use]
pub fn resource(path: &str, methods: &'static str) -> Resource {
    web::resource(path).default_service(web::to(move |request: HttpRequest| async move {
        Err::<HttpResponse, _>(ApiError::method_not_allowed(request.method().as_str(), methods))
    }))
}

/// A route for GET that answers HEAD too, without the body.
#[must_use]
pub fn get_or_head() -> Route {
    web::route().guard(guard::Any(guard::Get()).or(guard::Head()))
}

async fn unknown_resource() -> Result<HttpResponse, ApiError> {
    Err(ApiError::not_found())
}
