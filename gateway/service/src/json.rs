//! JSON from strangers, taken apart as text: nothing is built of it and nothing recurses into it.

use std::borrow::Cow;

use serde::de::IgnoredAny;

/// How many lists and objects may lie in one another where JSON is read into values.
pub const DEPTH: usize = 16;

/// Keys that begin so mean something to `serde_json` itself: an object with one can turn into a number, or be parsed
/// anew with none of the limits of its surroundings.
const RESERVED: &str = "$serde_json::private::";

/// Why a text must not be read into values.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Hostile {
    /// Too many lists and objects in one another.
    #[error("byte {at} opens level {}; at most {DEPTH} are read", DEPTH + 1)]
    TooDeep {
        /// Where the first level too many opens.
        at: usize,
    },
    /// A key that stands for something else than itself.
    #[error("byte {at} begins a key that is reserved ({RESERVED}…); leave it out")]
    ReservedKey {
        /// Where the key begins.
        at: usize,
    },
}

/// Looks a text over before a parser recurses into it. The text need not be JSON.
///
/// # Errors
/// [`Hostile`] with the place.
pub fn look_over(text: &str) -> Result<(), Hostile> {
    let mut depth = 0usize;
    let mut last_text = None;
    for token in tokens(text) {
        match token {
            Token::Text { at, raw } => last_text = Some((at, raw)),
            Token::Mark { at, byte } => {
                match byte {
                    b'[' | b'{' => depth += 1,
                    b']' | b'}' => depth = depth.saturating_sub(1),
                    _ => {}
                }
                if depth > DEPTH {
                    return Err(Hostile::TooDeep { at });
                }
                if let Some((at, raw)) = last_text.take()
                    && byte == b':'
                    && unescaped(raw).is_some_and(|key| key.starts_with(RESERVED))
                {
                    return Err(Hostile::ReservedKey { at });
                }
            }
        }
    }
    Ok(())
}

/// A JSON value as its text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct JsonText<'a>(&'a str);

/// What a JSON value is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// `null`.
    Null,
    /// `true` or `false`.
    Boolean,
    /// A number.
    Number,
    /// A text.
    Text,
    /// A list.
    List,
    /// An object.
    Object,
}

impl<'a> JsonText<'a> {
    /// Checks that a text is one JSON value.
    ///
    /// # Errors
    /// Where it breaks off.
    pub fn parse(text: &'a str) -> Result<Self, serde_json::Error> {
        serde_json::from_str::<IgnoredAny>(text)?;
        Ok(JsonText(text.trim()))
    }

    /// What it is.
    pub fn kind(self) -> Kind {
        match self.0.bytes().next() {
            Some(b'{') => Kind::Object,
            Some(b'[') => Kind::List,
            Some(b'"') => Kind::Text,
            Some(b't' | b'f') => Kind::Boolean,
            Some(b'n') => Kind::Null,
            _ => Kind::Number,
        }
    }

    /// The value letter for letter.
    pub fn as_str(self) -> &'a str {
        self.0
    }

    /// The characters of a text; `None` for another kind, and for halves of surrogate pairs, which are no characters.
    pub fn text(self) -> Option<Cow<'a, str>> {
        unescaped(self.0)
    }

    /// The items of a list; `None` for another kind.
    pub fn items(self) -> Option<impl Iterator<Item = JsonText<'a>> + Clone> {
        let inside = self.0.strip_prefix('[')?.strip_suffix(']')?;
        Some(Pieces { rest: inside }.map(JsonText))
    }

    /// The members of an object in the order written; `None` for another kind. A name that has no characters is
    /// given as written.
    pub fn members(self) -> Option<impl Iterator<Item = (Cow<'a, str>, JsonText<'a>)>> {
        let inside = self.0.strip_prefix('{')?.strip_suffix('}')?;
        let members = Pieces { rest: inside }.filter_map(|piece| {
            let (name, value) = split(piece, b':')?;
            let name = name.trim();
            Some((
                unescaped(name).unwrap_or(Cow::Borrowed(name)),
                JsonText(value.trim()),
            ))
        });
        Some(members)
    }
}

/// What lies between the brackets of a list or an object, piece by piece.
#[derive(Debug, Clone)]
struct Pieces<'a> {
    rest: &'a str,
}

impl<'a> Iterator for Pieces<'a> {
    type Item = &'a str;

    fn next(&mut self) -> Option<&'a str> {
        let (piece, rest) = split(self.rest, b',').unwrap_or((self.rest, ""));
        self.rest = rest;
        Some(piece.trim()).filter(|piece| !piece.is_empty())
    }
}

