//! The pages' metadata in SFDX source folders.
//!
//! Source: Salesforce DX Developer Guide, Salesforce DX Source Format; Metadata API Developer Guide, the file suffix of
//! each type.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use percent_encoding::percent_decode_str;

use super::book::Piece;
use crate::metadata::xml::Element;
use crate::schema::sfdx::SfdxError;
use crate::schema::sfdx::source::entries;

/// The types that pages read: type, suffix of its file, whether its markup lies beside.
const KINDS: [(&str, &str, bool); 12] = [
    ("CustomApplication", ".app-meta.xml", false),
    ("CustomTab", ".tab-meta.xml", false),
    ("FlexiPage", ".flexipage-meta.xml", false),
    ("Layout", ".layout-meta.xml", false),
    ("ListView", ".listView-meta.xml", false),
    ("CspTrustedSite", ".cspTrustedSite-meta.xml", false),
    ("RemoteSiteSetting", ".remoteSite-meta.xml", false),
    ("Translations", ".translation-meta.xml", false),
    ("CustomObjectTranslation", ".objectTranslation-meta.xml", false),
    ("CustomFieldTranslation", ".fieldTranslation-meta.xml", false),
    ("ApexPage", ".page-meta.xml", true),
    ("ApexComponent", ".component-meta.xml", true),
];

/// Reads all of them.
pub(super) fn read(folders: &[PathBuf]) -> Result<Vec<Piece>, SfdxError> {
    let mut pieces = Vec::new();
    for folder in folders {
        walk(folder, &mut pieces)?;
    }
    Ok(pieces)
}

fn walk(folder: &Path, pieces: &mut Vec<Piece>) -> Result<(), SfdxError> {
    for path in entries(folder)? {
        let Some(name) = path.file_name().and_then(|name| name.to_str()) else {
            continue;
        };
        if path.is_dir() {
            if !name.starts_with('.') && name != "node_modules" {
                walk(&path, pieces)?;
            }
            continue;
        }
        let kind = KINDS
            .iter()
            .find_map(|(kind, suffix, with_markup)| Some((*kind, name.strip_suffix(suffix)?, *with_markup)));
        if let Some((kind, stem, with_markup)) = kind {
            pieces.push(one(&path, kind, stem, with_markup)?);
        }
    }
    Ok(())
}

fn one(path: &Path, kind: &'static str, stem: &str, with_markup: bool) -> Result<Piece, SfdxError> {
    let read = |path: &Path| {
        fs::read_to_string(path).map_err(|source| SfdxError::Read {
            path: path.to_owned(),
            source,
        })
    };
    let text = read(path)?;
    let refuse = |reason: String| SfdxError::Invalid {
        path: path.to_owned(),
        reason,
    };
    let definition = Element::read(&text)
        .map_err(|malformed| refuse(format!("line {}: {}", malformed.line, malformed.reason)))?;
    if definition.name != kind {
        return Err(refuse(format!(
            "the root element is {}; it must be {kind}",
            definition.name
        )));
    }
    let stem = percent_decode_str(stem).decode_utf8_lossy().into_owned();
    let name = match kind {
        "ListView" => {
            let object = path.parent().and_then(Path::parent).and_then(Path::file_name);
            let object = object.and_then(|name| name.to_str()).unwrap_or_default();
            format!("{object}.{stem}")
        }
        "CustomFieldTranslation" => {
            let of = path.parent().and_then(Path::file_name);
            let of = of.and_then(|name| name.to_str()).unwrap_or_default();
            format!("{of}.{stem}")
        }
        _ => stem,
    };
    let source = match path.to_str().and_then(|path| path.strip_suffix("-meta.xml")) {
        Some(beside) if with_markup => Some(Arc::from(read(Path::new(beside))?)),
        _ => None,
    };
    Ok(Piece {
        kind,
        name,
        definition,
        source,
    })
}
