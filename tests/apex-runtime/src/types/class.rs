//! The classes, interfaces and enums of a program, with their members' signatures.

use std::collections::HashMap;
use std::sync::Arc;

use super::Type;
use crate::syntax::Position;
use crate::syntax::ast::{Modifiers, TypeKind};

/// A class of the program.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ClassId(pub usize);

/// A method, constructor or accessor of the program.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct MethodId(pub usize);

/// A field: its class and its number among that class's own fields.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct FieldId {
    /// The class that declares it.
    pub class: ClassId,
    /// Its number there.
    pub index: usize,
}

/// Who may use a member.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Visibility {
    /// The top-level class that holds it.
    Private,
    /// Also subclasses.
    Protected,
    /// The namespace.
    Public,
    /// Everybody.
    Global,
}

impl Visibility {
    /// What the modifiers say; members are private where they say nothing.
    pub fn of(modifiers: &Modifiers) -> Self {
        if modifiers.has("global") || modifiers.has("webservice") {
            Self::Global
        } else if modifiers.has("public") {
            Self::Public
        } else if modifiers.has("protected") {
            Self::Protected
        } else {
            Self::Private
        }
    }
}

/// A class, interface or enum.
#[derive(Debug, Clone)]
pub struct Class {
    /// `Outer.Inner`
    pub name: Arc<str>,
    /// `Inner`
    pub simple_name: Arc<str>,
    /// The file it stands in.
    pub file: Arc<str>,
    /// Where its name stands.
    pub at: Position,
    /// Class, interface or enum.
    pub kind: TypeKind,
    /// The class around it.
    pub outer: Option<ClassId>,
    /// Inner types by lower-case name.
    pub inner: HashMap<String, ClassId>,
    /// Modifiers and annotations.
    pub modifiers: Modifiers,
    /// The class it extends: of the program, or a platform exception.
    pub superclass: Option<Type>,
    /// The interfaces it implements, or extends.
    pub interfaces: Vec<Type>,
    /// Its own fields, static ones too.
    pub fields: Vec<Field>,
    /// Its own methods.
    pub methods: Vec<MethodId>,
    /// Its constructors.
    pub constructors: Vec<MethodId>,
    /// Constants of an enum.
    pub constants: Vec<Arc<str>>,
    /// The first slot of its own instance fields; those of the superclasses lie before.
    pub first_slot: usize,
    /// How many slots an instance has.
    pub instance_slots: usize,
    /// How many static slots it has.
    pub static_slots: usize,
}

impl Class {
    /// Whether it is an annotated test class.
    pub fn is_test(&self) -> bool {
        self.modifiers.annotation("istest").is_some()
    }

    /// Whether instances of it itself cannot be made.
    pub fn is_abstract(&self) -> bool {
        self.kind == TypeKind::Interface || self.modifiers.has("abstract")
    }
}

/// A field or property.
#[derive(Debug, Clone)]
pub struct Field {
    /// Its name.
    pub name: Arc<str>,
    /// Its type.
    pub ty: Type,
    /// Whether it belongs to the class.
    pub is_static: bool,
    /// Its slot among the class's static, or the instance's, slots.
    pub slot: usize,
    /// Modifiers and annotations.
    pub modifiers: Modifiers,
    /// Where its name stands.
    pub at: Position,
    /// Whether it has accessors.
    pub is_property: bool,
    /// A getter with a body.
    pub getter: Option<MethodId>,
    /// A setter with a body.
    pub setter: Option<MethodId>,
    /// Whether it can be read and written at all.
    pub readable: bool,
    /// Whether it can be written.
    pub writable: bool,
    /// Who may write it, where `set` is narrower.
    pub write_visibility: Visibility,
}

/// A parameter with its type.
#[derive(Debug, Clone)]
pub struct Parameter {
    /// Its name.
    pub name: Arc<str>,
    /// Its type.
    pub ty: Type,
}

/// A method, constructor or accessor.
#[derive(Debug, Clone)]
pub struct Method {
    /// The class that declares it.
    pub class: ClassId,
    /// Its name; `<init>` for constructors.
    pub name: Arc<str>,
    /// Its parameters.
    pub parameters: Vec<Parameter>,
    /// What it returns.
    pub returns: Type,
    /// Whether it belongs to the class.
    pub is_static: bool,
    /// Whether it has no body.
    pub is_abstract: bool,
    /// Modifiers and annotations.
    pub modifiers: Modifiers,
    /// Where its name stands.
    pub at: Position,
}

impl Method {
    /// Whether it is a test method.
    pub fn is_test(&self) -> bool {
        self.modifiers.annotation("istest").is_some() || self.modifiers.has("testmethod")
    }

    /// Whether another's parameters have the same types.
    pub fn same_parameters(&self, types: &[Type]) -> bool {
        self.parameters.len() == types.len() && self.parameters.iter().zip(types).all(|(p, t)| p.ty == *t)
    }
}

