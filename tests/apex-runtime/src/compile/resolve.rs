//! What a written type stands for.

use std::sync::Arc;

use super::{Compiled, Compiler, type_name};
use crate::catalogue::{absent, absent_objects};
use crate::syntax::ast::TypeName;
use crate::types::{ClassId, Type};

impl Compiler<'_> {
    pub(crate) fn name_of(&self, ty: &Type) -> String {
        type_name(&self.classes, self.catalogue, ty)
    }

    /// The type a name stands for inside a class.
    pub(crate) fn resolve(&self, written: &TypeName, scope: ClassId) -> Compiled<Type> {
        let mut arguments = Vec::new();
        for argument in &written.arguments {
            arguments.push(self.resolve(argument, scope)?);
        }
        let parts: Vec<&str> = written.parts.iter().map(|part| &*part.text).collect();
        let Some(mut ty) = self.lookup_type(&parts, &arguments, scope) else {
            return Err(self.error(scope, written.at, format!("Invalid type: {}", parts.join("."))));
        };
        for _ in 0..written.dimensions {
            ty = Type::list(ty);
        }
        Ok(ty)
    }

    /// Inner types hide outer ones, the program's types hide the platform's, those hide sObjects.
    pub(crate) fn lookup_type(&self, parts: &[&str], arguments: &[Type], scope: ClassId) -> Option<Type> {
        if arguments.is_empty()
            && let Some(id) = self.lookup_class(parts, scope)
        {
            self.refer(scope, id);
            return Some(Type::User(id));
        }
        let dotted = parts.join(".");
        if let Some(ty) = self.catalogue.named_type(&dotted, arguments) {
            return Some(ty);
        }
        let object = match parts {
            [name] => Some(*name),
            [namespace, name] if namespace.eq_ignore_ascii_case("Schema") => Some(*name),
            _ => None,
        };
        // Rows of aggregates have the members of records and no describe.
        if dotted.eq_ignore_ascii_case("AggregateResult") {
            return Some(Type::Record("AggregateResult".into()));
        }
        if let Some(object) = object.and_then(|name| self.schema.object(name))
            && arguments.is_empty()
        {
            return Some(Type::Record(Arc::clone(&object.name)));
        }
        let absent = object.and_then(|name| absent_objects::object_name(name, self.schema));
        if let Some(name) = absent {
            return Some(Type::Unsupported(name.into()));
        }
        // What stands behind a known type is its member: `Schema.SObjectType.Account`.
        let member = matches!(parts, [first, second, _, ..]
            if self.catalogue.named_type(&format!("{first}.{second}"), &[]).is_some());
        absent::type_name(&dotted)
            .filter(|_| !member)
            .map(|name| Type::Unsupported(name.into()))
    }

    fn refer(&self, from: ClassId, to: ClassId) {
        let file = |class| Arc::clone(&self.classes.class(class).file);
        let (from, to) = (file(from), file(to));
        if from != to {
            self.references.borrow_mut().entry(from).or_default().insert(to);
        }
    }

    fn lookup_class(&self, parts: &[&str], scope: ClassId) -> Option<ClassId> {
        let (first, rest) = parts.split_first()?;
        let mut found = self
            .class_in_scope(first, scope)
            .or_else(|| self.classes.top_level(first))?;
        for part in rest {
            found = self.inner_class(found, part)?;
        }
        Some(found)
    }

    fn class_in_scope(&self, name: &str, scope: ClassId) -> Option<ClassId> {
        let mut current = Some(scope);
        while let Some(class) = current {
            if let Some(found) = self.inner_class(class, name) {
                return Some(found);
            }
            if self.classes.class(class).simple_name.eq_ignore_ascii_case(name) {
                return Some(class);
            }
            current = self.classes.class(class).outer;
        }
        None
    }

    /// Inner types are inherited too.
    fn inner_class(&self, class: ClassId, name: &str) -> Option<ClassId> {
        let key = name.to_ascii_lowercase();
        self.classes
            .lineage(class)
            .into_iter()
            .find_map(|c| self.classes.class(c).inner.get(&key).copied())
    }
}
