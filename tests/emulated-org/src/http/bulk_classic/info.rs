//! What the Bulk API says of jobs and batches, in XML and in JSON.
//!
//! Source: Bulk API 2.0 and Bulk API Developer Guide, JobInfo and BatchInfo, and the examples beside them: XML has its
//! elements in the order of the schema and leaves out what is not set, JSON has its keys by the alphabet and null.

use std::fmt::Write as _;

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use chrono::{DateTime, Utc};
use serde_json::{Map, Value as Json, json};

use super::super::bulk::version_number;
use super::error::escaped;
use crate::bulk::classic::{BatchInfo, ContentType, Job, Work};
use crate::bulk::ingest::Kind;
use crate::soql::Scope;
use crate::value::datetime_json;

/// The namespace of all elements.
pub(super) const NAMESPACE: &str = "http://www.force.com/2009/06/asyncapi/dataload";

/// What an answer is written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wire {
    Xml,
    Json,
}

/// One entry of an answer.
enum Entry {
    Text(String),
    Count(usize),
    Milliseconds(i64),
    Version(u16),
    Moment(DateTime<Utc>),
    Flag(bool),
    Missing,
}

type Entries = Vec<(&'static str, Entry)>;

pub(super) fn job_answer(job: &Job, status: StatusCode, wire: Wire) -> HttpResponse {
    answer("jobInfo", job_entries(job), status, wire)
}

pub(super) fn batch_answer(batch: &BatchInfo, status: StatusCode, wire: Wire) -> HttpResponse {
    answer("batchInfo", batch_entries(batch), status, wire)
}

pub(super) fn batch_list(batches: &[BatchInfo], wire: Wire) -> HttpResponse {
    match wire {
        Wire::Json => {
            let list: Vec<Json> = batches
                .iter()
                .map(|batch| to_json(batch_entries(batch)))
                .collect();
            HttpResponse::Ok().json(json!({ "batchInfo": list }))
        }
        Wire::Xml => {
            let mut text = String::new();
            for batch in batches {
                text.push_str(" <batchInfo>\n");
                write_xml(&batch_entries(batch), &mut text);
                text.push_str(" </batchInfo>\n");
            }
            xml_document("batchInfoList", &text, StatusCode::OK)
        }
    }
}

/// The ids of a query's results.
pub(super) fn result_list(ids: &[&str], wire: Wire) -> HttpResponse {
    match wire {
        Wire::Json => HttpResponse::Ok().json(ids),
        Wire::Xml => {
            let results: String = ids.iter().map(|id| format!("<result>{id}</result>")).collect();
            xml_document("result-list", &results, StatusCode::OK)
        }
    }
}

fn answer(root: &str, entries: Entries, status: StatusCode, wire: Wire) -> HttpResponse {
    match wire {
        Wire::Json => HttpResponse::build(status).json(to_json(entries)),
        Wire::Xml => {
            let mut text = String::new();
            write_xml(&entries, &mut text);
            xml_document(root, &text, status)
        }
    }
}

fn xml_document(root: &str, content: &str, status: StatusCode) -> HttpResponse {
    HttpResponse::build(status)
        .content_type("application/xml")
        .body(format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?><{root}\n   xmlns=\"{NAMESPACE}\">\n{content}</{root}>"
        ))
}

fn write_xml(entries: &Entries, out: &mut String) {
    for (name, entry) in entries {
        let text = match entry {
            Entry::Text(text) => escaped(text).into_owned(),
            Entry::Count(count) => count.to_string(),
            Entry::Milliseconds(time) => time.to_string(),
            Entry::Version(version) => format!("{version}.0"),
            Entry::Moment(moment) => moment.format("%Y-%m-%dT%H:%M:%S%.3fZ").to_string(),
            // The examples have flags in JSON alone.
            Entry::Flag(_) | Entry::Missing => continue,
        };
        // Writing to a String cannot fail.
        if writeln!(out, " <{name}>{text}</{name}>").is_err() {
            return;
        }
    }
}

