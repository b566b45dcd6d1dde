//! Row locks: what two writers at once, or bad luck, do to each other's rows.
//!
//! Source: Record Locking Cheat Sheet (Salesforce Developers). A writer that waits more than ten seconds for a
//! row gets `UNABLE_TO_LOCK_ROW`; this organisation refuses at once, so that tests need not wait.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::data::SaveError;
use crate::dice::Dice;
use crate::id::RecordId;

/// The locks of an organisation.
#[derive(Debug, Default)]
pub struct RowLocks {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    held: HashMap<RecordId, u32>,
    hold: Duration,
    refusals: Option<Refusals>,
    refused: u64,
    leaves_records_unnamed: bool,
}

/// Rows refused at random.
#[derive(Clone, Copy, Debug)]
struct Refusals {
    percent: u8,
    seed: u64,
    rolled: u64,
}

/// The locks that one transaction has; they end with it.
#[derive(Debug)]
pub(crate) struct Claim {
    locks: Arc<RowLocks>,
    ids: BTreeSet<RecordId>,
}

impl RowLocks {
    /// How long API requests keep the rows they wrote, and those rows' parents, locked after the write.
    pub fn hold_for(&self, hold: Duration) {
        self.lock().hold = hold;
    }

    /// Refuses about this share of all rows from now on, the same ones for the same seed and order of writes;
    /// 0 ends it, 100 refuses all.
    pub fn refuse(&self, percent: u8, seed: u64) {
        self.lock().refusals = (percent > 0).then_some(Refusals {
            percent,
            seed,
            rolled: 0,
        });
    }

    /// The share of rows that are refused and its seed, and how long locks are kept.
    #[must_use]
    pub fn active(&self) -> (Option<(u8, u64)>, Duration) {
        let state = self.lock();
        let refusals = state.refusals.map(|refusals| (refusals.percent, refusals.seed));
        (refusals, state.hold)
    }

    /// Whether refusals name a record that is locked.
    pub(crate) fn name_records(&self, named: bool) {
        self.lock().leaves_records_unnamed = !named;
    }

    /// How many rows were refused because a row was locked.
    #[must_use]
    pub fn refused(&self) -> u64 {
        self.lock().refused
    }

    /// Ends all refusals; locks that are held stay so until their holders are done.
    pub fn clear(&self) {
        let mut state = self.lock();
        state.hold = Duration::ZERO;
        state.refusals = None;
        state.refused = 0;
    }

    pub(crate) fn holding_time(&self) -> Duration {
        self.lock().hold
    }

    pub(crate) fn claim(self: &Arc<Self>) -> Claim {
        Claim {
            locks: Arc::clone(self),
            ids: BTreeSet::new(),
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Claim {
    /// Whether this transaction has all of them already.
    pub(crate) fn holds(&self, ids: &BTreeSet<RecordId>) -> bool {
        ids.is_subset(&self.ids)
    }

    /// Locks some rows, all or none. `unlucky` refuses them whoever holds them.
    ///
    /// # Errors
    /// Another transaction holds one of them, or chance decided against it.
    pub(crate) fn take(&mut self, ids: BTreeSet<RecordId>, unlucky: bool) -> Result<(), SaveError> {
        let mut state = self.locks.lock();
        let held = state.holder_other_than(&self.ids, &ids);
        if held.is_some() || unlucky || state.roll() {
            state.refused += 1;
            let named = held.or_else(|| ids.first().copied());
            return Err(unable_to_lock(named.filter(|_| !state.leaves_records_unnamed)));
        }
        for id in ids {
            if self.ids.insert(id) {
                *state.held.entry(id).or_default() += 1;
            }
        }
        Ok(())
    }

    /// Whether rows could be locked now, chance and counts left out.
    pub(crate) fn are_free(&self, ids: &BTreeSet<RecordId>) -> bool {
        self.locks.lock().holder_other_than(&self.ids, ids).is_none()
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        let mut state = self.locks.lock();
        for id in &self.ids {
            if let Some(holders) = state.held.get_mut(id) {
                *holders -= 1;
                if *holders == 0 {
                    state.held.remove(id);
                }
            }
        }
    }
}

impl State {
    fn holder_other_than(&self, own: &BTreeSet<RecordId>, ids: &BTreeSet<RecordId>) -> Option<RecordId> {
        ids.iter()
            .find(|id| self.held.contains_key(id) && !own.contains(id))
            .copied()
    }

    fn roll(&mut self) -> bool {
        let Some(refusals) = &mut self.refusals else {
            return false;
        };
        refusals.rolled += 1;
        Dice::new(refusals.seed, ROW_LOCKS, refusals.rolled).chance(refusals.percent.into())
    }
}

/// The stream of dice that row locks roll.
const ROW_LOCKS: u64 = 1;

/// A new record without parents can be refused too, for locks that have nothing to do with it.
fn unable_to_lock(id: Option<RecordId>) -> SaveError {
    let message = "unable to obtain exclusive access to this record";
    let message = id.map_or_else(
        || message.to_owned(),
        |id| format!("{message} or 1 records: {}", id.as_str15()),
    );
    SaveError::new("UNABLE_TO_LOCK_ROW", message)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ids(serials: &[u64]) -> BTreeSet<RecordId> {
        let id = |serial: &u64| RecordId::from_serial("001", 0, *serial).expect("an id");
        serials.iter().map(id).collect()
    }

    #[test]
    fn a_row_has_one_holder_at_a_time() {
        let locks = Arc::new(RowLocks::default());
        let (mut first, mut second) = (locks.claim(), locks.claim());
        first.take(ids(&[1, 2]), false).expect("free");
        first.take(ids(&[2, 3]), false).expect("its own");
        let refused = second.take(ids(&[3, 4]), false).expect_err("held");
        assert_eq!(refused.code, "UNABLE_TO_LOCK_ROW");
        second
            .take(ids(&[4]), false)
            .expect("not taken by the refused call");
        drop(first);
        second.take(ids(&[1, 2, 3]), false).expect("free again");
        assert_eq!(locks.refused(), 1);
    }

    #[test]
    fn chance_refuses_the_same_rows_for_the_same_seed() {
        let rolls = |seed| {
            let locks = Arc::new(RowLocks::default());
            locks.refuse(30, seed);
            let mut claim = locks.claim();
            (0..200)
                .map(|serial| claim.take(ids(&[serial]), false).is_err())
                .collect::<Vec<_>>()
        };
        let (first, again, other) = (rolls(1), rolls(1), rolls(2));
        assert_eq!(first, again);
        assert_ne!(first, other);
        let refused = first.iter().filter(|refused| **refused).count();
        assert!((30..=90).contains(&refused), "{refused} of 200");
    }
}
