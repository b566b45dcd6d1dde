//! The two engines as one type, and the few things they do differently.

use std::cell::Cell;
use std::path::Path;
use std::time::Duration;

use causeway_core::ports::StoreError;
use diesel::connection::SimpleConnection;
use diesel::{Connection, QueryResult, RunQueryDsl, SqliteConnection};
use diesel_async::AsyncPgConnection;
use diesel_async::async_connection_wrapper::{AsyncConnectionWrapper, BlockOn};

use crate::error::{self, unavailable};
use crate::target::Target;
use crate::time_limit;

/// A database engine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Engine {
    /// SQLite, in the gateway's own process.
    Sqlite,
    /// PostgreSQL.
    Postgres,
}

/// PostgreSQL spoken over the network without libpq, and used synchronously: its thread has nothing else to do.
pub(crate) type PostgresConnection = AsyncConnectionWrapper<AsyncPgConnection, ThreadRuntime>;

/// A connection of either engine.
pub(crate) enum EngineConnection {
    Sqlite(SqliteConnection),
    Postgres(Box<PostgresConnection>),
}

/// What a connection is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    Writer,
    Reader,
    /// Reads what may be much, for so long and no longer.
    Scanner {
        limit: Duration,
    },
}

/// Runs one query body on whichever engine a session talks to. The body is compiled once for each.
macro_rules! on_engine {
    ($session:expr, |$db:ident| $body:expr) => {
        match &mut $session.connection {
            $crate::engine::EngineConnection::Sqlite($db) => $body,
            $crate::engine::EngineConnection::Postgres(connection) => {
                let $db = &mut **connection;
                $body
            }
        }
    };
}
pub(crate) use on_engine;

impl EngineConnection {
    /// Connects and sets the session up.
    pub(crate) fn open(target: &Target, role: Role) -> Result<EngineConnection, StoreError> {
        match target {
            Target::Sqlite(path) => open_sqlite(path, role).map(EngineConnection::Sqlite),
            Target::Postgres(config) => {
                open_postgres(config, role).map(|connection| EngineConnection::Postgres(Box::new(connection)))
            }
        }
    }

    /// Runs statements that answer nothing.
    pub(crate) fn run(&mut self, sql: &str) -> QueryResult<()> {
        match self {
            EngineConnection::Sqlite(db) => db.batch_execute(sql),
            EngineConnection::Postgres(db) => db.batch_execute(sql),
        }
    }

    /// Begins a transaction that suits the connection's role.
    pub(crate) fn begin(&mut self, role: Role) -> QueryResult<()> {
        let sql = match (&*self, role) {
            // A transaction that begins by reading could not be sure to get the write lock later.
            (EngineConnection::Sqlite(_), Role::Writer) => "BEGIN IMMEDIATE",
            (EngineConnection::Sqlite(_), _) => "BEGIN DEFERRED",
            (EngineConnection::Postgres(_), Role::Writer) => "BEGIN ISOLATION LEVEL READ COMMITTED",
            // All queries of a reading unit see one state, as they do on SQLite.
            (EngineConnection::Postgres(_), _) => "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY",
        };
        self.run(sql)
    }

    /// Shields what was done so far from the next unit.
    ///
    /// The transaction holds locks by now, so the next unit may not wait long for more: two groups that wait for
    /// each other's would stand still until the server notices. A unit that meets a lock is run again in a group
    /// of its own, where it waits holding nothing.
    pub(crate) fn savepoint(&mut self, first: bool) -> QueryResult<()> {
        match self {
            EngineConnection::Postgres(_) if first => {
                self.run("SET LOCAL lock_timeout = '50ms'; SAVEPOINT unit")
            }
            _ => self.run("SAVEPOINT unit"),
        }
    }
}

/// A runtime for one connection, driven by the connection's thread alone.
pub(crate) struct ThreadRuntime(tokio::runtime::Runtime);

thread_local! {
    /// The runtime that a connection being opened on this thread speaks through. The wrapper asks for its runtime
    /// without an argument, but the connection must stay on the one that it was opened on.
    static OPENED_ON: Cell<Option<tokio::runtime::Runtime>> = const { Cell::new(None) };
}

impl BlockOn for ThreadRuntime {
    fn block_on<F: Future>(&self, future: F) -> F::Output {
        self.0.block_on(future)
    }

    #[expect(
        clippy::expect_used,
        reason = "`open_postgres`, the only caller, sets the runtime just before"
    )]
    fn get_runtime() -> Self {
        ThreadRuntime(OPENED_ON.take().expect("the connection was opened on a runtime"))
    }
}

fn open_sqlite(path: &Path, role: Role) -> Result<SqliteConnection, StoreError> {
    let path = path
        .to_str()
        .ok_or_else(|| unavailable("the file's path is not UTF-8"))?;
    let mut db = SqliteConnection::establish(path).map_err(unavailable)?;
    let role_settings = match role {
        Role::Writer => {
            "PRAGMA journal_mode = WAL;
             PRAGMA synchronous = FULL;
             PRAGMA cache_size = -32768;
             PRAGMA wal_autocheckpoint = 4000;
             PRAGMA journal_size_limit = 67108864;"
        }
        Role::Reader | Role::Scanner { .. } => "PRAGMA query_only = ON; PRAGMA cache_size = -4096;",
    };
    db.batch_execute("PRAGMA busy_timeout = 10000; PRAGMA foreign_keys = ON;")
        .and_then(|()| reclaim_in_steps(&mut db, role))
        .and_then(|()| db.batch_execute(role_settings))
        .and_then(|()| time_limit::register(&mut db))
        .map_err(|error| match error::read(&error) {
            (full @ StoreError::Full { .. }, _) => full,
            _ => unavailable(error),
        })?;
    Ok(db)
}

/// Lets a new file give space back in steps. That takes effect before the first table is made, and before WAL; later it
/// would be a write on every opening, which a full disk refuses.
fn reclaim_in_steps(db: &mut SqliteConnection, role: Role) -> QueryResult<()> {
    let pages = |db: &mut SqliteConnection| {
        diesel::select(diesel::dsl::sql::<diesel::sql_types::BigInt>(
            "page_count FROM pragma_page_count",
        ))
        .get_result::<i64>(db)
    };
    if role == Role::Writer && pages(db)? == 0 {
        return db.batch_execute("PRAGMA auto_vacuum = INCREMENTAL;");
    }
    Ok(())
}

fn open_postgres(config: &tokio_postgres::Config, role: Role) -> Result<PostgresConnection, StoreError> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(unavailable)?;
    let opened = runtime.block_on(async {
        let (client, connection) = config.connect(tokio_postgres::NoTls).await.map_err(unavailable)?;
        AsyncPgConnection::try_from_client_and_connection(client, connection)
            .await
            .map_err(unavailable)
    })?;
    OPENED_ON.set(Some(runtime));
    let mut db = PostgresConnection::from(opened);
    db.batch_execute(POSTGRES_SESSION).map_err(unavailable)?;
    if let Role::Scanner { limit } = role {
        db.batch_execute(&format!("SET statement_timeout = {}", limit.as_millis().max(1)))
            .map_err(unavailable)?;
    }
    Ok(db)
}

/// No statement, lock or forgotten transaction may hold others up for good. Plans are made for the values at hand:
/// a plan kept from when a table was still empty would read all of it later.
const POSTGRES_SESSION: &str = "SET statement_timeout = '60s';
     SET lock_timeout = '10s';
     SET idle_in_transaction_session_timeout = '60s';
     SET plan_cache_mode = force_custom_plan;
     SET default_statistics_target = 30;
     SET client_min_messages = warning;";
