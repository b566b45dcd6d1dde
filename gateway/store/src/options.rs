//! How much of the machine a store may use.

use std::time::Duration;

/// Sizes of pools, queues and groups. The defaults suit two cores and a local disk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoreOptions {
    /// Connections that write, on PostgreSQL. SQLite has exactly one writer.
    pub writers: usize,
    /// Connections that read what is small.
    pub readers: usize,
    /// Connections that read what may be much: lists, filters, the feed, the log.
    pub scanners: usize,
    /// How long such a reading may take.
    pub scan_time: Duration,
    /// Greatest number of units in one transaction.
    pub group_units: usize,
    /// A transaction takes in no further unit once it is this old.
    pub group_time: Duration,
    /// Units that may wait in the interactive lane, and in front of the readers and of the scanners, before callers
    /// have to wait.
    pub interactive_queue: usize,
    /// Units that may wait in the bulk lane before callers have to wait. Small, since bulk units carry much data.
    pub bulk_queue: usize,
}

impl Default for StoreOptions {
    fn default() -> Self {
        StoreOptions {
            writers: 4,
            readers: 2,
            scanners: 2,
            scan_time: Duration::from_secs(15),
            group_units: 512,
            group_time: Duration::from_millis(20),
            interactive_queue: 1024,
            bulk_queue: 16,
        }
    }
}
