//! From what a database says to what the ports say: the one place where that is decided.

use causeway_core::ports::StoreError;
use diesel::result::{DatabaseErrorInformation, DatabaseErrorKind, Error};

use crate::time_limit;

/// Why a store could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The URL names no engine that is known.
    #[error(
        "the store's URL begins with {scheme:?}; accepted are sqlite:///path/to/file.db and postgres://user:password@host/database"
    )]
    Scheme {
        /// What it begins with.
        scheme: String,
    },
    /// The URL is not understood. The text never holds the URL itself, which may carry a password.
    #[error("the store's URL is not usable: {problem}")]
    Url {
        /// What is wrong and what to write instead.
        problem: String,
    },
    /// The database did not open.
    #[error("the database could not be opened: {detail}")]
    Connect {
        /// What the database, or the way to it, said.
        detail: String,
    },
    /// The tables could not be brought up to date.
    #[error("the database could not be brought up to date: {detail}")]
    Migrate {
        /// What went wrong.
        detail: String,
    },
    /// The machine refused a thread.
    #[error("a thread could not be started: {detail}")]
    Thread {
        /// What the machine said.
        detail: String,
    },
}

/// What a failed statement means for the transaction and the connection it ran on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Trouble {
    /// The statement is at fault, or the data: the same will fail again.
    Plain,
    /// There is no room: the transaction is gone, or has to be ended.
    Full,
    /// Lost to another transaction (deadlock, serialization, lock wait, busy file): the same may succeed.
    Raced,
    /// Cannot be told: PostgreSQL's texts follow the server's language and diesel-async hides the SQLSTATE.
    Unclear,
    /// The connection is gone.
    Lost,
}

/// Reads a database error. Total: whatever diesel reports has a meaning here.
pub(crate) fn read(error: &Error) -> (StoreError, Trouble) {
    match error {
        Error::DatabaseError(kind, information) => database(kind, information.as_ref()),
        Error::BrokenTransactionManager
        | Error::AlreadyInTransaction
        | Error::NotInTransaction
        | Error::RollbackErrorOnCommit { .. } => (unavailable(error), Trouble::Lost),
        other => (corrupt(other), Trouble::Plain),
    }
}

/// A stored value that no code of ours wrote.
pub(crate) fn unexpected(what: impl Into<String>) -> StoreError {
    StoreError::Corrupt { detail: what.into() }
}

/// Another writer was first.
pub(crate) fn conflict(what: impl Into<String>) -> StoreError {
    StoreError::Conflict { what: what.into() }
}

/// The same may succeed later.
pub(crate) fn unavailable(detail: impl std::fmt::Display) -> StoreError {
    StoreError::Unavailable {
        detail: detail.to_string(),
    }
}

/// There is no room for it.
pub(crate) fn full(detail: impl std::fmt::Display) -> StoreError {
    StoreError::Full {
        detail: detail.to_string(),
    }
}

fn corrupt(detail: impl std::fmt::Display) -> StoreError {
    StoreError::Corrupt {
        detail: detail.to_string(),
    }
}

fn database(kind: &DatabaseErrorKind, information: &dyn DatabaseErrorInformation) -> (StoreError, Trouble) {
    let message = information.message();
    match kind {
        // Uniqueness that callers can meet is looked up before the insert, under the connection's counter. What
        // still collides was inserted in between, and the lookup of the next run will see it.
        DatabaseErrorKind::UniqueViolation => (
            conflict(information.constraint_name().unwrap_or(message)),
            Trouble::Raced,
        ),
        DatabaseErrorKind::SerializationFailure => (conflict(message), Trouble::Raced),
        DatabaseErrorKind::ClosedConnection => (unavailable(message), Trouble::Lost),
        // diesel-async reports every failure without a SQLSTATE so: in practice, the connection broke.
        DatabaseErrorKind::UnableToSendCommand => (unavailable(message), Trouble::Lost),
        DatabaseErrorKind::ReadOnlyTransaction => (
            unexpected(format!("a reading unit tried to write: {message}")),
            Trouble::Plain,
        ),
        DatabaseErrorKind::ForeignKeyViolation
        | DatabaseErrorKind::RestrictViolation
        | DatabaseErrorKind::NotNullViolation
        | DatabaseErrorKind::CheckViolation
        | DatabaseErrorKind::ExclusionViolation => (corrupt(message), Trouble::Plain),
        _ => by_message(message),
    }
}

