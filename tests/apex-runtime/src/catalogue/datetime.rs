//! `Datetime` (Apex Reference Guide, "Datetime Class"): a moment; parts without `Gmt` are the user's time zone's.

use chrono::{DateTime, Datelike, Months, NaiveDateTime, TimeZone, Timelike};
use chrono_tz::Tz;

use super::date::lenient;
use super::declaration::Declarations;
use crate::run::value::Value;
use crate::run::{Machine, Run};

pub(super) fn declare(catalogue: &mut Declarations) {
    catalogue
        .class("System.Datetime")
        .method("static Datetime now()", now)
        .method("static Datetime newInstance(Long millis)", from_millis)
        .method("static Datetime newInstance(Integer year, Integer month, Integer day)", local)
        .method("static Datetime newInstance(Integer year, Integer month, Integer day, Integer hour, Integer minute, Integer second)", local)
        .method("static Datetime newInstance(Date day, Time time)", from_parts)
        .method("static Datetime newInstanceGmt(Integer year, Integer month, Integer day)", gmt)
        .method("static Datetime newInstanceGmt(Integer year, Integer month, Integer day, Integer hour, Integer minute, Integer second)", gmt)
        .method("static Datetime newInstanceGmt(Date day, Time time)", from_parts_gmt)
        .method("static Datetime valueOf(String text)", parse)
        .method("static Datetime valueOfGmt(String text)", parse_gmt)
        .method("Datetime addDays(Integer count)", add_days)
        .method("Datetime addHours(Integer count)", add_hours)
        .method("Datetime addMinutes(Integer count)", add_minutes)
        .method("Datetime addSeconds(Integer count)", add_seconds)
        .method("Datetime addMonths(Integer count)", add_months)
        .method("Datetime addYears(Integer count)", add_years)
        .method("Long getTime()", get_time)
        .method("Date date()", date)
        .method("Date dateGmt()", date_gmt)
        .method("Time time()", time)
        .method("Time timeGmt()", time_gmt)
        .method("Integer year()", year)
        .method("Integer yearGmt()", year_gmt)
        .method("Integer month()", month)
        .method("Integer monthGmt()", month_gmt)
        .method("Integer day()", day)
        .method("Integer dayGmt()", day_gmt)
        .method("Integer hour()", hour)
        .method("Integer hourGmt()", hour_gmt)
        .method("Integer minute()", minute)
        .method("Integer minuteGmt()", minute_gmt)
        .method("Integer second()", second)
        .method("Integer secondGmt()", second_gmt)
        .method("Integer millisecond()", millisecond)
        .method("Integer millisecondGmt()", millisecond)
        .method("String format(String pattern)", format)
        .method("String format(String pattern, String zone)", format)
        .method("String formatGmt(String pattern)", format_gmt)
        .method("Boolean isSameDay(Datetime other)", is_same_day);
}

fn own(m: &Machine<'_>, this: &Value) -> Run<i64> {
    m.datetime(m.this(this), 0)
}

fn outside(m: &Machine<'_>) -> crate::run::Interrupt {
    m.not_supported("a moment outside the calendar")
}

fn in_zone(m: &Machine<'_>, millis: i64, zone: Tz) -> Run<DateTime<Tz>> {
    DateTime::from_timestamp_millis(millis)
        .map(|d| d.with_timezone(&zone))
        .ok_or_else(|| outside(m))
}

fn user_zone(m: &Machine<'_>) -> Tz {
    m.host.user().time_zone
}

/// The moment of a wall-clock time; the earlier one where clocks are set back.
fn moment(m: &Machine<'_>, wall: NaiveDateTime, zone: Tz) -> Run<Value> {
    match zone.from_local_datetime(&wall).earliest() {
        Some(found) => Ok(Value::Datetime(found.timestamp_millis())),
        None => Err(m.not_supported("a time that a change of clocks leaves out")),
    }
}

fn now(m: &mut Machine<'_>, _: &Value, _: &[Value]) -> Run<Value> {
    Ok(Value::Datetime(m.host.now()))
}

fn from_millis(m: &mut Machine<'_>, _: &Value, arguments: &[Value]) -> Run<Value> {
    Ok(Value::Datetime(m.long(arguments, 0)?))
}

fn built(m: &Machine<'_>, arguments: &[Value], zone: Tz) -> Run<Value> {
    let part = |index: usize| {
        if arguments.len() > index {
            m.integer(arguments, index)
        } else {
            Ok(0)
        }
    };
    let day = lenient(m, part(0)?, part(1)?, part(2)?)?;
    let seconds = (i64::from(part(3)?) * 60 + i64::from(part(4)?)) * 60 + i64::from(part(5)?);
    let wall = day
        .and_hms_opt(0, 0, 0)
        .and_then(|d| d.checked_add_signed(chrono::Duration::seconds(seconds)));
    moment(m, wall.ok_or_else(|| outside(m))?, zone)
}

