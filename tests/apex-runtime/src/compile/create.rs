//! `new`: objects, exceptions, collections and records.

use std::sync::Arc;

use super::Compiled;
use super::body::{BodyCompiler, Typed};
use super::ir::{ConstructorTarget, Expr, ExprKind};
use super::overload::Choice;
use crate::catalogue::PlatformKind;
use crate::catalogue::absent_objects;
use crate::schema::SObjectMember;
use crate::syntax::Position;
use crate::syntax::ast::{Expression, ExpressionKind, TypeName};
use crate::types::{ClassId, PlatformId, Type, Visibility};

impl BodyCompiler<'_, '_> {
    pub(crate) fn creation(
        &mut self,
        ty: &TypeName,
        arguments: &[Expression],
        at: Position,
    ) -> Compiled<Typed> {
        let ty = self.unit.resolve(ty, self.class)?;
        let line = at.line;
        let done = |kind, ty| {
            Ok(Typed {
                expr: Expr::new(line, kind),
                ty,
            })
        };
        match &ty {
            Type::List(_) | Type::Set(_) | Type::Map(..) => {
                let kind = self.filled_collection(&ty, arguments, at)?;
                match kind {
                    Some(kind) => done(kind, ty),
                    None => {
                        let what = format!("new {}(…) with these arguments", self.name_of(&ty));
                        Ok(self.unsupported(at, what))
                    }
                }
            }
            Type::Record(object) => {
                let object = Arc::clone(object);
                match self.record_fields(&object, arguments)? {
                    Ok(fields) => done(ExprKind::NewRecord(object, fields), ty),
                    Err(unsupported) => Ok(unsupported),
                }
            }
            Type::User(class) => {
                let declared = self.unit.classes.class(*class);
                if declared.is_abstract() || declared.kind != crate::syntax::ast::TypeKind::Class {
                    let message = format!("Abstract classes cannot be constructed: {}", declared.name);
                    return Err(self.error(at, message));
                }
                let (target, arguments) = self.constructor_call(*class, arguments, at)?;
                done(ExprKind::New(*class, target, arguments), ty)
            }
            Type::Platform(id, _) => self.platform_creation(*id, &ty, arguments, at),
            other => {
                let what = format!("new {}(…)", self.name_of(other));
                Ok(self.unsupported(at, what))
            }
        }
    }

    fn filled_collection(
        &mut self,
        ty: &Type,
        arguments: &[Expression],
        at: Position,
    ) -> Compiled<Option<ExprKind>> {
        let [argument] = arguments else {
            return Ok(arguments
                .is_empty()
                .then(|| ExprKind::NewCollection(ty.clone(), None)));
        };
        let source = self.expression(argument)?;
        let hierarchy = self.unit.hierarchy();
        let fits = match (ty, &source.ty) {
            (_, Type::Unsupported(_)) => true,
            (Type::List(t) | Type::Set(t), Type::List(s) | Type::Set(s)) => hierarchy.castable(s, t),
            (Type::Map(..), Type::Map(..)) => hierarchy.assign(&source.ty, ty).is_some(),
            (Type::Map(k, v), Type::List(s)) => {
                s.is_record() && v.is_record() && matches!(**k, Type::Id | Type::String)
            }
            _ => return Ok(None),
        };
        if !fits {
            let (from, to) = (self.name_of(&source.ty), self.name_of(ty));
            return Err(self.error(at, format!("Invalid initial type {from} for {to}")));
        }
        Ok(Some(ExprKind::NewCollection(
            ty.clone(),
            Some(Box::new(source.expr)),
        )))
    }

