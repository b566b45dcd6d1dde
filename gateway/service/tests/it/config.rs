//! How the gateway is configured.

use std::path::Path;

use causeway::config::{Config, ConfigError, LogFormat, Sources, redacted};
use secrecy::ExposeSecret;
use tempfile::TempDir;

const KEY: &str = "BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc=";

#[test]
fn the_environment_wins_over_the_file_and_the_file_over_defaults() {
    let folder = written(
        "[http]\nthreads = 5\n[log]\nformat = \"json\"\n[secrets]\nmaster_key_file = \"master.key\"\n",
    );
    std::fs::write(folder.path().join("master.key"), format!("{KEY}\n")).unwrap();
    let config = load(
        &folder,
        &[("CAUSEWAY__HTTP__THREADS", "7"), ("CAUSEWAY_CONFIG", "ignored")],
    )
    .unwrap();
    assert_eq!(config.http.threads, 7);
    assert_eq!(config.log.format, LogFormat::Json);
    assert_eq!(config.http.listen.to_string(), "127.0.0.1:8080");
    assert_eq!(config.limits.changes_bytes, 6 * 1024 * 1024);
    assert_eq!(config.limits.body_bytes, 64 * 1024);
    assert_eq!(config.master_key.expose_secret(), &[7u8; 32]);
    // Paths count from the folder of the file that names them.
    let config = load(
        &written(&format!(
            "[store]\nurl = \"sqlite://data/causeway.db\"\n[secrets]\nmaster_key = \"{KEY}\"\n"
        )),
        &[],
    )
    .unwrap();
    assert!(config.store_url.expose_secret().starts_with("sqlite:///"));
    assert!(config.store_url.expose_secret().ends_with("/data/causeway.db"));
}

#[test]
fn every_problem_names_its_key_its_origin_and_the_way_out() {
    let folder = written(
        "[http]\nlisten = \"8080\"\nlisten_adress = \"x\"\nthreads = \"many\"\n[store]\nurl = 7\n[sotre]\nurl = \"x\"\n",
    );
    let problems = problems(
        &folder,
        &[
            ("CAUSEWAY__LIMITS__BODY_SECONDS", "soon"),
            ("CAUSEWAY__LOG__LEVEL", "x"),
        ],
    );
    for (key, origin, says) in [
        (
            "http.listen_adress",
            "causeway.toml",
            "[http] accepts: listen, public_url, threads",
        ),
        ("http.threads", "causeway.toml", "must be a whole number"),
        ("store.url", "causeway.toml", "must be a text in quotes"),
        (
            "sotre",
            "causeway.toml",
            "the top level accepts: http, limits, log, metrics, package, secrets, store, support, workers",
        ),
        (
            "limits.body_seconds",
            "CAUSEWAY__LIMITS__BODY_SECONDS",
            "must be a whole number",
        ),
        (
            "log.level",
            "CAUSEWAY__LOG__LEVEL",
            "[log] accepts: filter, format",
        ),
    ] {
        let found = problems
            .iter()
            .find(|(found, _, _)| found == key)
            .unwrap_or_else(|| panic!("no problem at {key}: {problems:?}"));
        assert!(found.1.ends_with(origin), "{found:?}");
        assert!(found.2.contains(says), "{found:?}");
    }
    assert_eq!(problems.len(), 6, "{problems:?}");
}

#[test]
fn values_that_make_no_sense_are_all_reported_at_once() {
    let folder = written(
        "[http]\nlisten = \"localhost\"\npublic_url = \"http://gateway.example\"\nthreads = 0\n\
         [store]\nurl = \"mysql://host/db\"\n[secrets]\nmaster_key = \"c2hvcnQ=\"\n\
         [metrics]\ntoken = \"short\"\n[support]\nemail = \"help\"\nphone = \"call me\"\n\
         [package]\nlatest_version = \"0.9\"\nversion_id = \"033ZM000000CqO2YAK\"\n[log]\nfilter = \"loud\"\nformat = \"xml\"\n",
    );
    let keys: Vec<String> = problems(&folder, &[])
        .into_iter()
        .map(|(key, _, _)| key)
        .collect();
    assert_eq!(
        keys,
        [
            "http.listen",
            "http.public_url",
            "store.url",
            "secrets.master_key",
            "http.threads",
            "metrics.token",
            "support.email",
            "support.phone",
            "package.latest_version",
            "package.version_id",
            "log.filter",
            "log.format"
        ]
    );
}

