//! What a store URL means.

use std::path::PathBuf;
use std::time::Duration;

use crate::engine::Engine;
use crate::error::OpenError;

/// Where the data lives.
#[derive(Clone)]
pub(crate) enum Target {
    /// A SQLite file.
    Sqlite(PathBuf),
    /// A PostgreSQL database.
    Postgres(Box<tokio_postgres::Config>),
}

impl Target {
    pub(crate) fn parse(url: &str) -> Result<Target, OpenError> {
        if let Some(path) = url.strip_prefix("sqlite://") {
            if path.is_empty() || path.contains('\0') {
                return Err(OpenError::Url {
                    problem: "a SQLite URL names a file, for example sqlite:///var/lib/causeway/causeway.db"
                        .to_owned(),
                });
            }
            return Ok(Target::Sqlite(PathBuf::from(path)));
        }
        if url.starts_with("postgres://") || url.starts_with("postgresql://") {
            let mut config: tokio_postgres::Config = url.parse().map_err(|error: tokio_postgres::Error| {
                OpenError::Url {
                    problem: format!(
                        "not a PostgreSQL URL of the form postgres://user:password@host:port/database: {error}"
                    ),
                }
            })?;
            bound_waits(&mut config);
            return Ok(Target::Postgres(Box::new(config)));
        }
        let scheme = url.split_once(':').map_or("", |(scheme, _)| scheme);
        Err(OpenError::Scheme {
            scheme: scheme.to_owned(),
        })
    }

    pub(crate) fn engine(&self) -> Engine {
        match self {
            Target::Sqlite(_) => Engine::Sqlite,
            Target::Postgres(_) => Engine::Postgres,
        }
    }
}

/// A server that vanished without a word must not hold a thread for the hours that TCP alone would wait.
fn bound_waits(config: &mut tokio_postgres::Config) {
    if config.get_connect_timeout().is_none() {
        config.connect_timeout(Duration::from_secs(10));
    }
    if config.get_tcp_user_timeout().is_none() {
        config.tcp_user_timeout(Duration::from_secs(30));
    }
    if config.get_application_name().is_none() {
        config.application_name("causeway");
    }
    config.keepalives_idle(Duration::from_secs(30));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_engines_are_named_by_their_scheme() {
        for (url, engine) in [
            ("sqlite:///var/lib/causeway.db", Engine::Sqlite),
            ("postgres://u:p@localhost/causeway", Engine::Postgres),
            ("postgresql://u@localhost:5433/causeway", Engine::Postgres),
        ] {
            assert_eq!(
                Target::parse(url).ok().map(|target| target.engine()),
                Some(engine),
                "{url}"
            );
        }
    }

    #[test]
    fn an_unknown_scheme_is_refused_by_naming_the_accepted_ones() {
        let refused = Target::parse("mysql://root@localhost/causeway").err().unwrap();
        let text = refused.to_string();
        assert!(
            text.contains("mysql") && text.contains("sqlite://") && text.contains("postgres://"),
            "{text}"
        );
    }

    #[test]
    fn a_refused_url_does_not_repeat_its_password() {
        for url in ["postgres://u:hunter2@:bad-port:/x", "hunter2", "sqlite://"] {
            let text = Target::parse(url).err().unwrap().to_string();
            assert!(!text.contains("hunter2"), "{text}");
        }
    }
}
