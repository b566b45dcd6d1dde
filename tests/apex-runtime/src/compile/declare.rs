//! Puts classes and the signatures of their members into the class table.

use std::collections::HashMap;
use std::sync::Arc;

use super::{Compiled, Compiler, Initializer, Pending};
use crate::error::CompileError;
use crate::syntax::Position;
use crate::syntax::ast::{
    Accessor, ConstructorDeclaration, FieldDeclaration, Member, MethodDeclaration, Modifiers,
    Parameter as WrittenParameter, TypeDeclaration, TypeKind, TypeName,
};
use crate::types::{Class, ClassId, Field, FieldId, Method, MethodId, Parameter, Type, Visibility};

/// What of a declaration is left once its name is known.
pub(crate) struct Header {
    class: ClassId,
    superclass: Option<TypeName>,
    interfaces: Vec<TypeName>,
    members: Vec<Member>,
}

impl Compiler<'_> {
    /// Makes a class and its inner ones known by name.
    pub(super) fn add_types(
        &mut self,
        file: &str,
        outer: Option<ClassId>,
        declaration: TypeDeclaration,
        headers: &mut Vec<Header>,
    ) -> Compiled<()> {
        let simple_name = Arc::clone(&declaration.name.text);
        let name: Arc<str> = match outer {
            Some(outer) => format!("{}.{simple_name}", self.classes.class(outer).name).into(),
            None => Arc::clone(&simple_name),
        };
        let fail = |message: String| CompileError::new(file, declaration.name.at, message);
        if self.classes.by_qualified_name(&name).is_some() {
            return Err(fail(format!("Duplicate type name: {name}")));
        }
        if let Some(outer) = outer
            && self.classes.class(outer).outer.is_some()
        {
            return Err(fail("Inner types are not allowed to have inner types".into()));
        }
        let (types, members): (Vec<_>, Vec<_>) = declaration
            .members
            .into_iter()
            .partition(|member| matches!(member, Member::Type(_)));
        let class = self.classes.add_class(Class {
            name,
            simple_name,
            file: file.into(),
            at: declaration.name.at,
            kind: declaration.kind,
            outer,
            inner: HashMap::new(),
            modifiers: declaration.modifiers,
            superclass: None,
            interfaces: Vec::new(),
            fields: Vec::new(),
            methods: Vec::new(),
            constructors: Vec::new(),
            constants: declaration.constants.into_iter().map(|name| name.text).collect(),
            first_slot: 0,
            instance_slots: 0,
            static_slots: 0,
        });
        headers.push(Header {
            class,
            superclass: declaration.superclass,
            interfaces: declaration.interfaces,
            members,
        });
        for member in types {
            if let Member::Type(inner) = member {
                self.add_types(file, Some(class), inner, headers)?;
            }
        }
        Ok(())
    }

    /// Resolves parents first, since inherited inner types count, then members.
    pub(super) fn declare(&mut self, headers: Vec<Header>) {
        for header in &headers {
            let parents = self.parents(header);
            if let (Some((superclass, interfaces)), Some(class)) =
                (self.note(parents), self.classes.class_mut(header.class))
            {
                class.superclass = superclass;
                class.interfaces = interfaces;
            }
        }
        for header in headers {
            for member in header.members {
                let declared = self.declare_member(header.class, member);
                self.note(declared);
            }
        }
    }

    fn parents(&self, header: &Header) -> Compiled<(Option<Type>, Vec<Type>)> {
        let superclass = match &header.superclass {
            Some(written) => Some(self.resolve(written, header.class)?),
            None => None,
        };
        let mut interfaces = Vec::new();
        for written in &header.interfaces {
            interfaces.push(self.resolve(written, header.class)?);
        }
        Ok((superclass, interfaces))
    }

    fn declare_member(&mut self, class: ClassId, member: Member) -> Compiled<()> {
        match member {
            Member::Field(field) => self.declare_field(class, field),
            Member::Method(method) => self.declare_method(class, method).map(|_| ()),
            Member::Constructor(constructor) => self.declare_constructor(class, constructor),
            Member::Initializer(is_static, block) => {
                let (statics, instances) = self.initializers.entry(class).or_default();
                if is_static { statics } else { instances }.push(Initializer::Block(block));
                Ok(())
            }
            Member::Type(_) => Ok(()),
        }
    }

    fn declare_field(&mut self, class: ClassId, declared: FieldDeclaration) -> Compiled<()> {
        let ty = self.resolve(&declared.ty, class)?;
        let name = Arc::clone(&declared.name.text);
        let owner = self.classes.class(class);
        if owner
            .fields
            .iter()
            .any(|field| field.name.eq_ignore_ascii_case(&name))
        {
            return Err(self.error(class, declared.name.at, format!("Duplicate field: {name}")));
        }
        let is_static = declared.modifiers.has("static");
        if is_static && owner.outer.is_some() {
            let message = "Static can only be used on fields and methods of a top level class";
            return Err(self.error(class, declared.name.at, message));
        }
        if declared.modifiers.has("override") {
            return Err(self.error(class, declared.name.at, "not supported: properties that override"));
        }
        let id = FieldId {
            class,
            index: owner.fields.len(),
        };
        let slot = owner
            .fields
            .iter()
            .filter(|field| field.is_static == is_static)
            .count();
        let is_property = declared.accessors.is_some();
        let accessors = declared.accessors.unwrap_or_default();
        let readable = !is_property || accessors.iter().any(|a| !a.is_setter);
        let writable = !is_property || accessors.iter().any(|a| a.is_setter);
        let own = Visibility::of(&declared.modifiers);
        let write_visibility = accessors
            .iter()
            .find(|a| a.is_setter && !a.modifiers.keywords.is_empty())
            .map_or(own, |a| Visibility::of(&a.modifiers));
        if let Some(owner) = self.classes.class_mut(class) {
            owner.fields.push(Field {
                name: Arc::clone(&name),
                ty: ty.clone(),
                is_static,
                slot,
                modifiers: declared.modifiers,
                at: declared.name.at,
                is_property,
                getter: None,
                setter: None,
                readable,
                writable,
                write_visibility,
            });
        }
        for accessor in accessors {
            self.declare_accessor(id, &name, &ty, is_static, accessor);
        }
        if let Some(value) = declared.value {
            let (statics, instances) = self.initializers.entry(class).or_default();
            if is_static { statics } else { instances }.push(Initializer::Field(id, value));
        }
        Ok(())
    }

    fn declare_accessor(&mut self, id: FieldId, name: &str, ty: &Type, is_static: bool, accessor: Accessor) {
        let Some(body) = accessor.body else { return };
        let value = Parameter {
            name: "value".into(),
            ty: ty.clone(),
        };
        let method = self.classes.add_method(Method {
            class: id.class,
            name: format!("__sfdc_{name}").into(),
            parameters: if accessor.is_setter {
                vec![value]
            } else {
                Vec::new()
            },
            returns: if accessor.is_setter {
                Type::Void
            } else {
                ty.clone()
            },
            is_static,
            is_abstract: false,
            modifiers: accessor.modifiers,
            at: accessor.at,
        });
        self.pending
            .push((id.class, Pending::Method(method, body, Some(id))));
        if let Some(field) = self
            .classes
            .class_mut(id.class)
            .and_then(|c| c.fields.get_mut(id.index))
        {
            if accessor.is_setter {
                field.setter = Some(method);
            } else {
                field.getter = Some(method);
            }
        }
    }

    fn parameters(&self, class: ClassId, written: &[WrittenParameter]) -> Compiled<Vec<Parameter>> {
        written
            .iter()
            .map(|p| {
                Ok(Parameter {
                    name: Arc::clone(&p.name.text),
                    ty: self.resolve(&p.ty, class)?,
                })
            })
            .collect()
    }

    pub(super) fn declare_method(
        &mut self,
        class: ClassId,
        declared: MethodDeclaration,
    ) -> Compiled<MethodId> {
        let parameters = self.parameters(class, &declared.parameters)?;
        let returns = self.resolve(&declared.returns, class)?;
        let owner = self.classes.class(class);
        let in_interface = owner.kind == TypeKind::Interface;
        let is_static = declared.modifiers.has("static") || declared.modifiers.has("testmethod");
        let at = declared.name.at;
        if is_static && owner.outer.is_some() {
            let message = "Static can only be used on fields and methods of a top level class";
            return Err(self.error(class, at, message));
        }
        let types: Vec<_> = parameters.iter().map(|p| p.ty.clone()).collect();
        for other in &owner.methods {
            let other = self.classes.method(*other);
            if other.name.eq_ignore_ascii_case(&declared.name.text) && other.same_parameters(&types) {
                let message = format!("Method already defined: {}", declared.name.text);
                return Err(self.error(class, at, message));
            }
        }
        let is_abstract = in_interface || declared.modifiers.has("abstract");
        if declared.body.is_none() != is_abstract {
            let message = if is_abstract {
                format!("Abstract methods cannot have a body: {}", declared.name.text)
            } else {
                format!("Method must have a body: {}", declared.name.text)
            };
            return Err(self.error(class, at, message));
        }
        if is_abstract && !self.classes.class(class).is_abstract() {
            return Err(self.error(class, at, "Abstract methods are only allowed in abstract classes"));
        }
        let mut modifiers = declared.modifiers;
        if in_interface && Visibility::of(&modifiers) == Visibility::Private {
            modifiers.keywords.push("public".into());
        }
        let method = self.classes.add_method(Method {
            class,
            name: declared.name.text,
            parameters,
            returns,
            is_static,
            is_abstract,
            modifiers,
            at,
        });
        if let Some(owner) = self.classes.class_mut(class) {
            owner.methods.push(method);
        }
        if let Some(body) = declared.body {
            self.pending.push((class, Pending::Method(method, body, None)));
        }
        Ok(method)
    }

    fn declare_constructor(&mut self, class: ClassId, declared: ConstructorDeclaration) -> Compiled<()> {
        let simple_name = &self.classes.class(class).simple_name;
        if !declared.name.text.eq_ignore_ascii_case(simple_name) {
            let message = format!("Invalid constructor name: {}", declared.name.text);
            return Err(self.error(class, declared.name.at, message));
        }
        let parameters = self.parameters(class, &declared.parameters)?;
        let constructor = self.classes.add_method(Method {
            class,
            name: "<init>".into(),
            parameters,
            returns: Type::Void,
            is_static: false,
            is_abstract: false,
            modifiers: declared.modifiers,
            at: declared.name.at,
        });
        if let Some(owner) = self.classes.class_mut(class) {
            owner.constructors.push(constructor);
        }
        self.pending.push((
            class,
            Pending::Constructor(constructor, declared.chained, declared.body),
        ));
        Ok(())
    }

    /// A class for a trigger or an anonymous block: the space in its simple name keeps it out of reach.
    pub(super) fn add_hidden_class(&mut self, file: &str, name: &str) -> ClassId {
        self.classes.add_class(Class {
            name: name.into(),
            simple_name: format!(" {name}").into(),
            file: file.into(),
            at: Position::default(),
            kind: TypeKind::Class,
            outer: None,
            inner: HashMap::new(),
            modifiers: Modifiers::default(),
            superclass: None,
            interfaces: Vec::new(),
            fields: Vec::new(),
            methods: Vec::new(),
            constructors: Vec::new(),
            constants: Vec::new(),
            first_slot: 0,
            instance_slots: 0,
            static_slots: 0,
        })
    }

    pub(super) fn add_hidden_method(&mut self, class: ClassId) -> MethodId {
        self.classes.add_method(Method {
            class,
            name: "".into(),
            parameters: Vec::new(),
            returns: Type::Void,
            is_static: true,
            is_abstract: false,
            modifiers: Modifiers::default(),
            at: Position::default(),
        })
    }
}
