//! Reads the values that fields are compared with.

use rust_decimal::Decimal;

use super::super::dates::RelativeDate;
use super::super::error::SoqlError;
use super::super::lexer::{Token, TokenKind};
use super::super::like::unescaped;
use super::super::literal::{Literal, parse_temporal};
use super::Parser;

impl Parser<'_> {
    pub(super) fn literal(&mut self) -> Result<Literal, SoqlError> {
        let token = self.tokens.peek().clone();
        let literal = match token.kind {
            TokenKind::Quoted => Literal::Text(unescaped(&token.text)?),
            TokenKind::Number => self.number(&token, false)?,
            TokenKind::Temporal => parse_temporal(&token.text).ok_or_else(|| self.invalid_moment(&token))?,
            TokenKind::Mark => match token.text.as_str() {
                ":" => return Err(self.bind_variable()),
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
        let kind = match token.text.as_str() {
            text if text.contains('T') => "datetime",
            text if text.contains('-') => "date",
            _ => "time",
        };
        SoqlError::at(
            "INVALID_FIELD",
            self.text,
            token.at,
            &format!("Invalid {kind}: {}", token.text),
        )
    }

    /// The colon before a variable of Apex.
    pub(super) fn bind_variable(&self) -> SoqlError {
        SoqlError::at(
            "MALFORMED_QUERY",
            self.text,
            self.tokens.peek().at,
            "Bind variables only allowed in Apex code",
        )
    }
}
