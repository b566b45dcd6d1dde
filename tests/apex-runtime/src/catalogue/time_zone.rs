//! `TimeZone` (Apex Reference Guide, "TimeZone Class"). Names for people are not known here.

use std::sync::Arc;

use chrono::{DateTime, Offset, TimeZone as _};
use chrono_tz::Tz;

use super::declaration::Declarations;
use crate::run::value::Value;
use crate::run::{Machine, Run};

pub(super) fn declare(catalogue: &mut Declarations) {
    catalogue
        .class("System.TimeZone")
        .method("static TimeZone getTimeZone(String id)", named)
        .method("String getID()", id)
        .method("Integer getOffset(Datetime moment)", offset)
        .method("String getDisplayName()", display_name)
        .method("String toString()", id);
}

/// A zone as an object.
pub(super) fn zone_object(m: &Machine<'_>, zone: Tz) -> Run<Value> {
    m.platform_object("System.TimeZone", zone)
}

fn named(m: &mut Machine<'_>, _: &Value, arguments: &[Value]) -> Run<Value> {
    let id = m.text(arguments, 0)?;
    match id.parse::<Tz>() {
        Ok(zone) => zone_object(m, zone),
        // The guide does not say what an unknown zone is.
        Err(_) => Err(m.not_supported(format!("the time zone {id}"))),
    }
}

fn id(m: &mut Machine<'_>, this: &Value, _: &[Value]) -> Run<Value> {
    m.with_state(this, |zone: &mut Tz| Value::String(Arc::from(zone.name())))
}

fn display_name(m: &mut Machine<'_>, _: &Value, _: &[Value]) -> Run<Value> {
    Err(m.not_supported("TimeZone.getDisplayName"))
}

/// Milliseconds to be added to GMT.
fn offset(m: &mut Machine<'_>, this: &Value, arguments: &[Value]) -> Run<Value> {
    let millis = m.datetime(arguments, 0)?;
    let Some(moment) = DateTime::from_timestamp_millis(millis) else {
        return Err(m.not_supported("this Datetime"));
    };
    m.with_state(this, |zone: &mut Tz| {
        let offset = zone.offset_from_utc_datetime(&moment.naive_utc());
        Value::Integer(offset.fix().local_minus_utc() * 1_000)
    })
}
