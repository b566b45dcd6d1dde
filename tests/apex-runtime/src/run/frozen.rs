//! Values outside a transaction. Asynchronous Apex serializes what it is given: later changes of the one do
//! not reach the other, and transient fields are null (Apex Developer Guide, "Queueable Apex", "Using the
//! transient Keyword"). A frozen value may move between threads.

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;
use std::sync::Arc;

use chrono::NaiveDate;

use super::decimal::Decimal;
use super::hash_table::HashTable;
use super::value::{Instance, ObjectClass, RecordObject, Value};
use super::{Machine, Run};
use crate::compile::ir::EnumOwner;
use crate::types::{ClassId, Type};

/// A value with everything it refers to.
#[derive(Debug, Clone)]
pub struct Frozen {
    nodes: Vec<Node>,
    root: Part,
}

/// A value, or where it lies.
#[derive(Debug, Clone)]
enum Part {
    Null,
    Boolean(bool),
    Integer(i32),
    Long(i64),
    Double(f64),
    Decimal(Decimal),
    String(Arc<str>),
    Id(Arc<str>),
    Blob(Arc<[u8]>),
    Date(NaiveDate),
    Datetime(i64),
    Time(i32),
    Enum(EnumOwner, usize),
    Type(Type),
    ObjectToken(Arc<str>),
    FieldToken(Arc<str>, Arc<str>),
    Node(usize),
}

type Named = Vec<(Arc<str>, Part)>;

/// What several places may refer to.
#[derive(Debug, Clone)]
enum Node {
    /// Being frozen.
    Open,
    List(Type, Vec<Part>),
    Set(Type, Vec<Part>),
    Map(Type, Type, Vec<(Part, Part)>),
    Record(Arc<str>, Named, Named, Option<Vec<Arc<str>>>),
    Object(ClassId, Vec<Part>),
}

struct Freezer<'m, 'a> {
    machine: &'m Machine<'a>,
    nodes: Vec<Node>,
    known: HashMap<usize, usize>,
}

fn address<T>(value: &Rc<T>) -> usize {
    Rc::as_ptr(value).cast::<()>() as usize
}

impl Freezer<'_, '_> {
    fn part(&mut self, value: &Value) -> Run<Part> {
        Ok(match value {
            Value::Null => Part::Null,
            Value::Boolean(b) => Part::Boolean(*b),
            Value::Integer(i) => Part::Integer(*i),
            Value::Long(l) => Part::Long(*l),
            Value::Double(d) => Part::Double(*d),
            Value::Decimal(d) => Part::Decimal(d.clone()),
            Value::String(text) => Part::String(Arc::clone(text)),
            Value::Id(id) => Part::Id(Arc::clone(id)),
            Value::Blob(bytes) => Part::Blob(bytes.as_ref().into()),
            Value::Date(d) => Part::Date(*d),
            Value::Datetime(millis) => Part::Datetime(*millis),
            Value::Time(millis) => Part::Time(*millis),
            Value::Enum(owner, index) => Part::Enum(*owner, *index),
            Value::Type(ty) => Part::Type(Type::clone(ty)),
            Value::List(list) => self.shared(address(list), |freezer| {
                let items = list.items.borrow().clone();
                Ok(Node::List(list.element.clone(), freezer.parts(&items)?))
            })?,
            Value::Set(set) => self.shared(address(set), |freezer| {
                let keys = set.table.borrow().keys();
                Ok(Node::Set(set.element.clone(), freezer.parts(&keys)?))
            })?,
            Value::Map(map) => self.shared(address(map), |freezer| {
                let entries: Vec<_> = map.table.borrow().iter().cloned().collect();
                let mut frozen = Vec::new();
                for (key, value) in &entries {
                    frozen.push((freezer.part(key)?, freezer.part(value)?));
                }
                Ok(Node::Map(map.key.clone(), map.value.clone(), frozen))
            })?,
            Value::Record(record) => self.shared(address(record), |freezer| freezer.record(record))?,
            Value::Object(object) => self.shared(address(object), |freezer| freezer.object(object))?,
            Value::ObjectToken(object) => Part::ObjectToken(Arc::clone(object)),
            Value::FieldToken(object, field) => Part::FieldToken(Arc::clone(object), Arc::clone(field)),
            Value::Native(native) => {
                let name = self.machine.type_name(&native.ty);
                return Err(self
                    .machine
                    .not_supported(format!("an object of {name} in asynchronous Apex")));
            }
        })
    }

