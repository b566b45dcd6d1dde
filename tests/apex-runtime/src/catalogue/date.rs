//! `Date` (Apex Reference Guide, "Date Class").

use chrono::{Datelike, Days, Months, NaiveDate};

use super::declaration::Declarations;
use crate::run::value::Value;
use crate::run::{Machine, Run};

pub(super) fn declare(catalogue: &mut Declarations) {
    catalogue
        .class("System.Date")
        .method(
            "static Date newInstance(Integer year, Integer month, Integer day)",
            new_instance,
        )
        .method("static Date today()", super::system::today)
        .method("static Date valueOf(String text)", parse)
        .method(
            "static Integer daysInMonth(Integer year, Integer month)",
            days_in_month,
        )
        .method("static Boolean isLeapYear(Integer year)", is_leap_year)
        .method("Date addDays(Integer days)", add_days)
        .method("Date addMonths(Integer months)", add_months)
        .method("Date addYears(Integer years)", add_years)
        .method("Integer day()", day)
        .method("Integer month()", month)
        .method("Integer year()", year)
        .method("Integer dayOfYear()", day_of_year)
        .method("Integer daysBetween(Date other)", days_between)
        .method("Integer monthsBetween(Date other)", months_between)
        .method("Boolean isSameDay(Date other)", is_same_day)
        .method("Date toStartOfMonth()", start_of_month)
        .method("Date toStartOfWeek()", start_of_week);
}

fn own(m: &Machine<'_>, this: &Value) -> Run<NaiveDate> {
    match this {
        Value::Date(date) => Ok(*date),
        _ => Err(m.null_pointer()),
    }
}

/// A date from numbers, lenient as Java's calendar: month 13 is January of the next year.
pub(super) fn lenient(m: &Machine<'_>, year: i32, month: i32, day: i32) -> Run<NaiveDate> {
    let zero = month - 1;
    let first = NaiveDate::from_ymd_opt(year + zero.div_euclid(12), 1, 1)
        .and_then(|d| d.checked_add_months(Months::new(u32::try_from(zero.rem_euclid(12)).unwrap_or(0))));
    first
        .and_then(|d| d.checked_add_signed(chrono::Duration::days(i64::from(day) - 1)))
        .ok_or_else(|| m.not_supported("a date outside the calendar"))
}

fn new_instance(m: &mut Machine<'_>, _: &Value, arguments: &[Value]) -> Run<Value> {
    let (year, month, day) = (
        m.integer(arguments, 0)?,
        m.integer(arguments, 1)?,
        m.integer(arguments, 2)?,
    );
    Ok(Value::Date(lenient(m, year, month, day)?))
}

/// `yyyy-MM-dd`, with or without a time behind it.
fn parse(m: &mut Machine<'_>, _: &Value, arguments: &[Value]) -> Run<Value> {
    let text = m.text(arguments, 0)?;
    let day = text.split(' ').next().unwrap_or_default();
    match NaiveDate::parse_from_str(day, "%Y-%m-%d") {
        Ok(date) => Ok(Value::Date(date)),
        Err(_) => Err(m.raise("TypeException", format!("Invalid date: {text}"))),
    }
}

fn days_in_month(m: &mut Machine<'_>, _: &Value, arguments: &[Value]) -> Run<Value> {
    let (year, month) = (m.integer(arguments, 0)?, m.integer(arguments, 1)?);
    let next = lenient(m, year, month + 1, 1)?;
    let length = next.signed_duration_since(lenient(m, year, month, 1)?).num_days();
    Ok(Value::Integer(i32::try_from(length).unwrap_or(0)))
}

fn is_leap_year(m: &mut Machine<'_>, _: &Value, arguments: &[Value]) -> Run<Value> {
    let year = m.integer(arguments, 0)?;
    Ok(Value::Boolean(NaiveDate::from_ymd_opt(year, 2, 29).is_some()))
}