/// Splits at the first such mark that lies in no list, object or text.
fn split(text: &str, mark: u8) -> Option<(&str, &str)> {
    let mut depth = 0usize;
    for token in tokens(text) {
        let Token::Mark { at, byte } = token else {
            continue;
        };
        match byte {
            b'[' | b'{' => depth += 1,
            b']' | b'}' => depth = depth.saturating_sub(1),
            byte if byte == mark && depth == 0 => {
                return Some((text.get(..at)?, text.get(at + 1..)?));
            }
            _ => {}
        }
    }
    None
}

fn unescaped(raw: &str) -> Option<Cow<'_, str>> {
    let inside = raw.strip_prefix('"')?.strip_suffix('"')?;
    if inside.contains('\\') {
        serde_json::from_str(raw).ok().map(Cow::Owned)
    } else {
        Some(Cow::Borrowed(inside))
    }
}

enum Token<'a> {
    /// A text with its quotes.
    Text { at: usize, raw: &'a str },
    /// A bracket, a brace, a comma or a colon outside of texts.
    Mark { at: usize, byte: u8 },
}

fn tokens(text: &str) -> impl Iterator<Item = Token<'_>> {
    let mut bytes = text.bytes().enumerate();
    std::iter::from_fn(move || {
        loop {
            match bytes.next()? {
                (at, b'"') => {
                    let end = end_of_text(&mut bytes)?;
                    return Some(Token::Text {
                        at,
                        raw: text.get(at..=end)?,
                    });
                }
                (at, byte @ (b'[' | b']' | b'{' | b'}' | b',' | b':')) => {
                    return Some(Token::Mark { at, byte });
                }
                _ => {}
            }
        }
    })
}

fn end_of_text(bytes: &mut impl Iterator<Item = (usize, u8)>) -> Option<usize> {
    loop {
        match bytes.next()? {
            (at, b'"') => return Some(at),
            (_, b'\\') => {
                bytes.next()?;
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nesting_is_counted_outside_of_texts_only() {
        assert_eq!(look_over(r#"{"a":"[[[[[[[[[[[[[[[[[[[[[\"[[[["}"#), Ok(()));
        let deep = format!("{}1{}", "[".repeat(DEPTH + 1), "]".repeat(DEPTH + 1));
        assert_eq!(look_over(&deep), Err(Hostile::TooDeep { at: DEPTH }));
        let wide = format!("[{}1]", "[[]],".repeat(100));
        assert_eq!(look_over(&wide), Ok(()));
    }

    #[test]
    fn reserved_keys_are_found_however_they_are_written() {
        for key in [
            "$serde_json::private::Number",
            "$serde_json::private::RawValue",
            r"\u0024serde_json::private::Number",
            r"$serde_json\u003a:private::Number",
        ] {
            let text = format!(r#"{{"a":[{{"{key}" : "1"}}]}}"#);
            assert_eq!(look_over(&text), Err(Hostile::ReservedKey { at: 7 }), "{text}");
            let value = format!(r#"{{"a":["{key}"],"b":"{key}"}}"#);
            assert_eq!(look_over(&value), Ok(()), "{value}");
        }
    }

    #[test]
    fn a_value_is_taken_apart_letter_for_letter() {
        let text = r#" {"a" : [1.50, "x,]\"}", {"y":[2,3]}, []] , "\u0062":null,"c":{}} "#;
        let members: Vec<_> = JsonText::parse(text).unwrap().members().unwrap().collect();
        let names: Vec<&str> = members.iter().map(|(name, _)| name.as_ref()).collect();
        assert_eq!(names, ["a", "b", "c"]);
        let items: Vec<&str> = members[0].1.items().unwrap().map(JsonText::as_str).collect();
        assert_eq!(items, ["1.50", r#""x,]\"}""#, r#"{"y":[2,3]}"#, "[]"]);
        assert_eq!(members[1].1.kind(), Kind::Null);
        assert_eq!(members[2].1.members().unwrap().count(), 0);
        assert_eq!(JsonText::parse("[]").unwrap().items().unwrap().count(), 0);
        assert!(JsonText::parse("7").unwrap().members().is_none());
    }

    #[test]
    fn halves_of_characters_are_no_text() {
        assert_eq!(JsonText::parse(r#""\ud800""#).unwrap().text(), None);
        assert_eq!(JsonText::parse(r#""\u00e9\n""#).unwrap().text().unwrap(), "é\n");
    }
}
