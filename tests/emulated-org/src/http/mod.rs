//! The HTTP surface: routes, and what every request passes through before it reaches one.

pub mod access;
mod apex_anonymous;
mod apex_calls;
mod apex_tests;
pub mod body;
pub mod bulk;
pub mod bulk_classic;
mod bulk_list;
pub mod caller;
pub mod collections;
pub mod composite;
pub mod conditional;
mod content;
pub mod control;
mod cost;
pub mod describe;
pub mod duplicate_rules;
pub mod errors;
pub mod external_id;
mod gate;
pub mod identity;
pub mod ingest;
pub mod layouts;
pub mod limits;
pub mod metadata;
mod mishap;
pub mod oauth;
mod overview;
mod page;
pub mod people;
pub mod query;
pub mod record;
pub mod replication;
pub mod request_options;
mod settled_status;
pub mod single_access;
pub mod sobjects;
pub mod switches;
pub mod tree;
pub mod versions;

use actix_web::http::header::{ALLOW, HeaderValue};
use actix_web::middleware::from_fn;
use actix_web::{HttpRequest, HttpResponse, Resource, ResponseError, Route, guard, web};

pub(crate) use apex_calls::configure_lightning as configure_lightning_apex;
pub use caller::{ApiVersion, Caller};
pub use errors::ApiError;
pub(crate) use gate::observe;
pub use gate::wrote;
pub(crate) use oauth::{Escaped, Form, Host, NEVER_STORED, browser_of, end_browser, session_cookie};

/// Largest request body, unpacked (Salesforce SOAP API Developer Guide, `EXCEEDED_MAX_SIZE_REQUEST`).
pub const MAX_BODY_BYTES: usize = 50 * 1024 * 1024;

/// Adds all routes.
pub fn configure(routes: &mut web::ServiceConfig) {
    routes
        .configure(settings)
        .configure(page::configure)
        .configure(overview::configure)
        .configure(control::configure)
        .configure(switches::configure)
        .configure(people::configure)
        .configure(duplicate_rules::configure)
        .configure(access::configure)
        .configure(oauth::configure)
        .configure(identity::configure)
        .configure(single_access::configure)
        .route("/services/data", web::get().to(versions::list))
        .configure(apex_anonymous::configure_soap)
        .configure(bulk_classic::configure)
        .configure(metadata::soap::configure)
        .configure(apex_calls::configure)
        .configure(crate::lightning::configure)
        .service(
            web::scope("/services/data/{version}")
                .wrap(from_fn(settled_status::settle))
                .wrap(from_fn(gate::gate))
                .configure(versions::configure)
                .configure(data_routes)
                .configure(composite::configure)
                .configure(bulk::configure)
                .configure(ingest::configure)
                .configure(metadata::rest::configure)
                .configure(query::configure_tooling)
                .configure(apex_anonymous::configure)
                .configure(apex_tests::configure)
                .default_service(web::to(unknown_resource)),
        )
        .default_service(web::to(unknown_resource));
}

/// Adds the routes that subrequests of composite requests may take; their callers come with them.
fn subrequest_routes(routes: &mut web::ServiceConfig) {
    routes
        .configure(settings)
        .service(
            web::scope("/services/data/{version}")
                .wrap(from_fn(settled_status::settle))
                .configure(data_routes),
        )
        .default_service(web::to(unknown_resource));
}

fn settings(routes: &mut web::ServiceConfig) {
    routes
        .app_data(web::PayloadConfig::new(MAX_BODY_BYTES))
        // Without these, a parameter or path that cannot be read would be answered as plain text.
        .app_data(web::QueryConfig::default().error_handler(|error, _| {
            ApiError::new(400, "INVALID_QUERY_PARAMETER", error.to_string()).into()
        }))
        .app_data(web::PathConfig::default().error_handler(|_, _| ApiError::not_found().into()));
}

/// The routes below `/services/data/{version}` that subrequests share.
fn data_routes(routes: &mut web::ServiceConfig) {
    routes
        .configure(describe::configure)
        .configure(layouts::configure)
        .configure(replication::configure)
        .configure(sobjects::configure)
        .configure(external_id::configure)
        .configure(collections::configure)
        .configure(tree::configure)
        .configure(limits::configure)
        .configure(query::configure);
}

/// A resource that answers other methods than the listed ones with 405.
#[must_use]
pub fn resource(path: &str, methods: &'static str) -> Resource {
    web::resource(path).default_service(web::to(move |request: HttpRequest| async move {
        let error = ApiError::method_not_allowed(request.method().as_str(), methods);
        let mut response = error.error_response();
        response
            .headers_mut()
            .insert(ALLOW, HeaderValue::from_static(methods));
        response
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
