//! Finds metadata files in source folders.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use super::SfdxError;

/// The files of one deployment.
#[derive(Debug, Default)]
pub struct Source {
    /// By object name.
    pub objects: BTreeMap<String, ObjectSource>,
    /// `*.globalValueSet-meta.xml`.
    pub global_value_sets: Vec<PathBuf>,
    /// `*.duplicateRule-meta.xml`.
    pub duplicate_rules: Vec<PathBuf>,
    /// `*.matchingRule-meta.xml`.
    pub matching_rules: Vec<PathBuf>,
    /// `*.permissionset-meta.xml`.
    pub permission_sets: Vec<PathBuf>,
    /// `*.labels-meta.xml`.
    pub labels: Vec<PathBuf>,
    /// `*.profile-meta.xml`.
    pub profiles: Vec<PathBuf>,
    /// `*.queue-meta.xml`.
    pub queues: Vec<PathBuf>,
    /// `*.cachePartition-meta.xml`.
    pub cache_partitions: Vec<PathBuf>,
    /// `*.customPermission-meta.xml`.
    pub custom_permissions: Vec<PathBuf>,
    /// `*.md-meta.xml`.
    pub custom_metadata: Vec<PathBuf>,
    /// `*.cls` and `*.trigger`.
    pub apex: Vec<PathBuf>,
    /// `*.remoteSite-meta.xml`.
    pub remote_sites: Vec<PathBuf>,
}

/// The files of one object.
#[derive(Debug)]
pub struct ObjectSource {
    /// The first `objects/<Object>` folder found.
    pub folder: PathBuf,
    /// `<Object>.object-meta.xml`, if any folder has it.
    pub object_file: Option<PathBuf>,
    /// `fields/*.field-meta.xml` of all folders.
    pub fields: Vec<PathBuf>,
    /// `recordTypes/*.recordType-meta.xml` of all folders.
    pub record_types: Vec<PathBuf>,
    /// `validationRules/*.validationRule-meta.xml` of all folders.
    pub validation_rules: Vec<PathBuf>,
    /// `fieldSets/*.fieldSet-meta.xml` of all folders.
    pub field_sets: Vec<PathBuf>,
}

/// All metadata files under `folders`, in the order of their names.
pub fn find(folders: &[impl AsRef<Path>]) -> Result<Source, SfdxError> {
    let mut source = Source::default();
    for folder in folders {
        walk(folder.as_ref(), &mut source)?;
    }
    Ok(source)
}

/// The file's name without `suffix`; `None` if it ends otherwise.
pub fn file_stem<'a>(path: &'a Path, suffix: &str) -> Option<&'a str> {
    path.file_name()?.to_str()?.strip_suffix(suffix)
}

fn walk(folder: &Path, source: &mut Source) -> Result<(), SfdxError> {
    let in_objects = folder
        .parent()
        .and_then(Path::file_name)
        .is_some_and(|name| name == "objects");
    if in_objects && let Some(name) = folder.file_name().and_then(|name| name.to_str()) {
        return object_folder(folder, name, source);
    }
    for path in entries(folder)? {
        if path.is_dir() {
            if !is_skipped(&path) {
                walk(&path, source)?;
            }
        } else if file_stem(&path, ".globalValueSet-meta.xml").is_some() {
            source.global_value_sets.push(path);
        } else if ["cls", "trigger"]
            .iter()
            .any(|kind| path.extension().is_some_and(|known| known == *kind))
        {
            source.apex.push(path);
        } else if file_stem(&path, ".remoteSite-meta.xml").is_some() {
            source.remote_sites.push(path);
        } else if file_stem(&path, ".duplicateRule-meta.xml").is_some() {
            source.duplicate_rules.push(path);
        } else if file_stem(&path, ".matchingRule-meta.xml").is_some() {
            source.matching_rules.push(path);
        } else if file_stem(&path, ".permissionset-meta.xml").is_some() {
            source.permission_sets.push(path);
        } else if file_stem(&path, ".labels-meta.xml").is_some() {
            source.labels.push(path);
        } else if file_stem(&path, ".profile-meta.xml").is_some() {
            source.profiles.push(path);
        } else if file_stem(&path, ".cachePartition-meta.xml").is_some() {
            source.cache_partitions.push(path);
        } else if file_stem(&path, ".customPermission-meta.xml").is_some() {
            source.custom_permissions.push(path);
        } else if file_stem(&path, ".md-meta.xml").is_some() {
            source.custom_metadata.push(path);
        } else if file_stem(&path, ".queue-meta.xml").is_some() {
            source.queues.push(path);
        }
    }
    Ok(())
}

fn object_folder(folder: &Path, name: &str, source: &mut Source) -> Result<(), SfdxError> {
    let object = source
        .objects
        .entry(name.to_owned())
        .or_insert_with(|| ObjectSource {
            folder: folder.to_owned(),
            object_file: None,
            fields: Vec::new(),
            validation_rules: Vec::new(),
            record_types: Vec::new(),
            field_sets: Vec::new(),
        });
    for path in entries(folder)? {
        let Some(stem) = file_stem(&path, ".object-meta.xml") else {
            continue;
        };
        if stem != name {
            return Err(SfdxError::invalid(
                &path,
                format!("the file's name must equal its folder's, {name}"),
            ));
        }
        if let Some(first) = &object.object_file {
            return Err(SfdxError::invalid(
                &path,
                format!("{name} is already defined in {}", first.display()),
            ));
        }
        object.object_file = Some(path);
    }
    let rules = folder.join("validationRules");
    if rules.is_dir() {
        object.validation_rules.extend(
            entries(&rules)?
                .into_iter()
                .filter(|path| file_stem(path, ".validationRule-meta.xml").is_some()),
        );
    }
    let field_sets = folder.join("fieldSets");
    if field_sets.is_dir() {
        object.field_sets.extend(
            entries(&field_sets)?
                .into_iter()
                .filter(|path| file_stem(path, ".fieldSet-meta.xml").is_some()),
        );
    }
    let fields = folder.join("fields");
    if fields.is_dir() {
        object.fields.extend(
            entries(&fields)?
                .into_iter()
                .filter(|path| file_stem(path, ".field-meta.xml").is_some()),
        );
    }
    let record_types = folder.join("recordTypes");
    if record_types.is_dir() {
        object.record_types.extend(
            entries(&record_types)?
                .into_iter()
                .filter(|path| file_stem(path, ".recordType-meta.xml").is_some()),
        );
    }
    Ok(())
}

/// What a folder holds, in order of names.
pub(crate) fn entries(folder: &Path) -> Result<Vec<PathBuf>, SfdxError> {
    let unreadable = |source| SfdxError::Read {
        path: folder.to_owned(),
        source,
    };
    let mut paths = fs::read_dir(folder)
        .map_err(unreadable)?
        .map(|entry| entry.map(|entry| entry.path()))
        .collect::<Result<Vec<_>, _>>()
        .map_err(unreadable)?;
    paths.sort();
    Ok(paths)
}

/// Folders that hold tools, not source.
fn is_skipped(path: &Path) -> bool {
    path.file_name()
        .and_then(|name| name.to_str())
        .is_some_and(|name| name.starts_with('.') || name == "node_modules")
}
