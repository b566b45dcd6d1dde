//! The cron expressions of `System.schedule`: seconds, minutes, hours, day of month, month, day of week, year.
//!
//! Source: Apex Developer Guide, Using the System.schedule Method. `L`, `W` and `#` are not supported.

use std::collections::BTreeSet;

use chrono::{DateTime, Datelike as _, Days, NaiveDate, TimeZone as _, Utc};
use chrono_tz::Tz;

const MONTHS: [&str; 12] = [
    "JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC",
];
const DAYS: [&str; 7] = ["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"];
/// Years that are looked through before an expression counts as one that never fires.
const YEARS: u64 = 75;

/// When something runs.
#[derive(Debug)]
pub(super) struct Cron {
    second: u32,
    minute: u32,
    hours: BTreeSet<u32>,
    days: BTreeSet<u32>,
    months: BTreeSet<u32>,
    weekdays: BTreeSet<u32>,
    years: Option<BTreeSet<u32>>,
}

impl Cron {
    /// Reads an expression; the error is what Apex says.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let parts: Vec<&str> = text.split_whitespace().collect();
        let ([second, minute, hours, days, months, weekdays], year) = match parts.as_slice() {
            [a, b, c, d, e, f] => ([*a, *b, *c, *d, *e, *f], None),
            [a, b, c, d, e, f, year] => ([*a, *b, *c, *d, *e, *f], Some(*year)),
            _ => return Err(format!("Unexpected end of expression: {text}")),
        };
        if text.contains(['L', 'W', '#']) && text.split_whitespace().any(is_special) {
            return Err(format!("not supported: L, W and # in the cron expression {text}"));
        }
        let one = |part: &str, most: u32| {
            let number = part.parse::<u32>().ok().filter(|number| *number <= most);
            // Seconds and minutes are one number each (Apex Developer Guide).
            number.ok_or_else(|| format!("Seconds and minutes must be specified as integers: {text}"))
        };
        let bad = || format!("Invalid cron expression: {text}");
        Ok(Self {
            second: one(second, 59)?,
            minute: one(minute, 59)?,
            hours: values(hours, 0, 23, &[]).ok_or_else(bad)?,
            days: values(days, 1, 31, &[]).ok_or_else(bad)?,
            months: values(months, 1, 12, &MONTHS).ok_or_else(bad)?,
            weekdays: values(weekdays, 1, 7, &DAYS).ok_or_else(bad)?,
            years: match year {
                Some(year) => Some(values(year, 1970, 2099, &[]).ok_or_else(bad)?),
                None => None,
            },
        })
    }

    /// The first moment after another, as clocks of a zone show it.
    pub(super) fn next(&self, after: DateTime<Utc>, zone: Tz) -> Option<DateTime<Utc>> {
        let first = after.with_timezone(&zone).date_naive();
        (0..YEARS * 366)
            .map_while(|days| first.checked_add_days(Days::new(days)))
            .filter(|day| self.has(*day))
            .find_map(|day| {
                let moments = self.hours.iter().filter_map(|hour| {
                    let local = day.and_hms_opt(*hour, self.minute, self.second)?;
                    Some(zone.from_local_datetime(&local).earliest()?.with_timezone(&Utc))
                });
                moments.into_iter().find(|moment| *moment > after)
            })
    }

    fn has(&self, day: NaiveDate) -> bool {
        let year = u32::try_from(day.year()).unwrap_or_default();
        self.months.contains(&day.month())
            && self.days.contains(&day.day())
            && self.weekdays.contains(&day.weekday().number_from_sunday())
            && self.years.as_ref().is_none_or(|years| years.contains(&year))
    }
}

/// Whether a part has a letter with a meaning of its own, not a name.
fn is_special(part: &str) -> bool {
    part.contains('#')
        || part.split([',', '-', '/']).any(|item| {
            let rest = item.trim_start_matches(|c: char| c.is_ascii_digit());
            matches!(rest, "L" | "W" | "LW")
        })
}

fn values(part: &str, least: u32, most: u32, names: &[&str]) -> Option<BTreeSet<u32>> {
    let number = |text: &str| {
        let named = names.iter().position(|name| name.eq_ignore_ascii_case(text));
        let number = match named {
            Some(at) => u32::try_from(at).ok()? + 1,
            None => text.parse().ok()?,
        };
        (least..=most).contains(&number).then_some(number)
    };
    let mut found = BTreeSet::new();
    for item in part.split(',') {
        let (range, step) = match item.split_once('/') {
            Some((range, step)) => (range, step.parse::<u32>().ok().filter(|step| *step > 0)?),
            None => (item, 1),
        };
        let (from, to) = match range {
            "*" | "?" => (least, most),
            range => match range.split_once('-') {
                Some((from, to)) => (number(from)?, number(to)?),
                None if item.contains('/') => (number(range)?, most),
                None => (number(range)?, number(range)?),
            },
        };
        let step = usize::try_from(step).ok()?;
        found.extend((from..=to).step_by(step));
    }
    (!found.is_empty()).then_some(found)
}
