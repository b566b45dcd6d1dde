//! Reading and writing what can be assigned to.

use std::rc::Rc;
use std::sync::Arc;

use super::execute::set_local;
use super::value::Value;
use super::{Frame, Machine, Run};
use crate::compile::ir::{Expr, Operation, Place};
use crate::run::decimal::Decimal;
use crate::schema::{FieldKind, SObjectMember};
use crate::types::Conversion;

/// A place whose object and index have been evaluated, once.
enum Spot<'p> {
    Local(usize),
    Simple(&'p Place, Value),
    Element(Value, Value),
}

impl Machine<'_> {
    fn spot<'p>(&mut self, frame: &mut Frame, place: &'p Place) -> Run<Spot<'p>> {
        Ok(match place {
            Place::Local(slot) => Spot::Local(*slot),
            Place::Static(_) | Place::Property(None, _) => Spot::Simple(place, Value::Null),
            Place::Instance(object, _)
            | Place::Property(Some(object), _)
            | Place::PlatformProperty(object, ..)
            | Place::Record(object, _)
            | Place::Parent(object, _) => Spot::Simple(place, self.evaluate(frame, object)?),
            Place::Index(list, index) => {
                Spot::Element(self.evaluate(frame, list)?, self.evaluate(frame, index)?)
            }
        })
    }

    fn read(&mut self, frame: &mut Frame, spot: &Spot<'_>) -> Run<Value> {
        match spot {
            Spot::Local(slot) => Ok(frame.locals.get(*slot).cloned().unwrap_or(Value::Null)),
            Spot::Element(list, index) => self.list_get(list, index),
            Spot::Simple(place, object) => match place {
                Place::Static(id) => {
                    let slot = self.program.classes.field(*id).slot;
                    self.static_slot(id.class, slot)
                }
                Place::Instance(_, slot) => self.instance_slot(object, *slot),
                Place::Property(_, accessors) => {
                    let field = self.program.classes.field(accessors.field);
                    match accessors.getter {
                        Some(getter) if field.is_static => self.invoke(getter, Value::Null, Vec::new()),
                        Some(getter) => self.invoke_virtual(getter, object.clone(), Vec::new()),
                        None if field.is_static => self.static_slot(accessors.field.class, field.slot),
                        None => self.instance_slot(object, field.slot),
                    }
                }
                Place::PlatformProperty(_, getter, _) => {
                    if !self.catalogue.method(*getter).is_static {
                        self.require(object)?;
                    }
                    self.invoke_platform(*getter, object, &[])
                }
                Place::Record(_, field) => self.record_field(object, field),
                Place::Parent(_, relationship) => self.related(object, relationship, false),
                Place::Local(_) | Place::Index(..) => Ok(Value::Null),
            },
        }
    }

    fn write(&mut self, frame: &mut Frame, spot: &Spot<'_>, value: Value) -> Run<()> {
        match spot {
            Spot::Local(slot) => set_local(frame, *slot, value),
            Spot::Element(list, index) => self.list_set(list, index, value)?,
            Spot::Simple(place, object) => match place {
                Place::Static(id) => {
                    let slot = self.program.classes.field(*id).slot;
                    self.set_static_slot(id.class, slot, value)?;
                }
                Place::Instance(_, slot) => self.set_instance_slot(object, *slot, value)?,
                Place::Property(_, accessors) => {
                    let field = self.program.classes.field(accessors.field);
                    match accessors.setter {
                        Some(setter) if field.is_static => {
                            self.invoke(setter, Value::Null, vec![value])?;
                        }
                        Some(setter) => {
                            self.invoke_virtual(setter, object.clone(), vec![value])?;
                        }
                        None if field.is_static => {
                            self.set_static_slot(accessors.field.class, field.slot, value)?;
                        }
                        None => self.set_instance_slot(object, field.slot, value)?,
                    }
                }
                Place::PlatformProperty(_, _, setter) => {
                    if !self.catalogue.method(*setter).is_static {
                        self.require(object)?;
                    }
                    self.invoke_platform(*setter, object, &[value])?;
                }
                Place::Record(_, name) | Place::Parent(_, name) => {
                    self.set_record_member(object, name, value)?
                }
                Place::Local(_) | Place::Index(..) => {}
            },
        }
        Ok(())
    }

    fn require(&self, object: &Value) -> Run<()> {
        if object.is_null() {
            Err(self.null_pointer())
        } else {
            Ok(())
        }
    }

    fn set_instance_slot(&self, object: &Value, slot: usize, value: Value) -> Run<()> {
        match object {
            Value::Object(object) => {
                if let Some(place) = object.slots.borrow_mut().get_mut(slot) {
                    *place = value;
                }
                Ok(())
            }
            _ => Err(self.null_pointer()),
        }
    }

    pub(super) fn assign(&mut self, frame: &mut Frame, place: &Place, value: &Expr, line: u32) -> Run<Value> {
        let spot = self.spot(frame, place)?;
        let value = self.evaluate(frame, value)?;
        self.at(line);
        self.write(frame, &spot, value.clone())?;
        Ok(value)
    }

    #[expect(
        clippy::too_many_arguments,
        reason = "the parts of one IR node, passed on unwrapped"
    )]
    pub(super) fn compound(
        &mut self,
        frame: &mut Frame,
        place: &Place,
        operation: Operation,
        left: Conversion,
        value: &Expr,
        back: Conversion,
        line: u32,
    ) -> Run<Value> {
        let spot = self.spot(frame, place)?;
        let old = self.read(frame, &spot)?;
        let right = self.evaluate(frame, value)?;
        self.at(line);
        let old = self.convert(left, old)?;
        let combined = self.operate(operation, &old, &right)?;
        let new = self.convert(back, combined)?;
        self.write(frame, &spot, new.clone())?;
        Ok(new)
    }

    pub(super) fn increment(
        &mut self,
        frame: &mut Frame,
        place: &Place,
        step: i32,
        prefix: bool,
        line: u32,
    ) -> Run<Value> {
        let spot = self.spot(frame, place)?;
        let old = self.read(frame, &spot)?;
        self.at(line);
        let new = match &old {
            Value::Integer(i) => Value::Integer(i.wrapping_add(step)),
            Value::Long(l) => Value::Long(l.wrapping_add(i64::from(step))),
            Value::Double(d) => Value::Double(d + f64::from(step)),
            Value::Decimal(d) => Value::Decimal(d.add(&Decimal::from(step))),
            _ => return Err(self.null_pointer()),
        };
        self.write(frame, &spot, new.clone())?;
        Ok(if prefix { new } else { old })
    }

    /// A field of a record; a queried record has only what the query brought.
    pub fn record_field(&self, record: &Value, field: &str) -> Run<Value> {
        let Value::Record(record) = record else {
            return Err(self.null_pointer());
        };
        if let Some(value) = record.fields.borrow().get(field) {
            return Ok(value.clone());
        }
        if record
            .queried
            .borrow()
            .as_ref()
            .is_some_and(|queried| !queried.iter().any(|q| &**q == field))
        {
            let message = format!(
                "SObject row was retrieved via SOQL without querying the requested field: {}.{field}",
                record.object
            );
            return Err(self.raise("SObjectException", message));
        }
        // A checkbox is never null.
        let described = self.program.schema.object(&record.object);
        let kind = described
            .and_then(|object| object.field(field))
            .map(|field| field.kind);
        Ok(match kind {
            Some(FieldKind::Boolean) => Value::Boolean(false),
            _ => Value::Null,
        })
    }

    /// A parent record, or the list of children that a subquery brought.
    pub fn related(&self, record: &Value, relationship: &Arc<str>, many: bool) -> Run<Value> {
        let Value::Record(record) = record else {
            return Err(self.null_pointer());
        };
        if let Some(value) = record.related.borrow().get(relationship) {
            return Ok(value.clone());
        }
        if many {
            return Err(self.not_supported(format!(
                "the list {relationship} of a record that no subquery filled"
            )));
        }
        Ok(Value::Null)
    }

    /// Sets a field or a parent record.
    pub fn set_record_member(&self, record: &Value, name: &Arc<str>, value: Value) -> Run<()> {
        let Value::Record(record) = record else {
            return Err(self.null_pointer());
        };
        if record.read_only.get() {
            return Err(self.raise("FinalException", "Record is read-only"));
        }
        let described = self.program.schema.object(&record.object);
        let is_parent = matches!(
            described.and_then(|d| d.member(name)),
            Some(SObjectMember::Parent(..))
        );
        let table = if is_parent {
            &record.related
        } else {
            &record.fields
        };
        table.borrow_mut().insert(Arc::clone(name), value);
        Ok(())
    }

    /// The one row of a query that is used as a record.
    pub(super) fn only_row(&self, rows: &Value) -> Run<Value> {
        let Value::List(list) = rows else {
            return Ok(rows.clone());
        };
        match list.items.borrow().as_slice() {
            [only] => Ok(only.clone()),
            [] => Err(self.raise("QueryException", "List has no rows for assignment to SObject")),
            _ => Err(self.raise(
                "QueryException",
                "List has more than 1 row for assignment to SObject",
            )),
        }
    }

    /// Copies a record with its fields.
    pub fn copy_record(&self, record: &super::value::RecordObject) -> Rc<super::value::RecordObject> {
        let copy = super::value::RecordObject::new(Arc::clone(&record.object));
        *copy.fields.borrow_mut() = record.fields.borrow().clone();
        *copy.related.borrow_mut() = record.related.borrow().clone();
        *copy.queried.borrow_mut() = record.queried.borrow().clone();
        Rc::new(copy)
    }
}
