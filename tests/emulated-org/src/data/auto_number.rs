//! Names that count themselves.

/// Fills the digits of a pattern such as `T-{0000}`. Date parts of a pattern are left as they are.
pub(super) fn formatted(pattern: &str, number: u64) -> String {
    let Some((before, rest)) = pattern.split_once("{0") else {
        return format!("{pattern}{number}");
    };
    let Some((zeros, after)) = rest.split_once('}') else {
        return format!("{pattern}{number}");
    };
    format!("{before}{number:0width$}{after}", width = zeros.len() + 1)
}

#[cfg(test)]
mod tests {
    use super::formatted;

    #[test]
    fn auto_numbers_fill_their_pattern() {
        assert_eq!(formatted("T-{0000}", 7), "T-0007");
        assert_eq!(formatted("{0}/x", 12), "12/x");
        assert_eq!(formatted("A-{00}", 1234), "A-1234");
    }
}
