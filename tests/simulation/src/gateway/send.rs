//! Sending orders: in calls, split where a call fails as a whole, serially where rows were locked, or as a job.

use std::collections::BTreeMap;

use causeway_core::decide::write::WriteOutcome;
use causeway_core::decide::{Incoming, Target, WriteKind};
use causeway_core::id::{LinkId, SalesforceId};
use causeway_core::mapping::MappingPlan;
use causeway_core::record::FieldValue;
use causeway_core::units::outgoing::{self, Answer, Batch, Order};
use chrono::TimeDelta;

use crate::gateway::calls::Wrote;
use crate::gateway::outgoing::{Stage, State, batch_lane, object_of, plan_of};
use crate::gateway::{LEASE, MARGIN, REQUEST};
use crate::org::ingest::{Done, JobState, Work};
use crate::org::row::{Value, Values};
use crate::org::save::Save;
use crate::org::schema::Object;
use crate::org::{GATEWAY_USER, id};
use crate::world::{Broken, World};

/// How long to wait before a running job is asked for again.
const POLL: TimeDelta = TimeDelta::seconds(20);
/// Rows in a call.
const ROWS: usize = 3;

impl World {
    pub(super) fn send(&mut self, batch: &Batch, state: &mut State) -> Result<(), Broken> {
        let Some(mut orders) = state.calls.pop_front() else {
            state.stage = Stage::ReadBack;
            return Ok(());
        };
        if orders.len() > ROWS {
            let rest = orders.split_off(ROWS);
            state.calls.push_front(rest);
        }
        // A request that could still be under way when others look at the target is never sent.
        let in_time = state
            .until
            .is_some_and(|until| self.now + TimeDelta::seconds(REQUEST + self.setting.unanswered) <= until);
        if !in_time {
            self.met.met("too late to send");
            state
                .answers
                .extend(orders.iter().map(|order| answer(order, WriteOutcome::NotNow, 0)));
            return Ok(());
        }
        let object = object_of(batch)?;
        let work = orders
            .iter()
            .map(|order| self.work_of(order, object, state))
            .collect();
        match self.write_call(batch_lane(batch), object, work)? {
            Wrote::Unknown => {
                self.met.met("write of unknown outcome");
                let unknown = orders.iter().map(|order| answer(order, WriteOutcome::Unknown, 0));
                state.answers.extend(unknown);
            }
            Wrote::NotSent => {
                let later = orders
                    .iter()
                    .map(|order| answer(order, WriteOutcome::NotNow, 429));
                state.answers.extend(later);
            }
            Wrote::Answer(None) => {
                self.met.met("call refused as a whole");
                let other = orders.split_off(orders.len() / 2);
                state.calls.push_front(other);
                state.calls.push_front(orders);
            }
            Wrote::Answer(Some(done)) => self.take_results(orders, &done, state),
        }
        Ok(())
    }

    fn take_results(&mut self, orders: Vec<Order>, done: &[Done], state: &mut State) {
        let alone = orders.len() == 1;
        for (order, done) in orders.into_iter().zip(done) {
            match done {
                Err(refusal) if refusal.code == "UNABLE_TO_LOCK_ROW" && !alone => {
                    self.met.met("locked row tried alone");
                    state.serially = true;
                    state.calls.push_back(vec![order]);
                }
                done => {
                    let outcome = self.outcome(done);
                    state.answers.push(answer(&order, outcome, 200));
                }
            }
        }
    }

    fn outcome(&mut self, done: &Done) -> WriteOutcome {
        match done {
            Ok(id) => WriteOutcome::Stored { salesforce_id: *id },
            Err(refusal) => {
                self.met.met(&format!("row refused {}", refusal.code));
                match refusal.code {
                    "UNABLE_TO_LOCK_ROW" | "ENTITY_IS_DELETED" => WriteOutcome::NotNow,
                    code => WriteOutcome::Refused {
                        code: code.to_owned(),
                        message: refusal.message.clone(),
                        fields: refusal.fields.clone(),
                        advice: String::new(),
                    },
                }
            }
        }
    }

