//! Tokens into expressions, by precedence climbing.

use std::iter::Peekable;
use std::vec::IntoIter;

use super::FormulaError;
use super::ast::{Expression, Operator};
use super::lexer::{Token, tokens};

/// Formulas nest, and so does the stack that reads them.
const MOST_NESTED: usize = 100;
/// A chain of operators is as deep as it is long.
const MOST_OPERATORS: usize = 300;
/// Characters of a formula (Salesforce Help, Formula Field Limits).
const LONGEST: usize = 3_900;

/// Reads a formula.
pub(crate) fn parse(text: &str) -> Result<Expression, FormulaError> {
    if text.chars().count() > LONGEST {
        return Err(FormulaError::new(format!(
            "Formula is too long ({} characters). Maximum length is 3,900 characters",
            text.chars().count()
        )));
    }
    let mut parser = Parser {
        tokens: tokens(text)?.into_iter().peekable(),
        depth: 0,
        operators: 0,
    };
    let expression = parser.expression(0)?;
    match parser.tokens.next() {
        None => Ok(expression),
        Some(token) => Err(FormulaError::new(format!(
            "Syntax error. Extra {}",
            shown(&token)
        ))),
    }
}

struct Parser {
    tokens: Peekable<IntoIter<Token>>,
    depth: usize,
    operators: usize,
}

impl Parser {
    fn expression(&mut self, least: u8) -> Result<Expression, FormulaError> {
        self.depth += 1;
        if self.depth > MOST_NESTED {
            return Err(FormulaError::new("Formula is nested too deeply"));
        }
        let mut left = self.operand()?;
        while let Some(Token::Sign(sign)) = self.tokens.peek()
            && let Some((operator, binding)) = Operator::of(sign)
            && binding > least
        {
            self.tokens.next();
            self.operators += 1;
            if self.operators > MOST_OPERATORS {
                return Err(FormulaError::new("Formula has too many operators"));
            }
            let right = self.expression(binding)?;
            left = Expression::Binary {
                operator,
                left: Box::new(left),
                right: Box::new(right),
            };
        }
        self.depth -= 1;
        Ok(left)
    }

    fn operand(&mut self) -> Result<Expression, FormulaError> {
        /// Tighter than every operator between two expressions.
        const UNARY: u8 = 8;
        match self.tokens.next() {
            Some(Token::Text(text)) => Ok(Expression::Text(text)),
            Some(Token::Number(number)) => Ok(Expression::Number(number)),
            Some(Token::Name(name)) => {
                if self.take("(") {
                    self.arguments(name)
                } else {
                    Ok(Expression::Path(name))
                }
            }
            Some(Token::Sign("(")) => {
                let inner = self.expression(0)?;
                self.must_take(")")?;
                Ok(inner)
            }
            Some(Token::Sign("!")) => Ok(Expression::Not(Box::new(self.expression(UNARY)?))),
            Some(Token::Sign("-")) => Ok(Expression::Negated(Box::new(self.expression(UNARY)?))),
            Some(Token::Sign("+")) => self.expression(UNARY),
            Some(token) => Err(FormulaError::new(format!(
                "Syntax error. Found {}",
                shown(&token)
            ))),
            None => Err(FormulaError::new("Syntax error. Found end of formula")),
        }
    }

    fn arguments(&mut self, function: String) -> Result<Expression, FormulaError> {
        let mut arguments = Vec::new();
        if !self.take(")") {
            loop {
                arguments.push(self.expression(0)?);
                if !self.take(",") {
                    break;
                }
            }
            self.must_take(")")?;
        }
        Ok(Expression::Call { function, arguments })
    }

    fn take(&mut self, sign: &'static str) -> bool {
        self.tokens.next_if_eq(&Token::Sign(sign)).is_some()
    }

    fn must_take(&mut self, sign: &'static str) -> Result<(), FormulaError> {
        if self.take(sign) {
            return Ok(());
        }
        Err(FormulaError::new(format!("Syntax error. Missing '{sign}'")))
    }
}

fn shown(token: &Token) -> String {
    match token {
        Token::Name(name) => format!("'{name}'"),
        Token::Text(text) => format!("'\"{text}\"'"),
        Token::Number(number) => format!("'{number}'"),
        Token::Sign(sign) => format!("'{sign}'"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn operators_bind_as_in_arithmetic() {
        let shape = |text: &str| format!("{:?}", parse(text).expect(text));
        for (short, long) in [
            ("1 + 2 * 3 - 4", "(1 + (2 * 3)) - 4"),
            ("a || b && c = d", "a || (b && (c = d))"),
            ("a & b = c", "(a & b) = c"),
            ("-2 ^ 2", "(-2) ^ 2"),
            ("!a && b", "(!a) && b"),
            ("a < b = c", "(a < b) = c"),
        ] {
            assert_eq!(shape(short), shape(long), "{short}");
        }
    }

    #[test]
    fn half_formulas_are_refused() {
        for (text, message) in [
            ("", "Syntax error. Found end of formula"),
            ("1 +", "Syntax error. Found end of formula"),
            ("IF(a, b", "Syntax error. Missing ')'"),
            ("a b", "Syntax error. Extra 'b'"),
            ("(1))", "Syntax error. Extra ')'"),
        ] {
            assert_eq!(parse(text).expect_err(text).to_string(), message, "{text}");
        }
        assert!(parse(&"(".repeat(3_000)).is_err());
        assert!(parse(&"-".repeat(3_000)).is_err());
        assert!(parse(&"x".repeat(3_901)).is_err());
    }
}
