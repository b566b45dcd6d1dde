//! Triggers: whoever holds the org fires them, the program sees them through `Trigger` (Apex Developer Guide,
//! "Trigger Context Variables").

use std::rc::Rc;
use std::sync::Arc;

use super::value::{RecordObject, Value};
use super::{Interrupt, Machine, Run};
use crate::types::Type;

/// When triggers run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum TriggerEvent {
    /// `before insert`
    BeforeInsert,
    /// `before update`
    BeforeUpdate,
    /// `before delete`
    BeforeDelete,
    /// `after insert`
    AfterInsert,
    /// `after update`
    AfterUpdate,
    /// `after delete`
    AfterDelete,
    /// `after undelete`
    AfterUndelete,
}

impl TriggerEvent {
    /// As a trigger's declaration writes it.
    pub fn written(self) -> &'static str {
        match self {
            Self::BeforeInsert => "before insert",
            Self::BeforeUpdate => "before update",
            Self::BeforeDelete => "before delete",
            Self::AfterInsert => "after insert",
            Self::AfterUpdate => "after update",
            Self::AfterDelete => "after delete",
            Self::AfterUndelete => "after undelete",
        }
    }

    /// As error messages write it: `execution of BeforeInsert`.
    pub fn name(self) -> &'static str {
        match self {
            Self::BeforeInsert => "BeforeInsert",
            Self::BeforeUpdate => "BeforeUpdate",
            Self::BeforeDelete => "BeforeDelete",
            Self::AfterInsert => "AfterInsert",
            Self::AfterUpdate => "AfterUpdate",
            Self::AfterDelete => "AfterDelete",
            Self::AfterUndelete => "AfterUndelete",
        }
    }

    /// The constant of `System.TriggerOperation`.
    pub fn operation(self) -> String {
        self.written().replace(' ', "_").to_ascii_uppercase()
    }

    /// Whether it comes before the save.
    pub fn is_before(self) -> bool {
        matches!(self, Self::BeforeInsert | Self::BeforeUpdate | Self::BeforeDelete)
    }

    /// Whether `Trigger.new` holds records that have ids.
    fn has_new_map(self) -> bool {
        matches!(
            self,
            Self::BeforeUpdate | Self::AfterInsert | Self::AfterUpdate | Self::AfterUndelete
        )
    }
}

/// What a running trigger sees.
#[derive(Debug, Clone)]
pub(crate) struct TriggerContext {
    pub(crate) event: TriggerEvent,
    pub(crate) size: usize,
    pub(crate) new: Value,
    pub(crate) old: Value,
    pub(crate) new_map: Value,
    pub(crate) old_map: Value,
}

/// What `EventBus.TriggerContext` knows.
#[derive(Debug, Clone, Default)]
pub struct EventDelivery {
    /// How often the events came before.
    pub retries: u32,
    /// What the trigger asked for another delivery with, the last time.
    pub last_error: Option<Arc<str>>,
}

/// A trigger that did not come to its end.
#[derive(Debug, Clone)]
pub struct TriggerFailure {
    /// Its name.
    pub trigger: Arc<str>,
    /// What ended it.
    pub interrupt: Interrupt,
}

impl Machine<'_> {
    /// Runs the triggers of an object at an event over at most 200 records: `new` for all but deletes, `old`
    /// for updates and deletes, in the same order. The records must be the trigger's own, never those that the
    /// program handed to DML: what a before trigger sets shows in `new`, what `addError` says in
    /// [`RecordObject::errors`] of `new`, of a delete in those of `old`.
    pub fn fire(
        &mut self,
        object: &str,
        event: TriggerEvent,
        new: Option<&[Rc<RecordObject>]>,
        old: Option<&[Rc<RecordObject>]>,
    ) -> Result<(), TriggerFailure> {
        let program = self.program;
        let triggers = program.triggers_for(object, event.written());
        let Some(first) = triggers.first() else {
            return Ok(());
        };
        let fail = |interrupt| TriggerFailure {
            trigger: Arc::clone(&first.name),
            interrupt,
        };
        self.note_saved(&first.object, event, new, old);
        let record = Type::Record(Arc::clone(&first.object));
        let list = |records: Option<&[Rc<RecordObject>]>| match records {
            Some(records) => Value::list(
                record.clone(),
                records.iter().map(|r| Value::Record(Rc::clone(r))).collect(),
            ),
            None => Value::Null,
        };
        let context = TriggerContext {
            event,
            size: new.or(old).map_or(0, <[_]>::len),
            new: list(new),
            old: list(old),
            new_map: self
                // Platform events have no ids to be found by.
                .by_id(
                    &record,
                    new.filter(|_| event.has_new_map() && !first.object.ends_with("__e")),
                )
                .map_err(fail)?,
            old_map: self.by_id(&record, old).map_err(fail)?,
        };
        // After the save nothing may be changed, and what was before it never.
        let frozen: Vec<_> = old
            .into_iter()
            .chain(new.filter(|_| !event.is_before()))
            .flatten()
            .collect();
        for record in &frozen {
            record.read_only.set(true);
        }
        self.triggers.push(Rc::new(context));
        let depth = self.calls.len();
        let mut result = Ok(());
        for trigger in triggers {
            if let Err(interrupt) = self.invoke(trigger.method, Value::Null, Vec::new()) {
                self.calls.truncate(depth);
                result = Err(TriggerFailure {
                    trigger: Arc::clone(&trigger.name),
                    interrupt,
                });
                break;
            }
        }
        self.triggers.pop();
        for record in frozen {
            record.read_only.set(false);
        }
        result
    }

    /// How many triggers run inside each other.
    pub fn trigger_depth(&self) -> usize {
        self.triggers.len()
    }

    fn by_id(&mut self, record: &Type, records: Option<&[Rc<RecordObject>]>) -> Run<Value> {
        let Some(records) = records else {
            return Ok(Value::Null);
        };
        let map = self.new_collection(&Type::map(Type::Id, record.clone()), None)?;
        let records: Vec<_> = records.iter().map(|r| Value::Record(Rc::clone(r))).collect();
        self.put_records(&map, &records)?;
        Ok(map)
    }
}