fn to_json(mut entries: Entries) -> Json {
    entries.sort_by_key(|(name, _)| *name);
    let fields: Map<String, Json> = entries
        .into_iter()
        .map(|(name, entry)| {
            let value = match entry {
                Entry::Text(text) => json!(text),
                Entry::Count(count) => json!(count),
                Entry::Milliseconds(time) => json!(time),
                Entry::Version(version) => version_number(version),
                Entry::Moment(moment) => json!(datetime_json(moment)),
                Entry::Flag(flag) => json!(flag),
                Entry::Missing => Json::Null,
            };
            (name.to_owned(), value)
        })
        .collect();
    Json::Object(fields)
}

fn job_entries(job: &Job) -> Entries {
    let (order, tally) = (&job.order, &job.tally);
    let text = |text: &str| Entry::Text(text.to_owned());
    vec![
        ("id", text(job.id.as_str())),
        ("operation", text(operation(&order.work))),
        ("object", text(&order.object.name)),
        ("createdById", text(order.user.as_str())),
        ("createdDate", Entry::Moment(job.created)),
        ("systemModstamp", Entry::Moment(job.changed)),
        ("state", text(job.state.name())),
        (
            "externalIdFieldName",
            external_id(&order.work).map_or(Entry::Missing, Entry::Text),
        ),
        ("concurrencyMode", text(concurrency(job))),
        ("contentType", text(content_type(order.content_type))),
        ("numberBatchesQueued", Entry::Count(tally.queued)),
        ("numberBatchesInProgress", Entry::Count(tally.in_progress)),
        ("numberBatchesCompleted", Entry::Count(tally.completed)),
        ("numberBatchesFailed", Entry::Count(tally.failed)),
        ("numberBatchesTotal", Entry::Count(tally.total)),
        ("numberRecordsProcessed", Entry::Count(tally.records_processed)),
        ("numberRetries", Entry::Count(0)),
        ("apiVersion", Entry::Version(order.version)),
        (
            "assignmentRuleId",
            order
                .assignment_rule
                .map_or(Entry::Missing, |id| text(id.as_str())),
        ),
        ("numberRecordsFailed", Entry::Count(tally.records_failed)),
        ("totalProcessingTime", Entry::Milliseconds(tally.milliseconds)),
        ("apiActiveProcessingTime", Entry::Milliseconds(tally.milliseconds)),
        ("apexProcessingTime", Entry::Milliseconds(0)),
        ("fastPathEnabled", Entry::Flag(false)),
    ]
}

fn batch_entries(batch: &BatchInfo) -> Entries {
    let text = |text: &str| Entry::Text(text.to_owned());
    vec![
        ("id", text(batch.id.as_str())),
        ("jobId", text(batch.job.as_str())),
        ("state", text(batch.state.name())),
        (
            "stateMessage",
            batch.message.clone().map_or(Entry::Missing, Entry::Text),
        ),
        ("createdDate", Entry::Moment(batch.created)),
        ("systemModstamp", Entry::Moment(batch.changed)),
        ("numberRecordsProcessed", Entry::Count(batch.records_processed())),
        ("numberRecordsFailed", Entry::Count(batch.records_failed())),
        ("totalProcessingTime", Entry::Milliseconds(batch.milliseconds)),
        ("apiActiveProcessingTime", Entry::Milliseconds(batch.milliseconds)),
        ("apexProcessingTime", Entry::Milliseconds(0)),
    ]
}

/// The `operation` of a job.
pub(in crate::http) fn operation(work: &Work) -> &'static str {
    match work {
        Work::Ingest(order) => order.kind.name(),
        Work::Query(Scope::Live) => "query",
        Work::Query(Scope::WithDeleted) => "queryAll",
    }
}

/// The `externalIdFieldName` of a job.
pub(in crate::http) fn external_id(work: &Work) -> Option<String> {
    match work {
        Work::Ingest(order) => match order.kind {
            Kind::Upsert { key_field } => order.object.fields.get(key_field).map(|field| field.name.clone()),
            _ => None,
        },
        Work::Query(_) => None,
    }
}

/// The `concurrencyMode` of a job.
pub(in crate::http) fn concurrency(job: &Job) -> &'static str {
    if job.order.serial { "Serial" } else { "Parallel" }
}

/// The `contentType` of a job.
pub(in crate::http) fn content_type(content_type: ContentType) -> &'static str {
    match content_type {
        ContentType::Csv => "CSV",
        ContentType::Json => "JSON",
    }
}
