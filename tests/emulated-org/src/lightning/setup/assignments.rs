//! Permission sets, and to whom they are assigned.

use actix_web::web;
use serde::Deserialize;
use serde_json::{Value as Json, json};

use crate::access::AccessError;
use crate::access::records::all;
use crate::data::Data;
use crate::id::RecordId;
use crate::lightning::error::PageError;
use crate::lightning::visitor::Visitor;
use crate::org::Org;

pub(super) fn configure(routes: &mut web::ServiceConfig) {
    routes
        .route("/lightning/data/setup/permission-sets", web::get().to(list))
        .service(
            web::resource("/lightning/data/setup/permission-sets/{name}/assignments")
                .route(web::post().to(assign))
                .route(web::delete().to(take_away)),
        );
}

/// Assigning takes less than customising (Salesforce Help, Assign Permission Sets).
fn must_assign(visitor: &Visitor) -> Result<(), PageError> {
    let may = ["ManageUsers", "AssignPermissionSets"]
        .iter()
        .any(|permission| visitor.access.has_permission(permission));
    if may {
        Ok(())
    } else {
        Err(PageError::insufficient())
    }
}

async fn list(org: web::Data<Org>, visitor: Visitor) -> Result<web::Json<Json>, PageError> {
    must_assign(&visitor)?;
    let data = org.read();
    let sets = all(&data, "PermissionSet").filter(|set| !set.is("IsOwnedByProfile"));
    let mut sets: Vec<Json> = sets
        .map(|set| {
            let holders: Vec<RecordId> = all(&data, "PermissionSetAssignment")
                .filter(|given| given.id_in("PermissionSetId") == Some(set.row.id()))
                .filter_map(|given| given.id_in("AssigneeId"))
                .collect();
            json!({
                "name": set.text("Name"),
                "label": set.text("Label"),
                "assigned": users(&data, |id, _| holders.contains(&id)),
                "assignable": users(&data, |id, is_active| is_active && !holders.contains(&id)),
            })
        })
        .collect();
    sets.sort_by_key(|set| set.get("label").and_then(Json::as_str).map(str::to_owned));
    Ok(web::Json(Json::from(sets)))
}

fn users(data: &Data, wanted: impl Fn(RecordId, bool) -> bool) -> Vec<Json> {
    let users = all(data, "User").filter(|user| wanted(user.row.id(), user.is("IsActive")));
    users
        .map(|user| {
            json!({
                "userId": user.row.id().as_str(),
                "name": user.text("Name"),
                "username": user.text("Username"),
            })
        })
        .collect()
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Assignee {
    user_id: String,
}

async fn assign(
    org: web::Data<Org>,
    visitor: Visitor,
    name: web::Path<String>,
    assignee: web::Json<Assignee>,
) -> Result<web::Json<Json>, PageError> {
    must_assign(&visitor)?;
    let username = username(&org, &assignee)?;
    org.assign_permission_set(&name, &username).map_err(refused)?;
    Ok(web::Json(json!({ "name": *name })))
}

async fn take_away(
    org: web::Data<Org>,
    visitor: Visitor,
    name: web::Path<String>,
    assignee: web::Json<Assignee>,
) -> Result<web::Json<Json>, PageError> {
    must_assign(&visitor)?;
    let username = username(&org, &assignee)?;
    org.unassign_permission_set(&name, &username).map_err(refused)?;
    Ok(web::Json(json!({ "name": *name })))
}

fn username(org: &Org, assignee: &Assignee) -> Result<String, PageError> {
    let data = org.read();
    let found =
        RecordId::parse(&assignee.user_id).and_then(|id| all(&data, "User").find(|user| user.row.id() == id));
    found
        .map(|user| user.text("Username").to_owned())
        .ok_or_else(PageError::not_found)
}

fn refused(error: AccessError) -> PageError {
    match error {
        AccessError::Unknown(_) => PageError::not_found(),
        AccessError::Refused(errors) => PageError::of_record(errors),
        other => PageError::new(400, other.to_string()),
    }
}