    fn parts(&mut self, values: &[Value]) -> Run<Vec<Part>> {
        values.iter().map(|value| self.part(value)).collect()
    }

    fn shared(&mut self, address: usize, freeze: impl FnOnce(&mut Self) -> Run<Node>) -> Run<Part> {
        if let Some(place) = self.known.get(&address) {
            return Ok(Part::Node(*place));
        }
        let place = self.nodes.len();
        self.nodes.push(Node::Open);
        self.known.insert(address, place);
        let node = freeze(self)?;
        if let Some(open) = self.nodes.get_mut(place) {
            *open = node;
        }
        Ok(Part::Node(place))
    }

    fn record(&mut self, record: &RecordObject) -> Run<Node> {
        let named = |freezer: &mut Self, values: Vec<(Arc<str>, Value)>| -> Run<Named> {
            values
                .into_iter()
                .map(|(name, value)| Ok((name, freezer.part(&value)?)))
                .collect()
        };
        let fields = record.fields.borrow().clone().into_iter().collect();
        let related = record.related.borrow().clone().into_iter().collect();
        Ok(Node::Record(
            Arc::clone(&record.object),
            named(self, fields)?,
            named(self, related)?,
            record.queried.borrow().clone(),
        ))
    }

    fn object(&mut self, object: &Instance) -> Run<Node> {
        let ObjectClass::User(class) = object.class else {
            return Err(self.machine.not_supported("an exception in asynchronous Apex"));
        };
        if object.exception.is_some() || object.stub.is_some() {
            let name = &self.machine.program.classes.class(class).name;
            return Err(self
                .machine
                .not_supported(format!("an object of {name} in asynchronous Apex")));
        }
        let mut values = object.slots.borrow().clone();
        let classes = &self.machine.program.classes;
        for ancestor in classes.lineage(class) {
            for field in &classes.class(ancestor).fields {
                if !field.is_static
                    && field.modifiers.has("transient")
                    && let Some(value) = values.get_mut(field.slot)
                {
                    *value = Value::Null;
                }
            }
        }
        Ok(Node::Object(class, self.parts(&values)?))
    }
}

impl Frozen {
    /// A record that no program made. What is no plain value is left out.
    pub fn of_record(object: &str, fields: impl IntoIterator<Item = (Arc<str>, Value)>) -> Self {
        let plain = |(name, value): (Arc<str>, Value)| {
            let part = match value {
                Value::Boolean(b) => Part::Boolean(b),
                Value::Integer(i) => Part::Integer(i),
                Value::Long(l) => Part::Long(l),
                Value::Double(d) => Part::Double(d),
                Value::Decimal(d) => Part::Decimal(d),
                Value::String(text) => Part::String(text),
                Value::Id(id) => Part::Id(id),
                Value::Date(d) => Part::Date(d),
                Value::Datetime(millis) => Part::Datetime(millis),
                Value::Time(millis) => Part::Time(millis),
                _ => return None,
            };
            Some((name, part))
        };
        let fields = fields.into_iter().filter_map(plain).collect();
        Self {
            nodes: vec![Node::Record(object.into(), fields, Vec::new(), None)],
            root: Part::Node(0),
        }
    }

