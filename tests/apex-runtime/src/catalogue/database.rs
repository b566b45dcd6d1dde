//! `Database` (Apex Reference Guide, "Database Class").

use std::sync::Arc;

use super::asynchronous::execute_batch;
use super::database_options::{CONVERT_LEAD, options_of};
use super::declaration::{Declarations, NativeFunction};
use crate::host::{AccessMode, DmlCall, DmlOptions, QueryAnswer, QueryCall};
use crate::run::dml::several;
use crate::run::limits::Limit;
use crate::run::value::Value;
use crate::run::{Machine, Run};
use crate::syntax::ast::DmlKind;
use crate::types::Type;

/// A cursor of `Database.getQueryLocator`.
#[derive(Debug, Clone)]
struct Locator {
    call: QueryCall,
}

/// What an iterator over a locator has not handed out yet, last first.
#[derive(Debug)]
struct LocatorIterator {
    rest: Vec<Value>,
}

#[derive(Debug, Clone, Copy)]
struct Savepoint {
    mark: u64,
    /// Whether something was uncommitted when it was set.
    uncommitted: bool,
    /// How many jobs and events a test had handed over then.
    jobs: usize,
    events: usize,
}

pub(super) fn declare(catalogue: &mut Declarations) {
    catalogue.enumeration("System.AccessLevel", &["SYSTEM_MODE", "USER_MODE"]);
    catalogue.class("System.Savepoint");
    catalogue
        .class("Database.QueryLocator")
        .method("String getQuery()", locator_text)
        .method("Database.QueryLocatorIterator iterator()", locator_iterator);
    catalogue
        .class("Database.QueryLocatorIterator")
        .extends("Iterator<SObject>")
        .method("Boolean hasNext()", has_next)
        .method("SObject next()", next);
    let class = catalogue.class("System.Database");
    for (name, result, function) in [
        ("insert", "SaveResult", insert as NativeFunction),
        ("update", "SaveResult", update),
        ("upsert", "UpsertResult", upsert),
        ("delete", "DeleteResult", delete),
        ("undelete", "UndeleteResult", undelete),
    ] {
        let by_id = matches!(name, "delete" | "undelete");
        let subjects: &[&str] = if by_id { &["SObject", "Id"] } else { &["SObject"] };
        for subject in subjects {
            for many in [false, true] {
                let (given, returned) = if many {
                    (format!("List<{subject}>"), format!("List<Database.{result}>"))
                } else {
                    ((*subject).to_owned(), format!("Database.{result}"))
                };
                let mut tails = vec![
                    "",
                    ", Boolean all",
                    ", AccessLevel level",
                    ", Boolean all, AccessLevel level",
                ];
                if !by_id {
                    tails.extend([
                        ", Database.DMLOptions options",
                        ", Database.DMLOptions options, AccessLevel level",
                    ]);
                }
                if name == "upsert" {
                    tails.extend([
                        ", SObjectField key",
                        ", SObjectField key, Boolean all",
                        ", SObjectField key, AccessLevel level",
                        ", SObjectField key, Boolean all, AccessLevel level",
                    ]);
                }
                for tail in tails {
                    class.method(
                        &format!("static {returned} {name}({given} subject{tail})"),
                        function,
                    );
                }
            }
        }
    }
    for duplicates in ["SObject", "Id", "List<SObject>", "List<Id>"] {
        let many = duplicates.starts_with("List");
        let returned = if many {
            "List<Database.MergeResult>"
        } else {
            "Database.MergeResult"
        };
        for tail in [
            "",
            ", Boolean all",
            ", AccessLevel level",
            ", Boolean all, AccessLevel level",
        ] {
            class.method(
                &format!("static {returned} merge(SObject master, {duplicates} duplicates{tail})"),
                merge,
            );
        }
    }
    class
        .method("static List<SObject> query(String text)", query)
        .method("static List<SObject> query(String text, AccessLevel level)", query)
        .method(
            "static List<SObject> queryWithBinds(String text, Map<String, Object> binds, AccessLevel level)",
            query_with_binds,
        )
        .method("static Integer countQuery(String text)", count_query)
        .method("static Integer countQuery(String text, AccessLevel level)", count_query)
        .method(
            "static Integer countQueryWithBinds(String text, Map<String, Object> binds, AccessLevel level)",
            count_query_with_binds,
        )
        .method("static Database.QueryLocator getQueryLocator(String text)", locator)
        .method("static Database.QueryLocator getQueryLocator(String text, AccessLevel level)", locator)
        .method(
            "static Database.QueryLocator getQueryLocatorWithBinds(String text, Map<String, Object> binds, AccessLevel level)",
            locator_with_binds,
        )
        .method("static Savepoint setSavepoint()", set_savepoint)
        .method("static void rollback(Savepoint savepoint)", rollback)
        .method("static void releaseSavepoint(Savepoint savepoint)", release)
        .method("static Id executeBatch(Object batchable)", execute_batch)
        .method("static Id executeBatch(Object batchable, Integer size)", execute_batch);
    for (signature, function) in CONVERT_LEAD {
        class.method(signature, function);
    }
}

