//! The mapping document: what an admin writes, before it is checked against Salesforce.

use serde::{Deserialize, Serialize};

use crate::mapping::catalog::PartnerType;

/// An object mapping as written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct MappingDocument {
    /// Name of the partner object, for example `contact`; lower-case letters, digits and `_`.
    pub partner_object: String,
    /// API name of the sObject, for example `Contact`.
    pub salesforce_object: String,
    /// Which way records travel.
    pub direction: Direction,
    /// Whether what exists already is carried over.
    #[serde(default)]
    pub scope: Scope,
    /// What a delete in Salesforce does to the partner's record.
    #[serde(default)]
    pub delete_policy: DeletePolicy,
    /// Partner user who owns records whose Salesforce owner has no partner user. Mandatory (no default).
    pub default_owner: String,
    /// What a delete by the partner does to the Salesforce record: `delete`, `unlink` or `ask`. Salesforce keeps no
    /// archive.
    #[serde(default = "ask")]
    pub partner_delete_policy: DeletePolicy,
    /// Salesforce user (or queue) who owns records whose partner owner has no Salesforce user. Mandatory where the
    /// partner writes objects that have an owner.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub salesforce_default_owner: Option<String>,
    /// Who wins the owner. Without it Salesforce does, or the partner where only the partner writes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner_rule: Option<SyncRule>,
    /// API name of the unique external id field that carries the partner record's id. Mandatory where the partner
    /// writes, but for objects that take no external id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub external_id: Option<String>,
    /// Write the partner record's id into `externalId` of each Salesforce record that is linked, also of those that
    /// the partner did not make: once, whatever the direction.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub mark_linked: bool,
    /// API name of a date/time field that each write of the gateway sets to the moment of that write.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_written: Option<String>,
    /// The partner field by which records are recognised as the same on both sides, for example `email`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub identity: Option<String>,
    /// On update, leave an owner alone rather than replace it by the default owner of its side.
    #[serde(default)]
    pub keep_owner_on_update: bool,
    /// The mapped fields.
    pub fields: Vec<FieldMapping>,
}

fn ask() -> DeletePolicy {
    DeletePolicy::Ask
}

/// A pair of fields with its sync rule.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct FieldMapping {
    /// Name of the partner field, for example `last_name`.
    pub partner: String,
    /// The partner field's type.
    #[serde(rename = "type")]
    pub partner_type: PartnerType,
    /// API name of the Salesforce field.
    pub salesforce: String,
    /// Who wins.
    #[serde(default)]
    pub rule: SyncRule,
    /// The partner refuses records without a value here.
    #[serde(default)]
    pub required: bool,
    /// Greatest number of characters that the partner takes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_length: Option<u32>,
    /// Pairs of options, for choices. Without any, options pass under their own names.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub choices: Vec<ChoiceMapping>,
}

/// A pair of picklist options.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ChoiceMapping {
    /// The Salesforce option's API value.
    pub salesforce: String,
    /// The partner's option; `null` means that this option does not sync.
    pub partner: Option<String>,
}

/// Which way records travel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Direction {
    /// From Salesforce to the partner.
    SalesforceToPartner,
    /// From the partner to Salesforce.
    PartnerToSalesforce,
    /// Both ways.
    Both,
}

/// Whether history is carried over or only what changes from now on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Scope {
    /// What exists, and what changes.
    #[default]
    PastAndFuture,
    /// Only what changes from now on.
    FutureOnly,
}

/// What happens to the other side's record when one side's is deleted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum DeletePolicy {
    /// Delete it too.
    #[default]
    Delete,
    /// Keep it, marked as archived.
    Archive,
    /// Keep it and end the link.
    Unlink,
    /// Hold it for a person.
    Ask,
}

/// Who wins a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum SyncRule {
    /// The Salesforce value always wins.
    #[default]
    Salesforce,
    /// The Salesforce value wins unless it is blank.
    SalesforceUnlessBlank,
    /// The partner's value always wins.
    Partner,
    /// The partner's value wins unless it is blank.
    PartnerUnlessBlank,
    /// The newer edit wins.
    MostRecent,
    /// The field never moves.
    DoNotSync,
}

#[cfg(test)]
mod tests {
    use super::*;

    const WRITTEN: &str = r#"{
        "partnerObject": "contact",
        "salesforceObject": "Contact",
        "direction": "salesforceToPartner",
        "scope": "futureOnly",
        "deletePolicy": "archive",
        "defaultOwner": "u-1",
        "fields": [
            {"partner": "name", "type": "Text", "salesforce": "LastName", "required": true, "maxLength": 80},
            {"partner": "level", "type": "SingleChoice", "salesforce": "Level__c", "rule": "salesforceUnlessBlank",
             "choices": [{"salesforce": "Primary", "partner": "a"}, {"salesforce": "Tertiary", "partner": null}]}
        ]
    }"#;

    #[test]
    fn a_document_is_read_as_written_and_the_rest_has_defaults() {
        let document: MappingDocument = serde_json::from_str(WRITTEN).unwrap();
        assert_eq!(document.scope, Scope::FutureOnly);
        assert_eq!(document.delete_policy, DeletePolicy::Archive);
        assert!(!document.keep_owner_on_update);
        let [name, level] = &document.fields[..] else {
            panic!("{document:?}")
        };
        assert_eq!(
            (name.rule, name.required, name.max_length),
            (SyncRule::Salesforce, true, Some(80))
        );
        assert_eq!(
            (level.rule, level.required),
            (SyncRule::SalesforceUnlessBlank, false)
        );
        assert_eq!(level.choices[0].partner.as_deref(), Some("a"));
        assert_eq!(level.choices[1].partner, None);
        let again = serde_json::to_string(&document).unwrap();
        assert_eq!(serde_json::from_str::<MappingDocument>(&again).unwrap(), document);
    }

    #[test]
    fn a_misspelled_key_and_a_missing_default_owner_are_named() {
        for (from, to, named) in [
            ("deletePolicy", "deletePolicies", "deletePolicies"),
            ("maxLength", "maxLenght", "maxLenght"),
            ("\"defaultOwner\": \"u-1\",", "", "defaultOwner"),
            ("futureOnly", "future", "pastAndFuture"),
        ] {
            let wrong = WRITTEN.replace(from, to);
            let error = serde_json::from_str::<MappingDocument>(&wrong)
                .unwrap_err()
                .to_string();
            assert!(error.contains(named), "{error}");
        }
    }
}
