//! `/metrics`: counts for Prometheus.

use std::time::Duration;

use actix_web::{HttpRequest, HttpResponse, get, web};
use causeway_core::ports::runs::RunState;
use prometheus::{
    Encoder, HistogramOpts, HistogramVec, IntCounterVec, IntGauge, IntGaugeVec, Opts, Registry, TextEncoder,
};
use secrecy::ExposeSecret;

use super::HttpState;
use super::auth::bearer;
use super::problem::{Problem, ProblemDocument, ProblemKind};
use crate::app::directory::{self, Activity};

/// Runs that are counted for each connection, newest first.
const RUNS: u32 = 100;

/// What is counted. Each gateway has its own, so that several in one process do not mix.
#[derive(Debug)]
pub struct Metrics {
    registry: Registry,
    requests: IntCounterVec,
    seconds: HistogramVec,
    inbox_changes: IntGaugeVec,
    inbox_age: IntGaugeVec,
    outbox_links: IntGaugeVec,
    outbox_age: IntGaugeVec,
    calls_spent: IntGaugeVec,
    calls_cap: IntGaugeVec,
    runs: IntGaugeVec,
    run_rows: IntGaugeVec,
    store_full: IntGauge,
}

impl Metrics {
    /// Metrics at zero.
    ///
    /// # Errors
    /// When two metrics were given one name: a defect.
    pub fn new() -> Result<Self, prometheus::Error> {
        let registry = Registry::new();
        let gauge = |name: &str, help: &str, labels: &[&str]| -> Result<IntGaugeVec, prometheus::Error> {
            let gauge = IntGaugeVec::new(Opts::new(name, help), labels)?;
            registry.register(Box::new(gauge.clone()))?;
            Ok(gauge)
        };
        let inbox_changes = gauge(
            "causeway_inbox_changes",
            "Changes that wait to be decided.",
            &["connection"],
        )?;
        let inbox_age = gauge(
            "causeway_inbox_oldest_seconds",
            "Age of the oldest change that waits.",
            &["connection"],
        )?;
        let outbox_links = gauge(
            "causeway_outbox_links",
            "Records that wait to be written to Salesforce.",
            &["connection"],
        )?;
        let outbox_age = gauge(
            "causeway_outbox_oldest_seconds",
            "How long the oldest record has been ready to be written to Salesforce.",
            &["connection"],
        )?;
        let calls_spent = gauge(
            "causeway_salesforce_calls_spent",
            "Salesforce calls spent in the last 24 hours.",
            &["connection"],
        )?;
        let calls_cap = gauge(
            "causeway_salesforce_calls_cap",
            "Salesforce calls that may be spent in 24 hours.",
            &["connection"],
        )?;
        let runs = gauge(
            "causeway_sync_runs",
            "The newest 100 sync runs of a connection by state.",
            &["connection", "state"],
        )?;
        let run_rows = gauge(
            "causeway_sync_rows",
            "Rows of the newest sync run, by what became of them.",
            &["connection", "outcome"],
        )?;
        let store_full = IntGauge::new(
            "causeway_disk_full",
            "1 while the disk of this process's store is full, else 0.",
        )?;
        registry.register(Box::new(store_full.clone()))?;
        let requests = IntCounterVec::new(
            Opts::new("causeway_http_requests_total", "Requests answered."),
            &["route", "method", "status"],
        )?;
        registry.register(Box::new(requests.clone()))?;
        let seconds = HistogramVec::new(
            HistogramOpts::new("causeway_http_request_seconds", "Time from request to answer.").buckets(
                vec![
                    0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0,
                ],
            ),
            &["route"],
        )?;
        registry.register(Box::new(seconds.clone()))?;
        Ok(Metrics {
            registry,
            requests,
            seconds,
            inbox_changes,
            inbox_age,
            outbox_links,
            outbox_age,
            calls_spent,
            calls_cap,
            runs,
            run_rows,
            store_full,
        })
    }

