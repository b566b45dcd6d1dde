//! Names that count themselves.

use chrono::NaiveDate;

/// Fills a pattern such as `T-{YYYY}-{0000}` (Metadata API Developer Guide, `CustomField`, `displayFormat`; Salesforce
/// Help, Custom Field Types, Auto Number: `{YY}`, `{YYYY}`, `{MM}` and `{DD}` stand for the day of creation).
pub(super) fn formatted(pattern: &str, number: u64, day: NaiveDate) -> String {
    let mut pattern = pattern.to_owned();
    for (part, format) in [("{YYYY}", "%Y"), ("{YY}", "%y"), ("{MM}", "%m"), ("{DD}", "%d")] {
        if pattern.contains(part) {
            pattern = pattern.replace(part, &day.format(format).to_string());
        }
    }
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
    use chrono::NaiveDate;

    use super::formatted;

    #[test]
    fn auto_numbers_fill_their_pattern() {
        let day = NaiveDate::from_ymd_opt(2026, 3, 9).expect("a day");
        assert_eq!(formatted("T-{0000}", 7, day), "T-0007");
        assert_eq!(formatted("{0}/x", 12, day), "12/x");
        assert_eq!(formatted("A-{00}", 1234, day), "A-1234");
        assert_eq!(
            formatted("{YYYY}{MM}-{DD}.{YY}-{000}", 5, day),
            "202603-09.26-005"
        );
    }
}
