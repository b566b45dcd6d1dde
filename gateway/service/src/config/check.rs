//! From written values to checked ones. Every problem is reported, never only the first.

use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use causeway_core::id::SalesforceId;
use causeway_core::package::{PackageRelease, PackageVersion};
use secrecy::{SecretBox, SecretString};
use url::Url;

use super::read::{Origins, Raw, RawPackage, RawSecrets};
use super::{Config, ConfigError, ConfigProblem, Http, Limits, Log, LogFormat, Support, Workers};
use crate::app::package::LATEST_VERSION;
use crate::loopback::is_loopback;

const MEGABYTE: i64 = 1024 * 1024;

/// Checks written values.
pub(super) fn check(raw: Raw, origins: &Origins) -> Result<Config, ConfigError> {
    let mut checker = Checker {
        origins,
        problems: Vec::new(),
    };
    let listen = checker.listen(&raw.http.listen);
    let public_url = checker.public_url(&raw.http.public_url, listen);
    let store_url = checker.store_url(&raw.store.url);
    let master_key = checker.master_key(&raw.secrets);
    let threads = checker.number("http.threads", raw.http.threads, 1, 256);
    let workers = Workers {
        inbox: checker.number("workers.inbox", raw.workers.inbox, 1, 64),
        outbox: checker.number("workers.outbox", raw.workers.outbox, 1, 64),
        write_within: checker.seconds("workers.write_seconds", raw.workers.write_seconds),
        unanswered_within: checker.seconds("workers.unanswered_seconds", raw.workers.unanswered_seconds),
        syncs: checker.number("workers.syncs", raw.workers.syncs, 1, 64),
        instant_every: checker.period("workers.instant_every_seconds", raw.workers.instant_every_seconds),
        lease: checker.seconds("workers.lease_seconds", raw.workers.lease_seconds),
        stop_within: checker.seconds("workers.stop_seconds", raw.workers.stop_seconds),
    };
    let limits = Limits {
        changes_bytes: checker.number(
            "limits.changes_bytes",
            raw.limits.changes_bytes,
            1024,
            64 * MEGABYTE,
        ),
        body_bytes: checker.number("limits.body_bytes", raw.limits.body_bytes, 1024, 64 * MEGABYTE),
        head_within: checker.seconds("limits.head_seconds", raw.limits.head_seconds),
        body_within: checker.seconds("limits.body_seconds", raw.limits.body_seconds),
        connections: checker.number("limits.connections", raw.limits.connections, 1, 1_000_000),
    };
    let metrics_token = checker.metrics_token(raw.metrics.token);
    let support = Support {
        email: checker.email(raw.support.email),
        phone: checker.phone(raw.support.phone),
    };
    let package = checker.package(&raw.package);
    let log = checker.log(raw.log.filter, &raw.log.format);
    match (listen, store_url, master_key) {
        (Some(listen), Some(store_url), Some(master_key)) if checker.problems.is_empty() => Ok(Config {
            http: Http {
                listen,
                public_url,
                threads,
            },
            store_url,
            master_key,
            workers,
            limits,
            metrics_token,
            support,
            package,
            log,
        }),
        _ => Err(ConfigError::Invalid(checker.problems)),
    }
}

struct Checker<'a> {
    origins: &'a Origins,
    problems: Vec<ConfigProblem>,
}

