//! Mutants that behave as the original does, so that no test can notice them. Each is named with its reason.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use apex_runtime::mutation::Mutant;
use figment::Figment;
use figment::providers::{Format as _, Toml};
use serde::Deserialize;

use crate::{Failing, read};

/// Reasons by the name of the mutant.
#[derive(Debug, Default)]
pub(crate) struct Equivalents(BTreeMap<String, String>);

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Book {
    #[serde(default)]
    equivalent: Vec<Entry>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    mutant: String,
    reason: String,
}

impl Equivalents {
    /// From a TOML file.
    pub(crate) fn read(path: &Path) -> Failing<Self> {
        let book: Book = Figment::from(Toml::string(&read(path)?))
            .extract()
            .map_err(|error| format!("{}: {error}", path.display()))?;
        let mut reasons = BTreeMap::new();
        for entry in book.equivalent {
            if entry.reason.trim().is_empty() {
                return Err(format!("{}: no reason for {}", path.display(), entry.mutant).into());
            }
            if reasons.insert(entry.mutant.clone(), entry.reason).is_some() {
                return Err(format!("{}: twice: {}", path.display(), entry.mutant).into());
            }
        }
        Ok(Self(reasons))
    }

    /// Whether every mutant that is named exists.
    pub(crate) fn check(&self, all: &[Mutant]) -> Failing<()> {
        let known: BTreeSet<&str> = all.iter().map(|mutant| mutant.name.as_str()).collect();
        match self.0.keys().find(|name| !known.contains(name.as_str())) {
            Some(name) => Err(format!("an equivalent mutant that does not exist: {name}").into()),
            None => Ok(()),
        }
    }

    /// Why nobody can notice this mutant.
    pub(crate) fn reason(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }
}
