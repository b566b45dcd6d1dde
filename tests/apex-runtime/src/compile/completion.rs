//! Whether a method that must return a value may reach its end without one.

use crate::syntax::ast::{Block, Expression, ExpressionKind, Literal, Statement, StatementKind, SwitchLabel};

/// Whether control may come out at the end of a block.
pub(super) fn ends(block: &Block) -> bool {
    block.statements.iter().all(passes)
}

fn always(condition: &Expression) -> bool {
    matches!(condition.kind, ExpressionKind::Literal(Literal::Boolean(true)))
}

fn passes(statement: &Statement) -> bool {
    match &statement.kind {
        StatementKind::Return(_)
        | StatementKind::Throw(_)
        | StatementKind::Break
        | StatementKind::Continue => false,
        StatementKind::Block(block) | StatementKind::RunAs(_, block) => ends(block),
        StatementKind::If(_, then, otherwise) => {
            passes(then) || otherwise.as_ref().is_none_or(|otherwise| passes(otherwise))
        }
        // An endless loop is given the benefit of the doubt, with or without a way out.
        StatementKind::While(condition, _) | StatementKind::DoWhile(_, condition) => !always(condition),
        StatementKind::For(_, condition, ..) => condition.as_ref().is_some_and(|c| !always(c)),
        StatementKind::Try(body, catches, finally) => {
            let finished = finally.as_ref().is_none_or(ends);
            finished && (ends(body) || catches.iter().any(|(_, handler)| ends(handler)))
        }
        StatementKind::Switch(_, cases) => {
            let complete = cases.iter().any(|(label, _)| matches!(label, SwitchLabel::Else));
            !complete || cases.iter().any(|(_, block)| ends(block))
        }
        StatementKind::Local(..)
        | StatementKind::Expression(_)
        | StatementKind::ForEach(..)
        | StatementKind::Empty => true,
    }
}
