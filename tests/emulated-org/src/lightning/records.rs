//! Records: read with their page and layout, made, changed, deleted, and looked up.

use std::sync::Arc;

use actix_web::web;
use serde::Deserialize;
use serde_json::{Map, Value as Json, json};

use super::cells::{CellReader, name_of};
use super::error::PageError;
use super::objects::object_of;
use super::visitor::Visitor;
use super::{layouts, record_pages};
use crate::data::{Operation, Row, SaveError};
use crate::http::record::{ReadError, RecordReader, value_from_text};
use crate::http::sobjects::{live_row, save};
use crate::org::Org;
use crate::schema::{Field, FieldType, Object};
use crate::value::{Value, datetime_json};

/// Rows that a lookup offers.
const OFFERED: usize = 10;

pub(super) fn configure(routes: &mut web::ServiceConfig) {
    routes
        .service(web::resource("/lightning/data/records/{object}").route(web::post().to(create)))
        .service(web::resource("/lightning/data/records/{object}/new").route(web::get().to(new)))
        .service(
            web::resource("/lightning/data/records/{object}/{id}")
                .route(web::get().to(read))
                .route(web::patch().to(update))
                .route(web::delete().to(delete)),
        )
        .route("/lightning/data/lookup/{object}", web::get().to(look_up));
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Entered {
    fields: Map<String, Json>,
    /// The SystemModstamp that the user saw.
    version: Option<String>,
}

impl Entered {
    fn read(body: &[u8]) -> Result<Self, PageError> {
        serde_json::from_slice(body).map_err(|error| PageError::new(400, error.to_string()))
    }
}

async fn read(
    org: web::Data<Org>,
    visitor: Visitor,
    path: web::Path<(String, String)>,
) -> Result<web::Json<Json>, PageError> {
    let object = object_of(visitor.schema(), &path.0)?;
    let data = org.read();
    let row = live_row(&data, object, &path.1)?;
    let values = CellReader::new(&org, &visitor, &data).all(object, row);
    let layout = layouts::name_for(&org, &visitor, object, record_type(object, row).as_deref());
    Ok(web::Json(json!({
        "id": row.id().as_str(),
        "object": object.name,
        "name": name_of(object, row),
        "canEdit": object.updateable && visitor.access.may_edit(object, row, &data),
        "canDelete": object.deletable && visitor.access.may_delete(object, row, &data),
        "values": values,
        "page": record_pages::drawn(&org, object)?,
        "layout": layouts::drawn(&org, &visitor, object, &layout),
    })))
}

/// The developer name of a row's record type.
fn record_type(object: &Object, row: &Row) -> Option<String> {
    let (at, _) = object.field("RecordTypeId")?;
    let Value::Id(id) = row.get(at) else {
        return None;
    };
    let mut types = object.record_type_infos.iter();
    let found = types.find(|known| known.record_type_id.as_deref() == Some(id.as_str()))?;
    Some(found.developer_name.clone())
}

async fn new(
    org: web::Data<Org>,
    visitor: Visitor,
    name: web::Path<String>,
) -> Result<web::Json<Json>, PageError> {
    let object = object_of(visitor.schema(), &name)?;
    if !object.createable {
        return Err(PageError::insufficient());
    }
    let data = org.read();
    let reader = CellReader::new(&org, &visitor, &data);
    let values: Map<String, Json> = object
        .visible_fields()
        .map(|(_, field)| {
            let value = default_of(field, &visitor);
            (field.name.clone(), reader.of_value(&value, field))
        })
        .collect();
    let layout = layouts::name_for(&org, &visitor, object, None);
    Ok(web::Json(json!({
        "id": null,
        "object": object.name,
        "name": "",
        "canEdit": true,
        "canDelete": false,
        "values": values,
        "page": record_pages::drawn(&org, object)?,
        "layout": layouts::drawn(&org, &visitor, object, &layout),
    })))
}

/// What a field holds before the user types.
fn default_of(field: &Field, visitor: &Visitor) -> Value {
    if field.name == "OwnerId" {
        return Value::Id(visitor.user);
    }
    let chosen = field.picklist_values.iter().find(|value| value.default_value);
    if let Some(chosen) = chosen {
        return Value::text(chosen.value.as_str());
    }
    match &field.default_value {
        Some(Json::String(text)) => value_from_text(field, text).unwrap_or(Value::Null),
        Some(Json::Bool(on)) => Value::Boolean(*on),
        _ if field.kind == FieldType::Boolean => Value::Boolean(false),
        _ => Value::Null,
    }
}

async fn create(
    org: web::Data<Org>,
    visitor: Visitor,
    name: web::Path<String>,
    body: web::Bytes,
) -> Result<web::Json<Json>, PageError> {
    let object = object_of(visitor.schema(), &name)?;
    let entered = Entered::read(&body)?;
    must_be_filled_in(&org, &visitor, object, &entered, None)?;
    let draft = draft(&visitor, object, &entered, &body)?;
    let operation = Operation::Create {
        object: Arc::clone(object),
        draft,
    };
    let saved = save(&org, &visitor.caller(), operation).await?;
    Ok(web::Json(json!({ "id": saved.id.as_str() })))
}

async fn update(
    org: web::Data<Org>,
    visitor: Visitor,
    path: web::Path<(String, String)>,
    body: web::Bytes,
) -> Result<web::Json<Json>, PageError> {
    let object = object_of(visitor.schema(), &path.0)?;
    let entered = Entered::read(&body)?;
    let (id, of_type) = {
        let data = org.read();
        let row = live_row(&data, object, &path.1)?;
        refuse_overlapping(&org, object, row, &entered)?;
        (row.id(), record_type(object, row))
    };
    must_be_filled_in(&org, &visitor, object, &entered, Some(of_type))?;
    let draft = draft(&visitor, object, &entered, &body)?;
    let operation = Operation::Update {
        object: Arc::clone(object),
        id,
        draft,
    };
    let saved = save(&org, &visitor.caller(), operation).await?;
    Ok(web::Json(json!({ "id": saved.id.as_str() })))
}

async fn delete(
    org: web::Data<Org>,
    visitor: Visitor,
    path: web::Path<(String, String)>,
) -> Result<web::Json<Json>, PageError> {
    let object = object_of(visitor.schema(), &path.0)?;
    let id = live_row(&org.read(), object, &path.1)?.id();
    let operation = Operation::Delete {
        object: Arc::clone(object),
        id,
    };
    let saved = save(&org, &visitor.caller(), operation).await?;
    Ok(web::Json(json!({ "id": saved.id.as_str() })))
}

fn draft(
    visitor: &Visitor,
    object: &Object,
    entered: &Entered,
    body: &[u8],
) -> Result<crate::data::Draft, PageError> {
    let text = std::str::from_utf8(body).map_err(|error| PageError::new(400, error.to_string()))?;
    let reader = RecordReader {
        schema: visitor.schema(),
        text,
    };
    reader
        .draft(object, &entered.fields, &[])
        .map_err(|error| match error {
            ReadError::Request(error) => error.into(),
            ReadError::Record(error) => error.into(),
        })
}

/// A page layout may ask for more than the object does; only pages know of it.
fn must_be_filled_in(
    org: &Org,
    visitor: &Visitor,
    object: &Object,
    entered: &Entered,
    known_type: Option<Option<String>>,
) -> Result<(), PageError> {
    let is_new = known_type.is_none();
    let layout = layouts::name_for(org, visitor, object, known_type.flatten().as_deref());
    let is_blank = |field: &String| match entered.fields.get(field) {
        None => is_new,
        Some(Json::Null) => true,
        Some(Json::String(text)) => text.trim().is_empty(),
        Some(_) => false,
    };
    let missing: Vec<SaveError> = layouts::required(org, object, &layout)
        .iter()
        .filter(|field| is_blank(field) && has_no_default(object, field))
        .map(|field| SaveError::of_field("REQUIRED_FIELD_MISSING", field, "Complete this field."))
        .collect();
    if missing.is_empty() {
        return Ok(());
    }
    Err(PageError::of_record(missing))
}

fn has_no_default(object: &Object, field: &str) -> bool {
    let found = object.field(field).map(|(_, field)| field);
    found.is_some_and(|field| !field.defaulted_on_create && field.kind != FieldType::Boolean)
}

/// Who saves what somebody else has changed meanwhile is told to look again.
fn refuse_overlapping(org: &Org, object: &Object, row: &Row, entered: &Entered) -> Result<(), PageError> {
    let (Some(seen), Some((at, _))) = (&entered.version, object.field("SystemModstamp")) else {
        return Ok(());
    };
    let current = match row.get(at) {
        Value::DateTime(stamp) => datetime_json(*stamp),
        _ => return Ok(()),
    };
    if *seen == current {
        return Ok(());
    }
    let changed_by = object
        .field("LastModifiedById")
        .map(|(at, _)| row.get(at).clone());
    let name = match changed_by {
        Some(Value::Id(user)) => super::translations::text_of_user(org, user, "Name"),
        _ => String::new(),
    };
    let message = format!(
        "{} was modified by {name} during your edit session. Make a note of the data you entered, then reload the record \
         and enter your updates again.",
        object.label
    );
    Err(PageError::new(409, message))
}

#[derive(Debug, Deserialize)]
struct Typed {
    #[serde(default)]
    q: String,
}

async fn look_up(
    org: web::Data<Org>,
    visitor: Visitor,
    name: web::Path<String>,
    typed: web::Query<Typed>,
) -> Result<web::Json<Json>, PageError> {
    let object = object_of(visitor.schema(), &name)?;
    let wanted = typed.q.trim().to_lowercase();
    let active = object.field("IsActive").filter(|_| object.name == "User");
    let data = org.read();
    let Some(table) = data.table(&object.name) else {
        return Err(PageError::not_found());
    };
    let mut found: Vec<(String, &Row)> = table
        .rows()
        .filter(|row| !row.is_deleted() && object.shows(row, &data))
        .filter(|row| active.is_none_or(|(at, _)| row.get(at) == &Value::Boolean(true)))
        .map(|row| (name_of(object, row), row))
        .filter(|(name, _)| name.to_lowercase().contains(&wanted))
        .collect();
    found.sort_by(|(left, _), (right, _)| left.cmp(right));
    let offered = found.into_iter().take(OFFERED);
    Ok(web::Json(Json::from_iter(offered.map(
        |(name, row)| json!({ "id": row.id().as_str(), "name": name, "object": object.name }),
    ))))
}
