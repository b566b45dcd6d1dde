//! Operators: which types they take and what they yield (Apex Developer Guide, "Expression Operators").

use super::Compiled;
use super::body::{BodyCompiler, Typed, convert};
use super::ir::{Expr, ExprKind, Operation};
use crate::syntax::Position;
use crate::syntax::ast::Expression;
use crate::types::{Conversion, Type};

/// What a binary operator does with two types.
pub(crate) struct Combined {
    pub(crate) operation: Operation,
    pub(crate) left: Conversion,
    pub(crate) right: Conversion,
    /// The common type of both sides, to which the left one is converted.
    pub(crate) common: Type,
    pub(crate) result: Type,
}

fn rank(ty: &Type) -> Option<u8> {
    Some(match ty {
        Type::Integer => 0,
        Type::Long => 1,
        Type::Double => 2,
        Type::Decimal => 3,
        _ => return None,
    })
}

pub(crate) fn to_number(from: &Type, to: &Type) -> Conversion {
    if from == to {
        return Conversion::Identity;
    }
    match to {
        Type::Long => Conversion::ToLong,
        Type::Double => Conversion::ToDouble,
        Type::Decimal => Conversion::ToDecimal,
        _ => Conversion::Identity,
    }
}

impl BodyCompiler<'_, '_> {
    pub(crate) fn binary(
        &mut self,
        operator: &'static str,
        left: &Expression,
        right: &Expression,
        at: Position,
    ) -> Compiled<Typed> {
        if operator == "&&" || operator == "||" {
            let (l, r) = (self.boolean_operand(left)?, self.boolean_operand(right)?);
            let kind = if operator == "&&" {
                ExprKind::And(Box::new(l), Box::new(r))
            } else {
                ExprKind::Or(Box::new(l), Box::new(r))
            };
            return Ok(Typed {
                expr: Expr::new(at.line, kind),
                ty: Type::Boolean,
            });
        }
        let (l, r) = (self.expression(left)?, self.expression(right)?);
        if operator == "??" {
            return self.coalesce(l, r, at);
        }
        let combined = self.combine(operator, &l.ty, &r.ty, at)?;
        let kind = ExprKind::Binary(
            combined.operation,
            Box::new(convert(combined.left, l.expr)),
            Box::new(convert(combined.right, r.expr)),
        );
        Ok(Typed {
            expr: Expr::new(at.line, kind),
            ty: combined.result,
        })
    }

    fn boolean_operand(&mut self, operand: &Expression) -> Compiled<Expr> {
        let typed = self.expression(operand)?;
        match typed.ty {
            Type::Boolean | Type::Unsupported(_) => Ok(typed.expr),
            other => {
                let name = self.name_of(&other);
                Err(self.error(
                    operand.at,
                    format!("Boolean operator can only be applied to Boolean expressions: {name}"),
                ))
            }
        }
    }

    /// The type both branches of `?:` and `??` can take.
    pub(crate) fn common_type(&self, a: &Type, b: &Type) -> Option<Type> {
        let hierarchy = self.unit.hierarchy();
        match (a, b) {
            (Type::Null, other) | (other, Type::Null) => Some(other.clone()),
            (Type::Unsupported(_), other) | (other, Type::Unsupported(_)) => Some(other.clone()),
            _ if a == b => Some(a.clone()),
            _ => match (rank(a), rank(b)) {
                (Some(x), Some(y)) => Some(if x >= y { a.clone() } else { b.clone() }),
                _ if hierarchy.assign(b, a).is_some() => Some(a.clone()),
                _ if hierarchy.assign(a, b).is_some() => Some(b.clone()),
                _ => None,
            },
        }
    }

    fn coalesce(&mut self, left: Typed, right: Typed, at: Position) -> Compiled<Typed> {
        let Some(ty) = self.common_type(&left.ty, &right.ty) else {
            return Err(self.incompatible("??", &left.ty, &right.ty, at));
        };
        let l = self.coerce(left, &ty, at)?;
        let r = self.coerce(right, &ty, at)?;
        Ok(Typed {
            expr: Expr::new(at.line, ExprKind::Coalesce(Box::new(l), Box::new(r))),
            ty,
        })
    }

