//! Merge fields: `{!…}` in texts and attributes, and what they are worth.
//!
//! Source: Visualforce Developer Guide, Global Variables, Functions, and Expression Operators. Of the functions and
//! operators there are those that pages of packages use; the others are refused by name.

use rust_decimal::Decimal;

use crate::formula::{Expression, Operator, parse_expression};
use crate::lightning::error::PageError;

/// What an expression is worth.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Worth {
    Null,
    Boolean(bool),
    Number(Decimal),
    Text(String),
    /// A value whose text on a page only `apex:outputField` knows here.
    Untold(String),
}

impl Worth {
    fn is_blank(&self) -> bool {
        matches!(self, Self::Null) || matches!(self, Self::Text(text) if text.is_empty())
    }

    /// The text that stands on the page.
    pub(super) fn text(&self) -> Result<String, PageError> {
        Ok(match self {
            Self::Null => String::new(),
            Self::Boolean(boolean) => boolean.to_string(),
            Self::Number(number) => number.normalize().to_string(),
            Self::Text(text) => text.clone(),
            Self::Untold(kind) => {
                let what = format!("the text of a {kind} outside apex:outputField");
                return Err(PageError::not_supported(what));
            }
        })
    }

    pub(super) fn truth(&self) -> Result<bool, PageError> {
        match self {
            Self::Null => Ok(false),
            Self::Boolean(boolean) => Ok(*boolean),
            Self::Text(text) if text.eq_ignore_ascii_case("true") => Ok(true),
            Self::Text(text) if text.eq_ignore_ascii_case("false") => Ok(false),
            other => Err(PageError::new(500, format!("{other:?} is no Boolean"))),
        }
    }
}

/// A text in parts.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Part {
    Plain(String),
    Merge(Expression),
}

/// Splits a text at its merge fields.
pub(super) fn parts(text: &str) -> Result<Vec<Part>, PageError> {
    let mut parts = Vec::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("{!") {
        if !before.is_empty() {
            parts.push(Part::Plain(before.to_owned()));
        }
        let end = end_of(after)
            .ok_or_else(|| PageError::new(500, format!("Syntax error. Missing '}}' in {text}")))?;
        let (inside, behind) = after.split_at_checked(end).unwrap_or((after, ""));
        let expression = parse_expression(inside).map_err(|error| PageError::new(500, error.to_string()))?;
        parts.push(Part::Merge(expression));
        rest = behind.strip_prefix('}').unwrap_or(behind);
    }
    if !rest.is_empty() {
        parts.push(Part::Plain(rest.to_owned()));
    }
    Ok(parts)
}

/// Where an expression ends: a brace in a text of its own does not end it.
fn end_of(text: &str) -> Option<usize> {
    let mut quote = None;
    let mut escaped = false;
    for (at, letter) in text.char_indices() {
        match quote {
            Some(_) if escaped => escaped = false,
            Some(_) if letter == '\\' => escaped = true,
            Some(mark) if letter == mark => quote = None,
            Some(_) => {}
            None if letter == '\'' || letter == '"' => quote = Some(letter),
            None if letter == '}' => return Some(at),
            None => {}
        }
    }
    None
}

/// The paths that an expression names.
pub(super) fn each_path(expression: &Expression, each: &mut impl FnMut(&str)) {
    match expression {
        Expression::Path(path) => each(path),
        Expression::Call { arguments, .. } => arguments.iter().for_each(|part| each_path(part, each)),
        Expression::Not(inner) | Expression::Negated(inner) => each_path(inner, each),
        Expression::Binary { left, right, .. } => {
            each_path(left, each);
            each_path(right, each);
        }
        Expression::Text(_) | Expression::Number(_) => {}
    }
}

/// What an expression is worth, where `look_up` knows what paths are.
pub(super) fn worth(
    expression: &Expression,
    look_up: &mut dyn FnMut(&str) -> Result<Worth, PageError>,
) -> Result<Worth, PageError> {
    Ok(match expression {
        Expression::Text(text) => Worth::Text(text.clone()),
        Expression::Number(number) => Worth::Number(*number),
        Expression::Path(path) => match path.to_ascii_lowercase().as_str() {
            "true" => Worth::Boolean(true),
            "false" => Worth::Boolean(false),
            "null" => Worth::Null,
            _ => look_up(path)?,
        },
        Expression::Not(inner) => Worth::Boolean(!worth(inner, look_up)?.truth()?),
        Expression::Negated(_) => return Err(PageError::not_supported("the sign - in a merge field")),
        Expression::Binary {
            operator,
            left,
            right,
        } => binary(*operator, left, right, look_up)?,
        Expression::Call { function, arguments } => call(function, arguments, look_up)?,
    })
}

