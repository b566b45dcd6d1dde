//! Reads the signatures of catalogue methods, written as Apex text: `static String join(Object items, String s)`.

use std::sync::Arc;

use super::Type;

/// A type as written in a signature.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WrittenType {
    /// `Database.SaveResult`
    pub name: String,
    /// What stands between angle brackets.
    pub arguments: Vec<WrittenType>,
}

/// A signature as written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signature {
    /// Whether it starts with `static`.
    pub is_static: bool,
    /// What it returns; a constructor is written `new(…)` and has none.
    pub returns: Option<WrittenType>,
    /// Its name; empty for constructors.
    pub name: Arc<str>,
    /// The types of its parameters.
    pub parameters: Vec<WrittenType>,
}

/// Reads a signature; none if it is malformed.
pub fn parse(text: &str) -> Option<Signature> {
    let mut words = Words { rest: text.trim() };
    let is_static = words.take("static");
    let is_constructor = words.take("new");
    let (returns, name) = if is_constructor {
        (None, Arc::from(""))
    } else {
        (Some(words.written_type()?), Arc::from(words.word()?))
    };
    let mut parameters = Vec::new();
    if words.symbol('(') && !words.symbol(')') {
        loop {
            parameters.push(words.written_type()?);
            words.word()?;
            if words.symbol(')') {
                break;
            }
            if !words.symbol(',') {
                return None;
            }
        }
    }
    words.rest.is_empty().then_some(Signature {
        is_static,
        returns,
        name,
        parameters,
    })
}

/// Reads a type alone.
pub fn parse_type(text: &str) -> Option<WrittenType> {
    let mut words = Words { rest: text.trim() };
    let ty = words.written_type()?;
    words.rest.is_empty().then_some(ty)
}

struct Words<'a> {
    rest: &'a str,
}

impl<'a> Words<'a> {
    fn word(&mut self) -> Option<&'a str> {
        let end = self
            .rest
            .find(|c: char| !(c.is_alphanumeric() || c == '_' || c == '.'))
            .unwrap_or(self.rest.len());
        let (word, rest) = self.rest.split_at(end);
        self.rest = rest.trim_start();
        (!word.is_empty()).then_some(word)
    }

    fn take(&mut self, keyword: &str) -> bool {
        let Some(rest) = self.rest.strip_prefix(keyword) else {
            return false;
        };
        if rest.starts_with(|c: char| c.is_alphanumeric()) {
            return false;
        }
        self.rest = rest.trim_start();
        true
    }

    fn symbol(&mut self, symbol: char) -> bool {
        let Some(rest) = self.rest.strip_prefix(symbol) else {
            return false;
        };
        self.rest = rest.trim_start();
        true
    }

    fn written_type(&mut self) -> Option<WrittenType> {
        let name = self.word()?.to_owned();
        let mut arguments = Vec::new();
        if self.symbol('<') {
            loop {
                arguments.push(self.written_type()?);
                if self.symbol('>') {
                    break;
                }
                if !self.symbol(',') {
                    return None;
                }
            }
        }
        Some(WrittenType { name, arguments })
    }
}

/// The built-in types that have a variant of their own; `resolve` knows all others.
pub fn built_in(name: &str, arguments: &[Type]) -> Option<Type> {
    Some(match (name.to_ascii_lowercase().as_str(), arguments) {
        ("void", []) => Type::Void,
        ("object", []) => Type::Object,
        ("boolean", []) => Type::Boolean,
        ("integer", []) => Type::Integer,
        ("long", []) => Type::Long,
        ("double", []) => Type::Double,
        ("decimal", []) => Type::Decimal,
        ("string", []) => Type::String,
        ("id", []) => Type::Id,
        ("blob", []) => Type::Blob,
        ("date", []) => Type::Date,
        ("datetime", []) => Type::Datetime,
        ("time", []) => Type::Time,
        ("sobject", []) => Type::SObject,
        ("list", [t]) => Type::list(t.clone()),
        ("set", [t]) => Type::set(t.clone()),
        ("map", [k, v]) => Type::map(k.clone(), v.clone()),
        ("iterable", [t]) => Type::Iterable(Arc::new(t.clone())),
        ("iterator", [t]) => Type::Iterator(Arc::new(t.clone())),
        _ => return None,
    })
}
