//! DML: counted and checked here, done by the host.

use std::collections::HashSet;
use std::rc::Rc;
use std::sync::Arc;

use super::limits::Limit;
use super::value::{FailedRow, RecordObject, Value};
use super::{Frame, Interrupt, Machine, Run};
use crate::compile::ir::{DmlExtra, Stmt};
use crate::host::{AccessMode, DmlCall, DmlOptions, DmlOutcome};
use crate::run::execute::Flow;
use crate::syntax::ast::DmlKind;

/// What of a transaction is not committed: callouts are refused while there is any (Apex Developer Guide,
/// "Callout Limits and Limitations").
#[derive(Debug, Clone, Default)]
pub struct Uncommitted {
    /// Whether a DML operation has run.
    pub dml: bool,
    /// Savepoints that were neither rolled back to nor released.
    pub savepoints: Vec<u64>,
}

/// The id of a record, where it has one.
pub(crate) fn id_of(record: &RecordObject) -> Option<Arc<str>> {
    match record.fields.borrow().get("Id") {
        Some(Value::Id(id)) => Some(Arc::clone(id)),
        _ => None,
    }
}

/// Whether an object's records are metadata.
pub(crate) fn is_metadata(object: &str) -> bool {
    object.to_ascii_lowercase().ends_with("__mdt") || matches!(object, "EntityDefinition" | "FieldDefinition")
}

/// The elements of a list, or the one value.
pub(crate) fn several(value: Value) -> Vec<Value> {
    match value {
        Value::List(list) => list.items.borrow().clone(),
        one => vec![one],
    }
}

