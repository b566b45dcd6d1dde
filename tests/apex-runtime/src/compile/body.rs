//! What is known while one body is compiled: its class, its scopes, its slots.

use std::collections::HashMap;
use std::sync::Arc;

use super::ir::{Body, ChainedConstructor, ConstructorTarget, Expr, ExprKind, Place, Stmt, StmtKind};
use super::{Compiled, Compiler, Initializer, Pending};
use crate::error::{CompileError, Unsupported};
use crate::syntax::Position;
use crate::syntax::ast::{Expression, Name};
use crate::types::{ClassId, Conversion, FieldId, MethodId, Type};

/// An expression with its static type.
#[derive(Debug, Clone)]
pub(crate) struct Typed {
    pub(crate) expr: Expr,
    pub(crate) ty: Type,
}

/// A local variable.
#[derive(Debug, Clone)]
pub(crate) struct Local {
    pub(crate) slot: usize,
    pub(crate) ty: Type,
    pub(crate) is_final: bool,
}

/// Compiles one body.
pub(crate) struct BodyCompiler<'c, 'a> {
    pub(crate) unit: &'c mut Compiler<'a>,
    pub(crate) class: ClassId,
    pub(crate) is_static: bool,
    /// Whether final fields may be set here.
    pub(crate) initializes: bool,
    pub(crate) returns: Type,
    /// The property whose accessor this is: inside it the name means the stored value.
    pub(crate) property: Option<FieldId>,
    pub(crate) loops: usize,
    scopes: Vec<HashMap<String, Local>>,
    next_slot: usize,
    slots: usize,
}

impl<'a> Compiler<'a> {
    fn body(&mut self, class: ClassId, is_static: bool, returns: Type) -> BodyCompiler<'_, 'a> {
        BodyCompiler {
            unit: self,
            class,
            is_static,
            initializes: false,
            returns,
            property: None,
            loops: 0,
            scopes: vec![HashMap::new()],
            next_slot: 0,
            slots: 0,
        }
    }

    pub(super) fn compile_pending(&mut self, class: ClassId, pending: Pending) -> (MethodId, Compiled<Body>) {
        match pending {
            Pending::Method(id, block, property) => {
                let method = self.classes.method(id).clone();
                let mut body = self.body(class, method.is_static, method.returns);
                body.property = property;
                for parameter in &method.parameters {
                    body.add_local(&parameter.name, parameter.ty.clone(), false);
                }
                let statements = body.block(&block);
                let compiled = statements.and_then(|statements| {
                    if body.returns != Type::Void && super::completion::ends(&block) {
                        let ty = body.name_of(&body.returns);
                        let message = format!("Missing return statement required return type: {ty}");
                        return Err(body.error(method.at, message));
                    }
                    Ok(Body {
                        slots: body.slots,
                        chained: None,
                        statements,
                    })
                });
                (id, compiled)
            }
            Pending::Constructor(id, chained, block) => {
                let method = self.classes.method(id).clone();
                let mut body = self.body(class, false, Type::Void);
                body.initializes = true;
                for parameter in &method.parameters {
                    body.add_local(&parameter.name, parameter.ty.clone(), false);
                }
                let compiled = body.constructor(chained, &block);
                (id, compiled)
            }
        }
    }

    pub(super) fn compile_initializers(
        &mut self,
        class: ClassId,
        is_static: bool,
        initializers: Vec<Initializer>,
    ) -> Body {
        let mut body = self.body(class, is_static, Type::Void);
        body.initializes = true;
        let mut statements = Vec::new();
        for initializer in initializers {
            let compiled = match &initializer {
                Initializer::Field(id, value) => body.field_value(*id, value),
                Initializer::Block(block) => body.block(block).map(|inner| Stmt {
                    line: block.at.line,
                    kind: StmtKind::Block(inner),
                }),
            };
            match compiled {
                Ok(statement) => statements.push(statement),
                Err(error) => body.unit.errors.push(error),
            }
        }
        Body {
            slots: body.slots,
            chained: None,
            statements,
        }
    }
}

impl BodyCompiler<'_, '_> {
    pub(crate) fn error(&self, at: Position, message: impl Into<String>) -> CompileError {
        self.unit.error(self.class, at, message)
    }

    pub(crate) fn name_of(&self, ty: &Type) -> String {
        self.unit.name_of(ty)
    }

    pub(crate) fn file(&self) -> Arc<str> {
        Arc::clone(&self.unit.classes.class(self.class).file)
    }

    /// An expression that stops the program when reached; its type is as unknown as its value.
    pub(crate) fn unsupported(&mut self, at: Position, what: impl Into<Arc<str>>) -> Typed {
        let what = what.into();
        let file = self.file();
        self.unit.unsupported.push(Unsupported {
            what: what.to_string(),
            file,
            line: at.line,
        });
        Typed {
            expr: Expr::new(at.line, ExprKind::Unsupported(Arc::clone(&what))),
            ty: Type::Unsupported(what),
        }
    }

    pub(crate) fn cover(&mut self, line: u32) {
        let file = self.file();
        self.unit.lines.entry(file).or_default().insert(line);
    }

    fn add_local(&mut self, name: &str, ty: Type, is_final: bool) -> usize {
        let slot = self.next_slot;
        self.next_slot += 1;
        self.slots = self.slots.max(self.next_slot);
        if let Some(scope) = self.scopes.last_mut() {
            scope.insert(name.to_ascii_lowercase(), Local { slot, ty, is_final });
        }
        slot
    }

    /// A new local variable; Apex allows no second of the same name in an enclosing scope.
    pub(crate) fn declare(&mut self, name: &Name, ty: Type, is_final: bool) -> Compiled<usize> {
        if self.local(&name.text).is_some() {
            return Err(self.error(name.at, format!("Duplicate variable: {}", name.text)));
        }
        Ok(self.add_local(&name.text, ty, is_final))
    }

