//! The bodies of requests for jobs, in XML and in JSON.
//!
//! Source: Bulk API 2.0 and Bulk API Developer Guide, JobInfo. What no client sends is refused.

use std::sync::Arc;

use actix_web::http::header::HeaderMap;
use quick_xml::events::Event;
use quick_xml::name::ResolveResult;
use quick_xml::reader::NsReader;
use serde_json::{Map, Value as Json};

use super::super::Caller;
use super::super::external_id::key_field;
use super::error::AsyncError;
use super::info::{NAMESPACE, Wire};
use crate::bulk::classic::{ContentType, Order, PkChunking, Work};
use crate::bulk::csv::Format;
use crate::bulk::ingest::{self, Kind};
use crate::id::RecordId;
use crate::org::Org;
use crate::schema::Object;
use crate::soql::Scope;

/// The entries of a `jobInfo` by their names; those that are null are left out.
pub(super) type Fields = Vec<(String, String)>;

/// Reads a `jobInfo`.
pub(super) fn fields(body: &[u8], wire: Wire) -> Result<Fields, AsyncError> {
    match wire {
        Wire::Json => json_fields(body),
        Wire::Xml => xml_fields(body),
    }
}

fn json_fields(body: &[u8]) -> Result<Fields, AsyncError> {
    let refused = |message: String| AsyncError::new("InvalidJob", message);
    let object: Map<String, Json> =
        serde_json::from_slice(body).map_err(|error| refused(format!("Unable to parse the job: {error}")))?;
    let mut fields = Fields::new();
    for (name, value) in object {
        match value {
            Json::Null => {}
            Json::String(text) => fields.push((name, text)),
            Json::Number(number) => fields.push((name, number.to_string())),
            _ => return Err(refused(format!("The value of {name} must be a text"))),
        }
    }
    Ok(fields)
}

fn xml_fields(body: &[u8]) -> Result<Fields, AsyncError> {
    let refused = |message: String| AsyncError::new("InvalidXML", message);
    let text = std::str::from_utf8(body).map_err(|error| refused(error.to_string()))?;
    let mut reader = NsReader::from_str(text);
    let mut fields = Fields::new();
    let mut open: Vec<String> = Vec::new();
    loop {
        let (namespace, event) = reader
            .read_resolved_event()
            .map_err(|error| refused(error.to_string()))?;
        let in_namespace = matches!(namespace, ResolveResult::Bound(name) if name.as_ref() == NAMESPACE);
        match event {
            Event::Start(tag) | Event::Empty(tag) if !in_namespace => {
                let name = tag.name().as_ref().to_owned();
                return Err(refused(format!(
                    "The element {name} is not in the namespace {NAMESPACE}"
                )));
            }
            Event::Start(tag) => {
                let name = tag.local_name().as_ref().to_owned();
                match open.len() {
                    0 if name == "jobInfo" => {}
                    1 => fields.push((name.clone(), String::new())),
                    _ => return Err(refused(format!("Unexpected element {name}"))),
                }
                open.push(name);
            }
            Event::End(_) => {
                open.pop();
            }
            Event::Text(part) if open.len() == 2 => push(&mut fields, &part.xml10_content()),
            Event::GeneralRef(reference) if open.len() == 2 => {
                let resolved = quick_xml::escape::unescape(&format!("&{};", reference.xml10_content()))
                    .map_err(|error| refused(error.to_string()))?
                    .into_owned();
                push(&mut fields, &resolved);
            }
            Event::Eof if open.is_empty() && !fields.is_empty() => break,
            Event::Eof => return Err(refused("The body is no complete jobInfo".to_owned())),
            _ => {}
        }
    }
    for (_, value) in &mut fields {
        *value = value.trim().to_owned();
    }
    fields.retain(|(_, value)| !value.is_empty());
    Ok(fields)
}

fn push(fields: &mut Fields, part: &str) {
    if let Some((_, value)) = fields.last_mut() {
        value.push_str(part);
    }
}

