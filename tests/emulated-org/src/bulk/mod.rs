//! Bulk API 2.0: query jobs and their results, ingest jobs.
//!
//! [`jobs`] keeps the jobs and moves them on with the organisation's clock; [`csv`] writes rows as Salesforce
//! does; [`results`] cuts a job's rows into pages and pages into chunks. [`ingest`] is the way in.

pub mod csv;
pub mod ingest;
pub mod jobs;
pub mod results;

pub use jobs::{Job, JobError, Jobs, Order, ProcessingTime, State};
