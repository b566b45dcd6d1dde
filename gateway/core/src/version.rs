//! Which news of a record is newer.

use serde::{Deserialize, Serialize};

use crate::Instant;

/// The version of a Salesforce record as seen in one reading.
///
/// `modstamp` alone does not order readings: formula fields change without moving SystemModstamp, and rows
/// written in one transaction share it. `observed` is the moment of the reading by Salesforce's clock and breaks
/// the tie. For Bulk results it is the start of the job, a lower bound.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct SalesforceVersion {
    /// SystemModstamp, millisecond precision.
    pub modstamp: Instant,
    /// When the record was read.
    pub observed: Instant,
}

impl SalesforceVersion {
    /// Before anything was seen.
    pub const NEVER: SalesforceVersion = SalesforceVersion {
        modstamp: Instant::UNIX_EPOCH,
        observed: Instant::UNIX_EPOCH,
    };
}
