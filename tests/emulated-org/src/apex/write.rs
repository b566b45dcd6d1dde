//! Saves with triggers: chunks of 200, partial success with triggers that fire again, and what they throw.
//!
//! Source: Apex Developer Guide, Triggers and Order of Execution, Bulk DML Exception Handling, Triggers and Merge
//! Statements, Operations That Don't Invoke Triggers.

use std::rc::Rc;
use std::sync::Arc;

use apex_runtime::Value as Apex;
use apex_runtime::run::trigger::TriggerEvent;
use apex_runtime::run::value::RecordObject;
use apex_runtime::run::{FatalKind, Interrupt, Machine};

use super::session::{Rights, Session};
use super::values::{self, Names};
use crate::data::{Draft, Operation, Outcome, Prepared, Refusal, Row, SaveError, Transaction, locked_by};
use crate::id::RecordId;
use crate::schema::Object;
use crate::value::Value;

/// Apex Developer Guide, Execution Governors and Limits: trigger chunks, and the stack depth of recursive triggers.
const CHUNK: usize = 200;
const MAXIMUM_DEPTH: usize = 16;
/// Apex Developer Guide, Bulk DML Exception Handling.
const ATTEMPTS: usize = 3;

/// One row of a save on its way.
pub(super) struct Line {
    pub(super) prepared: Option<Prepared>,
    pub(super) outcome: Option<Outcome>,
    /// The record as triggers have it, for what is made and changed.
    pub(super) record: Option<Rc<RecordObject>>,
}

/// What a line does to triggers.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Insert,
    Update,
    Delete,
    Undelete,
    Other,
}

