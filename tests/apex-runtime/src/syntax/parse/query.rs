//! Query literals: the text is kept for the org's SOQL engine, bind expressions are taken out and numbered.

use tree_sitter::Node;

use super::super::ast::{ExpressionKind, Query, QueryShape};
use super::{Parsed, Reader};

/// Functions whose presence in the SELECT list makes AggregateResult rows.
const AGGREGATES: &[&str] = &["count", "count_distinct", "sum", "avg", "min", "max", "grouping"];

impl Reader<'_> {
    pub(super) fn query(&self, node: Node<'_>) -> Parsed<ExpressionKind> {
        let Some(body) = self.child_of_kind(node, "soql_query_body") else {
            return Ok(ExpressionKind::Search(self.text(node).to_owned()));
        };
        let mut cuts = Vec::new();
        cuts_of(body, &mut cuts);
        let mut text = String::new();
        let mut from = body.start_byte();
        let mut expressions = Vec::new();
        for bind in &cuts {
            text.push_str(self.text.get(from..bind.start_byte()).unwrap_or_default());
            from = bind.end_byte();
            if is_comment(*bind) {
                text.push(' ');
                continue;
            }
            text.push_str(&format!(":bind{}", expressions.len()));
            match self.children(*bind).first() {
                Some(inner) => expressions.push(self.expression(*inner)?),
                None => return Err(self.error(*bind, "Unexpected token ':'.".into())),
            }
        }
        text.push_str(self.text.get(from..body.end_byte()).unwrap_or_default());
        let object = self
            .child_of_kind(self.field(body, "from_clause")?, "storage_identifier")
            .or_else(|| self.storage_in_alias(body))
            .ok_or_else(|| self.error(body, "Unexpected token 'FROM'.".into()))?;
        Ok(ExpressionKind::Query(Box::new(Query {
            text,
            binds: expressions,
            object: self.name(object),
            shape: self.shape(body)?,
        })))
    }

    fn storage_in_alias<'t>(&self, body: Node<'t>) -> Option<Node<'t>> {
        let from = body.child_by_field_name("from_clause")?;
        let alias = self.child_of_kind(from, "storage_alias")?;
        self.child_of_kind(alias, "storage_identifier")
    }

    fn shape(&self, body: Node<'_>) -> Parsed<QueryShape> {
        let select = self.field(body, "select_clause")?;
        if self.child_of_kind(select, "count_expression").is_some() {
            return Ok(QueryShape::Count);
        }
        let grouped = body.child_by_field_name("group_by_clause").is_some();
        let aggregate = self.children(select).into_iter().any(|column| {
            let call = if column.kind() == "alias_expression" {
                self.child_of_kind(column, "function_expression")
            } else {
                Some(column).filter(|c| c.kind() == "function_expression")
            };
            call.and_then(|call| call.child_by_field_name("function_name"))
                .is_some_and(|name| AGGREGATES.contains(&self.text(name).to_ascii_lowercase().as_str()))
        });
        Ok(if grouped || aggregate {
            QueryShape::Aggregate
        } else {
            QueryShape::Records
        })
    }
}

/// Binds and comments in order of their place; what is inside a bind's own expression belongs to that expression.
fn cuts_of<'t>(node: Node<'t>, found: &mut Vec<Node<'t>>) {
    let mut cursor = node.walk();
    for child in node.children(&mut cursor) {
        if child.kind() == "bound_apex_expression" || is_comment(child) {
            found.push(child);
        } else {
            cuts_of(child, found);
        }
    }
}

fn is_comment(node: Node<'_>) -> bool {
    node.kind().ends_with("comment")
}
