//! The mappings of the generated company, and the users that its partner system knows.

use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::ScenarioError;
use crate::org_client::OrgClient;

/// Owner of records whose Salesforce owner the partner does not know.
pub const DEFAULT_OWNER: &str = "desk";

const MAPPINGS: [&str; 5] = [
    include_str!("../mappings/1-account.json"),
    include_str!("../mappings/2-contact.json"),
    include_str!("../mappings/3-lead.json"),
    include_str!("../mappings/4-opportunity.json"),
    include_str!("../mappings/5-task.json"),
];

/// Partner objects and sObjects of the company's mappings.
pub const OBJECTS: [(&str, &str); 5] = [
    ("account", "Account"),
    ("contact", "Contact"),
    ("lead", "Lead"),
    ("opportunity", "Opportunity"),
    ("task", "Task"),
];

/// Mapping documents for the company's objects, in the order in which they are applied.
///
/// # Errors
/// When a document is no JSON.
pub fn mappings() -> Result<Vec<Value>, ScenarioError> {
    MAPPINGS
        .iter()
        .map(|text| {
            serde_json::from_str(text).map_err(|_broken| ScenarioError::Missing("valid mapping document"))
        })
        .collect()
}

/// The mapping documents with contacts and leads travelling both ways: the newer edit of a field wins, but for where a
/// lead came from, which Salesforce alone knows. The org needs the custom fields of [`metadata`].
///
/// `salesforce_owner` owns in Salesforce what comes from partner users whom the org does not know.
///
/// # Errors
/// When a document is no JSON.
pub fn mappings_both_ways(salesforce_owner: &str) -> Result<Vec<Value>, ScenarioError> {
    let mut documents = mappings()?;
    for document in &mut documents {
        if document["partnerObject"] != "contact" && document["partnerObject"] != "lead" {
            continue;
        }
        document["direction"] = "both".into();
        document["salesforceDefaultOwner"] = salesforce_owner.into();
        document["externalId"] = "Partner_Id__c".into();
        document["partnerDeletePolicy"] = "delete".into();
        for field in document["fields"].as_array_mut().into_iter().flatten() {
            if field["partner"] != "source" {
                field["rule"] = "mostRecent".into();
            }
        }
    }
    Ok(documents)
}

/// The folder with the org's custom fields, in SFDX source format.
pub fn metadata() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("metadata")
}

/// Partner users for the org's users, all but the last, and the default owner: id, e-mail, name.
///
/// # Errors
/// When the org refuses the query.
pub async fn partner_users(org: &OrgClient) -> Result<Vec<(String, String, String)>, ScenarioError> {
    let rows = org
        .query("SELECT Id, Email, Name FROM User WHERE IsActive = true ORDER BY Email")
        .await?;
    let text = |row: &Value, name: &str| row[name].as_str().unwrap_or_default().to_owned();
    let mut users: Vec<_> = rows
        .iter()
        .enumerate()
        .map(|(number, row)| (format!("u-{number}"), text(row, "Email"), text(row, "Name")))
        .collect();
    users.pop();
    users.push((
        DEFAULT_OWNER.to_owned(),
        "desk@partner.example".to_owned(),
        "Front Desk".to_owned(),
    ));
    Ok(users)
}
