//! Reads a query text into the tree of [`super::ast`].
//!
//! Source: SOQL and SOSL Reference, SOQL SELECT Syntax and Condition Expression Syntax. The grammar is the
//! printed one: `AND` and `OR` mix only with parentheses, and `NOT` stands alone or in parentheses.

use rust_decimal::Decimal;

use super::ast::{
    Condition, FieldGroup, ListOperator, Operator, OrderKey, Path, Query, Select, SelectItem, Word,
};
use super::dates::RelativeDate;
use super::error::SoqlError;
use super::lexer::{Token, TokenKind};
use super::like::{Pattern, unescaped};
use super::literal::{Literal, parse_temporal};
use super::token_stream::TokenStream;

/// The longest query, in characters.
pub const MAX_QUERY_LENGTH: usize = 100_000;
/// The most rows that `OFFSET` may skip.
pub const MAX_OFFSET: u64 = 2_000;
/// Deeper parentheses are refused before they could exhaust the stack.
const MAX_DEPTH: usize = 100;

/// Reads one query.
///
/// # Errors
/// `MALFORMED_QUERY` for a text that is no SOQL, or uses a part of SOQL that the emulated org has not;
/// `NUMBER_OUTSIDE_VALID_RANGE` for an offset beyond [`MAX_OFFSET`].
pub fn parse(text: &str) -> Result<Query, SoqlError> {
    if text.chars().count() > MAX_QUERY_LENGTH {
        return Err(SoqlError::malformed(format!(
            "SOQL statements cannot be longer than {MAX_QUERY_LENGTH} characters."
        )));
    }
    let mut parser = Parser {
        text,
        tokens: TokenStream::new(text)?,
        depth: 0,
    };
    let query = parser.query()?;
    match parser.tokens.peek().kind {
        TokenKind::End => Ok(query),
        _ => Err(parser.tokens.unexpected()),
    }
}

struct Parser<'t> {
    text: &'t str,
    tokens: TokenStream,
    depth: usize,
}

