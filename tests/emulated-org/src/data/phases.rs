//! A save in the phases between which triggers run.
//!
//! Source: Apex Developer Guide, Triggers and Order of Execution: the record's new values are loaded and checked
//! for access, before-save flows and before triggers change them, then they are validated and stored, then after
//! triggers run. Without triggers a save is one step, [`Transaction::save`].

use std::sync::Arc;

use super::draft::{Draft, Fields};
use super::operation::Operation;
use super::outcome::{Outcome, Refusal, SaveError};
use super::record_type_picklists;
use super::references;
use super::row::Row;
use super::rules::Mentions;
use super::undo::UndoLog;
use super::validate::storable;
use super::write::{Transaction, given_positions};
use crate::automation::Automation;
use crate::data::{Author, Data};
use crate::schema::{Object, Schema};
use crate::value::Value;

/// An operation that was admitted, with what triggers are shown before it is stored.
#[derive(Clone, Debug)]
pub(crate) struct Prepared {
    /// What to store: no upsert, and no parent by external id.
    pub(crate) operation: Operation,
    /// The row as it was.
    pub(crate) before: Option<Arc<Row>>,
    /// The values as they would be.
    pub(crate) proposed: Vec<(usize, Value)>,
}

impl<'a> Transaction<'a> {
    /// Goes on where another left off.
    pub(crate) fn resume(data: &'a mut Data, schema: &'a Schema, author: Author, log: UndoLog) -> Self {
        let mut transaction = Self::begin(data, schema, author);
        transaction.take_up(log);
        transaction
    }

    /// Lets the organisation's rules see every record, but not change it: they did before the triggers.
    pub(crate) fn with_rules_after_triggers(self, automation: &Automation) -> Self {
        let mut transaction = self.with_rules(automation);
        transaction.before_save_done = true;
        transaction
    }

    /// Refuses what mentions a record twice, as [`Transaction::save_all`] does.
    pub(crate) fn refuse_repetitions(
        operations: Vec<Result<Operation, SaveError>>,
    ) -> Vec<Result<Operation, SaveError>> {
        let mut mentions = Mentions::of(operations.iter().flatten());
        operations
            .into_iter()
            .map(|operation| {
                let operation = operation?;
                mentions.refuse_repetition(&operation)?;
                Ok(operation)
            })
            .collect()
    }

    /// Admits an operation and works out what before triggers are shown.
    pub(crate) fn prepare(&mut self, operation: Operation) -> Result<Prepared, Refusal> {
        let operation = self.admit(operation)?;
        self.refuse_person_contact(&operation)?;
        let mut operation = self.settle(operation)?;
        let (before, proposed) = match &mut operation {
            Operation::Create { object, draft } => (None, self.proposed(object, draft, None)?),
            Operation::Update { object, id, draft } => {
                let before = self.live(object, *id)?;
                let mut values = self.proposed(object, draft, Some(&before))?;
                values.extend(before.stamp().iter().cloned());
                (Some(before), values)
            }
            Operation::Delete { object, id } | Operation::HardDelete { object, id } => {
                (self.live(object, *id).ok(), Vec::new())
            }
            _ => (None, Vec::new()),
        };
        Ok(Prepared {
            operation,
            before,
            proposed,
        })
    }

    /// An upsert as what it turns out to be, parents by their ids.
    fn settle(&mut self, operation: Operation) -> Result<Operation, Refusal> {
        let mut operation = match operation {
            Operation::Upsert {
                object,
                key_field,
                key,
                draft,
                update_only,
            } => self.settle_upsert(object, (key_field, key), draft, update_only)?,
            other => other,
        };
        if let Operation::Create { draft, .. } | Operation::Update { draft, .. } = &mut operation {
            for parent in std::mem::take(&mut draft.parents) {
                let id = references::resolve(self.data, &parent)?;
                draft.values.retain(|(position, _)| *position != parent.reference);
                draft.values.push((parent.reference, Value::Id(id)));
            }
        }
        Ok(operation)
    }

    /// The values that a record would have, with what before-save flows make of them; those go into the draft.
    fn proposed(
        &self,
        object: &Arc<Object>,
        draft: &mut Draft,
        before: Option<&Row>,
    ) -> Result<Vec<(usize, Value)>, SaveError> {
        let plan = self.plan(object)?;
        let given = given_positions(draft);
        let mut fields = before.map_or_else(Fields::default, Fields::from_row);
        self.overlay(object, draft, &mut fields)?;
        if before.is_none() {
            record_type_picklists::fill_defaults(object, &given, &mut fields);
            for (position, value) in &plan.defaults {
                if fields.get(*position).is_null() && !given.contains(position) {
                    fields.set(*position, value.clone());
                }
            }
            if let Some(owner) = plan.owner
                && fields.get(owner).is_null()
            {
                fields.set(owner, Value::Id(self.author.user));
            }
        }
        for position in self.run_flows(object, &plan, &mut fields, before)? {
            draft.values.retain(|(known, _)| *known != position);
            draft.values.push((position, fields.get(position).clone()));
        }
        Ok(fields.into_values())
    }

    fn overlay(&self, object: &Object, draft: &Draft, fields: &mut Fields) -> Result<(), SaveError> {
        for (position, value) in &draft.values {
            if let Some(field) = object.fields.get(*position) {
                fields.set(*position, storable(field, value.clone())?);
            }
        }
        Ok(())
    }

    /// Writes in the platform's own name.
    pub(crate) fn as_platform<T>(&mut self, step: impl FnOnce(&mut Self) -> T) -> T {
        let authority = std::mem::replace(&mut self.author.authority, super::Authority::Platform);
        let result = step(self);
        self.author.authority = authority;
        result
    }

    /// Stores what was prepared, wholly or not at all.
    pub(crate) fn store(&mut self, operation: Operation) -> Outcome {
        let access = self.access.take();
        let outcome = self.save(operation);
        self.access = access;
        match self.thrown.take() {
            Some(thrown) => Err(thrown.into()),
            None => outcome,
        }
    }
}
