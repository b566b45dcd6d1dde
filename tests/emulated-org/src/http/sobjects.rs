//! Records one at a time, by id.
//!
//! Source: Salesforce REST API Developer Guide, sObject Basic Information and sObject Rows.

use std::sync::Arc;

use actix_web::http::header::{ETAG, LAST_MODIFIED, LOCATION};
use actix_web::{HttpRequest, HttpResponse, web};
use serde::Deserialize;
use serde_json::{Value as Json, json};

use super::body::JsonBody;
use super::conditional::Validators;
use super::errors::{ApiError, RecordRefused, Refused};
use super::record::{RecordReader, record_json};
use super::{Caller, get_or_head, resource, wrote};
use crate::apex::publish::receipt;
use crate::data::{Data, Operation, Outcome, Refusal, Row, SaveError, Saved};
use crate::id::RecordId;
use crate::org::Org;
use crate::schema::{Object, Schema};

/// Adds the routes below `/services/data/{version}`.
pub fn configure(routes: &mut web::ServiceConfig) {
    routes
        .service(
            resource("/sobjects/{object}", "GET,HEAD,POST")
                .route(get_or_head().to(basic_information))
                .route(web::post().to(create)),
        )
        .service(
            resource("/sobjects/{object}/{id}", "DELETE,GET,HEAD,PATCH")
                .route(get_or_head().to(read))
                .route(web::patch().to(update))
                .route(web::delete().to(delete)),
        );
}

/// The `fields` parameter of reads.
#[derive(Debug, Deserialize)]
pub struct FieldsParameter {
    fields: Option<String>,
}

/// The object of a path segment.
///
/// # Errors
/// 404 where there is none.
pub fn object_named<'a>(schema: &'a Schema, name: &str) -> Result<&'a Arc<Object>, ApiError> {
    schema.object(name).ok_or_else(ApiError::unknown_object)
}

/// Writes one record through the one write path.
///
/// # Errors
/// Why it was refused.
pub async fn save(org: &Org, caller: &Caller, operation: Operation) -> Outcome {
    let operations = vec![Ok(operation)];
    let mut outcomes = org
        .save_rows(
            caller.author(org),
            operations,
            false,
            caller.unlucky,
            caller.unit.as_deref(),
        )
        .await;
    outcomes.pop().unwrap_or(Err(Refusal::NoMatch))
}

/// The answer to a record that was made.
#[must_use]
pub fn created(caller: &Caller, object: &Object, saved: Saved) -> HttpResponse {
    let location = format!("{}/sobjects/{}/{}", caller.version.root(), object.name, saved.id);
    let body = json!({ "id": saved.id.as_str(), "success": true, "errors": receipt(saved.id) });
    wrote(
        HttpResponse::Created()
            .insert_header((LOCATION, location))
            .json(body),
    )
}

/// The error answer to a record that was refused. Several matches of an external id are the caller's to answer.
#[must_use]
pub fn refused(refusal: Refusal) -> Refused {
    match refusal {
        Refusal::NoMatch => ApiError::not_found().into(),
        Refusal::Duplicates { message, result } => Refused::Duplicates(message, result),
        other => Refused::Record(RecordRefused(other.into_errors())),
    }
}

impl FieldsParameter {
    /// The positions of the wanted fields, or of all; `Id` is always among them.
    ///
    /// # Errors
    /// A name that is no field.
    pub fn positions(&self, object: &Object) -> Result<Vec<usize>, ApiError> {
        match &self.fields {
            None => Ok(object.visible_fields().map(|(position, _)| position).collect()),
            Some(names) => {
                let names: Vec<&str> = names
                    .split(',')
                    .map(str::trim)
                    .filter(|name| !name.is_empty())
                    .collect();
                field_positions(object, &names)
            }
        }
    }
}

/// The positions of named fields, `Id` added where it is missing.
///
/// # Errors
/// A name that is no field.
pub fn field_positions(object: &Object, names: &[&str]) -> Result<Vec<usize>, ApiError> {
    let mut positions = Vec::with_capacity(names.len() + 1);
    for name in names {
        let (at, _) = object
            .field(name)
            .ok_or_else(|| ApiError::no_such_column(name, &object.name))?;
        if !positions.contains(&at) {
            positions.push(at);
        }
    }
    if let Some((id, _)) = object.field("Id")
        && !positions.contains(&id)
    {
        positions.push(id);
    }
    Ok(positions)
}

/// The live row that a path's id names.
///
/// # Errors
/// 404 where there is none, or it lies in the recycle bin.
pub fn live_row<'a>(data: &'a Data, object: &Object, id: &str) -> Result<&'a Row, ApiError> {
    let record = RecordId::parse(id)
        .filter(|record| record.prefix() == object.key_prefix)
        .ok_or_else(|| {
            let message = format!("Provided external ID field does not exist or is not accessible: {id}");
            ApiError::new(404, "NOT_FOUND", message)
        })?;
    let row = data
        .table(&object.name)
        .and_then(|table| table.get(&record))
        .filter(|row| object.shows(row, data))
        .ok_or_else(ApiError::not_found)?;
    if row.is_deleted() {
        Err(ApiError::entity_is_deleted())
    } else {
        Ok(row)
    }
}