fn binary(
    operator: Operator,
    left: &Expression,
    right: &Expression,
    look_up: &mut dyn FnMut(&str) -> Result<Worth, PageError>,
) -> Result<Worth, PageError> {
    Ok(match operator {
        Operator::And => Worth::Boolean(worth(left, look_up)?.truth()? && worth(right, look_up)?.truth()?),
        Operator::Or => Worth::Boolean(worth(left, look_up)?.truth()? || worth(right, look_up)?.truth()?),
        Operator::Equal | Operator::NotEqual => {
            let (left, right) = (worth(left, look_up)?, worth(right, look_up)?);
            let same = left == right || left.is_blank() && right.is_blank();
            Worth::Boolean(same == (operator == Operator::Equal))
        }
        Operator::Concatenate => {
            let text = worth(left, look_up)?.text()? + &worth(right, look_up)?.text()?;
            Worth::Text(text)
        }
        other => {
            return Err(PageError::not_supported(format!(
                "the operator {} in a merge field",
                other.sign()
            )));
        }
    })
}

fn call(
    function: &str,
    arguments: &[Expression],
    look_up: &mut dyn FnMut(&str) -> Result<Worth, PageError>,
) -> Result<Worth, PageError> {
    let name = function.to_ascii_uppercase();
    Ok(match (name.as_str(), arguments) {
        ("NOT", [one]) => Worth::Boolean(!worth(one, look_up)?.truth()?),
        ("AND", all) => {
            for one in all {
                if !worth(one, look_up)?.truth()? {
                    return Ok(Worth::Boolean(false));
                }
            }
            Worth::Boolean(true)
        }
        ("OR", all) => {
            for one in all {
                if worth(one, look_up)?.truth()? {
                    return Ok(Worth::Boolean(true));
                }
            }
            Worth::Boolean(false)
        }
        ("IF", [test, yes, no]) => {
            let chosen = if worth(test, look_up)?.truth()? { yes } else { no };
            worth(chosen, look_up)?
        }
        ("ISBLANK" | "ISNULL", [one]) => Worth::Boolean(worth(one, look_up)?.is_blank()),
        ("BLANKVALUE", [one, other]) => match worth(one, look_up)? {
            blank if blank.is_blank() => worth(other, look_up)?,
            known => known,
        },
        ("URLENCODE", [one]) => {
            let text = worth(one, look_up)?.text()?;
            Worth::Text(url::form_urlencoded::byte_serialize(text.as_bytes()).collect())
        }
        ("HTMLENCODE", [one]) => Worth::Text(crate::http::Escaped(&worth(one, look_up)?.text()?).to_string()),
        _ => {
            let what = format!(
                "the function {name} with {} arguments in a merge field",
                arguments.len()
            );
            return Err(PageError::not_supported(what));
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn evaluated(text: &str) -> String {
        let mut look_up = |path: &str| match path {
            "name" => Ok(Worth::Text("O'Neil".to_owned())),
            "none" => Ok(Worth::Null),
            other => Err(PageError::not_supported(other)),
        };
        let mut out = String::new();
        for part in parts(text).expect("parts") {
            match part {
                Part::Plain(text) => out.push_str(&text),
                Part::Merge(expression) => {
                    let worth = worth(&expression, &mut look_up).expect("a value");
                    out.push_str(&worth.text().expect("a text"));
                }
            }
        }
        out
    }

    #[test]
    fn merge_fields_are_calculated_in_their_text() {
        for (text, expected) in [
            ("a {!name} b", "a O'Neil b"),
            ("{!IF(ISBLANK(none), '}', name)}", "}"),
            ("{!NOT(ISBLANK(name)) && name <> none}", "true"),
            ("{!URLENCODE('a b&c')}{!BLANKVALUE(none, 'x')}", "a+b%26cx"),
            ("{!AND(true, OR(false, ISNULL(none)))}", "true"),
        ] {
            assert_eq!(evaluated(text), expected, "{text}");
        }
        assert!(parts("{!name").is_err());
    }
}
