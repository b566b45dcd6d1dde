//! Reading of query strings and forms: what is unknown is refused, and every wrong parameter is named.

use causeway_core::Instant;
use percent_encoding::percent_decode_str;

use super::problem::{Problem, ProblemKind};
use crate::members::FieldError;

/// The parameters of a query string, or of a form body, which are written alike.
#[derive(Debug)]
pub struct Parameters {
    pairs: Vec<(String, String)>,
    accepted: Vec<String>,
    errors: Vec<FieldError>,
}

impl Parameters {
    /// Splits a query string.
    ///
    /// # Errors
    /// [`ProblemKind::InvalidParameters`] when a percent-encoded text is not UTF-8, or holds U+0000.
    pub fn parse(query: &str) -> Result<Self, Problem> {
        let pairs = query
            .split('&')
            .filter(|pair| !pair.is_empty())
            .map(|pair| {
                let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
                Ok((decode(name)?, decode(value)?))
            })
            .collect::<Result<Vec<_>, Problem>>()?;
        Ok(Parameters {
            pairs,
            accepted: Vec::new(),
            errors: Vec::new(),
        })
    }

    /// Takes a parameter. One that is given twice is an error.
    pub fn text(&mut self, name: &str) -> Option<String> {
        self.accepted.push(name.to_owned());
        let found: Vec<String> = self
            .remove(|key| key == name)
            .into_iter()
            .map(|(_, value)| value)
            .collect();
        if found.len() > 1 {
            self.error(name, "is given more than once");
        }
        found.into_iter().next()
    }

    /// Takes a parameter and reads it. `read` answers what is wrong and what to send instead.
    pub fn read<T>(&mut self, name: &str, read: impl FnOnce(&str) -> Result<T, String>) -> Option<T> {
        let text = self.text(name)?;
        match read(&text) {
            Ok(value) => Some(value),
            Err(message) => {
                self.error(name, message);
                None
            }
        }
    }

    /// Takes all parameters that begin with `prefix`, without it.
    pub fn prefixed(&mut self, prefix: &str) -> Vec<(String, String)> {
        self.accepted.push(format!("{prefix}<name>"));
        self.remove(|key| key.starts_with(prefix))
            .into_iter()
            .filter_map(|(key, value)| Some((key.strip_prefix(prefix)?.to_owned(), value)))
            .collect()
    }

    /// Takes `limit`: how many items a page holds, from 1 to `most`.
    pub fn limit(&mut self, default: u32, most: u32) -> u32 {
        self.read("limit", |text| match text.parse() {
            Ok(limit) if (1..=most).contains(&limit) => Ok(limit),
            _ => Err(format!("must be a number from 1 to {most}")),
        })
        .unwrap_or(default)
    }

    /// Names a wrong parameter.
    pub fn error(&mut self, name: &str, message: impl Into<String>) {
        self.errors.push(FieldError {
            field: name.to_owned(),
            message: message.into(),
        });
    }

    /// Ends the reading.
    ///
    /// # Errors
    /// [`ProblemKind::InvalidParameters`] with every wrong or unknown parameter.
    pub fn finish(mut self) -> Result<(), Problem> {
        let accepted = if self.accepted.is_empty() {
            "none".to_owned()
        } else {
            self.accepted.join(", ")
        };
        for (name, _) in std::mem::take(&mut self.pairs) {
            self.error(&name, format!("unknown parameter; accepted here: {accepted}"));
        }
        if self.errors.is_empty() {
            Ok(())
        } else {
            Err(Problem::with_errors(ProblemKind::InvalidParameters, self.errors))
        }
    }

    /// Ends the reading where unknown parameters must be ignored.
    ///
    /// # Errors
    /// [`ProblemKind::InvalidParameters`] with every wrong parameter.
    pub fn finish_leniently(mut self) -> Result<(), Problem> {
        self.pairs.clear();
        self.finish()
    }

    fn remove(&mut self, mut wanted: impl FnMut(&str) -> bool) -> Vec<(String, String)> {
        let (taken, left) = std::mem::take(&mut self.pairs)
            .into_iter()
            .partition(|(key, _)| wanted(key));
        self.pairs = left;
        taken
    }
}

/// Reads a moment.
///
/// # Errors
/// What a caller should send instead.
pub fn moment(text: &str) -> Result<Instant, String> {
    chrono::DateTime::parse_from_rfc3339(text)
        .map(|moment| moment.with_timezone(&chrono::Utc))
        .map_err(|_malformed| "must be a moment like 2026-11-22T06:04:37Z (a `+` is written %2B)".to_owned())
}

fn decode(text: &str) -> Result<String, Problem> {
    let spaced = text.replace('+', " ");
    let wrong = |message: &str| {
        let error = FieldError {
            field: text.chars().take(40).collect(),
            message: message.to_owned(),
        };
        Problem::with_errors(ProblemKind::InvalidParameters, vec![error])
    };
    match percent_decode_str(&spaced).decode_utf8() {
        Ok(decoded) if decoded.contains('\0') => Err(wrong("must not hold the character U+0000")),
        Ok(decoded) => Ok(decoded.into_owned()),
        Err(_) => Err(wrong("is not UTF-8 after percent-decoding")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_wrong_parameter_is_named() {
        let mut parameters = Parameters::parse("limit=0&limit=2&onwer=u-1&field.email=a%2Bb+c").unwrap();
        assert_eq!(parameters.limit(100, 1000), 100);
        assert_eq!(
            parameters.prefixed("field."),
            [("email".to_owned(), "a+b c".to_owned())]
        );
        let problem = parameters.finish().unwrap_err();
        assert_eq!(problem.kind(), ProblemKind::InvalidParameters);
        assert_eq!(problem.detail(), "see `errors`: limit, limit, onwer");
    }

    #[test]
    fn a_parameter_that_is_no_text_is_refused() {
        for query in ["owner=%FF", "owner=a%00", "%00=a"] {
            assert_eq!(
                Parameters::parse(query).unwrap_err().kind(),
                ProblemKind::InvalidParameters
            );
        }
    }
}
