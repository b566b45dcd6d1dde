//! Reads conditions: what stands after `WHERE` and `HAVING`.

use super::super::ast::{Condition, Expression, ListOperator, Operator};
use super::super::error::SoqlError;
use super::super::lexer::TokenKind;
use super::super::like::Pattern;
use super::Parser;

impl Parser<'_> {
    pub(super) fn condition(&mut self) -> Result<Condition, SoqlError> {
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
        if self.tokens.at_mark("(") {
            return self.in_parentheses(Self::condition);
        }
        if self.tokens.at_word("NOT") {
            return Err(self.tokens.unexpected());
        }
        let left = self.expression()?;
        if self.tokens.eat_word("LIKE") {
            let pattern = self.pattern(&left)?;
            return Ok(Condition::Like { left, pattern });
        }
        if let Some(operator) = self.list_operator()? {
            return self.list(left, operator);
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
            left,
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

    fn list(&mut self, left: Expression, operator: ListOperator) -> Result<Condition, SoqlError> {
        if self.tokens.at_mark(":") {
            return Err(self.bind_variable());
        }
        let inner = self.tokens.peek_at(1);
        let is_query = inner.kind == TokenKind::Word && inner.text.eq_ignore_ascii_case("SELECT");
        if is_query && matches!(operator, ListOperator::In | ListOperator::NotIn) {
            let query = self.in_parentheses(Self::query)?;
            return Ok(Condition::Join {
                left,
                negated: operator == ListOperator::NotIn,
                query: Box::new(query),
            });
        }
        self.tokens.expect_mark("(")?;
        if self.bound && self.tokens.eat_mark(")") {
            return Ok(Condition::Among {
                left,
                operator,
                literals: Vec::new(),
            });
        }
        let mut literals = vec![self.literal()?];
        while self.tokens.eat_mark(",") {
            literals.push(self.literal()?);
        }
        self.tokens.expect_mark(")")?;
        Ok(Condition::Among {
            left,
            operator,
            literals,
        })
    }

    fn pattern(&mut self, left: &Expression) -> Result<Pattern, SoqlError> {
        if self.tokens.peek().kind == TokenKind::Quoted {
            let pattern = Pattern::parse(&self.tokens.peek().text)?;
            self.tokens.skip(1);
            return Ok(pattern);
        }
        self.literal()?;
        let field = match left {
            Expression::Path(path) => path.names.last().map_or("", String::as_str),
            Expression::Call { function, .. } => &function.text,
        };
        Err(SoqlError::at(
            "INVALID_FIELD",
            self.text,
            left.at(),
            &format!(
                "value of filter criterion for field '{field}' must be of type string and should be enclosed \
                 in quotes"
            ),
        ))
    }
}
