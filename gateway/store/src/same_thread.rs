//! A store without threads, queues or groups: each unit runs at once, on the caller's thread.
//!
//! For simulations, which must control when everything happens and compare this store with one of their own.

use std::path::PathBuf;
use std::sync::Arc;

use causeway_core::ports::{StoreError, Transaction};

use crate::engine::{EngineConnection, Role};
use crate::error::{OpenError, Trouble};
use crate::migrate::bring_up_to_date;
use crate::session::{Session, SharedState};
use crate::target::Target;

/// A SQLite database worked on by the caller's thread.
pub struct SameThread {
    session: Session,
}

impl SameThread {
    /// Opens the file at `path`, made if missing, and brings its tables up to date. `:memory:` keeps all in memory
    /// until the value is dropped.
    ///
    /// # Errors
    /// [`OpenError`] when the file cannot be opened or a migration fails.
    pub fn open_sqlite(path: &str) -> Result<SameThread, OpenError> {
        let target = Target::Sqlite(PathBuf::from(path));
        let mut connection =
            EngineConnection::open(&target, Role::Writer).map_err(|error| OpenError::Connect {
                detail: error.to_string(),
            })?;
        // On the same connection: another one would see another memory.
        bring_up_to_date(&mut connection)?;
        Ok(SameThread {
            session: Session::on(connection, Role::Writer, Arc::new(SharedState::default())),
        })
    }

    /// Runs a unit in a transaction of its own: once, and committed or rolled back when this returns.
    ///
    /// # Errors
    /// What the unit answered, what a port of it met even if the unit went on, or why the commit failed. Nothing is
    /// written then.
    pub fn unit(
        &mut self,
        unit: &mut dyn FnMut(&mut dyn Transaction) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        let plain = |(error, _): (StoreError, Trouble)| error;
        self.session.begin().map_err(plain)?;
        let result = unit(&mut self.session);
        let result = match self.session.take_failure() {
            Some((error, _)) => Err(error),
            None => result,
        };
        let ended = match &result {
            Ok(()) => self.session.control("COMMIT"),
            Err(_) => self.session.control("ROLLBACK"),
        };
        result.and(ended.map_err(plain))
    }
}

impl std::fmt::Debug for SameThread {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("SameThread").finish_non_exhaustive()
    }
}
