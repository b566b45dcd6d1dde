//! The service's parts together: against an emulated org, on a real database.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test fails loudly"
)]

mod auth;
mod backlog;
mod cli;
mod command;
mod config;
mod first_sync;
mod gateway;
mod http_hostile;
mod inbox;
mod initial_sync;
mod killed;
mod linked;
mod openapi;
mod push_hostile;
mod records;
mod salesforce_client;
mod startup;
mod sync_doubts;
mod workers;
