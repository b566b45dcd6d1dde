//! Up to 200 records at a time.
//!
//! Source: Salesforce REST API Developer Guide, sObject Collections.

use std::sync::Arc;

use actix_web::{HttpResponse, web};
use serde::Deserialize;
use serde_json::{Map, Value as Json, json};

use super::body::JsonBody;
use super::errors::{ApiError, Refused};
use super::external_id::key_field;
use super::record::{ReadError, RecordReader, record_json};
use super::sobjects::{field_positions, object_named};
use super::{Caller, get_or_head, resource, wrote};
use crate::apex::publish::receipt;
use crate::data::{Operation, Outcome, Refusal, SaveError};
use crate::id::RecordId;
use crate::org::Org;
use crate::schema::{Object, Schema};

const MAX_RECORDS: usize = 200;
const MAX_RETRIEVED: usize = 2_000;
const MAX_CHUNKS: usize = 10;

/// Adds the routes below `/services/data/{version}`.
pub fn configure(routes: &mut web::ServiceConfig) {
    routes
        .service(
            resource("/composite/sobjects", "DELETE,PATCH,POST")
                .route(web::post().to(create))
                .route(web::patch().to(update))
                .route(web::delete().to(delete)),
        )
        .service(
            resource("/composite/sobjects/{object}", "GET,HEAD,POST")
                .route(get_or_head().to(retrieve_by_parameters))
                .route(web::post().to(retrieve_by_body)),
        )
        .service(resource("/composite/sobjects/{object}/{field}", "PATCH").route(web::patch().to(upsert)));
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct DeleteParameters {
    ids: Option<String>,
    #[serde(default)]
    all_or_none: bool,
}

#[derive(Debug, Deserialize)]
struct RetrieveParameters {
    ids: Option<String>,
    fields: Option<String>,
}

/// A request body of records.
struct Batch {
    all_or_none: bool,
    records: Vec<Map<String, Json>>,
}

async fn create(org: web::Data<Org>, caller: Caller, body: JsonBody) -> Result<HttpResponse, Refused> {
    let schema = caller.schema(&org);
    let batch = Batch::read(&body)?;
    let reader = RecordReader::of(&schema, &body)?;
    let objects = objects_of(&schema, &batch.records)?;
    let mut operations = Vec::with_capacity(objects.len());
    for (object, record) in objects.iter().zip(&batch.records) {
        let has_id = record
            .iter()
            .any(|(key, id)| key.eq_ignore_ascii_case("Id") && !id.is_null());
        let operation = if has_id {
            let message = "cannot specify Id in an insert call";
            Err(SaveError::of_field(
                "INVALID_FIELD_FOR_INSERT_UPDATE",
                "Id",
                message,
            ))
        } else {
            row_level(reader.draft(object, record, &["id"]))?.map(|draft| Operation::Create {
                object: Arc::clone(object),
                draft,
            })
        };
        operations.push(operation);
    }
    let outcomes = save_all(&org, &caller, operations, batch.all_or_none).await;
    Ok(answer(
        outcomes.into_iter().map(|outcome| result_json(outcome, None)),
    ))
}

async fn update(org: web::Data<Org>, caller: Caller, body: JsonBody) -> Result<HttpResponse, Refused> {
    let schema = caller.schema(&org);
    let batch = Batch::read(&body)?;
    let reader = RecordReader::of(&schema, &body)?;
    let objects = objects_of(&schema, &batch.records)?;
    let mut operations = Vec::with_capacity(objects.len());
    let mut given_ids = Vec::with_capacity(objects.len());
    for (object, record) in objects.iter().zip(&batch.records) {
        let draft = row_level(reader.draft(object, record, &["id"]))?;
        let id = record_id(object, record);
        given_ids.push(id.as_ref().ok().copied());
        let operation = id.and_then(|id| {
            Ok(Operation::Update {
                object: Arc::clone(object),
                id,
                draft: draft?,
            })
        });
        operations.push(operation);
    }
    let outcomes = save_all(&org, &caller, operations, batch.all_or_none).await;
    Ok(answer_by_id(outcomes, given_ids))
}

async fn upsert(
    org: web::Data<Org>,
    caller: Caller,
    path: web::Path<(String, String, String)>,
    body: JsonBody,
) -> Result<HttpResponse, Refused> {
    let schema = caller.schema(&org);
    let object = object_named(&schema, &path.1)?;
    let (at, field) = key_field(object, &path.2)?;
    let batch = Batch::read(&body)?;
    let reader = RecordReader::of(&schema, &body)?;
    if objects_of(&schema, &batch.records)?
        .iter()
        .any(|other| other.name != object.name)
    {
        let message = format!(
            "All records of an upsert must be of the type in the URL, {}",
            object.name
        );
        return Err(ApiError::new(400, "INVALID_INPUT", message).into());
    }
    let key_name = field.name.to_ascii_lowercase();
    let mut operations = Vec::with_capacity(batch.records.len());
    for record in &batch.records {
        let json = member(record, &key_name).unwrap_or(&Json::Null);
        let key = row_level(reader.value(field, json))?;
        let draft = row_level(reader.draft(object, record, &[&key_name]))?;
        let operation = key.and_then(|key| {
            let object = Arc::clone(object);
            Ok(Operation::Upsert {
                object,
                key_field: at,
                key,
                draft: draft?,
                update_only: false,
            })
        });
        operations.push(operation);
    }
    let outcomes = save_all(&org, &caller, operations, batch.all_or_none).await;
    Ok(answer(outcomes.into_iter().map(|outcome| {
        // Failed rows carry `created: true` too: what Salesforce does, as its own client library asserts.
        let created = outcome.as_ref().map_or(true, |saved| saved.created);
        let mut result = result_json(outcome, None);
        if let Json::Object(result) = &mut result {
            result.insert("created".to_owned(), json!(created));
        }
        result
    })))
}

async fn delete(
    org: web::Data<Org>,
    caller: Caller,
    parameters: web::Query<DeleteParameters>,
) -> Result<HttpResponse, Refused> {
    let schema = caller.schema(&org);
    let given = split(parameters.ids.as_deref());
    if given.is_empty() {
        return Err(ApiError::new(400, "MISSING_ARGUMENT", "The ids parameter is required.").into());
    }
    refuse_too_many(given.len(), MAX_RECORDS)?;
    let ids: Vec<Option<RecordId>> = given.iter().map(|text| RecordId::parse(text)).collect();
    let operations = given
        .iter()
        .zip(&ids)
        .map(|(text, id)| {
            let id = id.ok_or_else(|| SaveError::new("MALFORMED_ID", format!("malformed id {text}")))?;
            let object = schema
                .object_by_prefix(id.prefix())
                .ok_or_else(SaveError::unknown_record)?;
            Ok(Operation::Delete {
                object: Arc::clone(object),
                id,
            })
        })
        .collect();
    let outcomes = save_all(&org, &caller, operations, parameters.all_or_none).await;
    Ok(answer_by_id(outcomes, ids))
}

async fn retrieve_by_parameters(
    org: web::Data<Org>,
    caller: Caller,
    path: web::Path<(String, String)>,
    parameters: web::Query<RetrieveParameters>,
) -> Result<HttpResponse, ApiError> {
    let (ids, fields) = (
        split(parameters.ids.as_deref()),
        split(parameters.fields.as_deref()),
    );
    retrieve(&org, &caller, &path.1, &ids, &fields)
}

async fn retrieve_by_body(
    org: web::Data<Org>,
    caller: Caller,
    path: web::Path<(String, String)>,
    body: JsonBody,
) -> Result<HttpResponse, ApiError> {
    let body = body.object()?;
    let texts = |name: &str| -> Result<Vec<&str>, ApiError> {
        let list = body.get(name).and_then(Json::as_array);
        let list = list.ok_or_else(|| ApiError::json_parser(format!("{name} must be a list of texts")))?;
        list.iter()
            .map(|text| {
                text.as_str()
                    .ok_or_else(|| ApiError::json_parser(format!("{name} must be a list of texts")))
            })
            .collect()
    };
    retrieve(&org, &caller, &path.1, &texts("ids")?, &texts("fields")?)
}

fn retrieve(
    org: &Org,
    caller: &Caller,
    object: &str,
    ids: &[&str],
    fields: &[&str],
) -> Result<HttpResponse, ApiError> {
    let schema = caller.schema(org);
    let object = object_named(&schema, object)?;
    for (name, list) in [("ids", ids), ("fields", fields)] {
        if list.is_empty() {
            return Err(ApiError::new(
                400,
                "MISSING_ARGUMENT",
                format!("The {name} parameter is required."),
            ));
        }
    }
    refuse_too_many(ids.len(), MAX_RETRIEVED)?;
    let positions = field_positions(object, fields)?;
    let parsed: Vec<RecordId> = ids
        .iter()
        .map(|text| {
            RecordId::parse(text)
                .ok_or_else(|| ApiError::new(400, "MALFORMED_ID", format!("malformed id {text}")))
        })
        .collect::<Result<_, _>>()?;
    let data = org.read();
    let table = data.table(&object.name).ok_or_else(ApiError::unknown_object)?;
    let records: Vec<Json> = parsed
        .iter()
        .map(|id| {
            let row = table
                .get(id)
                .filter(|row| !row.is_deleted() && object.shows(row, &data));
            row.map_or(Json::Null, |row| {
                record_json(&data, object, row, &positions, caller.version)
            })
        })
        .collect();
    Ok(HttpResponse::Ok().json(records))
}

impl Batch {
    fn read(body: &JsonBody) -> Result<Self, ApiError> {
        let mut body = body.object()?;
        let all_or_none = match body.remove("allOrNone") {
            None | Some(Json::Null) => false,
            Some(Json::Bool(all_or_none)) => all_or_none,
            Some(_) => return Err(ApiError::json_parser("allOrNone must be true or false")),
        };
        let Some(Json::Array(records)) = body.remove("records") else {
            return Err(ApiError::json_parser("records must be a list of objects"));
        };
        if let Some(other) = body.keys().next() {
            return Err(ApiError::json_parser(format!("Unrecognized field \"{other}\"")));
        }
        let records: Vec<Map<String, Json>> = records
            .into_iter()
            .map(|record| match record {
                Json::Object(record) => Ok(record),
                _ => Err(ApiError::json_parser("records must be a list of objects")),
            })
            .collect::<Result<_, _>>()?;
        if records.is_empty() {
            return Err(ApiError::new(
                400,
                "MISSING_ARGUMENT",
                "records must not be empty.",
            ));
        }
        refuse_too_many(records.len(), MAX_RECORDS)?;
        Ok(Self { all_or_none, records })
    }
}

/// The object of each record; runs of one object are processed together, and there may be ten of them.
fn objects_of<'a>(
    schema: &'a Schema,
    records: &[Map<String, Json>],
) -> Result<Vec<&'a Arc<Object>>, ApiError> {
    let objects: Vec<&Arc<Object>> = records
        .iter()
        .map(|record| {
            let name = record
                .get("attributes")
                .and_then(|attributes| attributes.get("type"))
                .and_then(Json::as_str);
            let name = name.ok_or_else(|| {
                ApiError::new(
                    400,
                    "INVALID_INPUT",
                    "Every record needs attributes with the type of the sObject.",
                )
            })?;
            schema.object(name).ok_or_else(|| {
                ApiError::new(
                    400,
                    "INVALID_TYPE",
                    format!("sObject type '{name}' is not supported."),
                )
            })
        })
        .collect::<Result<_, _>>()?;
    let changes = objects
        .windows(2)
        .filter(|pair| matches!(pair, [left, right] if left.name != right.name))
        .count();
    if changes + 1 > MAX_CHUNKS {
        let message = "Cannot have more than 10 chunks in a single operation. Please rearrange the data to reduce chunking.";
        return Err(ApiError::new(400, "LIMIT_EXCEEDED", message));
    }
    Ok(objects)
}

