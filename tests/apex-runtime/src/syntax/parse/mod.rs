//! Turns the concrete syntax tree into the [`super::ast`]; an error node is a compile error with its place.

mod declaration;
mod expression;
mod literal;
mod query;
mod statement;

use std::borrow::Cow;

use tree_sitter::{Node, Parser};

use super::ast::{Annotation, Modifiers, Name, Position, Statement, TypeName, Unit};
use crate::error::CompileError;

pub(crate) type Parsed<T> = Result<T, CompileError>;

/// Reads a class or trigger file.
pub fn parse_unit(file: &str, text: &str) -> Parsed<Unit> {
    let tree = tree(file, text)?;
    let reader = Reader { file, text };
    let root = tree.root_node();
    let mut cursor = root.walk();
    let mut found = None;
    for node in root.named_children(&mut cursor) {
        let unit = match node.kind() {
            "class_declaration" | "interface_declaration" | "enum_declaration" => {
                Unit::Type(reader.type_declaration(node)?)
            }
            "trigger_declaration" => Unit::Trigger(reader.trigger(node)?),
            "line_comment" | "block_comment" => continue,
            other => return Err(reader.error(node, format!("Unexpected token '{other}'."))),
        };
        if found.replace(unit).is_some() {
            return Err(reader.error(node, "Only one top-level type is allowed in a file.".into()));
        }
    }
    found.ok_or_else(|| reader.error(root, "Unexpected token '<EOF>'.".into()))
}

/// Reads the statements of an anonymous block.
pub fn parse_anonymous(text: &str) -> Parsed<Unit> {
    const FILE: &str = "AnonymousBlock";
    let tree = tree(FILE, text)?;
    let reader = Reader { file: FILE, text };
    let (statements, methods) = reader.statements_and_methods(tree.root_node())?;
    Ok(Unit::Anonymous(statements, methods))
}

/// Reads a text; an error node in it is a compile error.
pub(crate) fn tree(file: &str, text: &str) -> Parsed<tree_sitter::Tree> {
    let mut parser = Parser::new();
    let internal = |message: String| CompileError::new(file, Position::default(), message);
    parser
        .set_language(&tree_sitter_sfapex::apex::LANGUAGE.into())
        .map_err(|error| internal(error.to_string()))?;
    let tree = parser
        .parse(with_plain_trigger_context(text).as_ref(), None)
        .ok_or_else(|| internal("the parser gave up".into()))?;
    match tree
        .root_node()
        .has_error()
        .then(|| first_error(tree.root_node()))
        .flatten()
    {
        Some(node) => {
            let reader = Reader { file, text };
            let message = if node.is_missing() {
                format!("Missing '{}' at '{}'", node.kind(), reader.following(node))
            } else {
                format!("Unexpected token '{}'.", reader.following(node))
            };
            Err(reader.error(node, message))
        }
        None => Ok(tree),
    }
}

/// The text as the grammar can read it: it takes `Trigger` at the start of a statement and the `new` behind its dot
/// for keywords (`Trigger.new[0].Name = …`). The stand-ins have the same length, and names are read from the text
/// itself.
fn with_plain_trigger_context(text: &str) -> Cow<'_, str> {
    const OBJECT: &str = "trigger";
    const NEW: &str = "new";
    let lower = text.to_ascii_lowercase();
    let mut plain = Cow::Borrowed(text);
    for (start, _) in lower.match_indices(OBJECT) {
        let end = start + OBJECT.len();
        let rest = lower.get(end..).unwrap_or_default();
        let Some(member) = rest.trim_start().strip_prefix('.').map(str::trim_start) else {
            continue;
        };
        plain.to_mut().replace_range(end - 1..end, "x");
        let ends = |tail: &str| !tail.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '_');
        if member.strip_prefix(NEW).is_some_and(ends) {
            let at = lower.len() - member.len();
            plain.to_mut().replace_range(at..at + NEW.len(), "nnn");
        }
    }
    plain
}

fn first_error(node: Node<'_>) -> Option<Node<'_>> {
    if node.is_error() || node.is_missing() {
        return Some(node);
    }
    let mut cursor = node.walk();
    let children: Vec<_> = node.children(&mut cursor).collect();
    children.into_iter().filter(Node::has_error).find_map(first_error)
}

/// The text of one file, for the functions that read its nodes.
pub(super) struct Reader<'a> {
    pub(super) file: &'a str,
    pub(super) text: &'a str,
}

impl<'a> Reader<'a> {
    pub(super) fn error(&self, node: Node<'_>, message: String) -> CompileError {
        CompileError::new(self.file, self.at(node), message)
    }

    pub(super) fn at(&self, node: Node<'_>) -> Position {
        let point = node.start_position();
        let from_one = |n: usize| u32::try_from(n).unwrap_or(u32::MAX - 1) + 1;
        Position {
            line: from_one(point.row),
            column: from_one(point.column),
        }
    }

