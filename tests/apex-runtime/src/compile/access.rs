//! Names: variables, fields, properties, constants, and what stands behind a dot.

use std::sync::Arc;

use super::Compiled;
use super::body::{BodyCompiler, Typed};
use super::ir::{Accessors, Constant, EnumOwner, Expr, ExprKind, Receiver};
use crate::catalogue::{PlatformKind, absent_objects};
use crate::schema::SObjectMember;
use crate::syntax::Position;
use crate::syntax::ast::{Expression, ExpressionKind, Modifiers, Name, TypeKind};
use crate::types::{ClassId, Field, FieldId, Type, Visibility};

impl BodyCompiler<'_, '_> {
    /// Whether a name is a variable here, which hides types of the same name.
    fn is_variable(&self, name: &str) -> bool {
        self.local(name).is_some() || self.field_in_scope(name).is_some()
    }

    /// A field of the class, inherited ones too, or a static one of the classes around it.
    pub(crate) fn field_in_scope(&self, name: &str) -> Option<FieldId> {
        let classes = &self.unit.classes;
        if let Some(found) = classes.find_field(self.class, name) {
            return Some(found);
        }
        let mut outer = classes.class(self.class).outer;
        while let Some(class) = outer {
            if let Some(found) = classes.find_field(class, name)
                && classes.field(found).is_static
            {
                return Some(found);
            }
            outer = classes.class(class).outer;
        }
        None
    }

    pub(crate) fn variable(&mut self, name: &Name) -> Compiled<Typed> {
        if let Some(local) = self.local(&name.text) {
            let kind = ExprKind::Local(local.slot);
            return Ok(Typed {
                expr: Expr::new(name.at.line, kind),
                ty: local.ty.clone(),
            });
        }
        match self.field_in_scope(&name.text) {
            Some(id) => self.read_own_field(id, name),
            None => Err(self.error(name.at, format!("Variable does not exist: {}", name.text))),
        }
    }

    fn read_own_field(&mut self, id: FieldId, name: &Name) -> Compiled<Typed> {
        let is_static = self.unit.classes.field(id).is_static;
        if !is_static && self.is_static {
            return Err(self.error(name.at, format!("Variable does not exist: {}", name.text)));
        }
        let object = (!is_static).then(|| Expr::new(name.at.line, ExprKind::This));
        self.read_field(object, id, name.at)
    }

    /// Reads a field or property of an object, or a static one.
    pub(crate) fn read_field(&mut self, object: Option<Expr>, id: FieldId, at: Position) -> Compiled<Typed> {
        let field = self.unit.classes.field(id).clone();
        self.check_visible(
            id.class,
            Visibility::of(&field.modifiers),
            &field.modifiers,
            &field.name,
            at,
        )?;
        if !field.readable && self.property != Some(id) {
            return Err(self.error(at, format!("Variable is not visible: {}", field.name)));
        }
        let kind = match (&field, object) {
            (
                Field {
                    getter: Some(getter), ..
                },
                object,
            ) if self.property != Some(id) => {
                let receiver = object.map_or(Receiver::Static, |object| Receiver::Virtual(Box::new(object)));
                ExprKind::Call(*getter, receiver, Vec::new())
            }
            (_, Some(object)) => ExprKind::Instance(Box::new(object), field.slot),
            (_, None) => ExprKind::Static(id),
        };
        Ok(Typed {
            expr: Expr::new(at.line, kind),
            ty: field.ty,
        })
    }

    /// The accessors to go through when a property is assigned to; none where its stored value is.
    pub(crate) fn accessors(&self, id: FieldId) -> Option<Accessors> {
        let field = self.unit.classes.field(id);
        let inside = self.property == Some(id);
        let written = field.getter.is_some() || field.setter.is_some();
        (written && !inside).then_some(Accessors {
            field: id,
            getter: field.getter,
            setter: field.setter,
        })
    }

