//! Formula text into tokens.
//!
//! Source: Salesforce Help, Formula Operators and Functions: texts stand between quotation marks of either kind,
//! `\` takes the next character as it is, remarks stand between `/*` and `*/`.

use rust_decimal::Decimal;

use super::FormulaError;

/// One token.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Token {
    /// A name or a path of names: `Name`, `Account.Owner.Alias`, `$User.Id`.
    Name(String),
    Text(String),
    Number(Decimal),
    /// An operator, a parenthesis or a comma.
    Sign(&'static str),
}

/// Longer signs first, so that `<=` is not taken for `<`.
const SIGNS: [&str; 20] = [
    "&&", "||", "==", "!=", "<>", "<=", ">=", "=", "<", ">", "+", "-", "*", "/", "^", "&", "!", "(", ")", ",",
];

/// The tokens of a formula.
pub(super) fn tokens(text: &str) -> Result<Vec<Token>, FormulaError> {
    let mut tokens = Vec::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        if first.is_whitespace() {
            rest = rest.trim_start();
        } else if let Some(remark) = rest.strip_prefix("/*") {
            (_, rest) = remark
                .split_once("*/")
                .ok_or_else(|| FormulaError::new("Syntax error. Missing '*/'"))?;
        } else if first == '"' || first == '\'' {
            let (literal, after) = quoted(rest, first)?;
            tokens.push(Token::Text(literal));
            rest = after;
        } else if first.is_ascii_digit() || (first == '.' && begins_with_digit(rest, 1)) {
            let (number, after) =
                take_while(rest, |character| character.is_ascii_digit() || character == '.');
            let value = Decimal::from_str_exact(number)
                .ok()
                .ok_or_else(|| FormulaError::new(format!("Syntax error. Extra {number}")))?;
            tokens.push(Token::Number(value));
            rest = after;
        } else if first.is_ascii_alphabetic() || first == '$' || first == '_' {
            let (name, after) = take_while(rest, |character| {
                character.is_ascii_alphanumeric() || matches!(character, '_' | '$' | '.' | ':')
            });
            tokens.push(Token::Name(name.to_owned()));
            rest = after;
        } else {
            let (sign, after) = SIGNS
                .iter()
                .find_map(|sign| Some((*sign, rest.strip_prefix(sign)?)))
                .ok_or_else(|| FormulaError::new(format!("Syntax error. Found '{first}'")))?;
            tokens.push(Token::Sign(sign));
            rest = after;
        }
    }
    Ok(tokens)
}

fn quoted(text: &str, quote: char) -> Result<(String, &str), FormulaError> {
    let mut literal = String::new();
    let mut characters = text.chars();
    characters.next();
    while let Some(character) = characters.next() {
        if character == quote {
            return Ok((literal, characters.as_str()));
        }
        if character == '\\' {
            literal.extend(characters.next().map(|escaped| match escaped {
                'n' => '\n',
                'r' => '\r',
                't' => '\t',
                other => other,
            }));
        } else {
            literal.push(character);
        }
    }
    Err(FormulaError::new(format!("Syntax error. Missing {quote}")))
}

fn take_while(text: &str, wanted: impl Fn(char) -> bool) -> (&str, &str) {
    let end = text.find(|character| !wanted(character)).unwrap_or(text.len());
    text.split_at_checked(end).unwrap_or((text, ""))
}

fn begins_with_digit(text: &str, skip: usize) -> bool {
    text.chars()
        .nth(skip)
        .is_some_and(|character| character.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_formula_falls_into_names_literals_and_signs() {
        let found =
            tokens(r#"IF(Account.Name<>"a\"b" && .5>=1.25, /* why */ 'x', $User.Id)"#).expect("tokens");
        let number = |text: &str| Token::Number(text.parse().expect("a number"));
        let name = |text: &str| Token::Name(text.to_owned());
        let text = |text: &str| Token::Text(text.to_owned());
        assert_eq!(
            found,
            [
                name("IF"),
                Token::Sign("("),
                name("Account.Name"),
                Token::Sign("<>"),
                text("a\"b"),
                Token::Sign("&&"),
                number("0.5"),
                Token::Sign(">="),
                number("1.25"),
                Token::Sign(","),
                text("x"),
                Token::Sign(","),
                name("$User.Id"),
                Token::Sign(")"),
            ]
        );
        for wrong in ["'open", "/* open", "1.2.3", "a ; b"] {
            assert!(tokens(wrong).is_err(), "{wrong}");
        }
    }
}
