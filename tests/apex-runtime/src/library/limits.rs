//! `Limits` (Apex Reference Guide, "Limits Class"): what is counted. CPU time and heap are not claimed.

use super::declaration::Declarations;
use crate::run::limits::Limit;
use crate::run::value::Value;
use crate::run::{Machine, Run};

/// A pair of methods for a limit: used and maximum.
macro_rules! limits {
    ($($used:literal, $maximum:literal, $limit:ident;)*) => {
        pub(super) fn declare(library: &mut Declarations) {
            let class = library.class("System.Limits");
            $({
                fn used(m: &mut Machine<'_>, _: &Value, _: &[Value]) -> Run<Value> {
                    Ok(number(m.limits.used(Limit::$limit)))
                }
                fn maximum(m: &mut Machine<'_>, _: &Value, _: &[Value]) -> Run<Value> {
                    Ok(number(m.limits.maximum(Limit::$limit)))
                }
                class.method(concat!("static Integer ", $used, "()"), used);
                class.method(concat!("static Integer ", $maximum, "()"), maximum);
            })*
        }
    };
}

fn number(count: u32) -> Value {
    Value::Integer(i32::try_from(count).unwrap_or(i32::MAX))
}

limits! {
    "getQueries", "getLimitQueries", Queries;
    "getQueryRows", "getLimitQueryRows", QueryRows;
    "getSoslQueries", "getLimitSoslQueries", Searches;
    "getDmlStatements", "getLimitDmlStatements", DmlStatements;
    "getDmlRows", "getLimitDmlRows", DmlRows;
    "getCallouts", "getLimitCallouts", Callouts;
    "getQueueableJobs", "getLimitQueueableJobs", QueueableJobs;
    "getFutureCalls", "getLimitFutureCalls", FutureCalls;
    "getEmailInvocations", "getLimitEmailInvocations", Emails;
    "getPublishImmediateDML", "getLimitPublishImmediateDML", PublishImmediate;
}
