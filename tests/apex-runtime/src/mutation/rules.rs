//! Which mistakes there are. Only syntax is looked at: a mistake that does not compile is found out by compiling it.

use std::ops::{Range, RangeInclusive};

use tree_sitter::Node;

use super::place::{
    has_text, is_branch_without_other, is_condition, is_short, is_statement, line, lines, opposite,
};
use super::result::instead_of;
use crate::error::CompileError;
use crate::program::Source;
use crate::syntax::parse;

/// A mistake and what it is known by.
pub(super) struct Mistake {
    /// `Class.method`
    pub(super) within: String,
    pub(super) was: String,
    /// None where something was left out.
    pub(super) now: Option<String>,
    pub(super) line: u32,
    pub(super) lines: RangeInclusive<u32>,
    pub(super) range: Range<usize>,
    pub(super) replacement: String,
}

/// What is around a node.
#[derive(Clone)]
struct Scope {
    within: String,
    /// The type that the method around returns.
    returns: String,
    lines: RangeInclusive<u32>,
}

struct Finder<'a> {
    text: &'a str,
    found: Vec<Mistake>,
}

/// All mistakes of a source, in the order of their places.
pub(super) fn find(source: &Source) -> Result<Vec<Mistake>, CompileError> {
    let tree = parse::tree(&source.name, &source.text)?;
    let mut finder = Finder {
        text: &source.text,
        found: Vec::new(),
    };
    let scope = Scope {
        within: source.name.clone(),
        returns: String::new(),
        lines: 1..=1,
    };
    finder.visit(tree.root_node(), &scope);
    finder
        .found
        .sort_by_key(|mistake| (mistake.range.start, mistake.range.end));
    Ok(finder.found)
}

