//! How far a run is, for whoever watches it in this process.

use std::sync::Arc;
use std::time::Duration;

use causeway_core::mapping::MappingPlan;
use causeway_core::ports::runs::{PartProgress, Run, RunPart};
use tokio::time::Instant as Ticks;

/// The span over which the present rate is taken.
const RATE_SPAN: Duration = Duration::from_secs(3);

/// A run's progress. It changes with each batch that is durable.
#[derive(Debug, Clone, Default)]
pub struct SyncProgress {
    /// One for each mapping, in the order in which they run.
    pub parts: Vec<PartView>,
    /// Rows in a second, of late.
    pub rows_per_second: u64,
    mark: Option<(Ticks, u64)>,
}

/// A part with the names of its objects.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PartView {
    /// Partner object.
    pub partner_object: String,
    /// sObject.
    pub salesforce_object: String,
    /// The part.
    pub part: RunPart,
}

impl SyncProgress {
    /// The progress of a run as stored.
    pub fn new(run: &Run, plans: &[Arc<MappingPlan>]) -> Self {
        let parts = run.parts.iter().map(|part| {
            let plan = plans.iter().find(|plan| plan.mapping == part.mapping);
            PartView {
                partner_object: plan.map(|plan| plan.partner_object.clone()).unwrap_or_default(),
                salesforce_object: plan
                    .map(|plan| plan.salesforce_object.clone())
                    .unwrap_or_default(),
                part: part.clone(),
            }
        });
        SyncProgress {
            parts: parts.collect(),
            ..SyncProgress::default()
        }
    }

    /// Rows read so far, over all parts.
    pub fn rows(&self) -> u64 {
        self.parts.iter().map(|view| view.part.rows).sum()
    }

    /// Rows read and records marked so far: it grows as long as the run gets on.
    pub(super) fn reached(&self) -> u64 {
        let marked = |view: &PartView| match view.part.progress {
            PartProgress::Marking { marked } => marked,
            _ => 0,
        };
        self.rows() + self.parts.iter().map(marked).sum::<u64>()
    }

    /// Rows in all, as far as Salesforce has said by now.
    pub fn expected(&self) -> u64 {
        self.parts
            .iter()
            .map(|view| view.part.expected.unwrap_or(view.part.rows))
            .sum()
    }

    /// Whether every part is done.
    pub fn is_done(&self) -> bool {
        self.parts
            .iter()
            .all(|view| view.part.progress == PartProgress::Done)
    }

    pub(super) fn update(&mut self, part: &RunPart, now: Ticks) {
        if let Some(view) = self
            .parts
            .iter_mut()
            .find(|view| view.part.mapping == part.mapping)
        {
            view.part = part.clone();
        }
        let rows = self.rows();
        match self.mark {
            Some((since, before)) => {
                let span = now.duration_since(since);
                if span >= RATE_SPAN || self.rows_per_second == 0 {
                    let millis = u64::try_from(span.as_millis()).unwrap_or(u64::MAX).max(1);
                    self.rows_per_second = rows.saturating_sub(before).saturating_mul(1_000) / millis;
                }
                if span >= RATE_SPAN {
                    self.mark = Some((now, rows));
                }
            }
            None => self.mark = Some((now, rows)),
        }
    }
}
