//! Expressions.

use std::rc::Rc;
use std::sync::Arc;

use super::value::{RecordObject, Value};
use super::{Frame, Interrupt, Machine, Run};
use crate::catalogue::absent;
use crate::compile::ir::{Constant, Expr, ExprKind, Receiver};
use crate::run::decimal::Decimal;
use crate::types::Type;

impl Machine<'_> {
    pub(crate) fn evaluate(&mut self, frame: &mut Frame, expr: &Expr) -> Run<Value> {
        match &expr.kind {
            ExprKind::Constant(constant) => Ok(constant_value(constant)),
            ExprKind::Local(slot) => Ok(frame.locals.get(*slot).cloned().unwrap_or(Value::Null)),
            ExprKind::This => Ok(frame.this.clone()),
            ExprKind::Static(id) => {
                let slot = self.program.classes.field(*id).slot;
                self.static_slot(id.class, slot)
            }
            ExprKind::Instance(object, slot) => {
                let object = self.evaluate(frame, object)?;
                self.at(expr.line);
                self.instance_slot(&object, *slot)
            }
            ExprKind::Record(object, field) => {
                let record = self.evaluate(frame, object)?;
                self.at(expr.line);
                match record {
                    Value::Null if is_parent(object) => Ok(Value::Null),
                    record => self.record_field(&record, field),
                }
            }
            ExprKind::Related(object, relationship, many) => {
                let record = self.evaluate(frame, object)?;
                self.at(expr.line);
                match record {
                    Value::Null if is_parent(object) && !many => Ok(Value::Null),
                    record => self.related(&record, relationship, *many),
                }
            }
            ExprKind::Index(list, index) => {
                let list = self.evaluate(frame, list)?;
                let index = self.evaluate(frame, index)?;
                self.at(expr.line);
                self.list_get(&list, &index)
            }
            ExprKind::Assign(place, value) => self.assign(frame, place, value, expr.line),
            ExprKind::Compound(place, operation, left, value, back) => {
                self.compound(frame, place, *operation, *left, value, *back, expr.line)
            }
            ExprKind::Increment(place, step, prefix) => {
                self.increment(frame, place, *step, *prefix, expr.line)
            }
            ExprKind::Negate(operand) => {
                let value = self.evaluate(frame, operand)?;
                self.at(expr.line);
                match value {
                    Value::Integer(i) => Ok(Value::Integer(i.wrapping_neg())),
                    Value::Long(l) => Ok(Value::Long(l.wrapping_neg())),
                    Value::Double(d) => Ok(Value::Double(-d)),
                    Value::Decimal(d) => Ok(Value::Decimal(d.negate())),
                    _ => Err(self.null_pointer()),
                }
            }
            ExprKind::Not(operand) => {
                let value = self.condition(frame, operand)?;
                Ok(Value::Boolean(!value))
            }
            ExprKind::Complement(operand) => match self.evaluate(frame, operand)? {
                Value::Integer(i) => Ok(Value::Integer(!i)),
                Value::Long(l) => Ok(Value::Long(!l)),
                _ => Err(self.null_pointer()),
            },
            ExprKind::Binary(operation, left, right) => {
                let left = self.evaluate(frame, left)?;
                let right = self.evaluate(frame, right)?;
                self.at(expr.line);
                self.operate(*operation, &left, &right)
            }
            ExprKind::And(left, right) => {
                let value = self.condition(frame, left)? && self.condition(frame, right)?;
                Ok(Value::Boolean(value))
            }
            ExprKind::Or(left, right) => {
                let value = self.condition(frame, left)? || self.condition(frame, right)?;
                Ok(Value::Boolean(value))
            }
            ExprKind::Coalesce(left, right) => match self.evaluate(frame, left)? {
                Value::Null => self.evaluate(frame, right),
                value => Ok(value),
            },
            ExprKind::Ternary(condition, a, b) => {
                let chosen = if self.condition(frame, condition)? { a } else { b };
                self.evaluate(frame, chosen)
            }
            ExprKind::Convert(conversion, inner) => {
                let value = self.evaluate(frame, inner)?;
                self.at(expr.line);
                self.convert(*conversion, value)
            }
            ExprKind::Cast(ty, inner) => {
                let value = self.evaluate(frame, inner)?;
                self.at(expr.line);
                self.cast(value, ty)
            }
            ExprKind::InstanceOf(inner, ty) => {
                let value = self.evaluate(frame, inner)?;
                self.at(expr.line);
                match (&value, ty) {
                    // Public tests that pass in orgs (fflib-apex-mocks, DecimalMoreThan) show that every
                    // number is a Decimal; between the other types of numbers nothing shows what holds.
                    (Value::Integer(_) | Value::Long(_) | Value::Double(_), Type::Decimal) => {
                        Ok(Value::Boolean(true))
                    }
                    (Value::Integer(_), Type::Long | Type::Double)
                    | (Value::Long(_) | Value::Decimal(_), Type::Double) => {
                        Err(self.not_supported("instanceof between types of numbers"))
                    }
                    _ => Ok(Value::Boolean(self.is_instance(&value, ty))),
                }
            }
            ExprKind::Call(method, receiver, arguments) => {
                let receiver_value = match receiver {
                    Receiver::Static => Value::Null,
                    Receiver::Virtual(object) | Receiver::Exact(object) => self.evaluate(frame, object)?,
                };
                let arguments = self.evaluate_all(frame, arguments)?;
                self.at(expr.line);
                match receiver {
                    Receiver::Virtual(_) => self.invoke_virtual(*method, receiver_value, arguments),
                    Receiver::Static | Receiver::Exact(_) => self.invoke(*method, receiver_value, arguments),
                }
            }
            ExprKind::CallPlatform(method, receiver, arguments) => {
                let this = match receiver {
                    Some(object) => self.evaluate(frame, object)?,
                    None => Value::Null,
                };
                let arguments = self.evaluate_all(frame, arguments)?;
                self.at(expr.line);
                if receiver.is_some() && this.is_null() {
                    return Err(self.null_receiver(*method));
                }
                self.invoke_platform(*method, &this, &arguments)
            }
            ExprKind::New(class, target, arguments) => {
                let arguments = self.evaluate_all(frame, arguments)?;
                self.at(expr.line);
                self.construct(*class, *target, arguments)
            }
            ExprKind::NewPlatform(constructor, ty, arguments) => {
                let arguments = self.evaluate_all(frame, arguments)?;
                self.at(expr.line);
                self.invoke_platform(*constructor, &Value::Type(Rc::new(ty.clone())), &arguments)
            }
            ExprKind::NewCollection(ty, source) => {
                let source = match source {
                    Some(source) => Some(self.evaluate(frame, source)?),
                    None => None,
                };
                self.at(expr.line);
                self.new_collection(ty, source)
            }
            ExprKind::NewSized(ty, size) => {
                let size = self.evaluate(frame, size)?;
                self.at(expr.line);
                self.new_sized(ty, &size)
            }
            ExprKind::NewValues(ty, values) => {
                let values = self.evaluate_all(frame, values)?;
                self.at(expr.line);
                self.new_values(ty, values)
            }
            ExprKind::NewPairs(ty, pairs) => {
                let map = self.new_collection(ty, None)?;
                for (key, value) in pairs {
                    let key = self.evaluate(frame, key)?;
                    let value = self.evaluate(frame, value)?;
                    self.map_put(&map, key, value)?;
                }
                Ok(map)
            }
            ExprKind::NewRecord(object, fields) => {
                let record = Value::Record(Rc::new(RecordObject::new(Arc::clone(object))));
                for (name, value) in fields {
                    let value = self.evaluate(frame, value)?;
                    self.at(expr.line);
                    self.set_record_member(&record, name, value)?;
                }
                Ok(record)
            }
            ExprKind::SafeReceiver(object) => match self.evaluate(frame, object)? {
                Value::Null => Err(Interrupt::NullChain),
                value => Ok(value),
            },
            ExprKind::Chain(inner) => match self.evaluate(frame, inner) {
                Err(Interrupt::NullChain) => Ok(Value::Null),
                other => other,
            },
            ExprKind::Query(plan) => {
                let call = self.query_call(frame, plan)?;
                self.at(expr.line);
                self.query(plan, &call)
            }
            ExprKind::Search(text) => {
                self.at(expr.line);
                self.search(text)
            }
            ExprKind::DynamicQuery(call, variables) => self.dynamic_query(frame, call, variables),
            ExprKind::Locator(plan) => {
                let call = self.query_call(frame, plan)?;
                self.at(expr.line);
                self.locator_of(call)
            }
            ExprKind::OnlyRow(rows) => {
                let rows = self.evaluate(frame, rows)?;
                self.at(expr.line);
                self.only_row(&rows)
            }
            ExprKind::Dml(kind, mode, records, extra) => {
                let records = self.evaluate(frame, records)?;
                self.dml_statement(frame, *kind, *mode, &records, extra.as_ref(), expr.line)
            }
            ExprKind::Unsupported(what) => {
                self.at(expr.line);
                Err(self.unsupported(what))
            }
        }
    }

    pub(crate) fn evaluate_all(&mut self, frame: &mut Frame, all: &[Expr]) -> Run<Vec<Value>> {
        all.iter().map(|expr| self.evaluate(frame, expr)).collect()
    }

    /// A field of an object.
    pub(crate) fn instance_slot(&self, object: &Value, slot: usize) -> Run<Value> {
        match object {
            Value::Object(object) => Ok(object.slots.borrow().get(slot).cloned().unwrap_or(Value::Null)),
            _ => Err(self.null_pointer()),
        }
    }
}