impl Session<'_> {
    /// Writes several records as one operation, triggers and all. The error is what ends the program.
    pub(super) fn save_all(
        &self,
        machine: &mut Machine<'_>,
        operations: Vec<Result<Operation, SaveError>>,
        all_or_none: bool,
        rights: Rights,
    ) -> Result<Vec<Outcome>, Interrupt> {
        let start = self.mark();
        let operations = Transaction::refuse_repetitions(operations);
        let mut outcomes: Vec<Outcome> = Vec::with_capacity(operations.len());
        let mut rest = operations.into_iter().peekable();
        while rest.peek().is_some() {
            let chunk: Vec<_> = rest.by_ref().take(CHUNK).collect();
            outcomes.extend(self.save_chunk(machine, chunk, all_or_none, rights)?);
            if all_or_none && outcomes.iter().any(Result::is_err) {
                break;
            }
        }
        if all_or_none && outcomes.iter().any(Result::is_err) {
            self.roll_back_to(start);
            for outcome in &mut outcomes {
                if outcome.is_ok() {
                    *outcome = Err(SaveError::rolled_back().into());
                }
            }
            outcomes.extend(rest.map(|_| Err(SaveError::rolled_back().into())));
        }
        Ok(outcomes)
    }

    fn save_chunk(
        &self,
        machine: &mut Machine<'_>,
        operations: Vec<Result<Operation, SaveError>>,
        all_or_none: bool,
        rights: Rights,
    ) -> Result<Vec<Outcome>, Interrupt> {
        let mut refused: Vec<Option<Refusal>> = vec![None; operations.len()];
        // Limits count from here again in later attempts; statics stay.
        let limits = machine.limits.clone();
        let start = self.mark();
        for attempt in 1..=ATTEMPTS {
            let lines = self.attempt(machine, &operations, &refused, rights)?;
            let news = lines
                .iter()
                .zip(&refused)
                .any(|(line, refused)| refused.is_none() && matches!(line.outcome, Some(Err(_))));
            let fired = self.any_triggers(operations.iter().flatten());
            if !news || all_or_none || !fired {
                return Ok(lines
                    .into_iter()
                    .zip(refused)
                    .map(|(line, refused)| match refused {
                        Some(refusal) => Err(refusal),
                        None => line.outcome.unwrap_or(Err(Refusal::NoMatch)),
                    })
                    .collect());
            }
            self.roll_back_to(start);
            machine.limits = limits.clone();
            for (line, refused) in lines.into_iter().zip(&mut refused) {
                if let (Some(Err(refusal)), None) = (line.outcome, &refused) {
                    *refused = Some(refusal);
                }
            }
            if attempt == ATTEMPTS {
                break;
            }
        }
        let words = "Too many batch retries in the presence of Apex triggers and partial failures.";
        let error = SaveError::new("CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY", words);
        Ok(refused
            .into_iter()
            .map(|refusal| Err(refusal.unwrap_or_else(|| error.clone().into())))
            .collect())
    }

    /// Runs all rows that are not refused yet through a save.
    fn attempt(
        &self,
        machine: &mut Machine<'_>,
        operations: &[Result<Operation, SaveError>],
        refused: &[Option<Refusal>],
        rights: Rights,
    ) -> Result<Vec<Line>, Interrupt> {
        let mut lines: Vec<Line> = operations
            .iter()
            .zip(refused)
            .map(|(operation, refused)| self.line(operation, refused.as_ref(), rights))
            .collect();
        // Rows of one object and one kind of change share their triggers.
        let mut groups: Vec<(Arc<Object>, Kind, Vec<usize>)> = Vec::new();
        for (at, line) in lines.iter().enumerate() {
            let Some(prepared) = &line.prepared else { continue };
            let (object, kind) = self.kind_of(&prepared.operation);
            let known = groups
                .iter_mut()
                .find(|(o, k, _)| o.name == object.name && *k == kind);
            match known {
                Some((_, _, members)) => members.push(at),
                None => groups.push((object, kind, vec![at])),
            }
        }
        for (object, kind, members) in groups {
            self.group(machine, &object, kind, &members, &mut lines)?;
        }
        Ok(lines)
    }

    pub(super) fn line(
        &self,
        operation: &Result<Operation, SaveError>,
        refused: Option<&Refusal>,
        rights: Rights,
    ) -> Line {
        let mut line = Line {
            prepared: None,
            outcome: None,
            record: None,
        };
        if refused.is_some() {
            return line;
        }
        let prepared = match operation {
            Ok(operation) => self
                .lock(operation)
                .map_err(Refusal::from)
                .and_then(|()| self.write(rights, |transaction| transaction.prepare(operation.clone()))),
            Err(error) => Err(error.clone().into()),
        };
        match prepared {
            Ok(prepared) => line.prepared = Some(prepared),
            Err(refusal) => line.outcome = Some(Err(refusal)),
        }
        line
    }

    fn lock(&self, operation: &Operation) -> Result<(), SaveError> {
        let rows = self.read(|data| locked_by(data, operation));
        let mut claim = self.claim.borrow_mut();
        // What the save has locked is not refused later, and does not count twice against bad luck.
        if claim.holds(&rows) {
            return Ok(());
        }
        claim.take(rows, false)
    }

    fn kind_of(&self, operation: &Operation) -> (Arc<Object>, Kind) {
        match operation {
            Operation::Create { object, .. } => (Arc::clone(object), Kind::Insert),
            Operation::Update { object, .. } => (Arc::clone(object), Kind::Update),
            Operation::Delete { object, .. } => (Arc::clone(object), Kind::Delete),
            // What lies in the bin already was deleted before.
            Operation::HardDelete { object, .. } => (Arc::clone(object), Kind::Delete),
            Operation::Undelete { object, .. } => (Arc::clone(object), Kind::Undelete),
            Operation::Merge { object, .. } | Operation::Upsert { object, .. } => {
                (Arc::clone(object), Kind::Other)
            }
            Operation::ConvertLead { .. } => {
                let lead = self.schema.object("Lead").cloned();
                (lead.unwrap_or_default(), Kind::Other)
            }
        }
    }

    /// Whether a trigger runs for one of these operations.
    fn any_triggers<'a>(&self, mut operations: impl Iterator<Item = &'a Operation>) -> bool {
        operations.any(|operation| super::has_triggers(self.installed, operation))
    }

    pub(super) fn group(
        &self,
        machine: &mut Machine<'_>,
        object: &Arc<Object>,
        kind: Kind,
        members: &[usize],
        lines: &mut [Line],
    ) -> Result<(), Interrupt> {
        let (before, after) = match kind {
            Kind::Insert => (Some(TriggerEvent::BeforeInsert), TriggerEvent::AfterInsert),
            Kind::Update => (Some(TriggerEvent::BeforeUpdate), TriggerEvent::AfterUpdate),
            Kind::Delete => (Some(TriggerEvent::BeforeDelete), TriggerEvent::AfterDelete),
            Kind::Undelete => (None, TriggerEvent::AfterUndelete),
            Kind::Other => {
                for at in members {
                    let Some(line) = lines.get_mut(*at) else { continue };
                    line.outcome = Some(self.store_other(machine, line.prepared.as_ref())?);
                }
                return Ok(());
            }
        };
        let program = &*self.installed.program;
        let names = Names::of(object, program);
        let has = |event: TriggerEvent| !program.triggers_for(&object.name, event.written()).is_empty();
        if let Some(event) = before.filter(|event| has(*event)) {
            self.before(machine, (object, &names), event, members, lines)?;
        }
        for at in members {
            let Some(line) = lines.get_mut(*at) else { continue };
            if let (None, Some(prepared)) = (&line.outcome, &line.prepared) {
                let operation = prepared.operation.clone();
                line.outcome = Some(self.write(Rights::System, |transaction| transaction.store(operation)));
            }
        }
        if has(after) {
            self.after(machine, (object, &names), after, members, lines)?;
        }
        Ok(())
    }

    pub(super) fn before(
        &self,
        machine: &mut Machine<'_>,
        (object, names): (&Arc<Object>, &Names),
        event: TriggerEvent,
        members: &[usize],
        lines: &mut [Line],
    ) -> Result<(), Interrupt> {
        let deletes = event == TriggerEvent::BeforeDelete;
        let mut shown = Vec::new();
        let (mut new, mut old) = (Vec::new(), Vec::new());
        for at in members {
            let Some(line) = lines.get_mut(*at) else { continue };
            let (None, Some(prepared)) = (&line.outcome, &line.prepared) else {
                continue;
            };
            let before = prepared
                .before
                .as_ref()
                .map(|row| self.record_of(object, names, row));
            if deletes {
                let Some(before) = before else { continue };
                line.record = Some(Rc::clone(&before));
                shown.push((*at, Vec::new()));
                old.push(before);
                continue;
            }
            let record = values::record_of_values(object, names, &prepared.proposed);
            if let Operation::Update { id, .. } = &prepared.operation {
                record
                    .fields
                    .borrow_mut()
                    .insert("Id".into(), Apex::Id(id.as_str().into()));
            }
            let as_handed: Vec<_> = record
                .fields
                .borrow()
                .iter()
                .map(|(n, v)| (Arc::clone(n), v.clone()))
                .collect();
            shown.push((*at, as_handed));
            line.record = Some(Rc::clone(&record));
            new.push(record);
            old.extend(before);
        }
        if shown.is_empty() {
            return Ok(());
        }
        if let Some(thrown) = self.run(machine, object, event, (&new, &old))? {
            refuse_all(shown.iter().map(|(at, _)| *at), lines, &thrown);
            return Ok(());
        }
        for (at, as_handed) in shown {
            let Some(line) = lines.get_mut(at) else { continue };
            let Some(record) = &line.record else { continue };
            if let Some(refusal) = added_errors(record) {
                line.outcome = Some(Err(refusal));
                continue;
            }
            if deletes {
                continue;
            }
            let Some(prepared) = &mut line.prepared else {
                continue;
            };
            if let Operation::Create { draft, .. } | Operation::Update { draft, .. } = &mut prepared.operation
            {
                match values::changes(object, names, &as_handed, record) {
                    Ok(changed) => overlay(draft, changed),
                    Err(field) => {
                        let message = format!("Illegal value for field: {field}");
                        let error = SaveError::of_field("INVALID_TYPE_ON_FIELD_IN_RECORD", &field, message);
                        line.outcome = Some(Err(error.into()));
                    }
                }
            }
        }
        Ok(())
    }

    pub(super) fn after(
        &self,
        machine: &mut Machine<'_>,
        (object, names): (&Arc<Object>, &Names),
        event: TriggerEvent,
        members: &[usize],
        lines: &mut [Line],
    ) -> Result<(), Interrupt> {
        let deletes = event == TriggerEvent::AfterDelete;
        let mut shown = Vec::new();
        let (mut new, mut old) = (Vec::new(), Vec::new());
        for at in members {
            let Some(line) = lines.get_mut(*at) else { continue };
            let (Some(Ok(saved)), Some(prepared)) = (&line.outcome, &line.prepared) else {
                continue;
            };
            let before = prepared
                .before
                .as_ref()
                .map(|row| self.record_of(object, names, row));
            let record = if deletes {
                // The losers of a merge name their master (Apex Developer Guide, Triggers and Merge Statements).
                if let (Some(before), Some(master)) = (&before, self.master_of(object, saved.id)) {
                    before.fields.borrow_mut().insert("MasterRecordId".into(), master);
                }
                before.clone()
            } else {
                let row = self.read(|data| data.table(&object.name)?.shared(&saved.id).cloned());
                row.map(|row| self.record_of(object, names, &row))
            };
            let Some(record) = record else { continue };
            line.record = Some(Rc::clone(&record));
            shown.push(*at);
            if deletes {
                old.push(record);
            } else {
                new.push(record);
                old.extend(before);
            }
        }
        if shown.is_empty() {
            return Ok(());
        }
        if let Some(thrown) = self.run(machine, object, event, (&new, &old))? {
            refuse_all(shown.into_iter(), lines, &thrown);
            return Ok(());
        }
        for at in shown {
            let Some(line) = lines.get_mut(at) else { continue };
            if let Some(refusal) = line.record.as_ref().and_then(|record| added_errors(record)) {
                line.outcome = Some(Err(refusal));
            }
        }
        Ok(())
    }

    fn master_of(&self, object: &Object, id: RecordId) -> Option<Apex> {
        let (position, field) = object.field("MasterRecordId")?;
        self.read(|data| {
            let master = data.table(&object.name)?.get(&id)?.get(position);
            (!master.is_null()).then(|| values::to_apex(master, field.kind))
        })
    }

    fn record_of(&self, object: &Object, names: &Names, row: &Arc<Row>) -> Rc<RecordObject> {
        self.read(|data| values::record_of_row(object, names, row, data))
    }

    /// Runs the triggers of one event; what one throws refuses the whole chunk.
    fn run(
        &self,
        machine: &mut Machine<'_>,
        object: &Object,
        event: TriggerEvent,
        (new, old): (&[Rc<RecordObject>], &[Rc<RecordObject>]),
    ) -> Result<Option<SaveError>, Interrupt> {
        const CODE: &str = "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY";
        if machine.trigger_depth() >= MAXIMUM_DEPTH {
            let message = format!("{}: maximum trigger depth exceeded", object.name);
            return Ok(Some(SaveError::new(CODE, message)));
        }
        let some = |records: &[Rc<RecordObject>]| !records.is_empty();
        let ended = machine.fire(
            &object.name,
            event,
            Some(new).filter(|records| some(records)),
            Some(old).filter(|records| some(records)),
        );
        let Err(failed) = ended else { return Ok(None) };
        if !matches!(failed.interrupt, Interrupt::Exception(_)) {
            return Err(failed.interrupt);
        }
        let failure = apex_runtime::Failure::of(machine, &failed.interrupt);
        let message = format!(
            "{}: execution of {}\n\ncaused by: {}\n\n{}",
            failed.trigger,
            event.name(),
            failure.message,
            failure.stack
        );
        Ok(Some(SaveError::new(CODE, message)))
    }
}

