//! The Metadata API over HTTP: by SOAP, and deployments by REST too.

mod answer;
mod multipart;
pub(super) mod rest;
pub(super) mod soap;
mod soap_calls;

use crate::id::RecordId;
use crate::org::Org;
use crate::value::Value;

/// Whether a user may deploy: who may modify all data or metadata (Metadata API Developer Guide, Required Permissions).
fn may_deploy(org: &Org, user: RecordId) -> bool {
    let access = org.access_of(user);
    access.has_permission("ModifyAllData") || access.has_permission("ModifyMetadata")
}

/// What a user is called.
fn name_of(org: &Org, user: RecordId) -> String {
    let data = org.read();
    let Some(users) = data.table("User") else {
        return String::new();
    };
    let Some(row) = users.get(&user) else {
        return String::new();
    };
    let part = |name: &str| match users.object.field(name).map(|(at, _)| row.get(at)) {
        Some(Value::Text(text)) => text.to_string(),
        _ => String::new(),
    };
    format!("{} {}", part("FirstName"), part("LastName"))
        .trim()
        .to_owned()
}

/// The message that whoever may not deploy is refused with.
const NOT_ALLOWED: &str =
    "use of the Metadata API requires a user with the ModifyAllData or ModifyMetadata permissions";
