//! What programs write, as operations on the tables.

use std::sync::Arc;

use apex_runtime::Value as Apex;
use apex_runtime::host::{AccessMode, DmlCall, DmlOutcome, HostError};
use apex_runtime::run::value::RecordObject;
use apex_runtime::run::{Interrupt, Machine};
use apex_runtime::syntax::ast::DmlKind;

use super::session::{Rights, Session};
use super::values;
use crate::data::{Draft, DuplicateOptions, Operation, Outcome, ParentKey, Row, SaveError};
use crate::faults::{Statement, StatementFault};
use crate::id::RecordId;
use crate::schema::{Field, Object};
use crate::value::Value;

impl Session<'_> {
    /// Writes what a program asks for.
    pub(super) fn run_dml(
        &self,
        machine: &mut Machine<'_>,
        call: &DmlCall,
    ) -> Result<Vec<DmlOutcome>, HostError> {
        let rights = match call.access {
            AccessMode::User => Rights::User,
            AccessMode::System | AccessMode::SecurityEnforced => Rights::System,
        };
        if let Some(answers) = self.fault_of(call)? {
            return Ok(answers);
        }
        let operations = call
            .records
            .iter()
            .map(|record| {
                let operation = self.operation(call, record)?;
                if call.sharing && rights == Rights::System {
                    self.must_reach(&operation)?;
                }
                Ok(operation)
            })
            .collect();
        let before = self.duplicates.replace(DuplicateOptions {
            allow_save: call.options.duplicates_allowed,
            ..DuplicateOptions::default()
        });
        let ended = self.save_all(machine, operations, call.all_or_none, rights);
        self.duplicates.set(before);
        let outcomes = ended.map_err(|interrupt: Interrupt| HostError::Interrupted(interrupt))?;
        let author = self.author();
        let mut answers = Vec::with_capacity(outcomes.len());
        for (outcome, record) in outcomes.into_iter().zip(&call.records) {
            if let Ok(saved) = &outcome {
                self.after.borrow_mut().saved.push((author, *saved));
                if matches!(call.kind, DmlKind::Insert | DmlKind::Upsert) {
                    let id = Apex::Id(saved.id.as_str().into());
                    record.fields.borrow_mut().insert("Id".into(), id);
                }
            }
            answers.push(answer(outcome, call));
        }
        Ok(answers)
    }

    /// What a fault that is set makes of a statement.
    fn fault_of(&self, call: &DmlCall) -> Result<Option<Vec<DmlOutcome>>, HostError> {
        let statement = match call.kind {
            DmlKind::Insert => Statement::Insert,
            DmlKind::Update => Statement::Update,
            DmlKind::Delete => Statement::Delete,
            DmlKind::Upsert | DmlKind::Undelete | DmlKind::Merge => return Ok(None),
        };
        let Some(first) = call.records.first() else {
            return Ok(None);
        };
        match self.org.faults.apex().of_statement(statement, &first.object) {
            None => Ok(None),
            Some(StatementFault::Thrown(class)) => {
                Err(HostError::Exception(class.to_owned(), "not today".to_owned()))
            }
            Some(StatementFault::Refused(code)) => {
                let refused = || answer(Err(SaveError::new(code, "not today").into()), call);
                Ok(Some(call.records.iter().map(|_| refused()).collect()))
            }
        }
    }

    fn operation(&self, call: &DmlCall, record: &RecordObject) -> Result<Operation, SaveError> {
        let object = self.schema.object(&record.object).cloned().ok_or_else(|| {
            let message = format!("sObject type '{}' is not supported.", record.object);
            SaveError::new("INVALID_TYPE", message)
        })?;
        let id = || id_in(record).ok_or_else(|| no_id(call.kind));
        Ok(match call.kind {
            DmlKind::Insert => {
                if id_in(record).is_some() {
                    let message = "cannot specify Id in an insert call";
                    return Err(SaveError::of_field(
                        "INVALID_FIELD_FOR_INSERT_UPDATE",
                        "Id",
                        message,
                    ));
                }
                let draft = self.draft(&object, record, None, |field| field.createable)?;
                Operation::Create { object, draft }
            }
            DmlKind::Update => {
                let id = id()?;
                let draft = self.changed(&object, record, id)?;
                Operation::Update { object, id, draft }
            }
            DmlKind::Upsert => self.upsert(call, object, record)?,
            DmlKind::Delete => Operation::Delete { object, id: id()? },
            DmlKind::Undelete => Operation::Undelete { object, id: id()? },
            DmlKind::Merge => {
                let master = id()?;
                let draft = self.changed(&object, record, master)?;
                let losers = call.duplicates.iter().map(loser).collect::<Option<Vec<_>>>();
                Operation::Merge {
                    object,
                    master,
                    losers: losers.ok_or_else(|| no_id(call.kind))?,
                    draft,
                }
            }
        })
    }

    fn upsert(
        &self,
        call: &DmlCall,
        object: Arc<Object>,
        record: &RecordObject,
    ) -> Result<Operation, SaveError> {
        let key = call.key.as_deref().filter(|key| !key.eq_ignore_ascii_case("Id"));
        let Some(key) = key else {
            let Some(id) = id_in(record) else {
                let draft = self.draft(&object, record, None, |field| field.createable)?;
                return Ok(Operation::Create { object, draft });
            };
            let draft = self.changed(&object, record, id)?;
            return Ok(Operation::Update { object, id, draft });
        };
        let (key_field, field) = object
            .field(key)
            .ok_or_else(|| SaveError::of_field("INVALID_FIELD", key, format!("No such field: {key}")))?;
        let given = record.fields.borrow().get(field.name.as_str()).cloned();
        let value = given
            .and_then(|value| values::from_apex(&value, field))
            .unwrap_or(Value::Null);
        let mut draft = self.draft(&object, record, None, |field| {
            field.createable || field.updateable
        })?;
        draft.values.retain(|(position, _)| *position != key_field);
        Ok(Operation::Upsert {
            key: value,
            draft,
            object,
            key_field,
            update_only: false,
        })
    }

    /// The fields in which a record differs from what is stored; what is queried and handed back is no change.
    fn changed(&self, object: &Arc<Object>, record: &RecordObject, id: RecordId) -> Result<Draft, SaveError> {
        let before = self.read(|data| data.table(&object.name)?.shared(&id).cloned());
        self.draft(object, record, before.as_deref(), |field| field.updateable)
    }

    fn draft(
        &self,
        object: &Arc<Object>,
        record: &RecordObject,
        before: Option<&Row>,
        may: impl Fn(&Field) -> bool,
    ) -> Result<Draft, SaveError> {
        let mut draft = Draft::default();
        for (name, value) in record.fields.borrow().iter() {
            let Some((position, field)) = object.field(name) else {
                let message = format!("No such column '{name}' on sobject of type {}", object.name);
                return Err(SaveError::of_field("INVALID_FIELD", name, message));
            };
            if field.name == "Id" || !may(field) {
                continue;
            }
            let value = values::from_apex(value, field).ok_or_else(|| {
                let message = format!("{}: value not of required type", field.label);
                SaveError::of_field("INVALID_TYPE_ON_FIELD_IN_RECORD", &field.name, message)
            })?;
            if before.is_some_and(|row| row.get(position) == &value) {
                continue;
            }
            draft.values.push((position, value));
        }
        for (relationship, parent) in record.related.borrow().iter() {
            if let Apex::Record(parent) = parent {
                draft
                    .parents
                    .extend(self.parent_key(object, relationship, parent));
            }
        }
        let by_key: Vec<_> = draft.parents.iter().map(|parent| parent.reference).collect();
        draft.values.retain(|(position, _)| !by_key.contains(position));
        Ok(draft)
    }

    /// A parent that is given by an external id alone, as `new Account(Key__c = 'x')` is.
    fn parent_key(&self, object: &Object, relationship: &str, parent: &RecordObject) -> Option<ParentKey> {
        if parent.queried.borrow().is_some() {
            return None;
        }
        let (reference, _) = object.relationship(relationship)?;
        let fields = parent.fields.borrow();
        let (name, value) = fields.iter().next().filter(|_| fields.len() == 1)?;
        let target = self.schema.object(&parent.object)?;
        let (key_field, field) = target.field(name)?;
        Some(ParentKey {
            reference,
            parent: Arc::clone(target),
            key_field,
            key: values::from_apex(value, field)?,
        })
    }

    /// Row access of code that runs with sharing in system mode.
    fn must_reach(&self, operation: &Operation) -> Result<(), SaveError> {
        let (object, id) = match operation {
            Operation::Update { object, id, .. } | Operation::Delete { object, id } => (object, *id),
            Operation::Merge { object, master, .. } => (object, *master),
            _ => return Ok(()),
        };
        let access = self.access();
        let reached = self.read(|data| {
            let row = data.table(&object.name).and_then(|table| table.get(&id));
            row.is_none_or(|row| access.shares_edit(object, row, data))
        });
        if reached {
            return Ok(());
        }
        Err(SaveError::new(
            "INSUFFICIENT_ACCESS_OR_READONLY",
            "insufficient access rights on object id",
        ))
    }
}