fn refuse_all(members: impl Iterator<Item = usize>, lines: &mut [Line], error: &SaveError) {
    for at in members {
        if let Some(line) = lines.get_mut(at) {
            line.outcome = Some(Err(error.clone().into()));
        }
    }
}

fn overlay(draft: &mut Draft, changed: Vec<(usize, Value)>) {
    for (position, value) in changed {
        draft.values.retain(|(known, _)| *known != position);
        draft.values.push((position, value));
    }
}

/// What `addError` said about a record.
fn added_errors(record: &RecordObject) -> Option<Refusal> {
    let errors = record.errors.borrow();
    let all = errors.iter().map(|error| SaveError {
        code: "FIELD_CUSTOM_VALIDATION_EXCEPTION",
        message: error.message.to_string(),
        fields: error.field.iter().map(ToString::to_string).collect(),
    });
    (!errors.is_empty()).then(|| Refusal::Invalid(all.collect()))
}

/// What ends a save from outside where a program cannot go on: a governor limit, or what is not supported.
pub(super) fn fatal_error(interrupt: &Interrupt, machine: &Machine<'_>) -> SaveError {
    let failure = apex_runtime::Failure::of(machine, interrupt);
    let is_limit = matches!(interrupt, Interrupt::Fatal(fatal) if fatal.kind == FatalKind::Limit);
    let message = if is_limit {
        format!("{}\n\n{}", failure.message, failure.stack)
    } else {
        failure.message
    };
    SaveError::new("CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY", message)
}
