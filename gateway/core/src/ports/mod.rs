//! What the use cases ask of the store.
//!
//! A use case is a *unit*: a function over `&mut dyn Transaction`. The store runs it inside one database
//! transaction, alone or grouped with other units behind savepoints, and answers only once that transaction is
//! durable. A unit may run more than once (a lost race, a deadlock, a group that had to be split), so it must take
//! all it needs as arguments and leave nothing behind but what it wrote through the ports.
//!
//! Everything is scoped to a connection. Nothing read through a port belongs to another connection.

pub mod activity;
pub mod calls;
pub mod connections;
pub mod embeds;
pub mod inbox;
pub mod leases;
pub mod links;
pub mod logs;
pub mod marks;
pub mod outbox;
pub mod packages;
pub mod people;
pub mod records;
pub mod runs;
pub mod settings;
pub mod standings;

pub use activity::Activities;
pub use calls::Calls;
pub use connections::Connections;
pub use embeds::Embeds;
pub use inbox::Inbox;
pub use leases::Leases;
pub use links::Links;
pub use logs::Logs;
pub use marks::Marks;
pub use outbox::Outbox;
pub use packages::Packages;
pub use people::People;
pub use records::Records;
pub use runs::Runs;
pub use settings::Settings;
pub use standings::Standings;

/// All ports of one unit.
pub trait Transaction:
    Activities
    + Calls
    + Connections
    + Embeds
    + Inbox
    + Leases
    + Links
    + Logs
    + Marks
    + Outbox
    + Packages
    + People
    + Records
    + Runs
    + Settings
    + Standings
{
}

/// Why the store could not do what was asked. Carries no text of any library to a client: `detail` is for logs.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// Another unit wrote first; the unit runs again from the start.
    #[error("another writer was first: {what}")]
    Conflict {
        /// What was raced for.
        what: String,
    },
    /// The database cannot be reached, is shutting down or is busy. The same may succeed later.
    #[error("the database is unavailable: {detail}")]
    Unavailable {
        /// For logs.
        detail: String,
    },
    /// The disk or the database is full.
    #[error("the database is full: {detail}")]
    Full {
        /// For logs.
        detail: String,
    },
    /// A name or number that must be unique is taken.
    #[error("{what} exists already")]
    Exists {
        /// What exists.
        what: String,
    },
    /// What is stored cannot be understood, or the query is wrong: a defect, never a user's fault.
    #[error("the database holds something unexpected: {detail}")]
    Corrupt {
        /// For logs.
        detail: String,
    },
}

/// Which queue of the writer a unit waits in: interactive units run between bulk units.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Lane {
    /// Somebody waits for the answer.
    Interactive,
    /// Nobody does.
    Bulk,
}
