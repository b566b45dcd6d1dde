//! Bulk API 2.0: query jobs and their results.
//!
//! [`jobs`] keeps the jobs and moves them on with the organisation's clock; [`csv`] writes rows as Salesforce
//! does; [`results`] cuts a job's rows into pages and pages into chunks.

pub mod csv;
pub mod jobs;
pub mod results;

pub use jobs::{Job, JobError, Jobs, Order, ProcessingTime, State};
