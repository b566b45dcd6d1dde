//! Expressions.

use tree_sitter::Node;

use super::super::ast::{DmlKind, Expression, ExpressionKind, TypeName};
use super::{Parsed, Reader};

/// Every operator of the language, so that the tree holds `'static` names.
const OPERATORS: &[&str] = &[
    ">", "<", ">=", "<=", "==", "===", "!=", "<>", "!==", "&&", "||", "??", "+", "-", "*", "/", "&", "|",
    "^", "%", "<<", ">>", ">>>", "!", "~",
];

fn operator(text: &str) -> Option<&'static str> {
    let compact: String = text.chars().filter(|c| !c.is_whitespace()).collect();
    OPERATORS.iter().copied().find(|op| *op == compact)
}

impl Reader<'_> {
    pub(super) fn expression(&self, node: Node<'_>) -> Parsed<Expression> {
        let mut at = self.at(node);
        let kind = match node.kind() {
            "int" | "decimal_floating_point_literal" | "boolean" | "string_literal" | "null_literal" => {
                ExpressionKind::Literal(self.literal(node)?)
            }
            "identifier" => ExpressionKind::Name(self.name(node)),
            "this" => ExpressionKind::This,
            "super" => ExpressionKind::Super,
            "parenthesized_expression" => ExpressionKind::Parenthesized(self.inner(node)?),
            "field_access" => {
                let field = self.field(node, "field")?;
                at = self.at(field);
                // The grammar reads `Outer.Inner.class` as an access to a field.
                if self.text(field).eq_ignore_ascii_case("class") {
                    let ty = self.dotted_type(self.field(node, "object")?)?;
                    return Ok(Expression {
                        kind: ExpressionKind::ClassLiteral(ty),
                        at,
                    });
                }
                let object = self.child(node, "object")?;
                ExpressionKind::Field(object, self.name(field), self.is_safe(node))
            }
            "method_invocation" => {
                let name = self.name(self.field(node, "name")?);
                at = name.at;
                let object = match node.child_by_field_name("object") {
                    Some(object) => Some(Box::new(self.expression(object)?)),
                    None => None,
                };
                let arguments = self.arguments(self.field(node, "arguments")?)?;
                ExpressionKind::Call(object, name, arguments, self.is_safe(node))
            }
            "array_access" => ExpressionKind::Index(self.child(node, "array")?, self.child(node, "index")?),
            "object_creation_expression" => {
                if self.child_of_kind(node, "class_body").is_some() {
                    return Err(self.error(
                        node,
                        "Unexpected token '{': Apex has no anonymous classes.".into(),
                    ));
                }
                let ty = self.type_name(self.field(node, "type")?)?;
                ExpressionKind::New(ty, self.arguments(self.field(node, "arguments")?)?)
            }
            "array_creation_expression" => self.array_creation(node)?,
            "map_creation_expression" => {
                let ty = self.type_name(self.field(node, "type")?)?;
                let mut pairs = Vec::new();
                for pair in self.children(self.field(node, "value")?) {
                    match self.children(pair).as_slice() {
                        [key, value] => pairs.push((self.expression(*key)?, self.expression(*value)?)),
                        _ => return Err(self.error(pair, "Unexpected token '=>'.".into())),
                    }
                }
                ExpressionKind::NewPairs(ty, pairs)
            }
            "cast_expression" => ExpressionKind::Cast(
                self.type_name(self.field(node, "type")?)?,
                self.child(node, "value")?,
            ),
            "instanceof_expression" => ExpressionKind::InstanceOf(
                self.child(node, "left")?,
                self.type_name(self.field(node, "right")?)?,
            ),
            "class_literal" => match self.children(node).first() {
                Some(ty) => ExpressionKind::ClassLiteral(self.type_name(*ty)?),
                None => return Err(self.error(node, "Unexpected token 'class'.".into())),
            },
            "unary_expression" => {
                ExpressionKind::Unary(self.operator_of(node)?, self.child(node, "operand")?)
            }
            "update_expression" => {
                let sign = self.field(node, "operator")?;
                let step = if self.text(sign) == "++" { 1 } else { -1 };
                let operand = self.field(node, "operand")?;
                let prefix = sign.start_byte() < operand.start_byte();
                ExpressionKind::Increment(Box::new(self.expression(operand)?), step, prefix)
            }
            "binary_expression" => ExpressionKind::Binary(
                self.operator_of(node)?,
                self.child(node, "left")?,
                self.child(node, "right")?,
            ),
            "assignment_expression" => {
                let text = self.text(self.field(node, "operator")?);
                let compound = text.trim_end_matches('=');
                let compound = if compound.is_empty() {
                    None
                } else {
                    operator(compound)
                };
                ExpressionKind::Assign(self.child(node, "left")?, compound, self.child(node, "right")?)
            }
            "ternary_expression" => ExpressionKind::Ternary(
                self.child(node, "condition")?,
                self.child(node, "consequence")?,
                self.child(node, "alternative")?,
            ),
            "query_expression" => self.query(node)?,
            "dml_expression" => self.dml(node)?,
            "version_expression" | "java_field_access" => {
                ExpressionKind::Unsupported(self.text(node).to_owned())
            }
            other => return Err(self.error(node, format!("Unexpected token '{other}'."))),
        };
        Ok(Expression { kind, at })
    }

    /// The type that a path of names stands for.
    fn dotted_type(&self, node: Node<'_>) -> Parsed<TypeName> {
        if node.kind() != "field_access" {
            return self.type_name(node);
        }
        let mut ty = self.dotted_type(self.field(node, "object")?)?;
        ty.parts.push(self.name(self.field(node, "field")?));
        Ok(ty)
    }

    fn child(&self, node: Node<'_>, field: &str) -> Parsed<Box<Expression>> {
        Ok(Box::new(self.expression(self.field(node, field)?)?))
    }

    fn inner(&self, node: Node<'_>) -> Parsed<Box<Expression>> {
        match self.children(node).first() {
            Some(child) => Ok(Box::new(self.expression(*child)?)),
            None => Err(self.error(node, "Unexpected token ')'.".into())),
        }
    }

    fn operator_of(&self, node: Node<'_>) -> Parsed<&'static str> {
        let sign = self.field(node, "operator")?;
        operator(self.text(sign))
            .ok_or_else(|| self.error(sign, format!("Unexpected token '{}'.", self.text(sign))))
    }

    fn is_safe(&self, node: Node<'_>) -> bool {
        self.child_of_kind(node, "safe_navigation_operator").is_some()
    }

    pub(super) fn arguments(&self, list: Node<'_>) -> Parsed<Vec<Expression>> {
        self.children(list)
            .into_iter()
            .map(|node| self.expression(node))
            .collect()
    }

    /// The value of a declared variable: `{1, 2}` stands for `new T[]{1, 2}`.
    pub(super) fn initializer(&self, node: Node<'_>, ty: &TypeName) -> Parsed<Expression> {
        if node.kind() == "array_initializer" {
            let values = self.arguments(node)?;
            return Ok(Expression {
                kind: ExpressionKind::NewValues(ty.clone(), values),
                at: self.at(node),
            });
        }
        self.expression(node)
    }

    fn array_creation(&self, node: Node<'_>) -> Parsed<ExpressionKind> {
        let mut ty = self.type_name(self.field(node, "type")?)?;
        if let Some(values) = node.child_by_field_name("value") {
            ty.dimensions += self.dimensions(node);
            return Ok(ExpressionKind::NewValues(ty, self.arguments(values)?));
        }
        let mut cursor = node.walk();
        let sizes: Vec<_> = node
            .children_by_field_name("dimensions", &mut cursor)
            .filter(|d| d.kind() == "dimensions_expr")
            .collect();
        match sizes.as_slice() {
            [size] => {
                ty.dimensions += 1;
                Ok(ExpressionKind::NewSized(ty, self.inner(*size)?))
            }
            _ => Err(self.error(node, "not supported: arrays of several sizes".into())),
        }
    }

    fn dml(&self, node: Node<'_>) -> Parsed<ExpressionKind> {
        let word = self
            .child_of_kind(node, "dml_type")
            .map(|n| self.text(n).to_ascii_lowercase());
        let kind = match word.as_deref() {
            Some("insert") => DmlKind::Insert,
            Some("update") => DmlKind::Update,
            Some("upsert") => DmlKind::Upsert,
            Some("delete") => DmlKind::Delete,
            Some("undelete") => DmlKind::Undelete,
            Some("merge") => DmlKind::Merge,
            _ => return Err(self.error(node, "Unexpected token in a DML statement.".into())),
        };
        let mode = self
            .child_of_kind(node, "dml_security_mode")
            .map(|mode| self.text(mode).eq_ignore_ascii_case("user"));
        let other = match node.child_by_field_name("merge_with") {
            Some(other) => Some(Box::new(self.expression(other)?)),
            None => match node.child_by_field_name("upsert_key") {
                Some(key) => {
                    let text = self.name(key);
                    Some(Box::new(Expression {
                        at: self.at(key),
                        kind: ExpressionKind::Name(text),
                    }))
                }
                None => None,
            },
        };
        Ok(ExpressionKind::Dml(
            kind,
            mode,
            self.child(node, "target")?,
            other,
        ))
    }
}
