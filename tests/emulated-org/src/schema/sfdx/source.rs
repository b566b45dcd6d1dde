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
    let fields = folder.join("fields");
    if fields.is_dir() {
        object.fields.extend(
            entries(&fields)?
                .into_iter()
                .filter(|path| file_stem(path, ".field-meta.xml").is_some()),
        );
    }
    Ok(())
}

fn entries(folder: &Path) -> Result<Vec<PathBuf>, SfdxError> {
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
