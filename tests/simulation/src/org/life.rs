//! Deleting, undeleting, erasing, merging and converting records.

use causeway_core::id::SalesforceId;

use crate::org::row::{Actor, Became, Edit, Gone, Value, Values};
use crate::org::save::{Save, gone};
use crate::org::schema::Object;
use crate::org::{Org, Refusal};

impl Org {
    /// Deletes a record; children go with it and fire nothing.
    ///
    /// # Errors
    /// What the org refuses.
    pub fn delete(&mut self, actor: Actor, id: SalesforceId) -> Result<(), Refusal> {
        let Some(row) = self.rows.get(&id).filter(|row| row.is_live()) else {
            return Err(gone());
        };
        if actor != Actor::Human && self.is_locked(row) {
            return Err(Refusal {
                code: "UNABLE_TO_LOCK_ROW",
                message: "unable to obtain exclusive access to this record".to_owned(),
                fields: Vec::new(),
            });
        }
        let object = row.object;
        self.open.retain(|transaction| transaction.row != id);
        self.end(actor, id, None, false);
        for child in self.children(id) {
            self.open.retain(|transaction| transaction.row != child);
            self.end(actor, child, None, true);
        }
        self.capture_delete(id, object, None);
        self.gateway_deletes += usize::from(actor == Actor::Gateway);
        Ok(())
    }

    fn end(&mut self, actor: Actor, id: SalesforceId, master: Option<SalesforceId>, cascaded: bool) {
        let stamp = self.stamp();
        if let Some(row) = self.rows.get_mut(&id) {
            row.gone = Some(Gone {
                master,
                erased: false,
                cascaded,
            });
            row.stamp = stamp;
            row.modified_by = actor;
        }
    }

    /// Live children of an account.
    pub fn children(&self, account: SalesforceId) -> Vec<SalesforceId> {
        let rows = self.rows.values();
        let children = rows.filter(|row| row.is_live() && row.parent() == Some(account));
        children.map(|row| row.id).collect()
    }

    /// Brings a record back from the bin, with the children that went with it, which fire nothing.
    pub fn undelete(&mut self, id: SalesforceId) -> bool {
        let stamp = self.stamp();
        let Some(row) = self.rows.get_mut(&id) else {
            return false;
        };
        if !row.gone.is_some_and(|gone| !gone.erased && gone.master.is_none()) {
            return false;
        }
        let taken = row.external.clone();
        let object = row.object;
        row.gone = None;
        row.stamp = stamp;
        row.modified_by = Actor::Human;
        let twin = taken.is_some()
            && self
                .rows
                .values()
                .any(|other| other.id != id && other.is_live() && other.external == taken);
        if twin && let Some(row) = self.rows.get_mut(&id) {
            row.external = None;
        }
        for child in self.rows.values_mut() {
            let with_parent = child.gone.is_some_and(|gone| gone.cascaded && !gone.erased);
            if with_parent && child.values.get("AccountId") == Some(&Value::Reference(id)) {
                child.gone = None;
                self.lives.insert(child.id, stamp);
                self.back.insert(child.id);
                child.stamp = stamp;
                child.modified_by = Actor::Human;
            }
        }
        self.lives.insert(id, stamp);
        self.back.insert(id);
        self.touched.insert(id, stamp);
        self.capture(id, object, Vec::new());
        true
    }

    /// Empties the bin of a record.
    pub fn erase(&mut self, id: SalesforceId) {
        if let Some(gone) = self.rows.get_mut(&id).and_then(|row| row.gone.as_mut()) {
            gone.erased = true;
        }
    }

    /// Merges `loser` into `winner`; children move without a trigger.
    pub fn merge(&mut self, winner: SalesforceId, loser: SalesforceId, kept: Values) -> bool {
        let both = [winner, loser].map(|id| {
            let row = self.rows.get(&id);
            row.filter(|row| row.is_live() && row.converted.is_none() && !self.is_locked(row))
                .map(|row| row.object)
        });
        let [Some(object), Some(other)] = both else {
            return false;
        };
        if object != other || winner == loser {
            return false;
        }
        if self.update(Actor::Human, winner, &Save::of(kept)).is_err() {
            return false;
        }
        let stamp = self.stamp();
        let now = self.now;
        for child in self.children(loser) {
            if let Some(row) = self.rows.get_mut(&child) {
                let parent = Value::Reference(winner);
                self.touched.insert(child, stamp);
                row.values.insert("AccountId", parent.clone());
                row.stamp = stamp;
                row.modified_by = Actor::Human;
                self.journal.push(Edit {
                    row: child,
                    field: "AccountId",
                    at: now,
                    stamp,
                    actor: Actor::Human,
                    written: parent.clone(),
                    stored: parent,
                    blind: false,
                });
            }
        }
        self.end(Actor::Human, loser, Some(winner), false);
        self.capture_delete(loser, object, Some(winner));
        true
    }

    /// Converts a lead into a new account and a new contact. `fires`: whether the new records' triggers run.
    pub fn convert(&mut self, lead: SalesforceId, fires: bool) -> Option<Became> {
        let row = self.rows.get(&lead)?;
        if row.object != Object::Lead || !row.is_live() || row.converted.is_some() || self.is_locked(row) {
            return None;
        }
        let row = row.clone();
        let before = self.captured.len();
        let account = Values::from([("Name", row.get("Company").clone())]);
        let account = self
            .insert(Actor::Human, Object::Account, &Save::of(account), row.owner, None)
            .ok()?;
        let mut contact = Values::from([("AccountId", Value::Reference(account))]);
        for field in ["LastName", "Email", "Title"] {
            contact.insert(field, row.get(field).clone());
        }
        let contact = self
            .insert(Actor::Human, Object::Contact, &Save::of(contact), row.owner, None)
            .ok()?;
        let became = Became { account, contact };
        let stamp = self.stamp();
        if let Some(row) = self.rows.get_mut(&lead) {
            row.converted = Some(became);
            row.stamp = stamp;
            row.modified_by = Actor::Human;
        }
        self.capture(lead, Object::Lead, Vec::new());
        if !fires {
            self.captured.truncate(before);
        }
        Some(became)
    }
}
