//! How dates, moments and numbers are written, read strictly and exactly.
//!
//! chrono's own parsers take spaces, signs and years of any length, and a decimal parser that rounds would change
//! an amount without a word; what crosses the gateway must be what was written, or be refused.

use chrono::{DateTime, FixedOffset, NaiveDate, SecondsFormat, Utc};
use rust_decimal::Decimal;

use crate::Instant;

/// The digits that a number may have in all: what a 96-bit mantissa holds whatever the digits are. Salesforce
/// fields have at most 18.
const MOST_DIGITS: usize = 28;

/// Reads a calendar day, `2026-11-22`.
pub fn date(text: &str) -> Option<NaiveDate> {
    fits(text, "####-##-##")
        .then(|| NaiveDate::parse_from_str(text, "%Y-%m-%d").ok())
        .flatten()
}

/// Reads a moment: `2026-11-22T06:04:37.000+0000` as REST answers and Bulk results write it, or with `Z` or
/// `+00:00`; the fraction may be left out. A moment always names its zone.
pub fn date_time(text: &str) -> Option<Instant> {
    let (moment, zone) = match text.strip_suffix('Z') {
        Some(moment) => (moment, "+0000"),
        None => text.split_at_checked(text.rfind(['+', '-']).filter(|at| *at > 10)?)?,
    };
    let (whole, fraction) = moment.split_once('.').unwrap_or((moment, "0"));
    let understood = fits(whole, "####-##-##T##:##:##")
        && matches!(fraction.len(), 1..=9)
        && fraction.bytes().all(|byte| byte.is_ascii_digit())
        && (fits(zone, "+####") || fits(zone, "+##:##") || fits(zone, "-####") || fits(zone, "-##:##"));
    if !understood {
        return None;
    }
    let (hours, minutes) = (zone.get(1..3)?, zone.get(zone.len().checked_sub(2)?..)?);
    if minutes > "59" {
        return None;
    }
    DateTime::<FixedOffset>::parse_from_str(
        &format!("{whole}.{fraction}{}{hours}:{minutes}", zone.get(..1)?),
        "%Y-%m-%dT%H:%M:%S%.f%:z",
    )
    .ok()
    .map(|moment| moment.with_timezone(&Utc))
}

/// Writes a moment in UTC, with as many digits behind the seconds as it has.
pub fn write_date_time(moment: Instant) -> String {
    moment.to_rfc3339_opts(SecondsFormat::AutoSi, true)
}

/// Reads a number exactly: `1100.04`, `-5`, `1.5E3`. Zeros that carry no meaning fall away, so that `5.0` and `5`
/// are one value. `None` also for a number that cannot be kept exactly.
pub fn decimal(text: &str) -> Option<Decimal> {
    let (negative, unsigned) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text),
    };
    let (mantissa, exponent) = match unsigned.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, exponent.parse::<i32>().ok()?),
        None => (unsigned, 0),
    };
    let (whole, fraction) = match mantissa.split_once('.') {
        Some((_, "")) => return None,
        Some(parts) => parts,
        None => (mantissa, ""),
    };
    if whole.is_empty()
        || !whole
            .bytes()
            .chain(fraction.bytes())
            .all(|byte| byte.is_ascii_digit())
    {
        return None;
    }
    let digits = format!("{whole}{fraction}");
    let significant = digits.trim_start_matches('0');
    let kept = significant.trim_end_matches('0');
    if kept.is_empty() {
        return Some(Decimal::ZERO);
    }
    let dropped = i64::try_from(significant.len().checked_sub(kept.len())?).ok()?;
    let scale = i64::try_from(fraction.len()).ok()? - i64::from(exponent) - dropped;
    let padding = usize::try_from(scale.checked_neg()?.max(0)).ok()?;
    if kept.len().checked_add(padding)? > MOST_DIGITS {
        return None;
    }
    let mantissa: i128 = format!("{kept}{}", "0".repeat(padding)).parse().ok()?;
    Decimal::try_from_i128_with_scale(
        if negative { -mantissa } else { mantissa },
        u32::try_from(scale.max(0)).ok()?,
    )
    .ok()
}

/// Whether a text has the shape of a pattern in which `#` stands for a digit.
fn fits(text: &str, pattern: &str) -> bool {
    text.len() == pattern.len()
        && text.bytes().zip(pattern.bytes()).all(|(byte, expected)| {
            if expected == b'#' {
                byte.is_ascii_digit()
            } else {
                byte == expected
            }
        })
}

