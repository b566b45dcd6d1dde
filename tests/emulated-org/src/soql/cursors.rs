//! Results that are read in pages, by locator.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use chrono::{DateTime, TimeDelta, Utc};

use super::evaluate::Scope;
use super::plan::Plan;
use crate::id::RecordId;

/// How long a locator can be used. Source: Salesforce REST API Developer Guide, Query More Results.
const LIFETIME: TimeDelta = TimeDelta::days(2);
/// How many results a user may have open; opening one more closes the oldest. Source: an older SOAP API
/// Developer Guide, `QueryLocator`; believed to hold still.
const OPEN_PER_USER: usize = 10;
const KEY_PREFIX: &str = "01g";
/// Real serial numbers do not begin at zero; short ones would look unlike ids.
const FIRST_SERIAL: u64 = 62 * 62 * 62 * 62 * 23;

/// The open cursors of an organisation.
#[derive(Debug, Default)]
pub struct Cursors {
    open: Mutex<Open>,
}

#[derive(Debug, Default)]
struct Open {
    by_id: HashMap<RecordId, Arc<Cursor>>,
    opened_so_far: u64,
}

/// One result. It knows which rows belong to it, not what they hold: a page shows rows as they are when it is
/// read, and rows deleted meanwhile are missing from it (believed; Salesforce only says that batch sizes are
/// not guaranteed).
#[derive(Debug)]
pub struct Cursor {
    /// The query.
    pub plan: Plan,
    /// The rows that it found, in its order.
    pub ids: Vec<RecordId>,
    /// Which rows it sees.
    pub scope: Scope,
    /// The API version of the first page, by its major number; later pages keep it.
    pub version: u16,
    user: RecordId,
    opened: DateTime<Utc>,
    number: u64,
    /// Whether the rows are the children of one record of another result.
    nested: bool,
}

impl Cursor {
    /// A result found by `user` at a moment.
    #[must_use]
    pub fn new(
        plan: Plan,
        ids: Vec<RecordId>,
        scope: Scope,
        version: u16,
        user: RecordId,
        opened: DateTime<Utc>,
    ) -> Self {
        Self {
            plan,
            ids,
            scope,
            version,
            user,
            opened,
            number: 0,
            nested: false,
        }
    }

    /// The result as one of the children of a record. Those do not count among the open results of a user, or
    /// the first page with many of them would close its own (believed).
    #[must_use]
    pub fn nested(mut self) -> Self {
        self.nested = true;
        self
    }
}

impl Cursors {
    /// Keeps a result; the id becomes the first part of its locators.
    ///
    /// `None` when the organisation has run out of cursor ids.
    pub fn open(&self, mut cursor: Cursor) -> Option<RecordId> {
        let mut open = self.lock();
        let (now, user) = (cursor.opened, cursor.user);
        open.by_id.retain(|_, other| now - other.opened < LIFETIME);
        let counts = |other: &Arc<Cursor>| other.user == user && !other.nested;
        while !cursor.nested && open.by_id.values().filter(|other| counts(other)).count() >= OPEN_PER_USER {
            let of_user = open.by_id.iter().filter(|(_, other)| counts(other));
            let oldest = of_user.min_by_key(|(_, other)| other.number).map(|(id, _)| *id)?;
            open.by_id.remove(&oldest);
        }
        open.opened_so_far += 1;
        cursor.number = open.opened_so_far;
        let id = RecordId::from_serial(KEY_PREFIX, 0, FIRST_SERIAL + cursor.number)?;
        open.by_id.insert(id, Arc::new(cursor));
        Some(id)
    }

    /// The result and position that a locator such as `01g…-2000` names, if `user` may still read there.
    #[must_use]
    pub fn find(
        &self,
        locator: &str,
        user: RecordId,
        now: DateTime<Utc>,
    ) -> Option<(RecordId, Arc<Cursor>, usize)> {
        let (id, position) = locator.split_once('-')?;
        let (id, position) = (RecordId::parse(id)?, position.parse().ok()?);
        let cursor = Arc::clone(self.lock().by_id.get(&id)?);
        let readable = cursor.user == user && now - cursor.opened < LIFETIME && position < cursor.ids.len();
        readable.then_some((id, cursor, position))
    }

    fn lock(&self) -> MutexGuard<'_, Open> {
        // Every change is made of whole steps, so a panic elsewhere leaves nothing half-done.
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
