//! Which layout a profile's users have, and which record page an object has.

use actix_web::web;
use serde::Deserialize;
use serde_json::{Value as Json, json};

use crate::access::records::all;
use crate::access::{LayoutAssignment, PermissionSetDefinition};
use crate::lightning::error::PageError;
use crate::lightning::objects::object_of;
use crate::lightning::visitor::Visitor;
use crate::lightning::{layouts, record_pages};
use crate::org::Org;
use crate::schema::Object;

pub(super) fn configure(routes: &mut web::ServiceConfig) {
    routes
        .service(
            web::resource("/lightning/data/setup/layouts/{object}")
                .route(web::get().to(assigned))
                .route(web::put().to(assign)),
        )
        .service(
            web::resource("/lightning/data/setup/record-pages/{object}")
                .route(web::get().to(record_pages_of))
                .route(web::put().to(activate)),
        );
}

async fn assigned(
    org: web::Data<Org>,
    visitor: Visitor,
    name: web::Path<String>,
) -> Result<web::Json<Json>, PageError> {
    visitor.must_customize()?;
    let object = object_of(visitor.schema(), &name)?;
    Ok(web::Json(assignments(&org, object)))
}

fn names(org: &Org, object: &Object) -> Vec<String> {
    let mut names: Vec<String> = layouts::of_object(org, object)
        .iter()
        .map(|piece| piece.name.clone())
        .collect();
    let standard = layouts::standard_name(object);
    if !object.custom && !names.contains(&standard) {
        names.insert(0, standard);
    }
    names
}

fn profiles(org: &Org) -> Vec<String> {
    let data = org.read();
    let mut profiles: Vec<String> = all(&data, "Profile")
        .map(|profile| profile.text("Name").to_owned())
        .collect();
    profiles.sort();
    profiles
}

fn assignments(org: &Org, object: &Object) -> Json {
    let names = names(org, object);
    let fallback = names
        .iter()
        .find(|name| object.custom || **name == layouts::standard_name(object));
    let assigned = profiles(org).into_iter().map(|profile| {
        let own = org.layout_of_profile(&profile, &object.name);
        json!({ "profile": profile, "layout": own.as_ref().or(fallback) })
    });
    let assigned: Vec<Json> = assigned.collect();
    json!({ "layouts": names, "assignments": assigned })
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Assignments {
    assignments: Vec<Assignment>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Assignment {
    profile: String,
    layout: String,
}

async fn assign(
    org: web::Data<Org>,
    visitor: Visitor,
    name: web::Path<String>,
    wanted: web::Json<Assignments>,
) -> Result<web::Json<Json>, PageError> {
    visitor.must_customize()?;
    let object = object_of(visitor.schema(), &name)?;
    let (known, profiles) = (names(&org, object), profiles(&org));
    for assignment in &wanted.assignments {
        if !known.contains(&assignment.layout) || !profiles.contains(&assignment.profile) {
            return Err(PageError::not_found());
        }
    }
    for assignment in &wanted.assignments {
        let definition = PermissionSetDefinition {
            layout_assignments: vec![LayoutAssignment {
                layout: assignment.layout.clone(),
                record_type: None,
            }],
            ..PermissionSetDefinition::default()
        };
        org.add_profile(&assignment.profile, &definition)
            .map_err(|error| PageError::new(400, error.to_string()))?;
    }
    Ok(web::Json(assignments(&org, object)))
}

async fn record_pages_of(
    org: web::Data<Org>,
    visitor: Visitor,
    name: web::Path<String>,
) -> Result<web::Json<Json>, PageError> {
    visitor.must_customize()?;
    let object = object_of(visitor.schema(), &name)?;
    Ok(web::Json(shown(&org, object)))
}

fn shown(org: &Org, object: &Object) -> Json {
    let pages: Vec<Json> = record_pages::of_object(org, object)
        .iter()
        .map(|page| json!({ "name": page.name, "label": page.definition.text_of("masterLabel") }))
        .collect();
    json!({ "pages": pages, "active": record_pages::active(org, object) })
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Activation {
    active: Option<String>,
}

async fn activate(
    org: web::Data<Org>,
    visitor: Visitor,
    name: web::Path<String>,
    wanted: web::Json<Activation>,
) -> Result<web::Json<Json>, PageError> {
    visitor.must_customize()?;
    let object = object_of(visitor.schema(), &name)?;
    let pages = record_pages::of_object(&org, object);
    let is_known = |name: &String| pages.iter().any(|page| page.name == *name);
    if !wanted.active.as_ref().is_none_or(is_known) {
        return Err(PageError::not_found());
    }
    org.lightning.activate(&object.name, wanted.active.clone());
    Ok(web::Json(shown(&org, object)))
}
