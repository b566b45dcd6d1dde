//! Bulk API 2.0: query jobs and their results, ingest jobs; and the Bulk API before it.
//!
//! [`jobs`] keeps the jobs and moves them on with the organisation's clock; [`csv`] writes rows as Salesforce
//! does; [`results`] cuts a job's rows into pages and pages into chunks. [`ingest`] is the way in,
//! and [`query`] says what may be asked. [`classic`] is the Bulk API of jobs and batches, which Salesforce calls
//! `Classic` beside 2.0.

mod chunk;
pub mod classic;
pub mod csv;
pub mod ingest;
pub mod jobs;
pub mod query;
pub mod results;

pub use jobs::{Job, JobError, Jobs, Order, ProcessingTime, State};
