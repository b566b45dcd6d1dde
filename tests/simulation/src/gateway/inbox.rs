//! The inbox worker.

use std::collections::BTreeMap;
use std::sync::Arc;

use causeway_core::decide::ChangeSource;
use causeway_core::id::{MappingId, SalesforceId};
use causeway_core::mapping::MappingPlan;
use causeway_core::ports::Lane;
use causeway_core::ports::inbox::Claim;
use causeway_core::units::inbox::{self, Claimed, Head, Readings};
use causeway_core::units::salesforce_news::News;
use chrono::TimeDelta;

use crate::gateway::LEASE;
use crate::told;
use crate::world::{Broken, World};

/// Heads in one claim.
const HEADS: u32 = 4;

/// What the worker holds.
#[derive(Debug, Default)]
pub enum Stage {
    /// Nothing.
    #[default]
    Idle,
    /// Heads to decide on.
    Claimed(Claimed),
    /// Records to read again.
    Reading {
        /// The heads that wait for it.
        heads: Vec<Head>,
        /// The records.
        records: Vec<(Arc<MappingPlan>, SalesforceId)>,
    },
    /// Fresh readings.
    Read {
        /// The heads that wait for them.
        heads: Vec<Head>,
        /// The readings.
        readings: Vec<Readings>,
    },
}

impl Stage {
    /// Where the process may end.
    pub fn name(&self) -> &'static str {
        match self {
            Stage::Idle => "inbox idle",
            Stage::Claimed(_) => "inbox claimed",
            Stage::Reading { .. } => "inbox reading again",
            Stage::Read { .. } => "inbox read again",
        }
    }
}

impl World {
    pub(super) fn inbox_step(&mut self, worker: &str, stage: Stage) -> Result<(Stage, bool), Broken> {
        match stage {
            Stage::Idle => self.claim_inbox(worker),
            Stage::Claimed(claimed) => self.decide_inbox(claimed).map(|stage| (stage, true)),
            Stage::Reading { heads, records } => self.read_again(heads, &records).map(|stage| (stage, true)),
            Stage::Read { heads, readings } => {
                self.settle_readings(&heads, &readings).map(|stage| (stage, true))
            }
        }
    }

    fn claim_inbox(&mut self, worker: &str) -> Result<(Stage, bool), Broken> {
        let now = self.now;
        let until = now + TimeDelta::seconds(LEASE);
        let claimed = self.unit("claim the inbox", |tx| {
            inbox::claim(tx, worker, HEADS, 100_000, now, until)
        })?;
        if claimed.heads.is_empty() && claimed.abandoned.is_empty() {
            return Ok((Stage::Idle, claimed.more));
        }
        Ok((Stage::Claimed(claimed), true))
    }

    fn decide_inbox(&mut self, claimed: Claimed) -> Result<Stage, Broken> {
        let (connection, at) = (self.connection, self.now);
        for claim in &claimed.abandoned {
            self.met.met("inbox head put off");
            self.unit("put off", |tx| inbox::put_off(tx, claim, at))?;
        }
        let heads = claimed.heads;
        if heads.is_empty() {
            return Ok(Stage::Idle);
        }
        let decided = self.unit("decide the inbox", |tx| inbox::decide(tx, connection, &heads, at))?;
        self.tell(|| {
            format!(
                "inbox decided {} heads, again {:?}",
                decided.settled,
                decided.read_again.len()
            )
        });
        if decided.read_again.is_empty() {
            return Ok(Stage::Idle);
        }
        self.met.met("inbox reads again");
        Ok(Stage::Reading {
            heads: decided.waiting(&heads),
            records: decided.read_again,
        })
    }

    fn read_again(
        &mut self,
        heads: Vec<Head>,
        records: &[(Arc<MappingPlan>, SalesforceId)],
    ) -> Result<Stage, Broken> {
        let mut by_mapping: BTreeMap<MappingId, (Arc<MappingPlan>, Vec<SalesforceId>)> = BTreeMap::new();
        for (plan, id) in records {
            let place = by_mapping.entry(plan.mapping);
            place
                .or_insert_with(|| (Arc::clone(plan), Vec::new()))
                .1
                .push(*id);
        }
        let mut readings = Vec::new();
        for (plan, ids) in by_mapping.into_values() {
            let Some(found) = self.read_by_id(Lane::Interactive, &plan, &ids)? else {
                self.met.met("reading again failed");
                let claims: Vec<Claim> = heads.iter().map(|head| head.claim.clone()).collect();
                let ready_at = self.retry_at(Lane::Interactive)?;
                self.unit("postpone", |tx| inbox::postpone(tx, &claims, ready_at))?;
                return Ok(Stage::Idle);
            };
            let source = ChangeSource::ReadAgain { at: self.now };
            let news = found.news.into_iter().map(|incoming| News {
                incoming,
                source: source.clone(),
            });
            let mut reading = Readings {
                plan,
                news: news.collect(),
                out_of_sight: found.out_of_sight,
            };
            reading.believe_deletes(&heads);
            readings.push(reading);
        }
        Ok(Stage::Read { heads, readings })
    }

    fn settle_readings(&mut self, heads: &[Head], readings: &[Readings]) -> Result<Stage, Broken> {
        let (connection, at) = (self.connection, self.now);
        let settlements: Vec<_> = heads.iter().filter_map(Head::settlement).collect();
        self.tell(|| {
            let news = readings.iter().flat_map(|reading| &reading.news);
            let news: Vec<String> = news.map(|news| told::news(&news.incoming)).collect();
            format!("read again: {}", news.join(", "))
        });
        self.unit("settle readings", |tx| {
            inbox::settle_readings(tx, connection, readings, &settlements, at)
        })?;
        Ok(Stage::Idle)
    }
}
