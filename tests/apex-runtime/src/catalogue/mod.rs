//! The platform's classes: one file each, a signature as Apex text beside the function that does it. What is
//! not declared here does not exist for a program: the compiler refuses it by name.

pub mod absent;
pub mod absent_objects;
mod arguments;
mod assert;
mod asynchronous;
mod blob;
mod boolean;
mod cache;
mod comparable;
mod crypto;
mod custom_setting;
mod database;
mod database_options;
mod database_result;
mod date;
mod datetime;
mod decimal;
mod declaration;
mod double;
mod encoding;
mod event_bus;
mod exception;
mod feature_management;
mod field_set;
mod http;
mod id;
mod integer;
mod json;
mod json_generator;
mod json_parser;
pub(crate) mod json_read;
pub(crate) mod json_write;
mod jwt;
mod limits;
mod list;
mod long;
mod map;
mod math;
mod object;
pub mod page;
mod pattern;
mod request;
pub mod rest;
mod schema;
mod schema_field;
mod search;
mod security;
mod set;
mod sobject;
mod string;
mod string_position;
mod string_shape;
mod string_test;
mod system;
mod test;
mod time;
mod time_zone;
mod trigger;
mod r#type;
mod url;
mod user_info;

use std::collections::HashMap;
use std::sync::{Arc, OnceLock};

pub use declaration::{ClassBuilder, NativeFunction};

use crate::types::signature::WrittenType;
use crate::types::{PlatformId, Type, signature};

/// A method, constructor or accessor of the platform.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PlatformMethodId(pub usize);

/// What kind of type a platform class is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PlatformKind {
    /// A class.
    Class,
    /// An interface that programs may implement.
    Interface,
    /// An enum.
    Enum,
    /// `Exception` and its subclasses.
    Exception,
}

/// A class of the platform.
#[derive(Debug, Clone)]
pub struct PlatformClass {
    /// `System`
    pub namespace: Arc<str>,
    /// `String`
    pub name: Arc<str>,
    /// What kind of type it is.
    pub kind: PlatformKind,
    /// Names of its type parameters.
    pub parameters: Vec<String>,
    /// What it extends and implements.
    pub parents: Vec<Type>,
    /// Methods by lower-case name.
    pub methods: HashMap<String, Vec<PlatformMethodId>>,
    /// Constructors.
    pub constructors: Vec<PlatformMethodId>,
    /// Properties by lower-case name.
    pub properties: HashMap<String, Property>,
    /// Constants of an enum.
    pub constants: Vec<Arc<str>>,
}

impl PlatformClass {
    /// `String`, `Database.SaveResult`: as a program writes it.
    pub fn display_name(&self) -> String {
        if &*self.namespace == "System" {
            self.name.to_string()
        } else {
            self.qualified_name()
        }
    }

    /// `System.String`
    pub fn qualified_name(&self) -> String {
        format!("{}.{}", self.namespace, self.name)
    }
}

/// A property of a platform class.
#[derive(Debug, Clone)]
pub struct Property {
    /// Its type.
    pub ty: Type,
    /// Whether it belongs to the class.
    pub is_static: bool,
    /// Reads it.
    pub getter: PlatformMethodId,
    /// Writes it.
    pub setter: Option<PlatformMethodId>,
}

/// A method of the platform.
#[derive(Debug, Clone)]
pub struct PlatformMethod {
    /// The class that declares it.
    pub class: PlatformId,
    /// Its name; `<init>` for constructors.
    pub name: Arc<str>,
    /// Whether it belongs to the class.
    pub is_static: bool,
    /// The types of its parameters.
    pub parameters: Vec<Type>,
    /// What it returns.
    pub returns: Type,
    /// What does it; none for methods of interfaces, which programs write.
    pub function: Option<NativeFunction>,
}

/// All classes of the platform.
#[derive(Debug, Default)]
pub struct Catalogue {
    classes: Vec<PlatformClass>,
    methods: Vec<PlatformMethod>,
    by_name: HashMap<String, PlatformId>,
}

