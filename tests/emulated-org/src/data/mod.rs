//! The organisation's records: tables with indexes, and the one path by which they are written.

mod admission;
mod audit;
mod author;
mod auto_number;
mod before_save;
mod convert;
mod copy;
pub mod definitions;
mod delete;
mod derive;
mod draft;
mod duplicates;
mod files;
mod index;
mod locked;
mod merge;
mod operation;
mod outcome;
mod person;
mod phases;
mod plan;
mod record_type_picklists;
mod recycle;
mod references;
mod row;
mod rules;
mod table;
mod undo;
pub mod validate;
mod write;

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::{DateTime, Utc};

pub use author::{Author, Authority};
pub use draft::{Draft, ParentKey};
pub use duplicates::{DuplicateAction, DuplicateOptions, DuplicateRule, MatchedField, MatchingRule};
pub(crate) use locked::locked_by;
pub use operation::{Conversion, Operation};
pub use outcome::{Outcome, Refusal, SaveError, Saved};
pub(crate) use phases::Prepared;
pub use row::Row;
pub use table::Table;
pub(crate) use undo::UndoLog;
pub use write::Transaction;

use crate::clock::Clock;
use crate::id::RecordId;
use crate::schema::{Object, Schema};
use crate::switches::Switches;
use crate::value::Value;
use recycle::SweptAlong;

/// All tables of an organisation.
#[derive(Debug)]
pub struct Data {
    tables: BTreeMap<String, Table>,
    /// Names of tables by the prefix of their ids.
    prefixes: BTreeMap<String, String>,
    clock: Clock,
    switches: Switches,
    storage_is_full: bool,
    pod: u16,
    deletions_known_since: DateTime<Utc>,
    /// What went into the recycle bin with a record, by that record.
    swept_along: BTreeMap<RecordId, Vec<SweptAlong>>,
}

impl Data {
    /// Empty tables for all objects; `pod` tells this organisation's ids from those of others.
    #[must_use]
    pub fn new(schema: &Schema, pod: u16) -> Self {
        let mut data = Self {
            tables: BTreeMap::new(),
            prefixes: BTreeMap::new(),
            clock: Clock::system(),
            switches: Switches::default(),
            storage_is_full: false,
            pod,
            deletions_known_since: DateTime::UNIX_EPOCH,
            swept_along: BTreeMap::new(),
        };
        data.adopt(schema);
        data
    }

    /// The table of an object by its API name, in any case.
    #[must_use]
    pub fn table(&self, object: &str) -> Option<&Table> {
        self.tables.get(&object.to_ascii_lowercase())
    }

    /// The table whose ids begin with this prefix.
    #[must_use]
    pub fn table_by_prefix(&self, prefix: &str) -> Option<&Table> {
        self.tables.get(self.prefixes.get(prefix)?)
    }

    /// The moment that formula fields are calculated for.
    #[must_use]
    pub fn now(&self) -> DateTime<Utc> {
        self.clock.now()
    }

    /// Lets formula fields go by a clock.
    pub(crate) fn go_by(&mut self, clock: &Clock) {
        self.clock = clock.clone();
    }

    /// Lets writes go by switches.
    pub(crate) fn set_switches(&mut self, switches: Switches) {
        self.switches = switches;
    }

    /// What tells this organisation's ids from those of others.
    pub(crate) fn pod(&self) -> u16 {
        self.pod
    }

    /// Whether no record has room any more.
    pub(crate) fn set_storage_full(&mut self, is_full: bool) {
        self.storage_is_full = is_full;
    }

    /// All tables.
    pub fn tables(&self) -> impl Iterator<Item = &Table> {
        self.tables.values()
    }

    /// The row with this id in whatever table it lies, deleted ones included.
    #[must_use]
    pub fn find(&self, schema: &Schema, id: RecordId) -> Option<&Row> {
        self.table(&schema.object_by_prefix(id.prefix())?.name)?.get(&id)
    }

    /// Takes over changed metadata: new objects get tables, new fields their indexes.
    pub fn adopt(&mut self, schema: &Schema) {
        self.adopt_some(schema, |_| true);
        self.define(schema);
    }

    /// Takes over changed custom metadata types alone, for records that come with them.
    pub(crate) fn adopt_custom_metadata(&mut self, schema: &Schema) {
        self.adopt_some(schema, Object::is_custom_metadata);
    }

    fn adopt_some(&mut self, schema: &Schema, wanted: impl Fn(&Object) -> bool) {
        for object in schema.objects().filter(|object| wanted(object)) {
            self.prefixes
                .entry(object.key_prefix.clone())
                .or_insert_with(|| object.name.to_ascii_lowercase());
            match self.tables.get_mut(&object.name.to_ascii_lowercase()) {
                Some(table) => table.adopt(Arc::clone(object), schema),
                None => {
                    let table = Table::new(Arc::clone(object), schema, FIRST_SERIAL);
                    self.tables.insert(object.name.to_ascii_lowercase(), table);
                }
            }
        }
    }

    /// Forgets what records of an object hold in the field at a position; the changed metadata must be taken over next.
    pub(crate) fn drop_column(&mut self, object: &str, field: usize) {
        if let Some(table) = self.table_mut(object) {
            table.drop_column(field);
        }
    }

    /// Forgets an object's records and their table.
    pub(crate) fn drop_table(&mut self, object: &str) {
        self.tables.remove(&object.to_ascii_lowercase());
    }

    /// The serial number that the next record of an object gets.
    pub(crate) fn next_serial_of(&self, object: &str) -> u64 {
        self.table(object).map_or(FIRST_SERIAL, Table::peek_serial)
    }

    /// From when on deletions are still on record.
    #[must_use]
    pub fn deletions_known_since(&self) -> DateTime<Utc> {
        self.deletions_known_since
    }

    /// Deletes for good what lies in the recycle bin; how many records that were.
    pub(crate) fn purge(&mut self, now: DateTime<Utc>) -> usize {
        self.deletions_known_since = now;
        self.swept_along.clear();
        self.tables.values_mut().map(|table| table.purge(|_| true)).sum()
    }

    /// Deletes for good what went into the recycle bin until then.
    pub(crate) fn purge_until(&mut self, until: DateTime<Utc>) {
        let purged: usize = self
            .tables
            .values_mut()
            .map(|table| table.purge_until(until))
            .sum();
        if purged > 0 {
            let (tables, prefixes) = (&self.tables, &self.prefixes);
            self.swept_along.retain(|root, _| {
                let table = prefixes.get(root.prefix()).and_then(|name| tables.get(name));
                table.is_some_and(|table| table.get(root).is_some())
            });
        }
    }

    /// Forgets the rows of Apex jobs that ended until then.
    pub(crate) fn forget_jobs_until(&mut self, until: DateTime<Utc>) {
        let Some(table) = self.table_mut("AsyncApexJob") else {
            return;
        };
        let Some((completed, _)) = table.object.field("CompletedDate") else {
            return;
        };
        let ended: Vec<RecordId> = table
            .rows()
            .filter(|row| matches!(row.get(completed), Value::DateTime(at) if *at < until))
            .map(Row::id)
            .collect();
        for id in ended {
            table.remove(id);
        }
    }

    fn table_mut(&mut self, object: &str) -> Option<&mut Table> {
        self.tables.get_mut(&object.to_ascii_lowercase())
    }
}

/// Real serial numbers do not begin at zero; short ones would look unlike ids.
const FIRST_SERIAL: u64 = 62 * 62 * 62 * 62 * 17;