fn local(m: &mut Machine<'_>, _: &Value, arguments: &[Value]) -> Run<Value> {
    built(m, arguments, user_zone(m))
}

fn gmt(m: &mut Machine<'_>, _: &Value, arguments: &[Value]) -> Run<Value> {
    built(m, arguments, Tz::UTC)
}

fn combined(m: &Machine<'_>, arguments: &[Value], zone: Tz) -> Run<Value> {
    let millis = i64::from(m.time(arguments, 1)?);
    let wall = m
        .date(arguments, 0)?
        .and_hms_opt(0, 0, 0)
        .and_then(|d| d.checked_add_signed(chrono::Duration::milliseconds(millis)));
    moment(m, wall.ok_or_else(|| outside(m))?, zone)
}

fn from_parts(m: &mut Machine<'_>, _: &Value, arguments: &[Value]) -> Run<Value> {
    combined(m, arguments, user_zone(m))
}

fn from_parts_gmt(m: &mut Machine<'_>, _: &Value, arguments: &[Value]) -> Run<Value> {
    combined(m, arguments, Tz::UTC)
}

fn parsed(m: &Machine<'_>, arguments: &[Value], zone: Tz) -> Run<Value> {
    let text = m.text(arguments, 0)?;
    match NaiveDateTime::parse_from_str(&text, "%Y-%m-%d %H:%M:%S") {
        Ok(wall) => moment(m, wall, zone),
        Err(_) => Err(m.raise("TypeException", format!("Invalid date/time: {text}"))),
    }
}

fn parse(m: &mut Machine<'_>, _: &Value, arguments: &[Value]) -> Run<Value> {
    parsed(m, arguments, user_zone(m))
}

fn parse_gmt(m: &mut Machine<'_>, _: &Value, arguments: &[Value]) -> Run<Value> {
    parsed(m, arguments, Tz::UTC)
}

fn shifted(m: &Machine<'_>, this: &Value, arguments: &[Value], unit: i64) -> Run<Value> {
    Ok(Value::Datetime(
        own(m, this)? + i64::from(m.integer(arguments, 0)?) * unit,
    ))
}

/// By the wall clock: a day with a change of clocks is not 24 hours long.
fn add_days(m: &mut Machine<'_>, this: &Value, arguments: &[Value]) -> Run<Value> {
    let zone = user_zone(m);
    let wall = in_zone(m, own(m, this)?, zone)?.naive_local();
    let days = chrono::Duration::days(i64::from(m.integer(arguments, 0)?));
    moment(m, wall.checked_add_signed(days).ok_or_else(|| outside(m))?, zone)
}

fn add_hours(m: &mut Machine<'_>, this: &Value, arguments: &[Value]) -> Run<Value> {
    shifted(m, this, arguments, 3_600_000)
}

fn add_minutes(m: &mut Machine<'_>, this: &Value, arguments: &[Value]) -> Run<Value> {
    shifted(m, this, arguments, 60_000)
}

fn add_seconds(m: &mut Machine<'_>, this: &Value, arguments: &[Value]) -> Run<Value> {
    shifted(m, this, arguments, 1000)
}

fn by_months(m: &Machine<'_>, this: &Value, months: i64) -> Run<Value> {
    let zone = user_zone(m);
    let wall = in_zone(m, own(m, this)?, zone)?.naive_local();
    let magnitude = Months::new(u32::try_from(months.abs()).unwrap_or(u32::MAX));
    let wall = if months < 0 {
        wall.checked_sub_months(magnitude)
    } else {
        wall.checked_add_months(magnitude)
    };
    moment(m, wall.ok_or_else(|| outside(m))?, zone)
}

fn add_months(m: &mut Machine<'_>, this: &Value, arguments: &[Value]) -> Run<Value> {
    by_months(m, this, i64::from(m.integer(arguments, 0)?))
}

fn add_years(m: &mut Machine<'_>, this: &Value, arguments: &[Value]) -> Run<Value> {
    by_months(m, this, i64::from(m.integer(arguments, 0)?) * 12)
}

fn get_time(m: &mut Machine<'_>, this: &Value, _: &[Value]) -> Run<Value> {
    Ok(Value::Long(own(m, this)?))
}

/// A part in the user's time zone and the same part in GMT.
macro_rules! parts {
    ($($local:ident, $gmt:ident => $part:expr;)*) => {
        $(
            fn $local(m: &mut Machine<'_>, this: &Value, _: &[Value]) -> Run<Value> {
                let part: fn(DateTime<Tz>) -> Value = $part;
                Ok(part(in_zone(m, own(m, this)?, user_zone(m))?))
            }
            fn $gmt(m: &mut Machine<'_>, this: &Value, _: &[Value]) -> Run<Value> {
                let part: fn(DateTime<Tz>) -> Value = $part;
                Ok(part(in_zone(m, own(m, this)?, Tz::UTC)?))
            }
        )*
    };
}

