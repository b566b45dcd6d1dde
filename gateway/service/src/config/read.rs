//! Merging the sources and finding keys that do not belong.

use std::path::{Path, PathBuf};

use figment::providers::Serialized;
use figment::value::{Dict, Map, Num, Value};
use figment::{Figment, Metadata, Profile, Provider};
use serde::{Deserialize, Serialize};

use super::{ConfigError, ConfigProblem, Sources};
use crate::app::package::LATEST_VERSION;

const PREFIX: &str = "CAUSEWAY__";

/// The configuration as it is written, defaults filled in. Empty text means "not set".
#[derive(Serialize, Deserialize)]
pub(super) struct Raw {
    pub(super) http: RawHttp,
    pub(super) store: RawStore,
    pub(super) secrets: RawSecrets,
    pub(super) workers: RawWorkers,
    pub(super) limits: RawLimits,
    pub(super) metrics: RawMetrics,
    pub(super) support: RawSupport,
    pub(super) package: RawPackage,
    pub(super) log: RawLog,
}

#[derive(Serialize, Deserialize)]
pub(super) struct RawHttp {
    pub(super) listen: String,
    pub(super) public_url: String,
    pub(super) threads: i64,
}

#[derive(Serialize, Deserialize)]
pub(super) struct RawStore {
    pub(super) url: String,
}

#[derive(Serialize, Deserialize)]
pub(super) struct RawSecrets {
    pub(super) master_key: String,
    pub(super) master_key_file: String,
}

#[derive(Serialize, Deserialize)]
pub(super) struct RawWorkers {
    pub(super) inbox: i64,
    pub(super) outbox: i64,
    pub(super) write_seconds: i64,
    pub(super) unanswered_seconds: i64,
    pub(super) syncs: i64,
    pub(super) instant_every_seconds: i64,
    pub(super) lease_seconds: i64,
    pub(super) stop_seconds: i64,
}

#[derive(Serialize, Deserialize)]
pub(super) struct RawLimits {
    pub(super) changes_bytes: i64,
    pub(super) body_bytes: i64,
    pub(super) head_seconds: i64,
    pub(super) body_seconds: i64,
    pub(super) connections: i64,
}

#[derive(Serialize, Deserialize)]
pub(super) struct RawMetrics {
    pub(super) token: String,
}

#[derive(Serialize, Deserialize)]
pub(super) struct RawSupport {
    pub(super) email: String,
    pub(super) phone: String,
}

#[derive(Serialize, Deserialize)]
pub(super) struct RawPackage {
    pub(super) latest_version: String,
    pub(super) version_id: String,
}

#[derive(Serialize, Deserialize)]
pub(super) struct RawLog {
    pub(super) filter: String,
    pub(super) format: String,
}

impl Default for Raw {
    fn default() -> Self {
        Raw {
            http: RawHttp {
                listen: "127.0.0.1:8080".to_owned(),
                public_url: String::new(),
                threads: 2,
            },
            store: RawStore {
                url: "sqlite://causeway.db".to_owned(),
            },
            secrets: RawSecrets {
                master_key: String::new(),
                master_key_file: String::new(),
            },
            workers: RawWorkers {
                inbox: 2,
                outbox: 3,
                write_seconds: 60,
                unanswered_seconds: 600,
                syncs: 2,
                instant_every_seconds: 0,
                lease_seconds: 20,
                stop_seconds: 20,
            },
            limits: RawLimits {
                changes_bytes: 6 * 1024 * 1024,
                body_bytes: 64 * 1024,
                head_seconds: 5,
                body_seconds: 30,
                connections: 10_000,
            },
            metrics: RawMetrics { token: String::new() },
            support: RawSupport {
                email: String::new(),
                phone: String::new(),
            },
            package: RawPackage {
                latest_version: LATEST_VERSION.to_string(),
                version_id: String::new(),
            },
            log: RawLog {
                filter: "info".to_owned(),
                format: "text".to_owned(),
            },
        }
    }
}

/// Tells which file or variable set a key, and where relative paths start.
pub(super) struct Origins {
    figment: Figment,
    file: Option<PathBuf>,
}

impl Origins {
    /// The file or variable that set a key; `None` for a default.
    pub(super) fn of(&self, key: &str) -> Option<String> {
        let metadata = self.figment.find_metadata(key)?;
        self.name(metadata, key)
    }

    /// The folder from which relative paths count: that of the file that set the key, else the current one.
    pub(super) fn folder(&self, key: &str) -> PathBuf {
        let from_file = self
            .figment
            .find_metadata(key)
            .is_some_and(|metadata| metadata.name == FILE);
        let folder = self
            .file
            .as_deref()
            .filter(|_| from_file)
            .and_then(Path::parent)
            .map(Path::to_path_buf)
            .unwrap_or_default();
        std::path::absolute(&folder).unwrap_or(folder)
    }

    fn name(&self, metadata: &Metadata, key: &str) -> Option<String> {
        match metadata.name.as_ref() {
            FILE => self.file.as_ref().map(|file| file.display().to_string()),
            ENVIRONMENT => Some(format!("{PREFIX}{}", key.replace('.', "__").to_uppercase())),
            _ => None,
        }
    }
}

