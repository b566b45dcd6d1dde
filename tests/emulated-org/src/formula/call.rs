//! What the functions of formulas give.
//!
//! Source: Salesforce Help, Formula Operators and Functions, the page of each function. Where a value is missing the
//! result is missing too; texts that are missing count as empty.

use chrono::{DateTime, Datelike, Months, NaiveDate, NaiveDateTime, Utc};
use rust_decimal::{Decimal, RoundingStrategy};

use super::FormulaError;
use super::evaluate::{text, text_of, too_large};
use super::function::Function;
use crate::id::RecordId;
use crate::value::Value;

pub(super) fn call(function: Function, values: &[Value], now: DateTime<Utc>) -> Result<Value, FormulaError> {
    let at = |at: usize| values.get(at).unwrap_or(&Value::Null);
    let texts = |first: usize| text_of(at(first));
    if let Some(result) = of_no_number(function, &texts, now) {
        return Ok(result);
    }
    Ok(match function {
        Function::DateValue => date_value(at(0))?,
        Function::DateTimeValue => datetime_value(at(0))?,
        Function::Value => match texts(0).trim() {
            "" => Value::Null,
            number => Value::Number(
                Decimal::from_str_exact(number)
                    .ok()
                    .ok_or_else(|| FormulaError::new(format!("VALUE() cannot read {number:?}")))?,
            ),
        },
        Function::Year | Function::Month | Function::Day | Function::Weekday => match at(0) {
            Value::Date(day) => Value::Number(part(function, *day).into()),
            _ => Value::Null,
        },
        _ => match numbers(function, values) {
            None => Value::Null,
            Some(numbers) => with_numbers(function, values, &numbers)?,
        },
    })
}

/// Functions of texts, and those that take nothing.
fn of_no_number<'t>(
    function: Function,
    texts: &dyn Fn(usize) -> &'t str,
    now: DateTime<Utc>,
) -> Option<Value> {
    Some(match function {
        Function::Begins => Value::Boolean(texts(0).starts_with(texts(1))),
        Function::Contains => Value::Boolean(texts(0).contains(texts(1))),
        Function::Br => Value::text("\n"),
        Function::CaseSafeId => RecordId::parse(texts(0)).map_or(Value::Null, |id| Value::text(id.as_str())),
        Function::Len => Value::Number(texts(0).encode_utf16().count().into()),
        Function::Lower => text(texts(0).to_lowercase()),
        Function::Upper => text(texts(0).to_uppercase()),
        Function::Trim => text(texts(0).trim().to_owned()),
        Function::Substitute if texts(1).is_empty() => text(texts(0).to_owned()),
        Function::Substitute => text(texts(0).replace(texts(1), texts(2))),
        Function::Now => Value::DateTime(now),
        Function::Today => Value::Date(now.date_naive()),
        _ => return None,
    })
}

/// The numbers among the arguments; `None` where one of them is missing.
fn numbers(function: Function, values: &[Value]) -> Option<Vec<Decimal>> {
    let text_first = usize::from(matches!(
        function,
        Function::Left | Function::Right | Function::Mid | Function::LeftPad | Function::RightPad
    ));
    let skipped = match function {
        Function::Find => 2,
        Function::AddMonths => 1,
        _ => text_first,
    };
    let numbers = values.iter().skip(skipped).filter_map(|value| match value {
        Value::Number(number) => Some(Some(*number)),
        Value::Null => Some(None),
        _ => None,
    });
    numbers.collect()
}

fn with_numbers(function: Function, values: &[Value], numbers: &[Decimal]) -> Result<Value, FormulaError> {
    let number = |at: usize| numbers.get(at).copied().unwrap_or_default();
    let first_text = || values.first().map_or("", text_of);
    let count = |number: Decimal| usize::try_from(number.trunc()).unwrap_or(0);
    let decimal = |number: Decimal| Ok(Value::Number(number));
    match function {
        Function::Abs => decimal(number(0).abs()),
        // Away from zero and towards it: the functions that go by the number line begin with M.
        Function::Ceiling => decimal(number(0).round_dp_with_strategy(0, RoundingStrategy::AwayFromZero)),
        Function::Floor => decimal(number(0).trunc()),
        Function::MathCeiling => decimal(number(0).ceil()),
        Function::MathFloor => decimal(number(0).floor()),
        Function::Max => decimal(numbers.iter().copied().max().unwrap_or_default()),
        Function::Min => decimal(numbers.iter().copied().min().unwrap_or_default()),
        Function::Mod if number(1).is_zero() => Err(FormulaError::new("Division by zero")),
        Function::Mod => decimal(number(0) % number(1)),
        Function::Round => rounded(number(0), number(1), RoundingStrategy::MidpointAwayFromZero),
        Function::Trunc => rounded(number(0), number(1), RoundingStrategy::ToZero),
        Function::Left => Ok(text(first_text().chars().take(count(number(0))).collect())),
        Function::Right => {
            let characters: Vec<char> = first_text().chars().collect();
            let skipped = characters.len().saturating_sub(count(number(0)));
            Ok(text(characters.into_iter().skip(skipped).collect()))
        }
        Function::Mid => {
            let skipped = count(number(0)).saturating_sub(1);
            let length = count(number(1));
            Ok(text(first_text().chars().skip(skipped).take(length).collect()))
        }
        Function::LeftPad | Function::RightPad => Ok(padded(function, values, count(number(0)))),
        Function::Find => Ok(found(values, count(number(0)).max(1))),
        Function::Date => date(number(0), number(1), number(2)),
        Function::AddMonths => match values.first() {
            Some(Value::Date(day)) => add_months(*day, number(0)),
            _ => Ok(Value::Null),
        },
        _ => Ok(Value::Null),
    }
}

