//! Expressions, by kind.

use std::sync::Arc;

use super::Compiled;
use super::body::{BodyCompiler, Typed, convert};
use super::ir::{Constant, DmlExtra, Expr, ExprKind, QueryPlan};
use crate::catalogue::absent_objects;
use crate::run::decimal::Decimal;
use crate::run::dml::is_metadata;
use crate::syntax::Position;
use crate::syntax::ast::{DmlKind, Expression, ExpressionKind, Literal, Query, QueryShape, TypeName};
use crate::types::{Conversion, Type};

impl BodyCompiler<'_, '_> {
    /// Compiles an expression; a chain with `?.` in it is closed here, at its outer end.
    pub(crate) fn expression(&mut self, expression: &Expression) -> Compiled<Typed> {
        let typed = self.link(expression)?;
        if has_safe_link(expression) {
            let line = typed.expr.line;
            return Ok(Typed {
                expr: Expr::new(line, ExprKind::Chain(Box::new(typed.expr))),
                ty: typed.ty,
            });
        }
        Ok(typed)
    }

    /// Compiles a link of a chain without closing the chain.
    pub(crate) fn link(&mut self, expression: &Expression) -> Compiled<Typed> {
        let at = expression.at;
        let typed = |kind, ty| {
            Ok(Typed {
                expr: Expr::new(at.line, kind),
                ty,
            })
        };
        match &expression.kind {
            ExpressionKind::Literal(literal) => self.literal(literal, at),
            ExpressionKind::Name(name) => self.variable(name),
            ExpressionKind::This => {
                if self.is_static {
                    return Err(self.error(at, "this cannot be referenced in a static context"));
                }
                typed(ExprKind::This, Type::User(self.class))
            }
            ExpressionKind::Super => Err(self.error(at, "Unexpected token 'super'.")),
            ExpressionKind::Parenthesized(inner) => self.expression(inner),
            ExpressionKind::Field(object, name, safe) => self.field_access(object, name, *safe),
            ExpressionKind::Call(object, name, arguments, safe) => {
                self.call(object.as_deref(), name, arguments, *safe)
            }
            ExpressionKind::Index(list, index) => {
                let list = self.link(list)?;
                let index = self.expression_for(index, &Type::Integer)?;
                match list.ty {
                    Type::List(element) => typed(
                        ExprKind::Index(Box::new(list.expr), Box::new(index)),
                        Type::clone(&element),
                    ),
                    Type::Unsupported(what) => Ok(Typed {
                        expr: list.expr,
                        ty: Type::Unsupported(what),
                    }),
                    other => {
                        let name = self.name_of(&other);
                        Err(self.error(at, format!("Expression must be a list type: {name}")))
                    }
                }
            }
            ExpressionKind::New(ty, arguments) => self.creation(ty, arguments, at),
            ExpressionKind::NewValues(ty, values) => self.values(ty, values, at),
            ExpressionKind::NewPairs(ty, pairs) => self.pairs(ty, pairs, at),
            ExpressionKind::NewSized(ty, size) => {
                let ty = self.unit.resolve(ty, self.class)?;
                let size = self.expression_for(size, &Type::Integer)?;
                typed(ExprKind::NewSized(ty.clone(), Box::new(size)), ty)
            }
            ExpressionKind::Cast(ty, value) => self.cast(ty, value, at),
            ExpressionKind::InstanceOf(value, ty) => {
                let ty = self.unit.resolve(ty, self.class)?;
                let value = self.expression(value)?;
                if let Type::Unsupported(what) = &ty {
                    return Ok(self.unsupported(at, Arc::clone(what)));
                }
                typed(ExprKind::InstanceOf(Box::new(value.expr), ty), Type::Boolean)
            }
            ExpressionKind::ClassLiteral(ty) => {
                let ty = self.unit.resolve(ty, self.class)?;
                if let Type::Unsupported(what) = &ty {
                    return Ok(self.unsupported(at, format!("{what}.class")));
                }
                let system_type = self
                    .unit
                    .catalogue
                    .find("System.Type")
                    .map_or(Type::Object, Type::platform);
                typed(ExprKind::Constant(Constant::Type(ty)), system_type)
            }
            ExpressionKind::Unary(operator, operand) => self.unary(operator, operand, at),
            ExpressionKind::Increment(place, step, prefix) => self.increment(place, *step, *prefix, at),
            ExpressionKind::Binary(operator, left, right) => self.binary(operator, left, right, at),
            ExpressionKind::Assign(place, operator, value) => self.assignment(place, *operator, value, at),
            ExpressionKind::Ternary(condition, a, b) => self.ternary(condition, a, b, at),
            ExpressionKind::Query(query) => self.query(query, at),
            ExpressionKind::Search(text) => typed(
                ExprKind::Search(text.as_str().into()),
                Type::list(Type::list(Type::SObject)),
            ),
            ExpressionKind::Dml(kind, mode, target, other) => {
                self.dml(*kind, *mode, target, other.as_deref(), at)
            }
            ExpressionKind::Unsupported(what) => Ok(self.unsupported(at, what.as_str())),
        }
    }