/// `AccessLevel.USER_MODE`: true.
fn access_level(m: &Machine<'_>, arguments: &[Value]) -> Option<bool> {
    arguments.iter().rev().find_map(|argument| match argument {
        Value::Enum(owner, index) => Some(m.constant_name(*owner, *index) == "USER_MODE"),
        _ => None,
    })
}

pub(super) fn all_or_none(m: &Machine<'_>, arguments: &[Value]) -> Run<Option<bool>> {
    match arguments
        .iter()
        .find(|a| matches!(a, Value::Boolean(_) | Value::Null))
    {
        Some(Value::Boolean(all)) => Ok(Some(*all)),
        Some(_) => Err(m.null_argument()),
        None => Ok(None),
    }
}

fn write(m: &mut Machine<'_>, kind: DmlKind, arguments: &[Value], class: &str) -> Run<Value> {
    let (subject, rest) = match arguments.split_first() {
        Some((subject, rest)) if !subject.is_null() => (subject.clone(), rest),
        _ => return Err(m.null_argument()),
    };
    let (mut duplicates, mut rest) = (Vec::new(), rest);
    let mut single = !matches!(subject, Value::List(_));
    if kind == DmlKind::Merge
        && let Some((other, after)) = rest.split_first()
    {
        single = !matches!(other, Value::List(_));
        (duplicates, rest) = (several(other.clone()), after);
    }
    let mut options = DmlOptions::default();
    let mut all = all_or_none(m, rest)?;
    let mut key = None;
    for argument in rest {
        match argument {
            Value::FieldToken(_, field) => key = Some(Arc::clone(field)),
            Value::Native(_) => {
                let (asked, given) = options_of(m, argument)?;
                // Without optAllOrNone each record is saved by itself.
                all = Some(asked.unwrap_or(false));
                options = given;
            }
            _ => {}
        }
    }
    let (access, sharing) = m.access(access_level(m, rest));
    let call = DmlCall {
        kind,
        records: m.dml_records(&subject)?,
        key,
        duplicates,
        all_or_none: all.unwrap_or(true),
        access,
        sharing,
        options,
    };
    let class = format!("Database.{class}");
    let mut results = Vec::new();
    for outcome in m.run_dml(&call)? {
        results.push(m.database_result(&class, outcome)?);
    }
    if single {
        return Ok(results.into_iter().next().unwrap_or(Value::Null));
    }
    let element = m.catalogue.find(&class).map_or(Type::Object, Type::platform);
    Ok(Value::list(element, results))
}

fn insert(m: &mut Machine<'_>, _: &Value, arguments: &[Value]) -> Run<Value> {
    write(m, DmlKind::Insert, arguments, "SaveResult")
}

