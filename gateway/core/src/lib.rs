//! The rules of Causeway, free of effects.
//!
//! Everything that decides what a value becomes, who wins, what is retried and what is held lives here.
//! Nothing here reads a clock, draws a random number, opens a socket or speaks SQL: time, ids and randomness
//! come in as arguments, and what must happen goes out as data (see [`decide`]) or through a port (see [`ports`]).

pub mod activity;
pub mod budget;
pub mod decide;
pub mod embed;
pub mod failure;
pub mod id;
pub mod mapping;
pub mod owners;
pub mod pace;
pub mod package;
pub mod ports;
pub mod record;
pub mod schedule;
pub mod units;
pub mod version;

/// A moment in UTC. Salesforce stamps have millisecond precision, our own microsecond.
pub type Instant = chrono::DateTime<chrono::Utc>;
