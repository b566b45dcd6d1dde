//! Queries and DML statements: counted here, done by the host.

use std::rc::Rc;
use std::sync::Arc;

use super::limits::Limit;
use super::value::{RecordObject, Value};
use super::{Frame, Machine, Run};
use crate::compile::ir::{DmlExtra, QueryPlan};
use crate::host::{DmlCall, QueryAnswer, QueryCall};
use crate::syntax::ast::{DmlKind, QueryShape};
use crate::types::Type;

/// What `Test` methods have set.
#[derive(Debug, Clone, Default)]
pub struct TestState {
    /// Whether a test runs.
    pub running: bool,
    /// Whether `startTest` was called.
    pub started: bool,
    /// Whether `stopTest` was called.
    pub stopped: bool,
    /// What `Test.setMock` registered: interface and object.
    pub mocks: Vec<(Arc<str>, Value)>,
}

impl Machine<'_> {
    pub(super) fn query(&mut self, plan: &QueryPlan, binds: Vec<(Arc<str>, Value)>) -> Run<Value> {
        let call = QueryCall {
            text: Arc::clone(&plan.text),
            shape: Some(plan.shape),
            binds,
            user_mode: None,
        };
        match (self.run_query(&call)?, plan.shape) {
            (QueryAnswer::Count(count), _) => Ok(Value::Integer(count)),
            (QueryAnswer::Records(records), shape) => {
                let object = match shape {
                    QueryShape::Aggregate => Arc::from("AggregateResult"),
                    _ => match self.program.schema.object(&plan.object) {
                        Some(object) => Arc::clone(&object.name),
                        None => Arc::clone(&plan.object),
                    },
                };
                let rows = records.into_iter().map(Value::Record).collect();
                Ok(Value::list(Type::Record(object), rows))
            }
        }
    }

    /// Counts and runs a query; dynamic queries come through here too.
    pub fn run_query(&mut self, call: &QueryCall) -> Run<QueryAnswer> {
        self.count(Limit::Queries, 1)?;
        let host = self.host;
        let answer = host.query(call).map_err(|error| self.from_host(error))?;
        if let QueryAnswer::Records(records) = &answer {
            self.count(Limit::QueryRows, records.len())?;
        }
        Ok(answer)
    }

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
            Some(DmlExtra::Duplicates(other)) => match self.evaluate(frame, other)? {
                Value::List(list) => duplicates = list.items.borrow().clone(),
                one => duplicates.push(one),
            },
            None => {}
        }
        self.at(line);
        let records = self.records(records)?;
        let call = DmlCall {
            kind,
            records,
            key,
            duplicates,
            all_or_none: true,
            user_mode,
        };
        self.run_dml(&call)?;
        Ok(Value::Null)
    }

    fn records(&self, value: &Value) -> Run<Vec<Rc<RecordObject>>> {
        let single = |value: &Value| match value {
            Value::Record(record) => Ok(Rc::clone(record)),
            _ => Err(self.null_pointer()),
        };
        match value {
            Value::List(list) => list.items.borrow().iter().map(single).collect(),
            one => Ok(vec![single(one)?]),
        }
    }

    /// Counts and runs a DML operation; `Database` methods come through here too. With `all_or_none` a
    /// refusal is raised as a DmlException.
    pub fn run_dml(&mut self, call: &DmlCall) -> Run<Vec<crate::host::DmlOutcome>> {
        self.count(Limit::DmlStatements, 1)?;
        self.count(Limit::DmlRows, call.records.len())?;
        let host = self.host;
        let outcomes = host.dml(self, call).map_err(|error| self.from_host(error))?;
        let failed = outcomes
            .iter()
            .enumerate()
            .find(|(_, outcome)| !outcome.errors.is_empty());
        if let (true, Some((row, outcome))) = (call.all_or_none, failed) {
            let word = match call.kind {
                DmlKind::Insert => "Insert",
                DmlKind::Update => "Update",
                DmlKind::Upsert => "Upsert",
                DmlKind::Delete => "Delete",
                DmlKind::Undelete => "Undelete",
                DmlKind::Merge => "Merge",
            };
            let id = call
                .records
                .get(row)
                .and_then(|r| match r.fields.borrow().get("Id") {
                    Some(Value::Id(id)) => Some(format!(" with id {id}")),
                    _ => None,
                });
            let (code, text, fields) = outcome.errors.first().cloned().unwrap_or_default();
            let message = format!(
                "{word} failed. First exception on row {row}{}; first error: {code}, {text}: [{}]",
                id.unwrap_or_default(),
                fields.join(", ")
            );
            return Err(self.raise("DmlException", message));
        }
        Ok(outcomes)
    }
}