    pub(super) fn open_job(&mut self, batch: &Batch, state: &mut State) -> Result<(), Broken> {
        let object = object_of(batch)?;
        let Some((_, orders)) = state.job.take() else {
            state.stage = Stage::ReadBack;
            return Ok(());
        };
        match self.change_call(batch_lane(batch), |org| org.open_job(object))? {
            Wrote::Answer(job) => {
                let at = self.now;
                let until = at + TimeDelta::seconds(REQUEST + MARGIN + self.setting.unanswered);
                let lease_until = at + TimeDelta::seconds(LEASE);
                let held = self.unit("note the job", |tx| {
                    outgoing::note_job(tx, batch, &orders, &job, until, lease_until, at)
                })?;
                state.until = Some(until);
                let orders = orders
                    .into_iter()
                    .filter(|order| held.contains(&order.claim))
                    .collect();
                state.job = Some((job, orders));
                state.stage = Stage::Upload;
            }
            _ => {
                let later = orders.iter().map(|order| answer(order, WriteOutcome::NotNow, 0));
                state.answers.extend(later);
                state.stage = Stage::ReadBack;
            }
        }
        Ok(())
    }

    pub(super) fn upload(&mut self, batch: &Batch, state: &mut State) -> Result<(), Broken> {
        let object = object_of(batch)?;
        let Some((job, orders)) = state.job.take() else {
            state.stage = Stage::ReadBack;
            return Ok(());
        };
        let in_time = state
            .until
            .is_some_and(|until| self.now + TimeDelta::seconds(REQUEST + self.setting.unanswered) <= until);
        let work: Vec<Work> = orders
            .iter()
            .map(|order| self.work_of(order, object, state))
            .collect();
        let takes = self.dice.between(1, 400);
        let sent = if in_time {
            self.check_one_write(&work)?;
            self.change_call(batch_lane(batch), |org| org.upload(&job, work, takes))?
        } else {
            Wrote::NotSent
        };
        match sent {
            Wrote::Answer(()) => {
                self.met.met("job uploaded");
                state.job = Some((job, orders));
                state.stage = Stage::Poll;
            }
            Wrote::Unknown | Wrote::NotSent => {
                let unknown = orders.iter().map(|order| answer(order, WriteOutcome::Unknown, 0));
                state.answers.extend(unknown);
                state.stage = Stage::ReadBack;
            }
        }
        Ok(())
    }

    pub(super) fn poll(&mut self, batch: &Batch, state: &mut State) -> Result<(), Broken> {
        let Some((job, orders)) = state.job.take() else {
            state.stage = Stage::ReadBack;
            return Ok(());
        };
        let lease_until = self.now + TimeDelta::seconds(LEASE);
        let claims: Vec<_> = orders.iter().map(|order| order.claim.clone()).collect();
        self.unit("extend", |tx| tx.extend_outgoing(&claims, lease_until))?;
        let seen = self.read_call(batch_lane(batch), |org| org.job(&job))?;
        match seen {
            Some(JobState::Complete(rows)) => {
                self.met.met("job complete");
                for (order, row) in orders.iter().zip(rows) {
                    let outcome = row.map_or(WriteOutcome::Unknown, |done| self.outcome(&done));
                    state.answers.push(answer(order, outcome, 200));
                }
                state.stage = Stage::ReadBack;
            }
            Some(JobState::Aborted | JobState::Unknown) => {
                let unknown = orders.iter().map(|order| answer(order, WriteOutcome::Unknown, 0));
                state.answers.extend(unknown);
                state.stage = Stage::ReadBack;
            }
            Some(JobState::Running | JobState::Open) | None => {
                state.poll_at = Some(self.now + POLL);
                state.job = Some((job, orders));
            }
        }
        Ok(())
    }

