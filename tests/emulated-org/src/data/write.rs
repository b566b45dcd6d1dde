//! The one path by which records are written: REST, collections, trees and seeds all come through here.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::Data;
use super::audit::Touch;
use super::author::{Author, Authority};
use super::auto_number;
use super::convert::refuse_converted;
use super::derive::derive;
use super::draft::{Draft, Fields};
use super::operation::Operation;
use super::outcome::{Outcome, Refusal, SaveError, Saved};
use super::plan::Plan;
use super::record_type_picklists;
use super::references;
use super::row::{Row, Stamp};
use super::rules::{Mentions, duplicate, required_but_null};
use super::undo::{Undo, UndoLog};
use super::validate::storable;
use crate::access::Access;
use crate::automation::{Automation, Rules, Tally};
use crate::id::RecordId;
use crate::schema::{Field, Object, Schema};
use crate::value::Value;

/// A run of writes that can be taken back.
#[derive(Debug)]
pub struct Transaction<'a> {
    pub(super) data: &'a mut Data,
    pub(super) schema: &'a Schema,
    pub(super) author: Author,
    undo: Vec<Undo>,
    /// The audit fields of new records, shared by all that one transaction makes of an object.
    pub(super) fresh_stamp: Option<(Arc<Plan>, Arc<Stamp>)>,
    /// The organisation's own rules; without them records are written as a load with all automation switched off.
    pub(super) rules: Option<(Arc<Rules>, Arc<Tally>)>,
    /// What a trigger threw.
    pub(super) thrown: Option<SaveError>,
    /// What the author may do; `None` for what the platform itself does.
    pub(super) access: Option<Arc<Access>>,
    /// Before-save rules ran already, before the triggers.
    pub(super) before_save_done: bool,
}

impl<'a> Transaction<'a> {
    /// Begins. What is not rolled back stays.
    pub fn begin(data: &'a mut Data, schema: &'a Schema, author: Author) -> Self {
        Self {
            data,
            schema,
            author,
            undo: Vec::new(),
            fresh_stamp: None,
            rules: None,
            thrown: None,
            access: None,
            before_save_done: false,
        }
    }

    pub(super) fn take_up(&mut self, log: UndoLog) {
        self.undo = log.into_inner();
    }

    /// Lets the organisation's own rules see every record that is written.
    #[must_use]
    pub fn with_rules(mut self, automation: &Automation) -> Self {
        self.rules = Some((automation.rules(), automation.tally()));
        self
    }

    /// Writes several records, in order. Rows that could not be read come as errors and keep their place.
    ///
    /// With `all_or_none` one refused record takes all others back with it.
    pub fn save_all(
        &mut self,
        operations: Vec<Result<Operation, SaveError>>,
        all_or_none: bool,
    ) -> Vec<Outcome> {
        let start = self.undo.len();
        let mut mentions = Mentions::of(operations.iter().flatten());
        let mut outcomes: Vec<Outcome> = operations
            .into_iter()
            .map(|operation| {
                let operation = operation?;
                mentions.refuse_repetition(&operation)?;
                self.save(operation)
            })
            .collect();
        // What a trigger throws ends the transaction for all its rows (Apex Developer Guide, Triggers).
        if let Some(thrown) = self.thrown.take() {
            self.roll_back_to(start);
            return outcomes.iter().map(|_| Err(thrown.clone().into())).collect();
        }
        if all_or_none && outcomes.iter().any(Result::is_err) {
            self.roll_back_to(start);
            for outcome in &mut outcomes {
                if outcome.is_ok() {
                    *outcome = Err(SaveError::rolled_back().into());
                }
            }
        }
        outcomes
    }

    /// Writes one record, wholly or not at all.
    ///
    /// # Errors
    /// Why it was refused.
    pub fn save(&mut self, operation: Operation) -> Outcome {
        let start = self.undo.len();
        let operation = self.admit(operation)?;
        self.refuse_person_contact(&operation)?;
        let outcome = match operation {
            Operation::Create { object, draft } => self.create(&object, draft),
            Operation::Update { object, id, draft } => self.update(&object, id, draft),
            Operation::Upsert {
                object,
                key_field,
                key,
                draft,
                update_only,
            } => self.upsert(&object, (key_field, key), draft, update_only),
            Operation::Delete { object, id } => self.delete(&object, id),
            Operation::Undelete { object, id } => self.undelete(&object, id),
            Operation::HardDelete { object, id } => self.hard_delete(&object, id),
            Operation::Merge {
                object,
                master,
                losers,
                draft,
            } => self.merge(&object, master, &losers, draft),
            Operation::ConvertLead { lead, conversion } => self.convert_lead(lead, &conversion),
        };
        if outcome.is_err() {
            self.roll_back_to(start);
        }
        outcome
    }

