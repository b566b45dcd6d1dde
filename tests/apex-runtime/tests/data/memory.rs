//! An org in memory: a table per object, triggers, partial success, savepoints and three users. Queries answer
//! all rows of the object, filtered by one equality at most.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::Arc;

use apex_runtime::host::{
    Callout, CalloutAnswer, DmlCall, DmlOutcome, FieldAccess, Job, ObjectAccess, QueryAnswer, QueryCall,
    RunningUser,
};
use apex_runtime::run::trigger::{TriggerEvent, TriggerFailure};
use apex_runtime::run::value::RecordObject;
use apex_runtime::syntax::ast::{DmlKind, QueryShape};
use apex_runtime::{AccessMode, Failure, FailureKind, Host, HostError, Machine, NoOrg, Value};
use indexmap::IndexMap;

type Row = IndexMap<Arc<str>, Value>;
type Tables = BTreeMap<String, Vec<Row>>;

#[derive(Default)]
pub struct Memory {
    tables: RefCell<Tables>,
    marks: RefCell<Vec<Tables>>,
    next: Cell<u32>,
    user: RefCell<Option<Arc<str>>>,
    /// What each call came with: verb or object, access mode, sharing.
    pub calls: RefCell<Vec<String>>,
    base: NoOrg,
}

fn id(row: &Row) -> Option<Arc<str>> {
    match row.get("Id") {
        Some(Value::Id(id)) => Some(Arc::clone(id)),
        _ => None,
    }
}

fn record(object: &str, row: &Row) -> Rc<RecordObject> {
    let record = RecordObject::new(object.into());
    *record.fields.borrow_mut() = row.clone();
    Rc::new(record)
}

impl Memory {
    fn note(&self, what: &str, access: AccessMode, sharing: bool) {
        let sharing = if sharing { "sharing" } else { "everything" };
        self.calls
            .borrow_mut()
            .push(format!("{what} {access:?} {sharing}"));
    }

    fn new_id(&self, object: &str) -> Value {
        let prefix = match object {
            "Account" => "001",
            "User" => "005",
            _ => "a00",
        };
        self.next.set(self.next.get() + 1);
        let short = format!("{prefix}000000{:06}", self.next.get());
        Value::Id(apex_runtime::run::long_id(&short).expect("an id").into())
    }

    fn fire(
        machine: &mut Machine<'_>,
        object: &str,
        event: TriggerEvent,
        new: &[Rc<RecordObject>],
        old: &[Rc<RecordObject>],
    ) -> Result<Option<String>, HostError> {
        let new = (!new.is_empty()).then_some(new);
        let old = (!old.is_empty()).then_some(old);
        let Err(TriggerFailure { trigger, interrupt }) = machine.fire(object, event, new, old) else {
            return Ok(None);
        };
        let failure = Failure::of(machine, &interrupt);
        if failure.kind != FailureKind::Exception {
            return Err(HostError::Interrupted(interrupt));
        }
        Ok(Some(format!(
            "{trigger}: execution of {}\n\ncaused by: {}",
            event.name(),
            failure.message
        )))
    }

    /// One attempt over the rows that are still alive; refusals are added to the outcomes.
    fn attempt(
        &self,
        machine: &mut Machine<'_>,
        call: &DmlCall,
        alive: &[usize],
        outcomes: &mut [DmlOutcome],
    ) -> Result<(), HostError> {
        let object = call.records[0].object.to_string();
        let rows: Vec<Row> = alive
            .iter()
            .map(|i| call.records[*i].fields.borrow().clone())
            .collect();
        let stored = |row: &Row| {
            let tables = self.tables.borrow();
            tables
                .get(&object)
                .and_then(|all| all.iter().find(|r| id(r) == id(row)).cloned())
        };
        let (mut new, mut old) = (Vec::new(), Vec::new());
        for row in &rows {
            if call.kind != DmlKind::Insert {
                let Some(found) = stored(row) else {
                    return Err(HostError::Exception("DmlException".into(), "no such row".into()));
                };
                old.push(record(&object, &found));
                let mut merged = found;
                merged.extend(row.clone());
                new.push(record(&object, &merged));
            } else {
                new.push(record(&object, row));
            }
        }
        let (before, after) = match call.kind {
            DmlKind::Insert => (TriggerEvent::BeforeInsert, TriggerEvent::AfterInsert),
            DmlKind::Update => (TriggerEvent::BeforeUpdate, TriggerEvent::AfterUpdate),
            DmlKind::Delete => (TriggerEvent::BeforeDelete, TriggerEvent::AfterDelete),
            other => return Err(HostError::NotSupported(format!("{other:?} in memory"))),
        };
        let deletes = call.kind == DmlKind::Delete;
        for event in [before, after] {
            let shown: &[Rc<RecordObject>] = if deletes { &[] } else { &new };
            let thrown = Self::fire(machine, &object, event, shown, &old)?;
            for (at, index) in alive.iter().enumerate() {
                let holder = if deletes { &old[at] } else { &new[at] };
                for error in holder.errors.borrow_mut().drain(..) {
                    let fields = error.field.iter().map(ToString::to_string).collect();
                    let code = "FIELD_CUSTOM_VALIDATION_EXCEPTION".to_owned();
                    outcomes[*index]
                        .errors
                        .push((code, error.message.to_string(), fields));
                }
                if let Some(thrown) = &thrown {
                    let code = "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY".to_owned();
                    outcomes[*index].errors.push((code, thrown.clone(), Vec::new()));
                }
            }
            if alive.iter().any(|i| !outcomes[*i].errors.is_empty()) {
                return Ok(());
            }
            if event != before {
                continue;
            }
            let mut tables = self.tables.borrow_mut();
            let table = tables.entry(object.clone()).or_default();
            for row in &new {
                let mut fields = row.fields.borrow_mut();
                match call.kind {
                    DmlKind::Insert => {
                        fields.insert("Id".into(), self.new_id(&object));
                        table.push(fields.clone());
                    }
                    DmlKind::Update => {
                        let place = table.iter_mut().find(|r| id(r) == id(&fields)).expect("a row");
                        *place = fields.clone();
                    }
                    _ => table.retain(|r| id(r) != id(&fields)),
                }
            }
        }
        for (at, index) in alive.iter().enumerate() {
            let saved = id(&new[at].fields.borrow()).expect("an id");
            call.records[*index]
                .fields
                .borrow_mut()
                .insert("Id".into(), Value::Id(Arc::clone(&saved)));
            outcomes[*index].id = Some(saved);
        }
        Ok(())
    }
}

