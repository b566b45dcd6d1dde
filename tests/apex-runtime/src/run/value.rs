//! Values at run time: primitives are values, collections, records and objects are references.

use std::any::Any;
use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::sync::Arc;

use chrono::NaiveDate;
use indexmap::IndexMap;

use super::decimal::Decimal;
use super::hash_table::HashTable;
use crate::compile::ir::EnumOwner;
use crate::types::{ClassId, PlatformId, Type};

/// A value.
#[derive(Debug, Clone)]
pub enum Value {
    /// `null`
    Null,
    /// A Boolean.
    Boolean(bool),
    /// An Integer.
    Integer(i32),
    /// A Long.
    Long(i64),
    /// A Double.
    Double(f64),
    /// A Decimal.
    Decimal(Decimal),
    /// A String.
    String(Arc<str>),
    /// An Id, always of 18 characters.
    Id(Arc<str>),
    /// A Blob.
    Blob(Rc<[u8]>),
    /// A Date.
    Date(NaiveDate),
    /// A Datetime: milliseconds since 1970 in GMT.
    Datetime(i64),
    /// A Time: milliseconds since midnight.
    Time(i32),
    /// A constant of an enum.
    Enum(EnumOwner, usize),
    /// A `System.Type`.
    Type(Rc<Type>),
    /// A List.
    List(Rc<ListObject>),
    /// A Set.
    Set(Rc<SetObject>),
    /// A Map.
    Map(Rc<MapObject>),
    /// A record.
    Record(Rc<RecordObject>),
    /// An object of a class of the program, or an exception.
    Object(Rc<Instance>),
    /// An object of a platform class.
    Native(Rc<NativeObject>),
    /// A `Schema.SObjectType`: `Account.SObjectType`.
    ObjectToken(Arc<str>),
    /// A `Schema.SObjectField`: `Account.Name`.
    FieldToken(Arc<str>, Arc<str>),
}

/// A List with the type of its elements.
#[derive(Debug)]
pub struct ListObject {
    /// The declared type of its elements.
    pub element: Type,
    /// The elements.
    pub items: RefCell<Vec<Value>>,
    /// How many loops run over it.
    pub iterating: Cell<u32>,
}

/// A Set with the type of its elements.
#[derive(Debug)]
pub struct SetObject {
    /// The declared type of its elements.
    pub element: Type,
    /// The elements; the values of the table are unused.
    pub table: RefCell<HashTable>,
    /// How many loops run over it.
    pub iterating: Cell<u32>,
}

/// A Map with the types of its keys and values.
#[derive(Debug)]
pub struct MapObject {
    /// The declared type of its keys.
    pub key: Type,
    /// The declared type of its values.
    pub value: Type,
    /// The entries.
    pub table: RefCell<HashTable>,
    /// How many loops run over it.
    pub iterating: Cell<u32>,
}

/// A message of `addError`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AddedError {
    /// The field it was added to, where one was named; its name is the API name.
    pub field: Option<Arc<str>>,
    /// What it says.
    pub message: Arc<str>,
}

/// A record: the fields that were set or queried, and related records.
#[derive(Debug)]
pub struct RecordObject {
    /// The sObject's API name.
    pub object: Arc<str>,
    /// Values by API name as the schema writes it.
    pub fields: RefCell<IndexMap<Arc<str>, Value>>,
    /// Parent records and child lists by relationship name.
    pub related: RefCell<IndexMap<Arc<str>, Value>>,
    /// The fields that a query brought: reading another one of a queried record is an error.
    pub queried: RefCell<Option<Vec<Arc<str>>>>,
    /// Messages of `addError`.
    pub errors: RefCell<Vec<AddedError>>,
    /// Set while it must not be written, as in after triggers.
    pub read_only: Cell<bool>,
    /// The id of the record that it was cloned from.
    pub cloned_from: RefCell<Option<Arc<str>>>,
}

impl RecordObject {
    /// A record without fields.
    pub fn new(object: Arc<str>) -> Self {
        Self {
            object,
            fields: RefCell::default(),
            related: RefCell::default(),
            queried: RefCell::default(),
            errors: RefCell::default(),
            read_only: Cell::new(false),
            cloned_from: RefCell::default(),
        }
    }
}

