//! How long a scan may take.
//!
//! PostgreSQL watches its statements itself. SQLite runs on the reading thread, so the queries that may read very
//! many rows ask for each row whether there is time left; the answer is an error once there is not.

use std::cell::Cell;
use std::time::{Duration, Instant};

use causeway_core::ports::StoreError;
use diesel::dsl::sql;
use diesel::expression::SqlLiteral;
use diesel::serialize::{IsNull, Output, ToSql};
use diesel::sql_types::Bool;
use diesel::sqlite::{Sqlite, SqliteConnection};
use diesel::{QueryResult, serialize};

use crate::engine::PostgresConnection;
use crate::error::unavailable;

/// What SQLite's error says when the time is up.
const TIME_IS_UP: &str = "the scan's time is up";

thread_local! {
    /// When the unit that runs on this thread has to end.
    static DEADLINE: Cell<Option<Instant>> = const { Cell::new(None) };
}

/// Gives what runs on this thread from now on so much time, or any.
pub(crate) fn start(limit: Option<Duration>) {
    DEADLINE.set(limit.map(|limit| Instant::now() + limit));
}

/// What a caller reads whose scan took too long.
pub(crate) fn exceeded() -> StoreError {
    unavailable(
        "reading took longer than it may; narrow the question down: filter by what is indexed, or ask for less",
    )
}

/// Whether an error of a database says that the time is up.
pub(crate) fn is_exceeded(message: &str) -> bool {
    message.contains(TIME_IS_UP) || message.contains("due to statement timeout")
}

/// A condition that fails the query once its time is up.
pub(crate) trait InTime {
    /// Holds as long as there is time left.
    fn in_time(&self) -> SqlLiteral<Bool>;
}

impl InTime for SqliteConnection {
    fn in_time(&self) -> SqlLiteral<Bool> {
        sql("in_time()")
    }
}

impl InTime for PostgresConnection {
    fn in_time(&self) -> SqlLiteral<Bool> {
        sql("true")
    }
}

/// Makes the condition known to a connection.
pub(crate) fn register(db: &mut SqliteConnection) -> QueryResult<()> {
    in_time_utils::register_nondeterministic_impl(db, || TimeLeft)
}

#[diesel::declare_sql_function]
extern "SQL" {
    fn in_time() -> Bool;
}

/// True, or the error that ends the query.
#[derive(Debug)]
struct TimeLeft;

impl ToSql<Bool, Sqlite> for TimeLeft {
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Sqlite>) -> serialize::Result {
        if DEADLINE.get().is_some_and(|deadline| Instant::now() >= deadline) {
            return Err(TIME_IS_UP.into());
        }
        out.set_value(1_i32);
        Ok(IsNull::No)
    }
}
