//! Reading of TOML without showing any of it.

use figment::providers::{Format, Toml};
use serde::de::DeserializeOwned;

/// Reads TOML. What is said of a mistake holds its place and never the line itself, which may hold a secret.
///
/// # Errors
/// A text for the operator.
pub(crate) fn read<T: DeserializeOwned>(text: &str) -> Result<T, String> {
    Toml::from_str(text).map_err(|error| {
        let message = error.message().lines().collect::<Vec<_>>().join(", ");
        match error.span().and_then(|span| text.get(..span.start)) {
            Some(before) => {
                let line = before.matches('\n').count() + 1;
                let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
                format!("is no TOML at line {line}, column {column}: {message}")
            }
            None => format!("is no TOML: {message}"),
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mistake_is_told_by_its_place_and_never_by_its_line() {
        for (line, column) in [
            ("password = \"hunter2", 20),
            ("password = hunter2", 12),
            ("password = \"a\" hunter2", 16),
            ("hunter2", 8),
            ("password = \"hunter2\\q\"", 22),
        ] {
            let text = format!("[store]\n{line}\n");
            let said = read::<figment::value::Dict>(&text).unwrap_err();
            assert!(!said.contains("hunter2"), "{said}");
            assert!(
                said.starts_with(&format!("is no TOML at line 2, column {column}: ")),
                "{line}: {said}"
            );
        }
    }
}