impl Parser<'_> {
    fn query(&mut self) -> Result<Query, SoqlError> {
        self.tokens.expect_word("SELECT")?;
        let select = self.select()?;
        self.tokens.expect_word("FROM")?;
        let from = self.name()?;
        let alias = self.alias()?;
        if self.tokens.at_mark(",") {
            return Err(SoqlError::unsupported("a FROM clause with several objects"));
        }
        self.refuse_clause("USING", "USING SCOPE")?;
        let filter = if self.tokens.eat_word("WHERE") {
            Some(self.condition()?)
        } else {
            None
        };
        self.refuse_clause("WITH", "WITH")?;
        self.refuse_clause("GROUP", "GROUP BY")?;
        self.refuse_clause("HAVING", "HAVING")?;
        let mut order = Vec::new();
        if self.tokens.eat_word("ORDER") {
            self.tokens.expect_word("BY")?;
            order.push(self.order_key()?);
            while self.tokens.eat_mark(",") {
                order.push(self.order_key()?);
            }
        }
        let limit = if self.tokens.eat_word("LIMIT") {
            Some(self.row_count()?)
        } else {
            None
        };
        let offset = if self.tokens.eat_word("OFFSET") {
            Some(self.row_count()?)
        } else {
            None
        };
        if offset.is_some_and(|rows| rows > MAX_OFFSET) {
            return Err(SoqlError {
                code: "NUMBER_OUTSIDE_VALID_RANGE",
                message: format!("Maximum SOQL offset allowed is {MAX_OFFSET}"),
            });
        }
        self.refuse_clause("FOR", "FOR")?;
        self.refuse_clause("UPDATE", "UPDATE")?;
        if self.tokens.at_word("ALL") {
            return Err(SoqlError::malformed("ALL ROWS not allowed in this context"));
        }
        Ok(Query {
            select,
            from,
            alias,
            filter,
            order,
            limit,
            offset,
        })
    }

    fn select(&mut self) -> Result<Select, SoqlError> {
        if self.tokens.at_word("COUNT")
            && self.tokens.mark_follows(1, "(")
            && self.tokens.mark_follows(2, ")")
        {
            self.tokens.skip(3);
            return Ok(Select::Count);
        }
        let mut items = vec![self.select_item()?];
        while self.tokens.eat_mark(",") {
            items.push(self.select_item()?);
        }
        Ok(Select::Items(items))
    }

    fn select_item(&mut self) -> Result<SelectItem, SoqlError> {
        if self.tokens.at_mark("(") {
            return Err(SoqlError::unsupported("a subquery in the SELECT list"));
        }
        if self.tokens.at_word("TYPEOF") {
            return Err(SoqlError::unsupported("TYPEOF"));
        }
        if self.tokens.at_word("FIELDS") && self.tokens.mark_follows(1, "(") {
            let at = self.tokens.peek().at;
            self.tokens.skip(2);
            let group = match self.tokens.peek().text.to_ascii_uppercase().as_str() {
                "ALL" => FieldGroup::All,
                "STANDARD" => FieldGroup::Standard,
                "CUSTOM" => FieldGroup::Custom,
                _ => return Err(self.tokens.unexpected()),
            };
            self.tokens.skip(1);
            self.tokens.expect_mark(")")?;
            return Ok(SelectItem::Fields { group, at });
        }
        let path = self.path()?;
        if self.tokens.peek().kind == TokenKind::Word && !self.tokens.at_word("FROM") {
            // An alias has a meaning only beside an aggregate.
            return Err(self.tokens.unexpected());
        }
        Ok(SelectItem::Path(path))
    }

    fn alias(&mut self) -> Result<Option<Word>, SoqlError> {
        const CLAUSES: [&str; 12] = [
            "USING", "WHERE", "WITH", "GROUP", "HAVING", "ORDER", "LIMIT", "OFFSET", "FOR", "UPDATE", "ALL",
            "AS",
        ];
        let explicit = self.tokens.eat_word("AS");
        if !explicit && CLAUSES.iter().any(|clause| self.tokens.at_word(clause)) {
            return Ok(None);
        }
        if explicit || self.tokens.peek().kind == TokenKind::Word {
            self.name().map(Some)
        } else {
            Ok(None)
        }
    }

    fn condition(&mut self) -> Result<Condition, SoqlError> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(SoqlError::unsupported(
                "a filter with more than 100 nested parentheses",
            ));
        }
        let condition = self.condition_within_depth()?;
        self.depth -= 1;
        Ok(condition)
    }

    fn condition_within_depth(&mut self) -> Result<Condition, SoqlError> {
        if self.tokens.eat_word("NOT") {
            let negated = Condition::Not(Box::new(self.simple_condition()?));
            return if self.at_connective() {
                Err(self.tokens.unexpected())
            } else {
                Ok(negated)
            };
        }
        let first = self.simple_condition()?;
        let (connective, all) = match () {
            () if self.tokens.at_word("AND") => ("AND", true),
            () if self.tokens.at_word("OR") => ("OR", false),
            () => return Ok(first),
        };
        let mut conditions = vec![first];
        while self.tokens.eat_word(connective) {
            conditions.push(self.simple_condition()?);
        }
        if self.at_connective() {
            return Err(self.tokens.unexpected());
        }
        Ok(if all {
            Condition::All(conditions)
        } else {
            Condition::Any(conditions)
        })
    }

    fn at_connective(&self) -> bool {
        self.tokens.at_word("AND") || self.tokens.at_word("OR")
    }

    fn simple_condition(&mut self) -> Result<Condition, SoqlError> {
        if self.tokens.eat_mark("(") {
            let condition = self.condition()?;
            self.tokens.expect_mark(")")?;
            return Ok(condition);
        }
        if self.tokens.at_word("NOT") {
            return Err(self.tokens.unexpected());
        }
        let path = self.path()?;
        if self.tokens.eat_word("LIKE") {
            let pattern = self.pattern(&path)?;
            return Ok(Condition::Like { path, pattern });
        }
        if let Some(operator) = self.list_operator()? {
            let literals = self.literals()?;
            return Ok(Condition::Among {
                path,
                operator,
                literals,
            });
        }
        let operator = match self.tokens.peek().text.as_str() {
            "=" => Operator::Equal,
            "!=" | "<>" => Operator::NotEqual,
            "<" => Operator::Less,
            "<=" => Operator::LessOrEqual,
            ">" => Operator::Greater,
            ">=" => Operator::GreaterOrEqual,
            _ => return Err(self.tokens.unexpected()),
        };
        if self.tokens.peek().kind != TokenKind::Mark {
            return Err(self.tokens.unexpected());
        }
        self.tokens.skip(1);
        let literal = self.literal()?;
        Ok(Condition::Compare {
            path,
            operator,
            literal,
        })
    }

    fn list_operator(&mut self) -> Result<Option<ListOperator>, SoqlError> {
        if self.tokens.eat_word("NOT") {
            self.tokens.expect_word("IN")?;
            return Ok(Some(ListOperator::NotIn));
        }
        let operators = [
            ("IN", ListOperator::In),
            ("INCLUDES", ListOperator::Includes),
            ("EXCLUDES", ListOperator::Excludes),
        ];
        Ok(operators
            .into_iter()
            .find_map(|(word, operator)| self.tokens.eat_word(word).then_some(operator)))
    }

    fn pattern(&mut self, path: &Path) -> Result<Pattern, SoqlError> {
        if self.tokens.peek().kind == TokenKind::Quoted {
            let pattern = Pattern::parse(&self.tokens.peek().text)?;
            self.tokens.skip(1);
            return Ok(pattern);
        }
        self.literal()?;
        let field = path.names.last().map_or("", String::as_str);
        Err(SoqlError::at(
            "INVALID_FIELD",
            self.text,
            path.at,
            &format!(
                "value of filter criterion for field '{field}' must be of type string and should be enclosed \
                 in quotes"
            ),
        ))
    }

    fn literals(&mut self) -> Result<Vec<Literal>, SoqlError> {
        if self.tokens.at_mark(":") {
            return Err(bind_variable());
        }
        self.tokens.expect_mark("(")?;
        if self.tokens.at_word("SELECT") {
            return Err(SoqlError::unsupported(
                "a subquery in the WHERE clause (semi-join, anti-join)",
            ));
        }
        let mut literals = vec![self.literal()?];
        while self.tokens.eat_mark(",") {
            literals.push(self.literal()?);
        }
        self.tokens.expect_mark(")")?;
        Ok(literals)
    }

    fn literal(&mut self) -> Result<Literal, SoqlError> {
        let token = self.tokens.peek().clone();
        let literal = match token.kind {
            TokenKind::Quoted => Literal::Text(unescaped(&token.text)?),
            TokenKind::Number => self.number(&token, false)?,
            TokenKind::Temporal => parse_temporal(&token.text).ok_or_else(|| self.invalid_moment(&token))?,
            TokenKind::Mark => match token.text.as_str() {
                ":" => return Err(bind_variable()),
                "-" | "+" => {
                    self.tokens.skip(1);
                    let number = self.tokens.peek().clone();
                    if number.kind != TokenKind::Number {
                        return Err(SoqlError::unexpected_token(token.shown()));
                    }
                    self.number(&number, token.text == "-")?
                }
                _ => return Err(self.tokens.unexpected()),
            },
            TokenKind::Word => return self.word_literal(&token),
            TokenKind::End => return Err(self.tokens.unexpected()),
        };
        self.tokens.skip(1);
        Ok(literal)
    }

    fn word_literal(&mut self, token: &Token) -> Result<Literal, SoqlError> {
        let literal = match token.text.to_ascii_lowercase().as_str() {
            "null" => Literal::Null,
            "true" => Literal::Boolean(true),
            "false" => Literal::Boolean(false),
            _ => {
                let count = if self.tokens.mark_follows(1, ":") {
                    let count = self.tokens.peek_at(2).text.parse().ok();
                    self.tokens.skip(2);
                    count
                } else {
                    None
                };
                match RelativeDate::parse(&token.text, count) {
                    Some(date) => Literal::Relative(date),
                    None => return Err(SoqlError::unexpected_token(token.shown())),
                }
            }
        };
        self.tokens.skip(1);
        Ok(literal)
    }

    fn number(&self, token: &Token, negative: bool) -> Result<Literal, SoqlError> {
        let after = self.tokens.peek_at(1);
        if after.kind == TokenKind::Word && after.at == token.at + token.text.len() {
            // `1e5` and `5USD`: a number ends where its digits end.
            return Err(SoqlError::unexpected_token(after.shown()));
        }
        let number: Option<Decimal> = token.text.parse().ok();
        let number = number.ok_or_else(|| SoqlError::unexpected_token(token.shown()))?;
        Ok(Literal::Number(if negative { -number } else { number }))
    }

    fn invalid_moment(&self, token: &Token) -> SoqlError {
        let kind = if token.text.contains('T') {
            "datetime"
        } else {
            "date"
        };
        SoqlError::at(
            "INVALID_FIELD",
            self.text,
            token.at,
            &format!("Invalid {kind}: {}", token.text),
        )
    }

    fn order_key(&mut self) -> Result<OrderKey, SoqlError> {
        let path = self.path()?;
        let descending = self.tokens.eat_word("DESC");
        if !descending {
            self.tokens.eat_word("ASC");
        }
        let mut nulls_last = false;
        if self.tokens.eat_word("NULLS") {
            nulls_last = self.tokens.eat_word("LAST");
            if !nulls_last {
                self.tokens.expect_word("FIRST")?;
            }
        }
        Ok(OrderKey {
            path,
            descending,
            nulls_last,
        })
    }

    fn row_count(&mut self) -> Result<u64, SoqlError> {
        if self.tokens.at_mark(":") {
            return Err(bind_variable());
        }
        let token = self.tokens.peek();
        if token.kind != TokenKind::Number {
            return Err(self.tokens.unexpected());
        }
        let rows = token
            .text
            .parse()
            .ok()
            .ok_or_else(|| SoqlError::unexpected_token(token.shown()))?;
        self.tokens.skip(1);
        Ok(rows)
    }

    fn path(&mut self) -> Result<Path, SoqlError> {
        if self.tokens.at_word("FROM") {
            return Err(self.tokens.unexpected());
        }
        let first = self.name()?;
        if self.tokens.at_mark("(") {
            return Err(SoqlError::unsupported(&format!(
                "the function {}()",
                first.text.to_ascii_uppercase()
            )));
        }
        let mut path = Path {
            names: vec![first.text],
            at: first.at,
        };
        while self.tokens.eat_mark(".") {
            path.names.push(self.name()?.text);
        }
        Ok(path)
    }

    fn name(&mut self) -> Result<Word, SoqlError> {
        let token = self.tokens.peek();
        if token.kind != TokenKind::Word {
            return Err(self.tokens.unexpected());
        }
        let word = Word {
            text: token.text.clone(),
            at: token.at,
        };
        self.tokens.skip(1);
        Ok(word)
    }

    fn refuse_clause(&self, word: &str, name: &str) -> Result<(), SoqlError> {
        if self.tokens.at_word(word) {
            Err(SoqlError::unsupported(&format!("the clause {name}")))
        } else {
            Ok(())
        }
    }
}

fn bind_variable() -> SoqlError {
    SoqlError::malformed("Bind variables only allowed in Apex code")
}

#[cfg(test)]
#[path = "parser_tests.rs"]
mod tests;
