//! Saving records: by people, by robots, by the gateway.

use causeway_core::Instant;
use causeway_core::id::SalesforceId;
use chrono::TimeDelta;

use crate::org::row::{Actor, Edit, Row, Value, Values};
use crate::org::schema::{Nature, Object};
use crate::org::{Made, OpenTransaction, Org, Refusal, normal};

/// What a save asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Save {
    /// Values to write.
    pub values: Values,
    /// Owner to give.
    pub owner: Option<SalesforceId>,
    /// When the gateway last read the record, where the gateway saves.
    pub read_at: Option<Instant>,
}

impl Save {
    /// A save of values alone, by somebody who looks at the record.
    pub fn of(values: Values) -> Save {
        Save {
            values,
            owner: None,
            read_at: None,
        }
    }
}

/// How a robot marks a title.
pub const MARK: &str = "*";

impl Org {
    /// Makes a record.
    ///
    /// # Errors
    /// What the org refuses.
    pub fn insert(
        &mut self,
        actor: Actor,
        object: Object,
        save: &Save,
        owner: SalesforceId,
        external: Option<&str>,
    ) -> Result<SalesforceId, Refusal> {
        let id = self.new_id(object.prefix());
        let row = Row {
            id,
            object,
            values: Values::new(),
            owner: save.owner.unwrap_or(owner),
            stamp: self.stamp(),
            modified_by: actor,
            external: external.map(str::to_owned),
            gone: None,
            converted: None,
            made_by: actor,
        };
        self.put(actor, row, save, true)?;
        self.lives.insert(id, self.now);
        if let (Some(external), Actor::Gateway) = (external, actor) {
            self.made.push(Made {
                external: external.to_owned(),
                id,
                at: self.now,
                read_at: save.read_at,
                unmarked: false,
            });
        }
        Ok(id)
    }

    /// Changes a record.
    ///
    /// # Errors
    /// What the org refuses.
    pub fn update(&mut self, actor: Actor, id: SalesforceId, save: &Save) -> Result<(), Refusal> {
        let Some(row) = self.rows.get(&id).filter(|row| row.is_live()) else {
            return Err(gone());
        };
        if row.converted.is_some() {
            return Err(Refusal {
                code: "CANNOT_UPDATE_CONVERTED_LEAD",
                message: "cannot reference converted lead".to_owned(),
                fields: Vec::new(),
            });
        }
        self.put(actor, row.clone(), save, false)
    }

    /// Makes or changes the record of an external id.
    ///
    /// # Errors
    /// What the org refuses.
    pub fn upsert(
        &mut self,
        object: Object,
        external: &str,
        save: &Save,
        owner: SalesforceId,
    ) -> Result<(SalesforceId, bool), Refusal> {
        let found = self
            .rows
            .values()
            .find(|row| row.object == object && row.is_live() && row.external.as_deref() == Some(external))
            .map(|row| row.id);
        match found {
            Some(id) => self.update(Actor::Gateway, id, save).map(|()| (id, false)),
            None => self
                .insert(Actor::Gateway, object, save, owner, Some(external))
                .map(|id| (id, true)),
        }
    }

    /// Begins a save by a person that gets its stamp now and commits later.
    pub fn save_late(&mut self, id: SalesforceId, values: Values, for_seconds: i64) {
        let busy = self
            .rows
            .get(&id)
            .is_none_or(|row| !row.is_live() || self.is_locked(row));
        if !busy {
            self.open.push(OpenTransaction {
                commits_at: self.now + TimeDelta::seconds(for_seconds),
                stamp: self.stamp(),
                row: id,
                values,
            });
        }
    }

    pub(super) fn commit(&mut self, transaction: OpenTransaction) {
        let Some(row) = self
            .rows
            .get(&transaction.row)
            .filter(|row| row.is_live())
            .cloned()
        else {
            return;
        };
        // The triggers ran inside the transaction, so what they wrote down has its stamp.
        let now = std::mem::replace(&mut self.now, transaction.stamp.max(row.stamp));
        let saved = self.put_at(Actor::Human, row, &Save::of(transaction.values), false, now);
        self.now = now;
        // What a validation rule refuses was never there.
        drop(saved);
    }

    fn put(&mut self, actor: Actor, row: Row, save: &Save, is_new: bool) -> Result<(), Refusal> {
        self.put_at(actor, row, save, is_new, self.now)
    }

