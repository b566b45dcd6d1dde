//! The metadata of the pages: what source folders and deployments brought, and what Setup changed.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};

use super::source;
use crate::metadata::xml::Element;
use crate::org::Org;
use crate::schema::sfdx::SfdxError;

/// A component of the metadata as pages read it.
#[derive(Clone, Debug)]
pub(crate) struct Piece {
    pub(crate) kind: &'static str,
    /// Its full name, such as `Contact-Causeway Contact Layout`, or `Contact.Linked` of a list view.
    pub(crate) name: String,
    pub(crate) definition: Element,
    /// The markup of pages and components of Visualforce.
    pub(crate) source: Option<Arc<str>>,
}

/// What the organisation keeps of its pages besides deployments.
#[derive(Debug, Default)]
pub(crate) struct LightningBook {
    bundle: Option<PathBuf>,
    pieces: RwLock<BTreeMap<(&'static str, String), Arc<Piece>>>,
    /// Which record page is activated for an object, by its lower-case name.
    record_pages: RwLock<BTreeMap<String, String>>,
}

impl LightningBook {
    pub(crate) fn new(bundle: Option<PathBuf>) -> Self {
        Self {
            bundle,
            ..Self::default()
        }
    }

    /// The folder of the built shell.
    pub(super) fn bundle(&self) -> Option<&Path> {
        self.bundle.as_deref()
    }

    /// The record page that is activated for an object.
    pub(super) fn record_page(&self, object: &str) -> Option<String> {
        let pages = self.record_pages.read().unwrap_or_else(PoisonError::into_inner);
        pages.get(&object.to_ascii_lowercase()).cloned()
    }

    /// Activates a record page for an object, or Salesforce's own.
    pub(super) fn activate(&self, object: &str, page: Option<String>) {
        let mut pages = self.record_pages.write().unwrap_or_else(PoisonError::into_inner);
        let object = object.to_ascii_lowercase();
        match page {
            Some(page) => pages.insert(object, page),
            None => pages.remove(&object),
        };
    }

    fn put(&self, piece: Piece) {
        let key = (piece.kind, piece.name.to_ascii_lowercase());
        let mut pieces = self.pieces.write().unwrap_or_else(PoisonError::into_inner);
        pieces.insert(key, Arc::new(piece));
    }
}

impl Org {
    /// Loads the pages' metadata of source folders.
    pub(crate) fn load_pages(&self, folders: &[PathBuf]) -> Result<(), SfdxError> {
        for piece in source::read(folders)? {
            self.lightning.put(piece);
        }
        Ok(())
    }

    /// All components of a type, by name; what was deployed hides what was loaded.
    pub(super) fn pieces(&self, kind: &'static str) -> Vec<Arc<Piece>> {
        let mut found: BTreeMap<String, Arc<Piece>> = {
            let pieces = self
                .lightning
                .pieces
                .read()
                .unwrap_or_else(PoisonError::into_inner);
            let of_kind = pieces.iter().filter(|((known, _), _)| *known == kind);
            of_kind
                .map(|((_, name), piece)| (name.clone(), Arc::clone(piece)))
                .collect()
        };
        for stored in self.metadata.components().of(kind) {
            let component = &stored.component;
            let piece = Piece {
                kind,
                name: component.name.clone(),
                definition: component.definition.clone().unwrap_or_default(),
                source: component.source().map(Arc::from),
            };
            found.insert(component.name.to_ascii_lowercase(), Arc::new(piece));
        }
        found.into_values().collect()
    }

    /// A component by its type and its name in any case.
    pub(super) fn piece(&self, kind: &'static str, name: &str) -> Option<Arc<Piece>> {
        let all = self.pieces(kind);
        all.into_iter()
            .find(|piece| piece.name.eq_ignore_ascii_case(name))
    }

    /// Makes a component in Setup, or changes it.
    pub(super) fn put_piece(&self, kind: &'static str, name: &str, definition: Element) {
        self.metadata.forget(kind, name);
        self.lightning.put(Piece {
            kind,
            name: name.to_owned(),
            definition,
            source: None,
        });
    }

    /// Deletes a component in Setup; whether there was one.
    pub(super) fn delete_piece(&self, kind: &'static str, name: &str) -> bool {
        let was_there = self.piece(kind, name).is_some();
        self.metadata.forget(kind, name);
        let mut pieces = self
            .lightning
            .pieces
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        pieces.remove(&(kind, name.to_ascii_lowercase()));
        was_there
    }
}
