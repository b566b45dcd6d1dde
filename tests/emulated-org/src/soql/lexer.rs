//! Cuts a query into tokens.

use super::error::SoqlError;

/// One token with its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Token {
    /// What it is.
    pub kind: TokenKind,
    /// Its text as written; empty at the end of the query.
    pub text: String,
    /// Byte offset of its first character.
    pub at: usize,
}

/// The kinds of token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TokenKind {
    /// A name or keyword; SOQL has no reserved names, so only the parser can tell.
    Word,
    /// A number without sign.
    Number,
    /// A date, datetime or time, perhaps one that does not exist.
    Temporal,
    /// A text in single quotes; the token's text is what stands between them, escapes untouched.
    Quoted,
    /// An operator or a punctuation mark.
    Mark,
    /// The end of the query.
    End,
}

impl Token {
    /// How Salesforce names the token in a refusal.
    #[must_use]
    pub fn shown(&self) -> &str {
        if self.kind == TokenKind::End {
            "<EOF>"
        } else {
            &self.text
        }
    }
}

/// Cuts `text` into tokens; the last one is always [`TokenKind::End`].
///
/// # Errors
/// `MALFORMED_QUERY` for a text without closing quote or a character that no token has.
pub fn tokens(text: &str) -> Result<Vec<Token>, SoqlError> {
    let mut found = Vec::new();
    let mut rest = text;
    loop {
        rest = rest.trim_start();
        let at = text.len() - rest.len();
        let Some(first) = rest.chars().next() else {
            found.push(Token {
                kind: TokenKind::End,
                text: String::new(),
                at,
            });
            return Ok(found);
        };
        let (kind, length) = if first == '\'' {
            let length = quoted_length(rest).ok_or_else(|| unclosed(text))?;
            (TokenKind::Quoted, length)
        } else if first.is_ascii_alphabetic() {
            (
                TokenKind::Word,
                run(rest, |c| c.is_ascii_alphanumeric() || c == '_'),
            )
        } else if first.is_ascii_digit() || starts_fraction(rest) {
            numeric(rest)
        } else {
            (
                TokenKind::Mark,
                mark_length(rest).ok_or_else(|| foreign_character(text, at, first))?,
            )
        };
        let (token, after) = rest.split_at_checked(length).unwrap_or((rest, ""));
        let token = match kind {
            TokenKind::Quoted => token.get(1..length - 1).unwrap_or_default(),
            _ => token,
        };
        found.push(Token {
            kind,
            text: token.to_owned(),
            at,
        });
        rest = after;
    }
}

fn quoted_length(rest: &str) -> Option<usize> {
    let mut escaped = false;
    for (index, c) in rest.char_indices().skip(1) {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '\'' => return Some(index + 1),
            _ => {}
        }
    }
    None
}

fn starts_fraction(rest: &str) -> bool {
    rest.strip_prefix('.')
        .is_some_and(|after| after.starts_with(|c: char| c.is_ascii_digit()))
}

fn numeric(rest: &str) -> (TokenKind, usize) {
    let digits = run(rest, |c| c.is_ascii_digit());
    let after = rest.get(digits..).unwrap_or_default();
    if digits == 4 && after.starts_with('-') {
        let length = run(rest, |c| {
            c.is_ascii_alphanumeric() || matches!(c, '-' | '+' | ':' | '.')
        });
        return (TokenKind::Temporal, length);
    }
    let minutes = after.strip_prefix(':').unwrap_or_default();
    if digits == 2 && minutes.starts_with(|c: char| c.is_ascii_digit()) {
        let length = run(rest, |c| c.is_ascii_alphanumeric() || matches!(c, ':' | '.'));
        return (TokenKind::Temporal, length);
    }
    let fraction = match after.strip_prefix('.') {
        Some(decimals) => 1 + run(decimals, |c| c.is_ascii_digit()),
        None => 0,
    };
    (TokenKind::Number, digits + fraction)
}

fn run(rest: &str, belongs: impl Fn(char) -> bool) -> usize {
    rest.find(|c| !belongs(c)).unwrap_or(rest.len())
}

fn mark_length(rest: &str) -> Option<usize> {
    if ["!=", "<>", "<=", ">="].iter().any(|mark| rest.starts_with(mark)) {
        return Some(2);
    }
    rest.starts_with(['(', ')', ',', '.', '=', '<', '>', ':', '+', '-'])
        .then_some(1)
}

fn unclosed(text: &str) -> SoqlError {
    let line = text.matches('\n').count() + 1;
    let column = text.rsplit('\n').next().unwrap_or_default().chars().count();
    SoqlError::malformed(format!(
        "line {line}:{column} mismatched character '<EOF>' expecting '''"
    ))
}

fn foreign_character(text: &str, at: usize, character: char) -> SoqlError {
    let before = text.get(..at).unwrap_or_default();
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().unwrap_or_default().chars().count();
    SoqlError::malformed(format!(
        "line {line}:{column} no viable alternative at character '{character}'"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str) -> Vec<(TokenKind, String)> {
        tokens(text)
            .unwrap()
            .into_iter()
            .map(|t| (t.kind, t.text))
            .collect()
    }

    #[test]
    fn every_kind_of_token_is_cut() {
        use TokenKind::{End, Mark, Number, Quoted, Temporal, Word};
        let expected = [
            (Word, "A__c"),
            (Mark, "<>"),
            (Quoted, "it\\'s"),
            (Mark, "."),
            (Number, "10.50"),
            (Mark, "-"),
            (Number, ".5"),
            (Temporal, "2026-11-22T06:04:37.000+02:00"),
            (Mark, ")"),
            (Quoted, ""),
            (End, ""),
        ];
        let expected: Vec<_> = expected
            .into_iter()
            .map(|(kind, text)| (kind, text.to_owned()))
            .collect();
        assert_eq!(
            shown("A__c<>'it\\'s' . 10.50 -.5 2026-11-22T06:04:37.000+02:00)''"),
            expected
        );
    }

    #[test]
    fn what_is_no_token_is_refused_with_its_place() {
        for (text, message) in [
            (
                "SELECT Id FROM A WHERE x = 'b",
                "line 1:29 mismatched character '<EOF>' expecting '''",
            ),
            (
                "SELECT Id, % FROM A",
                "line 1:11 no viable alternative at character '%'",
            ),
            (
                "SELECT Id\nFROM \"A\"",
                "line 2:5 no viable alternative at character '\"'",
            ),
        ] {
            assert_eq!(tokens(text).unwrap_err(), SoqlError::malformed(message), "{text}");
        }
    }

    #[test]
    fn quotes_at_the_edge_of_a_text_belong_to_the_text() {
        assert_eq!(shown(r"'\'a\''").first().unwrap().1, r"\'a\'");
    }
}
