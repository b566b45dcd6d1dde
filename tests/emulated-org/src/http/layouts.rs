//! Which page layout stands behind which record type: as much of it as clients ask to learn the record types.
//!
//! Source: Salesforce REST API Developer Guide, sObject Layouts; SOAP API Developer Guide, `describeLayout()`. The
//! layouts themselves are empty: page layouts are not served.

use actix_web::{HttpResponse, web};
use serde_json::{Value as Json, json};

use super::describe::{MASTER_RECORD_TYPE, record_types};
use super::errors::ApiError;
use super::sobjects::object_named;
use super::{Caller, get_or_head, resource};
use crate::id::RecordId;
use crate::org::Org;
use crate::schema::Object;

/// Adds the routes below `/services/data/{version}`.
pub fn configure(routes: &mut web::ServiceConfig) {
    routes
        .service(resource("/sobjects/{object}/describe/layouts", "GET,HEAD").route(get_or_head().to(all)))
        .service(
            resource("/sobjects/{object}/describe/layouts/{record_type}", "GET,HEAD")
                .route(get_or_head().to(one)),
        );
}

async fn all(
    org: web::Data<Org>,
    caller: Caller,
    path: web::Path<(String, String)>,
) -> Result<HttpResponse, ApiError> {
    let schema = caller.schema(&org);
    let object = layoutable(object_named(&schema, &path.1)?)?;
    let mappings: Vec<Json> = record_types(object, caller.version)
        .into_iter()
        .map(|mut info| {
            if let Json::Object(info) = &mut info {
                info.insert("layoutId".to_owned(), Json::Null);
                let picklists = picklists_of(object, info.get("recordTypeId"));
                info.insert("picklistsForRecordType".to_owned(), json!(picklists));
            }
            info
        })
        .collect();
    Ok(HttpResponse::Ok().json(json!({
        "layouts": [layout()],
        "recordTypeMappings": mappings,
        "recordTypeSelectorRequired": [mappings.len() > 1],
    })))
}

async fn one(
    org: web::Data<Org>,
    caller: Caller,
    path: web::Path<(String, String, String)>,
) -> Result<HttpResponse, ApiError> {
    let schema = caller.schema(&org);
    let object = layoutable(object_named(&schema, &path.1)?)?;
    let is_known = path.2 == MASTER_RECORD_TYPE
        || object
            .record_type_infos
            .iter()
            .any(|info| info.record_type_id.as_deref() == Some(path.2.as_str()));
    if !is_known {
        return Err(ApiError::not_found());
    }
    Ok(HttpResponse::Ok().json(layout()))
}

/// The picklists that a record type narrows, with the values that are left (SOAP API Developer Guide,
/// `describeLayout()`, `PicklistForRecordType`).
fn picklists_of(object: &Object, record_type: Option<&Json>) -> Vec<Json> {
    let id = record_type.and_then(Json::as_str).and_then(RecordId::parse);
    let narrowed = id.and_then(|id| object.record_type_picklists.get(&id));
    let picklists = narrowed.into_iter().flatten().filter_map(|picklist| {
        let (_, field) = object.field(&picklist.picklist)?;
        let values: Vec<Json> = field
            .picklist_values
            .iter()
            .filter_map(|known| {
                let left = picklist.values.iter().find(|value| value.name() == known.value)?;
                Some(json!({
                    "active": known.active,
                    "defaultValue": left.default,
                    "label": known.label.as_ref().unwrap_or(&known.value),
                    "validFor": known.valid_for,
                    "value": known.value,
                }))
            })
            .collect();
        Some(json!({ "picklistName": field.name, "picklistValues": values }))
    });
    picklists.collect()
}

fn layout() -> Json {
    json!({
        "buttonLayoutSection": { "detailButtons": [] },
        "detailLayoutSections": [],
        "editLayoutSections": [],
        "feedView": null,
        "highlightsPanelLayoutSection": null,
        "id": null,
        "multirowEditLayoutSections": [],
        "offlineLinks": [],
        "quickActionList": { "quickActionListItems": [] },
        "relatedContent": null,
        "relatedLists": [],
        "saveOptions": [],
    })
}

fn layoutable(object: &Object) -> Result<&Object, ApiError> {
    if object.layoutable {
        Ok(object)
    } else {
        Err(ApiError::not_found())
    }
}
