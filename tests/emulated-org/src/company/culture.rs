//! What names, places and sentences look like in one country.

use std::borrow::Cow;

use super::cultures;

/// The words of one country. A word outside the Latin alphabet carries its romanized form behind a bar
/// (`山本|Yamamoto`); a family name with a feminine form carries that behind a tilde (`Nowacki~Nowacka`).
#[derive(Debug)]
pub struct Culture {
    /// The user locale, e.g. `de_DE`.
    pub locale: &'static str,
    /// The user interface language, one that Salesforce has.
    pub language: &'static str,
    /// The user time zone.
    pub time_zone: &'static str,
    /// The country as written in addresses.
    pub country: &'static str,
    pub women: &'static [&'static str],
    pub men: &'static [&'static str],
    pub families: &'static [&'static str],
    /// City, state (may be empty) and postal code pattern.
    pub cities: &'static [(&'static str, &'static str, &'static str)],
    /// Street lines, as patterns of [`Dice::fill`](crate::dice::Dice::fill).
    pub streets: &'static [&'static str],
    pub phone: &'static str,
    pub mobile: &'static str,
    /// The made-up names of companies.
    pub companies: &'static [&'static str],
    /// What companies do, as part of their name.
    pub trades: &'static [&'static str],
    /// Whole company names: `{name}` and `{trade}` are filled in.
    pub company_forms: &'static [&'static str],
    pub titles: &'static [&'static str],
    pub departments: &'static [&'static str],
    /// What is sold.
    pub goods: &'static [&'static str],
    /// What tasks are about.
    pub subjects: &'static [&'static str],
    /// The next step of a deal.
    pub steps: &'static [&'static str],
    /// Notes, one sentence each.
    pub notes: &'static [&'static str],
}

/// All countries, and how often each comes up.
pub static CULTURES: [(&Culture, u64); 10] = [
    (&cultures::american::AMERICAN, 24),
    (&cultures::british::BRITISH, 10),
    (&cultures::german::GERMAN, 18),
    (&cultures::french::FRENCH, 11),
    (&cultures::spanish::SPANISH, 9),
    (&cultures::polish::POLISH, 8),
    (&cultures::turkish::TURKISH, 6),
    (&cultures::japanese::JAPANESE, 7),
    (&cultures::arabic::ARABIC, 4),
    (&cultures::chinese::CHINESE, 3),
];

/// A word as written and its romanized form.
pub fn split(word: &str) -> (&str, Cow<'_, str>) {
    match word.split_once('|') {
        Some((native, roman)) => (native, Cow::Borrowed(roman)),
        None => (word, romanized(word)),
    }
}

/// A family name in the form for a woman or a man.
pub fn gendered(family: &str, woman: bool) -> &str {
    match family.split_once('~') {
        Some((_, feminine)) if woman => feminine,
        Some((masculine, _)) => masculine,
        None => family,
    }
}

/// Lower-case letters and digits alone, for domains and mail boxes.
pub fn mail_word(word: &str) -> String {
    let (_, roman) = split(word);
    roman
        .chars()
        .filter(char::is_ascii_alphanumeric)
        .map(|letter| letter.to_ascii_lowercase())
        .collect()
}

fn romanized(word: &str) -> Cow<'_, str> {
    if word.is_ascii() {
        return Cow::Borrowed(word);
    }
    let mut roman = String::with_capacity(word.len() + 4);
    for letter in word.chars() {
        match LETTERS.iter().find(|(from, _)| *from == letter) {
            Some((_, to)) => roman.push_str(to),
            None => roman.push(letter),
        }
    }
    Cow::Owned(roman)
}

const LETTERS: [(char, &str); 70] = [
    ('ä', "ae"),
    ('ö', "oe"),
    ('ü', "ue"),
    ('ß', "ss"),
    ('Ä', "Ae"),
    ('Ö', "Oe"),
    ('Ü', "Ue"),
    ('à', "a"),
    ('á', "a"),
    ('â', "a"),
    ('ã', "a"),
    ('ą', "a"),
    ('Á', "A"),
    ('À', "A"),
    ('Â', "A"),
    ('ç', "c"),
    ('ć', "c"),
    ('č', "c"),
    ('Ç', "C"),
    ('Ć', "C"),
    ('Č', "C"),
    ('é', "e"),
    ('è', "e"),
    ('ê', "e"),
    ('ë', "e"),
    ('ę', "e"),
    ('É', "E"),
    ('È', "E"),
    ('Ê', "E"),
    ('Ę', "E"),
    ('ğ', "g"),
    ('Ğ', "G"),
    ('í', "i"),
    ('ì', "i"),
    ('î', "i"),
    ('ï', "i"),
    ('ı', "i"),
    ('İ', "I"),
    ('Í', "I"),
    ('Î', "I"),
    ('ł', "l"),
    ('Ł', "L"),
    ('ñ', "n"),
    ('ń', "n"),
    ('Ñ', "N"),
    ('Ń', "N"),
    ('ó', "o"),
    ('ò', "o"),
    ('ô', "o"),
    ('õ', "o"),
    ('œ', "oe"),
    ('Ó', "O"),
    ('Ô', "O"),
    ('Œ', "Oe"),
    ('ś', "s"),
    ('ş', "s"),
    ('š', "s"),
    ('Ś', "S"),
    ('Ş', "S"),
    ('Š', "S"),
    ('ú', "u"),
    ('ù', "u"),
    ('û', "u"),
    ('Ú', "U"),
    ('ź', "z"),
    ('ż', "z"),
    ('ž', "z"),
    ('Ź', "Z"),
    ('Ż', "Z"),
    ('Ž', "Z"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_word_has_a_form_for_mail() {
        for (culture, _) in CULTURES {
            for word in [culture.women, culture.men, culture.companies].concat() {
                let mail = mail_word(word);
                assert!(mail.len() >= 2, "{}: {word} becomes {mail:?}", culture.locale);
                let (native, roman) = split(word);
                assert!(
                    roman.is_ascii() && !native.is_empty(),
                    "{}: {word}",
                    culture.locale
                );
            }
            for family in culture.families {
                for woman in [true, false] {
                    let mail = mail_word(gendered(family, woman));
                    assert!(mail.len() >= 2, "{}: {family} becomes {mail:?}", culture.locale);
                }
            }
        }
    }

    #[test]
    fn family_names_follow_their_bearer() {
        assert_eq!(gendered("Nowacki~Nowacka", true), "Nowacka");
        assert_eq!(gendered("Nowacki~Nowacka", false), "Nowacki");
        assert_eq!(mail_word("Größel-Żak"), "groesselzak");
        assert_eq!(split("山本|Yamamoto").0, "山本");
    }
}
