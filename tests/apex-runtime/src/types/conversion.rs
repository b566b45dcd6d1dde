//! Which value may stand where another type is expected, and what happens to it on the way
//! (Apex Developer Guide, "Rules of Conversion").

use super::{ClassTable, Type};
use crate::catalogue::Catalogue;

/// What happens to a value that moves to a place of another type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Conversion {
    /// Nothing.
    Identity,
    /// To `Long`.
    ToLong,
    /// To `Double`.
    ToDouble,
    /// To `Decimal`.
    ToDecimal,
    /// A String is checked and becomes an Id.
    ToId,
    /// An Id becomes its text.
    ToString,
    /// Midnight GMT of a Date.
    ToDatetime,
}

/// What assignability is decided from.
#[derive(Clone, Copy)]
pub struct Hierarchy<'a> {
    /// The program's classes.
    pub classes: &'a ClassTable,
    /// The platform's classes.
    pub catalogue: &'a Catalogue,
}

impl Hierarchy<'_> {
    /// Whether a value of one type may be assigned to another; with the conversion and how far the types
    /// are apart, which ranks overloads.
    pub fn assign(self, from: &Type, to: &Type) -> Option<(Conversion, u32)> {
        use Conversion::{Identity, ToDatetime, ToDecimal, ToDouble, ToId, ToLong, ToString};
        if from == to {
            return Some((Identity, 0));
        }
        Some(match (from, to) {
            (Type::Void, _) | (_, Type::Void) => return None,
            (Type::Unsupported(_), _) | (_, Type::Unsupported(_)) => (Identity, 1),
            (Type::Null, _) => (Identity, 1),
            (Type::Integer, Type::Long) => (ToLong, 1),
            (Type::Integer, Type::Double) => (ToDouble, 2),
            (Type::Integer, Type::Decimal) => (ToDecimal, 3),
            (Type::Long, Type::Double) => (ToDouble, 1),
            (Type::Long, Type::Decimal) => (ToDecimal, 2),
            (Type::Double, Type::Decimal) => (ToDecimal, 1),
            (Type::Decimal, Type::Double) => (ToDouble, 1),
            (Type::String, Type::Id) => (ToId, 2),
            (Type::Id, Type::String) => (ToString, 1),
            (Type::Date, Type::Datetime) => (ToDatetime, 1),
            (_, Type::Object) => (Identity, 20),
            _ => (Identity, self.distance(from, to)?),
        })
    }

    /// Steps from a type up to another that it is, without any conversion.
    pub fn distance(self, from: &Type, to: &Type) -> Option<u32> {
        if from == to {
            return Some(0);
        }
        match (from, to) {
            (_, Type::Object) => Some(20),
            (Type::Record(_), Type::SObject) => Some(1),
            (Type::List(a), Type::List(b)) | (Type::Set(a), Type::Set(b)) => self.element(a, b),
            (Type::List(a), Type::Iterable(b)) | (Type::Set(a), Type::Iterable(b)) => {
                self.element(a, b).map(|d| d + 1)
            }
            (Type::Iterable(a), Type::Iterable(b)) | (Type::Iterator(a), Type::Iterator(b)) => {
                self.element(a, b)
            }
            (Type::Map(k1, v1), Type::Map(k2, v2)) => Some(self.element(k1, k2)?.max(self.element(v1, v2)?)),
            (Type::User(id), _) => {
                let mut best = None;
                let class = self.classes.class(*id);
                for parent in class.superclass.iter().chain(&class.interfaces) {
                    let steps = self.distance(parent, to).map(|d| d + 1);
                    best = match (best, steps) {
                        (Some(a), Some(b)) => Some(std::cmp::min::<u32>(a, b)),
                        (a, b) => a.or(b),
                    };
                }
                best
            }
            (Type::Platform(a, given), Type::Platform(b, wanted)) if a == b => {
                let all = given
                    .iter()
                    .zip(wanted.iter())
                    .all(|(g, w)| self.element(g, w).is_some());
                (all || given.is_empty() || wanted.is_empty()).then_some(1)
            }
            (Type::Platform(id, given), _) => {
                let class = self.catalogue.class(*id);
                class
                    .parents
                    .iter()
                    .find_map(|parent| self.distance(&parent.substitute(given), to).map(|d| d + 1))
            }
            _ => None,
        }
    }

    /// Elements of collections: as classes are, and both ways between records and between Id and String,
    /// which Salesforce checks only when an element is used.
    fn element(self, from: &Type, to: &Type) -> Option<u32> {
        match (from, to) {
            (Type::SObject, Type::Record(_)) | (Type::Id, Type::String) | (Type::String, Type::Id) => Some(2),
            (Type::Unsupported(_), _) | (_, Type::Unsupported(_)) => Some(1),
            _ => self.distance(from, to),
        }
    }

    /// Whether a cast from one static type to another can ever succeed.
    pub fn castable(self, from: &Type, to: &Type) -> bool {
        if self.assign(from, to).is_some() || self.assign(to, from).is_some() {
            return true;
        }
        let open = |t: &Type| {
            matches!(
                t,
                Type::User(_)
                    | Type::Platform(..)
                    | Type::Iterable(_)
                    | Type::Iterator(_)
                    | Type::Unsupported(_)
            )
        };
        if from.is_number() && to.is_number() {
            return true;
        }
        match (from, to) {
            (Type::List(a), Type::List(b)) | (Type::Set(a), Type::Set(b)) => self.castable(a, b),
            (Type::Map(k1, v1), Type::Map(k2, v2)) => self.castable(k1, k2) && self.castable(v1, v2),
            // An object of a subclass may implement an interface that its static type does not.
            (a, b) => open(a) && open(b),
        }
    }
}
