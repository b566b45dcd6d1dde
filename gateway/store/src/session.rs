//! One connection with what it knows of the transaction in progress. Implements every port (see `ports`).

use std::collections::BTreeSet;
use std::sync::Arc;

use causeway_core::id::ConnectionId;
use causeway_core::ports::{StoreError, Transaction};
use diesel::prelude::*;

use crate::engine::{EngineConnection, Role, on_engine};
use crate::error::{self, Trouble, unexpected};
use crate::growth::Growth;
use crate::plans::PlanCache;
use crate::room::Room;
use crate::schema::counter;
use crate::target::Target;

/// What the sessions of a store share.
#[derive(Default)]
pub(crate) struct SharedState {
    pub(crate) plans: PlanCache,
    pub(crate) growth: Growth,
    pub(crate) room: Room,
}

/// A connection and the state of its transaction.
pub(crate) struct Session {
    pub(crate) connection: EngineConnection,
    pub(crate) role: Role,
    pub(crate) shared: Arc<SharedState>,
    /// Whether this transaction wrote plans. What it reads must then not be cached: it may still be rolled back.
    pub(crate) plans_written: bool,
    failure: Option<(StoreError, Trouble)>,
    /// Connections whose counters the unit took.
    taken: BTreeSet<ConnectionId>,
}

impl Transaction for Session {}

impl Session {
    pub(crate) fn open(target: &Target, role: Role, shared: Arc<SharedState>) -> Result<Session, StoreError> {
        Ok(Session::on(EngineConnection::open(target, role)?, role, shared))
    }

    /// A session on a connection that is open.
    pub(crate) fn on(connection: EngineConnection, role: Role, shared: Arc<SharedState>) -> Session {
        Session {
            connection,
            role,
            shared,
            plans_written: false,
            failure: None,
            taken: BTreeSet::new(),
        }
    }

    /// Begins a transaction.
    pub(crate) fn begin(&mut self) -> Result<(), (StoreError, Trouble)> {
        self.plans_written = false;
        self.failure = None;
        self.taken.clear();
        self.connection
            .begin(self.role)
            .map_err(|error| error::read(&error))
    }

    /// Shields what was done so far from the next unit. `first` in this transaction?
    pub(crate) fn savepoint(&mut self, first: bool) -> Result<(), (StoreError, Trouble)> {
        self.failure = None;
        self.taken.clear();
        self.connection
            .savepoint(first)
            .map_err(|error| error::read(&error))
    }

    /// Runs a statement of the transaction's own machinery.
    pub(crate) fn control(&mut self, sql: &str) -> Result<(), (StoreError, Trouble)> {
        self.connection.run(sql).map_err(|error| error::read(&error))
    }

    /// Ends a transaction that ran out of room. SQLite ends most of them by itself then (C interface, "Result Codes",
    /// `SQLITE_FULL`), which leaves nothing to roll back.
    pub(crate) fn abandon(&mut self) -> Result<(), (StoreError, Trouble)> {
        match self.connection.run("ROLLBACK") {
            Err(error) if error.to_string().contains("no transaction is active") => Ok(()),
            ended => ended.map_err(|error| error::read(&error)),
        }
    }

    /// Has PostgreSQL look at what grew, if that is due.
    pub(crate) fn refresh_statistics(&mut self) -> Result<(), (StoreError, Trouble)> {
        match self.connection {
            EngineConnection::Postgres(_) if self.shared.growth.take_due() => {
                self.control("ANALYZE link, record, field_history, inbox, head, identity, outbox, seen")
            }
            _ => Ok(()),
        }
    }

    /// What first went wrong in the unit that just ran, forgetting it.
    ///
    /// The unit may have taken an error for an answer and gone on. Its transaction is broken all the same on
    /// PostgreSQL, and half a port's work may be written on either engine; so it fails.
    pub(crate) fn take_failure(&mut self) -> Option<(StoreError, Trouble)> {
        self.failure.take()
    }

    /// Takes the locks of connections before a unit begins.
    pub(crate) fn lock(&mut self, connections: &BTreeSet<ConnectionId>) -> Result<(), StoreError> {
        connections
            .iter()
            .try_for_each(|connection| self.take_numbers(*connection, 0).map(drop))
    }

    /// The connections whose locks the unit that just ran has taken.
    pub(crate) fn locks_taken(&mut self) -> BTreeSet<ConnectionId> {
        std::mem::take(&mut self.taken)
    }

    /// Runs the work of one port and remembers its failure. A unit that goes on after a failure gets the same one
    /// again: SQLite may have ended the transaction by then, and what came after would be kept by itself.
    pub(crate) fn port<T>(
        &mut self,
        work: impl FnOnce(&mut Session) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        if let Some((error, _)) = &self.failure {
            return Err(error.clone());
        }
        let result = work(self);
        if let (Err(error), None) = (&result, &self.failure) {
            self.failure = Some((error.clone(), Trouble::Plain));
        }
        result
    }

    /// A statement's result in the ports' words.
    pub(crate) fn checked<T>(&mut self, result: QueryResult<T>) -> Result<T, StoreError> {
        result.map_err(|error| {
            let (error, trouble) = error::read(&error);
            self.failure.get_or_insert_with(|| (error.clone(), trouble));
            error
        })
    }

    /// Takes `count` numbers of a connection and returns the first of them.
    ///
    /// From here to the commit this transaction alone numbers things in this connection. That is what makes feed
    /// positions become visible in order, and what serves as the connection's lock where one is needed; a count of
    /// 0 takes the lock alone.
    pub(crate) fn take_numbers(&mut self, connection: ConnectionId, count: usize) -> Result<i64, StoreError> {
        self.taken.insert(connection);
        let count =
            i64::try_from(count).map_err(|_overflow| unexpected("more numbers asked for than there are"))?;
        let next = on_engine!(self, |db| diesel::update(counter::table.find(connection.0))
            .set(counter::next.eq(counter::next + count))
            .returning(counter::next)
            .get_result::<i64>(db)
            .optional());
        match self.checked(next)? {
            Some(next) => Ok(next - count),
            None => Err(unexpected(format!("there is no connection {connection}"))),
        }
    }
}
