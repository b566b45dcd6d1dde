//! How a connection's syncs stand, as the package's pages show it.

use std::time::Duration;

use causeway_core::Instant;
use causeway_core::id::{ConnectionId, MappingId};
use causeway_core::ports::connections::Connection;
use causeway_core::ports::runs::{RunFilter, RunKind, RunState, Watermark};
use causeway_core::ports::settings::AdminSettings;
use causeway_core::ports::{StoreError, Transaction};

use crate::app::App;
use crate::app::budget::{self, Budget};
use crate::app::sync::instant_every;

/// Completed initial syncs among which the first is looked for.
const LOOKED_AT: u32 = 1_000;

/// How a connection's syncs stand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Overview {
    /// What the admin set.
    pub settings: AdminSettings,
    /// Instant syncs.
    pub instant: InstantState,
    /// The first full sync.
    pub first_sync: FirstSync,
    /// Salesforce calls.
    pub budget: Budget,
}

/// How instant syncs stand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InstantState {
    /// How often they come by themselves; none: never.
    pub every: Option<Duration>,
    /// Minutes from one to the next, also while they do not come.
    pub interval_minutes: Option<u64>,
    /// From when on each mapping's next one reads; none before its first sync.
    pub watermarks: Vec<(MappingId, String, Option<Instant>)>,
    /// When the newest was asked for.
    pub last_run_at: Option<Instant>,
}

/// Whether everything was carried over once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FirstSync {
    /// No initial sync was completed yet, and none runs.
    NotDone,
    /// The first one is queued or runs.
    Running,
    /// Everything was carried over.
    Done {
        /// When the first one was completed.
        at: Option<Instant>,
    },
}

/// How a connection's syncs stand.
///
/// # Errors
/// When the store fails.
pub async fn overview(app: &App, connection: &Connection) -> Result<Overview, StoreError> {
    let id = connection.id;
    let configured = app.options.instant_every;
    let (settings, instant, first_sync) = app
        .store
        .read(move |tx| {
            let settings = tx.settings(id)?;
            let every = instant_every(&settings, configured);
            let interval = settings
                .instant
                .map(|schedule| u64::from(schedule.interval_minutes))
                .or(configured.map(|every| every.as_secs().div_ceil(60)));
            let mut watermarks = Vec::new();
            for plan in tx.plans(id)? {
                let at = tx.watermark(id, plan.mapping, Watermark::Changes)?;
                watermarks.push((plan.mapping, plan.partner_object.clone(), at));
            }
            let newest = tx.runs(id, of(RunKind::Instant, None), None, 1)?;
            let instant = InstantState {
                every,
                interval_minutes: interval,
                watermarks,
                last_run_at: newest.first().map(|run| run.created_at),
            };
            let first = first_sync(tx, id)?;
            Ok((settings, instant, first))
        })
        .await?;
    Ok(Overview {
        settings,
        instant,
        first_sync,
        budget: budget::of(app, connection).await?,
    })
}

fn first_sync(tx: &mut dyn Transaction, connection: ConnectionId) -> Result<FirstSync, StoreError> {
    let completed = of(RunKind::Initial, Some(RunState::Completed));
    let done = tx.runs(connection, completed, None, LOOKED_AT)?;
    if let Some(first) = done.last() {
        return Ok(FirstSync::Done {
            at: first.finished_at,
        });
    }
    let newest = tx.runs(connection, of(RunKind::Initial, None), None, 1)?;
    let runs = newest.first().is_some_and(|run| run.state.is_unfinished());
    Ok(if runs {
        FirstSync::Running
    } else {
        FirstSync::NotDone
    })
}

fn of(kind: RunKind, state: Option<RunState>) -> RunFilter {
    RunFilter {
        kind: Some(kind),
        state,
    }
}
