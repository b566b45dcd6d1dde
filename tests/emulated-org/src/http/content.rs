//! The content of files, notes and attachments as it is.
//!
//! Source: Salesforce REST API Developer Guide, sObject Blob Get.

use actix_web::HttpResponse;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::ApiError;
use super::sobjects::live_row;
use crate::data::Data;
use crate::schema::{FieldType, Object};
use crate::value::Value;

/// The answer to `/sobjects/{object}/{id}/{field}` where the field holds content; `None` where it does not.
///
/// # Errors
/// 404 where there is no such record, or it has no content.
pub(super) fn of_field(
    data: &Data,
    object: &Object,
    id: &str,
    field: &str,
) -> Result<Option<HttpResponse>, ApiError> {
    let Some((position, _)) = object
        .field(field)
        .filter(|(_, field)| field.kind == FieldType::Base64)
    else {
        return Ok(None);
    };
    let row = live_row(data, object, id)?;
    let Value::Text(stored) = row.get(position) else {
        return Err(ApiError::not_found());
    };
    let content = STANDARD.decode(stored.as_bytes()).unwrap_or_default();
    let kind = object.field("ContentType").map(|(position, _)| row.get(position));
    let kind = match kind {
        Some(Value::Text(kind)) => kind.to_string(),
        // As answers of real organisations have it, without the hyphen.
        _ => "application/octetstream".to_owned(),
    };
    Ok(Some(HttpResponse::Ok().content_type(kind).body(content)))
}
