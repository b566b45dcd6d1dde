//! Assignments, compound assignments and increments.

use std::sync::Arc;

use super::Compiled;
use super::body::{BodyCompiler, Typed, convert};
use super::ir::{Constant, Expr, ExprKind, Operation, Place, Receiver};
use super::operator::to_number;
use crate::syntax::Position;
use crate::syntax::ast::{Expression, ExpressionKind};
use crate::types::{Conversion, FieldId, Type, Visibility};

impl BodyCompiler<'_, '_> {
    pub(crate) fn assignment(
        &mut self,
        target: &Expression,
        operator: Option<&'static str>,
        value: &Expression,
        at: Position,
    ) -> Compiled<Typed> {
        let (place, ty) = match self.place(target)? {
            Ok(found) => found,
            Err(unsupported) => return Ok(unsupported),
        };
        let place = Box::new(place);
        let Some(operator) = operator else {
            let value = self.expression_for(value, &ty)?;
            let kind = ExprKind::Assign(place, Box::new(value));
            return Ok(Typed {
                expr: Expr::new(at.line, kind),
                ty,
            });
        };
        let right = self.expression(value)?;
        let combined = self.combine(operator, &ty, &right.ty, at)?;
        let back = match combined.operation {
            Operation::ShiftLeft | Operation::ShiftRight | Operation::ShiftRightUnsigned => {
                Conversion::Identity
            }
            _ => match self.unit.hierarchy().assign(&combined.result, &ty) {
                Some((conversion, _)) => conversion,
                None => {
                    let (from, to) = (self.name_of(&combined.result), self.name_of(&ty));
                    return Err(self.error(at, format!("Illegal assignment from {from} to {to}")));
                }
            },
        };
        let left = if ty.is_number() && combined.common.is_number() {
            to_number(&ty, &combined.common)
        } else {
            combined.left
        };
        let value = Box::new(convert(combined.right, right.expr));
        let kind = ExprKind::Compound(place, combined.operation, left, value, back);
        Ok(Typed {
            expr: Expr::new(at.line, kind),
            ty,
        })
    }

    pub(crate) fn increment(
        &mut self,
        target: &Expression,
        step: i32,
        prefix: bool,
        at: Position,
    ) -> Compiled<Typed> {
        let (place, ty) = match self.place(target)? {
            Ok(found) => found,
            Err(unsupported) => return Ok(unsupported),
        };
        if !ty.is_number() {
            let name = self.name_of(&ty);
            return Err(self.error(at, format!("Incorrect expression type for increment: {name}")));
        }
        Ok(Typed {
            expr: Expr::new(at.line, ExprKind::Increment(Box::new(place), step, prefix)),
            ty,
        })
    }