    /// Takes everything back.
    pub fn roll_back(&mut self) {
        self.roll_back_to(0);
    }

    /// Ends the transaction; what it wrote can still be taken back with [`Data::take_back`].
    #[must_use]
    pub(crate) fn into_undo_log(self) -> UndoLog {
        UndoLog::of(self.undo)
    }

    /// The records as this transaction sees them.
    #[must_use]
    pub fn data(&self) -> &Data {
        self.data
    }

    pub(super) fn create(&mut self, object: &Arc<Object>, mut draft: Draft) -> Outcome {
        if !object.createable && self.author.authority < Authority::Platform {
            let message = format!("entity type cannot be inserted: {}", object.label);
            return Err(SaveError::new("CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY", message).into());
        }
        if self.data.storage_is_full && takes_storage(object) && self.author.authority < Authority::Platform {
            return Err(SaveError::new("STORAGE_LIMIT_EXCEEDED", "storage limit exceeded").into());
        }
        let plan = self.plan(object)?;
        let is_person = self.person_or_business(object, &mut draft, None)?;
        self.refuse_unwritable(object, &draft, |author, field| author.may_create(field))?;
        let given: BTreeSet<usize> = given_positions(&draft);
        let mut fields = Fields::with_capacity(draft.values.len() + plan.defaults.len() + 2);
        let mut errors = self.apply(object, draft, &mut fields);

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
        if is_person {
            self.name_person(object, &mut fields)?;
        }
        if let Some(missing) = required_but_null(object, &plan, &fields, &given, &errors) {
            return Err(missing.into());
        }
        let by_name = |name: &str| {
            object
                .field(name)
                .is_some_and(|(position, _)| given.contains(&position))
        };
        // Stage-like defaults count as given: the fields computed from them have no value yet.
        let counts_as_given = |name: &str| name == "StageName" || by_name(name);
        // What is computed from a refused value would only be refused a second time.
        if errors.is_empty() {
            errors.extend(derive(object, &plan, &mut fields, &counts_as_given, self.author.second()).err());
        }
        if errors.is_empty() {
            errors.extend(references::check(self, object, &fields, None));
            errors.extend(record_type_picklists::unavailable(object, &fields, None));
        }
        let names_record = !self.data.switches.duplicate_values_without_record;
        if errors.is_empty() {
            errors.extend(
                self.run_rules(object, &plan, &mut fields, None)
                    .err()
                    .unwrap_or_default(),
            );
            errors.extend(
                self.data
                    .table(&object.name)
                    .and_then(|table| duplicate(table, &plan, &fields, None, names_record)),
            );
        }
        if !errors.is_empty() {
            return Err(Refusal::Invalid(errors));
        }
        self.refuse_duplicates(object, &fields, None)?;
        let id = match self.file_away(object, &mut fields)? {
            Some(id) => id,
            None => self.new_id(object)?,
        };
        for position in &plan.auto_numbers {
            if let Some(value) = self.auto_number(object, *position) {
                fields.set(*position, value);
            }
        }
        fields.set(plan.id, Value::Id(id));
        if is_person {
            self.mirror_person(object, id, &mut fields)?;
        }
        let stamp = self.stamp_of_new(&plan, &mut fields);
        references::follow_activity(self.data, self.schema, object, &mut fields);
        let row = Arc::new(Row::new(id, false, fields.into_values(), stamp));
        self.put(object, row);
        Ok(Saved { id, created: true })
    }