fn id_in(record: &RecordObject) -> Option<RecordId> {
    match record.fields.borrow().get("Id") {
        Some(Apex::Id(id) | Apex::String(id)) => RecordId::parse(id),
        _ => None,
    }
}

fn loser(value: &Apex) -> Option<RecordId> {
    match value {
        Apex::Id(id) | Apex::String(id) => RecordId::parse(id),
        Apex::Record(record) => id_in(record),
        _ => None,
    }
}

fn no_id(kind: DmlKind) -> SaveError {
    let call = match kind {
        DmlKind::Insert => "insert",
        DmlKind::Update => "update",
        DmlKind::Upsert => "upsert",
        DmlKind::Delete => "delete",
        DmlKind::Undelete => "undelete",
        DmlKind::Merge => "merge",
    };
    let article = if matches!(kind, DmlKind::Delete | DmlKind::Merge) {
        "a"
    } else {
        "an"
    };
    SaveError::new(
        "MISSING_ARGUMENT",
        format!("Id not specified in {article} {call} call"),
    )
}

/// Rows that were refused only because another one was are no failures to a program.
fn answer(outcome: Outcome, call: &DmlCall) -> DmlOutcome {
    match outcome {
        Ok(saved) => DmlOutcome {
            id: Some(saved.id.as_str().into()),
            created: saved.created,
            ..DmlOutcome::default()
        },
        Err(refusal) => {
            let errors = refusal.into_errors().into_iter();
            let own =
                errors.filter(|error| !call.all_or_none || error.code != "ALL_OR_NONE_OPERATION_ROLLED_BACK");
            DmlOutcome {
                errors: own
                    .map(|error| (error.code.to_owned(), error.message, error.fields))
                    .collect(),
                ..DmlOutcome::default()
            }
        }
    }
}