    /// What an expression on the left means; the inner error is an expression that stops the program.
    fn place(&mut self, target: &Expression) -> Compiled<Result<(Place, Type), Typed>> {
        match &target.kind {
            ExpressionKind::Name(name) => {
                if let Some(local) = self.local(&name.text).cloned() {
                    if local.is_final {
                        let message = format!("Cannot modify a final variable: {}", name.text);
                        return Err(self.error(name.at, message));
                    }
                    return Ok(Ok((Place::Local(local.slot), local.ty)));
                }
                let Some(id) = self.field_in_scope(&name.text) else {
                    return Err(self.error(name.at, format!("Variable does not exist: {}", name.text)));
                };
                let is_static = self.unit.classes.field(id).is_static;
                if !is_static && self.is_static {
                    return Err(self.error(name.at, format!("Variable does not exist: {}", name.text)));
                }
                let object = (!is_static).then(|| Expr::new(name.at.line, ExprKind::This));
                self.field_place(object, id, name.at).map(Ok)
            }
            ExpressionKind::Index(list, index) => {
                let list = self.expression(list)?;
                let index = self.expression_for(index, &Type::Integer)?;
                match list.ty {
                    Type::List(element) => Ok(Ok((Place::Index(list.expr, index), Type::clone(&element)))),
                    Type::Unsupported(_) => Ok(Err(list)),
                    other => {
                        let name = self.name_of(&other);
                        Err(self.error(target.at, format!("Expression must be a list type: {name}")))
                    }
                }
            }
            ExpressionKind::Parenthesized(inner) => self.place(inner),
            ExpressionKind::Field(_, _, true) => Err(self.error(
                target.at,
                "Safe navigation operator cannot be used in assignments",
            )),
            ExpressionKind::Field(object, name, false) => {
                if let ExpressionKind::Super = object.kind {
                    let inner = Expression {
                        kind: ExpressionKind::Name(name.clone()),
                        at: name.at,
                    };
                    return self.place(&inner);
                }
                // Reading the same expression resolves and checks all of it.
                if let Some(ty) = self.as_type(object) {
                    if let Type::User(class) = ty
                        && let Some(id) = self.unit.classes.find_field(class, &name.text)
                        && self.unit.classes.field(id).is_static
                    {
                        return self.field_place(None, id, name.at).map(Ok);
                    }
                    if let Type::Platform(class, _) = ty
                        && let Some(property) = self.unit.catalogue.class(class).properties.get(&name.key())
                        && let (true, Some(setter)) = (property.is_static, property.setter)
                    {
                        let nobody = Expr::new(name.at.line, ExprKind::Constant(Constant::Null));
                        let place = Place::PlatformProperty(nobody, property.getter, setter);
                        return Ok(Ok((place, property.ty.clone())));
                    }
                    let what = format!("{}.{} = …", self.name_of(&ty), name.text);
                    return Ok(Err(self.unsupported(name.at, what)));
                }
                let receiver = self.expression(object)?;
                if let Type::User(class) = &receiver.ty {
                    let Some(id) = self.unit.classes.find_field(*class, &name.text) else {
                        return Err(self.error(name.at, format!("Variable does not exist: {}", name.text)));
                    };
                    return self.field_place(Some(receiver.expr), id, name.at).map(Ok);
                }
                let read = self.field_access(object, name, false)?;
                Ok(match (read.expr.kind, read.ty) {
                    (ExprKind::Record(object, field), ty) => Ok((Place::Record(*object, field), ty)),
                    (ExprKind::Related(object, relationship, false), ty) => {
                        Ok((Place::Parent(*object, relationship), ty))
                    }
                    (ExprKind::CallPlatform(getter, Some(object), _), ty) => {
                        let class = self.unit.catalogue.method(getter).class;
                        let property = self.unit.catalogue.class(class).properties.get(&name.key());
                        match property.and_then(|p| p.setter) {
                            Some(setter) => Ok((Place::PlatformProperty(*object, getter, setter), ty)),
                            None => {
                                let what = format!("writing {}", name.text);
                                Err(self.unsupported(name.at, what))
                            }
                        }
                    }
                    (kind @ ExprKind::Unsupported(_), ty) => Err(Typed {
                        expr: Expr::new(target.at.line, kind),
                        ty,
                    }),
                    _ => {
                        let what = format!("assignment to {}", name.text);
                        Err(self.unsupported(name.at, what))
                    }
                })
            }
            _ => Err(self.error(target.at, "Expression cannot be assigned")),
        }
    }

    fn field_place(&mut self, object: Option<Expr>, id: FieldId, at: Position) -> Compiled<(Place, Type)> {
        let field = self.unit.classes.field(id).clone();
        let visibility = field.write_visibility.min(Visibility::of(&field.modifiers));
        self.check_visible(id.class, visibility, &field.modifiers, &field.name, at)?;
        let inside = self.property == Some(id);
        let initializes = self.initializes && id.class == self.class;
        if !(field.writable || inside || initializes) {
            return Err(self.error(at, format!("Field is not writeable: {}", field.name)));
        }
        // Final fields may be set where the class is initialised, and nowhere else; a property that calls itself final
        // is set by its own accessors (apex-trigger-actions-framework relies on it).
        if field.modifiers.has("final") && !initializes && !inside {
            return Err(self.error(at, format!("Field is not writeable: {}", field.name)));
        }
        let place = match (self.accessors(id), object) {
            (Some(accessors), object) => Place::Property(object, accessors),
            (None, Some(object)) => Place::Instance(object, field.slot),
            (None, None) => Place::Static(id),
        };
        Ok((place, field.ty))
    }

    /// `this` as the receiver of a call.
    pub(crate) fn this_receiver(&self, line: u32) -> Receiver {
        Receiver::Virtual(Box::new(Expr::new(line, ExprKind::This)))
    }

    /// A shared name, for messages.
    pub(crate) fn class_name(&self) -> Arc<str> {
        Arc::clone(&self.unit.classes.class(self.class).name)
    }
}
