//! Queries: `/query`, `/queryAll` and the pages after the first.
//!
//! Source: Salesforce REST API Developer Guide, Query, QueryAll, Query Options Header.

use actix_web::{HttpRequest, HttpResponse, web};
use serde_json::{Map, Value as Json, json};

use super::record::field_json;
use super::{ApiError, ApiVersion, Caller, get_or_head, resource};
use crate::data::{Data, Row};
use crate::org::Org;
use crate::schema::{FieldType, Object};
use crate::soql::cursors::Cursor;
use crate::soql::path::FieldPath;
use crate::soql::reader::{Cell, Reader};
use crate::soql::{Output, Plan, Scope, SoqlError, run};
use crate::value::Value;

/// Rows of a page unless the caller asks for fewer, and the most it may ask for.
const MAX_BATCH: usize = 2_000;
/// The fewest rows that a caller may ask for.
const MIN_BATCH: usize = 200;

/// Adds the routes below `/services/data/{version}`.
pub fn configure(routes: &mut web::ServiceConfig) {
    routes
        .service(resource("/query", "GET,HEAD").route(get_or_head().to(query)))
        .service(resource("/queryAll", "GET,HEAD").route(get_or_head().to(query_all)))
        .service(resource("/query/{locator}", "GET,HEAD").route(get_or_head().to(more)))
        .service(resource("/queryAll/{locator}", "GET,HEAD").route(get_or_head().to(more)));
}

impl From<SoqlError> for ApiError {
    fn from(error: SoqlError) -> Self {
        Self::new(400, error.code, error.message)
    }
}

async fn query(caller: Caller, org: web::Data<Org>, request: HttpRequest) -> Result<HttpResponse, ApiError> {
    answer(&caller, &org, &request, Scope::Live)
}

async fn query_all(
    caller: Caller,
    org: web::Data<Org>,
    request: HttpRequest,
) -> Result<HttpResponse, ApiError> {
    answer(&caller, &org, &request, Scope::WithDeleted)
}

fn answer(caller: &Caller, org: &Org, request: &HttpRequest, scope: Scope) -> Result<HttpResponse, ApiError> {
    let parameters = Parameters::read(request)?;
    let text = parameters
        .text
        .ok_or_else(|| ApiError::new(400, "MALFORMED_QUERY", "A query string has to be specified"))?;
    let batch = batch_size(request)?;
    let plan = Plan::new(&text, &org.schema(), org.clock.now())?;
    if parameters.columns {
        return Ok(HttpResponse::Ok().json(column_metadata(&plan)));
    }
    let data = org.read();
    let rows = run(&plan, &data, scope);
    let total = rows.len();
    if matches!(plan.output, Output::Count) {
        return Ok(HttpResponse::Ok().json(json!({ "totalSize": total, "done": true, "records": [] })));
    }
    let first = rows.get(..batch.min(total)).unwrap_or_default();
    let records = records(&plan, first.iter().map(|row| row.as_ref()), &data, caller.version);
    drop(data);
    let mut page = Page {
        total,
        records,
        next: None,
    };
    if total > batch {
        let ids = rows.iter().map(|row| row.id()).collect();
        let cursor = Cursor::new(plan, ids, scope, caller.version.0, caller.user, org.clock.now());
        let id = org.cursors.open(cursor).ok_or_else(|| {
            ApiError::new(
                500,
                "UNKNOWN_EXCEPTION",
                "The organisation has run out of query locators",
            )
        })?;
        page.next = Some(format!("{}/query/{id}-{batch}", caller.version.root()));
    }
    Ok(HttpResponse::Ok().json(page.into_json()))
}

async fn more(
    caller: Caller,
    org: web::Data<Org>,
    path: web::Path<(String, String)>,
    request: HttpRequest,
) -> Result<HttpResponse, ApiError> {
    let (_, locator) = path.into_inner();
    let batch = batch_size(&request)?;
    let (id, cursor, start) = org
        .cursors
        .find(&locator, caller.user, org.clock.now())
        .ok_or_else(|| ApiError::new(400, "INVALID_QUERY_LOCATOR", "invalid query locator"))?;
    let total = cursor.ids.len();
    let end = start.saturating_add(batch).min(total);
    let version = ApiVersion(cursor.version);
    let data = org.read();
    let rows = cursor
        .ids
        .get(start..end)
        .unwrap_or_default()
        .iter()
        .filter_map(|id| {
            let row = data.table(&cursor.plan.object.name)?.get(id)?;
            (cursor.scope == Scope::WithDeleted || !row.is_deleted()).then_some(row)
        });
    let records = records(&cursor.plan, rows, &data, version);
    let next = (end < total).then(|| format!("{}/query/{id}-{end}", version.root()));
    Ok(HttpResponse::Ok().json(Page { total, records, next }.into_json()))
}

/// One page of a result.
struct Page {
    total: usize,
    records: Vec<Json>,
    next: Option<String>,
}

impl Page {
    fn into_json(self) -> Json {
        let mut page = Map::new();
        page.insert("totalSize".to_owned(), json!(self.total));
        page.insert("done".to_owned(), json!(self.next.is_none()));
        if let Some(next) = self.next {
            page.insert("nextRecordsUrl".to_owned(), json!(next));
        }
        page.insert("records".to_owned(), Json::Array(self.records));
        Json::Object(page)
    }
}

fn records<'a>(
    plan: &'a Plan,
    rows: impl Iterator<Item = &'a Row>,
    data: &'a Data,
    version: ApiVersion,
) -> Vec<Json> {
    let columns: &[FieldPath] = match &plan.output {
        Output::Columns(columns) => columns,
        Output::Count => &[],
    };
    let readers: Vec<_> = columns
        .iter()
        .map(|column| Reader::new(column, &plan.object, data))
        .collect();
    rows.map(|row| {
        let mut record = Map::new();
        record.insert(
            "attributes".to_owned(),
            attributes(row, &plan.object, false, version),
        );
        for reader in &readers {
            insert(&mut record, reader, row, version);
        }
        Json::Object(record)
    })
    .collect()
}