    /// Private means the top-level class; `@TestVisible` opens it for tests.
    pub(crate) fn check_visible(
        &self,
        owner: ClassId,
        visibility: Visibility,
        modifiers: &Modifiers,
        name: &str,
        at: Position,
    ) -> Compiled<()> {
        let classes = &self.unit.classes;
        let same_file = classes.outermost(owner) == classes.outermost(self.class);
        let visible = match visibility {
            Visibility::Public | Visibility::Global => true,
            _ if same_file => true,
            Visibility::Protected if classes.lineage(self.class).contains(&owner) => true,
            _ => {
                let caller = classes.class(classes.outermost(self.class));
                modifiers.annotation("testvisible").is_some() && caller.is_test()
            }
        };
        if visible {
            Ok(())
        } else {
            Err(self.error(at, format!("Variable is not visible: {name}")))
        }
    }

    /// The type that an expression names, where it names one and no variable hides it.
    pub(crate) fn as_type(&self, expression: &Expression) -> Option<Type> {
        let mut parts = Vec::new();
        let mut current = expression;
        loop {
            match &current.kind {
                ExpressionKind::Name(name) => {
                    parts.push(&*name.text);
                    break;
                }
                ExpressionKind::Field(object, name, false) => {
                    parts.push(&*name.text);
                    current = object;
                }
                _ => return None,
            }
        }
        parts.reverse();
        if parts.first().is_none_or(|first| self.is_variable(first)) {
            return None;
        }
        self.unit.lookup_type(&parts, &[], self.class)
    }

    pub(crate) fn field_access(&mut self, object: &Expression, name: &Name, safe: bool) -> Compiled<Typed> {
        if matches!(object.kind, ExpressionKind::Super) {
            return match self.unit.classes.find_field(self.class, &name.text) {
                Some(id) => self.read_own_field(id, name),
                None => Err(self.error(name.at, format!("Variable does not exist: {}", name.text))),
            };
        }
        if let Some(token) = self.token_by_object(object, name) {
            return Ok(token);
        }
        if !safe && let Some(ty) = self.as_type(object) {
            return self.static_member(&ty, name);
        }
        let object = self.receiver(object, safe)?;
        self.member(object, name)
    }

    /// What stands left of a dot.
    pub(crate) fn receiver(&mut self, object: &Expression, safe: bool) -> Compiled<Typed> {
        let typed = self.link(object)?;
        if !safe {
            return Ok(typed);
        }
        let line = typed.expr.line;
        Ok(Typed {
            expr: Expr::new(line, ExprKind::SafeReceiver(Box::new(typed.expr))),
            ty: typed.ty,
        })
    }

    fn member(&mut self, object: Typed, name: &Name) -> Compiled<Typed> {
        let at = name.at;
        let missing = |body: &Self| Err(body.error(at, format!("Variable does not exist: {}", name.text)));
        match &object.ty {
            Type::User(class) => match self.unit.classes.find_field(*class, &name.text) {
                Some(id) if !self.unit.classes.field(id).is_static => {
                    self.read_field(Some(object.expr), id, at)
                }
                _ => missing(self),
            },
            Type::Record(record) => {
                let record = Arc::clone(record);
                self.record_member(object.expr, &record, name)
            }
            Type::SObject if name.key() == "id" => {
                let kind = ExprKind::Record(Box::new(object.expr), "Id".into());
                Ok(Typed {
                    expr: Expr::new(at.line, kind),
                    ty: Type::Id,
                })
            }
            // `[SELECT Name FROM Account LIMIT 1].Name`
            Type::List(element) if matches!(object.expr.kind, ExprKind::Query(_)) => {
                let row = Expr::new(at.line, ExprKind::OnlyRow(Box::new(object.expr)));
                let ty = Type::clone(element);
                self.member(Typed { expr: row, ty }, name)
            }
            Type::Unsupported(what) => {
                let what = format!("{what}.{}", name.text);
                Ok(self.unsupported(at, what))
            }
            Type::Platform(id, arguments) => {
                if let Some(described) = self.described_field(&object, name) {
                    return Ok(described);
                }
                if let Some(described) = self.described_field_set(&object, name) {
                    return Ok(described);
                }
                let class = self.unit.catalogue.class(*id);
                match class.properties.get(&name.key()) {
                    Some(property) if !property.is_static => {
                        let ty = property.ty.substitute(arguments);
                        let kind =
                            ExprKind::CallPlatform(property.getter, Some(Box::new(object.expr)), Vec::new());
                        Ok(Typed {
                            expr: Expr::new(at.line, kind),
                            ty,
                        })
                    }
                    _ => {
                        let what = format!("{}.{}", class.display_name(), name.text);
                        Ok(self.unsupported(at, what))
                    }
                }
            }
            _ => missing(self),
        }
    }

