//! Statements.

use tree_sitter::Node;

use super::super::ast::{Block, Statement, StatementKind, SwitchLabel};
use super::{Parsed, Reader};

impl Reader<'_> {
    pub(super) fn block(&self, node: Node<'_>) -> Parsed<Block> {
        Ok(Block {
            statements: self.statements(node)?,
            at: self.at(node),
        })
    }

    pub(super) fn statement(&self, node: Node<'_>) -> Parsed<Statement> {
        Ok(Statement {
            kind: self.statement_kind(node)?,
            at: self.at(node),
        })
    }

    fn statement_kind(&self, node: Node<'_>) -> Parsed<StatementKind> {
        let boxed = |node| -> Parsed<Box<Statement>> { Ok(Box::new(self.statement(node)?)) };
        Ok(match node.kind() {
            "block" => StatementKind::Block(self.block(node)?),
            "expression_statement" => StatementKind::Expression(self.only_expression(node)?),
            "local_variable_declaration" => self.locals(node)?,
            "if_statement" => StatementKind::If(
                self.expression(self.field(node, "condition")?)?,
                boxed(self.field(node, "consequence")?)?,
                node.child_by_field_name("alternative").map(boxed).transpose()?,
            ),
            "while_statement" => StatementKind::While(
                self.expression(self.field(node, "condition")?)?,
                boxed(self.field(node, "body")?)?,
            ),
            "do_statement" => StatementKind::DoWhile(
                self.block(self.field(node, "body")?)?,
                self.expression(self.field(node, "condition")?)?,
            ),
            "for_statement" => self.for_loop(node)?,
            "enhanced_for_statement" => {
                let mut ty = self.type_name(self.field(node, "type")?)?;
                ty.dimensions += self.dimensions(node);
                StatementKind::ForEach(
                    ty,
                    self.name(self.field(node, "name")?),
                    self.expression(self.field(node, "value")?)?,
                    boxed(self.field(node, "body")?)?,
                )
            }
            "return_statement" => {
                let value = self.children(node).into_iter().next();
                StatementKind::Return(value.map(|value| self.expression(value)).transpose()?)
            }
            "throw_statement" => StatementKind::Throw(self.only_expression(node)?),
            "try_statement" => self.try_statement(node)?,
            "switch_expression" => self.switch(node)?,
            "break_statement" => self.jump(node, StatementKind::Break)?,
            "continue_statement" => self.jump(node, StatementKind::Continue)?,
            "run_as_statement" => match self.child_of_kind(node, "block") {
                Some(block) => {
                    StatementKind::RunAs(self.expression(self.field(node, "user")?)?, self.block(block)?)
                }
                None => return Err(self.error(node, "Unexpected token 'System.runAs'.".into())),
            },
            // The grammar reads a label-less `;` as an anonymous node, so nothing else is left but
            // declarations where statements stand.
            other => return Err(self.error(node, format!("Unexpected token '{other}'."))),
        })
    }

    fn jump(&self, node: Node<'_>, kind: StatementKind) -> Parsed<StatementKind> {
        if self.children(node).is_empty() {
            Ok(kind)
        } else {
            Err(self.error(node, "Unexpected token: Apex has no labels.".into()))
        }
    }

    fn only_expression(&self, node: Node<'_>) -> Parsed<super::super::ast::Expression> {
        match self.children(node).into_iter().next() {
            Some(child) => self.expression(child),
            None => Err(self.error(node, "Unexpected token ';'.".into())),
        }
    }

    fn locals(&self, node: Node<'_>) -> Parsed<StatementKind> {
        let ty = self.type_name(self.field(node, "type")?)?;
        let is_final = self.modifiers(node).has("final");
        let mut variables = Vec::new();
        let mut cursor = node.walk();
        let declarators: Vec<_> = node.children_by_field_name("declarator", &mut cursor).collect();
        let mut ty = ty;
        for (index, declarator) in declarators.into_iter().enumerate() {
            let extra = self.dimensions(declarator);
            if extra > 0 {
                if index > 0 {
                    return Err(self.error(declarator, "not supported: brackets behind a name".into()));
                }
                ty.dimensions += extra;
            }
            let value = declarator.child_by_field_name("value");
            variables.push((
                self.name(self.field(declarator, "name")?),
                value.map(|value| self.initializer(value, &ty)).transpose()?,
            ));
        }
        Ok(StatementKind::Local(ty, variables, is_final))
    }

    fn for_loop(&self, node: Node<'_>) -> Parsed<StatementKind> {
        let mut start = Vec::new();
        let mut cursor = node.walk();
        let starts: Vec<_> = node.children_by_field_name("init", &mut cursor).collect();
        for child in starts.into_iter().filter(Node::is_named) {
            start.push(if child.kind() == "local_variable_declaration" {
                self.statement(child)?
            } else {
                Statement {
                    kind: StatementKind::Expression(self.expression(child)?),
                    at: self.at(child),
                }
            });
        }
        let condition = node
            .child_by_field_name("condition")
            .map(|c| self.expression(c))
            .transpose()?;
        let mut cursor = node.walk();
        let updates: Vec<_> = node.children_by_field_name("update", &mut cursor).collect();
        let update = updates
            .into_iter()
            .filter(Node::is_named)
            .map(|child| self.expression(child))
            .collect::<Parsed<Vec<_>>>()?;
        let body = Box::new(self.body_statement(self.field(node, "body")?)?);
        Ok(StatementKind::For(start, condition, update, body))
    }

    fn body_statement(&self, node: Node<'_>) -> Parsed<Statement> {
        if node.kind() == ";" {
            return Ok(Statement {
                kind: StatementKind::Empty,
                at: self.at(node),
            });
        }
        self.statement(node)
    }

    fn try_statement(&self, node: Node<'_>) -> Parsed<StatementKind> {
        let body = self.block(self.field(node, "body")?)?;
        let mut catches = Vec::new();
        let mut finally = None;
        for child in self.children(node) {
            match child.kind() {
                "catch_clause" => match self.child_of_kind(child, "formal_parameter") {
                    Some(parameter) => catches.push((
                        self.parameter(parameter)?,
                        self.block(self.field(child, "body")?)?,
                    )),
                    None => return Err(self.error(child, "Unexpected token 'catch'.".into())),
                },
                "finally_clause" => {
                    finally = self
                        .child_of_kind(child, "block")
                        .map(|b| self.block(b))
                        .transpose()?;
                }
                _ => {}
            }
        }
        Ok(StatementKind::Try(body, catches, finally))
    }

    fn switch(&self, node: Node<'_>) -> Parsed<StatementKind> {
        let subject = self.expression(self.field(node, "condition")?)?;
        let mut rules = Vec::new();
        for rule in self.children(self.field(node, "body")?) {
            let (Some(label), Some(block)) = (
                self.child_of_kind(rule, "switch_label"),
                self.child_of_kind(rule, "block"),
            ) else {
                return Err(self.error(rule, "Unexpected token 'when'.".into()));
            };
            rules.push((self.switch_label(label)?, self.block(block)?));
        }
        Ok(StatementKind::Switch(subject, rules))
    }

    fn switch_label(&self, node: Node<'_>) -> Parsed<SwitchLabel> {
        let children = self.children(node);
        match children.as_slice() {
            [] => Ok(SwitchLabel::Else),
            [one] if one.kind() == "when_sobject_type" => match self.children(*one).as_slice() {
                [ty, name] => Ok(SwitchLabel::Type(self.type_name(*ty)?, self.name(*name))),
                _ => Err(self.error(*one, "Unexpected token 'when'.".into())),
            },
            [one] if one.kind() == "else" => Ok(SwitchLabel::Else),
            values => Ok(SwitchLabel::Values(
                values
                    .iter()
                    .map(|value| self.expression(*value))
                    .collect::<Parsed<Vec<_>>>()?,
            )),
        }
    }
}
