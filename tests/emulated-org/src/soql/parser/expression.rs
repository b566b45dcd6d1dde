//! Reads fields and functions of fields.

use super::super::ast::Expression;
use super::super::date_function::DatePart;
use super::super::error::SoqlError;
use super::Parser;

/// Functions of one field that are no date functions. Source: SOQL and SOSL Reference, SOQL SELECT Functions.
const FUNCTIONS: [&str; 10] = [
    "AVG",
    "CONVERTTIMEZONE",
    "COUNT",
    "COUNT_DISTINCT",
    "FORMAT",
    "GROUPING",
    "MAX",
    "MIN",
    "SUM",
    "TOLABEL",
];
/// What Salesforce has and the emulated org has not.
const UNSUPPORTED: [&str; 3] = ["CONVERTCURRENCY", "DISTANCE", "GEOLOCATION"];

impl Parser<'_> {
    pub(super) fn expression(&mut self) -> Result<Expression, SoqlError> {
        if self.tokens.at_word("FROM") {
            return Err(self.tokens.unexpected());
        }
        if !self.tokens.mark_follows(1, "(") {
            return self.path().map(Expression::Path);
        }
        let function = self.name()?;
        let name = function.text.to_ascii_uppercase();
        if UNSUPPORTED.contains(&name.as_str()) {
            return Err(SoqlError::unsupported(&format!("the function {name}()")));
        }
        if !FUNCTIONS.contains(&name.as_str()) && DatePart::parse(&name).is_none() {
            return Err(self.tokens.unexpected());
        }
        let argument = self.in_parentheses(Self::expression)?;
        Ok(Expression::Call {
            function,
            argument: Box::new(argument),
        })
    }
}
