//! Objects as pages know them: their fields, and their list views.

use actix_web::web;
use serde_json::{Map, Value as Json, json};

use super::error::PageError;
use super::list_views;
use super::translations::Words;
use super::visitor::Visitor;
use crate::org::Org;
use crate::schema::{Field, Object, Schema};

pub(super) fn configure(routes: &mut web::ServiceConfig) {
    routes.route("/lightning/data/objects/{object}", web::get().to(describe));
}

/// An object that the user may read.
pub(super) fn object_of<'s>(schema: &'s Schema, name: &str) -> Result<&'s std::sync::Arc<Object>, PageError> {
    schema.object(name).ok_or_else(PageError::not_found)
}

async fn describe(
    org: web::Data<Org>,
    visitor: Visitor,
    name: web::Path<String>,
) -> Result<web::Json<Json>, PageError> {
    let object = object_of(visitor.schema(), &name)?;
    let words = Words::of_user(&org, visitor.user);
    let fields: Map<String, Json> = object
        .visible_fields()
        .map(|(_, field)| (field.name.clone(), described(field, &words.field(object, field))))
        .collect();
    let views = list_views::all(&org, object);
    let views = views
        .iter()
        .map(|view| json!({ "name": view.name, "label": view.label }));
    Ok(web::Json(json!({
        "name": object.name,
        "label": words.object(object, false),
        "labelPlural": words.object(object, true),
        "keyPrefix": object.key_prefix,
        "nameField": object.name_field().map(|(_, field)| field.name.as_str()),
        "canCreate": object.createable,
        "fields": fields,
        "listViews": views.collect::<Vec<_>>(),
    })))
}

fn described(field: &Field, name: &str) -> Json {
    let values = field.picklist_values.iter().filter(|value| value.active);
    let values = values.map(|value| {
        let label = value.label.as_ref().unwrap_or(&value.value);
        json!({ "value": value.value, "label": label })
    });
    json!({
        "name": field.name,
        "label": name,
        "type": field.kind.name(),
        "length": field.length,
        "precision": field.precision,
        "scale": field.scale,
        "required": field.required_on_create(),
        "createable": field.createable,
        "updateable": field.updateable,
        "referenceTo": field.reference_to,
        "values": values.collect::<Vec<_>>(),
        "helpText": field.inline_help_text,
    })
}
