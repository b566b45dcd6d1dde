//! Metadata answers.
//!
//! Source: Salesforce REST API Developer Guide, Describe Global and sObject Describe; SOAP API Developer
//! Guide, DescribeSObjectResult.

use actix_web::http::header::LAST_MODIFIED;
use actix_web::{HttpRequest, HttpResponse, web};
use chrono::{DateTime, Utc};
use serde_json::{Map, Value as Json, json};

use super::conditional::Validators;
use super::errors::ApiError;
use super::sobjects::object_named;
use super::{ApiVersion, Caller, get_or_head, resource};
use crate::org::Org;
use crate::schema::{ChildRelationship, Field, FieldType, Object, PicklistValue, RecordTypeInfo};

/// Adds the routes below `/services/data/{version}`.
pub fn configure(routes: &mut web::ServiceConfig) {
    routes
        .service(resource("/sobjects", "GET,HEAD").route(get_or_head().to(global)))
        .service(resource("/sobjects/{object}/describe", "GET,HEAD").route(get_or_head().to(describe)));
}

/// What the global describe says of an object.
#[must_use]
pub fn summary(object: &Object, version: ApiVersion) -> Json {
    let root = format!("{}/sobjects/{}", version.root(), object.name);
    let mut urls = Map::new();
    urls.insert("rowTemplate".to_owned(), json!(format!("{root}/{{ID}}")));
    urls.insert("describe".to_owned(), json!(format!("{root}/describe")));
    urls.insert("sobject".to_owned(), json!(root));
    if object.layoutable {
        // Named as real answers name them; what is about layouts is not served.
        for name in ["approvalLayouts", "compactLayouts", "layouts"] {
            urls.insert(name.to_owned(), json!(format!("{root}/describe/{name}")));
        }
        for name in ["listviews", "quickActions"] {
            urls.insert(name.to_owned(), json!(format!("{root}/{name}")));
        }
        let defaults = format!("{root}/defaultValues?recordTypeId&fields");
        urls.insert("defaultValues".to_owned(), json!(defaults));
    }
    json!({
        "activateable": object.activateable,
        "associateEntityType": null,
        "associateParentEntity": null,
        "createable": object.createable,
        "custom": object.custom,
        "customSetting": object.custom_setting,
        "deepCloneable": false,
        "deletable": object.deletable,
        "deprecatedAndHidden": object.deprecated_and_hidden,
        "feedEnabled": object.feed_enabled,
        "hasSubtypes": false,
        "isInterface": false,
        "isSubtype": false,
        "keyPrefix": object.key_prefix,
        "label": object.label,
        "labelPlural": object.label_plural,
        "layoutable": object.layoutable,
        "mergeable": object.mergeable,
        "mruEnabled": object.mru_enabled,
        "name": object.name,
        "queryable": object.queryable,
        "replicateable": object.replicateable,
        "retrieveable": object.retrieveable,
        "searchable": object.searchable,
        "triggerable": object.triggerable,
        "undeletable": object.undeletable,
        "updateable": object.updateable,
        "urls": urls,
    })
}

async fn global(org: web::Data<Org>, caller: Caller, request: HttpRequest) -> Result<HttpResponse, ApiError> {
    unless_unchanged(changed(&org, &caller), &request, || {
        let sobjects: Vec<Json> = caller
            .schema(&org)
            .objects()
            .map(|object| summary(object, caller.version))
            .collect();
        json!({ "encoding": "UTF-8", "maxBatchSize": 200, "sobjects": sobjects })
    })
}