#[cfg(test)]
mod tests {
    use chrono::{NaiveTime, TimeZone};
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn moments_are_read_in_every_form_salesforce_writes() {
        let expected = Utc.with_ymd_and_hms(2026, 11, 22, 6, 4, 37).unwrap();
        for text in [
            "2026-11-22T06:04:37.000+0000",
            "2026-11-22T06:04:37.000Z",
            "2026-11-22T06:04:37Z",
            "2026-11-22T06:04:37+00:00",
            "2026-11-22T20:04:37.000+14:00",
            "2026-11-21T19:04:37.000-1100",
        ] {
            assert_eq!(date_time(text), Some(expected), "{text}");
        }
        assert_eq!(
            date_time("2026-11-22T06:04:37.123456Z").map(write_date_time),
            Some("2026-11-22T06:04:37.123456Z".to_owned())
        );
    }

    #[test]
    fn what_is_no_moment_is_refused() {
        for text in [
            "",
            "Z",
            "2026-11-22",
            "2026-11-22T06:04:37.000",
            "2026-11-22 06:04:37Z",
            "2026-13-22T06:04:37Z",
            "2026-11-22T25:04:37Z",
            "2026-11-22T06:04:37.Z",
            "2026-11-22T06:04:37.0000000001Z",
            "2026-11-22T06:04:37+0060",
            "2026-11-22T06:04:37+9900",
            "2026-11-22T06:04:37+00:00:00",
            "+2026-11-22T06:04:37Z",
            "2026-11-22T06:04:37.000é+00",
        ] {
            assert_eq!(date_time(text), None, "{text}");
        }
    }

    #[test]
    fn dates_are_read_strictly() {
        assert_eq!(date("2024-02-29"), NaiveDate::from_ymd_opt(2024, 2, 29));
        for text in [
            "",
            "2023-02-29",
            "24-02-29",
            "02/29/2024",
            " 2024-02-29",
            "2024-2-29",
            "2024-02-29T00:00:00Z",
        ] {
            assert_eq!(date(text), None, "{text}");
        }
    }

    #[test]
    fn numbers_are_exact_and_in_one_form() {
        for (text, written) in [
            ("1100.04", "1100.04"),
            ("5.0", "5"),
            ("5", "5"),
            ("0", "0"),
            ("-0.00", "0"),
            ("-12.50", "-12.5"),
            ("1.5E3", "1500"),
            ("1.23456789E8", "123456789"),
            ("1e-7", "0.0000001"),
            ("12e+2", "1200"),
            ("0E400", "0"),
            ("007", "7"),
            ("123456789012345678.99", "123456789012345678.99"),
            ("0.1000000000000000055511151231", "0.1000000000000000055511151231"),
        ] {
            assert_eq!(decimal(text).unwrap().to_string(), written, "{text}");
        }
    }

    #[test]
    fn what_is_no_exact_number_is_refused() {
        for text in [
            "",
            "-",
            ".",
            ".5",
            "5.",
            "+5",
            "1,5",
            "1 000",
            "0x10",
            "NaN",
            "1e",
            "1e2.5",
            "1e29",
            "1e-29",
            "99999999999999999999999999999",
            "1e999999999999",
            "١",
        ] {
            assert_eq!(decimal(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn numbers_survive_being_written_and_read(mantissa in -1_000_000_000_000_000_000i64..1_000_000_000_000_000_000, scale in 0u32..18) {
            let number = Decimal::new(mantissa, scale);
            prop_assert_eq!(decimal(&number.to_string()), Some(number));
        }

        #[test]
        fn moments_survive_every_zone(seconds in -8_000_000_000i64..60_000_000_000, millis in 0u32..1000, quarter_hours in -44i32..=56) {
            let moment = DateTime::from_timestamp(seconds, millis * 1_000_000).unwrap();
            let zone = FixedOffset::east_opt(quarter_hours * 15 * 60).unwrap();
            let local = moment.with_timezone(&zone);
            prop_assert_eq!(date_time(&local.format("%Y-%m-%dT%H:%M:%S%.3f%z").to_string()), Some(moment));
            prop_assert_eq!(date_time(&local.format("%Y-%m-%dT%H:%M:%S%.3f%:z").to_string()), Some(moment));
            prop_assert_eq!(date_time(&write_date_time(moment)), Some(moment));
        }

        #[test]
        fn a_date_is_never_shifted(days in -100_000i64..700_000, hour in 0u32..24) {
            let midnight = NaiveTime::from_hms_opt(hour, 0, 0).unwrap();
            let day = DateTime::from_timestamp(days * 86_400, 0).unwrap().date_naive();
            prop_assert_eq!(date(&day.and_time(midnight).format("%Y-%m-%d").to_string()), Some(day));
        }

        #[test]
        fn whatever_is_understood_is_written_back_in_one_form(text in "[-+0-9.eE:TZ]{0,26}|\\PC{0,40}") {
            if let Some(number) = decimal(&text) {
                prop_assert_eq!(decimal(&number.to_string()), Some(number));
            }
            if let Some(moment) = date_time(&text) {
                prop_assert_eq!(date_time(&write_date_time(moment)), Some(moment));
            }
            if let Some(day) = date(&text) {
                prop_assert_eq!(day.to_string(), text);
            }
        }
    }
}