fn record_id(object: &Object, record: &Map<String, Json>) -> Result<RecordId, SaveError> {
    let given = match member(record, "id") {
        Some(Json::String(text)) => text.as_str(),
        None | Some(Json::Null) => {
            return Err(SaveError::new(
                "MISSING_ARGUMENT",
                "Id not specified in an update call",
            ));
        }
        Some(other) => return Err(SaveError::new("MALFORMED_ID", format!("malformed id {other}"))),
    };
    let id = RecordId::parse(given).filter(|id| id.prefix() == object.key_prefix);
    id.ok_or_else(|| {
        SaveError::of_field(
            "MALFORMED_ID",
            "Id",
            format!("{} ID: id value of incorrect type: {given}", object.label),
        )
    })
}

async fn save_all(
    org: &Org,
    caller: &Caller,
    operations: Vec<Result<Operation, SaveError>>,
    all_or_none: bool,
) -> Vec<Outcome> {
    org.save_rows(
        caller.author(org),
        operations,
        all_or_none,
        caller.unlucky,
        caller.unit.as_deref(),
    )
    .await
}

/// Errors of the whole request out, errors of the record in.
fn row_level<T>(read: Result<T, ReadError>) -> Result<Result<T, SaveError>, ApiError> {
    match read {
        Ok(value) => Ok(Ok(value)),
        Err(ReadError::Record(error)) => Ok(Err(error)),
        Err(ReadError::Request(error)) => Err(error),
    }
}

