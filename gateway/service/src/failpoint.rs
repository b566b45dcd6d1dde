//! Named places at which a test may end the process, as a crash or `kill -9` would.
//!
//! They are always compiled in, so that what is tested is what ships, and do nothing until [`arm`] is called. The
//! binary arms one from its hidden option `--failpoint name[:n]`. Each stands right behind a step that is durable:
//! `push.received`, `push.answered`, `inbox.claimed`, `inbox.decided`, `outgoing.claimed`, `outgoing.prepared`,
//! `outgoing.sent`, `outgoing.read_back`, `outgoing.settled`, `bulk.created`, `bulk.uploaded`, `sync.run_started`,
//! `sync.job_created`, `sync.page_applied`, `sync.marked`, `sync.part_done`, `sync.run_finished`. (`outgoing.sent`,
//! `outgoing.read_back`, `sync.marked` and `bulk.uploaded` stand behind a step that is durable in Salesforce.)

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

/// Every failpoint there is, in the order in which work meets them.
pub const NAMES: [&str; 17] = [
    "push.received",
    "push.answered",
    "inbox.claimed",
    "inbox.decided",
    "outgoing.claimed",
    "outgoing.prepared",
    "bulk.created",
    "bulk.uploaded",
    "outgoing.sent",
    "outgoing.read_back",
    "outgoing.settled",
    "sync.run_started",
    "sync.job_created",
    "sync.page_applied",
    "sync.marked",
    "sync.part_done",
    "sync.run_finished",
];

static ARMED: OnceLock<Armed> = OnceLock::new();

#[derive(Debug, PartialEq, Eq)]
struct Spec {
    name: &'static str,
    passes: u32,
}

#[derive(Debug)]
struct Armed {
    name: &'static str,
    left: AtomicU32,
}

/// Why a failpoint cannot be armed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ArmError {
    /// There is none of that name.
    #[error("no failpoint is called {name:?}; there are {known}", known = NAMES.join(", "))]
    Unknown {
        /// The name met.
        name: String,
    },
    /// The count is not a number from 1 on.
    #[error("{count:?} is no count; write name:n with n from 1 on")]
    Count {
        /// The text met.
        count: String,
    },
    /// One is armed already.
    #[error("a failpoint is armed already; a process has at most one")]
    Armed,
}

/// Arms a failpoint: `name` ends the process the first time it is reached, `name:n` the n-th time.
///
/// # Errors
/// [`ArmError`] when there is no such failpoint, the count is no number from 1 on, or one is armed already.
pub fn arm(spec: &str) -> Result<(), ArmError> {
    let spec = parse(spec)?;
    ARMED
        .set(Armed {
            name: spec.name,
            left: AtomicU32::new(spec.passes),
        })
        .map_err(|_already| ArmError::Armed)
}

/// Ends the process without any clean-up if the failpoint of this name is armed and its count is reached.
pub fn reached(name: &str) {
    if let Some(armed) = ARMED.get()
        && armed.name == name
        && armed.left.fetch_sub(1, Ordering::SeqCst) == 1
    {
        std::process::abort();
    }
}

fn parse(spec: &str) -> Result<Spec, ArmError> {
    let (name, count) = spec.split_once(':').unwrap_or((spec, "1"));
    let name = NAMES
        .into_iter()
        .find(|known| *known == name)
        .ok_or_else(|| ArmError::Unknown {
            name: name.to_owned(),
        })?;
    match count.parse::<u32>() {
        Ok(passes) if passes > 0 => Ok(Spec { name, passes }),
        _ => Err(ArmError::Count {
            count: count.to_owned(),
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_alone_means_the_first_time() {
        assert_eq!(
            parse("sync.page_applied"),
            Ok(Spec {
                name: "sync.page_applied",
                passes: 1
            })
        );
        assert_eq!(
            parse("push.received:7"),
            Ok(Spec {
                name: "push.received",
                passes: 7
            })
        );
    }

    #[test]
    fn misspelled_names_and_counts_are_refused() {
        assert!(matches!(parse("push.recieved"), Err(ArmError::Unknown { .. })));
        assert!(matches!(parse("push.received:0"), Err(ArmError::Count { .. })));
        assert!(matches!(parse("push.received:-1"), Err(ArmError::Count { .. })));
    }

    #[test]
    fn nothing_happens_while_none_is_armed() {
        for name in NAMES {
            reached(name);
        }
    }
}
