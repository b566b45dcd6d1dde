//! `Time` (Apex Reference Guide, "Time Class").

use super::declaration::Declarations;
use crate::run::value::Value;
use crate::run::{Machine, Run};

const DAY: i32 = 86_400_000;

pub(super) fn declare(catalogue: &mut Declarations) {
    catalogue
        .class("System.Time")
        .method(
            "static Time newInstance(Integer hour, Integer minute, Integer second, Integer millis)",
            new_instance,
        )
        .method("Time addHours(Integer count)", add_hours)
        .method("Time addMinutes(Integer count)", add_minutes)
        .method("Time addSeconds(Integer count)", add_seconds)
        .method("Time addMilliseconds(Integer count)", add_milliseconds)
        .method("Integer hour()", hour)
        .method("Integer minute()", minute)
        .method("Integer second()", second)
        .method("Integer millisecond()", millisecond);
}

fn own(m: &Machine<'_>, this: &Value) -> Run<i32> {
    m.time(m.this(this), 0)
}

fn new_instance(m: &mut Machine<'_>, _: &Value, arguments: &[Value]) -> Run<Value> {
    let part = |index, limit: i32| match m.integer(arguments, index) {
        Ok(value) if (0..limit).contains(&value) => Ok(value),
        Ok(_) => Err(m.not_supported("Time.newInstance beyond a day's hours")),
        Err(error) => Err(error),
    };
    let (hour, minute, second, millis) = (part(0, 24)?, part(1, 60)?, part(2, 60)?, part(3, 1000)?);
    Ok(Value::Time(((hour * 60 + minute) * 60 + second) * 1000 + millis))
}

/// Past midnight the clock starts again.
fn shifted(m: &Machine<'_>, this: &Value, arguments: &[Value], unit: i64) -> Run<Value> {
    let sum = i64::from(own(m, this)?) + i64::from(m.integer(arguments, 0)?) * unit;
    Ok(Value::Time(
        i32::try_from(sum.rem_euclid(i64::from(DAY))).unwrap_or(0),
    ))
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

fn add_milliseconds(m: &mut Machine<'_>, this: &Value, arguments: &[Value]) -> Run<Value> {
    shifted(m, this, arguments, 1)
}

fn hour(m: &mut Machine<'_>, this: &Value, _: &[Value]) -> Run<Value> {
    Ok(Value::Integer(own(m, this)? / 3_600_000))
}

fn minute(m: &mut Machine<'_>, this: &Value, _: &[Value]) -> Run<Value> {
    Ok(Value::Integer(own(m, this)? / 60_000 % 60))
}

fn second(m: &mut Machine<'_>, this: &Value, _: &[Value]) -> Run<Value> {
    Ok(Value::Integer(own(m, this)? / 1000 % 60))
}

fn millisecond(m: &mut Machine<'_>, this: &Value, _: &[Value]) -> Run<Value> {
    Ok(Value::Integer(own(m, this)? % 1000))
}
