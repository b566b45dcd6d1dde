//! What a run amounted to.

use std::collections::BTreeMap;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use causeway_core::decide::{HeldReason, Outcome as RowOutcome};
use causeway_core::id::{ConnectionId, LinkId, RunId};
use causeway_core::ports::StoreError;
use causeway_core::ports::runs::{RunPart, RunState};

use crate::app::read;
use crate::app::sync::progress::SyncProgress;
use crate::app::{App, directory};
use crate::cli::{CommandError, Outcome, output};

/// Held records that are looked at for the summary of reasons.
const HELD_LOOKED_AT: usize = 20_000;
/// Held records read at once.
const HELD_PAGE: u32 = 1_000;
/// Reasons that are printed.
const REASONS_SHOWN: usize = 20;

/// Prints the run's outcome and why records are held. A failed run fails the command.
pub(super) async fn print(app: &Arc<App>, connection: ConnectionId, run: RunId, took: Duration) -> Outcome {
    let failed = |error: StoreError| CommandError::new(error.to_string());
    let Some(seen) = read::run(app, connection, run).await.map_err(failed)? else {
        return Err(CommandError::new(format!("sync {run} is gone")));
    };
    let plans = directory::plans(app, connection).await.map_err(failed)?;
    let progress = SyncProgress::new(&seen, &plans);
    let rows: Vec<Vec<String>> = progress
        .parts
        .iter()
        .map(|view| {
            let mut cells = vec![view.salesforce_object.clone(), view.partner_object.clone()];
            cells.extend(counts(&view.part));
            cells
        })
        .collect();
    output::table(
        &[
            "Salesforce",
            "partner",
            "rows",
            "created",
            "updated",
            "confirmed",
            "restored",
            "relinked",
            "deleted",
            "held",
            "dropped",
        ],
        &rows,
    );
    let total = progress.rows();
    let rate = (u128::from(total) * 1000) / took.as_millis().max(1);
    output::line(&format!(
        "{total} rows in {}.{:01} s ({rate} rows/s)",
        took.as_secs(),
        took.subsec_millis() / 100
    ));
    print_held(app, connection).await.map_err(failed)?;
    match seen.state {
        RunState::Completed => Ok(ExitCode::SUCCESS),
        RunState::Failed => Err(CommandError::new(format!(
            "sync {run} failed: {}",
            seen.error.unwrap_or_else(|| "the log says why".to_owned())
        ))),
        RunState::Cancelled => Err(CommandError::new(format!(
            "sync {run} was cancelled; what it applied stays"
        ))),
        RunState::Queued | RunState::Running | RunState::Cancelling => Err(CommandError::new(format!(
            "sync {run} did not end; the same command takes it up where it is"
        ))),
    }
}

fn counts(part: &RunPart) -> Vec<String> {
    let of = |outcome| part.outcomes.get(&outcome).copied().unwrap_or_default();
    [
        part.rows,
        of(RowOutcome::Created),
        of(RowOutcome::Updated),
        of(RowOutcome::Confirmed),
        of(RowOutcome::Restored),
        of(RowOutcome::Relinked),
        of(RowOutcome::Deleted),
        of(RowOutcome::Held),
        part.dropped,
    ]
    .map(|count| count.to_string())
    .to_vec()
}

async fn print_held(app: &Arc<App>, connection: ConnectionId) -> Result<(), StoreError> {
    let mut reasons: BTreeMap<String, u64> = BTreeMap::new();
    let mut looked_at = 0usize;
    let mut after: Option<LinkId> = None;
    loop {
        let (page, more) = read::held(app, connection, after, HELD_PAGE).await?;
        for named in &page {
            let object = named.partner_object();
            match &named.held.reason {
                HeldReason::Conversion { problems } => {
                    for problem in problems {
                        *reasons.entry(format!("{object}: {problem}")).or_default() += 1;
                    }
                }
                other => {
                    *reasons
                        .entry(format!("{object}: {}", other.summary()))
                        .or_default() += 1
                }
            }
        }
        looked_at += page.len();
        after = page.last().map(|named| named.held.link);
        if !more || looked_at >= HELD_LOOKED_AT {
            break;
        }
    }
    if reasons.is_empty() {
        return Ok(());
    }
    output::line("held, by reason (GET /v1/held names each record):");
    let mut sorted: Vec<(String, u64)> = reasons.into_iter().collect();
    sorted.sort_by(|one, other| other.1.cmp(&one.1).then_with(|| one.0.cmp(&other.0)));
    let shown: Vec<Vec<String>> = sorted
        .iter()
        .take(REASONS_SHOWN)
        .map(|(reason, count)| vec![count.to_string(), reason.clone()])
        .collect();
    output::table(&["records", "reason"], &shown);
    if sorted.len() > REASONS_SHOWN {
        output::line(&format!("… and {} further reasons", sorted.len() - REASONS_SHOWN));
    }
    Ok(())
}
