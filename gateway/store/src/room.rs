//! Whether there is room for what is to be kept, and how often that is said.

use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use causeway_core::ports::StoreError;

use crate::error::full;
use crate::target::Target;

/// How often the log is told that a disk is still full.
const TOLD_EVERY: Duration = Duration::from_secs(60);

/// How often it is tried whether there is room again.
const TRIED_EVERY: Duration = Duration::from_millis(500);

/// There is room again when so much can be written: enough for a transaction of usual size. With less, work would be
/// claimed that could then not be finished.
const ENOUGH: usize = 256 << 10;

/// What the threads of a store know of the room on its disk.
#[derive(Default)]
pub(crate) struct Room {
    /// The file of a database in the gateway's own process; elsewhere only the server can tell.
    beside: Option<PathBuf>,
    shortage: Mutex<Option<Shortage>>,
}

struct Shortage {
    since: Instant,
    told: Instant,
    tried: Instant,
    refused: u64,
}

impl Room {
    pub(crate) fn of(target: &Target) -> Room {
        Room {
            beside: match target {
                Target::Sqlite(path) => Some(path.clone()),
                Target::Postgres(_) => None,
            },
            shortage: Mutex::default(),
        }
    }

    /// What a failure is called where the disk may be its cause: SQLite has other words for it where it cannot grow
    /// its shared memory or make a file.
    pub(crate) fn named(&self, error: StoreError) -> StoreError {
        match (&error, &self.beside) {
            (StoreError::Unavailable { detail }, Some(path)) if !takes(path) => full(detail),
            _ => error,
        }
    }

    /// Remembers that something was refused for want of room, and says so in the log once in a while.
    pub(crate) fn refused(&self, detail: &str) {
        let now = Instant::now();
        let mut shortage = self.shortage();
        let tell = match shortage.as_mut() {
            Some(known) => {
                known.refused = known.refused.saturating_add(1);
                now.duration_since(known.told) >= TOLD_EVERY
            }
            None => true,
        };
        let known = shortage.get_or_insert(Shortage {
            since: now,
            told: now,
            tried: now,
            refused: 1,
        });
        if tell {
            known.told = now;
            tracing::error!(
                detail,
                refused = known.refused,
                "the store's disk is full: nothing new is kept until there is room; free space on it, the gateway \
                 then goes on by itself and nothing that it answered for is lost"
            );
        }
    }

    /// For how long there has been no room; `None` while nothing was refused since some was found.
    pub(crate) fn short_for(&self) -> Option<Duration> {
        self.shortage().as_ref().map(|known| known.since.elapsed())
    }

    /// Whether something was refused for want of room, and none has been found since.
    pub(crate) fn is_short(&self) -> bool {
        self.short_for().is_some()
    }

    /// Looks for room where there was none. Only the writing thread asks, so that a try takes room from nobody.
    pub(crate) fn look(&self) {
        // Nobody waits for the disk to ask how things stand.
        if self.is_to_be_tried()
            && self.beside.as_deref().is_none_or(takes)
            && let Some(over) = self.shortage().take()
        {
            let (seconds, refused) = (over.since.elapsed().as_secs(), over.refused);
            tracing::info!(seconds, refused, "there is room on the store's disk again");
        }
    }

    fn is_to_be_tried(&self) -> bool {
        let now = Instant::now();
        let mut shortage = self.shortage();
        let due = shortage
            .as_mut()
            .filter(|known| now.duration_since(known.tried) >= TRIED_EVERY);
        due.is_some_and(|known| {
            known.tried = now;
            true
        })
    }

    fn shortage(&self) -> MutexGuard<'_, Option<Shortage>> {
        self.shortage.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether the disk of this file takes as much as a transaction needs. Tried and not looked up: quotas and thin disks
/// show more room than they give.
fn takes(file: &Path) -> bool {
    let mut name = file.as_os_str().to_owned();
    name.push("-room");
    let path = PathBuf::from(name);
    let written = File::create(&path).and_then(|mut probe| {
        let zeros = [0; 16 << 10];
        (0..ENOUGH / zeros.len()).try_for_each(|_| probe.write_all(&zeros))?;
        probe.sync_data()
    });
    let removed = std::fs::remove_file(&path);
    !matches!(
        written.and(removed).map_err(|error| error.kind()),
        Err(std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded)
    )
}