    pub(crate) fn local(&self, name: &str) -> Option<&Local> {
        let key = name.to_ascii_lowercase();
        self.scopes.iter().rev().find_map(|scope| scope.get(&key))
    }

    /// The names of all locals, inner scopes first.
    pub(crate) fn local_names(&self) -> Vec<Arc<str>> {
        let scopes = self.scopes.iter().rev();
        scopes
            .flat_map(|scope| scope.keys().map(|name| name.as_str().into()))
            .collect()
    }

    /// Runs a step in a scope of its own.
    pub(crate) fn scoped<T>(&mut self, step: impl FnOnce(&mut Self) -> Compiled<T>) -> Compiled<T> {
        self.scopes.push(HashMap::new());
        let first = self.next_slot;
        let result = step(self);
        self.scopes.pop();
        self.next_slot = first;
        result
    }

    fn field_value(&mut self, id: FieldId, value: &Expression) -> Compiled<Stmt> {
        let field = self.unit.classes.field(id).clone();
        let line = value.at.line;
        let value = self.expression_for(value, &field.ty)?;
        let place = if field.is_static {
            Place::Static(id)
        } else {
            Place::Instance(Expr::new(line, ExprKind::This), field.slot)
        };
        self.cover(field.at.line);
        let assign = Expr::new(line, ExprKind::Assign(Box::new(place), Box::new(value)));
        Ok(Stmt {
            line: field.at.line,
            kind: StmtKind::Expr(assign),
        })
    }

    fn constructor(
        &mut self,
        chained: Option<(bool, Vec<Expression>, Position)>,
        block: &crate::syntax::ast::Block,
    ) -> Compiled<Body> {
        let chained = match chained {
            Some((same_class, arguments, at)) => {
                self.cover(at.line);
                let owner = if same_class {
                    Some(self.class)
                } else {
                    self.unit.classes.superclass(self.class)
                };
                let (target, arguments) = match owner {
                    Some(owner) => self.constructor_call(owner, &arguments, at)?,
                    None => self.exception_constructor_call(&arguments, at)?,
                };
                Some(ChainedConstructor {
                    same_class,
                    line: at.line,
                    target,
                    arguments,
                })
            }
            None => self.implicit_super(block.at)?,
        };
        let statements = self.block(block)?;
        Ok(Body {
            slots: self.slots,
            chained,
            statements,
        })
    }

    /// Without a written call the superclass's constructor without parameters runs.
    fn implicit_super(&mut self, at: Position) -> Compiled<Option<ChainedConstructor>> {
        let Some(superclass) = self.unit.classes.superclass(self.class) else {
            return Ok(None);
        };
        let (target, arguments) = self.constructor_call(superclass, &[], at)?;
        Ok(Some(ChainedConstructor {
            same_class: false,
            line: at.line,
            target,
            arguments,
        }))
    }

    fn exception_constructor_call(
        &mut self,
        arguments: &[Expression],
        at: Position,
    ) -> Compiled<(ConstructorTarget, Vec<Expr>)> {
        if self.unit.classes.platform_base(self.class).is_none() {
            if arguments.is_empty() {
                return Ok((ConstructorTarget::Implicit(self.class), Vec::new()));
            }
            return Err(self.error(at, "No super type found for: super"));
        }
        let arguments = self.exception_arguments(arguments, at)?;
        Ok((ConstructorTarget::Exception, arguments))
    }

    /// The expression as it stands where a type is expected.
    pub(crate) fn expression_for(&mut self, expression: &Expression, expected: &Type) -> Compiled<Expr> {
        let typed = self.expression(expression)?;
        self.coerce(typed, expected, expression.at)
    }

    /// Makes an implicit conversion visible, or refuses.
    pub(crate) fn coerce(&mut self, typed: Typed, expected: &Type, at: Position) -> Compiled<Expr> {
        // A query may be assigned to a single record (Apex Developer Guide, "Working with SOQL Queries That
        // Return One Record").
        let queries = match &typed.expr.kind {
            ExprKind::Query(_) | ExprKind::DynamicQuery(..) => true,
            ExprKind::CallPlatform(method, ..) => {
                &*self.unit.catalogue.method(*method).name == "queryWithBinds"
            }
            _ => false,
        };
        if queries && expected.is_record() && !typed.ty.is_record() {
            let line = typed.expr.line;
            return Ok(Expr::new(line, ExprKind::OnlyRow(Box::new(typed.expr))));
        }
        match self.unit.hierarchy().assign(&typed.ty, expected) {
            Some((conversion, _)) => Ok(convert(conversion, typed.expr)),
            None => {
                let (from, to) = (self.name_of(&typed.ty), self.name_of(expected));
                Err(self.error(at, format!("Illegal assignment from {from} to {to}")))
            }
        }
    }

    /// A condition: nothing but Booleans.
    pub(crate) fn condition(&mut self, expression: &Expression) -> Compiled<Expr> {
        let typed = self.expression(expression)?;
        match typed.ty {
            Type::Boolean | Type::Unsupported(_) => Ok(typed.expr),
            other => {
                let name = self.name_of(&other);
                Err(self.error(
                    expression.at,
                    format!("Condition expression must be of type Boolean: {name}"),
                ))
            }
        }
    }
}

/// Wraps an expression in a conversion where there is one.
pub(crate) fn convert(conversion: Conversion, expr: Expr) -> Expr {
    if conversion == Conversion::Identity {
        return expr;
    }
    Expr::new(expr.line, ExprKind::Convert(conversion, Box::new(expr)))
}
