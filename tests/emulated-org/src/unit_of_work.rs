//! Several requests' writes that are kept together or taken back together.
//!
//! Their rows stay locked until the end, so nobody else writes them meanwhile. Reads by others are not held up:
//! between two of the writes they can see what is taken back later, which a real organisation shows to nobody.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::apex::AfterCommit;
use crate::data::{Author, Operation, Outcome, SaveError, Saved, UndoLog};
use crate::org::Org;
use crate::row_locks::Claim;
use crate::writes::UnluckyRows;

/// Writes that belong together. What is not committed is taken back at the end, whatever ends it.
pub(crate) struct UnitOfWork {
    org: Arc<Org>,
    state: Mutex<State>,
}

struct State {
    claim: Claim,
    undo: Vec<UndoLog>,
    saved: Vec<(Author, Saved)>,
    has_refusal: bool,
    /// What the transactions left to be done once all of them stay.
    after: Vec<AfterCommit>,
}

impl UnitOfWork {
    /// Begins.
    pub(crate) fn begin(org: Arc<Org>) -> Self {
        let state = State {
            claim: org.row_locks.claim(),
            undo: Vec::new(),
            saved: Vec::new(),
            has_refusal: false,
            after: Vec::new(),
        };
        Self {
            org,
            state: Mutex::new(state),
        }
    }

    pub(crate) fn save(
        &self,
        author: Author,
        operations: Vec<Result<Operation, SaveError>>,
        all_or_none: bool,
        unlucky: Option<UnluckyRows>,
    ) -> Vec<Outcome> {
        let mut state = self.lock();
        let written = self
            .org
            .write_locked(author, operations, all_or_none, unlucky, &mut state.claim);
        let outcomes = written.outcomes;
        state.undo.push(written.undo);
        state.after.push(written.after);
        state.has_refusal |= outcomes.iter().any(Result::is_err);
        let saved = outcomes.iter().flatten().map(|saved| (author, *saved));
        state.saved.extend(saved);
        outcomes
    }

    /// Whether a record was refused.
    pub(crate) fn has_refusal(&self) -> bool {
        self.lock().has_refusal
    }

    /// Keeps everything: what the organisation does after a save begins now.
    pub(crate) async fn commit(&self) {
        let (saved, after) = {
            let mut state = self.lock();
            state.undo.clear();
            (std::mem::take(&mut state.saved), std::mem::take(&mut state.after))
        };
        for (author, saved) in saved {
            self.org.saved(author, std::iter::once(&saved));
        }
        for after in after {
            self.org.after_commit(after);
        }
        let hold = self.org.row_locks.holding_time();
        if !hold.is_zero() {
            tokio::time::sleep(hold).await;
        }
        self.lock().claim = self.org.row_locks.claim();
    }

    /// Takes everything back.
    pub(crate) fn roll_back(&self) {
        let mut state = self.lock();
        let written = std::mem::take(&mut state.undo);
        if !written.is_empty() {
            let mut data = self.org.write();
            for undo in written.into_iter().rev() {
                data.take_back(undo);
            }
        }
        state.saved.clear();
        state.after.clear();
        state.claim = self.org.row_locks.claim();
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for UnitOfWork {
    fn drop(&mut self) {
        self.roll_back();
    }
}

impl std::fmt::Debug for UnitOfWork {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("UnitOfWork").finish_non_exhaustive()
    }
}