impl<'a> Finder<'a> {
    fn code(&self, node: Node<'_>) -> &'a str {
        self.text.get(node.byte_range()).unwrap_or_default()
    }

    /// Writes `replacement` in the place of `range`, shown as a change of `whole`.
    fn replace(&mut self, scope: &Scope, whole: Node<'_>, range: Range<usize>, replacement: &str) {
        let was = self.code(whole);
        let inner = range.start - whole.start_byte()..range.end - whole.start_byte();
        let mut now = was.to_owned();
        now.replace_range(inner, replacement);
        self.found.push(Mistake {
            within: scope.within.clone(),
            was: was.to_owned(),
            now: Some(now),
            line: line(whole.start_position().row),
            lines: scope.lines.clone(),
            range,
            replacement: replacement.to_owned(),
        });
    }

    fn swap(&mut self, scope: &Scope, node: Node<'_>, replacement: &str) {
        self.replace(scope, node, node.byte_range(), replacement);
    }

    /// An empty block stands where a statement or a block was.
    fn leave_out(&mut self, scope: &Scope, node: Node<'_>) {
        self.swap(scope, node, "{}");
        if let Some(mistake) = self.found.last_mut() {
            mistake.now = None;
        }
    }

    fn visit(&mut self, node: Node<'_>, around: &Scope) {
        let mut scope = around.clone();
        match node.kind() {
            "annotation" | "modifiers" | "enum_declaration" | "switch_label" | "formal_parameters" => return,
            "expression_statement" if self.is_debug(node) => return,
            "method_declaration" | "constructor_declaration" => {
                self.enter(&mut scope, node);
                scope.returns = node
                    .child_by_field_name("type")
                    .map(|ty| self.code(ty).to_owned())
                    .unwrap_or_default();
            }
            "class_declaration" if node.parent().is_some_and(|p| p.kind() == "class_body") => {
                self.enter(&mut scope, node);
            }
            "field_declaration" => {
                let declarator = node.child_by_field_name("declarator");
                if let Some(declarator) = declarator {
                    self.enter(&mut scope, declarator);
                }
                scope.returns = node
                    .child_by_field_name("type")
                    .map(|ty| self.code(ty).to_owned())
                    .unwrap_or_default();
                scope.lines = lines(node);
            }
            "query_expression" => {
                self.bound(node, &scope);
                return;
            }
            _ => {}
        }
        if is_statement(node) {
            scope.lines = match node
                .child_by_field_name("body")
                .or(node.child_by_field_name("consequence"))
            {
                // Of a loop or a branch its head: the statements inside have lines of their own.
                Some(body) => line(node.start_position().row)..=line(body.start_position().row),
                None => lines(node),
            };
            self.statement(node, &scope);
        }
        self.expression(node, &scope);
        let mut cursor = node.walk();
        let children: Vec<_> = node.named_children(&mut cursor).collect();
        for child in children {
            self.visit(child, &scope);
        }
    }

    /// What a query binds; its own words are Salesforce's business.
    fn bound(&mut self, node: Node<'_>, scope: &Scope) {
        let mut cursor = node.walk();
        let children: Vec<_> = node.named_children(&mut cursor).collect();
        for child in children {
            if child.kind() == "bound_apex_expression" {
                self.visit(child, scope);
            } else {
                self.bound(child, scope);
            }
        }
    }

    fn enter(&self, scope: &mut Scope, node: Node<'_>) {
        if let Some(name) = node.child_by_field_name("name") {
            scope.within = format!("{}.{}", scope.within, self.code(name));
        }
    }

    /// Whether a block does more than to write a debug log.
    fn is_noticed(&self, block: Node<'_>) -> bool {
        let mut cursor = block.walk();
        block
            .named_children(&mut cursor)
            .any(|child| !child.kind().ends_with("comment") && !self.is_debug(child))
    }

    fn is_debug(&self, node: Node<'_>) -> bool {
        self.code(node).to_ascii_lowercase().starts_with("system.debug")
    }

    fn statement(&mut self, node: Node<'_>, scope: &Scope) {
        match node.kind() {
            "if_statement"
            | "try_statement"
            | "switch_expression"
            | "block"
            | "local_variable_declaration" => {}
            _ if self.stands_alone(node) => {}
            _ => self.leave_out(scope, node),
        }
        if node.kind() == "return_statement"
            && let Some(value) = node.named_child(0)
            && let Some(other) = instead_of(self.code(value), value.kind(), &scope.returns)
        {
            self.swap(scope, value, &other);
        }
    }

    /// Whether leaving out what is around says the same.
    fn stands_alone(&self, node: Node<'_>) -> bool {
        let Some(parent) = node.parent() else {
            return false;
        };
        if parent.kind() != "block" {
            // The only statement of a branch or a loop that has no braces.
            return is_branch_without_other(parent) || parent.kind().ends_with("for_statement");
        }
        let mut cursor = parent.walk();
        let alone = parent
            .named_children(&mut cursor)
            .filter(|child| !child.kind().ends_with("comment"))
            .count()
            == 1;
        let Some(owner) = parent.parent().filter(|_| alone) else {
            return false;
        };
        is_branch_without_other(owner)
            || matches!(
                owner.kind(),
                "for_statement"
                    | "enhanced_for_statement"
                    | "while_statement"
                    | "catch_clause"
                    | "finally_clause"
            )
    }

    fn expression(&mut self, node: Node<'_>, scope: &Scope) {
        match node.kind() {
            "if_statement" | "ternary_expression" | "do_statement" | "while_statement" => {
                self.condition(node, scope);
            }
            "catch_clause" | "finally_clause" => {
                let mut cursor = node.walk();
                let block = node.named_children(&mut cursor).find(|c| c.kind() == "block");
                if let Some(block) = block.filter(|block| self.is_noticed(*block)) {
                    self.leave_out(scope, block);
                }
            }
            "binary_expression" => self.binary(node, scope),
            "unary_expression" => self.unary(node, scope),
            "update_expression" => {
                if let Some(sign) = node.child_by_field_name("operator") {
                    let other = if self.code(sign) == "++" { "--" } else { "++" };
                    self.replace(scope, node, sign.byte_range(), other);
                }
            }
            "assignment_expression" => {
                if let Some(sign) = node.child_by_field_name("operator") {
                    let other = match self.code(sign) {
                        "+=" => "-=",
                        "-=" => "+=",
                        "*=" => "/=",
                        "/=" => "*=",
                        _ => return,
                    };
                    self.replace(scope, node, sign.byte_range(), other);
                }
            }
            "int" => {
                if let Ok(value) = self.code(node).replace('_', "").parse::<i64>() {
                    let owner = node.parent().filter(|_| is_short(node)).unwrap_or(node);
                    self.replace(scope, owner, node.byte_range(), &(value + 1).to_string());
                }
            }
            "boolean" if !is_condition(node) => {
                let other = if self.code(node).eq_ignore_ascii_case("true") {
                    "false"
                } else {
                    "true"
                };
                // What a method returns has a rule of its own.
                if node.parent().is_none_or(|p| p.kind() != "return_statement") {
                    let owner = node.parent().filter(|_| is_short(node)).unwrap_or(node);
                    self.replace(scope, owner, node.byte_range(), other);
                }
            }
            "safe_navigation_operator" => {
                if let Some(owner) = node.parent() {
                    self.replace(scope, owner, node.byte_range(), ".");
                }
            }
            "trigger_event" => self.event(node, scope),
            _ => {}
        }
    }

    fn condition(&mut self, node: Node<'_>, scope: &Scope) {
        let Some(condition) = node.child_by_field_name("condition") else {
            return;
        };
        let inner = if condition.kind() == "parenthesized_expression" {
            condition.named_child(0).unwrap_or(condition)
        } else {
            condition
        };
        if inner.kind() != "boolean" {
            self.swap(scope, inner, "true");
        }
        // A loop that is never entered is a loop left out.
        if node.kind() != "while_statement" && inner.kind() != "boolean" {
            self.swap(scope, inner, "false");
        }
        let negated = match inner.kind() {
            "binary_expression" => {
                let sign = inner.child_by_field_name("operator").map(|sign| self.code(sign));
                opposite(sign.unwrap_or_default()).is_none()
            }
            "unary_expression" => false,
            _ => true,
        };
        if negated {
            let opposite = format!("!({})", self.code(inner));
            self.swap(scope, inner, &opposite);
        }
    }

    fn binary(&mut self, node: Node<'_>, scope: &Scope) {
        let (Some(left), Some(sign), Some(right)) = (
            node.child_by_field_name("left"),
            node.child_by_field_name("operator"),
            node.child_by_field_name("right"),
        ) else {
            return;
        };
        let sign_code = self.code(sign);
        let others: &[&str] = match sign_code {
            "==" => &["!="],
            "!=" | "<>" => &["=="],
            "===" => &["!=="],
            "!==" => &["==="],
            "<" => &["<=", ">="],
            "<=" => &["<", ">"],
            ">" => &[">=", "<="],
            ">=" => &[">", "<"],
            "&&" => &["||"],
            "||" => &["&&"],
            // Of texts there is no difference; what else is joined to one is seen by compiling.
            "+" if !has_text(node) => &["-"],
            "-" => &["+"],
            "*" => &["/"],
            "/" => &["*"],
            "%" => &["*"],
            _ => &[],
        };
        for other in others {
            self.replace(scope, node, sign.byte_range(), other);
        }
        if matches!(sign_code, "&&" | "||") {
            let same = |side: Node<'_>| {
                side.kind() == "binary_expression"
                    && side
                        .child_by_field_name("operator")
                        .is_some_and(|inner| self.code(inner) == sign_code)
            };
            // In a chain every operand is left out once.
            let (drops_left, drops_right) = (!same(left), !same(right));
            if drops_left {
                let kept = self.code(right).to_owned();
                self.swap(scope, node, &kept);
            }
            if drops_right {
                let kept = self.code(left).to_owned();
                self.swap(scope, node, &kept);
            }
        }
    }