async fn describe(
    org: web::Data<Org>,
    caller: Caller,
    request: HttpRequest,
    path: web::Path<(String, String)>,
) -> Result<HttpResponse, ApiError> {
    let schema = caller.schema(&org);
    let object = object_named(&schema, &path.1)?;
    unless_unchanged(changed(&org, &caller), &request, || {
        let mut answer = summary(object, caller.version);
        if let Json::Object(answer) = &mut answer {
            let fields: Vec<Json> = object
                .visible_fields()
                .map(|(_, field)| field_json(field))
                .collect();
            let children: Vec<Json> = object.child_relationships.iter().map(child_json).collect();
            let record_types = record_types(object, caller.version);
            if let Some(Json::Object(urls)) = answer.get_mut("urls").filter(|_| object.layoutable) {
                let pages = org.instance_url();
                urls.extend([
                    ("uiDetailTemplate".to_owned(), json!(format!("{pages}/{{ID}}"))),
                    ("uiEditTemplate".to_owned(), json!(format!("{pages}/{{ID}}/e"))),
                    (
                        "uiNewRecord".to_owned(),
                        json!(format!("{pages}/{}/e", object.key_prefix)),
                    ),
                ]);
            }
            answer.extend([
                ("actionOverrides".to_owned(), json!([])),
                ("childRelationships".to_owned(), json!(children)),
                ("compactLayoutable".to_owned(), json!(object.layoutable)),
                ("defaultImplementation".to_owned(), Json::Null),
                ("extendedBy".to_owned(), Json::Null),
                ("extendsInterfaces".to_owned(), Json::Null),
                ("fields".to_owned(), json!(fields)),
                ("implementedBy".to_owned(), Json::Null),
                ("implementsInterfaces".to_owned(), Json::Null),
                ("listviewable".to_owned(), Json::Null),
                ("lookupLayoutable".to_owned(), Json::Null),
                ("namedLayoutInfos".to_owned(), json!([])),
                ("networkScopeFieldName".to_owned(), Json::Null),
                ("recordTypeInfos".to_owned(), json!(record_types)),
                ("searchLayoutable".to_owned(), json!(object.searchable)),
                ("sobjectDescribeOption".to_owned(), json!("FULL")),
                ("supportedScopes".to_owned(), supported_scopes(object)),
            ]);
        }
        answer
    })
}

/// When what the caller sees of the metadata last changed.
fn changed(org: &Org, caller: &Caller) -> DateTime<Utc> {
    org.schema_changed().max(org.access_of(caller.user).changed())
}

/// 304 where the metadata is older than what the caller holds.
fn unless_unchanged(
    changed: DateTime<Utc>,
    request: &HttpRequest,
    answer: impl FnOnce() -> Json,
) -> Result<HttpResponse, ApiError> {
    let validators = Validators::of_metadata(changed);
    if validators.is_unchanged(request)? {
        return Ok(HttpResponse::NotModified().finish());
    }
    Ok(HttpResponse::Ok()
        .insert_header((LAST_MODIFIED, validators.last_modified()))
        .json(answer()))
}

fn field_json(field: &Field) -> Json {
    let picklist_values: Vec<Json> = field.picklist_values.iter().map(picklist_json).collect();
    let byte_length = if field.kind.is_text() || field.kind == FieldType::Base64 {
        field.length * 3
    } else {
        field.length
    };
    let keys = [
        ("aggregatable", json!(field.aggregatable || field.groupable)),
        ("aiPredictionField", json!(field.ai_prediction_field)),
        ("autoNumber", json!(field.auto_number)),
        ("byteLength", json!(byte_length)),
        ("calculated", json!(field.calculated)),
        ("calculatedFormula", json!(field.calculated_formula)),
        ("cascadeDelete", json!(field.cascade_delete)),
        ("caseSensitive", json!(field.case_sensitive)),
        ("compoundFieldName", json!(field.compound_field_name)),
        ("controllerName", json!(field.controller_name)),
        ("createable", json!(field.createable)),
        ("custom", json!(field.custom)),
        ("defaultValue", json!(field.default_value)),
        ("defaultValueFormula", json!(field.default_value_formula)),
        ("defaultedOnCreate", json!(field.defaulted_on_create)),
        ("dependentPicklist", json!(field.dependent_picklist)),
        ("deprecatedAndHidden", json!(field.deprecated_and_hidden)),
        ("digits", json!(field.digits)),
        (
            "displayLocationInDecimal",
            json!(field.display_location_in_decimal),
        ),
        ("encrypted", json!(field.encrypted)),
        ("externalId", json!(field.external_id)),
        ("extraTypeInfo", json!(field.extra_type_info)),
        ("filterable", json!(field.filterable)),
        ("filteredLookupInfo", json!(field.filtered_lookup_info)),
        (
            "formulaTreatNullNumberAsZero",
            json!(field.formula_treat_null_number_as_zero),
        ),
        ("groupable", json!(field.groupable)),
        ("highScaleNumber", json!(field.high_scale_number)),
        ("htmlFormatted", json!(field.html_formatted)),
        ("idLookup", json!(field.id_lookup || field.external_id)),
        ("inlineHelpText", json!(field.inline_help_text)),
        ("label", json!(field.label)),
        ("length", json!(field.length)),
        ("mask", json!(field.mask)),
        ("maskType", json!(field.mask_type)),
        ("name", json!(field.name)),
        ("nameField", json!(field.name_field)),
        ("namePointing", json!(field.name_pointing)),
        ("nillable", json!(field.nillable)),
        ("permissionable", json!(field.permissionable)),
        ("picklistValues", json!(picklist_values)),
        ("polymorphicForeignKey", json!(field.polymorphic_foreign_key)),
        ("precision", json!(field.precision)),
        ("queryByDistance", json!(field.query_by_distance)),
        ("referenceTargetField", json!(field.reference_target_field)),
        ("referenceTo", json!(field.reference_to)),
        ("relationshipName", json!(field.relationship_name)),
        ("relationshipOrder", json!(field.relationship_order)),
        ("restrictedDelete", json!(field.restricted_delete)),
        ("restrictedPicklist", json!(field.restricted_picklist)),
        ("scale", json!(field.scale)),
        ("searchPrefilterable", json!(field.search_prefilterable)),
        ("soapType", json!(field.described_kind().soap_type())),
        ("sortable", json!(field.sortable)),
        ("type", json!(field.described_kind().name())),
        ("unique", json!(field.unique)),
        ("updateable", json!(field.updateable)),
        ("writeRequiresMasterRead", json!(field.write_requires_master_read)),
    ];
    Json::Object(
        keys.into_iter()
            .map(|(key, value)| (key.to_owned(), value))
            .collect(),
    )
}