/// Merges the sources.
pub(super) fn read(sources: &Sources) -> Result<(Raw, Origins), ConfigError> {
    let defaults = Figment::from(Serialized::defaults(Raw::default()));
    let accepted = tree(&defaults);
    let mut figment = defaults;
    if let Some(path) = &sources.file {
        figment = figment.merge(Named {
            name: FILE,
            dict: read_file(path)?,
        });
    }
    figment = figment.merge(Named {
        name: ENVIRONMENT,
        dict: read_environment(&sources.environment, &accepted),
    });
    let origins = Origins {
        figment,
        file: sources.file.clone(),
    };
    let found = tree(&origins.figment);
    let mut problems = Vec::new();
    compare(&found, &accepted, "", &origins, &mut problems);
    if !problems.is_empty() {
        return Err(ConfigError::Invalid(problems));
    }
    match origins.figment.extract() {
        Ok(raw) => Ok((raw, origins)),
        Err(error) => Err(ConfigError::Invalid(vec![ConfigProblem {
            key: error.path.join("."),
            origin: None,
            message: error.kind.to_string(),
        }])),
    }
}

const FILE: &str = "file";
const ENVIRONMENT: &str = "environment";

/// A provider that is known by name later, when a problem must say where a key came from.
struct Named {
    name: &'static str,
    dict: Dict,
}

impl Provider for Named {
    fn metadata(&self) -> Metadata {
        Metadata::named(self.name)
    }

    fn data(&self) -> Result<Map<Profile, Dict>, figment::Error> {
        Ok(Map::from([(Profile::default(), self.dict.clone())]))
    }
}

fn tree(figment: &Figment) -> Dict {
    figment.extract().unwrap_or_default()
}

fn read_file(path: &Path) -> Result<Dict, ConfigError> {
    let unreadable = |message: String| ConfigError::Unreadable {
        path: path.to_path_buf(),
        message,
    };
    let text = std::fs::read_to_string(path).map_err(|error| {
        unreadable(format!(
            "cannot be read ({error}); give another file with --config"
        ))
    })?;
    super::toml::read(&text).map_err(unreadable)
}

/// Builds the tree of `CAUSEWAY__SECTION__KEY` variables. A value is read as what the default of its key is, so
/// that a password of digits stays a text.
fn read_environment(variables: &[(String, String)], accepted: &Dict) -> Dict {
    let mut root = Dict::new();
    for (name, text) in variables {
        let Some(key) = name.strip_prefix(PREFIX) else {
            continue;
        };
        let key = key.to_lowercase();
        let path: Vec<&str> = key.split("__").collect();
        let default = Value::from(accepted.clone()).find(&path.join("."));
        insert(&mut root, &path, typed(text, default.as_ref()));
    }
    root
}

fn typed(text: &str, like: Option<&Value>) -> Value {
    match like {
        Some(Value::Num(..)) => text
            .trim()
            .parse::<i64>()
            .map_or_else(|_| Value::from(text), Value::from),
        Some(Value::Bool(..)) => text
            .trim()
            .parse::<bool>()
            .map_or_else(|_| Value::from(text), Value::from),
        _ => Value::from(text),
    }
}

fn insert(dict: &mut Dict, path: &[&str], value: Value) {
    match path {
        [] => {}
        [last] => {
            dict.insert((*last).to_owned(), value);
        }
        [first, rest @ ..] => {
            let slot = dict
                .entry((*first).to_owned())
                .or_insert_with(|| Value::from(Dict::new()));
            if let Value::Dict(_, inner) = slot {
                insert(inner, rest, value);
            }
        }
    }
}

/// Every key that is not accepted, and every value of another kind than its default.
fn compare(found: &Dict, accepted: &Dict, above: &str, origins: &Origins, problems: &mut Vec<ConfigProblem>) {
    for (name, value) in found {
        let key = if above.is_empty() {
            name.clone()
        } else {
            format!("{above}.{name}")
        };
        let mut report = |message: String| {
            problems.push(ConfigProblem {
                origin: origins.of(&key),
                key: key.clone(),
                message,
            });
        };
        match (accepted.get(name), value) {
            (None, _) => report(format!(
                "unknown key; {} accepts: {}",
                if above.is_empty() {
                    "the top level".to_owned()
                } else {
                    format!("[{above}]")
                },
                accepted.keys().cloned().collect::<Vec<_>>().join(", ")
            )),
            (Some(Value::Dict(_, inner)), Value::Dict(_, dict)) => {
                compare(dict, inner, &key, origins, problems);
            }
            (Some(Value::Dict(..)), _) => report("must be a section of its own".to_owned()),
            (Some(Value::Num(..)), Value::Num(_, number)) if is_whole(*number) => {}
            (Some(Value::Num(..)), _) => report("must be a whole number".to_owned()),
            (Some(Value::Bool(..)), Value::Bool(..)) | (Some(Value::String(..)), Value::String(..)) => {}
            (Some(Value::Bool(..)), _) => report("must be true or false".to_owned()),
            (Some(_), _) => report("must be a text in quotes".to_owned()),
        }
    }
}

fn is_whole(number: Num) -> bool {
    !matches!(number, Num::F32(_) | Num::F64(_))
}