    fn unary(&mut self, node: Node<'_>, scope: &Scope) {
        let (Some(sign), Some(operand)) = (
            node.child_by_field_name("operator"),
            node.child_by_field_name("operand"),
        ) else {
            return;
        };
        let without = self.code(operand).to_owned();
        // A returned opposite is turned round by the rule for results.
        let is_returned = node.parent().is_some_and(|p| p.kind() == "return_statement");
        if matches!(self.code(sign), "!" | "-") && !(is_returned && self.code(sign) == "!") {
            self.swap(scope, node, &without);
        }
    }

    /// A trigger that does not hear of one of its events.
    fn event(&mut self, node: Node<'_>, scope: &Scope) {
        let Some(trigger) = node.parent() else {
            return;
        };
        let comma = |side: Option<Node<'_>>| {
            side.filter(|side| side.kind() == ",")
                .map(|side| side.byte_range())
        };
        let range = match (comma(node.next_sibling()), comma(node.prev_sibling())) {
            (Some(after), _) => node.start_byte()..after.end,
            (None, Some(before)) => before.start..node.end_byte(),
            (None, None) => return,
        };
        let place = line(trigger.start_position().row);
        let lines = place..=line(trigger.end_position().row);
        self.found.push(Mistake {
            within: scope.within.clone(),
            was: self.code(node).to_owned(),
            now: None,
            line: place,
            lines,
            range,
            replacement: String::new(),
        });
    }
}