    /// The fields that `new Account(Name = 'one')` sets; the inner error is what the runtime has not.
    #[expect(clippy::type_complexity, reason = "the fields are a list of names and values")]
    fn record_fields(
        &mut self,
        object: &str,
        arguments: &[Expression],
    ) -> Compiled<Result<Vec<(Arc<str>, Expr)>, Typed>> {
        let schema = self.unit.schema;
        let mut fields = Vec::new();
        for argument in arguments {
            let ExpressionKind::Assign(target, None, value) = &argument.kind else {
                return Err(self.error(
                    argument.at,
                    "Invalid constructor argument: field initializers only",
                ));
            };
            let ExpressionKind::Name(name) = &target.kind else {
                return Err(self.error(
                    argument.at,
                    "Invalid constructor argument: field initializers only",
                ));
            };
            let member = schema
                .object(object)
                .and_then(|described| described.member(&name.text));
            let (key, ty) = match member {
                Some(SObjectMember::Field(field)) => (Arc::clone(&field.name), field.kind.apex_type()),
                Some(SObjectMember::Parent(field, relationship)) => {
                    let ty = match field.reference_to.as_slice() {
                        [only] if schema.object(only).is_some() => Type::Record(Arc::clone(only)),
                        _ => Type::SObject,
                    };
                    (relationship, ty)
                }
                Some(SObjectMember::Children(children)) => {
                    let message = format!("Field is not writeable: {object}.{}", children.name);
                    return Err(self.error(name.at, message));
                }
                None if absent_objects::is_field(object, &name.text) => {
                    return Ok(Err(self.unsupported(name.at, format!("{object}.{}", name.text))));
                }
                None => {
                    let message = format!("Field does not exist: {} on {object}", name.text);
                    return Err(self.error(name.at, message));
                }
            };
            fields.push((key, self.expression_for(value, &ty)?));
        }
        Ok(Ok(fields))
    }

    /// The constructor of a class of the program that takes the arguments.
    pub(crate) fn constructor_call(
        &mut self,
        class: ClassId,
        arguments: &[Expression],
        at: Position,
    ) -> Compiled<(ConstructorTarget, Vec<Expr>)> {
        let typed = self.arguments(arguments)?;
        let declared = self.unit.classes.class(class);
        let constructors = declared.constructors.clone();
        let name = Arc::clone(&declared.name);
        let candidates: Vec<Vec<Type>> = constructors
            .iter()
            .map(|c| {
                self.unit
                    .classes
                    .method(*c)
                    .parameters
                    .iter()
                    .map(|p| p.ty.clone())
                    .collect()
            })
            .collect();
        let types: Vec<_> = typed.iter().map(|a| a.ty.clone()).collect();
        let written = || {
            types
                .iter()
                .map(|t| self.name_of(t))
                .collect::<Vec<_>>()
                .join(", ")
        };
        match self.choose(&candidates, &types) {
            Choice::One(index) => {
                let (Some(constructor), Some(parameters)) = (constructors.get(index), candidates.get(index))
                else {
                    return Err(self.error(
                        at,
                        format!("Constructor not defined: [{name}].<Constructor>({})", written()),
                    ));
                };
                let modifiers = self.unit.classes.method(*constructor).modifiers.clone();
                let visibility = Visibility::of(&modifiers);
                if self
                    .check_visible(class, visibility, &modifiers, &name, at)
                    .is_err()
                {
                    let message = format!(
                        "Constructor is not visible: [{name}].<Constructor>({})",
                        written()
                    );
                    return Err(self.error(at, message));
                }
                let target = ConstructorTarget::Written(class, *constructor);
                Ok((target, self.coerce_all(typed, parameters, at)?))
            }
            Choice::Ambiguous => Err(self.error(at, format!("Method is ambiguous: {name}({})", written()))),
            Choice::None if self.unit.classes.platform_base(class).is_some() => Ok((
                ConstructorTarget::Exception,
                self.exception_arguments(arguments, at)?,
            )),
            Choice::None if constructors.is_empty() && types.is_empty() => {
                Ok((ConstructorTarget::Implicit(class), Vec::new()))
            }
            Choice::None => {
                let message = format!("Constructor not defined: [{name}].<Constructor>({})", written());
                Err(self.error(at, message))
            }
        }
    }

    fn coerce_all(&mut self, typed: Vec<Typed>, parameters: &[Type], at: Position) -> Compiled<Vec<Expr>> {
        typed
            .into_iter()
            .zip(parameters)
            .map(|(argument, parameter)| self.coerce(argument, parameter, at))
            .collect()
    }

