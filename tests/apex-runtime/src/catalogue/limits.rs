//! `Limits` (Apex Reference Guide, "Limits Class"). CPU time and heap are estimates and stop nothing, unless the
//! host says otherwise of CPU time: a thousand statements count as a millisecond, and the heap is what static variables
//! hold.

use super::declaration::Declarations;
use crate::run::limits::Limit;
use crate::run::value::Value;
use crate::run::{Machine, Run};

/// A pair of methods for a limit: used and maximum.
macro_rules! limits {
    ($($used:literal, $maximum:literal, $limit:ident;)*) => {
        pub(super) fn declare(catalogue: &mut Declarations) {
            let class = catalogue.class("System.Limits");
            estimates(class);
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

fn estimates(class: &mut super::ClassBuilder) {
    class
        .method("static Integer getCpuTime()", |m, _, _| {
            Ok(number(m.cpu_estimate()))
        })
        .method("static Integer getLimitCpuTime()", |m, _, _| {
            Ok(number(m.most_cpu()))
        })
        .method("static Integer getHeapSize()", |m, _, _| {
            Ok(number(m.heap_estimate()))
        })
        .method("static Integer getLimitHeapSize()", |m, _, _| {
            Ok(number(if m.limits.asynchronous {
                12_000_000
            } else {
                6_000_000
            }))
        })
        .method("static Integer getLimitAggregateQueries()", |_, _, _| {
            Ok(number(300))
        })
        .method("static Integer getLimitQueryLocatorRows()", |_, _, _| {
            Ok(number(10_000))
        })
        .method("static Integer getLimitAsyncCalls()", |_, _, _| Ok(number(200)))
        .method("static Integer getMobilePushApexCalls()", |_, _, _| Ok(number(0)))
        .method("static Integer getLimitMobilePushApexCalls()", |_, _, _| {
            Ok(number(10))
        });
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
