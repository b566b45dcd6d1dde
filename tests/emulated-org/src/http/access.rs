//! The knob that says who may see and do what. It does not exist in Salesforce, where it is set up on pages and by
//! deployments; much of it can be done with records over the data API too.
//!
//! | Route | Method | Body | Effect |
//! |---|---|---|---|
//! | `/emulator/access` | POST | any of `permissionSets` and `profiles` (lists of a `name` and the elements of the metadata types), `recordTypes` (`{object, fullName, label?}`), `queues` (`{name, objects, members}`), `sharing` (`{"Account": "Private"}`), `assign` and `unassign` (lists of `{permissionSet, username}`), `setProfile` (`{username: profile}`) | does it in this order: record types, sharing, sets and profiles, queues, assignments |

use std::collections::BTreeMap;

use actix_web::{HttpResponse, web};
use serde::Deserialize;
use serde_json::json;

use super::ApiError;
use super::body::JsonBody;
use super::control::parse;
use crate::access::{AccessError, PermissionSetDefinition, QueueDefinition, RecordTypeDefinition};
use crate::org::Org;
use crate::schema::Sharing;

/// Adds the route.
pub fn configure(routes: &mut web::ServiceConfig) {
    routes.route("/emulator/access", web::post().to(change));
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase", deny_unknown_fields)]
struct Changes {
    record_types: Vec<NewRecordType>,
    sharing: BTreeMap<String, Sharing>,
    permission_sets: Vec<NewGrants>,
    profiles: Vec<NewGrants>,
    queues: Vec<QueueDefinition>,
    assign: Vec<Assignment>,
    unassign: Vec<Assignment>,
    set_profile: BTreeMap<String, String>,
}

#[derive(Debug, Deserialize)]
struct NewRecordType {
    object: String,
    #[serde(flatten)]
    definition: RecordTypeDefinition,
}

#[derive(Debug, Deserialize)]
struct NewGrants {
    name: String,
    #[serde(flatten)]
    definition: PermissionSetDefinition,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Assignment {
    permission_set: String,
    username: String,
}

async fn change(org: web::Data<Org>, body: JsonBody) -> Result<HttpResponse, ApiError> {
    let changes: Changes = parse(&body)?;
    let made = changes
        .apply(&org)
        .map_err(|error| ApiError::new(400, "INVALID_INPUT", error.to_string()))?;
    Ok(HttpResponse::Ok().json(json!({ "ids": made })))
}

impl Changes {
    /// The ids of what was made, by name.
    fn apply(&self, org: &Org) -> Result<BTreeMap<String, String>, AccessError> {
        let mut made = BTreeMap::new();
        for new in &self.record_types {
            let id = org.add_record_type(&new.object, &new.definition)?;
            made.insert(
                format!("{}.{}", new.object, new.definition.full_name),
                id.to_string(),
            );
        }
        for (object, sharing) in &self.sharing {
            org.set_sharing(object, *sharing)?;
        }
        for new in &self.permission_sets {
            let id = org.add_permission_set(&new.name, &new.definition)?;
            made.insert(new.name.clone(), id.to_string());
        }
        for new in &self.profiles {
            let id = org.add_profile(&new.name, &new.definition)?;
            made.insert(new.name.clone(), id.to_string());
        }
        for queue in &self.queues {
            made.insert(queue.name.clone(), org.add_queue(queue)?.to_string());
        }
        for given in &self.assign {
            org.assign_permission_set(&given.permission_set, &given.username)?;
        }
        for taken in &self.unassign {
            org.unassign_permission_set(&taken.permission_set, &taken.username)?;
        }
        for (username, profile) in &self.set_profile {
            org.set_profile(username, profile)?;
        }
        Ok(made)
    }
}
