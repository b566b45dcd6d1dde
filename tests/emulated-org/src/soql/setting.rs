//! What a query's meaning depends on besides its text: the clock, the user, the API version.

use chrono::{DateTime, Datelike, Days, NaiveDate, TimeZone as _, Utc, Weekday};
use chrono_tz::Tz;

use crate::id::RecordId;

/// The surroundings of a query.
#[derive(Clone, Copy, Debug)]
pub struct Setting {
    /// The organisation's present moment.
    pub now: DateTime<Utc>,
    /// The time zone of the user, in which relative dates have their days.
    pub zone: Tz,
    /// The day on which the user's weeks begin.
    pub first_day_of_week: Weekday,
    /// The month, from 1, in which the organisation's fiscal year begins.
    pub first_fiscal_month: u32,
    /// Whether a fiscal year has the name of the calendar year in which it begins, not ends.
    pub fiscal_year_named_by_start: bool,
    /// Who asks; `None` for the platform itself.
    pub user: Option<RecordId>,
    /// The API version asked through, by its major number.
    pub version: u16,
    /// Whether Apex asks: its binds may stand for empty lists and make a query of any length.
    pub in_apex: bool,
}

impl Setting {
    /// The platform's own surroundings: GMT, weeks from Sunday, the newest version.
    #[must_use]
    pub fn of_platform(now: DateTime<Utc>) -> Self {
        Self {
            now,
            zone: Tz::UTC,
            first_day_of_week: Weekday::Sun,
            first_fiscal_month: 1,
            fiscal_year_named_by_start: true,
            user: None,
            version: u16::MAX,
            in_apex: false,
        }
    }

    /// The present day where the user is.
    #[must_use]
    pub fn today(&self) -> NaiveDate {
        self.now.with_timezone(&self.zone).date_naive()
    }

    /// The moment at which a day begins where the user is.
    #[must_use]
    pub fn beginning_of(&self, day: NaiveDate) -> DateTime<Utc> {
        let midnight = day.and_time(chrono::NaiveTime::MIN);
        // Some zones leap over midnight when summer time begins: the day then begins at one.
        let local = self.zone.from_local_datetime(&midnight).earliest().or_else(|| {
            let one = midnight.checked_add_signed(chrono::TimeDelta::hours(1))?;
            self.zone.from_local_datetime(&one).earliest()
        });
        local.map_or_else(|| midnight.and_utc(), |local| local.with_timezone(&Utc))
    }

    /// The first day of the week that has `day`.
    #[must_use]
    pub fn beginning_of_week(&self, day: NaiveDate) -> Option<NaiveDate> {
        let into_week = day.weekday().days_since(self.first_day_of_week);
        day.checked_sub_days(Days::new(into_week.into()))
    }
}

/// The day on which weeks begin for a locale such as `de_DE`. Source: Unicode CLDR, supplemental week data; that
/// Salesforce has the same days is believed (the SOQL and SOSL Reference only says that the locale decides).
#[must_use]
pub fn first_day_of_week(locale: &str) -> Weekday {
    const SUNDAY: [&str; 24] = [
        "BR", "CA", "CO", "DO", "GT", "HK", "HN", "ID", "IL", "IN", "JP", "KR", "MX", "NI", "PA", "PE", "PH",
        "SA", "SG", "SV", "TH", "TW", "US", "VE",
    ];
    const SATURDAY: [&str; 8] = ["AE", "BH", "DZ", "EG", "IQ", "JO", "KW", "QA"];
    let country = locale.split('_').find(|part| {
        let bytes = part.as_bytes();
        bytes.len() == 2 && bytes.iter().all(u8::is_ascii_uppercase)
    });
    match country {
        Some(country) if SUNDAY.contains(&country) => Weekday::Sun,
        Some(country) if SATURDAY.contains(&country) => Weekday::Sat,
        _ => Weekday::Mon,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_begin_at_the_users_midnight_summer_time_or_not() {
        let at = |zone: Tz, now: &str| Setting {
            zone,
            ..Setting::of_platform(now.parse().unwrap())
        };
        let berlin = at(Tz::Europe__Berlin, "2026-07-01T22:30:00Z");
        assert_eq!(berlin.today().to_string(), "2026-07-02");
        assert_eq!(
            berlin.beginning_of(berlin.today()).to_rfc3339(),
            "2026-07-01T22:00:00+00:00"
        );
        let new_york = at(Tz::America__New_York, "2026-01-10T03:00:00Z");
        assert_eq!(new_york.today().to_string(), "2026-01-09");
        assert_eq!(
            new_york.beginning_of(new_york.today()).to_rfc3339(),
            "2026-01-09T05:00:00+00:00"
        );
    }

    #[test]
    fn weeks_begin_by_the_locale() {
        assert_eq!(first_day_of_week("en_US"), Weekday::Sun);
        assert_eq!(first_day_of_week("de_DE"), Weekday::Mon);
        assert_eq!(first_day_of_week("ar_EG"), Weekday::Sat);
        assert_eq!(first_day_of_week("zh_Hans_CN"), Weekday::Mon);
    }
}
