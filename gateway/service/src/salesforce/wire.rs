//! Salesforce's JSON, as it stands in answers. These types stay inside [`crate::salesforce`]; conversions to the
//! core's types are here.

use std::collections::BTreeMap;

use causeway_core::mapping::{SalesforceField, SalesforceObject, SalesforceType};
use secrecy::SecretString;
use serde::{Deserialize, Deserializer};

/// A describe result, as far as mappings need it (REST API Developer Guide, "sObject Describe").
#[derive(Debug, Deserialize)]
pub(super) struct Describe {
    name: String,
    fields: Vec<DescribeField>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct DescribeField {
    name: String,
    #[serde(rename = "type")]
    kind: String,
    #[serde(default)]
    length: u32,
    #[serde(default)]
    precision: u32,
    #[serde(default)]
    scale: u32,
    #[serde(default)]
    nillable: bool,
    #[serde(default)]
    createable: bool,
    #[serde(default)]
    updateable: bool,
    #[serde(default)]
    defaulted_on_create: bool,
    #[serde(default)]
    calculated: bool,
    #[serde(default)]
    external_id: bool,
    #[serde(default)]
    unique: bool,
    #[serde(default = "filterable")]
    filterable: bool,
    #[serde(default)]
    reference_to: Vec<String>,
    #[serde(default)]
    picklist_values: Vec<DescribePicklistValue>,
    #[serde(default)]
    restricted_picklist: bool,
}

#[derive(Debug, Deserialize)]
struct DescribePicklistValue {
    value: String,
    #[serde(default)]
    active: bool,
}

fn filterable() -> bool {
    true
}

impl From<Describe> for SalesforceObject {
    fn from(describe: Describe) -> Self {
        SalesforceObject {
            name: describe.name,
            fields: describe
                .fields
                .into_iter()
                .map(|field| (field.name.clone(), field.into()))
                .collect::<BTreeMap<_, _>>(),
        }
    }
}

impl From<DescribeField> for SalesforceField {
    fn from(field: DescribeField) -> Self {
        SalesforceField {
            kind: read_type(&field.kind),
            name: field.name,
            length: field.length,
            precision: field.precision,
            scale: field.scale,
            nillable: field.nillable,
            createable: field.createable,
            updateable: field.updateable,
            defaulted_on_create: field.defaulted_on_create,
            calculated: field.calculated,
            external_id: field.external_id,
            unique: field.unique,
            filterable: field.filterable,
            reference_to: field.reference_to,
            picklist_values: field
                .picklist_values
                .into_iter()
                .filter(|value| value.active)
                .map(|value| value.value)
                .collect(),
            restricted_picklist: field.restricted_picklist,
        }
    }
}

/// A type that a later release brings is read as `anytype`, which no mapping accepts, so that one new field does
/// not make the whole object unreadable.
fn read_type(name: &str) -> SalesforceType {
    serde_json::from_value(serde_json::Value::String(name.to_owned())).unwrap_or(SalesforceType::Anytype)
}

/// One page of a query result.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct QueryPage {
    pub total_size: u64,
    pub done: bool,
    pub next_records_url: Option<String>,
    pub records: Vec<serde_json::Map<String, serde_json::Value>>,
}

/// One entry of `GET /services/data`.
#[derive(Debug, Deserialize)]
pub(super) struct Version {
    pub version: String,
}

/// One entry of `/limits`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Limit {
    /// Allowed in its window.
    pub max: i64,
    /// Left.
    pub remaining: i64,
}

/// What became of one record of a collection (REST API Developer Guide, "sObject Collections").
#[derive(Debug, Deserialize)]
pub(super) struct SaveResult {
    #[serde(default)]
    pub id: Option<String>,
    pub success: bool,
    /// Only upserts say it, and failed ones say `true` as well.
    #[serde(default)]
    pub created: Option<bool>,
    #[serde(default)]
    pub errors: Vec<SaveError>,
}

/// Why a record of a collection was not written: `statusCode`, where other answers say `errorCode`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct SaveError {
    #[serde(default)]
    pub status_code: String,
    #[serde(default)]
    pub message: String,
    #[serde(default)]
    pub fields: Vec<String>,
}

/// A Bulk API 2.0 job.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Job {
    pub id: String,
    pub state: String,
    #[serde(default)]
    pub number_records_processed: Option<u64>,
    #[serde(default)]
    pub number_records_failed: Option<u64>,
    #[serde(default)]
    pub error_message: Option<String>,
}

/// A token answer of the JWT bearer grant.
#[derive(Deserialize)]
pub(super) struct TokenAnswer {
    #[serde(deserialize_with = "secret")]
    pub access_token: SecretString,
    pub instance_url: String,
    pub id: String,
}

fn secret<'de, D: Deserializer<'de>>(deserializer: D) -> Result<SecretString, D::Error> {
    String::deserialize(deserializer).map(SecretString::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_describe_becomes_what_mappings_need() {
        let describe: Describe = serde_json::from_str(
            r#"{"name":"Lead","label":"Lead","fields":[
                {"name":"Status","type":"picklist","length":255,"nillable":false,"createable":true,"updateable":true,
                 "restrictedPicklist":true,"picklistValues":[{"value":"Open","active":true},{"value":"Old","active":false}]},
                {"name":"Odd__c","type":"hologram","externalId":true,"unique":true,"defaultedOnCreate":true},
                {"name":"OwnerId","type":"reference","referenceTo":["Group","User"]}]}"#,
        )
        .unwrap();
        let object = SalesforceObject::from(describe);
        assert_eq!(object.name, "Lead");
        assert_eq!(object.fields["Status"].kind, SalesforceType::Picklist);
        assert_eq!(object.fields["Status"].picklist_values, ["Open"]);
        assert!(object.fields["Status"].restricted_picklist);
        assert_eq!(object.fields["Odd__c"].kind, SalesforceType::Anytype);
        let odd = &object.fields["Odd__c"];
        assert!(odd.external_id && odd.unique && odd.defaulted_on_create);
        assert!(!object.fields["OwnerId"].external_id);
        assert_eq!(object.fields["OwnerId"].reference_to, ["Group", "User"]);
    }
}