    /// `seen_at` is when others can see it.
    fn put_at(
        &mut self,
        actor: Actor,
        mut row: Row,
        save: &Save,
        is_new: bool,
        seen_at: Instant,
    ) -> Result<(), Refusal> {
        for (field, value) in &save.values {
            let nature = row.object.field(field).map_or(Nature::Text, |field| field.nature);
            row.values
                .insert(field, normal::stored(nature, value, self.automation));
        }
        row.owner = save.owner.unwrap_or(row.owner);
        if actor != Actor::Human && self.is_locked(&row) {
            return Err(Refusal {
                code: "UNABLE_TO_LOCK_ROW",
                message: "unable to obtain exclusive access to this record".to_owned(),
                fields: Vec::new(),
            });
        }
        normal::flows(row.object, &mut row.values, self.automation);
        normal::validate(row.object, &row.values)?;
        if let Some(Value::Reference(parent)) = row.values.get("AccountId")
            && !self.rows.get(parent).is_some_and(Row::is_live)
            && save.values.contains_key("AccountId")
        {
            return Err(Refusal {
                code: "INVALID_CROSS_REFERENCE_KEY",
                message: "invalid cross reference id".to_owned(),
                fields: vec!["AccountId".to_owned()],
            });
        }
        row.stamp = self.stamp();
        row.modified_by = actor;
        if actor != Actor::Gateway {
            self.touched.insert(row.id, row.stamp);
        }
        let changed = self.write_journal(actor, &row, save, is_new, seen_at);
        self.capture(row.id, row.object, changed);
        if self.automation.robot_marks_titles
            && actor != Actor::Robot
            && matches!(row.get("Title"), Value::Text(title) if !title.ends_with(MARK))
        {
            self.robots.push((seen_at + TimeDelta::seconds(7), row.id));
        }
        self.rows.insert(row.id, row);
        Ok(())
    }

    /// Writes down every value that changed or was asked for; answers the fields whose values changed.
    fn write_journal(
        &mut self,
        actor: Actor,
        row: &Row,
        save: &Save,
        is_new: bool,
        seen_at: Instant,
    ) -> Vec<&'static str> {
        let before = self.rows.get(&row.id);
        let mut changed = Vec::new();
        let mut edits = Vec::new();
        let owner = |row: &Row| Value::Reference(row.owner);
        let fields = row
            .object
            .fields()
            .iter()
            .map(|field| field.name)
            .chain(["OwnerId"]);
        for field in fields {
            let value = |row: &Row| match field {
                "OwnerId" => owner(row),
                _ => row.get(field).clone(),
            };
            let stored = value(row);
            let old = before.map(value).unwrap_or(Value::Null);
            let written = match field {
                "OwnerId" => save.owner.map(Value::Reference),
                _ => save.values.get(field).cloned(),
            };
            let moved = stored != old;
            if moved {
                changed.push(field);
            }
            if !(moved || is_new || (actor == Actor::Gateway && written.is_some())) {
                continue;
            }
            let blind = save.read_at.is_some_and(|read_at| {
                self.journal.iter().rev().any(|edit| {
                    edit.row == row.id
                        && edit.field == field
                        && edit.actor != Actor::Gateway
                        && edit.at >= read_at
                })
            });
            edits.push(Edit {
                row: row.id,
                field,
                at: seen_at,
                stamp: row.stamp,
                actor,
                written: written.unwrap_or(Value::Null),
                stored,
                blind,
            });
        }
        self.journal.extend(edits);
        changed
    }

    /// Automation that runs as another user, after the save.
    pub(super) fn run_robot(&mut self, id: SalesforceId) {
        let Some(row) = self
            .rows
            .get(&id)
            .filter(|row| row.is_live() && row.converted.is_none())
        else {
            return;
        };
        let Value::Text(title) = row.get("Title") else {
            return;
        };
        if title.ends_with(MARK) {
            return;
        }
        let marked = Value::Text(format!("{title}{MARK}"));
        let save = Save::of(Values::from([("Title", marked)]));
        if self.update(Actor::Robot, id, &save).is_err() {
            // Locked, or refused: automation is tried again by nobody.
            self.robots.retain(|(_, row)| *row != id);
        }
    }

    /// A formula moves, without a stamp.
    pub fn drift(&mut self, id: SalesforceId, to: i64) {
        let now = self.now;
        if let Some(row) = self.rows.get_mut(&id).filter(|row| row.is_live()) {
            let stored = Value::Number(to.into());
            self.journal.push(Edit {
                row: id,
                field: "Rank__c",
                at: now,
                stamp: row.stamp,
                actor: Actor::Human,
                written: stored.clone(),
                stored: stored.clone(),
                blind: false,
            });
            row.values.insert("Rank__c", stored);
        }
    }

    /// Gives a record another owner, without a trigger.
    pub fn transfer(&mut self, id: SalesforceId, owner: SalesforceId) {
        let stamp = self.stamp();
        let now = self.now;
        if let Some(row) = self
            .rows
            .get_mut(&id)
            .filter(|row| row.is_live() && row.owner != owner)
        {
            row.owner = owner;
            self.touched.insert(id, stamp);
            row.stamp = stamp;
            row.modified_by = Actor::Human;
            self.journal.push(Edit {
                row: id,
                field: "OwnerId",
                at: now,
                stamp,
                actor: Actor::Human,
                written: Value::Reference(owner),
                stored: Value::Reference(owner),
                blind: false,
            });
        }
    }
}

/// What a write to a record that is gone is answered.
pub(super) fn gone() -> Refusal {
    Refusal {
        code: "ENTITY_IS_DELETED",
        message: "entity is deleted".to_owned(),
        fields: Vec::new(),
    }
}