    fn incompatible(
        &self,
        operator: &str,
        left: &Type,
        right: &Type,
        at: Position,
    ) -> crate::error::CompileError {
        let (l, r) = (self.name_of(left), self.name_of(right));
        let message = match operator {
            "<" | ">" | "<=" | ">=" | "==" | "!=" | "<>" | "===" | "!==" => {
                format!("Comparison arguments must be compatible types: {l}, {r}")
            }
            "??" => format!("Incompatible types in null coalescing operator: {l}, {r}"),
            "&" | "|" | "^" | "<<" | ">>" | ">>>" => {
                format!("Bitwise operator only allowed on Integer, Long and Boolean expressions: {l}, {r}")
            }
            _ => "Arithmetic expressions must use numeric arguments".to_owned(),
        };
        self.error(at, message)
    }

    pub(crate) fn combine(
        &self,
        operator: &str,
        left: &Type,
        right: &Type,
        at: Position,
    ) -> Compiled<Combined> {
        let refuse = || self.incompatible(operator, left, right, at);
        let plain = |operation, common: &Type, result| Combined {
            operation,
            left: Conversion::Identity,
            right: Conversion::Identity,
            common: common.clone(),
            result,
        };
        let operation = operation(operator).ok_or_else(refuse)?;
        if matches!(left, Type::Unsupported(_)) || matches!(right, Type::Unsupported(_)) {
            let result = if is_comparison(operation) {
                Type::Boolean
            } else {
                left.clone()
            };
            return Ok(plain(operation, left, result));
        }
        if matches!(left, Type::Void) || matches!(right, Type::Void) {
            return Err(refuse());
        }
        match operation {
            Operation::Add if *left == Type::String || *right == Type::String => {
                Ok(plain(Operation::Concatenate, left, Type::String))
            }
            Operation::Add | Operation::Subtract if matches!(left, Type::Date | Type::Datetime) => {
                let whole = matches!(right, Type::Integer | Type::Long);
                if !(whole || (*left == Type::Datetime && right.is_number())) {
                    return Err(refuse());
                }
                let days = if operation == Operation::Add {
                    Operation::AddDays
                } else {
                    Operation::SubtractDays
                };
                Ok(plain(days, left, left.clone()))
            }
            Operation::Add | Operation::Subtract | Operation::Multiply | Operation::Divide => {
                self.numbers(operation, left, right, None).ok_or_else(refuse)
            }
            Operation::BitAnd | Operation::BitOr | Operation::BitXor => {
                if *left == Type::Boolean && *right == Type::Boolean {
                    return Ok(plain(operation, left, Type::Boolean));
                }
                if !is_whole(left) || !is_whole(right) {
                    return Err(refuse());
                }
                self.numbers(operation, left, right, None).ok_or_else(refuse)
            }
            Operation::ShiftLeft | Operation::ShiftRight | Operation::ShiftRightUnsigned => {
                if is_whole(left) && is_whole(right) {
                    return Ok(plain(operation, left, left.clone()));
                }
                Err(refuse())
            }
            Operation::Less | Operation::LessOrEqual | Operation::Greater | Operation::GreaterOrEqual => {
                if let Some(numbers) = self.numbers(operation, left, right, Some(Type::Boolean)) {
                    return Ok(numbers);
                }
                match (left, right) {
                    (Type::Date, Type::Datetime) => Ok(Combined {
                        left: Conversion::ToDatetime,
                        ..plain(operation, right, Type::Boolean)
                    }),
                    (Type::Datetime, Type::Date) => Ok(Combined {
                        right: Conversion::ToDatetime,
                        ..plain(operation, left, Type::Boolean)
                    }),
                    (Type::String | Type::Id, Type::String | Type::Id) => {
                        Ok(plain(operation, left, Type::Boolean))
                    }
                    (Type::Null, other) | (other, Type::Null) if is_ordered(other) => {
                        Ok(plain(operation, other, Type::Boolean))
                    }
                    (a, b) if a == b && is_ordered(a) => Ok(plain(operation, left, Type::Boolean)),
                    _ => Err(refuse()),
                }
            }
            _ => {
                if let Some(numbers) = self.numbers(operation, left, right, Some(Type::Boolean)) {
                    return Ok(numbers);
                }
                let hierarchy = self.unit.hierarchy();
                match (left, right) {
                    (Type::Date, Type::Datetime) => Ok(Combined {
                        left: Conversion::ToDatetime,
                        ..plain(operation, right, Type::Boolean)
                    }),
                    (Type::Datetime, Type::Date) => Ok(Combined {
                        right: Conversion::ToDatetime,
                        ..plain(operation, left, Type::Boolean)
                    }),
                    _ if hierarchy.castable(left, right) => Ok(plain(operation, left, Type::Boolean)),
                    _ => Err(refuse()),
                }
            }
        }
    }

