//! Statements.

use std::rc::Rc;

use super::value::{ObjectClass, Value};
use super::{Frame, Interrupt, Machine, Run};
use crate::compile::ir::{Expr, Iteration, Stmt, StmtKind, SwitchTest};
use crate::types::{Conversion, Type};

/// How a statement ended.
#[derive(Debug, Clone)]
pub(crate) enum Flow {
    Next,
    Break,
    Continue,
    Return(Value),
}

/// Rows in a list when a `for` takes query rows by lists.
const CHUNK: usize = 200;

impl Machine<'_> {
    pub(crate) fn statements(&mut self, frame: &mut Frame, statements: &[Stmt]) -> Run<Flow> {
        for statement in statements {
            match self.statement(frame, statement)? {
                Flow::Next => {}
                other => return Ok(other),
            }
        }
        Ok(Flow::Next)
    }

    fn statement(&mut self, frame: &mut Frame, statement: &Stmt) -> Run<Flow> {
        if !matches!(
            statement.kind,
            StmtKind::Block(_) | StmtKind::Try(..) | StmtKind::Empty
        ) {
            self.step(statement.line)?;
        }
        match &statement.kind {
            StmtKind::Empty => {}
            StmtKind::Block(inner) => return self.statements(frame, inner),
            StmtKind::Local(slot, value) => {
                let value = match value {
                    Some(value) => self.evaluate(frame, value)?,
                    None => Value::Null,
                };
                set_local(frame, *slot, value);
            }
            StmtKind::Expr(expr) => {
                self.evaluate(frame, expr)?;
            }
            StmtKind::If(condition, then, otherwise) => {
                if self.condition(frame, condition)? {
                    return self.statement(frame, then);
                }
                if let Some(otherwise) = otherwise {
                    return self.statement(frame, otherwise);
                }
            }
            StmtKind::While(condition, body) => {
                while self.condition(frame, condition)? {
                    self.step(statement.line)?;
                    match self.statement(frame, body)? {
                        Flow::Break => break,
                        Flow::Return(value) => return Ok(Flow::Return(value)),
                        Flow::Next | Flow::Continue => {}
                    }
                }
            }
            StmtKind::DoWhile(body, condition) => loop {
                match self.statements(frame, body)? {
                    Flow::Break => break,
                    Flow::Return(value) => return Ok(Flow::Return(value)),
                    Flow::Next | Flow::Continue => {}
                }
                self.step(condition.line)?;
                if !self.condition(frame, condition)? {
                    break;
                }
            },
            StmtKind::For(start, condition, update, body) => {
                self.statements(frame, start)?;
                loop {
                    if let Some(condition) = condition
                        && !self.condition(frame, condition)?
                    {
                        break;
                    }
                    match self.statement(frame, body)? {
                        Flow::Break => break,
                        Flow::Return(value) => return Ok(Flow::Return(value)),
                        Flow::Next | Flow::Continue => {}
                    }
                    self.step(statement.line)?;
                    for expr in update {
                        self.evaluate(frame, expr)?;
                    }
                }
            }
            StmtKind::ForEach(slot, conversion, iteration, values, body) => {
                return self.for_each(frame, *slot, *conversion, *iteration, values, body);
            }
            StmtKind::Return(value) => {
                let value = match value {
                    Some(value) => self.evaluate(frame, value)?,
                    None => Value::Null,
                };
                return Ok(Flow::Return(value));
            }
            StmtKind::Throw(value) => {
                return Err(match self.evaluate(frame, value)? {
                    Value::Object(exception) => Interrupt::Exception(exception),
                    _ => self.null_pointer(),
                });
            }
            StmtKind::Try(body, catches, finally) => {
                return self.try_statement(frame, body, catches, finally.as_deref());
            }
            StmtKind::Switch(subject, rules, otherwise) => {
                let subject = self.evaluate(frame, subject)?;
                for (test, body) in rules {
                    if self.switch_applies(frame, &subject, test)? {
                        return self.statements(frame, body);
                    }
                }
                if let Some(otherwise) = otherwise {
                    return self.statements(frame, otherwise);
                }
            }
            StmtKind::Break => return Ok(Flow::Break),
            StmtKind::Continue => return Ok(Flow::Continue),
            StmtKind::RunAs(user, body) => {
                let user = self.evaluate(frame, user)?;
                return self.run_as(frame, &user, body);
            }
        }
        Ok(Flow::Next)
    }

    pub(crate) fn condition(&mut self, frame: &mut Frame, condition: &Expr) -> Run<bool> {
        match self.evaluate(frame, condition)? {
            Value::Boolean(value) => Ok(value),
            _ => Err(self.null_pointer()),
        }
    }

    fn for_each(
        &mut self,
        frame: &mut Frame,
        slot: usize,
        conversion: Conversion,
        iteration: Iteration,
        values: &Expr,
        body: &Stmt,
    ) -> Run<Flow> {
        let values = self.evaluate(frame, values)?;
        if iteration == Iteration::Chunks
            && let Value::List(list) = &values
        {
            let items = list.items.borrow().clone();
            for chunk in items.chunks(CHUNK) {
                let chunk = Value::list(list.element.clone(), chunk.to_vec());
                match self.turn(frame, slot, chunk, body)? {
                    Flow::Break => break,
                    Flow::Return(value) => return Ok(Flow::Return(value)),
                    Flow::Next | Flow::Continue => {}
                }
            }
            return Ok(Flow::Next);
        }
        match &values {
            Value::List(_) | Value::Set(_) => {
                let items = self.elements(&values)?;
                let running = self.iterating(&values, 1);
                let mut end = Ok(Flow::Next);
                for item in items {
                    let turn = match self.convert(conversion, item) {
                        Ok(item) => self.turn(frame, slot, item, body),
                        Err(error) => Err(error),
                    };
                    match turn {
                        Ok(Flow::Next | Flow::Continue) => {}
                        Ok(Flow::Break) => break,
                        other => {
                            end = other;
                            break;
                        }
                    }
                }
                if running {
                    self.iterating(&values, -1);
                }
                end
            }
            Value::Null => Err(self.null_pointer()),
            _ => {
                let iterator = self.invoke_interface("Iterable", "iterator", &values, &[])?;
                while matches!(
                    self.invoke_interface("Iterator", "hasNext", &iterator, &[])?,
                    Value::Boolean(true)
                ) {
                    let item = self.invoke_interface("Iterator", "next", &iterator, &[])?;
                    let item = self.convert(conversion, item)?;
                    match self.turn(frame, slot, item, body)? {
                        Flow::Break => break,
                        Flow::Return(value) => return Ok(Flow::Return(value)),
                        Flow::Next | Flow::Continue => {}
                    }
                }
                Ok(Flow::Next)
            }
        }
    }

    fn turn(&mut self, frame: &mut Frame, slot: usize, value: Value, body: &Stmt) -> Run<Flow> {
        self.step(body.line)?;
        set_local(frame, slot, value);
        self.statement(frame, body)
    }

    fn try_statement(
        &mut self,
        frame: &mut Frame,
        body: &[Stmt],
        catches: &[(Type, usize, Vec<Stmt>)],
        finally: Option<&[Stmt]>,
    ) -> Run<Flow> {
        let depth = self.calls.len();
        let mut result = self.statements(frame, body);
        if let Err(Interrupt::Exception(exception)) = &result {
            let exception = Rc::clone(exception);
            self.calls.truncate(depth);
            let thrown = match exception.class {
                ObjectClass::User(id) => Type::User(id),
                ObjectClass::Exception(id) => Type::platform(id),
            };
            let matching = catches
                .iter()
                .find(|(ty, ..)| self.program.hierarchy().distance(&thrown, ty).is_some());
            if let Some((_, slot, handler)) = matching {
                set_local(frame, *slot, Value::Object(exception));
                result = self.statements(frame, handler);
            }
        }
        let Some(finally) = finally else { return result };
        // What nothing catches runs no `finally` either: the transaction is over.
        if let Err(Interrupt::Fatal(_)) = result {
            return result;
        }
        match self.statements(frame, finally)? {
            Flow::Next => result,
            other => Ok(other),
        }
    }

    /// Strings in `when` count case (unlike `==`).
    fn switch_applies(&mut self, frame: &mut Frame, subject: &Value, test: &SwitchTest) -> Run<bool> {
        match test {
            SwitchTest::Values(values) => {
                for value in values {
                    let value = self.evaluate(frame, value)?;
                    if self.same_key(subject, &value)? {
                        return Ok(true);
                    }
                }
                Ok(false)
            }
            SwitchTest::Record(ty, slot) => {
                if !self.is_instance(subject, ty) {
                    return Ok(false);
                }
                set_local(frame, *slot, subject.clone());
                Ok(true)
            }
        }
    }
}

pub(crate) fn set_local(frame: &mut Frame, slot: usize, value: Value) {
    if let Some(place) = frame.locals.get_mut(slot) {
        *place = value;
    }
}
