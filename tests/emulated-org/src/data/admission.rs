//! Whether an author may do what an operation asks: the one place where writes meet permissions.
//!
//! Source: Salesforce Help, Control Who Sees What; which code stands for which refusal is believed.

use std::sync::Arc;

use super::author::Authority;
use super::draft::Draft;
use super::operation::{Conversion, Operation};
use super::outcome::SaveError;
use super::references;
use super::row::Row;
use super::write::{Transaction, given_positions};
use crate::access::{Access, ObjectRights, RECORD_TYPE_ID, not_for_user};
use crate::id::RecordId;
use crate::schema::{FieldType, Object};
use crate::value::Value;

impl<'a> Transaction<'a> {
    /// Holds every operation against what its author may do.
    #[must_use]
    pub fn with_access(mut self, access: Option<Arc<Access>>) -> Self {
        self.access = access.filter(|_| self.author.authority == Authority::User);
        self
    }

    /// The operation over the whole objects, where it came with a user's view of them, if its author may do it.
    pub(super) fn admit(&self, operation: Operation) -> Result<Operation, SaveError> {
        let mut operation = operation;
        self.see_whole(&mut operation)?;
        let Some(access) = self.access.as_deref() else {
            return Ok(operation);
        };
        let admission = Admission {
            transaction: self,
            access,
        };
        admission.admit(&mut operation)?;
        Ok(operation)
    }

    fn see_whole(&self, operation: &mut Operation) -> Result<(), SaveError> {
        let object = match operation {
            Operation::Create { object, .. }
            | Operation::Update { object, .. }
            | Operation::Upsert { object, .. }
            | Operation::Delete { object, .. }
            | Operation::Undelete { object, .. }
            | Operation::HardDelete { object, .. }
            | Operation::Merge { object, .. } => object,
            Operation::ConvertLead { .. } => return Ok(()),
        };
        if object.is_view {
            let whole = self.schema.object(&object.name);
            *object = Arc::clone(whole.ok_or_else(|| super::write::no_such_object(object))?);
        }
        Ok(())
    }
}

/// An author before a transaction.
struct Admission<'t> {
    transaction: &'t Transaction<'t>,
    access: &'t Access,
}

