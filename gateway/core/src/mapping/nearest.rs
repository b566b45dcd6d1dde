//! Names that a person may have meant.

use std::fmt::Write as _;

/// ` Did you mean …?` with up to three of the names nearest to what was written, or nothing where none is near.
pub fn suggestion<'a>(written: &str, names: impl Iterator<Item = &'a str>) -> String {
    let wanted = plain(written);
    let tolerance = (wanted.chars().count() / 3).max(2);
    let mut near: Vec<(usize, &str)> = names
        .filter_map(|name| {
            let candidate = plain(name);
            let away = distance(&wanted, &candidate);
            let part = wanted.len() >= 4 && (candidate.contains(&wanted) || wanted.contains(&candidate));
            let near = away <= tolerance || (part && candidate.len() >= 4);
            near.then_some((away, name))
        })
        .collect();
    near.sort_unstable();
    let mut text = String::new();
    for (at, (_, name)) in near.iter().take(3).enumerate() {
        let before = if at == 0 { " Did you mean " } else { " or " };
        // Writing to a string cannot fail.
        if write!(text, "{before}`{name}`").is_err() {
            return String::new();
        }
    }
    if !text.is_empty() {
        text.push('?');
    }
    text
}

/// A name as a hurried person remembers it: without case, separators and the suffix of custom fields.
fn plain(name: &str) -> String {
    name.strip_suffix("__c")
        .unwrap_or(name)
        .chars()
        .filter(|letter| letter.is_alphanumeric())
        .flat_map(char::to_lowercase)
        .collect()
}

/// Edits (insert, remove, replace) from one text to the other.
fn distance(from: &str, to: &str) -> usize {
    let to: Vec<char> = to.chars().collect();
    let mut row: Vec<usize> = (0..=to.len()).collect();
    for (at, letter) in from.chars().enumerate() {
        let mut left = at + 1;
        let mut next = vec![left];
        for (other, pair) in to.iter().zip(row.windows(2)) {
            let &[diagonal, above] = pair else { continue };
            left = (above + 1)
                .min(left + 1)
                .min(diagonal + usize::from(letter != *other));
            next.push(left);
        }
        row = next;
    }
    row.last().copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn edits_are_counted() {
        for (from, to, edits) in [
            ("", "", 0),
            ("", "abc", 3),
            ("abc", "", 3),
            ("kitten", "sitting", 3),
            ("email", "email", 0),
        ] {
            assert_eq!(distance(from, to), edits, "{from} to {to}");
        }
    }

    #[test]
    fn near_names_are_offered_nearest_first() {
        let names = [
            "Email",
            "FirstName",
            "LastName",
            "Name",
            "Region__c",
            "MobilePhone",
        ];
        for (written, expected) in [
            ("Emial", " Did you mean `Email`?"),
            ("last_name", " Did you mean `LastName` or `Name`?"),
            ("Region", " Did you mean `Region__c`?"),
            ("Mobile", " Did you mean `MobilePhone`?"),
            ("Zzzzzzzz", ""),
        ] {
            assert_eq!(suggestion(written, names.into_iter()), expected);
        }
    }
}
