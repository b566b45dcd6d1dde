//! The configuration in force, for people, without its secrets.

use std::fmt::Write;

use secrecy::ExposeSecret;
use url::Url;

use super::{Config, LogFormat};

/// The configuration in force as TOML. Secrets are replaced by `(set)`.
pub fn redacted(config: &Config) -> String {
    let mut text = String::new();
    let mut section = |name: &str, lines: &[(&str, String)]| {
        let _infallible = writeln!(text, "[{name}]");
        for (key, value) in lines {
            let _infallible = writeln!(text, "{key} = {value}");
        }
        text.push('\n');
    };
    section(
        "http",
        &[
            ("listen", quoted(&config.http.listen.to_string())),
            (
                "public_url",
                quoted(
                    config
                        .http
                        .public_url
                        .as_deref()
                        .unwrap_or("(the address it listens on)"),
                ),
            ),
            ("threads", config.http.threads.to_string()),
        ],
    );
    section(
        "store",
        &[("url", quoted(&without_password(config.store_url.expose_secret())))],
    );
    section("secrets", &[("master_key", quoted("(set)"))]);
    section(
        "workers",
        &[
            ("inbox", config.workers.inbox.to_string()),
            ("outbox", config.workers.outbox.to_string()),
            ("write_seconds", config.workers.write_within.as_secs().to_string()),
            (
                "unanswered_seconds",
                config.workers.unanswered_within.as_secs().to_string(),
            ),
            ("syncs", config.workers.syncs.to_string()),
            (
                "instant_every_seconds",
                config
                    .workers
                    .instant_every
                    .map_or(0, |every| every.as_secs())
                    .to_string(),
            ),
            ("lease_seconds", config.workers.lease.as_secs().to_string()),
            ("stop_seconds", config.workers.stop_within.as_secs().to_string()),
        ],
    );
    section(
        "limits",
        &[
            ("changes_bytes", config.limits.changes_bytes.to_string()),
            ("body_bytes", config.limits.body_bytes.to_string()),
            ("head_seconds", config.limits.head_within.as_secs().to_string()),
            ("body_seconds", config.limits.body_within.as_secs().to_string()),
            ("connections", config.limits.connections.to_string()),
        ],
    );
    let token = if config.metrics_token.is_some() {
        "(set)"
    } else {
        ""
    };
    section("metrics", &[("token", quoted(token))]);
    let given = |text: &Option<String>| quoted(text.as_deref().unwrap_or_default());
    section(
        "support",
        &[
            ("email", given(&config.support.email)),
            ("phone", given(&config.support.phone)),
        ],
    );
    let id = config.package.id.map(|id| id.to_string());
    section(
        "package",
        &[
            ("latest_version", quoted(&config.package.version.to_string())),
            ("version_id", given(&id)),
        ],
    );
    let format = match config.log.format {
        LogFormat::Text => "text",
        LogFormat::Json => "json",
    };
    section(
        "log",
        &[("filter", quoted(&config.log.filter)), ("format", quoted(format))],
    );
    text
}

fn quoted(text: &str) -> String {
    format!("{text:?}")
}

/// A store URL that does not parse is hidden whole: its password could stand anywhere in it.
fn without_password(url: &str) -> String {
    if url.starts_with("sqlite://") {
        return url.to_owned();
    }
    match Url::parse(url) {
        Ok(mut parsed) => {
            let hidden = parsed.password().is_none() || parsed.set_password(Some("***")).is_ok();
            parsed.set_query(None);
            if hidden {
                parsed.to_string()
            } else {
                "(set)".to_owned()
            }
        }
        Err(_) => "(set)".to_owned(),
    }
}
