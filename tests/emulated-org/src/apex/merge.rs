//! Merges with triggers.
//!
//! Source: Apex Developer Guide, Triggers and Merge Statements: the losers are deleted, then the master is updated.

use std::sync::Arc;

use apex_runtime::run::trigger::TriggerEvent;
use apex_runtime::run::{Interrupt, Machine};

use super::session::{Rights, Session};
use super::values::Names;
use super::write::{Kind, Line};
use crate::data::{Draft, Operation, Outcome, Prepared, Refusal, Saved};

impl Session<'_> {
    /// Stores a merge or a lead conversion.
    pub(super) fn store_other(
        &self,
        machine: &mut Machine<'_>,
        prepared: Option<&Prepared>,
    ) -> Result<Outcome, Interrupt> {
        let Some(prepared) = prepared else {
            return Ok(Err(Refusal::NoMatch));
        };
        if let Operation::ConvertLead { lead, conversion } = &prepared.operation
            && super::has_triggers(self.installed, &prepared.operation)
        {
            return self.convert_with_triggers(machine, *lead, conversion);
        }
        let Operation::Merge {
            object,
            master,
            losers,
            draft,
        } = &prepared.operation
        else {
            let operation = prepared.operation.clone();
            return Ok(self.write(Rights::System, |transaction| transaction.store(operation)));
        };
        let start = self.mark();
        let mut lines: Vec<Line> = losers
            .iter()
            .map(|loser| {
                let delete = Operation::Delete {
                    object: Arc::clone(object),
                    id: *loser,
                };
                self.line(&Ok(delete), None, Rights::System)
            })
            .collect();
        let names = Names::of(object, &self.installed.program);
        let members: Vec<usize> = (0..lines.len()).collect();
        let program = &*self.installed.program;
        let has = |event: TriggerEvent| !program.triggers_for(&object.name, event.written()).is_empty();
        if has(TriggerEvent::BeforeDelete) {
            let event = TriggerEvent::BeforeDelete;
            self.before(machine, (object, &names), event, &members, &mut lines)?;
        }
        if let Some(refusal) = refusal_in(&lines) {
            self.roll_back_to(start);
            return Ok(Err(refusal));
        }
        let merge = Operation::Merge {
            object: Arc::clone(object),
            master: *master,
            losers: losers.clone(),
            draft: Draft::default(),
        };
        let merged = self.write(Rights::System, |transaction| transaction.store(merge));
        if merged.is_err() {
            self.roll_back_to(start);
            return Ok(merged);
        }
        for (line, loser) in lines.iter_mut().zip(losers) {
            line.outcome = Some(Ok(Saved {
                id: *loser,
                created: false,
            }));
        }
        if has(TriggerEvent::AfterDelete) {
            let event = TriggerEvent::AfterDelete;
            self.after(machine, (object, &names), event, &members, &mut lines)?;
        }
        if let Some(refusal) = refusal_in(&lines) {
            self.roll_back_to(start);
            return Ok(Err(refusal));
        }
        let update = Operation::Update {
            object: Arc::clone(object),
            id: *master,
            draft: draft.clone(),
        };
        let mut lines = vec![self.line(&Ok(update), None, Rights::System)];
        self.group(machine, object, Kind::Update, &[0], &mut lines)?;
        let outcome = lines
            .pop()
            .and_then(|line| line.outcome)
            .unwrap_or(Err(Refusal::NoMatch));
        if outcome.is_err() {
            self.roll_back_to(start);
        }
        Ok(outcome)
    }
}

fn refusal_in(lines: &[Line]) -> Option<Refusal> {
    lines.iter().find_map(|line| match &line.outcome {
        Some(Err(refusal)) => Some(refusal.clone()),
        _ => None,
    })
}
