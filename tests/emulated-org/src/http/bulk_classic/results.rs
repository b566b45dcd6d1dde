//! What the batches of a job have come to.
//!
//! Source: Bulk API 2.0 and Bulk API Developer Guide, Get Batch Results, Get Bulk Query Results.

use std::sync::Arc;

use actix_web::{HttpResponse, web};
use bytes::Bytes;
use serde_json::{Value as Json, json};

use super::super::Caller;
use super::super::bulk::stream_page;
use super::super::query::bulk_records;
use super::super::record::parse_datetime;
use super::error::AsyncError;
use super::info::{Wire, result_list};
use crate::bulk::classic::{BatchInfo, BatchState, ContentType, Findings, Job, RowResult, Work};
use crate::bulk::csv::{Format, write_line};
use crate::bulk::ingest::results::error_text;
use crate::bulk::results::Results;
use crate::org::Org;
use crate::schema::FieldType;
use crate::soql::Output;
use crate::soql::path::FieldPath;

/// What stands in the result of a query that found nothing, as a dozen clients know it.
const NOTHING_FOUND: &str = "Records not found for this query";

/// The rows of a write, or the list of a query's results. That a batch whose records were not processed is
/// `InvalidBatch` is what clients report; that one which is not done is refused alike is believed.
pub(super) fn of_batch(batch: &BatchInfo, content_type: ContentType) -> Result<HttpResponse, AsyncError> {
    match (&batch.findings, batch.state) {
        (_, BatchState::Queued | BatchState::InProgress) => {
            Err(AsyncError::new("InvalidBatch", "Batch not completed"))
        }
        (Some(Findings::Rows(rows)), _) => Ok(match content_type {
            ContentType::Csv => csv_answer(rows_csv(rows)),
            ContentType::Json => HttpResponse::Ok().json(rows.iter().map(row_json).collect::<Vec<_>>()),
        }),
        (Some(Findings::Query(id, _)), _) => {
            let wire = match content_type {
                ContentType::Csv => Wire::Xml,
                ContentType::Json => Wire::Json,
            };
            Ok(result_list(&[id.as_str()], wire))
        }
        (None, _) => Err(AsyncError::new("InvalidBatch", "Records not processed")),
    }
}

/// One result of a query.
pub(super) fn of_query(
    job: &Job,
    batch: &BatchInfo,
    result: &str,
    caller: &Caller,
    org: web::Data<Org>,
) -> Result<HttpResponse, AsyncError> {
    let found = match &batch.findings {
        Some(Findings::Query(id, results))
            if batch.state == BatchState::Completed && id.as_str() == result =>
        {
            results
        }
        _ => {
            let message = format!("Unable to find result: {result}");
            return Err(AsyncError::new("InvalidBatch", message));
        }
    };
    match job.order.content_type {
        ContentType::Csv if found.rows.is_empty() => Ok(csv_answer(NOTHING_FOUND.into())),
        ContentType::Csv => {
            let (page, _) = Results::page(&Arc::clone(found), 0, usize::MAX);
            let torn = org.faults.take_page_cut();
            Ok(HttpResponse::Ok()
                .content_type("text/csv; charset=UTF-8")
                .streaming(stream_page(page, org, torn)))
        }
        ContentType::Json => {
            let Work::Query(scope) = job.order.work else {
                return Err(AsyncError::invalid_url());
            };
            let mut records = bulk_records(&found.plan, &found.rows, scope, caller, &org)
                .map_err(|error| AsyncError::with_status(error.status, error.code, error.message))?;
            if let Output::Columns(columns) = &found.plan.output {
                let moments = columns.iter().filter(|column| column.kind == FieldType::Datetime);
                let paths: Vec<String> = moments.map(FieldPath::dotted).collect();
                for record in &mut records {
                    paths.iter().for_each(|path| count_milliseconds(record, path));
                }
            }
            Ok(HttpResponse::Ok().json(records))
        }
    }
}

/// Moments are numbers in JSON results, milliseconds since 1970: issues 290 of simple-salesforce and 70 of
/// salesforce-bulk show it. That days stay texts is believed.
fn count_milliseconds(record: &mut Json, path: &str) {
    let mut value = record;
    for name in path.split('.') {
        match value.get_mut(name) {
            Some(inner) => value = inner,
            None => return,
        }
    }
    if let Some(moment) = value.as_str().and_then(parse_datetime) {
        *value = json!(moment.timestamp_millis());
    }
}

/// A batch as it was sent.
pub(super) fn request(batch: &BatchInfo, content_type: ContentType) -> HttpResponse {
    let body: Bytes = batch.request.clone();
    match content_type {
        ContentType::Csv => HttpResponse::Ok()
            .content_type("text/csv; charset=UTF-8")
            .body(body),
        ContentType::Json => HttpResponse::Ok().content_type("application/json").body(body),
    }
}

fn csv_answer(body: Vec<u8>) -> HttpResponse {
    HttpResponse::Ok()
        .content_type("text/csv; charset=UTF-8")
        .body(body)
}

fn rows_csv(rows: &[RowResult]) -> Vec<u8> {
    let mut out = Vec::new();
    let format = Format::default();
    write_line(
        ["Id", "Success", "Created", "Error"].into_iter(),
        format,
        &mut out,
    );
    for row in rows {
        match row {
            RowResult::Saved { id, created } => {
                let created = if *created { "true" } else { "false" };
                write_line([id.as_str(), "true", created, ""].into_iter(), format, &mut out);
            }
            RowResult::Refused(errors) => {
                let errors = error_text(errors);
                write_line(["", "false", "false", &errors].into_iter(), format, &mut out);
            }
        }
    }
    out
}

fn row_json(row: &RowResult) -> Json {
    match row {
        RowResult::Saved { id, created } => {
            json!({ "success": true, "created": created, "id": id.as_str(), "errors": [] })
        }
        RowResult::Refused(errors) => {
            let errors: Vec<Json> = errors
                .iter()
                .map(|error| {
                    json!({
                        "message": error.message,
                        "fields": error.fields,
                        "statusCode": error.code,
                        "extendedErrorDetails": null,
                    })
                })
                .collect();
            json!({ "success": false, "created": false, "id": null, "errors": errors })
        }
    }
}
