//! What the store promises, shown on both engines through its public doors.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test fails loudly"
)]

mod activity;
mod answers;
mod calls;
mod claims;
mod conformance;
mod connections;
mod embeds;
mod feed;
mod given;
mod history;
mod identities;
mod inbox;
mod isolation;
mod kill;
mod leases;
mod links;
mod logs;
mod marks;
mod open;
mod outbox;
mod packages;
mod people;
mod place;
mod records;
mod runs;
mod same_thread;
mod seen;
mod settings;
mod standings;
mod units;
