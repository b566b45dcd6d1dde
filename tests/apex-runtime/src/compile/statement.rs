//! Statements.

use super::Compiled;
use super::body::{BodyCompiler, Typed};
use super::ir::{Constant, Expr, ExprKind, Iteration, Stmt, StmtKind, SwitchTest};
use crate::syntax::ast::{
    Block, Expression, ExpressionKind, Name, Statement, StatementKind, SwitchLabel, TypeName,
};
use crate::types::{Conversion, Type};

impl BodyCompiler<'_, '_> {
    pub(crate) fn block(&mut self, block: &Block) -> Compiled<Vec<Stmt>> {
        self.scoped(|body| body.statements(&block.statements))
    }

    fn statements(&mut self, statements: &[Statement]) -> Compiled<Vec<Stmt>> {
        let mut compiled = Vec::new();
        for statement in statements {
            // One error a statement: the rest of the body is looked at all the same.
            match self.statement(statement) {
                Ok(statement) => compiled.extend(statement),
                Err(error) => self.unit.errors.push(error),
            }
        }
        Ok(compiled)
    }

    fn single(&mut self, statement: &Statement) -> Compiled<Stmt> {
        let line = statement.at.line;
        let mut inner = self.scoped(|body| body.statement(statement))?;
        match (inner.pop(), inner.is_empty()) {
            (Some(only), true) => Ok(only),
            (Some(last), false) => {
                inner.push(last);
                Ok(Stmt {
                    line,
                    kind: StmtKind::Block(inner),
                })
            }
            (None, _) => Ok(Stmt {
                line,
                kind: StmtKind::Empty,
            }),
        }
    }

    /// Several, since one declaration may declare several variables.
    fn statement(&mut self, statement: &Statement) -> Compiled<Vec<Stmt>> {
        let line = statement.at.line;
        if !matches!(
            statement.kind,
            StatementKind::Block(_) | StatementKind::Empty | StatementKind::Try(..)
        ) {
            self.cover(line);
        }
        let kind = match &statement.kind {
            StatementKind::Local(ty, variables, is_final) => {
                return self.locals(ty, variables, *is_final, line);
            }
            StatementKind::Block(block) => StmtKind::Block(self.block(block)?),
            StatementKind::Expression(expression) => self.effect(expression)?,
            StatementKind::If(condition, then, otherwise) => StmtKind::If(
                self.condition(condition)?,
                Box::new(self.single(then)?),
                otherwise
                    .as_ref()
                    .map(|s| self.single(s).map(Box::new))
                    .transpose()?,
            ),
            StatementKind::While(condition, body) => {
                let condition = self.condition(condition)?;
                StmtKind::While(condition, Box::new(self.looped(|b| b.single(body))?))
            }
            StatementKind::DoWhile(body, condition) => {
                let body = self.looped(|b| b.block(body))?;
                StmtKind::DoWhile(body, self.condition(condition)?)
            }
            StatementKind::For(start, condition, update, body) => self.scoped(|b| {
                let start = b.statements(start)?;
                let condition = condition.as_ref().map(|c| b.condition(c)).transpose()?;
                let update = update
                    .iter()
                    .map(|e| Ok(b.expression(e)?.expr))
                    .collect::<Compiled<Vec<_>>>()?;
                let body = b.looped(|b| b.single(body))?;
                Ok(StmtKind::For(start, condition, update, Box::new(body)))
            })?,
            StatementKind::ForEach(ty, name, values, body) => self.for_each(ty, name, values, body)?,
            StatementKind::Return(value) => StmtKind::Return(self.returned(value.as_ref(), statement)?),
            StatementKind::Throw(value) => {
                let thrown = self.expression(value)?;
                if !self.is_exception(&thrown.ty) {
                    let name = self.name_of(&thrown.ty);
                    return Err(self.error(
                        value.at,
                        format!("Throw expression must be of type exception: {name}"),
                    ));
                }
                StmtKind::Throw(thrown.expr)
            }
            StatementKind::Try(body, catches, finally) => {
                let body = self.block(body)?;
                let mut compiled = Vec::new();
                for (parameter, block) in catches {
                    let ty = self.unit.resolve(&parameter.ty, self.class)?;
                    if !self.is_exception(&ty) {
                        let name = self.name_of(&ty);
                        let message = format!("Catch type must be an exception: {name}");
                        return Err(self.error(parameter.name.at, message));
                    }
                    compiled.push(self.scoped(|b| {
                        let slot = b.declare(&parameter.name, ty.clone(), false)?;
                        Ok((ty, slot, b.block(block)?))
                    })?);
                }
                StmtKind::Try(
                    body,
                    compiled,
                    finally.as_ref().map(|f| self.block(f)).transpose()?,
                )
            }
            StatementKind::Switch(subject, rules) => self.switch(subject, rules)?,
            StatementKind::Break | StatementKind::Continue if self.loops == 0 => {
                return Err(self.error(statement.at, "break and continue must be in a loop"));
            }
            StatementKind::Break => StmtKind::Break,
            StatementKind::Continue => StmtKind::Continue,
            StatementKind::RunAs(user, block) => {
                let user = self.expression(user)?;
                StmtKind::RunAs(user.expr, self.block(block)?)
            }
            StatementKind::Empty => StmtKind::Empty,
        };
        Ok(vec![Stmt { line, kind }])
    }