fn update(m: &mut Machine<'_>, _: &Value, arguments: &[Value]) -> Run<Value> {
    write(m, DmlKind::Update, arguments, "SaveResult")
}

fn upsert(m: &mut Machine<'_>, _: &Value, arguments: &[Value]) -> Run<Value> {
    write(m, DmlKind::Upsert, arguments, "UpsertResult")
}

fn delete(m: &mut Machine<'_>, _: &Value, arguments: &[Value]) -> Run<Value> {
    write(m, DmlKind::Delete, arguments, "DeleteResult")
}

fn undelete(m: &mut Machine<'_>, _: &Value, arguments: &[Value]) -> Run<Value> {
    write(m, DmlKind::Undelete, arguments, "UndeleteResult")
}

fn merge(m: &mut Machine<'_>, _: &Value, arguments: &[Value]) -> Run<Value> {
    write(m, DmlKind::Merge, arguments, "MergeResult")
}

/// A dynamic query: its binds are what the compiler found in scope, or a map's entries.
fn dynamic(m: &mut Machine<'_>, arguments: &[Value], named: bool) -> Run<QueryCall> {
    let written = m.text(arguments, 0)?;
    let mut binds = std::mem::take(&mut m.scope_binds);
    if named {
        let Some(Value::Map(map)) = arguments.get(1) else {
            return Err(m.null_argument());
        };
        binds = Vec::new();
        for (name, value) in map.table.borrow().iter() {
            if let Value::String(name) = name {
                binds.push((Arc::clone(name), value.clone()));
            }
        }
    }
    let (text, access, sharing) = m.query_access(&written, access_level(m, arguments))?;
    Ok(QueryCall {
        text: text.into(),
        shape: None,
        binds,
        access,
        sharing,
    })
}

fn rows(m: &mut Machine<'_>, call: &QueryCall) -> Run<Value> {
    match m.run_query(call)? {
        QueryAnswer::Records(records) => {
            let element = records
                .first()
                .map_or(Type::SObject, |first| Type::Record(Arc::clone(&first.object)));
            Ok(Value::list(
                element,
                records.into_iter().map(Value::Record).collect(),
            ))
        }
        QueryAnswer::Count(_) => Err(m.not_supported("SELECT COUNT() with Database.query")),
    }
}

fn query(m: &mut Machine<'_>, _: &Value, arguments: &[Value]) -> Run<Value> {
    let call = dynamic(m, arguments, false)?;
    rows(m, &call)
}

fn query_with_binds(m: &mut Machine<'_>, _: &Value, arguments: &[Value]) -> Run<Value> {
    let call = dynamic(m, arguments, true)?;
    rows(m, &call)
}

fn counted(m: &mut Machine<'_>, call: &QueryCall) -> Run<Value> {
    match m.run_query(call)? {
        QueryAnswer::Count(count) => Ok(Value::Integer(count)),
        QueryAnswer::Records(_) => Err(m.not_supported("Database.countQuery without SELECT COUNT()")),
    }
}

fn count_query(m: &mut Machine<'_>, _: &Value, arguments: &[Value]) -> Run<Value> {
    let call = dynamic(m, arguments, false)?;
    counted(m, &call)
}

fn count_query_with_binds(m: &mut Machine<'_>, _: &Value, arguments: &[Value]) -> Run<Value> {
    let call = dynamic(m, arguments, true)?;
    counted(m, &call)
}

/// The query runs when its rows are asked for.
fn locator(m: &mut Machine<'_>, _: &Value, arguments: &[Value]) -> Run<Value> {
    let call = dynamic(m, arguments, false)?;
    m.platform_object("Database.QueryLocator", Locator { call })
}

fn locator_with_binds(m: &mut Machine<'_>, _: &Value, arguments: &[Value]) -> Run<Value> {
    let call = dynamic(m, arguments, true)?;
    m.platform_object("Database.QueryLocator", Locator { call })
}