    fn record_member(&mut self, object: Expr, record: &str, name: &Name) -> Compiled<Typed> {
        let at = name.at;
        let schema = self.unit.schema;
        let found = schema
            .object(record)
            .and_then(|described| described.member(&name.text));
        let (kind, ty) = match found {
            Some(SObjectMember::Field(field)) => (
                ExprKind::Record(Box::new(object), Arc::clone(&field.name)),
                field.kind.apex_type(),
            ),
            Some(SObjectMember::Parent(field, relationship)) => {
                let target = match field.reference_to.as_slice() {
                    [only] => Arc::clone(only),
                    // A field that may point at several objects is seen as the object Name.
                    _ => Arc::from("Name"),
                };
                let ty = match schema.object(&target) {
                    Some(_) => Type::Record(target),
                    None => Type::Unsupported(target),
                };
                (ExprKind::Related(Box::new(object), relationship, false), ty)
            }
            Some(SObjectMember::Children(children)) => (
                ExprKind::Related(Box::new(object), Arc::clone(&children.name), true),
                Type::list(Type::Record(Arc::clone(&children.child))),
            ),
            None if absent_objects::is_field(record, &name.text) => {
                return Ok(self.unsupported(at, format!("{record}.{}", name.text)));
            }
            None => {
                let message = format!("Variable does not exist: {}", name.text);
                return Err(self.error(at, message));
            }
        };
        Ok(Typed {
            expr: Expr::new(at.line, kind),
            ty,
        })
    }

    /// The constants of an enum.
    pub(crate) fn enum_constants(&self, ty: &Type) -> Option<(EnumOwner, Vec<Arc<str>>)> {
        match ty {
            Type::User(id) => {
                let class = self.unit.classes.class(*id);
                (class.kind == TypeKind::Enum).then(|| (EnumOwner::User(*id), class.constants.clone()))
            }
            Type::Platform(id, _) => {
                let class = self.unit.catalogue.class(*id);
                (class.kind == PlatformKind::Enum)
                    .then(|| (EnumOwner::Platform(*id), class.constants.clone()))
            }
            _ => None,
        }
    }

    fn static_member(&mut self, ty: &Type, name: &Name) -> Compiled<Typed> {
        let at = name.at;
        if let Some((owner, constants)) = self.enum_constants(ty)
            && let Some(index) = constants.iter().position(|c| c.eq_ignore_ascii_case(&name.text))
        {
            let kind = ExprKind::Constant(Constant::Enum(owner, index));
            return Ok(Typed {
                expr: Expr::new(at.line, kind),
                ty: ty.clone(),
            });
        }
        if let Some(token) = self.token(ty, name)? {
            return Ok(token);
        }
        match ty {
            Type::User(class) => match self.unit.classes.find_field(*class, &name.text) {
                Some(id) if self.unit.classes.field(id).is_static => self.read_field(None, id, at),
                _ => Err(self.error(at, format!("Variable does not exist: {}", name.text))),
            },
            Type::Platform(id, _) => {
                let class = self.unit.catalogue.class(*id);
                match class.properties.get(&name.key()) {
                    Some(property) if property.is_static => {
                        let kind = ExprKind::CallPlatform(property.getter, None, Vec::new());
                        Ok(Typed {
                            expr: Expr::new(at.line, kind),
                            ty: property.ty.clone(),
                        })
                    }
                    _ => {
                        let what = format!("{}.{}", class.display_name(), name.text);
                        Ok(self.unsupported(at, what))
                    }
                }
            }
            other => {
                let what = format!("{}.{}", self.name_of(other), name.text);
                Ok(self.unsupported(at, what))
            }
        }
    }
}
