//! Queries: counted here, done by the host.

use std::sync::Arc;

use super::limits::Limit;
use super::metadata_query;
use super::value::Value;
use super::{Frame, Machine, Run};
use crate::catalogue::absent_objects;
use crate::compile::ir::{Expr, ExprKind, QueryPlan};
use crate::host::{HostError, QueryAnswer, QueryCall};
use crate::syntax::ast::QueryShape;
use crate::types::Type;

/// What `Test` methods have set.
#[derive(Debug, Clone, Default)]
pub struct TestState {
    /// Whether a test runs.
    pub running: bool,
    /// Whether the test sees the org's data: `@IsTest(SeeAllData=true)`.
    pub sees_all_data: bool,
    /// Whether `startTest` was called.
    pub started: bool,
    /// Whether `stopTest` was called.
    pub stopped: bool,
    /// What `Test.setMock` registered: interface and object.
    pub mocks: Vec<(Arc<str>, Value)>,
    /// What `Test.setFixedSearchResults` was given.
    pub search_results: Vec<Value>,
    /// Platform events that are published and not delivered.
    pub events: Vec<std::rc::Rc<super::value::RecordObject>>,
    /// How often triggers have asked for the events of an object again, and with which words.
    pub asked_again: std::collections::BTreeMap<Arc<str>, super::trigger::EventDelivery>,
    /// Asynchronous work that waits for `stopTest`.
    pub jobs: Vec<super::jobs::TestJob>,
}

impl Machine<'_> {
    /// A query literal with the values of its binds.
    pub(super) fn query_call(&mut self, frame: &mut Frame, plan: &QueryPlan) -> Run<QueryCall> {
        let mut binds = Vec::with_capacity(plan.binds.len());
        for (index, bind) in plan.binds.iter().enumerate() {
            // An empty text is null for SOQL, also where an id is asked for.
            let value = match self.evaluate(frame, bind)? {
                Value::String(text) if text.is_empty() => Value::Null,
                value => value,
            };
            binds.push((Arc::from(format!("bind{index}")), value));
        }
        let (text, access, sharing) = self.query_access(&plan.text, None)?;
        Ok(QueryCall {
            text: text.into(),
            shape: Some(plan.shape),
            binds,
            access,
            sharing,
        })
    }

    /// A call of `Database.query` or its like: the variables that its text binds are read first.
    pub(super) fn dynamic_query(
        &mut self,
        frame: &mut Frame,
        call: &Expr,
        variables: &[(Arc<str>, Expr)],
    ) -> Run<Value> {
        let ExprKind::CallPlatform(method, None, arguments) = &call.kind else {
            return self.evaluate(frame, call);
        };
        let arguments = self.evaluate_all(frame, arguments)?;
        let mut binds = Vec::new();
        if let Some(Value::String(text)) = arguments.first() {
            for name in bind_names(text) {
                let Some((_, variable)) = variables.iter().find(|(v, _)| v.eq_ignore_ascii_case(&name))
                else {
                    self.at(call.line);
                    return Err(self.raise("QueryException", format!("Variable does not exist: {name}")));
                };
                let value = self.evaluate(frame, variable)?;
                binds.push((name.into(), value));
            }
        }
        self.at(call.line);
        self.scope_binds = binds;
        let result = self.invoke_platform(*method, &Value::Null, &arguments);
        self.scope_binds = Vec::new();
        result
    }

    pub(super) fn query(&mut self, plan: &QueryPlan, call: &QueryCall) -> Run<Value> {
        match (self.run_query(call)?, plan.shape) {
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
        if metadata_query::is_counted(&call.text, &self.program.schema) {
            self.count(Limit::Queries, 1)?;
        }
        let host = self.host;
        let answer = host.query(call).map_err(|error| match &error {
            HostError::Exception(_, message) => match self.absent_in_query(message) {
                Some(object) => self.not_supported(object),
                None => self.from_host(error),
            },
            _ => self.from_host(error),
        })?;
        if let QueryAnswer::Records(records) = &answer {
            self.count(Limit::QueryRows, records.len())?;
        }
        Ok(answer)
    }
}

impl Machine<'_> {
    /// The object of Salesforce that the org has not and that a query was refused for.
    fn absent_in_query(&self, message: &str) -> Option<String> {
        let schema = &self.program.schema;
        let quoted = |before: &str| {
            let (_, rest) = message.split_once(before)?;
            rest.split_once('\'').map(|(name, _)| name)
        };
        if let Some(name) = quoted("sObject type '") {
            return absent_objects::object_name(name, schema);
        }
        if let (Some(field), Some(object)) = (quoted("No such column '"), quoted("on entity '"))
            && absent_objects::is_field(object, field)
        {
            return Some(format!("{object}.{field}"));
        }
        let relationship = quoted("Didn't understand relationship '")?;
        let objects = schema.objects();
        let mut targets = objects
            .iter()
            .flat_map(|object| &object.fields)
            .filter(|field| {
                let name = field.relationship_name.as_deref();
                name.is_some_and(|name| name.eq_ignore_ascii_case(relationship))
            })
            .flat_map(|field| &field.reference_to);
        targets.find_map(|target| absent_objects::object_name(target, schema))
    }
}

/// The names behind colons outside of quotes: `:name`, `: name`. A Datetime's colons follow digits.
fn bind_names(text: &str) -> Vec<String> {
    let mut names = Vec::new();
    let mut quoted = false;
    let mut before = ' ';
    let mut characters = text.chars().peekable();
    while let Some(c) = characters.next() {
        if quoted && c == '\\' {
            characters.next();
        } else if c == '\'' {
            quoted = !quoted;
        } else if c == ':' && !quoted && !before.is_ascii_digit() {
            while characters.next_if(|c| c.is_whitespace()).is_some() {}
            let mut name = String::new();
            while let Some(c) = characters.next_if(|c| c.is_alphanumeric() || matches!(c, '_' | '.')) {
                name.push(c);
            }
            if name.starts_with(|c: char| !c.is_ascii_digit()) && !names.contains(&name) {
                names.push(name);
            }
        }
        before = c;
    }
    names
}