#[test]
fn tokens_travel_over_https_or_stay_on_the_machine() {
    let with = |url: &str| {
        let folder = written(&format!(
            "[http]\npublic_url = \"{url}\"\n[secrets]\nmaster_key = \"{KEY}\"\n"
        ));
        load(&folder, &[]).map(|config| config.http.public_url)
    };
    for (url, kept) in [
        ("https://gateway.example/", "https://gateway.example"),
        (
            "https://gateway.example/causeway",
            "https://gateway.example/causeway",
        ),
        ("http://127.0.0.1:8080", "http://127.0.0.1:8080"),
        ("http://localhost:8080", "http://localhost:8080"),
        ("http://[::1]:8080", "http://[::1]:8080"),
    ] {
        assert_eq!(with(url).unwrap().as_deref(), Some(kept));
    }
    for url in [
        "http://gateway.example",
        "ftp://gateway.example",
        "gateway.example",
        "https://a:b@gateway.example",
        "https://gateway.example/?x=1",
        "http://localhost.example",
    ] {
        assert!(with(url).is_err(), "{url}");
    }
    let folder = written(&format!(
        "[http]\nlisten = \"0.0.0.0:8080\"\n[secrets]\nmaster_key = \"{KEY}\"\n"
    ));
    assert_eq!(problems(&folder, &[])[0].0, "http.public_url");
}

#[test]
fn a_password_of_digits_stays_a_text() {
    let folder = written("");
    let config = load(
        &folder,
        &[
            ("CAUSEWAY__SECRETS__MASTER_KEY", KEY),
            ("CAUSEWAY__METRICS__TOKEN", "0123456789012345"),
        ],
    )
    .unwrap();
    assert_eq!(config.metrics_token.unwrap().expose_secret(), "0123456789012345");
}

#[test]
fn what_is_shown_holds_no_secret() {
    let folder = written("");
    let config = load(
        &folder,
        &[
            ("CAUSEWAY__SECRETS__MASTER_KEY", KEY),
            ("CAUSEWAY__METRICS__TOKEN", "token-of-sixteen-and-more"),
            (
                "CAUSEWAY__STORE__URL",
                "postgres://causeway:pass%40word@db.example/causeway?password=again",
            ),
        ],
    )
    .unwrap();
    for shown in [redacted(&config), format!("{config:?}")] {
        for secret in [KEY, "token-of-sixteen", "pass%40word", "again"] {
            assert!(!shown.contains(secret), "{shown}");
        }
    }
    assert!(redacted(&config).contains("postgres://causeway:***@db.example/causeway"));
}

fn written(text: &str) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("causeway.toml"), text).unwrap();
    folder
}

fn load(folder: &TempDir, environment: &[(&str, &str)]) -> Result<Config, ConfigError> {
    Config::load(&Sources {
        file: Some(Path::new(folder.path()).join("causeway.toml")),
        environment: environment
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect(),
    })
}

fn problems(folder: &TempDir, environment: &[(&str, &str)]) -> Vec<(String, String, String)> {
    match load(folder, environment) {
        Err(ConfigError::Invalid(problems)) => problems
            .into_iter()
            .map(|problem| (problem.key, problem.origin.unwrap_or_default(), problem.message))
            .collect(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn workers_are_counted_and_instant_syncs_come_as_often_as_is_sensible() {
    let written = |section: &str| {
        written(&format!(
            "[secrets]\nmaster_key = \"{KEY}\"\n[workers]\n{section}\n"
        ))
    };
    let config = load(&written("outbox = 5\ninstant_every_seconds = 300"), &[]).unwrap();
    assert_eq!(config.workers.outbox, 5);
    assert_eq!(
        config.workers.instant_every,
        Some(std::time::Duration::from_secs(300))
    );
    assert!(redacted(&config).contains("outbox = 5\n"));
    assert!(redacted(&config).contains("instant_every_seconds = 300\n"));
    let config = load(&written("outbox = 1\nunanswered_seconds = 90"), &[]).unwrap();
    assert_eq!(config.workers.instant_every, None);
    assert_eq!(
        config.workers.unanswered_within,
        std::time::Duration::from_secs(90)
    );
    assert!(redacted(&config).contains("unanswered_seconds = 90\n"));
    for (section, says) in [
        ("outbox = 0", "write 1 to 64"),
        ("unanswered_seconds = 0", "write 1 to 3600"),
        ("instant_every_seconds = 9", "write 0 for never, or 10 to 86400"),
        ("instant_every_seconds = -1", "write 0 for never, or 10 to 86400"),
    ] {
        let found = problems(&written(section), &[]);
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(found[0].2.contains(says), "{found:?}");
    }
}