impl Checker<'_> {
    fn report(&mut self, key: &str, message: impl Into<String>) {
        self.problems.push(ConfigProblem {
            key: key.to_owned(),
            origin: self.origins.of(key),
            message: message.into(),
        });
    }

    fn number(&mut self, key: &str, value: i64, least: i64, most: i64) -> usize {
        match usize::try_from(value) {
            Ok(number) if (least..=most).contains(&value) => number,
            _ => {
                self.report(key, format!("{value} is out of range; write {least} to {most}"));
                0
            }
        }
    }

    fn seconds(&mut self, key: &str, value: i64) -> Duration {
        Duration::from_secs(self.number(key, value, 1, 3600) as u64)
    }

    /// A period that may be off. Each round costs calls, so it must not be too short.
    fn period(&mut self, key: &str, value: i64) -> Option<Duration> {
        match u64::try_from(value) {
            Ok(0) => None,
            Ok(seconds) if (10..=86_400).contains(&seconds) => Some(Duration::from_secs(seconds)),
            _ => {
                self.report(
                    key,
                    format!("{value} is out of range; write 0 for never, or 10 to 86400"),
                );
                None
            }
        }
    }

    fn listen(&mut self, text: &str) -> Option<SocketAddr> {
        let address = text.parse().ok();
        if address.is_none() {
            self.report(
                "http.listen",
                format!("{text:?} is no address with a port; write for example 127.0.0.1:8080 or [::]:8080"),
            );
        }
        address
    }

    /// Tokens are worth as much as the line they travel on, so plain http is for loopback alone.
    fn public_url(&mut self, text: &str, listen: Option<SocketAddr>) -> Option<String> {
        const KEY: &str = "http.public_url";
        if text.is_empty() {
            if listen.is_some_and(|address| !address.ip().is_loopback()) {
                self.report(
                    KEY,
                    "missing; write how callers reach the gateway, for example https://causeway.example.com",
                );
            }
            return None;
        }
        let Ok(url) = Url::parse(text) else {
            self.report(
                KEY,
                format!("{text:?} is no URL; write for example https://causeway.example.com"),
            );
            return None;
        };
        let before = self.problems.len();
        if !matches!(url.scheme(), "https" | "http") || url.host().is_none() {
            self.report(KEY, "must begin with https:// and a host");
        } else if url.scheme() == "http" && !is_loopback(&url) {
            self.report(
                KEY,
                "must begin with https://; plain http is for 127.0.0.1, ::1 and localhost only",
            );
        }
        if url.query().is_some()
            || url.fragment().is_some()
            || !url.username().is_empty()
            || url.password().is_some()
        {
            self.report(KEY, "must be a plain address without user, `?` or `#`");
        }
        (self.problems.len() == before).then(|| url.as_str().trim_end_matches('/').to_owned())
    }

    /// Only SQLite paths are touched here, since they depend on where the file lies; the store checks the rest.
    fn store_url(&mut self, text: &str) -> Option<SecretString> {
        const KEY: &str = "store.url";
        let Some((scheme, rest)) = text.split_once("://") else {
            self.report(
                KEY,
                "is no URL; write sqlite:///folder/causeway.db or postgres://user:password@host/database",
            );
            return None;
        };
        match scheme {
            "postgres" | "postgresql" => Some(SecretString::from(text)),
            "sqlite" if rest.is_empty() => {
                self.report(KEY, "names no file; write sqlite:///folder/causeway.db");
                None
            }
            "sqlite" => {
                let path = self.origins.folder(KEY).join(Path::new(rest));
                Some(SecretString::from(format!("sqlite://{}", path.display())))
            }
            _ => {
                self.report(
                    KEY,
                    format!("{scheme:?} is no kind of store; write sqlite:// or postgres://"),
                );
                None
            }
        }
    }

    fn master_key(&mut self, raw: &RawSecrets) -> Option<SecretBox<[u8]>> {
        let (key, text) = match (raw.master_key.is_empty(), raw.master_key_file.is_empty()) {
            (true, true) => {
                self.report(
                    "secrets.master_key_file",
                    "missing; make a key with `causeway keys master --out master.key` and name that file here, \
                     or give the key itself in CAUSEWAY__SECRETS__MASTER_KEY",
                );
                return None;
            }
            (false, false) => {
                self.report(
                    "secrets.master_key",
                    "stands beside secrets.master_key_file; keep one of the two",
                );
                return None;
            }
            (false, true) => ("secrets.master_key", raw.master_key.clone()),
            (true, false) => {
                const KEY: &str = "secrets.master_key_file";
                let path = self.origins.folder(KEY).join(&raw.master_key_file);
                match std::fs::read_to_string(&path) {
                    Ok(text) => (KEY, text),
                    Err(error) => {
                        self.report(
                            KEY,
                            format!(
                                "{} cannot be read ({error}); make it with `causeway keys master --out {}`",
                                path.display(),
                                path.display()
                            ),
                        );
                        return None;
                    }
                }
            }
        };
        match STANDARD.decode(text.trim()) {
            Ok(bytes) if bytes.len() == 32 => Some(SecretBox::from(bytes.into_boxed_slice())),
            _ => {
                self.report(
                    key,
                    "is not the base64 of 32 bytes; make a key with `causeway keys master`",
                );
                None
            }
        }
    }

    fn metrics_token(&mut self, token: String) -> Option<SecretString> {
        if token.is_empty() {
            return None;
        }
        if token.chars().count() < 16 {
            self.report(
                "metrics.token",
                "is too short to be a secret; write 16 characters or more",
            );
        }
        Some(SecretString::from(token))
    }

    fn email(&mut self, email: String) -> Option<String> {
        let (name, host) = email.split_once('@').unwrap_or_default();
        let plausible = !name.is_empty() && host.contains('.') && !email.contains(char::is_whitespace);
        if !email.is_empty() && !plausible {
            self.report(
                "support.email",
                format!("{email:?} is no e-mail address; write help@example.com"),
            );
        }
        Some(email).filter(|email| !email.is_empty())
    }

    fn phone(&mut self, phone: String) -> Option<String> {
        let known = |letter: char| letter.is_ascii_digit() || "+ -()/.".contains(letter);
        if !phone.chars().all(known) {
            self.report(
                "support.phone",
                format!("{phone:?} is no phone number; write +49 30 1234567"),
            );
        }
        Some(phone).filter(|phone| !phone.is_empty())
    }

    fn package(&mut self, raw: &RawPackage) -> PackageRelease {
        // Shown by its major and minor part alone, which then has to be all of it.
        let version =
            PackageVersion::parse(&raw.latest_version).filter(|read| read.to_string() == raw.latest_version);
        if version.is_none_or(|version| version < LATEST_VERSION) {
            self.report(
                "package.latest_version",
                format!(
                    "{:?} is no version from {LATEST_VERSION} on, which goes with this gateway; write {LATEST_VERSION} \
                     or leave it out",
                    raw.latest_version
                ),
            );
        }
        let id = Some(&raw.version_id).filter(|id| !id.is_empty()).and_then(|id| {
            let read = SalesforceId::parse(id).ok().filter(|_id| id.starts_with("04t"));
            if read.is_none() {
                self.report(
                    "package.version_id",
                    format!(
                        "{id:?} is no id of a package version; write 04t and what follows in its install link"
                    ),
                );
            }
            read
        });
        PackageRelease {
            version: version.unwrap_or(LATEST_VERSION),
            id,
        }
    }

    fn log(&mut self, filter: String, format: &str) -> Log {
        // A word alone is read as the name of a module, and a misspelled level would silence everything.
        let words_are_levels = filter.split(',').filter(|part| !part.contains('=')).all(|part| {
            part.trim()
                .parse::<tracing_subscriber::filter::LevelFilter>()
                .is_ok()
        });
        if !words_are_levels || filter.parse::<tracing_subscriber::filter::Targets>().is_err() {
            self.report(
                "log.filter",
                format!("{filter:?} is no filter; write error, warn, info, debug or trace, or for example info,causeway=debug"),
            );
        }
        let format = match format {
            "text" => LogFormat::Text,
            "json" => LogFormat::Json,
            other => {
                self.report(
                    "log.format",
                    format!("{other:?} is no format; write text or json"),
                );
                LogFormat::Text
            }
        };
        Log { filter, format }
    }
}
