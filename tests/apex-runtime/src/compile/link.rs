//! Checks inheritance, gives fields their slots and finds for every inherited method what implements it.

use std::collections::HashMap;

use super::{Compiled, Compiler};
use crate::catalogue::{PlatformKind, PlatformMethodId};
use crate::program::{MethodRef, VirtualTable};
use crate::syntax::ast::TypeKind;
use crate::types::{ClassId, MethodId, Type};

impl Compiler<'_> {
    pub(super) fn link(&mut self) -> Vec<VirtualTable> {
        let ids: Vec<_> = self.classes.all().map(|(id, _)| id).collect();
        for &id in &ids {
            let checked = self.check_parents(id);
            self.note(checked);
        }
        for &id in &ids {
            self.lay_out(id);
        }
        let mut tables = Vec::new();
        for &id in &ids {
            let table = self.virtual_table(id);
            tables.push(self.note(table).unwrap_or_default());
        }
        tables
    }

    fn check_parents(&self, id: ClassId) -> Compiled<()> {
        let class = self.classes.class(id);
        let fail = |message: String| Err(self.error(id, class.at, message));
        match &class.superclass {
            None | Some(Type::Unsupported(_)) => {}
            Some(Type::User(parent)) => {
                let parent_class = self.classes.class(*parent);
                if *parent == id || self.classes.lineage(*parent).contains(&id) {
                    return fail(format!("Circular definition in class hierarchy: {}", class.name));
                }
                if parent_class.kind != TypeKind::Class {
                    return fail(format!("Super class must be a class: {}", parent_class.name));
                }
                let open = parent_class.modifiers.has("virtual") || parent_class.modifiers.has("abstract");
                let exception = self.classes.platform_base(*parent).is_some();
                if !open && !exception {
                    return fail(format!(
                        "Non-virtual and non-abstract type cannot be extended: {}",
                        parent_class.name
                    ));
                }
            }
            Some(Type::Platform(parent, _)) => {
                let parent = self.catalogue.class(*parent);
                if &*parent.name != "Exception" {
                    return fail(format!(
                        "Non-virtual and non-abstract type cannot be extended: {}",
                        parent.name
                    ));
                }
                if !class.simple_name.to_ascii_lowercase().ends_with("exception") {
                    return fail(format!(
                        "Classes extending Exception must have a name ending in 'Exception': {}",
                        class.simple_name
                    ));
                }
            }
            Some(other) => return fail(format!("Invalid super class: {}", self.name_of(other))),
        }
        for interface in &class.interfaces {
            let is_interface = match interface {
                Type::User(i) => self.classes.class(*i).kind == TypeKind::Interface,
                Type::Platform(i, _) => self.catalogue.class(*i).kind == PlatformKind::Interface,
                Type::Iterable(_) | Type::Iterator(_) | Type::Unsupported(_) => true,
                _ => false,
            };
            if !is_interface {
                return fail(format!("Invalid interface: {}", self.name_of(interface)));
            }
        }
        Ok(())
    }

    /// Instance slots of superclasses come first.
    fn lay_out(&mut self, id: ClassId) {
        let mut first = 0;
        for ancestor in self.classes.lineage(id).into_iter().skip(1) {
            first += self
                .classes
                .class(ancestor)
                .fields
                .iter()
                .filter(|f| !f.is_static)
                .count();
        }
        let Some(class) = self.classes.class_mut(id) else {
            return;
        };
        if class.first_slot == first && class.instance_slots > 0 {
            return;
        }
        class.first_slot = first;
        let (mut instances, mut statics) = (first, 0);
        for field in &mut class.fields {
            let next = if field.is_static {
                &mut statics
            } else {
                &mut instances
            };
            field.slot = *next;
            *next += 1;
        }
        class.instance_slots = instances;
        class.static_slots = statics;
    }

    fn virtual_table(&self, id: ClassId) -> Compiled<VirtualTable> {
        let class = self.classes.class(id);
        let mut table: VirtualTable = HashMap::new();
        if class.kind != TypeKind::Class {
            return Ok(table);
        }
        let lineage = self.classes.lineage(id);
        for &ancestor in &lineage {
            for &method in &self.classes.class(ancestor).methods {
                let declared = self.classes.method(method);
                if declared.is_static {
                    continue;
                }
                let types: Vec<_> = declared.parameters.iter().map(|p| p.ty.clone()).collect();
                match self.implementation(&lineage, &declared.name, &types) {
                    Some(found) => {
                        table.insert(MethodRef::User(method), found);
                        if ancestor != id && self.classes.method(found).class == id {
                            self.check_override(method, found)?;
                        }
                    }
                    None if class.is_abstract() => {}
                    None => return Err(self.unimplemented(id, &declared.name)),
                }
            }
        }
        self.check_overriding(id, &lineage)?;
        for interface in self.classes.all_interfaces(id) {
            self.implement(id, &lineage, &interface, &mut table)?;
        }
        // Every object has these; a class may define its own.
        let object = self.catalogue.members(&Type::Object).map(|(object, _)| object);
        let exception = self
            .classes
            .platform_base(id)
            .and_then(|t| self.catalogue.members(t))
            .map(|(e, _)| e);
        for platform in object.into_iter().chain(exception) {
            for methods in self.catalogue.class(platform).methods.values() {
                for &method in methods {
                    self.implement_platform(&lineage, method, &[], &mut table);
                }
            }
        }
        Ok(table)
    }

    fn implement(
        &self,
        id: ClassId,
        lineage: &[ClassId],
        interface: &Type,
        table: &mut VirtualTable,
    ) -> Compiled<()> {
        let may_lack = self.classes.class(id).is_abstract();
        if let Type::User(interface) = interface {
            for &method in &self.classes.class(*interface).methods {
                let declared = self.classes.method(method);
                let types: Vec<_> = declared.parameters.iter().map(|p| p.ty.clone()).collect();
                match self.implementation(lineage, &declared.name, &types) {
                    Some(found) => {
                        table.insert(MethodRef::User(method), found);
                    }
                    None if may_lack => {}
                    None => return Err(self.unimplemented(id, &declared.name)),
                }
            }
            return Ok(());
        }
        let Some((platform, arguments)) = self.catalogue.members(interface) else {
            return Ok(());
        };
        for methods in self.catalogue.class(platform).methods.values() {
            for &method in methods {
                let found = self.implement_platform(lineage, method, &arguments, table);
                let declared = self.catalogue.method(method);
                if !found && !may_lack && declared.function.is_none() {
                    return Err(self.unimplemented(id, &declared.name));
                }
            }
        }
        Ok(())
    }

    fn implement_platform(
        &self,
        lineage: &[ClassId],
        method: PlatformMethodId,
        arguments: &[Type],
        table: &mut VirtualTable,
    ) -> bool {
        let declared = self.catalogue.method(method);
        let types: Vec<_> = declared
            .parameters
            .iter()
            .map(|p| p.substitute(arguments))
            .collect();
        let found = if self.catalogue.class(declared.class).kind == PlatformKind::Interface {
            self.platform_implementation(lineage, &declared.name, &types)
        } else {
            self.implementation(lineage, &declared.name, &types)
        };
        match found {
            Some(found) => {
                table.insert(MethodRef::Platform(method), found);
                true
            }
            None => false,
        }
    }

    /// The nearest method with a body, name and parameter types counted.
    fn implementation(&self, lineage: &[ClassId], name: &str, types: &[Type]) -> Option<MethodId> {
        lineage
            .iter()
            .flat_map(|class| &self.classes.class(*class).methods)
            .copied()
            .find(|method| {
                let method = self.classes.method(*method);
                !method.is_static
                    && !method.is_abstract
                    && method.name.eq_ignore_ascii_case(name)
                    && method.same_parameters(types)
            })
    }

    /// Of a platform interface, as orgs accept it (apex-recipes): a static method serves too, and a
    /// `Database.Batchable<SObject>` may take records of one object.
    fn platform_implementation(&self, lineage: &[ClassId], name: &str, types: &[Type]) -> Option<MethodId> {
        let alike = |a: &Type, b: &Type| match (a, b) {
            (Type::List(a), Type::List(b)) => a.is_record() && b.is_record() || a == b,
            _ => a == b,
        };
        self.implementation(lineage, name, types).or_else(|| {
            lineage
                .iter()
                .flat_map(|class| &self.classes.class(*class).methods)
                .copied()
                .find(|method| {
                    let method = self.classes.method(*method);
                    !method.is_abstract
                        && method.name.eq_ignore_ascii_case(name)
                        && method.parameters.len() == types.len()
                        && method.parameters.iter().zip(types).all(|(p, t)| alike(&p.ty, t))
                })
        })
    }

    fn unimplemented(&self, id: ClassId, name: &str) -> crate::error::CompileError {
        let class = self.classes.class(id);
        self.error(
            id,
            class.at,
            format!("Class {} must implement the method: {name}", class.name),
        )
    }

    /// The word `override` stands only where there is something to override.
    fn check_overriding(&self, id: ClassId, lineage: &[ClassId]) -> Compiled<()> {
        // What the platform's superclasses and interfaces have is not looked up here.
        let opaque = self.classes.platform_base(id).is_some()
            || lineage
                .iter()
                .any(|c| matches!(self.classes.class(*c).superclass, Some(Type::Unsupported(_))));
        for &method in &self.classes.class(id).methods {
            let declared = self.classes.method(method);
            if !declared.modifiers.has("override") || opaque {
                continue;
            }
            let key = declared.name.to_ascii_lowercase();
            let on_object = self
                .catalogue
                .members(&Type::Object)
                .is_some_and(|(object, _)| self.catalogue.class(object).methods.contains_key(&key));
            let types: Vec<_> = declared.parameters.iter().map(|p| p.ty.clone()).collect();
            let inherited = lineage.iter().skip(1).any(|ancestor| {
                self.classes.class(*ancestor).methods.iter().any(|other| {
                    let other = self.classes.method(*other);
                    other.name.eq_ignore_ascii_case(&declared.name) && other.same_parameters(&types)
                })
            });
            let named = self
                .classes
                .all_interfaces(id)
                .iter()
                .any(|interface| match interface {
                    Type::User(i) => self
                        .classes
                        .class(*i)
                        .methods
                        .iter()
                        .any(|m| self.classes.method(*m).name.eq_ignore_ascii_case(&declared.name)),
                    _ => true,
                });
            if !inherited && !on_object && !named {
                let words = "@Override specified for non-overriding method";
                let message = format!("{words}: {} {}", self.name_of(&declared.returns), declared.name);
                return Err(self.error(id, declared.at, message));
            }
        }
        Ok(())
    }

    fn check_override(&self, overridden: MethodId, by: MethodId) -> Compiled<()> {
        let (parent, child) = (self.classes.method(overridden), self.classes.method(by));
        if parent.modifiers.has("private") {
            return Ok(());
        }
        let open = parent.modifiers.has("virtual") || parent.is_abstract || parent.modifiers.has("override");
        let fail =
            |message: &str| Err(self.error(child.class, child.at, format!("{message}: {}", child.name)));
        if !open {
            return fail("Non-virtual, non-abstract methods cannot be overridden");
        }
        // Public code that orgs accept implements abstract methods without the word.
        if !child.modifiers.has("override") && !parent.is_abstract {
            return fail("Method must use the override keyword");
        }
        Ok(())
    }
}
