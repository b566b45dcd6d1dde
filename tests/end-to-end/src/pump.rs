//! The package's pump, played by a scenario: reads records back from the org and posts full snapshots.

use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use crate::ScenarioError;
use crate::org_client::OrgClient;
use crate::partner::Partner;

/// A change as the pump would post it: the record as the org holds it now.
///
/// # Errors
/// When the record cannot be read.
pub async fn snapshot(
    org: &OrgClient,
    object: &str,
    id: &str,
    fields: &[&str],
    operation: &str,
) -> Result<Value, ScenarioError> {
    let soql = format!(
        "SELECT Id, SystemModstamp, {} FROM {object} WHERE Id = '{id}'",
        fields.join(", ")
    );
    // As the package does: a moment after the reading could hide a save that came in between.
    let read_at = Utc::now();
    let mut rows = org.query(&soql).await?;
    let row = rows.pop().ok_or(ScenarioError::Missing("record"))?;
    Ok(change(object, id, operation, &row, read_at))
}

/// A change from a row that was queried with SystemModstamp at this moment.
pub fn change(object: &str, id: &str, operation: &str, row: &Value, read_at: DateTime<Utc>) -> Value {
    let stamp = row["SystemModstamp"]
        .as_str()
        .and_then(|stamp| stamp.parse().ok());
    let mut fields = row.clone();
    if let Some(fields) = fields.as_object_mut() {
        fields.retain(|name, _| !matches!(name.as_str(), "attributes" | "Id" | "SystemModstamp"));
    }
    json!({
        "object": object, "operation": operation, "id": id,
        "systemModstamp": row["SystemModstamp"], "observedAt": stamp.map_or(read_at, |stamp| read_at.max(stamp)),
        "fields": fields,
    })
}

/// Posts changes as the package does.
///
/// # Errors
/// When the gateway does not take them.
pub async fn post(package: &Partner, organization: &str, changes: &[Value]) -> Result<Value, ScenarioError> {
    let body = json!({"organizationId": organization, "packageVersion": "1.0", "changes": changes});
    package.post("/v1/salesforce/changes", &body).await
}