    fn literal(&mut self, literal: &Literal, at: Position) -> Compiled<Typed> {
        let (constant, ty) = match literal {
            Literal::Null => (Constant::Null, Type::Null),
            Literal::Boolean(value) => (Constant::Boolean(*value), Type::Boolean),
            Literal::Integer(value) => (Constant::Integer(*value), Type::Integer),
            Literal::Long(value) => (Constant::Long(*value), Type::Long),
            Literal::Double(value) => (Constant::Double(*value), Type::Double),
            Literal::Decimal(digits) => match digits.parse::<Decimal>() {
                Ok(value) => (Constant::Decimal(value), Type::Decimal),
                Err(_) => return Err(self.error(at, format!("Illegal decimal: {digits}"))),
            },
            Literal::String(text) => (Constant::String(Arc::clone(text)), Type::String),
        };
        Ok(Typed {
            expr: Expr::new(at.line, ExprKind::Constant(constant)),
            ty,
        })
    }

    fn ternary(
        &mut self,
        condition: &Expression,
        a: &Expression,
        b: &Expression,
        at: Position,
    ) -> Compiled<Typed> {
        let condition = self.condition(condition)?;
        let (a, b) = (self.expression(a)?, self.expression(b)?);
        let Some(ty) = self.common_type(&a.ty, &b.ty) else {
            let (l, r) = (self.name_of(&a.ty), self.name_of(&b.ty));
            return Err(self.error(at, format!("Incompatible types in ternary operator: {l}, {r}")));
        };
        let a = self.coerce(a, &ty, at)?;
        let b = self.coerce(b, &ty, at)?;
        let kind = ExprKind::Ternary(Box::new(condition), Box::new(a), Box::new(b));
        Ok(Typed {
            expr: Expr::new(at.line, kind),
            ty,
        })
    }

    fn cast(&mut self, ty: &TypeName, value: &Expression, at: Position) -> Compiled<Typed> {
        let ty = self.unit.resolve(ty, self.class)?;
        let value = self.expression(value)?;
        if let Type::Unsupported(what) = &ty {
            return Ok(self.unsupported(at, format!("cast to {what}")));
        }
        if matches!(value.expr.kind, ExprKind::Query(_)) && ty.is_record() {
            let expr = self.coerce(value, &ty, at)?;
            return Ok(Typed { expr, ty });
        }
        if !self.unit.hierarchy().castable(&value.ty, &ty) {
            let (from, to) = (self.name_of(&value.ty), self.name_of(&ty));
            return Err(self.error(
                at,
                format!("Incompatible types since an instance of {from} is never an instance of {to}"),
            ));
        }
        // Between numbers a cast converts; anywhere else it checks.
        if value.ty.is_number() && ty.is_number() || value.ty == Type::String && ty == Type::Id {
            let narrowing = Box::new(value.expr);
            return Ok(Typed {
                expr: Expr::new(at.line, ExprKind::Cast(ty.clone(), narrowing)),
                ty,
            });
        }
        if let Some((conversion, _)) = self.unit.hierarchy().assign(&value.ty, &ty)
            && conversion != Conversion::Identity
        {
            return Ok(Typed {
                expr: convert(conversion, value.expr),
                ty,
            });
        }
        Ok(Typed {
            expr: Expr::new(at.line, ExprKind::Cast(ty.clone(), Box::new(value.expr))),
            ty,
        })
    }

