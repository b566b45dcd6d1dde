//! Records one at a time, by the value of an external-id field.
//!
//! Source: Salesforce REST API Developer Guide, sObject Rows by External ID.

use std::sync::Arc;

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use serde::Deserialize;
use serde_json::json;

use super::body::JsonBody;
use super::content;
use super::errors::{ApiError, Refused};
use super::record::{RecordReader, record_json, value_from_text};
use super::sobjects::{FieldsParameter, object_named, refuse_field_of_path, refused, save};
use super::{Caller, get_or_head, resource, wrote};
use crate::data::{Data, Operation, Refusal};
use crate::id::RecordId;
use crate::org::Org;
use crate::schema::{Field, FieldType, Object};
use crate::value::Value;

/// Adds the routes below `/services/data/{version}`.
pub fn configure(routes: &mut web::ServiceConfig) {
    routes.service(
        resource("/sobjects/{object}/{field}/{value:.*}", "DELETE,GET,HEAD,PATCH")
            .route(get_or_head().to(read))
            .route(web::patch().to(upsert))
            .route(web::delete().to(delete)),
    );
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct UpsertParameters {
    #[serde(default)]
    update_only: bool,
}

type Path = web::Path<(String, String, String, String)>;

/// A field that records may be addressed by.
///
/// # Errors
/// 404 where the field does not exist or identifies nothing.
pub fn key_field<'a>(object: &'a Object, name: &str) -> Result<(usize, &'a Field), ApiError> {
    object
        .field(name)
        .filter(|(_, field)| field.external_id || field.id_lookup || field.kind == FieldType::Id)
        .ok_or_else(|| {
            let message = format!("Provided external ID field does not exist or is not accessible: {name}");
            ApiError::new(404, "NOT_FOUND", message)
        })
}

async fn read(
    org: web::Data<Org>,
    caller: Caller,
    path: Path,
    fields: web::Query<FieldsParameter>,
) -> Result<HttpResponse, ApiError> {
    let schema = caller.schema(&org);
    let object = object_named(&schema, &path.1)?;
    let positions = fields.positions(object)?;
    let data = org.read();
    if let Some(content) = content::of_field(&data, object, &path.2, &path.3)? {
        return Ok(content);
    }
    let ids = matches(&data, object, &path.2, &path.3)?;
    match ids.as_slice() {
        [] => Err(ApiError::not_found()),
        [id] => {
            let row = data
                .table(&object.name)
                .and_then(|table| table.get(id))
                .ok_or_else(ApiError::not_found)?;
            Ok(HttpResponse::Ok().json(record_json(&data, object, row, &positions, caller.version)))
        }
        several => Ok(multiple_choices(&caller, object, several)),
    }
}

async fn upsert(
    org: web::Data<Org>,
    caller: Caller,
    path: Path,
    parameters: web::Query<UpsertParameters>,
    body: JsonBody,
) -> Result<HttpResponse, Refused> {
    let schema = caller.schema(&org);
    let object = object_named(&schema, &path.1)?;
    let (at, field) = key_field(object, &path.2)?;
    let key = key_value(field, &path.3)?;
    let mut record = body.object()?;
    if org.switches().upserts_may_repeat_their_key {
        record
            .retain(|name, value| !name.eq_ignore_ascii_case(&field.name) || value.as_str() != Some(&path.3));
    }
    refuse_field_of_path(&record, &field.name)?;
    refuse_field_of_path(&record, "Id")?;
    let draft = RecordReader::of(&schema, &body)?.draft(object, &record, &[])?;
    let operation = Operation::Upsert {
        object: Arc::clone(object),
        key_field: at,
        key,
        draft,
        update_only: parameters.update_only,
    };
    match save(&org, &caller, operation).await {
        Ok(saved) => {
            let body = json!({
                "id": saved.id.as_str(), "success": true, "errors": [], "created": saved.created,
            });
            // Before version 46 an update answered without a body.
            let response = match (saved.created, caller.version.0 >= 46) {
                (true, _) => HttpResponse::Created().json(body),
                (false, true) => HttpResponse::Ok().json(body),
                (false, false) => HttpResponse::NoContent().finish(),
            };
            Ok(wrote(response))
        }
        Err(Refusal::SeveralMatches(ids)) => Ok(multiple_choices(&caller, object, &ids)),
        Err(other) => Err(refused(other)),
    }
}

async fn delete(org: web::Data<Org>, caller: Caller, path: Path) -> Result<HttpResponse, Refused> {
    let schema = caller.schema(&org);
    let object = object_named(&schema, &path.1)?;
    let ids = matches(&org.read(), object, &path.2, &path.3)?;
    match ids.as_slice() {
        [] => Err(ApiError::not_found().into()),
        [id] => {
            let operation = Operation::Delete {
                object: Arc::clone(object),
                id: *id,
            };
            save(&org, &caller, operation).await.map_err(refused)?;
            Ok(wrote(HttpResponse::NoContent().finish()))
        }
        several => Ok(multiple_choices(&caller, object, several)),
    }
}

fn matches(data: &Data, object: &Object, field: &str, value: &str) -> Result<Vec<RecordId>, ApiError> {
    let (at, field) = key_field(object, field)?;
    let key = key_value(field, value)?;
    Ok(data
        .table(&object.name)
        .map(|table| {
            let shown = |id: &RecordId| table.get(id).is_some_and(|row| object.shows(row, data));
            table.holders(at, &key).into_iter().filter(shown).collect()
        })
        .unwrap_or_default())
}

fn key_value(field: &Field, text: &str) -> Result<Value, ApiError> {
    value_from_text(field, text)
        .filter(|value| !value.is_null() && !text.contains('\0'))
        .ok_or_else(|| {
            let message = format!(
                "The value {text:?} is not of the type of the external ID field {}",
                field.name
            );
            ApiError::new(400, "INVALID_FIELD", message)
        })
}

fn multiple_choices(caller: &Caller, object: &Object, ids: &[RecordId]) -> HttpResponse {
    let root = caller.version.root();
    let urls: Vec<String> = ids
        .iter()
        .map(|id| format!("{root}/sobjects/{}/{id}", object.name))
        .collect();
    HttpResponse::build(StatusCode::MULTIPLE_CHOICES).json(urls)
}