fn constant_value(constant: &Constant) -> Value {
    match constant {
        Constant::Null => Value::Null,
        Constant::Boolean(value) => Value::Boolean(*value),
        Constant::Integer(value) => Value::Integer(*value),
        Constant::Long(value) => Value::Long(*value),
        Constant::Double(value) => Value::Double(*value),
        Constant::Decimal(value) => Value::Decimal(Decimal::clone(value)),
        Constant::String(value) => Value::String(Arc::clone(value)),
        Constant::Enum(owner, index) => Value::Enum(*owner, *index),
        Constant::Type(ty) => Value::Type(Rc::new(Type::clone(ty))),
        Constant::ObjectToken(object) => Value::ObjectToken(Arc::clone(object)),
        Constant::FieldToken(object, field) => Value::FieldToken(Arc::clone(object), Arc::clone(field)),
    }
}

/// Whether an expression is a parent of a record. What is read of a parent that is not there is null and no
/// NullPointerException (Apex Developer Guide, Accessing sObject Fields Through Relationships).
fn is_parent(expr: &Expr) -> bool {
    matches!(expr.kind, ExprKind::Related(_, _, false))
}

impl Machine<'_> {
    /// What is not here; some of it refuses by itself where a test does not see the org's data.
    fn unsupported(&self, what: &str) -> Interrupt {
        let siloed = self.test.running && !self.test.sees_all_data;
        match absent::refusal_in_silo(what).filter(|_| siloed) {
            Some((exception, words)) => self.raise(exception, words),
            None => self.not_supported(what),
        }
    }
}
