//! What the page at the root shows, as JSON for other processes too. None of this exists in Salesforce.
//!
//! | Route | Method | Answer |
//! |---|---|---|
//! | `/emulator/org` | GET | `{id, name, edition, isSandbox, url, instanceUrl, now, apiVersions: [first, last], allocations: [{name, used, maximum}], concurrentLongRequests: {used, maximum}}` |
//! | `/emulator/objects` | GET | `[{name, label, custom, records, deleted}]`: `records` without those in the recycle bin |
//! | `/emulator/users` | GET | `[{username, name, isActive, isFrozen}]`, in order of usernames |

use actix_web::{HttpResponse, web};
use serde_json::{Value as Json, json};

use crate::data::{Row, Table};
use crate::limits::Allocation;
use crate::org::Org;
use crate::value::Value;

/// Adds the routes.
pub fn configure(routes: &mut web::ServiceConfig) {
    routes
        .route("/emulator/org", web::get().to(organisation))
        .route("/emulator/objects", web::get().to(objects))
        .route("/emulator/users", web::get().to(users));
}

async fn organisation(org: web::Data<Org>) -> HttpResponse {
    let now = org.clock.now();
    let allocations: Vec<Json> = Allocation::ALL
        .into_iter()
        .chain([Allocation::DailyBulkV2IngestRecords])
        .map(|allocation| {
            let (used, maximum) = org.limits.usage(allocation, now);
            json!({ "name": allocation.name(), "used": used, "maximum": maximum })
        })
        .collect();
    let (long, most) = org.long_requests.usage(now);
    let name = {
        let data = org.read();
        let organisations = data.table("Organization");
        organisations.and_then(|table| text_of(table, table.get(&org.id)?, "Name"))
    };
    HttpResponse::Ok().json(json!({
        "id": org.id.as_str(),
        "name": name,
        "edition": org.edition.name(),
        "isSandbox": org.is_sandbox,
        "url": org.url(),
        "instanceUrl": org.instance_url(),
        "now": now,
        "apiVersions": [org.api_versions.start(), org.api_versions.end()],
        "allocations": allocations,
        "concurrentLongRequests": { "used": long, "maximum": most },
    }))
}

async fn objects(org: web::Data<Org>) -> HttpResponse {
    let schema = org.schema();
    let data = org.read();
    let objects: Vec<Json> = schema
        .objects()
        .map(|object| {
            let table = data.table(&object.name);
            let kept = table.map_or(0, Table::len);
            let deleted = table.map_or(0, |table| table.rows().filter(|row| row.is_deleted()).count());
            json!({
                "name": object.name,
                "label": object.label_plural,
                "custom": object.custom,
                "records": kept - deleted,
                "deleted": deleted,
            })
        })
        .collect();
    HttpResponse::Ok().json(objects)
}

async fn users(org: web::Data<Org>) -> HttpResponse {
    let data = org.read();
    let Some(table) = data.table("User") else {
        return HttpResponse::Ok().json(json!([]));
    };
    let mut users: Vec<(String, Json)> = table
        .rows()
        .filter(|row| !row.is_deleted())
        .filter_map(|row| {
            let username = text_of(table, row, "Username")?;
            let is_active = table
                .object
                .field("IsActive")
                .is_some_and(|(at, _)| row.get(at) == &Value::Boolean(true));
            let user = json!({
                "username": username,
                "name": text_of(table, row, "Name"),
                "isActive": is_active,
                "isFrozen": org.is_frozen(row.id()),
            });
            Some((username, user))
        })
        .collect();
    users.sort_unstable_by(|(one, _), (other, _)| one.cmp(other));
    let users: Vec<Json> = users.into_iter().map(|(_, user)| user).collect();
    HttpResponse::Ok().json(users)
}

fn text_of(table: &Table, row: &Row, field: &str) -> Option<String> {
    let (at, _) = table.object.field(field)?;
    match row.get(at) {
        Value::Text(text) => Some(text.to_string()),
        _ => None,
    }
}