impl Catalogue {
    /// The one catalogue, built on first use.
    pub fn standard() -> &'static Self {
        static CATALOGUE: OnceLock<Catalogue> = OnceLock::new();
        CATALOGUE.get_or_init(|| {
            let mut declarations = declaration::Declarations::default();
            for declare in [
                object::declare,
                string::declare,
                integer::declare,
                long::declare,
                double::declare,
                decimal::declare,
                boolean::declare,
                math::declare,
                id::declare,
                blob::declare,
                date::declare,
                datetime::declare,
                time::declare,
                comparable::declare,
                list::declare,
                set::declare,
                map::declare,
                exception::declare,
                system::declare,
                assert::declare,
                test::declare,
                limits::declare,
                r#type::declare,
                encoding::declare,
                url::declare,
                user_info::declare,
                trigger::declare,
                sobject::declare,
                schema::declare,
                schema_field::declare,
                field_set::declare,
                database::declare,
                database_options::declare,
                database_result::declare,
                custom_setting::declare,
                pattern::declare,
                json::declare,
                http::declare,
                jwt::declare,
                json_generator::declare,
                json_parser::declare,
                request::declare,
                rest::declare,
                crypto::declare,
                asynchronous::declare,
                cache::declare,
                event_bus::declare,
                feature_management::declare,
                page::declare,
                time_zone::declare,
                security::declare,
            ] {
                declare(&mut declarations);
            }
            declarations.build()
        })
    }

    /// A class by id.
    #[expect(
        clippy::indexing_slicing,
        reason = "ids are made while building and nothing is removed"
    )]
    pub fn class(&self, id: PlatformId) -> &PlatformClass {
        &self.classes[id.0]
    }

    /// A method by id.
    #[expect(
        clippy::indexing_slicing,
        reason = "ids are made while building and nothing is removed"
    )]
    pub fn method(&self, id: PlatformMethodId) -> &PlatformMethod {
        &self.methods[id.0]
    }

    /// All classes.
    pub fn classes(&self) -> &[PlatformClass] {
        &self.classes
    }

    /// A class by simple name (of System or Schema) or with its namespace, in any case.
    pub fn find(&self, name: &str) -> Option<PlatformId> {
        let key = name.to_ascii_lowercase();
        let get = |key: &str| self.by_name.get(key).copied();
        if key.contains('.') {
            return get(&key);
        }
        get(&format!("system.{key}")).or_else(|| get(&format!("schema.{key}")))
    }

    /// The type that a platform name with arguments stands for.
    pub fn named_type(&self, name: &str, arguments: &[Type]) -> Option<Type> {
        let simple = name
            .strip_prefix("System.")
            .or_else(|| name.strip_prefix("system."))
            .unwrap_or(name);
        if let Some(ty) = signature::built_in(simple, arguments) {
            return Some(ty);
        }
        let id = self.find(name)?;
        let class = self.class(id);
        (class.parameters.len() == arguments.len() || arguments.is_empty())
            .then(|| Type::Platform(id, arguments.iter().cloned().collect()))
    }

    /// The class that holds a type's members, and the arguments for its type parameters.
    pub fn members(&self, ty: &Type) -> Option<(PlatformId, Vec<Type>)> {
        let name = match ty {
            Type::Platform(id, arguments) => return Some((*id, arguments.to_vec())),
            Type::Object => "Object",
            Type::Boolean => "Boolean",
            Type::Integer => "Integer",
            Type::Long => "Long",
            Type::Double => "Double",
            Type::Decimal => "Decimal",
            Type::String => "String",
            Type::Id => "Id",
            Type::Blob => "Blob",
            Type::Date => "Date",
            Type::Datetime => "Datetime",
            Type::Time => "Time",
            Type::SObject | Type::Record(_) => "SObject",
            Type::List(_) => "List",
            Type::Set(_) => "Set",
            Type::Map(..) => "Map",
            Type::Iterable(_) => "Iterable",
            Type::Iterator(_) => "Iterator",
            Type::Void | Type::Null | Type::User(_) | Type::Parameter(_) | Type::Unsupported(_) => {
                return None;
            }
        };
        Some((self.find(name)?, ty.arguments()))
    }

    fn resolve(&self, written: &WrittenType, parameters: &[String]) -> Type {
        if let Some(index) = parameters.iter().position(|p| *p == written.name) {
            return Type::Parameter(u8::try_from(index).unwrap_or(u8::MAX));
        }
        let arguments: Vec<_> = written
            .arguments
            .iter()
            .map(|a| self.resolve(a, parameters))
            .collect();
        self.named_type(&written.name, &arguments)
            .unwrap_or_else(|| Type::Unsupported(written.name.as_str().into()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mentions_unknown(ty: &Type) -> bool {
        matches!(ty, Type::Unsupported(_)) || ty.arguments().iter().any(mentions_unknown)
    }

    #[test]
    fn every_declared_signature_names_known_types() {
        let catalogue = Catalogue::standard();
        for method in &catalogue.methods {
            let unknown = method
                .parameters
                .iter()
                .chain([&method.returns])
                .any(mentions_unknown);
            assert!(!unknown, "{}.{}", catalogue.class(method.class).name, method.name);
        }
    }
}