/// What a new job is to do.
pub(super) fn order(
    fields: &Fields,
    headers: &HeaderMap,
    caller: &Caller,
    org: &Org,
) -> Result<Order, AsyncError> {
    let (mut object, mut operation, mut key, mut assignment_rule) = (None, None, None, None);
    // XML is what a job has that says nothing.
    let (mut content_type, mut serial) = ("XML", false);
    for (name, value) in fields {
        let value = value.as_str();
        match name.as_str() {
            "object" => object = Some(value),
            "operation" => operation = Some(value),
            "externalIdFieldName" => key = Some(value),
            "contentType" => content_type = value,
            // simple-salesforce sends the places of the names.
            "concurrencyMode" if value == "Parallel" || value == "0" => serial = false,
            "concurrencyMode" if value == "Serial" || value == "1" => serial = true,
            "concurrencyMode" => {
                return Err(AsyncError::invalid_job(format!(
                    "concurrencyMode is not one of Parallel, Serial: {value}"
                )));
            }
            "assignmentRuleId" => {
                let id = RecordId::parse(value);
                assignment_rule =
                    Some(id.ok_or_else(|| {
                        AsyncError::invalid_job(format!("assignmentRuleId is no id: {value}"))
                    })?);
            }
            _ => return Err(AsyncError::invalid_job(format!("Unrecognized field \"{name}\""))),
        }
    }
    let content_type = match content_type {
        "CSV" => ContentType::Csv,
        "JSON" => ContentType::Json,
        "XML" | "ZIP_CSV" | "ZIP_JSON" | "ZIP_XML" => {
            return Err(AsyncError::invalid_job(format!(
                "This emulated organisation does not support batches of the contentType {content_type}. Use CSV or JSON."
            )));
        }
        other => {
            return Err(AsyncError::invalid_job(format!(
                "contentType is not one of CSV, JSON, XML, ZIP_CSV, ZIP_JSON, ZIP_XML: {other}"
            )));
        }
    };
    let name = object.ok_or_else(|| AsyncError::invalid_job("The object is missing"))?;
    let operation = operation.ok_or_else(|| AsyncError::invalid_job("The operation is missing"))?;
    let schema = caller.schema(org);
    let object = schema.object(name).ok_or_else(|| unsupported(name))?;
    let work = work(operation, key, object, caller, org)?;
    let chunking = headers
        .get("sforce-enable-pkchunking")
        .and_then(|value| value.to_str().ok());
    let pk_chunking = match (chunking, &work) {
        (Some(header), Work::Query(_)) => {
            PkChunking::read(header, object).map_err(AsyncError::invalid_job)?
        }
        _ => None,
    };
    Ok(Order {
        object: Arc::clone(object),
        work,
        content_type,
        serial,
        pk_chunking,
        assignment_rule,
        version: caller.version.0,
        user: caller.user,
    })
}

fn work(
    operation: &str,
    key: Option<&str>,
    object: &Arc<Object>,
    caller: &Caller,
    org: &Org,
) -> Result<Work, AsyncError> {
    let may_hard_delete =
        org.ingest.hard_delete_permitted() || org.access_of(caller.user).has_permission("BulkApiHardDelete");
    let kind = match (operation, key) {
        ("query", _) => return Ok(Work::Query(Scope::Live)),
        ("queryAll", _) => return Ok(Work::Query(Scope::WithDeleted)),
        ("insert", _) => Kind::Insert,
        ("update", _) => Kind::Update,
        ("delete", _) => Kind::Delete,
        ("hardDelete", _) if !may_hard_delete => {
            let message = "hardDelete operation requires special user profile permission, please contact your \
                           system administrator";
            return Err(AsyncError::new("FeatureNotEnabled", message));
        }
        ("hardDelete", _) => Kind::HardDelete,
        ("upsert", None) => {
            return Err(AsyncError::invalid_job(format!(
                "External ID was blank for {}. An External ID must be specified for upsert.",
                object.name
            )));
        }
        ("upsert", Some(key)) => {
            let (key_field, _) =
                key_field(object, key).map_err(|error| AsyncError::invalid_job(error.message))?;
            Kind::Upsert { key_field }
        }
        (other, _) => {
            return Err(AsyncError::invalid_job(format!(
                "operation is not one of delete, hardDelete, insert, query, queryAll, update, upsert: {other}"
            )));
        }
    };
    if !(object.createable || object.updateable || object.deletable) {
        return Err(unsupported(&object.name));
    }
    Ok(Work::Ingest(Arc::new(ingest::Order {
        object: Arc::clone(object),
        kind,
        format: Format::default(),
        version: caller.version.0,
        user: caller.user,
    })))
}

fn unsupported(object: &str) -> AsyncError {
    AsyncError::new(
        "InvalidEntity",
        format!("Entity '{object}' is not supported by the Bulk API."),
    )
}