/// The class of an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ObjectClass {
    /// Of the program.
    User(ClassId),
    /// An exception of the platform.
    Exception(PlatformId),
}

/// An object of a class of the program, or an exception of either.
#[derive(Debug)]
pub struct Instance {
    /// Its class.
    pub class: ObjectClass,
    /// Its fields by slot.
    pub slots: RefCell<Vec<Value>>,
    /// What every exception carries.
    pub exception: Option<RefCell<ExceptionState>>,
    /// The StubProvider that answers for every method of an object made by `Test.createStub`.
    pub stub: Option<Value>,
}

/// What every exception carries.
#[derive(Debug, Clone, Default)]
pub struct ExceptionState {
    /// The message, none until one is given.
    pub message: Option<Arc<str>>,
    /// What the client is told instead (AuraHandledException).
    pub client_message: Option<Arc<str>>,
    /// The exception that caused it.
    pub cause: Option<Value>,
    /// Apex made it with `new`; else the platform raised it.
    pub made_by_apex: bool,
    /// Where it was made, from the inside outward.
    pub trace: Vec<TraceLine>,
    /// What a DmlException tells of each record that failed.
    pub rows: Vec<FailedRow>,
}

/// A record that a DML operation refused.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FailedRow {
    /// Its place in the operation.
    pub index: usize,
    /// Its id, where it has one.
    pub id: Option<Arc<str>>,
    /// `REQUIRED_FIELD_MISSING`
    pub code: String,
    /// What was wrong.
    pub message: String,
    /// The fields.
    pub fields: Vec<String>,
}

/// A line of a stack trace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TraceLine {
    /// `Class.Outer.Inner.method`
    pub place: String,
    /// The file.
    pub file: Arc<str>,
    /// The line.
    pub line: u32,
}

impl std::fmt::Display for TraceLine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: line {}, column 1", self.place, self.line)
    }
}

/// An object of a platform class: its state is known to that class's functions alone.
#[derive(Debug)]
pub struct NativeObject {
    /// Its type with arguments.
    pub ty: Type,
    /// Its state.
    pub state: RefCell<Box<dyn NativeState>>,
}

/// The state of a platform object.
pub trait NativeState: Any + std::fmt::Debug {
    /// As `Any`, so that the class's functions get their own type back.
    fn as_any(&mut self) -> &mut dyn Any;
}

impl<T: Any + std::fmt::Debug> NativeState for T {
    fn as_any(&mut self) -> &mut dyn Any {
        self
    }
}

impl Value {
    /// A String.
    pub fn string(text: impl Into<Arc<str>>) -> Self {
        Self::String(text.into())
    }

    /// A list.
    pub fn list(element: Type, items: Vec<Self>) -> Self {
        Self::List(Rc::new(ListObject {
            element,
            items: RefCell::new(items),
            iterating: Cell::new(0),
        }))
    }

    /// An empty or filled set.
    pub fn set(element: Type, table: HashTable) -> Self {
        Self::Set(Rc::new(SetObject {
            element,
            table: RefCell::new(table),
            iterating: Cell::new(0),
        }))
    }

    /// An empty or filled map.
    pub fn map(key: Type, value: Type, table: HashTable) -> Self {
        Self::Map(Rc::new(MapObject {
            key,
            value,
            table: RefCell::new(table),
            iterating: Cell::new(0),
        }))
    }

    /// An object of a platform class.
    pub fn native(ty: Type, state: impl NativeState) -> Self {
        Self::Native(Rc::new(NativeObject {
            ty,
            state: RefCell::new(Box::new(state)),
        }))
    }

    /// Whether it is null.
    pub fn is_null(&self) -> bool {
        matches!(self, Self::Null)
    }

    /// Its truth; only Booleans have one.
    pub fn as_bool(&self) -> Option<bool> {
        match self {
            Self::Boolean(b) => Some(*b),
            _ => None,
        }
    }
}

impl From<bool> for Value {
    fn from(value: bool) -> Self {
        Self::Boolean(value)
    }
}

impl From<i32> for Value {
    fn from(value: i32) -> Self {
        Self::Integer(value)
    }
}

impl From<&str> for Value {
    fn from(value: &str) -> Self {
        Self::String(value.into())
    }
}

impl From<String> for Value {
    fn from(value: String) -> Self {
        Self::String(value.into())
    }
}
