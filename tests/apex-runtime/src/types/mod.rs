//! Apex types: what a value may be, which values may be assigned where, and what classes hold.

mod class;
mod conversion;
pub mod signature;

use std::sync::Arc;

pub use class::{Class, ClassId, ClassTable, Field, FieldId, Method, MethodId, Parameter, Visibility};
pub use conversion::{Conversion, Hierarchy};

/// A class of the platform's catalogue.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PlatformId(pub usize);

/// A type.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Type {
    /// What a method without a result returns.
    Void,
    /// The type of `null`.
    Null,
    /// `Object`, above all others.
    Object,
    /// `Boolean`
    Boolean,
    /// `Integer`, 32 bits.
    Integer,
    /// `Long`, 64 bits.
    Long,
    /// `Double`
    Double,
    /// `Decimal`
    Decimal,
    /// `String`
    String,
    /// `Id`
    Id,
    /// `Blob`
    Blob,
    /// `Date`
    Date,
    /// `Datetime`
    Datetime,
    /// `Time`
    Time,
    /// `SObject`, any record.
    SObject,
    /// A record of the named sObject.
    Record(Arc<str>),
    /// `List<T>`
    List(Arc<Type>),
    /// `Set<T>`
    Set(Arc<Type>),
    /// `Map<K, V>`
    Map(Arc<Type>, Arc<Type>),
    /// `Iterable<T>`
    Iterable(Arc<Type>),
    /// `Iterator<T>`
    Iterator(Arc<Type>),
    /// Another class, interface or enum of the platform with its type arguments.
    Platform(PlatformId, Arc<[Type]>),
    /// A class, interface or enum of the program.
    User(ClassId),
    /// The n-th type parameter of the generic platform class whose signature this stands in.
    Parameter(u8),
    /// A platform type known by name alone; touching it stops the program.
    Unsupported(Arc<str>),
}

impl Type {
    /// `List<T>`
    pub fn list(element: Self) -> Self {
        Self::List(Arc::new(element))
    }

    /// `Set<T>`
    pub fn set(element: Self) -> Self {
        Self::Set(Arc::new(element))
    }

    /// `Map<K, V>`
    pub fn map(key: Self, value: Self) -> Self {
        Self::Map(Arc::new(key), Arc::new(value))
    }

    /// A platform class without type arguments.
    pub fn platform(id: PlatformId) -> Self {
        Self::Platform(id, Arc::from([]))
    }

    /// Whether it is a number.
    pub fn is_number(&self) -> bool {
        matches!(self, Self::Integer | Self::Long | Self::Double | Self::Decimal)
    }

    /// Whether it is a record of any sObject.
    pub fn is_record(&self) -> bool {
        matches!(self, Self::SObject | Self::Record(_))
    }

    /// The type with parameters replaced by arguments.
    #[must_use]
    pub fn substitute(&self, arguments: &[Self]) -> Self {
        let inner = |t: &Arc<Self>| Arc::new(t.substitute(arguments));
        match self {
            Self::Parameter(n) => arguments.get(usize::from(*n)).cloned().unwrap_or(Self::Object),
            Self::List(t) => Self::List(inner(t)),
            Self::Set(t) => Self::Set(inner(t)),
            Self::Map(k, v) => Self::Map(inner(k), inner(v)),
            Self::Iterable(t) => Self::Iterable(inner(t)),
            Self::Iterator(t) => Self::Iterator(inner(t)),
            Self::Platform(id, given) => {
                Self::Platform(*id, given.iter().map(|t| t.substitute(arguments)).collect())
            }
            other => other.clone(),
        }
    }

    /// The arguments between its angle brackets.
    pub fn arguments(&self) -> Vec<Self> {
        match self {
            Self::List(t) | Self::Set(t) | Self::Iterable(t) | Self::Iterator(t) => vec![Self::clone(t)],
            Self::Map(k, v) => vec![Self::clone(k), Self::clone(v)],
            Self::Platform(_, given) => given.to_vec(),
            _ => Vec::new(),
        }
    }
}