/// SQLite's texts are fixed; PostgreSQL's are English unless the server was set up otherwise.
fn by_message(message: &str) -> (StoreError, Trouble) {
    let contains = |needles: &[&str]| needles.iter().any(|needle| message.contains(needle));
    if contains(&["database or disk is full", "No space left on device", "disk full"]) {
        (full(message), Trouble::Full)
    } else if contains(&[
        "database is locked",
        "database table is locked",
        "deadlock detected",
        "due to lock timeout",
        "could not serialize access",
    ]) {
        (unavailable(message), Trouble::Raced)
    } else if contains(&[
        "terminating connection",
        "the database system is",
        "too many connections",
        "remaining connection slots",
        "unable to open database file",
        "disk I/O error",
    ]) {
        (unavailable(message), Trouble::Lost)
    } else if time_limit::is_exceeded(message) {
        (time_limit::exceeded(), Trouble::Plain)
    } else if contains(&["attempt to write a readonly database"]) {
        (
            unexpected(format!(
                "a reading unit tried to write, or the file is read-only: {message}"
            )),
            Trouble::Plain,
        )
    } else {
        (corrupt(message), Trouble::Unclear)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(kind: DatabaseErrorKind, message: &str) -> (StoreError, Trouble) {
        read(&Error::DatabaseError(kind, Box::new(message.to_owned())))
    }

    #[test]
    fn every_kind_of_database_error_has_its_meaning() {
        use DatabaseErrorKind as Kind;
        let full = |(error, _): &(StoreError, Trouble)| matches!(error, StoreError::Full { .. });
        let conflict = |(error, _): &(StoreError, Trouble)| matches!(error, StoreError::Conflict { .. });
        let away = |(error, _): &(StoreError, Trouble)| matches!(error, StoreError::Unavailable { .. });
        let corrupt = |(error, _): &(StoreError, Trouble)| matches!(error, StoreError::Corrupt { .. });
        type Check<'a> = &'a dyn Fn(&(StoreError, Trouble)) -> bool;
        let table: [(DatabaseErrorKind, &str, Check<'_>, Trouble); 13] = [
            (Kind::UniqueViolation, "link_pkey", &conflict, Trouble::Raced),
            (
                Kind::SerializationFailure,
                "could not serialize",
                &conflict,
                Trouble::Raced,
            ),
            (Kind::ClosedConnection, "closed", &away, Trouble::Lost),
            (
                Kind::UnableToSendCommand,
                "connection closed",
                &away,
                Trouble::Lost,
            ),
            (Kind::ForeignKeyViolation, "no parent", &corrupt, Trouble::Plain),
            (Kind::NotNullViolation, "null", &corrupt, Trouble::Plain),
            (
                Kind::ReadOnlyTransaction,
                "cannot execute UPDATE",
                &corrupt,
                Trouble::Plain,
            ),
            (Kind::Unknown, "database or disk is full", &full, Trouble::Full),
            (Kind::Unknown, "database is locked", &away, Trouble::Raced),
            (Kind::Unknown, "deadlock detected", &away, Trouble::Raced),
            (
                Kind::Unknown,
                "terminating connection due to administrator command",
                &away,
                Trouble::Lost,
            ),
            (
                Kind::Unknown,
                "canceling statement due to statement timeout",
                &away,
                Trouble::Plain,
            ),
            (Kind::Unknown, "no such column: x", &corrupt, Trouble::Unclear),
        ];
        for (kind, message, meaning, trouble) in table {
            let read = said(kind, message);
            assert!(meaning(&read), "{message}: {read:?}");
            assert_eq!(read.1, trouble, "{message}");
        }
    }
}
