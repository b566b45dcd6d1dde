//! The store: all that Causeway keeps, on SQLite or PostgreSQL.
//!
//! The only crate that knows a database. It offers [`Store`], a cheap handle that runs *units* (functions over
//! [`causeway_core::ports::Transaction`]), and nothing of its rows or queries.
//!
//! How it works: connections live on threads of their own, each with a queue in front of it. A writer takes what
//! waits, runs unit after unit in one transaction, each behind a savepoint, commits once and only then answers: so
//! many small requests share one flush to disk, and an answer always means durable. See `writer` for the details.

mod columns;
mod engine;
mod error;
mod field_text;
mod growth;
mod migrate;
mod options;
mod plans;
mod ports;
mod queue;
mod reader;
mod room;
#[cfg(feature = "same-thread")]
mod same_thread;
mod schema;
mod session;
mod store;
mod target;
mod text;
#[cfg(feature = "throwaway-postgres")]
pub mod throwaway_postgres;
mod time_limit;
mod unit;
mod writer;

pub use engine::Engine;
pub use error::OpenError;
pub use options::StoreOptions;
#[cfg(feature = "same-thread")]
pub use same_thread::SameThread;
pub use store::Store;