    pub(super) fn update(&mut self, object: &Arc<Object>, id: RecordId, mut draft: Draft) -> Outcome {
        let before = self.live(object, id)?;
        refuse_converted(object, &before)?;
        if !object.updateable && self.author.authority < Authority::Platform {
            let message = format!("entity type cannot be updated: {}", object.label);
            return Err(SaveError::new("CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY", message).into());
        }
        let plan = self.plan(object)?;
        let is_person = self.person_or_business(object, &mut draft, Some(&before))?;
        self.refuse_unwritable(object, &draft, |author, field| author.may_update(field))?;
        let given = given_positions(&draft);
        let mut fields = Fields::from_row(&before);
        let mut errors = self.apply(object, draft, &mut fields);
        if is_person {
            self.name_person(object, &mut fields)?;
        }
        if let Some(missing) = required_but_null(object, &plan, &fields, &given, &errors) {
            return Err(missing.into());
        }
        let changed = |name: &str| {
            object.field(name).is_some_and(|(position, _)| {
                given.contains(&position)
                    && (name != "StageName" || fields_differ(&before, &fields, position))
            })
        };
        let changed_names: BTreeSet<String> = DERIVED_FROM
            .iter()
            .filter(|name| changed(name))
            .map(|&n| n.to_owned())
            .collect();
        let counts_as_given = |name: &str| changed_names.contains(name);
        // What is computed from a refused value would only be refused a second time.
        if errors.is_empty() {
            errors.extend(derive(object, &plan, &mut fields, &counts_as_given, self.author.second()).err());
        }
        if errors.is_empty() {
            errors.extend(references::check(self, object, &fields, Some(&before)));
            errors.extend(record_type_picklists::unavailable(object, &fields, Some(&before)));
        }
        let names_record = !self.data.switches.duplicate_values_without_record;
        if errors.is_empty() {
            errors.extend(
                self.run_rules(object, &plan, &mut fields, Some(&before))
                    .err()
                    .unwrap_or_default(),
            );
            errors.extend(
                self.data
                    .table(&object.name)
                    .and_then(|table| duplicate(table, &plan, &fields, Some(&before), names_record)),
            );
        }
        if !errors.is_empty() {
            return Err(Refusal::Invalid(errors));
        }
        self.refuse_duplicates(object, &fields, Some(&before))?;
        references::follow_activity(self.data, self.schema, object, &mut fields);
        if is_person {
            self.mirror_person(object, id, &mut fields)?;
        }
        self.refile(object, id, &mut fields)?;
        let stamp = self.stamp_of_changed(&plan, &before, Touch::Modified);
        let row = Row::new(id, false, fields.into_values(), stamp);
        self.put(object, Arc::new(row));
        Ok(Saved { id, created: false })
    }

    fn upsert(
        &mut self,
        object: &Arc<Object>,
        key: (usize, Value),
        draft: Draft,
        update_only: bool,
    ) -> Outcome {
        match self.settle_upsert(Arc::clone(object), key, draft, update_only)? {
            Operation::Update { object, id, draft } => self.update(&object, id, draft),
            Operation::Create { object, draft } => self.create(&object, draft),
            _ => Err(Refusal::NoMatch),
        }
    }

    /// What an upsert turns out to be.
    pub(super) fn settle_upsert(
        &self,
        object: Arc<Object>,
        key: (usize, Value),
        draft: Draft,
        update_only: bool,
    ) -> Result<Operation, Refusal> {
        let (key_field, key) = key;
        let field = object
            .fields
            .get(key_field)
            .ok_or_else(|| no_such_object(&object))?;
        let is_id = field.name == "Id";
        let key = match key {
            Value::Id(id) => Value::Id(id),
            other => storable(field, other)?,
        };
        if key.is_null() && !is_id {
            let message = format!("{} not specified", field.name);
            return Err(SaveError::of_field("MISSING_ARGUMENT", &field.name, message).into());
        }
        let matches = match &key {
            Value::Null => Vec::new(),
            Value::Id(id) if is_id => {
                self.live(&object, *id)?;
                vec![*id]
            }
            key => self
                .data
                .table(&object.name)
                .map(|table| table.holders(key_field, key))
                .unwrap_or_default(),
        };
        match matches.as_slice() {
            [] if update_only => Err(Refusal::NoMatch),
            [] => {
                let mut draft = draft;
                if !is_id {
                    draft.values.push((key_field, key));
                }
                Ok(Operation::Create { object, draft })
            }
            [id] => Ok(Operation::Update {
                id: *id,
                object,
                draft,
            }),
            _ => Err(Refusal::SeveralMatches(matches)),
        }
    }

    /// Types and trims the given values into the fields; the errors of all that could not be stored.
    fn apply(&self, object: &Object, draft: Draft, fields: &mut Fields) -> Vec<SaveError> {
        let mut errors = Vec::new();
        for (position, value) in draft.values {
            let Some(field) = object.fields.get(position) else {
                continue;
            };
            match storable(field, value) {
                Ok(value) => fields.set(position, value),
                Err(error) => errors.push(error),
            }
        }
        for parent in draft.parents {
            match references::resolve(self.data, &parent) {
                Ok(id) => fields.set(parent.reference, Value::Id(id)),
                Err(error) => errors.push(error),
            }
        }
        errors
    }

