//! The name that a caller may have meant.

/// The name nearest to what was written, if one is near: case and separators do not count, and a third of the letters
/// may differ.
pub(super) fn nearest<'a>(written: &str, names: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let wanted = letters(written);
    let tolerance = (wanted.len() / 3).max(2);
    names
        .filter_map(|name| {
            let candidate = letters(name);
            // Cheap, and true of most names: the distance is at least the difference in length.
            if candidate.len().abs_diff(wanted.len()) > tolerance {
                return None;
            }
            let away = distance(&wanted, &candidate);
            (away <= tolerance && away < candidate.len()).then_some((away, name))
        })
        .min()
        .map(|(_, name)| name)
}

fn letters(name: &str) -> Vec<char> {
    name.chars()
        .filter(|letter| letter.is_alphanumeric())
        .flat_map(char::to_lowercase)
        .collect()
}

/// Letters to insert, remove or replace between one and the other.
fn distance(from: &[char], to: &[char]) -> usize {
    let mut row: Vec<usize> = (0..=to.len()).collect();
    for (at, wanted) in from.iter().enumerate() {
        let mut above_left = at;
        let mut left = at + 1;
        for (place, letter) in row.iter_mut().skip(1).zip(to) {
            let replaced = above_left + usize::from(wanted != letter);
            above_left = *place;
            left = replaced.min(*place + 1).min(left + 1);
            *place = left;
        }
        if let Some(first) = row.first_mut() {
            *first = at + 1;
        }
    }
    row.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::nearest;

    #[test]
    fn the_nearest_name_is_found_and_none_that_is_far() {
        let names = ["last_name", "first_name", "email", "amount"];
        let meant = |written| nearest(written, names.into_iter());
        assert_eq!(meant("emial"), Some("email"));
        assert_eq!(meant("LastName"), Some("last_name"));
        assert_eq!(meant("fist_name"), Some("first_name"));
        assert_eq!(meant("shoe_size"), None);
        assert_eq!(meant(""), None);
        assert_eq!(
            nearest("kitten", ["sitting"].into_iter()),
            None,
            "three of six letters"
        );
    }
}