    fn numbers(
        &self,
        operation: Operation,
        left: &Type,
        right: &Type,
        result: Option<Type>,
    ) -> Option<Combined> {
        // `null` beside a number takes its type; using it fails at run time.
        let (l, r) = match (left, right) {
            (Type::Null, number) | (number, Type::Null) => (rank(number)?, rank(number)?),
            _ => (rank(left)?, rank(right)?),
        };
        let common = match (left, right) {
            (Type::Null, other) => other.clone(),
            (other, Type::Null) => other.clone(),
            _ if l >= r => left.clone(),
            _ => right.clone(),
        };
        Some(Combined {
            operation,
            left: to_number(left, &common),
            right: to_number(right, &common),
            result: result.unwrap_or_else(|| common.clone()),
            common,
        })
    }

    pub(crate) fn unary(&mut self, operator: &str, operand: &Expression, at: Position) -> Compiled<Typed> {
        let typed = self.expression(operand)?;
        let inner = Box::new(typed.expr);
        let kind = match (operator, &typed.ty) {
            (_, Type::Unsupported(_)) => {
                return Ok(Typed {
                    expr: *inner,
                    ty: typed.ty,
                });
            }
            ("!", Type::Boolean) => ExprKind::Not(inner),
            ("-", ty) if ty.is_number() => ExprKind::Negate(inner),
            ("+", ty) if ty.is_number() => {
                return Ok(Typed {
                    expr: *inner,
                    ty: typed.ty,
                });
            }
            ("~", ty) if is_whole(ty) => ExprKind::Complement(inner),
            (_, ty) => {
                let name = self.name_of(ty);
                return Err(self.error(
                    at,
                    format!("Incorrect expression type for operator '{operator}': {name}"),
                ));
            }
        };
        Ok(Typed {
            expr: Expr::new(at.line, kind),
            ty: typed.ty,
        })
    }
}

fn is_whole(ty: &Type) -> bool {
    matches!(ty, Type::Integer | Type::Long)
}

fn is_ordered(ty: &Type) -> bool {
    ty.is_number()
        || matches!(
            ty,
            Type::String | Type::Id | Type::Date | Type::Datetime | Type::Time
        )
}

fn is_comparison(operation: Operation) -> bool {
    matches!(
        operation,
        Operation::Less
            | Operation::LessOrEqual
            | Operation::Greater
            | Operation::GreaterOrEqual
            | Operation::Equal
            | Operation::NotEqual
            | Operation::Identical
            | Operation::NotIdentical
    )
}

fn operation(operator: &str) -> Option<Operation> {
    Some(match operator {
        "+" => Operation::Add,
        "-" => Operation::Subtract,
        "*" => Operation::Multiply,
        "/" => Operation::Divide,
        "&" => Operation::BitAnd,
        "|" => Operation::BitOr,
        "^" => Operation::BitXor,
        "<<" => Operation::ShiftLeft,
        ">>" => Operation::ShiftRight,
        ">>>" => Operation::ShiftRightUnsigned,
        "<" => Operation::Less,
        "<=" => Operation::LessOrEqual,
        ">" => Operation::Greater,
        ">=" => Operation::GreaterOrEqual,
        "==" => Operation::Equal,
        "!=" | "<>" => Operation::NotEqual,
        "===" => Operation::Identical,
        "!==" => Operation::NotIdentical,
        // Apex has no remainder operator: Math.mod.
        _ => return None,
    })
}
