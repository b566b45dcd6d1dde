//! Mapping plans in memory. A committed revision never changes, so what is cached is never wrong, only old.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use causeway_core::id::{ConnectionId, MappingId, PlanRevision};
use causeway_core::mapping::MappingPlan;

/// The newest known plan of each mapping.
#[derive(Default)]
pub(crate) struct PlanCache(Mutex<HashMap<(ConnectionId, MappingId), Arc<MappingPlan>>>);

impl PlanCache {
    /// The plan, if exactly this revision is cached.
    pub(crate) fn get(
        &self,
        connection: ConnectionId,
        mapping: MappingId,
        revision: PlanRevision,
    ) -> Option<Arc<MappingPlan>> {
        let plans = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        plans
            .get(&(connection, mapping))
            .filter(|plan| plan.revision == revision)
            .map(Arc::clone)
    }

    /// Keeps a committed plan unless a newer revision is known.
    pub(crate) fn keep(&self, connection: ConnectionId, plan: &Arc<MappingPlan>) {
        let mut plans = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let kept = plans
            .entry((connection, plan.mapping))
            .or_insert_with(|| Arc::clone(plan));
        if kept.revision < plan.revision {
            *kept = Arc::clone(plan);
        }
    }
}