impl Machine<'_> {
    pub(super) fn dml_statement(
        &mut self,
        frame: &mut Frame,
        kind: DmlKind,
        user_mode: Option<bool>,
        records: &Value,
        extra: Option<&DmlExtra>,
        line: u32,
    ) -> Run<Value> {
        let (mut key, mut duplicates) = (None, Vec::new());
        match extra {
            Some(DmlExtra::Key(field)) => key = Some(Arc::clone(field)),
            Some(DmlExtra::Duplicates(other)) => {
                let other = self.evaluate(frame, other)?;
                duplicates = several(other);
            }
            None => {}
        }
        self.at(line);
        let records = self.dml_records(records)?;
        let (access, sharing) = self.access(user_mode);
        let call = DmlCall {
            kind,
            records,
            key,
            duplicates,
            all_or_none: true,
            access,
            sharing,
            options: DmlOptions::default(),
        };
        self.run_dml(&call)?;
        Ok(Value::Null)
    }

    /// The records of a DML operation: one, a list, or ids where records are named by them.
    pub(crate) fn dml_records(&self, value: &Value) -> Run<Vec<Rc<RecordObject>>> {
        let single = |value: &Value| match value {
            Value::Record(record) => Ok(Rc::clone(record)),
            Value::Id(id) => self.record_of_id(id),
            _ => Err(self.null_pointer()),
        };
        match value {
            Value::List(list) => list.items.borrow().iter().map(single).collect(),
            one => Ok(vec![single(one)?]),
        }
    }

    fn record_of_id(&self, id: &Arc<str>) -> Run<Rc<RecordObject>> {
        let prefix = id.get(..3).unwrap_or_default();
        let Some(object) = self.program.schema.object_by_prefix(prefix) else {
            return Err(self.not_supported(format!("the object of the id {id}")));
        };
        let record = RecordObject::new(Arc::clone(&object.name));
        record
            .fields
            .borrow_mut()
            .insert("Id".into(), Value::Id(Arc::clone(id)));
        Ok(Rc::new(record))
    }

    /// Counts, checks and runs a DML operation; `Database` methods come through here too. With `all_or_none`
    /// a refusal is raised as a DmlException.
    pub fn run_dml(&mut self, call: &DmlCall) -> Run<Vec<DmlOutcome>> {
        if call.records.is_empty() {
            return Ok(Vec::new());
        }
        self.check_objects(call)?;
        self.count(Limit::DmlStatements, 1)?;
        self.count(Limit::DmlRows, call.records.len())?;
        self.check_repetition(call)?;
        self.check_entities(call)?;
        if call.records.iter().any(|record| record.read_only.get()) {
            return Err(self.raise("SecurityException", "Record is read-only"));
        }
        if let Some(refused) = self.mixed_dml(call)? {
            return Err(self.dml_exception(call, &refused));
        }
        self.uncommitted.dml = true;
        let outcomes = self.dml_by_object(call)?;
        if call.all_or_none && outcomes.iter().any(|outcome| !outcome.errors.is_empty()) {
            return Err(self.dml_exception(call, &outcomes));
        }
        Ok(outcomes)
    }

    /// Metadata is read and never written (Salesforce Help, Access Custom Metadata Records Programmatically; the words
    /// are those that people report).
    fn check_objects(&self, call: &DmlCall) -> Run<()> {
        let metadata = call.records.iter().find(|record| is_metadata(&record.object));
        match metadata {
            Some(record) => {
                let operation = format!("{:?}", call.kind).to_uppercase();
                let words = format!("DML operation {operation} not allowed on {}", record.object);
                Err(self.raise("TypeException", words))
            }
            None if call.records.iter().any(|record| record.object.ends_with("__e")) => {
                // The guide publishes with EventBus.publish and does not say what DML makes of events.
                Err(self.not_supported("DML of platform events"))
            }
            None => Ok(()),
        }
    }

    /// In user mode an object that the user may not write is no matter of single rows (apex-recipes tests for the
    /// exception and its words).
    fn check_entities(&self, call: &DmlCall) -> Run<()> {
        if call.access != AccessMode::User {
            return Ok(());
        }
        let mut known: HashSet<&Arc<str>> = HashSet::new();
        for record in &call.records {
            // Who may write custom settings is no matter of object permissions.
            let described = self.program.schema.object(&record.object);
            if !known.insert(&record.object) || described.is_some_and(|object| object.setting.is_some()) {
                continue;
            }
            let access = self
                .host
                .object_access(&record.object)
                .map_err(|error| self.from_host(error))?;
            let allowed = match call.kind {
                DmlKind::Insert => access.create,
                DmlKind::Update => access.edit,
                DmlKind::Upsert => access.create && access.edit,
                DmlKind::Delete | DmlKind::Undelete | DmlKind::Merge => access.delete,
            };
            if !allowed {
                let words = format!("Access to entity '{}' denied", record.object);
                return Err(self.raise("SecurityException", words));
            }
        }
        Ok(())
    }

    /// Records of several objects are saved in chunks of one object each, in their order, so that a child finds the
    /// parent that it names by an external id (Apex Developer Guide, "Creating Parent and Child Records in a Single
    /// Statement Using Foreign Keys").
    fn dml_by_object(&mut self, call: &DmlCall) -> Run<Vec<DmlOutcome>> {
        const CHUNKS: usize = 10;
        let host = self.host;
        let chunks: Vec<&[Rc<RecordObject>]> = call.records.chunk_by(|a, b| a.object == b.object).collect();
        if chunks.len() == 1 || matches!(call.kind, DmlKind::Merge) {
            return host.dml(self, call).map_err(|error| self.from_host(error));
        }
        if chunks.len() > CHUNKS {
            let words = "Cannot have more than 10 chunks in a single operation. Please rearrange the data to \
                         reduce chunking.";
            return Err(self.raise("TypeException", words));
        }
        let mark = host.savepoint().map_err(|error| self.from_host(error))?;
        let mut outcomes = Vec::with_capacity(call.records.len());
        for chunk in chunks {
            let part = DmlCall {
                records: chunk.to_vec(),
                ..call.clone()
            };
            let saved = host.dml(self, &part).map_err(|error| self.from_host(error))?;
            let refused = saved.iter().any(|outcome| !outcome.errors.is_empty());
            outcomes.extend(saved);
            if refused && call.all_or_none {
                host.rollback(mark).map_err(|error| self.from_host(error))?;
                for record in call.records.iter().filter(|_| call.kind == DmlKind::Insert) {
                    record.fields.borrow_mut().shift_remove("Id");
                }
                outcomes.resize_with(call.records.len(), DmlOutcome::default);
                break;
            }
        }
        Ok(outcomes)
    }

    /// One operation takes a record once (public answers quote both messages alike).
    fn check_repetition(&self, call: &DmlCall) -> Run<()> {
        let mut objects = HashSet::new();
        let mut ids = HashSet::new();
        for record in &call.records {
            match (call.kind, id_of(record)) {
                (DmlKind::Insert | DmlKind::Upsert, _) if !objects.insert(Rc::as_ptr(record)) => {
                    let words = "Before Insert or Upsert list must not have two identically equal elements";
                    return Err(self.raise("ListException", words));
                }
                (DmlKind::Update, Some(id)) if !ids.insert(Arc::clone(&id)) => {
                    return Err(self.raise("ListException", format!("Duplicate id in list: {id}")));
                }
                _ => {}
            }
        }
        Ok(())
    }

    fn dml_exception(&self, call: &DmlCall, outcomes: &[DmlOutcome]) -> Interrupt {
        let mut rows = Vec::new();
        for (index, outcome) in outcomes.iter().enumerate() {
            let id = call.records.get(index).and_then(|record| id_of(record));
            for (code, message, fields) in &outcome.errors {
                rows.push(FailedRow {
                    index,
                    id: id.clone(),
                    code: code.clone(),
                    message: message.clone(),
                    fields: fields.clone(),
                });
            }
        }
        let word = match call.kind {
            DmlKind::Insert => "Insert",
            DmlKind::Update => "Update",
            DmlKind::Upsert => "Upsert",
            DmlKind::Delete => "Delete",
            DmlKind::Undelete => "Undelete",
            DmlKind::Merge => "Merge",
        };
        let first = rows.first().cloned().unwrap_or_default();
        let id = first.id.map(|id| format!(" with id {id}"));
        let message = format!(
            "{word} failed. First exception on row {}{}; first error: {}, {}: [{}]",
            first.index,
            id.unwrap_or_default(),
            first.code,
            first.message,
            first.fields.join(", ")
        );
        let raised = self.raise("DmlException", message);
        if let Interrupt::Exception(exception) = &raised
            && let Some(state) = &exception.exception
        {
            state.borrow_mut().rows = rows;
        }
        raised
    }

    /// `System.runAs`: a user that is not saved yet is inserted, and it counts as a DML statement (Apex
    /// Developer Guide, "Using the runAs Method", "Execution Governors and Limits").
    pub(super) fn run_as(&mut self, frame: &mut Frame, user: &Value, body: &[Stmt]) -> Run<Flow> {
        let Value::Record(record) = user else {
            return Err(match user {
                Value::Null => self.null_pointer(),
                _ => self.not_supported("System.runAs of a version"),
            });
        };
        if !self.test.running {
            return Err(self.not_supported("System.runAs outside a test"));
        }
        if id_of(record).is_none() {
            let call = DmlCall {
                kind: DmlKind::Insert,
                records: vec![Rc::clone(record)],
                key: None,
                duplicates: Vec::new(),
                all_or_none: true,
                access: AccessMode::System,
                sharing: false,
                options: DmlOptions::default(),
            };
            self.run_dml(&call)?;
        } else {
            self.count(Limit::DmlStatements, 1)?;
        }
        let Some(id) = id_of(record) else {
            return Err(self.not_supported("System.runAs of a user without an id"));
        };
        let before = self.host.user().id;
        self.host.run_as(&id).map_err(|error| self.from_host(error))?;
        let written = std::mem::take(&mut self.written);
        let result = self.statements(frame, body);
        self.written = written;
        self.host.run_as(&before).map_err(|error| self.from_host(error))?;
        result
    }
}