    /// Counts an answer.
    pub fn answered(&self, route: &str, method: &str, status: u16, took: Duration) {
        // A method is what a caller sends: all unknown ones are one, or callers could fill the memory.
        let method = match method {
            "GET" | "POST" | "PUT" | "PATCH" | "DELETE" | "HEAD" | "OPTIONS" => method,
            _ => "other",
        };
        self.requests
            .with_label_values(&[route, method, &status.to_string()])
            .inc();
        self.seconds
            .with_label_values(&[route])
            .observe(took.as_secs_f64());
    }
}

/// Counts for Prometheus.
///
/// Answers with the configured `metrics.token`; without one configured, to callers on the same machine only.
#[utoipa::path(
    tag = "operation",
    security((), ("bearer" = [])),
    responses(
        (status = 200, description = "Metrics in Prometheus' text format", body = String, content_type = "text/plain"),
        (status = 401, description = "No token", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 403, description = "Another token, or another machine", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 500, description = "The gateway failed", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 503, description = "The store cannot be asked", body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
#[get("/metrics")]
pub async fn get_metrics(state: web::Data<HttpState>, request: HttpRequest) -> Result<HttpResponse, Problem> {
    check_caller(&state, &request)?;
    sample(&state).await?;
    let mut text = Vec::new();
    TextEncoder::new()
        .encode(&state.metrics.registry.gather(), &mut text)
        .map_err(|error| Problem::internal(error.to_string()))?;
    Ok(HttpResponse::Ok()
        .content_type("text/plain; version=0.0.4; charset=utf-8")
        .body(text))
}

fn check_caller(state: &HttpState, request: &HttpRequest) -> Result<(), Problem> {
    let Some(expected) = &state.metrics_token else {
        let local = request.peer_addr().is_some_and(|peer| peer.ip().is_loopback());
        // Behind a proxy on the same machine everybody looks local.
        let forwarded = ["x-forwarded-for", "forwarded", "via"]
            .iter()
            .any(|name| request.headers().contains_key(*name));
        return if local && !forwarded {
            Ok(())
        } else {
            Err(Problem::new(
                ProblemKind::MetricsRefused,
                "ask from the gateway's own machine, or set metrics.token and send it as bearer token",
            ))
        };
    };
    let given = bearer(request)?;
    aws_lc_rs::constant_time::verify_slices_are_equal(given.as_bytes(), expected.expose_secret().as_bytes())
        .map_err(|_differs| Problem::new(ProblemKind::MetricsRefused, "send the configured metrics.token"))
}

/// Takes the gauges from the store, so that all processes on one store show the same.
async fn sample(state: &HttpState) -> Result<(), Problem> {
    let activities = directory::activity(&state.app, RUNS).await?;
    let now = state.app.clock.now();
    let metrics = &state.metrics;
    metrics.run_rows.reset();
    metrics
        .store_full
        .set(i64::from(state.app.store.full_for().is_some()));
    for activity in activities {
        let Activity {
            connection,
            waiting,
            runs,
        } = activity;
        let age = |oldest: Option<causeway_core::Instant>| {
            oldest.map_or(0, |oldest| (now - oldest).num_seconds().max(0))
        };
        for (gauge, value) in [
            (&metrics.inbox_changes, whole(waiting.inbox.changes)),
            (&metrics.inbox_age, age(waiting.inbox.oldest)),
            (&metrics.outbox_links, whole(waiting.outbox.links)),
            (&metrics.outbox_age, age(waiting.outbox.oldest)),
            (&metrics.calls_spent, whole(waiting.calls_spent)),
            (&metrics.calls_cap, whole(waiting.calls_cap)),
        ] {
            gauge.with_label_values(&[&connection]).set(value);
        }
        for state in RunState::ALL {
            let label = super::syncs::state_name(state);
            let count = runs.iter().filter(|run| run.state == state).count();
            metrics
                .runs
                .with_label_values(&[connection.as_str(), label])
                .set(whole(count as u64));
        }
        for part in runs.first().map(|run| run.parts.as_slice()).unwrap_or_default() {
            for (outcome, rows) in &part.outcomes {
                let label = super::syncs::outcome_name(*outcome);
                metrics
                    .run_rows
                    .with_label_values(&[connection.as_str(), label])
                    .add(whole(*rows));
            }
            metrics
                .run_rows
                .with_label_values(&[connection.as_str(), "dropped"])
                .add(whole(part.dropped));
        }
    }
    Ok(())
}

fn whole(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}
