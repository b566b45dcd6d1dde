//! Apex in SFDX source folders: `classes/*.cls`, `triggers/*.trigger`, each with its `-meta.xml`, and
//! `remoteSiteSettings/*.remoteSite-meta.xml`.
//!
//! Source: Salesforce Metadata API Developer Guide, `ApexClass`, `ApexTrigger` and `RemoteSiteSetting`.

use std::path::{Path, PathBuf};
use std::sync::PoisonError;

use apex_runtime::program::CURRENT_API_VERSION;
use apex_runtime::{CompileError, Source};
use serde::Deserialize;

use super::callout::RemoteSite;
use crate::org::Org;
use crate::schema::sfdx::{SfdxError, metadata, source};

/// Why Apex in a source folder was refused.
#[derive(Debug, thiserror::Error)]
pub enum ApexSourceError {
    /// A file cannot be read, or its metadata is not what it should be.
    #[error(transparent)]
    Sfdx(#[from] SfdxError),
    /// It does not compile.
    #[error("{}", lines(.0))]
    Compile(Vec<CompileError>),
}

fn lines(errors: &[CompileError]) -> String {
    let lines: Vec<_> = errors.iter().map(ToString::to_string).collect();
    lines.join("\n")
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Metadata {
    api_version: Option<String>,
}

/// The classes and triggers in folders.
///
/// # Errors
/// Unreadable or malformed files.
pub fn read(folders: &[impl AsRef<Path>]) -> Result<Vec<Source>, SfdxError> {
    source::find(folders)?.apex.iter().map(|path| one(path)).collect()
}

fn one(path: &Path) -> Result<Source, SfdxError> {
    let text = std::fs::read_to_string(path).map_err(|source| SfdxError::Read {
        path: path.to_owned(),
        source,
    })?;
    let name = path
        .file_stem()
        .map(|stem| stem.to_string_lossy().into_owned())
        .unwrap_or_default();
    let is_class = path.extension().is_some_and(|extension| extension == "cls");
    let mut beside = path.as_os_str().to_owned();
    beside.push("-meta.xml");
    let beside = PathBuf::from(beside);
    let root = if is_class { "ApexClass" } else { "ApexTrigger" };
    let metadata: Metadata = if beside.is_file() {
        metadata::read(&beside, root)?
    } else {
        Metadata::default()
    };
    let version = match metadata.api_version.as_deref() {
        None => CURRENT_API_VERSION,
        Some(text) => text
            .split('.')
            .next()
            .and_then(|major| major.parse().ok())
            .ok_or_else(|| SfdxError::Invalid {
                path: beside,
                reason: format!("apiVersion {text:?} must be a number such as 68.0"),
            })?,
    };
    let source = if is_class {
        Source::class(name, text)
    } else {
        Source::trigger(name, text)
    };
    Ok(source.with_api_version(version))
}

/// `CustomLabels`, as far as programs read them.
///
/// Source: Metadata API Developer Guide, `CustomLabels`.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Labels {
    labels: Vec<Label>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Label {
    full_name: String,
    value: String,
}

impl Org {
    /// Loads the custom labels of source folders, which classes are compiled with.
    ///
    /// # Errors
    /// Unreadable or malformed files.
    pub fn load_labels(&self, folders: &[impl AsRef<Path>]) -> Result<(), SfdxError> {
        for path in source::find(folders)?.labels {
            let file: Labels = metadata::read(&path, "CustomLabels")?;
            let mut known = self.apex.labels.write().unwrap_or_else(PoisonError::into_inner);
            known.extend(
                file.labels
                    .into_iter()
                    .map(|label| (label.full_name, label.value)),
            );
        }
        Ok(())
    }

    /// Loads the Apex of source folders.
    pub(crate) fn load_apex(&self, folders: &[PathBuf]) -> Result<(), ApexSourceError> {
        self.load_labels(folders)?;
        self.load_cache_partitions(folders)?;
        for path in source::find(folders)?.remote_sites {
            let site: RemoteSite = metadata::read(&path, "RemoteSiteSetting")?;
            self.add_remote_site(site);
        }
        let sources = read(folders)?;
        if sources.is_empty() {
            return Ok(());
        }
        self.set_apex(sources).map_err(ApexSourceError::Compile)
    }
}
