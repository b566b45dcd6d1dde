//! The audit fields that a write moves.

use std::sync::Arc;

use super::draft::Fields;
use super::plan::Plan;
use super::row::{Row, Stamp};
use super::write::Transaction;
use crate::value::Value;

/// What happened to a row, which decides the audit fields that move.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Touch {
    /// A user changed it.
    Modified,
    /// It went into the recycle bin.
    Deleted,
    /// It came back out of the recycle bin.
    Restored,
    /// Something it refers to went away; nobody edited it.
    System,
}

impl Transaction<'_> {
    /// The audit fields after a change.
    pub(super) fn stamp_of_changed(&self, plan: &Plan, before: &Row, touch: Touch) -> Arc<Stamp> {
        // A transaction that commits late has an early moment; a stamp never goes back.
        let last = plan.system_modstamp.map(|position| before.get(position));
        let now = match last {
            Some(Value::DateTime(last)) if *last > self.author.second() => Value::DateTime(*last),
            _ => Value::DateTime(self.author.second()),
        };
        let moves_stamps = touch != Touch::Restored || !self.data.switches.undelete_keeps_stamps;
        let is_edit = touch != Touch::System || self.data.switches.reparenting_moves_last_modified;
        let user = Value::Id(self.author.user);
        let mut stamp: Vec<(usize, Value)> = before.stamp().to_vec();
        let mut set = |position: Option<usize>, value: Value| {
            if let Some(position) = position {
                stamp.retain(|(known, _)| *known != position);
                stamp.push((position, value));
            }
        };
        if moves_stamps {
            set(plan.system_modstamp, now.clone());
        }
        if moves_stamps && is_edit {
            set(plan.last_modified_date, now);
            set(plan.last_modified_by, user);
        }
        if matches!(touch, Touch::Deleted | Touch::Restored) {
            set(plan.is_deleted, Value::Boolean(touch == Touch::Deleted));
        }
        stamp.into()
    }

    /// The audit fields of a new row; those that the author gave are taken out of `fields`.
    pub(super) fn stamp_of_new(&mut self, plan: &Arc<Plan>, fields: &mut Fields) -> Arc<Stamp> {
        let audit = [
            plan.created_date,
            plan.created_by,
            plan.last_modified_date,
            plan.last_modified_by,
        ];
        let own: Vec<Value> = audit
            .iter()
            .map(|position| position.map_or(Value::Null, |position| fields.take(position)))
            .collect();
        let is_plain = own.iter().all(Value::is_null);
        if is_plain
            && let Some((known, stamp)) = &self.fresh_stamp
            && Arc::ptr_eq(known, plan)
        {
            return Arc::clone(stamp);
        }
        let now = Value::DateTime(self.author.second());
        let user = Value::Id(self.author.user);
        let mut own = own.into_iter();
        let mut next = || own.next().unwrap_or(Value::Null);
        let or = |value: Value, other: &Value| if value.is_null() { other.clone() } else { value };
        let created = or(next(), &now);
        let created_by = or(next(), &user);
        let modified = or(next(), &created);
        let modified_by = or(next(), &created_by);
        let modstamp = if is_plain { now } else { modified.clone() };
        let stamp: Arc<Stamp> = [
            (plan.created_date, created),
            (plan.created_by, created_by),
            (plan.last_modified_date, modified),
            (plan.last_modified_by, modified_by),
            (plan.system_modstamp, modstamp),
            (plan.is_deleted, Value::Boolean(false)),
        ]
        .into_iter()
        .filter_map(|(position, value)| Some((position?, value)))
        .collect();
        if is_plain {
            self.fresh_stamp = Some((Arc::clone(plan), Arc::clone(&stamp)));
        }
        stamp
    }
}