/// One entry of the answer. `id` is the id that the request gave, which failed entries repeat.
fn result_json(outcome: Outcome, id: Option<RecordId>) -> Json {
    match outcome {
        Ok(saved) => json!({ "id": saved.id.as_str(), "success": true, "errors": receipt(saved.id) }),
        Err(refusal) => {
            let found = match &refusal {
                Refusal::Duplicates { result, .. } => Some(Json::clone(result)),
                _ => None,
            };
            let mut errors: Vec<Json> = refusal.into_errors().iter().map(error_json).collect();
            if let (Some(found), Some(Json::Object(error))) = (found, errors.first_mut()) {
                error.insert("duplicateResult".to_owned(), found);
            }
            match id {
                Some(id) => json!({ "id": id.as_str(), "success": false, "errors": errors }),
                None => json!({ "success": false, "errors": errors }),
            }
        }
    }
}

/// An error as results show it: with `statusCode`, not `errorCode`.
#[must_use]
pub fn error_json(error: &SaveError) -> Json {
    json!({ "statusCode": error.code, "message": error.message, "fields": error.fields })
}

/// The answer to requests that named their records.
fn answer_by_id(outcomes: Vec<Outcome>, ids: Vec<Option<RecordId>>) -> HttpResponse {
    let results = outcomes.into_iter().zip(ids);
    answer(results.map(|(outcome, id)| result_json(outcome, id)))
}

fn answer(results: impl Iterator<Item = Json>) -> HttpResponse {
    let results: Vec<Json> = results.collect();
    let any_saved = results
        .iter()
        .any(|result| result.get("success") == Some(&Json::Bool(true)));
    let response = HttpResponse::Ok().json(results);
    if any_saved { wrote(response) } else { response }
}

fn member<'a>(record: &'a Map<String, Json>, lower_name: &str) -> Option<&'a Json> {
    record
        .iter()
        .find(|(key, _)| key.eq_ignore_ascii_case(lower_name))
        .map(|(_, value)| value)
}

fn split(list: Option<&str>) -> Vec<&str> {
    list.unwrap_or_default()
        .split(',')
        .map(str::trim)
        .filter(|text| !text.is_empty())
        .collect()
}

fn refuse_too_many(given: usize, maximum: usize) -> Result<(), ApiError> {
    if given <= maximum {
        return Ok(());
    }
    let message = format!("record limit reached. cannot submit more than {maximum} records into this call");
    Err(ApiError::new(400, "EXCEEDED_ID_LIMIT", message))
}