impl Admission<'_> {
    fn admit(&self, operation: &mut Operation) -> Result<(), SaveError> {
        match operation {
            Operation::Create { object, draft } => self.create(object, draft),
            Operation::Update { object, id, draft } => self.update(object, *id, draft),
            Operation::Upsert {
                object,
                key_field,
                key,
                draft,
                ..
            } => self.upsert(object, *key_field, key, draft),
            Operation::Delete { object, id }
            | Operation::Undelete { object, id }
            | Operation::HardDelete { object, id } => self.delete(object, *id),
            Operation::Merge {
                object,
                master,
                losers,
                draft,
            } => {
                self.update(object, *master, draft)?;
                losers.iter().try_for_each(|loser| self.delete(object, *loser))
            }
            Operation::ConvertLead { lead, conversion } => self.convert(*lead, conversion),
        }
    }

    fn create(&self, object: &Object, draft: &mut Draft) -> Result<(), SaveError> {
        if !self.access.object(object).create {
            if self
                .transaction
                .data
                .switches
                .create_refusals_as_insufficient_access
            {
                return Err(insufficient_rights());
            }
            let message = format!("entity type cannot be inserted: {}", object.label);
            return Err(SaveError::new("CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY", message));
        }
        self.fields(object, draft)?;
        self.references(object, draft, None)?;
        self.record_type(object, draft, None)
    }

    fn update(&self, object: &Object, id: RecordId, draft: &mut Draft) -> Result<(), SaveError> {
        // A record that is not there is refused by the write itself.
        let Some(row) = self.row(object, id).filter(|row| !row.is_deleted()) else {
            return Ok(());
        };
        if !self.access.may_edit(object, row, self.transaction.data)
            || !self.access.sees(object, row, self.transaction.data)
        {
            return Err(insufficient_rights());
        }
        self.fields(object, draft)?;
        self.owner(object, row, draft)?;
        self.references(object, draft, Some(row))?;
        self.record_type(object, draft, Some(row))
    }

    fn upsert(
        &self,
        object: &Object,
        key_field: usize,
        key: &Value,
        draft: &mut Draft,
    ) -> Result<(), SaveError> {
        let table = self.transaction.data.table(&object.name);
        let found = table
            .map(|table| table.holders(key_field, key))
            .unwrap_or_default();
        match found.as_slice() {
            [] => self.create(object, draft),
            [id] => self.update(object, *id, draft),
            // Several matches are the write's to refuse.
            _ => Ok(()),
        }
    }

    fn delete(&self, object: &Object, id: RecordId) -> Result<(), SaveError> {
        let Some(row) = self.row(object, id) else {
            return Ok(());
        };
        let data = &*self.transaction.data;
        let may = self.access.may_delete(object, row, data) && self.access.sees(object, row, data);
        may.then_some(()).ok_or_else(insufficient_rights)
    }

    fn convert(&self, lead: RecordId, conversion: &Conversion) -> Result<(), SaveError> {
        if !self.access.has_permission("ConvertLeads") {
            return Err(insufficient_rights());
        }
        let mut needed: Vec<(&str, Needs)> = vec![("Lead", |rights| rights.edit)];
        if conversion.account.is_none() {
            needed.push(("Account", |rights| rights.create));
        }
        if conversion.contact.is_none() {
            needed.push(("Contact", |rights| rights.create));
        }
        if !conversion.without_opportunity {
            needed.push(("Opportunity", |rights| rights.create));
        }
        for (name, may) in needed {
            let object = self.transaction.schema.object(name);
            if object.is_none_or(|object| !may(self.access.object(object))) {
                return Err(insufficient_rights());
            }
        }
        let existing = [Some(lead), conversion.account, conversion.contact];
        for id in existing.into_iter().flatten() {
            let object = self.transaction.schema.object_by_prefix(id.prefix());
            let found = object.and_then(|object| Some((object, self.row(object, id)?)));
            if let Some((object, row)) = found
                && !self.access.may_edit(object, row, self.transaction.data)
            {
                return Err(insufficient_rights());
            }
        }
        Ok(())
    }

    /// Fields that the author may not set.
    fn fields(&self, object: &Object, draft: &Draft) -> Result<(), SaveError> {
        if self.access.is_unlimited() {
            return Ok(());
        }
        let refused: Vec<String> = given_positions(draft)
            .into_iter()
            .filter_map(|position| object.fields.get(position))
            .filter(|field| !self.access.field(object, field).edit)
            .map(|field| field.name.clone())
            .collect();
        if refused.is_empty() {
            return Ok(());
        }
        Err(super::write::unwritable(refused))
    }

    /// A record goes to another owner only where the author may give it away.
    fn owner(&self, object: &Object, row: &Row, draft: &Draft) -> Result<(), SaveError> {
        let Some((owner, _)) = object.field("OwnerId") else {
            return Ok(());
        };
        let given = draft.values.iter().find(|(position, _)| *position == owner);
        let changes = given.is_some_and(|(_, value)| !value.is_null() && value != row.get(owner));
        if changes && !self.access.may_transfer(object, row, self.transaction.data) {
            return Err(insufficient_rights());
        }
        Ok(())
    }

    /// References that a write sets or changes lead to records that the author sees.
    fn references(&self, object: &Object, draft: &Draft, before: Option<&Row>) -> Result<(), SaveError> {
        if self.access.is_unlimited() {
            return Ok(());
        }
        let by_id = draft.values.iter().filter_map(|(position, value)| match value {
            Value::Id(id) => Some((*position, *id)),
            _ => None,
        });
        let by_key = draft.parents.iter().filter_map(|parent| {
            let id = references::resolve(self.transaction.data, parent).ok()?;
            Some((parent.reference, id))
        });
        for (position, target) in by_id.chain(by_key) {
            let is_reference = object
                .fields
                .get(position)
                .is_some_and(|field| field.kind == FieldType::Reference);
            let is_old = before.is_some_and(|row| row.get(position) == &Value::Id(target));
            if !is_reference || is_old {
                continue;
            }
            let parent = self.transaction.schema.object_by_prefix(target.prefix());
            let found = parent.and_then(|parent| Some((parent, self.row(parent, target)?)));
            if let Some((parent, row)) = found
                && !self.access.sees(parent, row, self.transaction.data)
            {
                return Err(SaveError::new(
                    "INSUFFICIENT_ACCESS_ON_CROSS_REFERENCE_ENTITY",
                    "insufficient access rights on cross-reference id",
                ));
            }
        }
        Ok(())
    }

    /// A record type is one that the author may choose; new records that name none get the author's default.
    fn record_type(&self, object: &Object, draft: &mut Draft, before: Option<&Row>) -> Result<(), SaveError> {
        let Some((position, field)) = object.field(RECORD_TYPE_ID) else {
            return Ok(());
        };
        let given = draft.values.iter().find(|(known, _)| *known == position);
        match given.map(|(_, value)| value) {
            Some(Value::Id(chosen)) => {
                let stays = before.is_some_and(|row| row.get(position) == &Value::Id(*chosen));
                if !stays && !self.access.may_choose(object, *chosen) {
                    return Err(not_for_user(field, *chosen));
                }
            }
            _ if before.is_none() => {
                if let Some(default) = self.access.default_record_type(object) {
                    draft.values.retain(|(known, _)| *known != position);
                    draft.values.push((position, Value::Id(default)));
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn row(&self, object: &Object, id: RecordId) -> Option<&Row> {
        self.transaction.data.table(&object.name)?.get(&id)
    }
}

/// Whether rights on an object suffice for something.
type Needs = fn(ObjectRights) -> bool;

/// The author may not do this with the record.
fn insufficient_rights() -> SaveError {
    SaveError::new(
        "INSUFFICIENT_ACCESS_OR_READONLY",
        "insufficient access rights on object id",
    )
}
