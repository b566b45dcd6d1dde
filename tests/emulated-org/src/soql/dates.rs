//! Relative date literals: `TODAY`, `LAST_N_DAYS:7`, `THIS_QUARTER` and their kind.
//!
//! Source: SOQL and SOSL Reference, Date Formats and Date Literals. Days are those of the user's time zone and
//! weeks begin as the user's locale has it.

use chrono::{Datelike, Days, Months, NaiveDate};

use super::setting::Setting;

/// A span of days named relative to the present day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RelativeDate {
    unit: Unit,
    first: i64,
    count: i64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Unit {
    Day,
    Week,
    Month,
    Quarter,
    Year,
    FiscalQuarter,
    FiscalYear,
}

/// The days a literal covers, the end excluded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DateSpan {
    /// The first day.
    pub start: NaiveDate,
    /// The day after the last.
    pub end: NaiveDate,
}

impl RelativeDate {
    /// Reads a literal; `count` is the number after the colon, where there is one. Case is ignored.
    ///
    /// `None` when the name is not a date literal, or has a count too many or too few.
    #[must_use]
    pub fn parse(name: &str, count: Option<i64>) -> Option<Self> {
        let upper = name.to_ascii_uppercase();
        let span = |unit, first, count| Some(Self { unit, first, count });
        let Some(n) = count else {
            return match upper.as_str() {
                "YESTERDAY" => span(Unit::Day, -1, 1),
                "TODAY" => span(Unit::Day, 0, 1),
                "TOMORROW" => span(Unit::Day, 1, 1),
                // The present day counts as well, so there is one day more than the name says.
                "LAST_90_DAYS" => span(Unit::Day, -90, 91),
                "NEXT_90_DAYS" => span(Unit::Day, 1, 90),
                other => {
                    let (which, unit) = other.split_once('_')?;
                    let first = match which {
                        "LAST" => -1,
                        "THIS" => 0,
                        "NEXT" => 1,
                        _ => return None,
                    };
                    span(Unit::singular(unit)?, first, 1)
                }
            };
        };
        if n < 0 {
            return None;
        }
        if let Some(unit) = upper.strip_prefix("LAST_N_") {
            // Only days include the present one.
            return match Unit::plural(unit)? {
                Unit::Day => span(Unit::Day, -n, n + 1),
                unit => span(unit, -n, n),
            };
        }
        if let Some(unit) = upper.strip_prefix("NEXT_N_") {
            return span(Unit::plural(unit)?, 1, n);
        }
        let unit = upper.strip_prefix("N_")?.strip_suffix("_AGO")?;
        span(Unit::plural(unit)?, -n, 1)
    }

    /// The days the literal covers at the present moment; `None` when they are beyond the calendar.
    #[must_use]
    pub fn span(self, setting: &Setting) -> Option<DateSpan> {
        let base = self.unit.start_of(setting.today(), setting)?;
        let start = self.unit.step(base, self.first)?;
        let end = self.unit.step(base, self.first.checked_add(self.count)?)?;
        Some(DateSpan { start, end })
    }
}

impl Unit {
    fn singular(name: &str) -> Option<Self> {
        Some(match name {
            "WEEK" => Self::Week,
            "MONTH" => Self::Month,
            "QUARTER" => Self::Quarter,
            "YEAR" => Self::Year,
            "FISCAL_QUARTER" => Self::FiscalQuarter,
            "FISCAL_YEAR" => Self::FiscalYear,
            _ => return None,
        })
    }

    fn plural(name: &str) -> Option<Self> {
        match name {
            "DAYS" => Some(Self::Day),
            other => Self::singular(other.strip_suffix('S')?),
        }
    }

    fn start_of(self, day: NaiveDate, setting: &Setting) -> Option<NaiveDate> {
        match self {
            Self::Day => Some(day),
            Self::Week => setting.beginning_of_week(day),
            Self::Month => day.with_day(1),
            Self::Quarter => day.with_day(1)?.with_month0(day.month0() / 3 * 3),
            Self::Year => NaiveDate::from_ymd_opt(day.year(), 1, 1),
            Self::FiscalQuarter | Self::FiscalYear => {
                let calendar = if self == Self::FiscalYear {
                    Self::Year
                } else {
                    Self::Quarter
                };
                let into_year = Months::new(setting.first_fiscal_month.saturating_sub(1));
                let shifted = day.with_day(1)?.checked_sub_months(into_year)?;
                calendar.start_of(shifted, setting)?.checked_add_months(into_year)
            }
        }
    }

