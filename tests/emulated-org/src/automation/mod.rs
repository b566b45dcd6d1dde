//! What an organisation's own people have set up to happen when records are saved: field updates before the
//! save, field updates some time after it in another user's name, validation rules, and triggers that throw.
//!
//! Source: Apex Developer Guide, Triggers and Order of Execution: before-save flows run on the record's way into
//! the database and in the saving user's name, validation rules see what the flows left, and asynchronous paths
//! run in a transaction of their own. Conditions are written as the `WHERE` clause of a query instead of a
//! formula, because that is the language this organisation can read.

mod phone;
mod rules;

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

pub use rules::{
    FieldUpdate, LaterUpdate, Rule, RuleDefinition, RuleError, Rules, Then, UpdateDefinition, ValidationRule,
};

/// The rules of an organisation, and how often they had something to do.
#[derive(Debug, Default)]
pub struct Automation {
    rules: RwLock<Arc<Rules>>,
    tally: Arc<Tally>,
}

/// How often rules had something to do.
#[derive(Debug, Default)]
pub struct Tally {
    before_save: AtomicU64,
    after_save: AtomicU64,
    refused: AtomicU64,
}

impl Automation {
    /// Adds a rule. It holds for saves from now on.
    pub fn add(&self, object: &str, rule: Rule) {
        let mut rules = self.rules.write().unwrap_or_else(PoisonError::into_inner);
        let mut changed = Rules::clone(&rules);
        changed.add(object, rule);
        *rules = Arc::new(changed);
    }

    /// Removes all rules. Updates that are due later still come.
    pub fn clear(&self) {
        *self.rules.write().unwrap_or_else(PoisonError::into_inner) = Arc::default();
    }

    /// The rules as they are now.
    #[must_use]
    pub fn rules(&self) -> Arc<Rules> {
        Arc::clone(&self.rules.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// How often rules had something to do.
    #[must_use]
    pub fn tally(&self) -> Arc<Tally> {
        Arc::clone(&self.tally)
    }
}

impl Tally {
    /// How many saves a before-save rule changed.
    #[must_use]
    pub fn before_save(&self) -> u64 {
        self.before_save.load(Ordering::Relaxed)
    }

    /// How many after-save updates have been done.
    #[must_use]
    pub fn after_save(&self) -> u64 {
        self.after_save.load(Ordering::Relaxed)
    }

    /// How many saves a validation rule refused.
    #[must_use]
    pub fn refused(&self) -> u64 {
        self.refused.load(Ordering::Relaxed)
    }

    pub(crate) fn count_before_save(&self) {
        self.before_save.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn count_after_save(&self) {
        self.after_save.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn count_refused(&self) {
        self.refused.fetch_add(1, Ordering::Relaxed);
    }
}
