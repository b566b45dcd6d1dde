//! Texts in quotes: their escapes, and patterns of `LIKE`.

use super::error::SoqlError;

/// The pattern of a `LIKE`, matched without regard to case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pattern {
    parts: Vec<Part>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    /// A character in lower case.
    Character(char),
    /// `_`: exactly one character.
    One,
    /// `%`: any number of characters.
    Any,
}

impl Pattern {
    /// Reads a pattern from what stands between the quotes.
    ///
    /// # Errors
    /// `MALFORMED_QUERY` for an escape that SOQL does not have.
    pub fn parse(quoted: &str) -> Result<Self, SoqlError> {
        let mut parts = Vec::new();
        unescape(quoted, true, |character, escaped| match character {
            '%' if !escaped => parts.push(Part::Any),
            '_' if !escaped => parts.push(Part::One),
            other => parts.extend(other.to_lowercase().map(Part::Character)),
        })?;
        Ok(Self { parts })
    }

    /// Whether `text` as a whole fits the pattern.
    #[must_use]
    pub fn matches(&self, text: &str) -> bool {
        let text: Vec<char> = text.chars().flat_map(char::to_lowercase).collect();
        let (mut at, mut part) = (0, 0);
        // Where to go on when the characters after the last `%` do not fit: that `%` takes one more.
        let mut retry: Option<(usize, usize)> = None;
        loop {
            match (self.parts.get(part), text.get(at)) {
                (None, None) => return true,
                (Some(Part::Any), _) => {
                    retry = Some((part + 1, at));
                    part += 1;
                }
                (Some(Part::One), Some(_)) => (at, part) = (at + 1, part + 1),
                (Some(Part::Character(wanted)), Some(found)) if wanted == found => {
                    (at, part) = (at + 1, part + 1);
                }
                _ => match retry {
                    Some((after, start)) if start < text.len() => {
                        retry = Some((after, start + 1));
                        (at, part) = (start + 1, after);
                    }
                    _ => return false,
                },
            }
        }
    }
}

/// Resolves the escapes of a text in quotes outside `LIKE`.
///
/// # Errors
/// `MALFORMED_QUERY` for an escape that SOQL does not have, or has only inside `LIKE`.
pub fn unescaped(quoted: &str) -> Result<String, SoqlError> {
    let mut text = String::with_capacity(quoted.len());
    unescape(quoted, false, |character, _| text.push(character))?;
    Ok(text)
}

/// Source: SOQL and SOSL Reference, Quoted String Escape Sequences.
fn unescape(quoted: &str, like: bool, mut emit: impl FnMut(char, bool)) -> Result<(), SoqlError> {
    let illegal = |sequence: &str| {
        SoqlError::malformed(format!(
            "Invalid string literal '{quoted}'. Illegal character sequence '{sequence}' in string literal."
        ))
    };
    let mut characters = quoted.chars();
    while let Some(character) = characters.next() {
        if character != '\\' {
            emit(character, false);
            continue;
        }
        let escape = characters.next().ok_or_else(|| illegal("\\"))?;
        let resolved = match escape {
            'n' | 'N' => '\n',
            'r' | 'R' => '\r',
            't' | 'T' => '\t',
            'b' | 'B' => '\u{8}',
            'f' | 'F' => '\u{c}',
            '"' | '\'' | '\\' => escape,
            '_' | '%' if like => escape,
            'u' => {
                let digits: String = characters.by_ref().take(4).collect();
                let code = if digits.len() == 4 {
                    u32::from_str_radix(&digits, 16).ok()
                } else {
                    None
                };
                code.and_then(char::from_u32)
                    .ok_or_else(|| illegal(&format!("\\u{digits}")))?
            }
            other => return Err(illegal(&format!("\\{other}"))),
        };
        emit(resolved, true);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_match_as_like_does() {
        for (pattern, text, expected) in [
            ("acme", "ACME", true),
            ("acme", "acme inc", false),
            ("ac%", "Acme", true),
            ("%me%", "Acme", true),
            ("%x%", "Acme", false),
            ("a_me", "Acme", true),
            ("a_e", "Acme", false),
            ("_", "", false),
            ("%", "", true),
            ("%a%b%c", "xxaxxbxxbc", true),
            ("%a%b%c", "xxaxxbxxcb", false),
            (r"100\%", "100%", true),
            (r"100\%", "100 percent", false),
            (r"a\_b", "a_b", true),
            (r"a\_b", "axb", false),
            (r"a\\%", r"a\b", true),
            ("straße%", "STRAßE 5", true),
            ("ä_", "ÄÖ", true),
        ] {
            assert_eq!(
                Pattern::parse(pattern).unwrap().matches(text),
                expected,
                "{text} LIKE {pattern}"
            );
        }
    }

    #[test]
    fn escapes_are_resolved() {
        assert_eq!(unescaped(r#"it\'s \"a\"\\b\n\té"#).unwrap(), "it's \"a\"\\b\n\té");
    }

    #[test]
    fn escapes_that_soql_has_not_are_refused() {
        for (text, sequence) in [(r"a\x", r"\x"), (r"a\%", r"\%"), (r"\u00g1", r"\u00g1")] {
            let expected = format!(
                "Invalid string literal '{text}'. Illegal character sequence '{sequence}' in string literal."
            );
            assert_eq!(unescaped(text).unwrap_err(), SoqlError::malformed(expected));
        }
    }
}