fn rounded(number: Decimal, digits: Decimal, strategy: RoundingStrategy) -> Result<Value, FormulaError> {
    let digits = i32::try_from(digits.trunc().mantissa())
        .ok()
        .ok_or_else(too_large)?;
    if let Ok(digits) = u32::try_from(digits) {
        return Ok(Value::Number(
            number.round_dp_with_strategy(digits.min(28), strategy),
        ));
    }
    // Digits before the point: in units of tens, hundreds and so on.
    let unit = Decimal::from(10_i64.checked_pow(digits.unsigned_abs()).ok_or_else(too_large)?);
    let units = (number / unit).round_dp_with_strategy(0, strategy);
    Ok(Value::Number(units.checked_mul(unit).ok_or_else(too_large)?))
}

fn padded(function: Function, values: &[Value], length: usize) -> Value {
    /// The longest text that a formula may give (Salesforce Help, Formula Field Limits).
    const LONGEST: usize = 3_900;
    let given = values.first().map_or("", text_of);
    let pad = match values.get(2) {
        Some(pad) if !text_of(pad).is_empty() => text_of(pad),
        _ => " ",
    };
    let missing = length.min(LONGEST).saturating_sub(given.chars().count());
    let padding: String = pad.chars().cycle().take(missing).collect();
    let cut: String = given.chars().take(length).collect();
    text(if function == Function::LeftPad {
        format!("{padding}{cut}")
    } else {
        format!("{cut}{padding}")
    })
}

/// Where a text stands in another, from 1; 0 where it does not.
fn found(values: &[Value], start: usize) -> Value {
    let wanted = values.first().map_or("", text_of);
    let all: String = values
        .get(1)
        .map_or("", text_of)
        .chars()
        .skip(start - 1)
        .collect();
    let place = all.split_once(wanted).filter(|_| !wanted.is_empty());
    let place = place.map_or(0, |(before, _)| before.chars().count() + start);
    Value::Number(place.into())
}

fn date(year: Decimal, month: Decimal, day: Decimal) -> Result<Value, FormulaError> {
    let whole = |number: Decimal| u32::try_from(number.trunc()).ok();
    whole(year)
        .filter(|year| (1700..=4000).contains(year))
        .and_then(|year| i32::try_from(year).ok())
        .zip(whole(month).zip(whole(day)))
        .and_then(|(year, (month, day))| NaiveDate::from_ymd_opt(year, month, day))
        .map(Value::Date)
        .ok_or_else(|| FormulaError::new(format!("DATE({year}, {month}, {day}) is no day")))
}

/// The last day of a month stays the last one (Salesforce Help, ADDMONTHS).
fn add_months(day: NaiveDate, months: Decimal) -> Result<Value, FormulaError> {
    let months = i32::try_from(months.trunc().mantissa())
        .ok()
        .ok_or_else(too_large)?;
    let span = Months::new(months.unsigned_abs());
    let moved = if months < 0 {
        day.checked_sub_months(span)
    } else {
        day.checked_add_months(span)
    };
    let moved = moved.ok_or_else(too_large)?;
    let was_last = day.succ_opt().is_some_and(|next| next.month() != day.month());
    let last = moved
        .with_day(1)
        .and_then(|first| first.checked_add_months(Months::new(1)))
        .and_then(|next| next.pred_opt());
    Ok(Value::Date(last.filter(|_| was_last).unwrap_or(moved)))
}

fn date_value(value: &Value) -> Result<Value, FormulaError> {
    match value {
        Value::DateTime(moment) => Ok(Value::Date(moment.date_naive())),
        Value::Date(day) => Ok(Value::Date(*day)),
        Value::Text(text) => NaiveDate::parse_from_str(text, "%Y-%m-%d")
            .map(Value::Date)
            .ok()
            .ok_or_else(|| FormulaError::new(format!("DATEVALUE() cannot read {text:?}"))),
        _ => Ok(Value::Null),
    }
}

fn datetime_value(value: &Value) -> Result<Value, FormulaError> {
    match value {
        Value::DateTime(moment) => Ok(Value::DateTime(*moment)),
        Value::Date(day) => Ok(day
            .and_hms_opt(0, 0, 0)
            .map_or(Value::Null, |moment| Value::DateTime(moment.and_utc()))),
        Value::Text(text) => NaiveDateTime::parse_from_str(text.trim_end_matches('Z'), "%Y-%m-%d %H:%M:%S")
            .map(|moment| Value::DateTime(moment.and_utc()))
            .ok()
            .ok_or_else(|| FormulaError::new(format!("DATETIMEVALUE() cannot read {text:?}"))),
        _ => Ok(Value::Null),
    }
}

fn part(function: Function, day: NaiveDate) -> i64 {
    match function {
        Function::Year => day.year().into(),
        Function::Month => day.month().into(),
        Function::Weekday => day.weekday().number_from_sunday().into(),
        _ => day.day().into(),
    }
}