impl Machine<'_> {
    /// `Database.getQueryLocator([SELECT …])`
    pub(crate) fn locator_of(&self, call: QueryCall) -> Run<Value> {
        self.platform_object("Database.QueryLocator", Locator { call })
    }
}

fn locator_text(m: &mut Machine<'_>, this: &Value, _: &[Value]) -> Run<Value> {
    m.with_state(this, |locator: &mut Locator| {
        Value::String(Arc::clone(&locator.call.text))
    })
}

fn locator_iterator(m: &mut Machine<'_>, this: &Value, _: &[Value]) -> Run<Value> {
    let call = m.with_state(this, |locator: &mut Locator| locator.call.clone())?;
    let found = rows(m, &call)?;
    let mut rest = m.elements(&found)?;
    rest.reverse();
    m.platform_object("Database.QueryLocatorIterator", LocatorIterator { rest })
}

fn has_next(m: &mut Machine<'_>, this: &Value, _: &[Value]) -> Run<Value> {
    m.with_state(this, |iterator: &mut LocatorIterator| {
        Value::Boolean(!iterator.rest.is_empty())
    })
}

fn next(m: &mut Machine<'_>, this: &Value, _: &[Value]) -> Run<Value> {
    let found = m.with_state(this, |iterator: &mut LocatorIterator| iterator.rest.pop())?;
    found.ok_or_else(|| m.raise("NoSuchElementException", "Iterator has no more elements"))
}

/// Counts as a DML statement, as `rollback` does (Apex Developer Guide, "Execution Governors and Limits").
fn set_savepoint(m: &mut Machine<'_>, _: &Value, _: &[Value]) -> Run<Value> {
    m.count(Limit::DmlStatements, 1)?;
    let mark = m.host.savepoint().map_err(|error| m.from_host(error))?;
    let uncommitted = m.uncommitted.dml;
    m.uncommitted.savepoints.push(mark);
    let savepoint = Savepoint {
        mark,
        uncommitted,
        jobs: m.test.jobs.len(),
        events: m.test.events.len(),
    };
    m.platform_object("System.Savepoint", savepoint)
}

fn savepoint(m: &Machine<'_>, arguments: &[Value]) -> Run<Savepoint> {
    match arguments.first() {
        Some(given @ Value::Native(_)) => m.with_state(given, |savepoint: &mut Savepoint| *savepoint),
        _ => Err(m.null_argument()),
    }
}

/// Marks set later are gone; the one returned to may be used again.
fn rollback(m: &mut Machine<'_>, _: &Value, arguments: &[Value]) -> Run<Value> {
    let savepoint = savepoint(m, arguments)?;
    m.count(Limit::DmlStatements, 1)?;
    let Some(place) = m.uncommitted.savepoints.iter().position(|s| *s == savepoint.mark) else {
        return Err(m.not_supported("a rollback to a savepoint that is no longer valid"));
    };
    m.host
        .rollback(savepoint.mark)
        .map_err(|error| m.from_host(error))?;
    m.uncommitted.savepoints.truncate(place + 1);
    m.uncommitted.dml = savepoint.uncommitted;
    m.take_back_in_test(savepoint.jobs, savepoint.events);
    Ok(Value::Null)
}

fn release(m: &mut Machine<'_>, _: &Value, arguments: &[Value]) -> Run<Value> {
    let savepoint = savepoint(m, arguments)?;
    let Some(place) = m.uncommitted.savepoints.iter().position(|s| *s == savepoint.mark) else {
        return Err(m.not_supported("the release of a savepoint that is no longer valid"));
    };
    m.host
        .release_savepoint(savepoint.mark)
        .map_err(|error| m.from_host(error))?;
    m.uncommitted.savepoints.truncate(place);
    Ok(Value::Null)
}

/// System mode and no sharing: what the platform reads for itself.
pub(super) fn system_query(text: String) -> QueryCall {
    QueryCall {
        text: text.into(),
        shape: None,
        binds: Vec::new(),
        access: AccessMode::System,
        sharing: false,
    }
}