    /// The four constructors of exceptions: none, message, cause, message and cause.
    pub(crate) fn exception_arguments(
        &mut self,
        arguments: &[Expression],
        at: Position,
    ) -> Compiled<Vec<Expr>> {
        let typed = self.arguments(arguments)?;
        let exception = self
            .unit
            .catalogue
            .find("Exception")
            .map_or(Type::Object, Type::platform);
        let candidates = [
            vec![],
            vec![Type::String],
            vec![exception.clone()],
            vec![Type::String, exception],
        ];
        let types: Vec<_> = typed.iter().map(|a| a.ty.clone()).collect();
        let chosen = match self.choose(&candidates, &types) {
            Choice::One(index) => candidates.get(index),
            // A lone null is a message.
            Choice::Ambiguous => candidates.get(1),
            Choice::None => None,
        };
        match chosen {
            Some(parameters) => self.coerce_all(typed, parameters, at),
            None => {
                let written: Vec<_> = types.iter().map(|t| self.name_of(t)).collect();
                let name = self.class_name();
                let message = format!(
                    "Constructor not defined: [{name}].<Constructor>({})",
                    written.join(", ")
                );
                Err(self.error(at, message))
            }
        }
    }

    fn platform_creation(
        &mut self,
        id: PlatformId,
        ty: &Type,
        arguments: &[Expression],
        at: Position,
    ) -> Compiled<Typed> {
        let catalogue = self.unit.catalogue;
        let class = catalogue.class(id);
        let mut constructors = class.constructors.clone();
        if class.kind == PlatformKind::Exception
            && let Some(exception) = catalogue.find("Exception")
        {
            constructors.extend(&catalogue.class(exception).constructors);
        }
        let typed = self.arguments(arguments)?;
        let types: Vec<_> = typed.iter().map(|a| a.ty.clone()).collect();
        let given = ty.arguments();
        let candidates: Vec<Vec<Type>> = constructors
            .iter()
            .map(|c| {
                catalogue
                    .method(*c)
                    .parameters
                    .iter()
                    .map(|p| p.substitute(&given))
                    .collect()
            })
            .collect();
        let index = match self.choose(&candidates, &types) {
            Choice::One(index) => Some(index),
            Choice::Ambiguous => candidates.iter().position(|c| c.len() == types.len()),
            Choice::None => None,
        };
        let found = index.and_then(|index| Some((*constructors.get(index)?, candidates.get(index)?)));
        let Some((constructor, parameters)) = found else {
            let written: Vec<_> = types.iter().map(|t| self.name_of(t)).collect();
            let what = format!("new {}({})", class.display_name(), written.join(", "));
            return Ok(self.unsupported(at, what));
        };
        let arguments = self.coerce_all(typed, parameters, at)?;
        let kind = ExprKind::NewPlatform(constructor, ty.clone(), arguments);
        Ok(Typed {
            expr: Expr::new(at.line, kind),
            ty: ty.clone(),
        })
    }

    pub(crate) fn values(&mut self, ty: &TypeName, values: &[Expression], at: Position) -> Compiled<Typed> {
        let ty = self.unit.resolve(ty, self.class)?;
        let element = match &ty {
            Type::List(element) | Type::Set(element) => Type::clone(element),
            // `new Map<K, V>{}` reads as a list of values.
            Type::Map(..) if values.is_empty() => {
                let kind = ExprKind::NewCollection(ty.clone(), None);
                return Ok(Typed {
                    expr: Expr::new(at.line, kind),
                    ty,
                });
            }
            other => {
                let name = self.name_of(other);
                return Err(self.error(at, format!("Invalid type for a list of values: {name}")));
            }
        };
        let values = values
            .iter()
            .map(|v| self.expression_for(v, &element))
            .collect::<Compiled<Vec<_>>>()?;
        Ok(Typed {
            expr: Expr::new(at.line, ExprKind::NewValues(ty.clone(), values)),
            ty,
        })
    }

    pub(crate) fn pairs(
        &mut self,
        ty: &TypeName,
        pairs: &[(Expression, Expression)],
        at: Position,
    ) -> Compiled<Typed> {
        let ty = self.unit.resolve(ty, self.class)?;
        // `new List<T>{}` may read as an empty map.
        if pairs.is_empty() && matches!(ty, Type::List(_) | Type::Set(_)) {
            let kind = ExprKind::NewCollection(ty.clone(), None);
            return Ok(Typed {
                expr: Expr::new(at.line, kind),
                ty,
            });
        }
        let Type::Map(key, value) = &ty else {
            let name = self.name_of(&ty);
            return Err(self.error(at, format!("Invalid type for a list of pairs: {name}")));
        };
        let mut compiled = Vec::new();
        for (k, v) in pairs {
            compiled.push((self.expression_for(k, key)?, self.expression_for(v, value)?));
        }
        Ok(Typed {
            expr: Expr::new(at.line, ExprKind::NewPairs(ty.clone(), compiled)),
            ty,
        })
    }
}