    fn step(self, day: NaiveDate, steps: i64) -> Option<NaiveDate> {
        let months = match self {
            Self::Day => return step_days(day, steps),
            Self::Week => return step_days(day, steps.checked_mul(7)?),
            Self::Month => steps,
            Self::Quarter | Self::FiscalQuarter => steps.checked_mul(3)?,
            Self::Year | Self::FiscalYear => steps.checked_mul(12)?,
        };
        let distance = Months::new(u32::try_from(months.unsigned_abs()).ok()?);
        if months < 0 {
            day.checked_sub_months(distance)
        } else {
            day.checked_add_months(distance)
        }
    }
}

fn step_days(day: NaiveDate, days: i64) -> Option<NaiveDate> {
    let distance = Days::new(days.unsigned_abs());
    if days < 0 {
        day.checked_sub_days(distance)
    } else {
        day.checked_add_days(distance)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_literal_covers_its_days() {
        // A Wednesday.
        let setting = Setting::of_platform("2026-02-18T12:00:00Z".parse().unwrap());
        for (name, count, expected) in [
            ("TODAY", None, ("2026-02-18", "2026-02-19")),
            ("yesterday", None, ("2026-02-17", "2026-02-18")),
            ("TOMORROW", None, ("2026-02-19", "2026-02-20")),
            ("THIS_WEEK", None, ("2026-02-15", "2026-02-22")),
            ("LAST_WEEK", None, ("2026-02-08", "2026-02-15")),
            ("NEXT_WEEK", None, ("2026-02-22", "2026-03-01")),
            ("THIS_MONTH", None, ("2026-02-01", "2026-03-01")),
            ("LAST_MONTH", None, ("2026-01-01", "2026-02-01")),
            ("NEXT_MONTH", None, ("2026-03-01", "2026-04-01")),
            ("THIS_QUARTER", None, ("2026-01-01", "2026-04-01")),
            ("LAST_QUARTER", None, ("2025-10-01", "2026-01-01")),
            ("NEXT_FISCAL_QUARTER", None, ("2026-04-01", "2026-07-01")),
            ("THIS_YEAR", None, ("2026-01-01", "2027-01-01")),
            ("LAST_FISCAL_YEAR", None, ("2025-01-01", "2026-01-01")),
            ("LAST_90_DAYS", None, ("2025-11-20", "2026-02-19")),
            ("NEXT_90_DAYS", None, ("2026-02-19", "2026-05-20")),
            ("LAST_N_DAYS", Some(7), ("2026-02-11", "2026-02-19")),
            ("NEXT_N_DAYS", Some(2), ("2026-02-19", "2026-02-21")),
            ("N_DAYS_AGO", Some(3), ("2026-02-15", "2026-02-16")),
            ("LAST_N_WEEKS", Some(2), ("2026-02-01", "2026-02-15")),
            ("NEXT_N_MONTHS", Some(2), ("2026-03-01", "2026-05-01")),
            ("LAST_N_QUARTERS", Some(1), ("2025-10-01", "2026-01-01")),
            ("N_YEARS_AGO", Some(5), ("2021-01-01", "2022-01-01")),
            ("LAST_N_FISCAL_YEARS", Some(2), ("2024-01-01", "2026-01-01")),
        ] {
            let span = RelativeDate::parse(name, count).unwrap().span(&setting).unwrap();
            let expected = DateSpan {
                start: expected.0.parse().unwrap(),
                end: expected.1.parse().unwrap(),
            };
            assert_eq!(span, expected, "{name}:{count:?}");
        }
    }

    #[test]
    fn weeks_and_fiscal_years_begin_where_user_and_organisation_have_them() {
        let setting = Setting {
            first_day_of_week: chrono::Weekday::Mon,
            first_fiscal_month: 4,
            ..Setting::of_platform("2026-02-18T12:00:00Z".parse().unwrap())
        };
        for (name, start, end) in [
            ("THIS_WEEK", "2026-02-16", "2026-02-23"),
            ("THIS_FISCAL_QUARTER", "2026-01-01", "2026-04-01"),
            ("THIS_FISCAL_YEAR", "2025-04-01", "2026-04-01"),
            ("NEXT_FISCAL_YEAR", "2026-04-01", "2027-04-01"),
        ] {
            let span = RelativeDate::parse(name, None).unwrap().span(&setting).unwrap();
            assert_eq!(
                (span.start.to_string(), span.end.to_string()),
                (start.to_owned(), end.to_owned()),
                "{name}"
            );
        }
    }

    #[test]
    fn names_that_are_no_date_literals_are_not_read() {
        for (name, count) in [
            ("TODAYS", None),
            ("LAST_N_DAYS", None),
            ("TODAY", Some(1)),
            ("THIS_DAY", None),
            ("LAST_N_DAY", Some(2)),
            ("LAST_N_DAYS", Some(-2)),
        ] {
            assert_eq!(RelativeDate::parse(name, count), None, "{name}:{count:?}");
        }
    }
}
