//! Date functions: `CALENDAR_YEAR(CreatedDate)`, `HOUR_IN_DAY(convertTimezone(CreatedDate))` and their kind.
//!
//! Source: SOQL and SOSL Reference, Date Functions and convertTimezone(). Without `convertTimezone()` the parts
//! of a datetime are those of UTC.

use chrono::{DateTime, Datelike, Months, NaiveDate, Timelike, Utc};
use chrono_tz::Tz;

use super::setting::Setting;
use crate::schema::FieldType;
use crate::value::Value;

/// What a date function takes from a date.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "each variant is the SOQL function of the same name")]
pub enum DatePart {
    CalendarMonth,
    CalendarQuarter,
    CalendarYear,
    DayInMonth,
    DayInWeek,
    DayInYear,
    DayOnly,
    FiscalMonth,
    FiscalQuarter,
    FiscalYear,
    HourInDay,
    WeekInMonth,
    WeekInYear,
}

/// A date function with the zone it counts in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DateFunction {
    /// What it takes.
    pub part: DatePart,
    /// Where the days and hours are.
    pub zone: Tz,
    first_fiscal_month: u32,
    fiscal_year_named_by_start: bool,
}

impl DatePart {
    /// Reads a function's name, in capitals.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Some(match name {
            "CALENDAR_MONTH" => Self::CalendarMonth,
            "CALENDAR_QUARTER" => Self::CalendarQuarter,
            "CALENDAR_YEAR" => Self::CalendarYear,
            "DAY_IN_MONTH" => Self::DayInMonth,
            "DAY_IN_WEEK" => Self::DayInWeek,
            "DAY_IN_YEAR" => Self::DayInYear,
            "DAY_ONLY" => Self::DayOnly,
            "FISCAL_MONTH" => Self::FiscalMonth,
            "FISCAL_QUARTER" => Self::FiscalQuarter,
            "FISCAL_YEAR" => Self::FiscalYear,
            "HOUR_IN_DAY" => Self::HourInDay,
            "WEEK_IN_MONTH" => Self::WeekInMonth,
            "WEEK_IN_YEAR" => Self::WeekInYear,
            _ => return None,
        })
    }

    /// Whether it can be taken from fields of a type.
    #[must_use]
    pub fn suits(self, kind: FieldType) -> bool {
        match self {
            Self::DayOnly | Self::HourInDay => kind == FieldType::Datetime,
            _ => matches!(kind, FieldType::Date | FieldType::Datetime),
        }
    }

    /// The type of what it gives.
    #[must_use]
    pub fn kind(self) -> FieldType {
        match self {
            Self::DayOnly => FieldType::Date,
            _ => FieldType::Int,
        }
    }
}

impl DateFunction {
    /// The function as a query means it; `converted` where its argument stands in `convertTimezone()`.
    #[must_use]
    pub fn new(part: DatePart, converted: bool, setting: &Setting) -> Self {
        Self {
            part,
            zone: if converted { setting.zone } else { Tz::UTC },
            first_fiscal_month: setting.first_fiscal_month,
            fiscal_year_named_by_start: setting.fiscal_year_named_by_start,
        }
    }

    /// What the function gives for a value; null for null.
    #[must_use]
    pub fn apply(self, value: &Value) -> Value {
        match value {
            Value::Date(date) => self.of_day(*date),
            Value::DateTime(instant) => self.of_moment(*instant),
            _ => Value::Null,
        }
    }

    fn of_moment(self, instant: DateTime<Utc>) -> Value {
        let local = instant.with_timezone(&self.zone);
        match self.part {
            DatePart::HourInDay => Value::Number(local.hour().into()),
            DatePart::DayOnly => Value::Date(local.date_naive()),
            _ => self.of_day(local.date_naive()),
        }
    }

    fn of_day(self, day: NaiveDate) -> Value {
        let number = match self.part {
            DatePart::CalendarMonth => day.month(),
            DatePart::CalendarQuarter => day.month0() / 3 + 1,
            DatePart::CalendarYear => return Value::Number(day.year().into()),
            DatePart::DayInMonth => day.day(),
            DatePart::DayInWeek => day.weekday().number_from_sunday(),
            DatePart::DayInYear => day.ordinal(),
            DatePart::FiscalMonth => self.fiscal_month0(day) + 1,
            DatePart::FiscalQuarter => self.fiscal_month0(day) / 3 + 1,
            DatePart::FiscalYear => return self.fiscal_year(day),
            // Both count weeks of seven days from the first of the month or year, whatever day that is.
            DatePart::WeekInMonth => day.day0() / 7 + 1,
            DatePart::WeekInYear => day.ordinal0() / 7 + 1,
            DatePart::DayOnly | DatePart::HourInDay => return Value::Null,
        };
        Value::Number(number.into())
    }

    fn fiscal_month0(self, day: NaiveDate) -> u32 {
        (day.month() + 12 - self.first_fiscal_month) % 12
    }

    fn fiscal_year(self, day: NaiveDate) -> Value {
        let months_before = Months::new(self.first_fiscal_month - 1);
        let first = day
            .with_day(1)
            .and_then(|first| first.checked_sub_months(months_before));
        let Some(began) = first else { return Value::Null };
        let named_by_end = self.first_fiscal_month > 1 && !self.fiscal_year_named_by_start;
        Value::Number((began.year() + i32::from(named_by_end)).into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn taken(name: &str, value: &Value, setting: &Setting, converted: bool) -> String {
        let part = DatePart::parse(name).unwrap();
        match DateFunction::new(part, converted, setting).apply(value) {
            Value::Number(number) => number.to_string(),
            Value::Date(date) => date.to_string(),
            other => format!("{other:?}"),
        }
    }

    #[test]
    fn each_function_takes_its_part() {
        let setting = Setting {
            first_fiscal_month: 3,
            fiscal_year_named_by_start: false,
            ..Setting::of_platform(DateTime::UNIX_EPOCH)
        };
        let moment = Value::DateTime("2026-02-08T21:30:00Z".parse().unwrap());
        for (name, expected) in [
            ("CALENDAR_MONTH", "2"),
            ("CALENDAR_QUARTER", "1"),
            ("CALENDAR_YEAR", "2026"),
            ("DAY_IN_MONTH", "8"),
            ("DAY_IN_WEEK", "1"),
            ("DAY_IN_YEAR", "39"),
            ("DAY_ONLY", "2026-02-08"),
            ("FISCAL_MONTH", "12"),
            ("FISCAL_QUARTER", "4"),
            ("FISCAL_YEAR", "2026"),
            ("HOUR_IN_DAY", "21"),
            ("WEEK_IN_MONTH", "2"),
            ("WEEK_IN_YEAR", "6"),
        ] {
            assert_eq!(taken(name, &moment, &setting, false), expected, "{name}");
        }
        assert_eq!(taken("CALENDAR_YEAR", &Value::Null, &setting, false), "Null");
    }

    #[test]
    fn parts_are_those_of_utc_unless_converted() {
        let setting = Setting {
            zone: Tz::Asia__Tokyo,
            ..Setting::of_platform(DateTime::UNIX_EPOCH)
        };
        let moment = Value::DateTime("2025-12-31T20:00:00Z".parse().unwrap());
        assert_eq!(taken("CALENDAR_YEAR", &moment, &setting, false), "2025");
        assert_eq!(taken("CALENDAR_YEAR", &moment, &setting, true), "2026");
        assert_eq!(taken("HOUR_IN_DAY", &moment, &setting, true), "5");
    }
}