fn outside(m: &Machine<'_>, date: Option<NaiveDate>) -> Run<Value> {
    date.map(Value::Date)
        .ok_or_else(|| m.not_supported("a date outside the calendar"))
}

fn add_days(m: &mut Machine<'_>, this: &Value, arguments: &[Value]) -> Run<Value> {
    let days = m.integer(arguments, 0)?;
    let magnitude = Days::new(u64::from(days.unsigned_abs()));
    let date = own(m, this)?;
    outside(
        m,
        if days < 0 {
            date.checked_sub_days(magnitude)
        } else {
            date.checked_add_days(magnitude)
        },
    )
}

/// The last day of a shorter month where the day does not exist.
fn shifted(m: &Machine<'_>, date: NaiveDate, months: i64) -> Run<Value> {
    let magnitude = Months::new(u32::try_from(months.abs()).unwrap_or(u32::MAX));
    outside(
        m,
        if months < 0 {
            date.checked_sub_months(magnitude)
        } else {
            date.checked_add_months(magnitude)
        },
    )
}

fn add_months(m: &mut Machine<'_>, this: &Value, arguments: &[Value]) -> Run<Value> {
    let months = i64::from(m.integer(arguments, 0)?);
    shifted(m, own(m, this)?, months)
}

fn add_years(m: &mut Machine<'_>, this: &Value, arguments: &[Value]) -> Run<Value> {
    let years = i64::from(m.integer(arguments, 0)?);
    shifted(m, own(m, this)?, years * 12)
}

fn number(value: u32) -> Value {
    Value::Integer(i32::try_from(value).unwrap_or(0))
}

fn day(m: &mut Machine<'_>, this: &Value, _: &[Value]) -> Run<Value> {
    Ok(number(own(m, this)?.day()))
}

fn month(m: &mut Machine<'_>, this: &Value, _: &[Value]) -> Run<Value> {
    Ok(number(own(m, this)?.month()))
}

fn year(m: &mut Machine<'_>, this: &Value, _: &[Value]) -> Run<Value> {
    Ok(Value::Integer(own(m, this)?.year()))
}

fn day_of_year(m: &mut Machine<'_>, this: &Value, _: &[Value]) -> Run<Value> {
    Ok(number(own(m, this)?.ordinal()))
}

fn days_between(m: &mut Machine<'_>, this: &Value, arguments: &[Value]) -> Run<Value> {
    let days = m
        .date(arguments, 0)?
        .signed_duration_since(own(m, this)?)
        .num_days();
    Ok(Value::Integer(i32::try_from(days).unwrap_or(0)))
}

/// Days are ignored: March 1 and March 31 are no month apart.
fn months_between(m: &mut Machine<'_>, this: &Value, arguments: &[Value]) -> Run<Value> {
    let (from, to) = (own(m, this)?, m.date(arguments, 0)?);
    let index = |d: NaiveDate| d.year() * 12 + i32::try_from(d.month0()).unwrap_or(0);
    Ok(Value::Integer(index(to) - index(from)))
}

fn is_same_day(m: &mut Machine<'_>, this: &Value, arguments: &[Value]) -> Run<Value> {
    Ok(Value::Boolean(own(m, this)? == m.date(arguments, 0)?))
}

fn start_of_month(m: &mut Machine<'_>, this: &Value, _: &[Value]) -> Run<Value> {
    let first = own(m, this)?.with_day(1);
    outside(m, first)
}

/// Weeks start on Sunday in en_US; other locales are refused.
fn start_of_week(m: &mut Machine<'_>, this: &Value, _: &[Value]) -> Run<Value> {
    if &*m.host.user().locale != "en_US" {
        return Err(m.not_supported("Date.toStartOfWeek outside en_US"));
    }
    let date = own(m, this)?;
    let since = u64::from(date.weekday().num_days_from_sunday());
    outside(m, date.checked_sub_days(Days::new(since)))
}