async fn basic_information(
    org: web::Data<Org>,
    caller: Caller,
    object: web::Path<(String, String)>,
) -> Result<HttpResponse, ApiError> {
    let schema = caller.schema(&org);
    let object = object_named(&schema, &object.1)?;
    let all: Vec<usize> = object
        .field("Id")
        .into_iter()
        .chain(object.name_field())
        .map(|(position, _)| position)
        .collect();
    let data = org.read();
    let recent: Vec<Json> = data
        .table(&object.name)
        .map(|table| {
            // What a user viewed is not tracked; the newest records stand in for it.
            let newest = table
                .shared_rows()
                .iter()
                .rev()
                .filter(|row| !row.is_deleted() && object.shows(row, &data));
            newest
                .take(5)
                .map(|row| record_json(&data, object, row, &all, caller.version))
                .collect()
        })
        .unwrap_or_default();
    Ok(HttpResponse::Ok().json(json!({
        "objectDescribe": super::describe::summary(object, caller.version),
        "recentItems": recent,
    })))
}

async fn create(
    org: web::Data<Org>,
    caller: Caller,
    path: web::Path<(String, String)>,
    body: JsonBody,
) -> Result<HttpResponse, Refused> {
    let schema = caller.schema(&org);
    let object = object_named(&schema, &path.1)?;
    let record = body.object()?;
    if record.keys().any(|key| key.eq_ignore_ascii_case("Id")) {
        let message = "cannot specify Id in an insert call";
        return Err(SaveError::of_field("INVALID_FIELD_FOR_INSERT_UPDATE", "Id", message).into());
    }
    let draft = RecordReader::of(&schema, &body)?.draft(object, &record, &[])?;
    let operation = Operation::Create {
        object: Arc::clone(object),
        draft,
    };
    let saved = save(&org, &caller, operation).await.map_err(refused)?;
    Ok(created(&caller, object, saved))
}

async fn read(
    org: web::Data<Org>,
    caller: Caller,
    path: web::Path<(String, String, String)>,
    fields: web::Query<FieldsParameter>,
    request: HttpRequest,
) -> Result<HttpResponse, ApiError> {
    let schema = caller.schema(&org);
    let object = object_named(&schema, &path.1)?;
    let positions = fields.positions(object)?;
    let data = org.read();
    let row = live_row(&data, object, &path.2)?;
    let validators = Validators::of_row(object, row);
    if let Some(validators) = &validators
        && validators.is_unchanged(&request)?
    {
        return Ok(HttpResponse::NotModified().finish());
    }
    let mut response = HttpResponse::Ok();
    if let Some(validators) = validators {
        response.insert_header((LAST_MODIFIED, validators.last_modified()));
        if let Some(etag) = validators.etag {
            response.insert_header((ETAG, etag));
        }
    }
    Ok(response.json(record_json(&data, object, row, &positions, caller.version)))
}

async fn update(
    org: web::Data<Org>,
    caller: Caller,
    path: web::Path<(String, String, String)>,
    request: HttpRequest,
    body: JsonBody,
) -> Result<HttpResponse, Refused> {
    let schema = caller.schema(&org);
    let object = object_named(&schema, &path.1)?;
    let record = body.object()?;
    refuse_field_of_path(&record, "Id")?;
    let (id, validators) = {
        let data = org.read();
        let row = live_row(&data, object, &path.2)?;
        (row.id(), Validators::of_row(object, row))
    };
    if let Some(validators) = validators
        && validators.is_unchanged(&request)?
    {
        return Ok(HttpResponse::NotModified().finish());
    }
    let draft = RecordReader::of(&schema, &body)?.draft(object, &record, &[])?;
    let operation = Operation::Update {
        object: Arc::clone(object),
        id,
        draft,
    };
    save(&org, &caller, operation).await.map_err(refused)?;
    Ok(wrote(HttpResponse::NoContent().finish()))
}

async fn delete(
    org: web::Data<Org>,
    caller: Caller,
    path: web::Path<(String, String, String)>,
) -> Result<HttpResponse, Refused> {
    let schema = caller.schema(&org);
    let object = object_named(&schema, &path.1)?;
    let id = live_row(&org.read(), object, &path.2)?.id();
    let operation = Operation::Delete {
        object: Arc::clone(object),
        id,
    };
    save(&org, &caller, operation).await.map_err(refused)?;
    Ok(wrote(HttpResponse::NoContent().finish()))
}

/// The field that the path names must not come again in the body.
///
/// # Errors
/// It does.
pub fn refuse_field_of_path(record: &serde_json::Map<String, Json>, field: &str) -> Result<(), ApiError> {
    if record.keys().any(|key| key.eq_ignore_ascii_case(field)) {
        let message = format!("The {field} field should not be specified in the sobject data.");
        return Err(ApiError::new(400, "INVALID_FIELD", message));
    }
    Ok(())
}
