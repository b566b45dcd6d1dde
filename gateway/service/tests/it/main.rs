//! The service's parts together: against an emulated org, on a real database.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test fails loudly"
)]

mod admin_settings;
mod auth;
mod backlog;
mod both_sides;
mod bulk_ingest;
mod call_budget;
mod cancelling;
mod cli;
mod command;
mod config;
mod decisions;
mod embed;
mod embed_templates;
mod first_sync;
mod full_disk;
mod gateway;
mod http_hostile;
mod inbox;
mod initial_sync;
mod instant_sync;
mod killed;
mod linked;
mod marking;
mod openapi;
mod outgoing;
mod overview;
mod package;
mod partner_answers;
mod partner_hostile;
mod partner_writes;
mod push_hostile;
mod reconcile;
mod record_panel;
mod records;
mod salesforce_client;
mod salesforce_writes;
mod slow_org;
mod small_disk;
mod startup;
mod sync_doubts;
mod two_ways;
mod workers;
