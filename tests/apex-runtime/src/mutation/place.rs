//! What a node of the syntax tree is to those around it.

use std::ops::RangeInclusive;

use tree_sitter::Node;

/// The comparison that holds where this one does not.
pub(super) fn opposite(sign: &str) -> Option<&'static str> {
    let pairs = [
        ("==", "!="),
        ("!=", "=="),
        ("<>", "=="),
        ("===", "!=="),
        ("!==", "==="),
        ("<", ">="),
        (">=", "<"),
        (">", "<="),
        ("<=", ">"),
    ];
    pairs
        .into_iter()
        .find(|(known, _)| *known == sign)
        .map(|(_, other)| other)
}

pub(super) fn is_statement(node: Node<'_>) -> bool {
    matches!(
        node.kind(),
        "expression_statement"
            | "local_variable_declaration"
            | "if_statement"
            | "while_statement"
            | "do_statement"
            | "for_statement"
            | "enhanced_for_statement"
            | "return_statement"
            | "throw_statement"
            | "try_statement"
            | "switch_expression"
            | "break_statement"
            | "continue_statement"
            | "run_as_statement"
    ) && node
        .parent()
        .is_none_or(|p| p.kind() != "for_statement" || p.child_by_field_name("body") == Some(node))
}

/// An `if` whose branch is all there is: without the branch it is the same as never true.
pub(super) fn is_branch_without_other(node: Node<'_>) -> bool {
    node.kind() == "if_statement" && node.child_by_field_name("alternative").is_none()
}

pub(super) fn is_condition(node: Node<'_>) -> bool {
    node.parent().is_some_and(|parent| {
        parent.kind() == "parenthesized_expression" || parent.child_by_field_name("condition") == Some(node)
    })
}

/// Whether what is around a literal is short enough to tell which literal it is.
pub(super) fn is_short(node: Node<'_>) -> bool {
    node.parent()
        .is_some_and(|parent| parent.end_byte() - parent.start_byte() < 80)
}

pub(super) fn has_text(node: Node<'_>) -> bool {
    ["left", "right"].into_iter().any(|side| {
        node.child_by_field_name(side).is_some_and(|side| {
            side.kind() == "string_literal" || (side.kind() == "binary_expression" && has_text(side))
        })
    })
}

pub(super) fn line(row: usize) -> u32 {
    u32::try_from(row).unwrap_or(u32::MAX - 1) + 1
}

pub(super) fn lines(node: Node<'_>) -> RangeInclusive<u32> {
    line(node.start_position().row)..=line(node.end_position().row)
}