fn picklist_json(value: &PicklistValue) -> Json {
    json!({
        "active": value.active,
        "defaultValue": value.default_value,
        "label": value.label.as_deref().unwrap_or(&value.value),
        "validFor": value.valid_for,
        "value": value.value,
    })
}

fn child_json(child: &ChildRelationship) -> Json {
    json!({
        "cascadeDelete": child.cascade_delete,
        "childSObject": child.child_sobject,
        "deprecatedAndHidden": child.deprecated_and_hidden,
        "field": child.field,
        "junctionIdListNames": [],
        "junctionReferenceTo": [],
        "relationshipName": child.relationship_name,
        "restrictedDelete": child.restricted_delete,
    })
}

/// Every object has at least its master record type.
pub(super) fn record_types(object: &Object, version: ApiVersion) -> Vec<Json> {
    let master = RecordTypeInfo {
        record_type_id: Some(MASTER_RECORD_TYPE.to_owned()),
        name: "Master".to_owned(),
        developer_name: "Master".to_owned(),
        master: true,
        default_record_type_mapping: object.record_type_infos.is_empty(),
        ..RecordTypeInfo::default()
    };
    let has_master = object.record_type_infos.iter().any(|info| info.master);
    let own = object.record_type_infos.iter();
    own.chain((!has_master).then_some(&master))
        .map(|info| {
            let id = info.record_type_id.as_deref().unwrap_or(MASTER_RECORD_TYPE);
            let layout = format!(
                "{}/sobjects/{}/describe/layouts/{id}",
                version.root(),
                object.name
            );
            json!({
                "active": info.active,
                "available": info.available,
                "defaultRecordTypeMapping": info.default_record_type_mapping,
                "developerName": info.developer_name,
                "master": info.master,
                "name": info.name,
                "recordTypeId": id,
                "urls": { "layout": layout },
            })
        })
        .collect()
}

/// The record type of records that have none.
pub(super) const MASTER_RECORD_TYPE: &str = "012000000000000AAA";

fn supported_scopes(object: &Object) -> Json {
    let everything =
        json!({ "label": format!("All {}", object.label_plural.to_lowercase()), "name": "everything" });
    if object.field("OwnerId").is_some() {
        let mine = json!({ "label": format!("My {}", object.label_plural.to_lowercase()), "name": "mine" });
        json!([everything, mine])
    } else {
        json!([everything])
    }
}