    pub(super) fn read_back(&mut self, batch: &Batch, state: &mut State) -> Result<(), Broken> {
        state.stage = Stage::Settle;
        let stored: Vec<SalesforceId> = state
            .answers
            .iter()
            .filter_map(|answer| shown_by(answer, state))
            .collect();
        if stored.is_empty() {
            return Ok(());
        }
        let Some(found) = self.read_by_id(batch_lane(batch), plan_of(batch), &stored)? else {
            self.met.met("what was stored could not be read back");
            return Ok(());
        };
        let mut targets: BTreeMap<SalesforceId, Target> = BTreeMap::new();
        for incoming in found.news {
            let target = match incoming {
                Incoming::Present(snapshot) => Target::Present(snapshot),
                Incoming::Deleted {
                    salesforce_id,
                    version,
                    merged,
                    ..
                } => Target::Deleted {
                    salesforce_id,
                    version,
                    merged,
                },
            };
            let id = match &target {
                Target::Present(snapshot) => snapshot.salesforce_id,
                Target::Deleted { salesforce_id, .. } => *salesforce_id,
                _ => continue,
            };
            targets.insert(id, target);
        }
        for id in found.out_of_sight {
            targets.insert(id, Target::OutOfSight);
        }
        let mut answers = std::mem::take(&mut state.answers);
        for answer in &mut answers {
            let shown = shown_by(answer, state).and_then(|id| targets.get(&id).cloned());
            if shown.is_some() && matches!(answer.outcome, WriteOutcome::Refused { .. }) {
                self.met.met("refused write read back");
            }
            answer.read_back = shown;
        }
        state.answers = answers;
        Ok(())
    }

    fn work_of(&self, order: &Order, object: Object, state: &State) -> Work {
        let save = save_of(order, object, state);
        match (order.kind, order.salesforce_id, &order.external_id) {
            (WriteKind::Update, Some(id), _) => Work::Update { id, save },
            (WriteKind::Delete, Some(id), _) => Work::Delete { id },
            (_, _, Some(external)) => Work::Upsert {
                external: external.clone(),
                save,
                owner: id(GATEWAY_USER),
            },
            _ => Work::Insert {
                label: self.label(order.claim.link),
                save,
                owner: id(GATEWAY_USER),
            },
        }
    }

    /// The external id that a link's record would have.
    pub fn label(&self, link: LinkId) -> String {
        let links = self.store.all_links(self.connection);
        let linked = links.into_iter().find(|linked| linked.link.id == link);
        linked
            .and_then(|linked| Some((linked.link.record?, linked.link.outgoing.generation)))
            .map(|(record, generation)| MappingPlan::external_id_of(self.connection, record, generation))
            .unwrap_or_default()
    }
}

/// The record that is read after a write: what was stored, or what a refused write left as it was.
fn shown_by(answer: &Answer, state: &State) -> Option<SalesforceId> {
    match &answer.outcome {
        WriteOutcome::Stored { salesforce_id } => Some(*salesforce_id),
        WriteOutcome::Refused { .. } => state.written.get(&answer.claim.link).copied(),
        WriteOutcome::NotNow | WriteOutcome::Unknown => None,
    }
}

fn answer(order: &Order, outcome: WriteOutcome, status: u16) -> Answer {
    Answer {
        claim: order.claim.clone(),
        outcome,
        read_back: None,
        status,
    }
}

fn save_of(order: &Order, object: Object, state: &State) -> Save {
    let mut save = Save {
        values: Values::new(),
        owner: None,
        read_at: state.read_at,
    };
    for (name, value) in &order.values {
        match (name.as_str(), value) {
            ("OwnerId", FieldValue::Reference(owner)) => save.owner = Some(*owner),
            (name, value) => {
                if let Some(field) = object.field(name) {
                    save.values.insert(field.name, value_of(value));
                }
            }
        }
    }
    save
}

fn value_of(value: &FieldValue) -> Value {
    match value {
        FieldValue::Text(text) => Value::Text(text.clone()),
        FieldValue::Number(number) => Value::Number(*number),
        FieldValue::Reference(id) => Value::Reference(*id),
        _ => Value::Null,
    }
}
