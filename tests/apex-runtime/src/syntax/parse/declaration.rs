//! Classes, interfaces, enums, triggers and their members.

use tree_sitter::Node;

use super::super::ast::{
    Accessor, Block, ConstructorDeclaration, FieldDeclaration, Member, MethodDeclaration, Parameter,
    Statement, TriggerDeclaration, TypeDeclaration, TypeKind, TypeName,
};
use super::{Parsed, Reader};

impl Reader<'_> {
    pub(super) fn type_declaration(&self, node: Node<'_>) -> Parsed<TypeDeclaration> {
        let kind = match node.kind() {
            "interface_declaration" => TypeKind::Interface,
            "enum_declaration" => TypeKind::Enum,
            _ => TypeKind::Class,
        };
        if node.child_by_field_name("type_parameters").is_some() {
            return Err(self.error(node, "Type parameters are not allowed on user types.".into()));
        }
        let superclass = match node.child_by_field_name("superclass") {
            Some(clause) => self.types_in(clause)?.into_iter().next(),
            None => None,
        };
        let interfaces = match node
            .child_by_field_name("interfaces")
            .or_else(|| self.child_of_kind(node, "extends_interfaces"))
        {
            Some(clause) => self.types_in(clause)?,
            None => Vec::new(),
        };
        let mut constants = Vec::new();
        let mut members = Vec::new();
        for child in self.children(self.field(node, "body")?) {
            if child.kind() == "enum_constant" {
                constants.push(self.name(self.field(child, "name")?));
            } else {
                self.member(child, &mut members)?;
            }
        }
        Ok(TypeDeclaration {
            kind,
            modifiers: self.modifiers(node),
            name: self.name(self.field(node, "name")?),
            superclass,
            interfaces,
            constants,
            members,
        })
    }

    fn types_in(&self, clause: Node<'_>) -> Parsed<Vec<TypeName>> {
        let mut types = Vec::new();
        for child in self.children(clause) {
            if child.kind() == "type_list" {
                types.extend(self.types_in(child)?);
            } else {
                types.push(self.type_name(child)?);
            }
        }
        Ok(types)
    }

    fn member(&self, node: Node<'_>, members: &mut Vec<Member>) -> Parsed<()> {
        match node.kind() {
            "field_declaration" | "constant_declaration" => self.fields(node, members)?,
            "method_declaration" => members.push(Member::Method(self.method(node)?)),
            "constructor_declaration" => members.push(Member::Constructor(self.constructor(node)?)),
            "class_declaration" | "interface_declaration" | "enum_declaration" => {
                members.push(Member::Type(self.type_declaration(node)?));
            }
            "block" => members.push(Member::Initializer(false, self.block(node)?)),
            "static_initializer" => match self.child_of_kind(node, "block") {
                Some(block) => members.push(Member::Initializer(true, self.block(block)?)),
                None => return Err(self.error(node, "Unexpected token 'static'.".into())),
            },
            other => return Err(self.error(node, format!("Unexpected token '{other}'."))),
        }
        Ok(())
    }

    fn fields(&self, node: Node<'_>, members: &mut Vec<Member>) -> Parsed<()> {
        let modifiers = self.modifiers(node);
        let accessors = match self.child_of_kind(node, "accessor_list") {
            Some(list) => Some(self.accessors(list)?),
            None => None,
        };
        let ty = self.type_name(self.field(node, "type")?)?;
        let mut cursor = node.walk();
        let declarators: Vec<_> = node.children_by_field_name("declarator", &mut cursor).collect();
        for declarator in declarators {
            let mut ty = ty.clone();
            ty.dimensions += self.dimensions(declarator);
            let value = match declarator.child_by_field_name("value") {
                Some(value) => Some(self.initializer(value, &ty)?),
                None => None,
            };
            members.push(Member::Field(FieldDeclaration {
                modifiers: modifiers.clone(),
                ty,
                name: self.name(self.field(declarator, "name")?),
                value,
                accessors: accessors.clone(),
            }));
        }
        Ok(())
    }

    fn accessors(&self, list: Node<'_>) -> Parsed<Vec<Accessor>> {
        let mut accessors = Vec::new();
        for node in self.children(list) {
            let word = self.text(self.field(node, "accessor")?);
            accessors.push(Accessor {
                modifiers: self.modifiers(node),
                is_setter: word.eq_ignore_ascii_case("set"),
                body: self.optional_block(node)?,
                at: self.at(node),
            });
        }
        Ok(accessors)
    }

    fn optional_block(&self, node: Node<'_>) -> Parsed<Option<Block>> {
        node.child_by_field_name("body")
            .map(|body| self.block(body))
            .transpose()
    }

    pub(super) fn method(&self, node: Node<'_>) -> Parsed<MethodDeclaration> {
        let mut returns = self.type_name(self.field(node, "type")?)?;
        returns.dimensions += self.dimensions(node);
        Ok(MethodDeclaration {
            modifiers: self.modifiers(node),
            returns,
            name: self.name(self.field(node, "name")?),
            parameters: self.parameters(self.field(node, "parameters")?)?,
            body: self.optional_block(node)?,
        })
    }

    fn parameters(&self, list: Node<'_>) -> Parsed<Vec<Parameter>> {
        self.children(list)
            .into_iter()
            .map(|node| self.parameter(node))
            .collect()
    }

    pub(super) fn parameter(&self, node: Node<'_>) -> Parsed<Parameter> {
        let mut ty = self.type_name(self.field(node, "type")?)?;
        ty.dimensions += self.dimensions(node);
        Ok(Parameter {
            ty,
            name: self.name(self.field(node, "name")?),
        })
    }

    fn constructor(&self, node: Node<'_>) -> Parsed<ConstructorDeclaration> {
        let body = self.field(node, "body")?;
        let mut chained = None;
        let mut statements = Vec::new();
        for child in self.children(body) {
            if child.kind() == "explicit_constructor_invocation" {
                let callee = self.field(child, "constructor")?;
                let arguments = self.arguments(self.field(child, "arguments")?)?;
                chained = Some((callee.kind() == "this", arguments, self.at(child)));
            } else {
                statements.push(self.statement(child)?);
            }
        }
        Ok(ConstructorDeclaration {
            modifiers: self.modifiers(node),
            name: self.name(self.field(node, "name")?),
            parameters: self.parameters(self.field(node, "parameters")?)?,
            chained,
            body: Block {
                statements,
                at: self.at(body),
            },
        })
    }

    pub(super) fn trigger(&self, node: Node<'_>) -> Parsed<TriggerDeclaration> {
        let mut cursor = node.walk();
        let events = node
            .children_by_field_name("events", &mut cursor)
            .filter(Node::is_named)
            .map(|event| {
                self.text(event)
                    .split_whitespace()
                    .collect::<Vec<_>>()
                    .join(" ")
                    .to_ascii_lowercase()
            })
            .collect();
        let body = self.field(node, "body")?;
        let block = self.child_of_kind(body, "block").unwrap_or(body);
        let (statements, methods) = self.statements_and_methods(block)?;
        Ok(TriggerDeclaration {
            name: self.name(self.field(node, "name")?),
            object: self.name(self.field(node, "object")?),
            events,
            body: Block {
                statements,
                at: self.at(block),
            },
            methods,
        })
    }

    pub(super) fn statements_and_methods(
        &self,
        node: Node<'_>,
    ) -> Parsed<(Vec<Statement>, Vec<MethodDeclaration>)> {
        let mut statements = Vec::new();
        let mut methods = Vec::new();
        for child in self.children(node) {
            if child.kind() == "method_declaration" {
                methods.push(self.method(child)?);
            } else {
                statements.push(self.statement(child)?);
            }
        }
        Ok((statements, methods))
    }
}
