//! Causeway's gateway: the service around the pure rules of `causeway-core`.
//!
//! `http` and `workers` call `app`; `app` calls the ports of the store and the Salesforce client and never sees an
//! HTTP type.

pub mod app;
pub mod cli;
pub mod clock;
pub mod config;
pub mod failpoint;
pub mod http;
mod json;
mod loopback;
pub mod members;
pub mod salesforce;
pub mod startup;
pub mod telemetry;
pub mod vault;
pub mod workers;