    /// What asynchronous Apex takes along.
    pub fn of(machine: &Machine<'_>, value: &Value) -> Run<Self> {
        let mut freezer = Freezer {
            machine,
            nodes: Vec::new(),
            known: HashMap::new(),
        };
        let root = freezer.part(value)?;
        Ok(Self {
            nodes: freezer.nodes,
            root,
        })
    }

    /// The value again, new in every transaction. The program must be the one it was frozen in.
    pub fn thaw(&self, machine: &mut Machine<'_>) -> Run<Value> {
        let empty: Vec<Value> = self.nodes.iter().map(empty).collect();
        for (node, value) in self.nodes.iter().zip(&empty) {
            fill(node, value, &empty);
        }
        // Last, because hashing may call what a program wrote.
        for (node, value) in self.nodes.iter().zip(&empty) {
            match node {
                Node::Set(_, keys) => {
                    for key in keys {
                        machine.set_add(value, warm(key, &empty))?;
                    }
                }
                Node::Map(_, _, entries) => {
                    for (key, entry) in entries {
                        machine.map_put(value, warm(key, &empty), warm(entry, &empty))?;
                    }
                }
                _ => {}
            }
        }
        Ok(warm(&self.root, &empty))
    }
}

fn empty(node: &Node) -> Value {
    match node {
        Node::Open => Value::Null,
        Node::List(element, _) => Value::list(element.clone(), Vec::new()),
        Node::Set(element, _) => Value::set(element.clone(), HashTable::default()),
        Node::Map(key, value, _) => Value::map(key.clone(), value.clone(), HashTable::default()),
        Node::Record(object, ..) => Value::Record(Rc::new(RecordObject::new(Arc::clone(object)))),
        Node::Object(class, slots) => Value::Object(Rc::new(Instance {
            class: ObjectClass::User(*class),
            slots: RefCell::new(vec![Value::Null; slots.len()]),
            exception: None,
            stub: None,
        })),
    }
}

fn fill(node: &Node, value: &Value, all: &[Value]) {
    match (node, value) {
        (Node::List(_, items), Value::List(list)) => {
            *list.items.borrow_mut() = items.iter().map(|item| warm(item, all)).collect();
        }
        (Node::Record(_, fields, related, queried), Value::Record(record)) => {
            let named = |parts: &Named| {
                parts
                    .iter()
                    .map(|(name, part)| (Arc::clone(name), warm(part, all)))
                    .collect()
            };
            *record.fields.borrow_mut() = named(fields);
            *record.related.borrow_mut() = named(related);
            record.queried.borrow_mut().clone_from(queried);
        }
        (Node::Object(_, slots), Value::Object(object)) => {
            *object.slots.borrow_mut() = slots.iter().map(|slot| warm(slot, all)).collect();
        }
        _ => {}
    }
}

fn warm(part: &Part, all: &[Value]) -> Value {
    match part {
        Part::Null => Value::Null,
        Part::Boolean(b) => Value::Boolean(*b),
        Part::Integer(i) => Value::Integer(*i),
        Part::Long(l) => Value::Long(*l),
        Part::Double(d) => Value::Double(*d),
        Part::Decimal(d) => Value::Decimal(d.clone()),
        Part::String(text) => Value::String(Arc::clone(text)),
        Part::Id(id) => Value::Id(Arc::clone(id)),
        Part::Blob(bytes) => Value::Blob(bytes.as_ref().into()),
        Part::Date(d) => Value::Date(*d),
        Part::Datetime(millis) => Value::Datetime(*millis),
        Part::Time(millis) => Value::Time(*millis),
        Part::Enum(owner, index) => Value::Enum(*owner, *index),
        Part::Type(ty) => Value::Type(Rc::new(ty.clone())),
        Part::ObjectToken(object) => Value::ObjectToken(Arc::clone(object)),
        Part::FieldToken(object, field) => Value::FieldToken(Arc::clone(object), Arc::clone(field)),
        Part::Node(place) => all.get(*place).cloned().unwrap_or(Value::Null),
    }
}