    fn looped<T>(&mut self, step: impl FnOnce(&mut Self) -> Compiled<T>) -> Compiled<T> {
        self.loops += 1;
        let result = step(self);
        self.loops -= 1;
        result
    }

    fn locals(
        &mut self,
        ty: &TypeName,
        variables: &[(Name, Option<Expression>)],
        is_final: bool,
        line: u32,
    ) -> Compiled<Vec<Stmt>> {
        let ty = self.unit.resolve(ty, self.class)?;
        let mut statements = Vec::new();
        for (name, value) in variables {
            let value = value.as_ref().map(|value| self.expression_for(value, &ty));
            // Declared even if its value is wrong: what follows would only repeat the error.
            let slot = self.declare(name, ty.clone(), is_final && value.is_some())?;
            statements.push(Stmt {
                line,
                kind: StmtKind::Local(slot, value.transpose()?),
            });
        }
        Ok(statements)
    }

    fn effect(&mut self, expression: &Expression) -> Compiled<StmtKind> {
        let allowed = matches!(
            expression.kind,
            ExpressionKind::Call(..)
                | ExpressionKind::New(..)
                | ExpressionKind::Assign(..)
                | ExpressionKind::Increment(..)
                | ExpressionKind::Dml(..)
                | ExpressionKind::Unsupported(_)
        );
        if !allowed {
            return Err(self.error(expression.at, "Expression cannot be a statement."));
        }
        Ok(StmtKind::Expr(self.expression(expression)?.expr))
    }

    fn returned(&mut self, value: Option<&Expression>, statement: &Statement) -> Compiled<Option<Expr>> {
        match (value, self.returns.clone()) {
            (None, Type::Void) => Ok(None),
            (None, _) => Err(self.error(statement.at, "Missing return value")),
            (Some(value), Type::Void) => Err(self.error(value.at, "Void method must not return a value")),
            (Some(value), expected) => self.expression_for(value, &expected).map(Some),
        }
    }

    pub(crate) fn is_exception(&self, ty: &Type) -> bool {
        let exception = self.unit.catalogue.find("Exception").map(Type::platform);
        match (ty, exception) {
            (Type::Unsupported(_), _) => true,
            (ty, Some(exception)) => {
                *ty != Type::Null && self.unit.hierarchy().distance(ty, &exception).is_some()
            }
            (_, None) => false,
        }
    }

