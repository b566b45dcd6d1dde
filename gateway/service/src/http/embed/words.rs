//! What a page says, in the languages that it speaks.

use causeway_core::decide::HeldReason;
use causeway_core::record::FieldValue;
use chrono::{DateTime, NaiveDate, Utc};

use crate::app::read::References;
use crate::app::read::panel::PanelStanding;

/// A language of the page.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Language {
    /// English.
    #[default]
    English,
    /// German.
    German,
}

impl Language {
    /// The language of this code.
    pub fn parse(code: &str) -> Option<Language> {
        [Language::English, Language::German]
            .into_iter()
            .find(|language| language.code() == code)
    }

    /// Its code.
    pub fn code(self) -> &'static str {
        self.pick("en", "de")
    }

    fn pick<T>(self, english: T, german: T) -> T {
        match self {
            Language::English => english,
            Language::German => german,
        }
    }

    /// How a record stands, in the words of those who work with it.
    pub fn standing(self, standing: &PanelStanding) -> &'static str {
        match standing {
            PanelStanding::UpToDate => self.pick("Up to date", "Aktuell"),
            PanelStanding::Waiting => self.pick(
                "Waiting: a change is on its way",
                "Wartet: eine Änderung ist unterwegs",
            ),
            PanelStanding::Held {
                reason: HeldReason::Ambiguous { .. },
                ..
            } => self.pick(
                "Held: several records match",
                "Angehalten: mehrere Datensätze passen",
            ),
            PanelStanding::Held { .. } => self.pick(
                "Held: an admin has to look at it",
                "Angehalten: ein Admin muss es prüfen",
            ),
            PanelStanding::NotLinked => {
                self.pick("Not linked with the partner", "Nicht mit dem Partner verknüpft")
            }
            PanelStanding::NotSynced => self.pick("Not synchronized", "Wird nicht synchronisiert"),
            PanelStanding::Deleted => self.pick("Deleted", "Gelöscht"),
        }
    }

    /// Heading of the page of an object.
    pub fn heading(self) -> &'static str {
        self.pick("Partner data", "Partnerdaten")
    }

    /// What stands where a page cannot be opened any more.
    pub fn gone(self) -> &'static str {
        self.pick(
            "This page was open for too long. Reload the record.",
            "Diese Seite war zu lange offen. Laden Sie den Datensatz neu.",
        )
    }

    /// What the page says by which an org sees whether pages are shown.
    pub fn shown(self) -> &'static str {
        self.pick(
            "Pages of the gateway are shown here.",
            "Seiten des Gateways werden hier angezeigt.",
        )
    }

    /// What stands where the gateway cannot answer now.
    pub fn unavailable(self) -> &'static str {
        self.pick(
            "This page cannot be shown at the moment. Reload the record in a minute.",
            "Diese Seite kann gerade nicht angezeigt werden. Laden Sie den Datensatz in einer Minute neu.",
        )
    }

    /// What stands where a record has no values to show.
    pub fn nothing(self) -> &'static str {
        self.pick("There is nothing to show.", "Es gibt nichts anzuzeigen.")
    }

    /// A moment, in UTC: where the reader is, is not known.
    pub fn moment(self, at: DateTime<Utc>) -> String {
        let form = self.pick("%-d %b %Y, %H:%M UTC", "%d.%m.%Y, %H:%M UTC");
        at.format(form).to_string()
    }

    fn day(self, day: NaiveDate) -> String {
        day.format(self.pick("%-d %b %Y", "%d.%m.%Y")).to_string()
    }

    /// A value as people read it.
    pub fn value(self, value: Option<&FieldValue>, references: &References) -> String {
        match value {
            None | Some(FieldValue::Null) => String::new(),
            Some(FieldValue::Text(text)) => text.clone(),
            Some(FieldValue::Boolean(true)) => self.pick("Yes", "Ja").to_owned(),
            Some(FieldValue::Boolean(false)) => self.pick("No", "Nein").to_owned(),
            Some(FieldValue::Number(number)) => self.number(&number.to_string()),
            Some(FieldValue::Date(day)) => self.day(*day),
            Some(FieldValue::DateTime(at)) => self.moment(*at),
            Some(FieldValue::Choices(choices)) => choices.join(", "),
            Some(FieldValue::Reference(id)) => match references.find(*id) {
                Some((object, record)) => format!("{} {record}", label(object)),
                None => String::new(),
            },
            Some(FieldValue::Record(id)) => match references.unmade(*id) {
                Some((object, _)) => format!("{} {id}", label(object)),
                None => String::new(),
            },
        }
    }

    /// A decimal number with its thousands set apart.
    fn number(self, plain: &str) -> String {
        let (sign, digits) = match plain.strip_prefix('-') {
            Some(digits) => ("-", digits),
            None => ("", plain),
        };
        let (whole, fraction) = match digits.split_once('.') {
            Some((whole, fraction)) => (whole, Some(fraction)),
            None => (digits, None),
        };
        let (thousands, point) = self.pick((',', '.'), ('.', ','));
        let mut shown = sign.to_owned();
        for (at, digit) in whole.chars().enumerate() {
            if at > 0 && (whole.len() - at) % 3 == 0 {
                shown.push(thousands);
            }
            shown.push(digit);
        }
        if let Some(fraction) = fraction {
            shown.push(point);
            shown.push_str(fraction);
        }
        shown
    }
}

/// A field's or object's name as people read it: `last_name` is "Last name".
pub fn label(name: &str) -> String {
    let spaced = name.replace('_', " ");
    let mut letters = spaced.chars();
    match letters.next() {
        Some(first) => first.to_uppercase().chain(letters).collect(),
        None => spaced,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_written_as_the_language_writes_them() {
        let value =
            |language: Language, value: FieldValue| language.value(Some(&value), &References::default());
        let (en, de) = (Language::English, Language::German);
        for (plain, english, german) in [
            ("1234567.50", "1,234,567.50", "1.234.567,50"),
            ("-999", "-999", "-999"),
            ("0", "0", "0"),
        ] {
            let number = FieldValue::Number(plain.parse().unwrap());
            assert_eq!(value(en, number.clone()), english);
            assert_eq!(value(de, number), german);
        }
        let day = FieldValue::Date(NaiveDate::from_ymd_opt(1970, 1, 2).unwrap());
        assert_eq!(value(en, day.clone()), "2 Jan 1970");
        assert_eq!(value(de, day), "02.01.1970");
        assert_eq!(value(de, FieldValue::Boolean(true)), "Ja");
        assert_eq!(en.value(None, &References::default()), "");
        assert_eq!(label("last_name"), "Last name");
    }
}