/// Puts one column into a record, below the objects of its parents; a parent that is missing stands as null.
fn insert<'a>(record: &mut Map<String, Json>, reader: &Reader<'a>, row: &'a Row, version: ApiVersion) {
    let (parents, cell) = reader.trail(row);
    let mut record = record;
    for parent in parents {
        let Some((row, object)) = parent.found else {
            record.entry(parent.relationship).or_insert(Json::Null);
            return;
        };
        let nested = record
            .entry(parent.relationship)
            .or_insert_with(|| json!({ "attributes": attributes(row, object, parent.polymorphic, version) }));
        let Json::Object(nested) = nested else { return };
        record = nested;
    }
    record.insert(reader.path().field_name().to_owned(), cell_json(&cell));
}

fn cell_json(cell: &Cell<'_>) -> Json {
    match cell {
        Cell::Stored(value, field) => value.write_json(field),
        Cell::Made(Value::Id(id)) => Json::String(id.as_str().to_owned()),
        Cell::Made(Value::Boolean(boolean)) => Json::Bool(*boolean),
        Cell::Made(Value::Text(text)) => Json::String(text.to_string()),
        Cell::Made(_) | Cell::Nothing => Json::Null,
        Cell::Compound(row, object, position) => field_json(object, row, *position),
    }
}

/// The `attributes` of a record. Salesforce calls a parent of several possible objects `Name`, while its URL
/// tells the object (believed, from answers printed in the REST API Developer Guide).
fn attributes(row: &Row, object: &Object, polymorphic: bool, version: ApiVersion) -> Json {
    let name = if polymorphic { "Name" } else { &object.name };
    json!({ "type": name, "url": format!("{}/sobjects/{}/{}", version.root(), object.name, row.id()) })
}

/// What the query string says.
struct Parameters {
    text: Option<String>,
    columns: bool,
}

impl Parameters {
    fn read(request: &HttpRequest) -> Result<Self, ApiError> {
        let mut parameters = Self {
            text: None,
            columns: false,
        };
        for (name, value) in url::form_urlencoded::parse(request.query_string().as_bytes()) {
            match name.as_ref() {
                "q" => parameters.text = Some(value.into_owned()),
                "columns" => parameters.columns = value == "true",
                "explain" => {
                    return Err(SoqlError::unsupported("the explain parameter of a query").into());
                }
                _ => {}
            }
        }
        Ok(parameters)
    }
}

/// The rows of a page that `Sforce-Query-Options: batchSize=…` asks for. Numbers outside the range are drawn
/// into it.
fn batch_size(request: &HttpRequest) -> Result<usize, ApiError> {
    let Some(header) = request.headers().get("sforce-query-options") else {
        return Ok(MAX_BATCH);
    };
    let refused = || {
        let message = "Invalid Sforce-Query-Options header. Use batchSize=n with n from 200 to 2000.";
        ApiError::new(400, "INVALID_QUERY_OPTIONS", message)
    };
    let mut size = MAX_BATCH;
    for option in header.to_str().ok().ok_or_else(refused)?.split([',', ';']) {
        let (name, value) = option.split_once('=').ok_or_else(refused)?;
        if name.trim().eq_ignore_ascii_case("batchSize") {
            size = value.trim().parse().ok().ok_or_else(refused)?;
        }
    }
    Ok(size.clamp(MIN_BATCH, MAX_BATCH))
}

/// The answer to `columns=true`: what the columns are, no rows. Salesforce documents little of it; the keys
/// are those that clients read.
fn column_metadata(plan: &Plan) -> Json {
    let columns: Vec<Json> = match &plan.output {
        Output::Count => Vec::new(),
        Output::Columns(columns) => columns.iter().map(|column| column_json(column, plan)).collect(),
    };
    let id_selected =
        matches!(&plan.output, Output::Columns(columns) if columns.iter().any(FieldPath::is_id));
    json!({
        "columnMetadata": columns,
        "entityName": plan.object.name,
        "groupBy": false,
        "idSelected": id_selected,
        "keyPrefix": plan.object.key_prefix,
    })
}

fn column_json(column: &FieldPath, plan: &Plan) -> Json {
    let own = match column.names.as_slice() {
        [name] => plan.object.field(name).map(|(_, field)| field),
        _ => None,
    };
    json!({
        "aggregate": false,
        "apexType": apex_type(column.kind),
        "booleanType": column.kind == FieldType::Boolean,
        "columnName": column.dotted(),
        "custom": own.is_some_and(|field| field.custom),
        "displayName": column.dotted(),
        "foreignKeyName": Json::Null,
        "insertable": own.is_some_and(|field| field.createable),
        "joinColumns": [],
        "numberType": column.kind.is_number(),
        "textType": column.kind.is_text(),
        "updatable": own.is_some_and(|field| field.updateable),
    })
}

fn apex_type(kind: FieldType) -> &'static str {
    match kind {
        FieldType::Id | FieldType::Reference => "Id",
        FieldType::Boolean => "Boolean",
        FieldType::Int => "Integer",
        FieldType::Long => "Long",
        FieldType::Double | FieldType::Currency | FieldType::Percent => "Double",
        FieldType::Date => "Date",
        FieldType::Datetime => "Datetime",
        FieldType::Time => "Time",
        FieldType::Address => "Address",
        FieldType::Location => "Location",
        FieldType::Base64 => "Blob",
        _ => "String",
    }
}
