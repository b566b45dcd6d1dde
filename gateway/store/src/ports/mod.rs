//! The ports of the core, one file each, on whatever engine the session talks to.
//!
//! Statements carry many rows wherever callers give many: a round trip for each row is what makes PostgreSQL slow,
//! a statement for each row what makes SQLite slow.

mod activity;
mod apply;
mod calls;
mod connections;
mod embeds;
mod heads;
mod history;
mod identities;
mod inbox;
mod leases;
mod links;
mod logs;
mod marks;
mod outbox;
mod outbox_heads;
mod packages;
mod people;
mod plans;
mod records;
mod runs;
mod seen;
mod settings;
mod standings;
mod swap;

pub(crate) use inbox::forget_answers;

/// Rows in one statement. Sixteen columns of so many rows stay well below the 65,535 values that PostgreSQL and the
/// 32,766 that SQLite take.
const ROWS: usize = 500;
