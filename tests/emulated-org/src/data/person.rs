//! Person Accounts: an account that is a person, and the contact behind it that holds the same.
//!
//! Source: Object Reference for the Salesforce Platform, Account; SOAP API Developer Guide, Person Account Record Types:
//! the record type decides, `Name` is made of its parts, and the contact is written through its account alone. The
//! codes of the refusals are reported by many, except for the one of the contact, which is believed.

use std::sync::Arc;

use super::draft::{Draft, Fields};
use super::operation::Operation;
use super::outcome::SaveError;
use super::row::Row;
use super::write::{Transaction, given_positions};
use crate::access::RECORD_TYPE_ID;
use crate::id::RecordId;
use crate::schema::{
    FieldType, IS_PERSON_ACCOUNT, IS_PERSON_TYPE, Object, PERSON_CONTACT_ID, name_on_account,
};
use crate::value::Value;

impl Transaction<'_> {
    /// Refuses what is asked of a person's contact itself.
    pub(super) fn refuse_person_contact(&self, operation: &Operation) -> Result<(), SaveError> {
        let (object, ids) = match operation {
            Operation::Update { object, id, .. }
            | Operation::Delete { object, id }
            | Operation::Undelete { object, id }
            | Operation::HardDelete { object, id } => (object, vec![*id]),
            Operation::Upsert {
                object,
                key_field,
                key,
                ..
            } => {
                let table = self.data.table(&object.name);
                let found = table.map(|table| table.holders(*key_field, key));
                (object, found.unwrap_or_default())
            }
            Operation::Merge {
                object,
                master,
                losers,
                ..
            } => (object, losers.iter().chain([master]).copied().collect()),
            Operation::Create { .. } | Operation::ConvertLead { .. } => return Ok(()),
        };
        if object.name != "Contact" {
            return Ok(());
        }
        let Some((flag, _)) = object.field(IS_PERSON_ACCOUNT) else {
            return Ok(());
        };
        let table = self.data.table("Contact");
        let is_person = |id: &RecordId| {
            let row = table.and_then(|table| table.get(id));
            row.is_some_and(|row| row.get(flag) == &Value::Boolean(true))
        };
        if ids.iter().any(is_person) {
            return Err(SaveError::new(
                "INSUFFICIENT_ACCESS_OR_READONLY",
                "the contact of a person account is changed through its account",
            ));
        }
        Ok(())
    }

    /// Whether a draft makes or keeps an account that is a person; its record type is set where only the fields say so.
    ///
    /// # Errors
    /// Fields that this kind of account has not.
    pub(super) fn person_or_business(
        &self,
        object: &Object,
        draft: &mut Draft,
        before: Option<&Row>,
    ) -> Result<bool, SaveError> {
        let (Some((flag, _)), Some((record_type, _))) =
            (object.field(IS_PERSON_ACCOUNT), object.field(RECORD_TYPE_ID))
        else {
            return Ok(false);
        };
        if object.name != "Account" {
            return Ok(false);
        }
        let given = given_positions(draft);
        let gives = |name: &str| object.field(name).is_some_and(|(at, _)| given.contains(&at));
        let chosen = draft.values.iter().find(|(at, _)| *at == record_type);
        let is_person = match (chosen.map(|(_, value)| value), before) {
            (Some(Value::Id(chosen)), _) => self.is_person_type(*chosen),
            (_, Some(before)) => before.get(flag) == &Value::Boolean(true),
            (_, None) => match self.person_type().filter(|_| gives("LastName") && !gives("Name")) {
                Some(person) => {
                    draft.values.retain(|(at, _)| *at != record_type);
                    draft.values.push((record_type, Value::Id(person)));
                    true
                }
                None => false,
            },
        };
        let misplaced: Vec<String> = given
            .into_iter()
            .filter_map(|at| object.fields.get(at))
            .filter(|field| {
                if is_person {
                    matches!(field.name.as_str(), "Name" | "ParentId")
                } else {
                    is_of_person(&field.name)
                }
            })
            .map(|field| field.name.clone())
            .collect();
        if !misplaced.is_empty() {
            return Err(SaveError {
                code: "INVALID_FIELD_FOR_INSERT_UPDATE",
                message: format!(
                    "Account: bad field names on insert/update call: {}",
                    misplaced.join(", ")
                ),
                fields: misplaced,
            });
        }
        Ok(is_person)
    }

    /// Makes the name of a person's account of its parts.
    ///
    /// # Errors
    /// There is no last name.
    pub(super) fn name_person(&self, object: &Object, fields: &mut Fields) -> Result<(), SaveError> {
        let part = |name: &str| match object.field(name).map(|(at, _)| fields.get(at)) {
            Some(Value::Text(text)) => Some(text.to_string()),
            _ => None,
        };
        if part("LastName").is_none() {
            return Err(SaveError::of_field(
                "REQUIRED_FIELD_MISSING",
                "LastName",
                "Required fields are missing: [LastName]",
            ));
        }
        let parts: Vec<String> = ["FirstName", "MiddleName", "LastName", "Suffix"]
            .into_iter()
            .filter_map(part)
            .collect();
        if let (Some((name, _)), Some((flag, _))) = (object.field("Name"), object.field(IS_PERSON_ACCOUNT)) {
            fields.set(name, Value::text(parts.join(" ")));
            fields.set(flag, Value::Boolean(true));
        }
        Ok(())
    }

    /// Writes the contact behind a person's account, and tells the account of it.
    pub(super) fn mirror_person(
        &mut self,
        object: &Object,
        account: RecordId,
        fields: &mut Fields,
    ) -> Result<(), SaveError> {
        let Some(contact) = self.schema.object("Contact").cloned() else {
            return Ok(());
        };
        let Some((link, _)) = object.field(PERSON_CONTACT_ID) else {
            return Ok(());
        };
        let plan = self.plan(&contact)?;
        let known = match fields.get(link) {
            Value::Id(id) => self
                .data
                .table("Contact")
                .and_then(|table| table.shared(id))
                .cloned(),
            _ => None,
        };
        let mut mirrored = match &known {
            Some(row) => Fields::from_row(row),
            None => {
                let mut fresh = Fields::default();
                for (at, value) in &plan.defaults {
                    fresh.set(*at, value.clone());
                }
                fresh
            }
        };
        for (at, field) in contact.fields.iter().enumerate() {
            if field.kind.is_compound() || field.kind == FieldType::Id {
                continue;
            }
            let source = match field.name.as_str() {
                "Name" => Some("Name".to_owned()),
                name => name_on_account(name),
            };
            if let Some((from, _)) = source.and_then(|name| object.field(&name)) {
                mirrored.set(at, fields.get(from).clone());
            }
        }
        for (name, value) in [
            ("AccountId", Value::Id(account)),
            (IS_PERSON_ACCOUNT, Value::Boolean(true)),
        ] {
            if let Some((at, _)) = contact.field(name) {
                mirrored.set(at, value);
            }
        }
        let (id, stamp) = match &known {
            Some(row) => {
                let stamp = self.stamp_of_changed(&plan, row, super::audit::Touch::Modified);
                (row.id(), stamp)
            }
            None => {
                let id = self.new_id(&contact)?;
                mirrored.set(plan.id, Value::Id(id));
                let stamp = self.stamp_of_new(&plan, &mut mirrored);
                (id, stamp)
            }
        };
        fields.set(link, Value::Id(id));
        self.put(
            &contact,
            Arc::new(Row::new(id, false, mirrored.into_values(), stamp)),
        );
        Ok(())
    }

    fn is_person_type(&self, record_type: RecordId) -> bool {
        let Some(table) = self.data.table("RecordType") else {
            return false;
        };
        let flag = table.object.field(IS_PERSON_TYPE);
        let row = table.get(&record_type);
        flag.zip(row)
            .is_some_and(|((flag, _), row)| row.get(flag) == &Value::Boolean(true))
    }

    /// The first active record type of persons.
    fn person_type(&self) -> Option<RecordId> {
        let table = self.data.table("RecordType")?;
        let (active, _) = table.object.field("IsActive")?;
        table
            .rows()
            .find(|row| row.get(active) == &Value::Boolean(true) && self.is_person_type(row.id()))
            .map(Row::id)
    }
}

/// Fields of Account that only persons have.
fn is_of_person(field: &str) -> bool {
    let of_name = ["Salutation", "FirstName", "MiddleName", "LastName", "Suffix"].contains(&field);
    of_name || field.starts_with("Person") || field.ends_with("__pc")
}