/// All classes of a program.
#[derive(Debug, Clone, Default)]
pub struct ClassTable {
    classes: Vec<Class>,
    methods: Vec<Method>,
    top_level: HashMap<String, ClassId>,
}

impl ClassTable {
    /// Adds a class; a top-level one becomes known by its name.
    pub fn add_class(&mut self, class: Class) -> ClassId {
        let id = ClassId(self.classes.len());
        let key = class.simple_name.to_ascii_lowercase();
        match class.outer {
            Some(outer) => {
                if let Some(outer) = self.class_mut(outer) {
                    outer.inner.insert(key, id);
                }
            }
            None => {
                self.top_level.insert(key, id);
            }
        }
        self.classes.push(class);
        id
    }

    /// Adds a method; the caller lists it in its class.
    pub fn add_method(&mut self, method: Method) -> MethodId {
        self.methods.push(method);
        MethodId(self.methods.len() - 1)
    }

    /// The class of an id.
    #[expect(
        clippy::indexing_slicing,
        reason = "ids are made by add_class alone and classes are never removed"
    )]
    pub fn class(&self, id: ClassId) -> &Class {
        &self.classes[id.0]
    }

    /// The class of an id, to be completed.
    pub fn class_mut(&mut self, id: ClassId) -> Option<&mut Class> {
        self.classes.get_mut(id.0)
    }

    /// The method of an id.
    #[expect(
        clippy::indexing_slicing,
        reason = "ids are made by add_method alone and methods are never removed"
    )]
    pub fn method(&self, id: MethodId) -> &Method {
        &self.methods[id.0]
    }

    /// A field by its id.
    #[expect(
        clippy::indexing_slicing,
        reason = "field ids are made where the class's fields are listed"
    )]
    pub fn field(&self, id: FieldId) -> &Field {
        &self.class(id.class).fields[id.index]
    }

    /// How many methods there are.
    pub fn method_count(&self) -> usize {
        self.methods.len()
    }

    /// All classes with their ids.
    pub fn all(&self) -> impl Iterator<Item = (ClassId, &Class)> {
        self.classes
            .iter()
            .enumerate()
            .map(|(index, class)| (ClassId(index), class))
    }

    /// A top-level class by name, in any case.
    pub fn top_level(&self, name: &str) -> Option<ClassId> {
        self.top_level.get(&name.to_ascii_lowercase()).copied()
    }

    /// `Outer` or `Outer.Inner`, in any case.
    pub fn by_qualified_name(&self, name: &str) -> Option<ClassId> {
        match name.split_once('.') {
            Some((outer, inner)) => {
                let outer = self.top_level(outer)?;
                self.class(outer).inner.get(&inner.to_ascii_lowercase()).copied()
            }
            None => self.top_level(name),
        }
    }

    /// The top-level class that holds a class: private members are shared inside it.
    pub fn outermost(&self, id: ClassId) -> ClassId {
        self.class(id).outer.map_or(id, |outer| self.outermost(outer))
    }

    /// The user-written superclass.
    pub fn superclass(&self, id: ClassId) -> Option<ClassId> {
        match self.class(id).superclass {
            Some(Type::User(superclass)) => Some(superclass),
            _ => None,
        }
    }

    /// The class and its user-written superclasses, from the class upward.
    pub fn lineage(&self, id: ClassId) -> Vec<ClassId> {
        let mut line = vec![id];
        let mut current = id;
        while let Some(next) = self.superclass(current) {
            if line.contains(&next) {
                break;
            }
            line.push(next);
            current = next;
        }
        line
    }

    /// The platform class at the top of the lineage: an exception.
    pub fn platform_base(&self, id: ClassId) -> Option<&Type> {
        let top = self.lineage(id).last().copied()?;
        self.class(top)
            .superclass
            .as_ref()
            .filter(|t| matches!(t, Type::Platform(..)))
    }

    /// Every interface the class has, its own and inherited ones.
    pub fn all_interfaces(&self, id: ClassId) -> Vec<Type> {
        let mut found = Vec::new();
        for class in self.lineage(id) {
            for interface in &self.class(class).interfaces {
                self.gather(interface, &mut found);
            }
        }
        found
    }

    fn gather(&self, interface: &Type, found: &mut Vec<Type>) {
        if found.contains(interface) {
            return;
        }
        found.push(interface.clone());
        if let Type::User(id) = interface {
            for parent in &self.class(*id).interfaces {
                self.gather(parent, found);
            }
        }
    }

    /// A field by name, looked for upward.
    pub fn find_field(&self, class: ClassId, name: &str) -> Option<FieldId> {
        self.lineage(class).into_iter().find_map(|id| {
            let index = self
                .class(id)
                .fields
                .iter()
                .position(|f| f.name.eq_ignore_ascii_case(name))?;
            Some(FieldId { class: id, index })
        })
    }
}