    fn refuse_unwritable(
        &self,
        object: &Object,
        draft: &Draft,
        may: impl Fn(&Author, &Field) -> bool,
    ) -> Result<(), SaveError> {
        let refused: Vec<String> = given_positions(draft)
            .into_iter()
            .filter_map(|position| object.fields.get(position))
            .filter(|field| !may(&self.author, field))
            .map(|field| field.name.clone())
            .collect();
        if refused.is_empty() {
            return Ok(());
        }
        Err(unwritable(refused))
    }

    /// The row to change: it must exist and not lie in the recycle bin.
    pub(super) fn live(&self, object: &Object, id: RecordId) -> Result<Arc<Row>, SaveError> {
        let row = self
            .data
            .table(&object.name)
            .and_then(|table| table.shared(&id))
            .ok_or_else(SaveError::unknown_record)?;
        if row.is_deleted() {
            return Err(SaveError::entity_is_deleted());
        }
        Ok(Arc::clone(row))
    }

    pub(super) fn plan(&self, object: &Object) -> Result<Arc<Plan>, SaveError> {
        Ok(Arc::clone(
            self.data
                .table(&object.name)
                .ok_or_else(|| no_such_object(object))?
                .plan(),
        ))
    }

    pub(super) fn put(&mut self, object: &Arc<Object>, row: Arc<Row>) {
        let id = row.id();
        if let Some(table) = self.data.table_mut(&object.name) {
            let before = table.put(row);
            self.undo.push(Undo {
                object: Arc::clone(object),
                id,
                before,
            });
        }
    }

    /// Whether this transaction wrote a record.
    pub(super) fn wrote(&self, id: RecordId) -> bool {
        self.undo.iter().any(|undo| undo.id == id)
    }

    /// Forgets a row altogether.
    pub(super) fn remove(&mut self, object: &Arc<Object>, id: RecordId) {
        if let Some(table) = self.data.table_mut(&object.name)
            && let Some(row) = table.remove(id)
        {
            self.undo.push(Undo {
                object: Arc::clone(object),
                id,
                before: Some(row),
            });
        }
    }

    pub(super) fn new_id(&mut self, object: &Object) -> Result<RecordId, SaveError> {
        let pod = self.data.pod;
        let serial = self.data.table_mut(&object.name).map(super::Table::next_serial);
        serial
            .and_then(|serial| RecordId::from_serial(&object.key_prefix, pod, serial))
            .ok_or_else(|| SaveError::new("UNKNOWN_EXCEPTION", "no id is left for this object"))
    }

    fn auto_number(&mut self, object: &Object, position: usize) -> Option<Value> {
        let field = object.fields.get(position)?;
        let number = self
            .data
            .table_mut(&object.name)?
            .next_auto_number(position, field.starting_number);
        Some(Value::text(auto_number::formatted(
            field.display_format.as_deref().unwrap_or("{0}"),
            number,
            self.author.now.date_naive(),
        )))
    }

    /// Takes back what was written since a position.
    pub(crate) fn roll_back_to(&mut self, length: usize) {
        while self.undo.len() > length {
            let Some(undo) = self.undo.pop() else {
                return;
            };
            self.data.undo(undo);
        }
    }
}

/// The fields whose change makes others be computed anew.
const DERIVED_FROM: [&str; 8] = [
    "StageName",
    "Probability",
    "ForecastCategoryName",
    "StartDateTime",
    "ActivityDateTime",
    "EndDateTime",
    "DurationInMinutes",
    "ActivityDate",
];

pub(super) fn given_positions(draft: &Draft) -> BTreeSet<usize> {
    let values = draft.values.iter().map(|(position, _)| *position);
    values
        .chain(draft.parents.iter().map(|parent| parent.reference))
        .collect()
}

/// Fields that are read-only, for everybody or for the author.
pub(super) fn unwritable(fields: Vec<String>) -> SaveError {
    let message = format!(
        "Unable to create/update fields: {}. Please check the security settings of this field and verify that it is \
         read/write for your profile or permission set.",
        fields.join(", ")
    );
    SaveError {
        code: "INVALID_FIELD_FOR_INSERT_UPDATE",
        message,
        fields,
    }
}

fn fields_differ(before: &Row, fields: &Fields, position: usize) -> bool {
    before.get(position) != fields.get(position)
}

/// Whether records of an object count against data storage. Custom settings have room of their own (Apex Developer
/// Guide, Custom Settings Limits), setup has none to fill.
fn takes_storage(object: &Object) -> bool {
    !object.custom_setting && object.layoutable && object.name != "User"
}

pub(super) fn no_such_object(object: &Object) -> SaveError {
    SaveError::new(
        "INVALID_TYPE",
        format!("sObject type '{}' is not supported.", object.name),
    )
}