    fn for_each(
        &mut self,
        ty: &TypeName,
        name: &Name,
        values: &Expression,
        body: &Statement,
    ) -> Compiled<StmtKind> {
        let declared = self.unit.resolve(ty, self.class)?;
        let Typed { expr, ty: source } = self.expression(values)?;
        let (element, iteration) = match (&source, &declared) {
            (Type::List(row), Type::List(wanted))
                if matches!(expr.kind, ExprKind::Query(_) | ExprKind::DynamicQuery(..))
                    && row.is_record()
                    && wanted.is_record() =>
            {
                (declared.clone(), Iteration::Chunks)
            }
            (Type::List(t) | Type::Set(t) | Type::Iterable(t), _) => (Type::clone(t), Iteration::Elements),
            (Type::User(_), _) => match self.iterable_element(&source) {
                Some(element) => (element, Iteration::Elements),
                None => return Err(self.not_iterable(values, &source)),
            },
            (Type::Unsupported(_), _) => (source.clone(), Iteration::Elements),
            _ => return Err(self.not_iterable(values, &source)),
        };
        let conversion = match self.unit.hierarchy().assign(&element, &declared) {
            Some((conversion, _)) => conversion,
            None if element == Type::SObject && declared.is_record() => Conversion::Identity,
            None => {
                let (expected, found) = (self.name_of(&declared), self.name_of(&element));
                let message = format!("Loop variable must be of type {found}: {expected}");
                return Err(self.error(name.at, message));
            }
        };
        self.scoped(|b| {
            let slot = b.declare(name, declared, false)?;
            let body = b.looped(|b| b.single(body))?;
            Ok(StmtKind::ForEach(
                slot,
                conversion,
                iteration,
                expr,
                Box::new(body),
            ))
        })
    }

    fn iterable_element(&self, ty: &Type) -> Option<Type> {
        let Type::User(id) = ty else { return None };
        self.unit
            .classes
            .all_interfaces(*id)
            .into_iter()
            .find_map(|interface| match interface {
                Type::Iterable(element) => Some(Type::clone(&element)),
                _ => None,
            })
    }

    fn not_iterable(&self, values: &Expression, ty: &Type) -> crate::error::CompileError {
        let name = self.name_of(ty);
        self.error(
            values.at,
            format!("For loop must iterate over an iterable type: {name}"),
        )
    }

    fn switch(&mut self, subject: &Expression, rules: &[(SwitchLabel, Block)]) -> Compiled<StmtKind> {
        let subject_at = subject.at;
        let subject = self.expression(subject)?;
        let allowed = match &subject.ty {
            Type::Integer | Type::Long | Type::String | Type::SObject | Type::Record(_) => true,
            Type::Unsupported(_) => true,
            other => self.enum_constants(other).is_some(),
        };
        if !allowed {
            let name = self.name_of(&subject.ty);
            return Err(self.error(subject_at, format!("Illegal switch expression type: {name}")));
        }
        let mut compiled = Vec::new();
        let mut otherwise = None;
        for (label, block) in rules {
            if otherwise.is_some() {
                return Err(self.error(block.at, "when else must be the last when block"));
            }
            match label {
                SwitchLabel::Else => otherwise = Some(self.block(block)?),
                SwitchLabel::Values(values) => {
                    let values = values
                        .iter()
                        .map(|v| self.switch_value(v, &subject.ty))
                        .collect::<Compiled<Vec<_>>>()?;
                    compiled.push((SwitchTest::Values(values), self.block(block)?));
                }
                SwitchLabel::Type(ty, name) => {
                    let ty = self.unit.resolve(ty, self.class)?;
                    compiled.push(self.scoped(|b| {
                        let slot = b.declare(name, ty.clone(), false)?;
                        Ok((SwitchTest::Record(ty, slot), b.block(block)?))
                    })?);
                }
            }
        }
        Ok(StmtKind::Switch(subject.expr, compiled, otherwise))
    }

    /// Constants of an enum stand in `when` without the enum's name.
    fn switch_value(&mut self, value: &Expression, subject: &Type) -> Compiled<Expr> {
        if let (ExpressionKind::Name(name), Some((owner, constants))) =
            (&value.kind, self.enum_constants(subject))
        {
            return match constants.iter().position(|c| c.eq_ignore_ascii_case(&name.text)) {
                Some(index) => Ok(Expr::new(
                    value.at.line,
                    ExprKind::Constant(Constant::Enum(owner, index)),
                )),
                None => Err(self.error(value.at, format!("Invalid when value: {}", name.text))),
            };
        }
        // The constants of an enum that the catalogue lacks cannot be known.
        if let (ExpressionKind::Name(name), Type::Unsupported(what)) = (&value.kind, subject) {
            let what = format!("{what}.{}", name.text);
            return Ok(self.unsupported(value.at, what).expr);
        }
        self.expression_for(value, subject)
    }
}