impl Host for Memory {
    fn now(&self) -> i64 {
        self.base.now()
    }

    fn random(&self) -> u64 {
        self.base.random()
    }

    fn user(&self) -> RunningUser {
        let mut user = self.base.user();
        if let Some(id) = &*self.user.borrow() {
            user.id = Arc::clone(id);
        }
        user
    }

    fn log(&self, level: &str, line: u32, text: &str) {
        self.base.log(level, line, text);
    }

    fn query(&self, call: &QueryCall) -> Result<QueryAnswer, HostError> {
        let words: Vec<&str> = call.text.split_whitespace().collect();
        let from = words
            .iter()
            .position(|w| w.eq_ignore_ascii_case("FROM"))
            .expect("FROM");
        let object = words[from + 1];
        self.note(object, call.access, call.sharing);
        let wanted = words.iter().position(|w| *w == "=").map(|place| {
            let value = words[place + 1];
            let value = match value.strip_prefix(':') {
                Some(name) => {
                    let found = call.binds.iter().find(|(n, _)| n.eq_ignore_ascii_case(name));
                    found.expect("a bind").1.clone()
                }
                None => Value::from(value.trim_matches('\'')),
            };
            (words[place - 1], value)
        });
        let text = |value: Option<&Value>| match value {
            Some(Value::String(text) | Value::Id(text)) => Some(text.to_string()),
            _ => None,
        };
        let tables = self.tables.borrow();
        let found: Vec<_> = tables
            .get(object)
            .into_iter()
            .flatten()
            .filter(|row| {
                wanted
                    .as_ref()
                    .is_none_or(|(field, value)| text(row.get(*field)) == text(Some(value)))
            })
            .map(|row| {
                let found = record(object, row);
                *found.queried.borrow_mut() = Some(row.keys().cloned().collect());
                found
            })
            .collect();
        let counts = call.shape == Some(QueryShape::Count) || call.text.to_uppercase().contains("COUNT()");
        if counts {
            return Ok(QueryAnswer::Count(i32::try_from(found.len()).expect("few")));
        }
        Ok(QueryAnswer::Records(found))
    }

    fn dml(&self, machine: &mut Machine<'_>, call: &DmlCall) -> Result<Vec<DmlOutcome>, HostError> {
        self.note(&format!("{:?}", call.kind), call.access, call.sharing);
        let mut outcomes = vec![DmlOutcome::default(); call.records.len()];
        loop {
            let alive: Vec<_> = (0..outcomes.len())
                .filter(|i| outcomes[*i].errors.is_empty())
                .collect();
            if alive.is_empty() {
                return Ok(outcomes);
            }
            let before = self.tables.borrow().clone();
            self.attempt(machine, call, &alive, &mut outcomes)?;
            if alive.iter().all(|i| outcomes[*i].errors.is_empty()) {
                return Ok(outcomes);
            }
            *self.tables.borrow_mut() = before;
            if call.all_or_none {
                return Ok(outcomes);
            }
        }
    }

    fn callout(&self, call: &Callout) -> Result<CalloutAnswer, HostError> {
        self.base.callout(call)
    }

    fn enqueue(&self, job: Job) -> Result<Arc<str>, HostError> {
        self.base.enqueue(job)
    }

    fn savepoint(&self) -> Result<u64, HostError> {
        let mut marks = self.marks.borrow_mut();
        marks.push(self.tables.borrow().clone());
        Ok(marks.len() as u64 - 1)
    }

    fn rollback(&self, savepoint: u64) -> Result<(), HostError> {
        let place = usize::try_from(savepoint).expect("small");
        *self.tables.borrow_mut() = self.marks.borrow()[place].clone();
        Ok(())
    }

    fn release_savepoint(&self, _: u64) -> Result<(), HostError> {
        Ok(())
    }

    fn run_as(&self, user: &str) -> Result<(), HostError> {
        *self.user.borrow_mut() = Some(user.into());
        Ok(())
    }

    fn object_access(&self, object: &str) -> Result<ObjectAccess, HostError> {
        Ok(ObjectAccess {
            read: true,
            create: object == "Account",
            edit: object == "Account",
            delete: object == "Account",
        })
    }

    fn field_access(&self, _: &str, field: &str) -> Result<FieldAccess, HostError> {
        Ok(FieldAccess {
            read: true,
            create: true,
            edit: field != "Phone",
        })
    }
}
