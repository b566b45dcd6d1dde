//! Literals, with the escapes and ranges that Apex documents (Apex Developer Guide, Primitive Data Types).

use tree_sitter::Node;

use super::super::ast::Literal;
use super::{Parsed, Reader};

impl Reader<'_> {
    pub(super) fn literal(&self, node: Node<'_>) -> Parsed<Literal> {
        let text = self.text(node);
        Ok(match node.kind() {
            "null_literal" => Literal::Null,
            "boolean" => Literal::Boolean(text.eq_ignore_ascii_case("true")),
            "string_literal" => Literal::String(self.unescape(node)?.into()),
            "int" => self.whole(node, text)?,
            _ => self.fraction(node, text)?,
        })
    }

    fn whole(&self, node: Node<'_>, text: &str) -> Parsed<Literal> {
        let digits = text.replace('_', "");
        if let Some(long) = digits.strip_suffix(['l', 'L']) {
            return match long.parse::<i64>() {
                Ok(value) => Ok(Literal::Long(value)),
                Err(_) if long == "9223372036854775808" && self.is_negated(node) => {
                    Ok(Literal::Long(i64::MIN))
                }
                Err(_) => Err(self.error(node, format!("Illegal long: {text}"))),
            };
        }
        match digits.parse::<i32>() {
            Ok(value) => Ok(Literal::Integer(value)),
            Err(_) if digits == "2147483648" && self.is_negated(node) => Ok(Literal::Integer(i32::MIN)),
            Err(_) => Err(self.error(node, format!("Illegal integer: {text}"))),
        }
    }

    /// The smallest value has no positive counterpart; negating its wrapped literal gives it back.
    fn is_negated(&self, node: Node<'_>) -> bool {
        node.parent()
            .is_some_and(|p| p.kind() == "unary_expression" && self.text(p).starts_with('-'))
    }

    fn fraction(&self, node: Node<'_>, text: &str) -> Parsed<Literal> {
        let plain = text.replace('_', "");
        if let Some(double) = plain.strip_suffix(['d', 'D']) {
            return double
                .parse()
                .map(Literal::Double)
                .ok()
                .ok_or_else(|| self.error(node, format!("Illegal double: {text}")));
        }
        if plain.ends_with(['f', 'F']) || plain.contains(['e', 'E', 'p', 'P']) {
            return Err(self.error(node, format!("Unexpected token '{text}'.")));
        }
        Ok(Literal::Decimal(plain))
    }

    fn unescape(&self, node: Node<'_>) -> Parsed<String> {
        let text = self.text(node);
        let inner = text
            .strip_prefix('\'')
            .and_then(|t| t.strip_suffix('\''))
            .unwrap_or(text);
        if inner.contains(['\n', '\r']) {
            return Err(self.error(node, "Illegal string literal: a line break inside.".into()));
        }
        let mut out = String::with_capacity(inner.len());
        let mut chars = inner.chars();
        while let Some(c) = chars.next() {
            if c != '\\' {
                out.push(c);
                continue;
            }
            match chars.next() {
                Some('n' | 'N') => out.push('\n'),
                Some('r' | 'R') => out.push('\r'),
                Some('t' | 'T') => out.push('\t'),
                Some('b' | 'B') => out.push('\u{8}'),
                Some('f' | 'F') => out.push('\u{c}'),
                Some(same @ ('\'' | '"' | '\\')) => out.push(same),
                // Outside a query these two mean what stands there (they escape LIKE wildcards).
                Some(kept @ ('_' | '%')) => {
                    out.push('\\');
                    out.push(kept);
                }
                Some('u' | 'U') => {
                    let digits: String = chars.by_ref().take(4).collect();
                    let code = u32::from_str_radix(&digits, 16)
                        .ok()
                        .filter(|_| digits.len() == 4);
                    match code.and_then(char::from_u32) {
                        Some(c) => out.push(c),
                        None => {
                            return Err(self.error(node, format!("not supported: the escape \\u{digits}")));
                        }
                    }
                }
                other => {
                    let other = other.map(String::from).unwrap_or_default();
                    return Err(self.error(node, format!("Illegal string literal: Invalid string literal. Illegal character sequence '\\{other}' in string literal.")));
                }
            }
        }
        Ok(out)
    }
}