fn number(value: u32) -> Value {
    Value::Integer(i32::try_from(value).unwrap_or(0))
}

parts! {
    date, date_gmt => |d| Value::Date(d.date_naive());
    time, time_gmt => |d| {
        let millis = d.num_seconds_from_midnight() * 1000 + d.timestamp_subsec_millis();
        Value::Time(i32::try_from(millis).unwrap_or(0))
    };
    year, year_gmt => |d| Value::Integer(d.year());
    month, month_gmt => |d| number(d.month());
    day, day_gmt => |d| number(d.day());
    hour, hour_gmt => |d| number(d.hour());
    minute, minute_gmt => |d| number(d.minute());
    second, second_gmt => |d| number(d.second());
}

fn millisecond(m: &mut Machine<'_>, this: &Value, _: &[Value]) -> Run<Value> {
    Ok(Value::Integer(
        i32::try_from(own(m, this)?.rem_euclid(1000)).unwrap_or(0),
    ))
}

fn is_same_day(m: &mut Machine<'_>, this: &Value, arguments: &[Value]) -> Run<Value> {
    let zone = user_zone(m);
    let (a, b) = (
        in_zone(m, own(m, this)?, zone)?,
        in_zone(m, m.datetime(arguments, 0)?, zone)?,
    );
    Ok(Value::Boolean(a.date_naive() == b.date_naive()))
}

/// A pattern of Java's SimpleDateFormat, letter by letter; letters that are not here are refused.
fn formatted(m: &Machine<'_>, moment: DateTime<Tz>, pattern: &str) -> Run<Value> {
    let mut out = String::new();
    let mut chars = pattern.chars().peekable();
    while let Some(c) = chars.next() {
        if c == '\'' {
            if chars.next_if_eq(&'\'').is_some() {
                out.push('\'');
                continue;
            }
            while let Some(inner) = chars.next() {
                if inner != '\'' {
                    out.push(inner);
                } else if chars.next_if_eq(&'\'').is_some() {
                    out.push('\'');
                } else {
                    break;
                }
            }
            continue;
        }
        if !c.is_ascii_alphabetic() {
            out.push(c);
            continue;
        }
        let mut count = 1;
        while chars.next_if_eq(&c).is_some() {
            count += 1;
        }
        let padded = |value: i64| format!("{value:0count$}");
        let text = match (c, count) {
            ('y', 2) => moment.format("%y").to_string(),
            ('y', _) => padded(i64::from(moment.year())),
            ('M', 1 | 2) => padded(i64::from(moment.month())),
            ('M', 3) => moment.format("%b").to_string(),
            ('M', _) => moment.format("%B").to_string(),
            ('d', _) => padded(i64::from(moment.day())),
            ('D', _) => padded(i64::from(moment.ordinal())),
            ('H', _) => padded(i64::from(moment.hour())),
            ('k', _) => padded(i64::from(if moment.hour() == 0 { 24 } else { moment.hour() })),
            ('K', _) => padded(i64::from(moment.hour() % 12)),
            ('h', _) => padded(i64::from(moment.hour12().1)),
            ('m', _) => padded(i64::from(moment.minute())),
            ('s', _) => padded(i64::from(moment.second())),
            ('S', _) => padded(i64::from(moment.timestamp_subsec_millis())),
            ('a', _) => moment.format("%p").to_string(),
            ('E', 1..=3) => moment.format("%a").to_string(),
            ('E', _) => moment.format("%A").to_string(),
            ('u', _) => padded(i64::from(moment.weekday().number_from_monday())),
            ('Z', _) => moment.format("%z").to_string(),
            ('X', 3) if moment.format("%z").to_string() == "+0000" => "Z".into(),
            ('X', 3) => moment.format("%:z").to_string(),
            _ => return Err(m.not_supported(format!("the date pattern letter {c} ({count})"))),
        };
        out.push_str(&text);
    }
    Ok(Value::from(out))
}

fn format(m: &mut Machine<'_>, this: &Value, arguments: &[Value]) -> Run<Value> {
    let zone = match arguments.get(1) {
        Some(Value::String(name)) => name
            .parse::<Tz>()
            .ok()
            .ok_or_else(|| m.not_supported(format!("the time zone {name}")))?,
        _ => user_zone(m),
    };
    let pattern = m.text(arguments, 0)?;
    formatted(m, in_zone(m, own(m, this)?, zone)?, &pattern)
}

fn format_gmt(m: &mut Machine<'_>, this: &Value, arguments: &[Value]) -> Run<Value> {
    let pattern = m.text(arguments, 0)?;
    formatted(m, in_zone(m, own(m, this)?, Tz::UTC)?, &pattern)
}