    fn query(&mut self, query: &Query, at: Position) -> Compiled<Typed> {
        let mut binds = Vec::new();
        for bind in &query.binds {
            binds.push(self.expression(bind)?.expr);
        }
        let ty = match query.shape {
            QueryShape::Count => Type::Integer,
            QueryShape::Aggregate => Type::list(match self.unit.schema.object("AggregateResult") {
                Some(object) => Type::Record(Arc::clone(&object.name)),
                None => Type::Record("AggregateResult".into()),
            }),
            QueryShape::Records => match self.unit.schema.object(&query.object.text) {
                Some(object) => Type::list(Type::Record(Arc::clone(&object.name))),
                None if absent_objects::object_name(&query.object.text, self.unit.schema).is_some() => {
                    return Ok(self.unsupported(at, Arc::clone(&query.object.text)));
                }
                None => {
                    let message = format!("sObject type '{}' is not supported.", query.object.text);
                    return Err(self.error(query.object.at, message));
                }
            },
        };
        let plan = QueryPlan {
            text: query.text.as_str().into(),
            object: Arc::clone(&query.object.text),
            shape: query.shape,
            binds,
        };
        Ok(Typed {
            expr: Expr::new(at.line, ExprKind::Query(Box::new(plan))),
            ty,
        })
    }

    fn dml(
        &mut self,
        kind: DmlKind,
        mode: Option<bool>,
        target: &Expression,
        other: Option<&Expression>,
        at: Position,
    ) -> Compiled<Typed> {
        let target_at = target.at;
        let target = self.expression(target)?;
        let fits = match &target.ty {
            ty if ty.is_record() => true,
            Type::List(element) => element.is_record(),
            Type::Unsupported(_) => true,
            _ => false,
        };
        if !fits {
            let name = self.name_of(&target.ty);
            let message = format!("DML requires SObject or SObject list type: {name}");
            return Err(self.error(target_at, message));
        }
        let record = match &target.ty {
            Type::List(element) => element,
            ty => ty,
        };
        if let Type::Record(object) = record
            && is_metadata(object)
        {
            let message = format!("DML operation {kind:?} not allowed on {object}");
            return Err(self.error(target_at, message));
        }
        let extra = match (kind, other) {
            (DmlKind::Merge, Some(duplicates)) => {
                Some(DmlExtra::Duplicates(Box::new(self.expression(duplicates)?.expr)))
            }
            (
                _,
                Some(Expression {
                    kind: ExpressionKind::Name(name),
                    ..
                }),
            ) => {
                let field = name.text.rsplit('.').next().unwrap_or(&name.text);
                Some(DmlExtra::Key(field.into()))
            }
            _ => None,
        };
        let kind = ExprKind::Dml(kind, mode, Box::new(target.expr), extra);
        Ok(Typed {
            expr: Expr::new(at.line, kind),
            ty: Type::Void,
        })
    }
}

/// Whether a `?.` stands in the chain that ends in this expression.
fn has_safe_link(expression: &Expression) -> bool {
    match &expression.kind {
        ExpressionKind::Field(object, _, safe) => *safe || has_safe_link(object),
        ExpressionKind::Call(Some(object), _, _, safe) => *safe || has_safe_link(object),
        ExpressionKind::Index(list, _) => has_safe_link(list),
        _ => false,
    }
}
