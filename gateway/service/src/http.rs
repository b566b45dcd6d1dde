//! The HTTP interface: routes, authentication, wire types. It calls the use cases of [`crate::app`] and holds no rule
//! of its own.

mod activity;
pub mod auth;
pub mod body;
mod conflicts;
mod connection;
mod cursor;
mod embed;
mod envelope;
mod exchange;
mod feed;
mod health;
mod held;
mod idempotency;
mod logs;
mod metrics;
mod openapi;
mod overview;
pub mod parameters;
mod partner_writes;
pub mod problem;
mod records;
mod salesforce_changes;
mod salesforce_package;
mod salesforce_records;
mod settings;
mod syncs;
mod view;

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use actix_web::dev::ResourceDef;
use actix_web::{HttpRequest, HttpResponse, web};
use secrecy::{ExposeSecret, SecretString};

use crate::app::App;
use crate::config::{Config, Limits, Support};

use auth::Verifier;
use body::Bounds;
use metrics::Metrics;
use problem::{Problem, ProblemKind};

pub use exchange::exchange;
pub use openapi::openapi_json;

/// What every request may reach.
pub struct HttpState {
    /// The use cases.
    pub app: Arc<App>,
    /// Checks tokens.
    pub verifier: Verifier,
    /// What one caller may ask for.
    pub limits: Limits,
    /// Whom people ask for help.
    pub support: Support,
    /// Set once the gateway stops: it then answers what came in and counts as not ready.
    pub stopping: AtomicBool,
    works: Box<dyn Fn() -> bool + Send + Sync>,
    metrics: Metrics,
    metrics_token: Option<SecretString>,
    secure: bool,
    known: Vec<(ResourceDef, String)>,
}

impl HttpState {
    /// State for a gateway that callers reach at `public_url`. `works` tells whether what works behind it runs.
    ///
    /// # Errors
    /// A text for the operator.
    pub fn new(
        app: Arc<App>,
        config: &Config,
        public_url: &str,
        works: impl Fn() -> bool + Send + Sync + 'static,
    ) -> Result<Self, String> {
        Ok(HttpState {
            app,
            verifier: Verifier::new(public_url, &config.master_key)?,
            limits: config.limits,
            support: config.support.clone(),
            stopping: AtomicBool::new(false),
            works: Box::new(works),
            metrics: Metrics::new().map_err(|error| format!("metrics: {error}"))?,
            metrics_token: config
                .metrics_token
                .as_ref()
                .map(|token| SecretString::from(token.expose_secret())),
            secure: public_url.starts_with("https://"),
            known: openapi::routes()
                .into_iter()
                .map(|(path, methods)| (ResourceDef::new(path), methods.join(", ")))
                .collect(),
        })
    }

    fn small_bodies(&self) -> Bounds {
        Bounds {
            bytes: self.limits.body_bytes,
            within: self.limits.body_within,
        }
    }

    fn change_bodies(&self) -> Bounds {
        Bounds {
            bytes: self.limits.changes_bytes,
            within: self.limits.body_within,
        }
    }
}

/// Adds every route to an application. The same list makes the OpenAPI document, so the two cannot part.
macro_rules! surface {
    ($($($step:ident)::+;)*) => {
        /// Adds every route.
        pub fn configure(config: &mut web::ServiceConfig) {
            config
                $(.service($($step)::+))*
                .default_service(web::to(nothing_here));
        }

        mod surface {
            use super::{
                activity, auth, conflicts, connection, embed, feed, health, held, logs, metrics, openapi,
                partner_writes, records, salesforce_changes, salesforce_package, salesforce_records, settings, syncs,
            };
            use super::openapi::Finish;

            #[derive(utoipa::OpenApi)]
            #[openapi(paths($($($step)::+),*), modifiers(&Finish))]
            pub(super) struct Surface;
        }
    };
}

surface! {
    auth::grant::exchange_token;
    salesforce_changes::post_changes;
    salesforce_package::post_pairing;
    salesforce_package::get_captured;
    salesforce_package::post_heartbeat;
    salesforce_package::post_reconcile;
    salesforce_records::get_panel;
    salesforce_records::get_panel_history;
    embed::codes::post_code;
    embed::pages::open_page;
    embed::pages::read_record;
    embed::templates::list_templates;
    embed::templates::put_template;
    embed::templates::delete_template;
    records::list_records;
    records::get_record;
    records::record_history;
    partner_writes::post_records;
    partner_writes::post_deletes;
    partner_writes::delete_record;
    partner_writes::undelete_record;
    feed::changes;
    syncs::list_syncs;
    syncs::start_sync;
    syncs::get_sync;
    syncs::cancel_sync;
    activity::get_activity;
    logs::list_logs;
    held::list_held;
    held::list_causes;
    held::retry_all_held;
    held::retry_held;
    held::decide_delete;
    conflicts::list_conflicts;
    conflicts::restore_conflict;
    connection::get_connection;
    connection::list_mappings;
    settings::put_settings;
    settings::put_instant;
    settings::put_budget;
    health::healthz;
    health::readyz;
    metrics::get_metrics;
    openapi::get_openapi;
}

/// Answers what no route does: the address is unknown, or its method is.
async fn nothing_here(state: web::Data<HttpState>, request: HttpRequest) -> Result<HttpResponse, Problem> {
    let known = state.known.iter().find(|(path, _)| path.is_match(request.path()));
    Err(match known {
        Some((_, methods)) => Problem::method_not_allowed(methods.clone()),
        None => Problem::new(ProblemKind::RouteNotFound, "see /openapi.json for what there is"),
    })
}
