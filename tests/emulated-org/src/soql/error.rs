//! Why a query is refused, in Salesforce's words.

/// A refused query. It becomes one entry of the REST error array.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{code}: {message}")]
pub struct SoqlError {
    /// The `errorCode` of the answer, e.g. `MALFORMED_QUERY`.
    pub code: &'static str,
    /// The `message` of the answer; refusals that concern a place in the text start with the place.
    pub message: String,
}

impl SoqlError {
    /// The text is not SOQL, or not the part of SOQL that this org understands.
    #[must_use]
    pub fn malformed(message: impl Into<String>) -> Self {
        Self {
            code: "MALFORMED_QUERY",
            message: message.into(),
        }
    }

    /// The refusal that Salesforce gives for a token where another was needed.
    #[must_use]
    pub fn unexpected_token(token: &str) -> Self {
        Self::malformed(format!("unexpected token: '{token}'"))
    }

    /// SOQL that Salesforce accepts and the emulated org does not: said openly, so that nobody takes the
    /// refusal for Salesforce's own.
    #[must_use]
    pub fn unsupported(what: &str) -> Self {
        Self::malformed(format!("{what} is not supported by the emulated org"))
    }

    /// A refusal that points at a place of the query, as `describe` and filter errors do.
    #[must_use]
    pub fn at(code: &'static str, text: &str, place: usize, message: &str) -> Self {
        Self {
            code,
            message: format!("{}{message}", context(text, place)),
        }
    }
}

const BEFORE: usize = 40;
const AFTER: usize = 50;

/// The three lines that Salesforce puts before the reason: a piece of the query, a caret under `place`
/// (a byte offset) and the row and column, both counted from 1.
fn context(text: &str, place: usize) -> String {
    let (before, after) = text.split_at_checked(place).unwrap_or((text, ""));
    let row = before.matches('\n').count() + 1;
    let line_start: Vec<char> = before.chars().rev().take_while(|c| *c != '\n').collect();
    let column = line_start.len() + 1;
    let mut left: Vec<char> = line_start.into_iter().take(BEFORE).collect();
    let cut = left.len() < column - 1;
    left.reverse();
    let mut left: String = left.into_iter().collect();
    if cut && let Some((_, whole_words)) = left.split_once([' ', ',']) {
        left = whole_words.trim_start().to_owned();
    }
    let rest: Vec<char> = after.chars().take_while(|c| *c != '\n').collect();
    let mut right: String = rest.iter().take(AFTER).collect();
    if rest.len() > AFTER
        && let Some((whole_words, _)) = right.rsplit_once([' ', ','])
    {
        right = whole_words.to_owned();
    }
    let indent = " ".repeat(left.chars().count());
    format!("\n{left}{right}\n{indent}^\nERROR at Row:{row}:Column:{column}\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_short_query_is_shown_whole_with_a_caret() {
        let error = SoqlError::at("INVALID_FIELD", "SELECT X FROM Account", 7, "No.");
        assert_eq!(
            error.message,
            "\nSELECT X FROM Account\n       ^\nERROR at Row:1:Column:8\nNo."
        );
    }

    #[test]
    fn a_long_query_is_cut_at_whole_words_and_keeps_its_column() {
        let text = "SELECT AccountNumber, AnnualRevenue, BillingCity, BillingCountry, Nope, BillingStreet, \
                    Description, Industry FROM Account";
        let place = text.find("Nope").unwrap();
        let error = SoqlError::at("INVALID_FIELD", text, place, "No.");
        assert_eq!(
            error.message,
            "\nBillingCity, BillingCountry, Nope, BillingStreet, Description, Industry FROM\n\
             \u{20}                            ^\nERROR at Row:1:Column:67\nNo."
        );
    }

    #[test]
    fn rows_are_counted_and_only_the_row_at_fault_is_shown() {
        let error = SoqlError::at("INVALID_FIELD", "SELECT Id,\n  X\nFROM Account", 13, "No.");
        assert_eq!(error.message, "\n  X\n  ^\nERROR at Row:2:Column:3\nNo.");
    }
}
