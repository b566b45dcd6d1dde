//! Phone numbers the way Salesforce's pages format them.

/// A number in the form that record pages give it: ten digits, or eleven with a leading 1, become
/// `(415) 555-1212`; whatever begins with `+` or has another length stays as it is.
///
/// Source: Salesforce Help, Phone Number Formatting. The API stores what it is sent; organisations that want one
/// form for all format with a flow.
#[must_use]
pub fn formatted(number: &str) -> Option<String> {
    if number.contains(|character: char| !(character.is_ascii_digit() || " ()-.".contains(character))) {
        return None;
    }
    let digits: String = number.chars().filter(char::is_ascii_digit).collect();
    let national = match digits.len() {
        10 => digits.as_str(),
        11 => digits.strip_prefix('1')?,
        _ => return None,
    };
    let (area, rest) = national.split_at_checked(3)?;
    let (exchange, line) = rest.split_at_checked(3)?;
    Some(format!("({area}) {exchange}-{line}"))
}

#[cfg(test)]
mod tests {
    use super::formatted;

    #[test]
    fn ten_digits_are_formatted_and_other_numbers_left_alone() {
        for given in ["4155551212", "415-555-1212", "1 415 555 1212", "(415) 555-1212"] {
            assert_eq!(formatted(given).as_deref(), Some("(415) 555-1212"), "{given}");
        }
        for other in ["+14155551212", "555-1212", "24155551212", "4155551212 x7", ""] {
            assert_eq!(formatted(other), None, "{other}");
        }
    }
}
