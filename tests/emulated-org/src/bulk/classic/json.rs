//! The records of a JSON batch.
//!
//! Source: Bulk API 2.0 and Bulk API Developer Guide, Valid JSON Records. The words of its errors are believed.

use serde_json::{Map, Value as Json};

use crate::bulk::ingest::{Kind, Order};
use crate::data::{Operation, SaveError};
use crate::http::record::{ReadError, RecordReader};
use crate::schema::Schema;
use crate::value::Value;

/// What the records are to do.
///
/// # Errors
/// The batch's `stateMessage`: it is no list of records, or names a field that does not exist.
pub(super) fn operations(
    bytes: &[u8],
    order: &Order,
    schema: &Schema,
) -> Result<Vec<Result<Operation, SaveError>>, String> {
    let text = std::str::from_utf8(bytes)
        .map_err(|error| format!("InvalidBatch : The data is not UTF-8: {error}"))?;
    let records: Vec<Map<String, Json>> = serde_json::from_str(text)
        .map_err(|error| format!("InvalidBatch : Unable to parse JSON: {error}"))?;
    let reader = RecordReader { schema, text };
    records
        .iter()
        .map(|record| match operation(record, order, reader) {
            Ok(operation) => Ok(Ok(operation)),
            Err(ReadError::Record(error)) => Ok(Err(error)),
            Err(ReadError::Request(error)) => Err(format!("InvalidBatch : {}", error.message)),
        })
        .collect()
}

fn operation(
    record: &Map<String, Json>,
    order: &Order,
    reader: RecordReader<'_>,
) -> Result<Operation, ReadError> {
    let named = |name: &str| {
        let mut entries = record.iter();
        entries
            .find(|(key, _)| key.eq_ignore_ascii_case(name))
            .map(|(_, json)| json)
    };
    let deletes = matches!(order.kind, Kind::Delete | Kind::HardDelete);
    let other = |key: &String| key != "attributes" && !key.eq_ignore_ascii_case("id");
    if deletes && record.keys().any(other) {
        let message = format!("The '{}' batch must contain only ids", order.kind.name());
        return Err(ReadError::Request(crate::http::ApiError::json_parser(message)));
    }
    let id = match named("Id") {
        None | Some(Json::Null) => None,
        Some(Json::String(text)) => order.row_id(text).map_err(ReadError::Record)?,
        Some(other) => order.row_id(&other.to_string()).map_err(ReadError::Record)?,
    };
    let key_name = match order.kind {
        Kind::Upsert { key_field } => order.object.fields.get(key_field),
        _ => None,
    };
    let skip_key = key_name.map(|field| field.name.to_ascii_lowercase());
    let skip: Vec<&str> = std::iter::once("id").chain(skip_key.as_deref()).collect();
    // Both are read before the operation is put together: a wrong column refuses the whole batch.
    let draft = reader.draft(&order.object, record, &skip)?;
    let key = match key_name {
        Some(field) => named(&field.name).map_or(Ok(Value::Null), |json| reader.value(field, json))?,
        None => Value::Null,
    };
    order
        .operation(id, |_| Ok(draft), |_| Ok(key))
        .map_err(ReadError::Record)
}