    pub(super) fn text(&self, node: Node<'_>) -> &'a str {
        self.text.get(node.byte_range()).unwrap_or_default()
    }

    fn following(&self, node: Node<'_>) -> &'a str {
        let rest = self
            .text
            .get(node.start_byte()..)
            .unwrap_or_default()
            .trim_start();
        let end = rest.find(|c: char| c.is_whitespace()).unwrap_or(rest.len());
        rest.get(..end).filter(|word| !word.is_empty()).unwrap_or("<EOF>")
    }

    pub(super) fn name(&self, node: Node<'_>) -> Name {
        Name {
            text: self.text(node).into(),
            at: self.at(node),
        }
    }

    pub(super) fn field<'t>(&self, node: Node<'t>, field: &str) -> Parsed<Node<'t>> {
        node.child_by_field_name(field)
            .ok_or_else(|| self.error(node, format!("Unexpected token in {}.", node.kind())))
    }

    /// Named children without comments.
    pub(super) fn children<'t>(&self, node: Node<'t>) -> Vec<Node<'t>> {
        let mut cursor = node.walk();
        node.named_children(&mut cursor)
            .filter(|child| !matches!(child.kind(), "line_comment" | "block_comment"))
            .collect()
    }

    pub(super) fn child_of_kind<'t>(&self, node: Node<'t>, kind: &str) -> Option<Node<'t>> {
        self.children(node).into_iter().find(|child| child.kind() == kind)
    }

    pub(super) fn modifiers(&self, node: Node<'_>) -> Modifiers {
        let mut modifiers = Modifiers::default();
        let Some(list) = self.child_of_kind(node, "modifiers") else {
            return modifiers;
        };
        for child in self.children(list) {
            if child.kind() == "annotation" {
                modifiers.annotations.push(self.annotation(child));
            } else {
                let words: Vec<_> = self.text(child).split_whitespace().collect();
                modifiers.keywords.push(words.join(" ").to_ascii_lowercase());
            }
        }
        modifiers
    }

    fn annotation(&self, node: Node<'_>) -> Annotation {
        let name = node
            .child_by_field_name("name")
            .map(|n| self.text(n).to_ascii_lowercase())
            .unwrap_or_default();
        let mut values = Vec::new();
        if let Some(list) = node.child_by_field_name("arguments") {
            for pair in self.children(list) {
                let key = pair
                    .child_by_field_name("key")
                    .map(|n| self.text(n).to_ascii_lowercase());
                let value = pair.child_by_field_name("value").unwrap_or(pair);
                let text = self.text(value).trim_matches('\'').to_owned();
                values.push((key.unwrap_or_default(), text));
            }
        }
        Annotation { name, values }
    }

    pub(super) fn type_name(&self, node: Node<'_>) -> Parsed<TypeName> {
        let at = self.at(node);
        match node.kind() {
            "array_type" => {
                let mut element = self.type_name(self.field(node, "element")?)?;
                element.dimensions += self.dimensions(node);
                Ok(element)
            }
            "generic_type" => {
                let mut parts = Vec::new();
                let mut arguments = Vec::new();
                for child in self.children(node) {
                    if child.kind() == "type_arguments" {
                        for argument in self.children(child) {
                            arguments.push(self.type_name(argument)?);
                        }
                    } else {
                        parts.extend(self.type_name(child)?.parts);
                    }
                }
                Ok(TypeName {
                    parts,
                    arguments,
                    dimensions: 0,
                    at,
                })
            }
            "scoped_type_identifier" => {
                let mut parts = Vec::new();
                for child in self.children(node) {
                    parts.extend(self.type_name(child)?.parts);
                }
                Ok(TypeName {
                    parts,
                    arguments: Vec::new(),
                    dimensions: 0,
                    at,
                })
            }
            "annotated_type" => match self.children(node).last() {
                Some(&last) => self.type_name(last),
                None => Err(self.error(node, "Unexpected token.".into())),
            },
            "java_type" => Err(self.error(node, "not supported: java types".into())),
            _ => Ok(TypeName {
                parts: vec![self.name(node)],
                arguments: Vec::new(),
                dimensions: 0,
                at,
            }),
        }
    }

    /// How many pairs of brackets hang on the node's `dimensions` field.
    pub(super) fn dimensions(&self, node: Node<'_>) -> usize {
        let mut cursor = node.walk();
        node.children_by_field_name("dimensions", &mut cursor)
            .map(|d| self.text(d).matches('[').count())
            .sum()
    }

    pub(super) fn statements(&self, node: Node<'_>) -> Parsed<Vec<Statement>> {
        self.children(node)
            .into_iter()
            .map(|child| self.statement(child))
            .collect()
    }
}
