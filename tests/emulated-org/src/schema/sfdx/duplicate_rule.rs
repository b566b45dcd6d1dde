//! Duplicate rules and the matching rules that they go by.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::Deserialize;

use super::super::{Object, Schema};
use super::{SfdxError, change, metadata, source};
use crate::data::{DuplicateAction, DuplicateRule, MatchedField, MatchingRule};

/// `DuplicateRule`.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct RuleFile {
    action_on_insert: String,
    action_on_update: String,
    alert_text: Option<String>,
    duplicate_rule_filter: Option<Filter>,
    duplicate_rule_match_rules: Vec<MatchRule>,
    is_active: bool,
    operations_on_insert: Vec<String>,
    operations_on_update: Vec<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct MatchRule {
    #[serde(rename = "matchRuleSObjectType")]
    object: String,
    #[serde(rename = "matchingRule")]
    matching_rule: String,
    #[serde(rename = "objectMapping")]
    mapping: Option<ObjectMapping>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct ObjectMapping {
    mapping_fields: Vec<MappingField>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct MappingField {
    input_field: String,
    output_field: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Filter {
    duplicate_rule_filter_items: Vec<serde::de::IgnoredAny>,
}

/// `MatchingRules`: all of one object.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct MatchingFile {
    matching_rules: Vec<Matching>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Matching {
    full_name: String,
    boolean_filter: Option<String>,
    matching_rule_items: Vec<Item>,
    rule_status: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Item {
    blank_value_behavior: Option<String>,
    field_name: String,
    matching_method: String,
}

/// Adds the active duplicate rules of a deployment.
pub fn add(schema: &mut Schema, rules: &[PathBuf], matching: &[PathBuf]) -> Result<(), SfdxError> {
    let matching = matching_rules(schema, matching)?;
    for path in rules {
        let stem = source::file_stem(path, ".duplicateRule-meta.xml").unwrap_or_default();
        let refuse = |reason: String| SfdxError::invalid(path, reason);
        let (object, name) = stem
            .split_once('.')
            .ok_or_else(|| refuse("the file's name must be Object.Rule".to_owned()))?;
        let rule: RuleFile = metadata::read(path, "DuplicateRule")?;
        let known = schema
            .object(object)
            .ok_or_else(|| refuse(format!("object {object} does not exist")))?;
        let filter = rule.duplicate_rule_filter.as_ref();
        if filter.is_some_and(|filter| !filter.duplicate_rule_filter_items.is_empty()) {
            return Err(refuse(
                "duplicateRuleFilter is not supported by the emulated org".to_owned(),
            ));
        }
        let mut found = Vec::new();
        for wanted in &rule.duplicate_rule_match_rules {
            let mut rule = matching
                .get(&(wanted.object.clone(), wanted.matching_rule.clone()))
                .cloned()
                .ok_or_else(|| {
                    refuse(format!(
                        "matchingRule: {}.{} is not in the source or not active",
                        wanted.object, wanted.matching_rule
                    ))
                })?;
            let pairs = wanted.mapping.iter().flat_map(|mapping| &mapping.mapping_fields);
            for pair in pairs {
                for field in rule
                    .fields
                    .iter_mut()
                    .filter(|field| field.other == pair.output_field)
                {
                    field.saved.clone_from(&pair.input_field);
                }
            }
            for field in &rule.fields {
                must_have(known, &field.saved).map_err(refuse)?;
            }
            found.push(rule);
        }
        let action = |action: &str, operations: &[String], element: &str| match action {
            "Block" => Ok(DuplicateAction::Block),
            "Allow"
                if operations
                    .iter()
                    .any(|operation| operation.eq_ignore_ascii_case("alert")) =>
            {
                Ok(DuplicateAction::Alert)
            }
            "Allow" => Ok(DuplicateAction::Allow),
            other => Err(refuse(format!(
                "{element} is {other:?}; it must be Allow or Block"
            ))),
        };
        let checked = DuplicateRule {
            name: name.to_owned(),
            message: rule.alert_text.clone().unwrap_or_else(|| USUAL_TEXT.to_owned()),
            on_insert: action(
                &rule.action_on_insert,
                &rule.operations_on_insert,
                "actionOnInsert",
            )?,
            on_update: action(
                &rule.action_on_update,
                &rule.operations_on_update,
                "actionOnUpdate",
            )?,
            matching: found,
        };
        if rule.is_active {
            change(schema, path, object, |object| {
                object.duplicate_rules.push(checked)
            })?;
        }
    }
    Ok(())
}

/// The text of Salesforce's own rules.
const USUAL_TEXT: &str = "Use one of these records?";

type MatchingRules = BTreeMap<(String, String), MatchingRule>;

fn matching_rules(schema: &Schema, paths: &[PathBuf]) -> Result<MatchingRules, SfdxError> {
    let mut found = MatchingRules::new();
    for path in paths {
        let refuse = |reason: String| SfdxError::invalid(path, reason);
        let name = source::file_stem(path, ".matchingRule-meta.xml").unwrap_or_default();
        let object = schema
            .object(name)
            .ok_or_else(|| refuse(format!("object {name} does not exist")))?;
        let file: MatchingFile = metadata::read(path, "MatchingRules")?;
        for rule in file.matching_rules {
            let or = rule
                .boolean_filter
                .iter()
                .any(|filter| filter.to_uppercase().contains("OR"));
            if or {
                return Err(refuse(
                    "booleanFilter with OR is not supported by the emulated org".to_owned(),
                ));
            }
            let mut fields = Vec::new();
            for item in rule.matching_rule_items {
                if item.matching_method != "Exact" {
                    return Err(refuse(format!(
                        "matchingMethod {} is not supported by the emulated org; use Exact",
                        item.matching_method
                    )));
                }
                must_have(object, &item.field_name).map_err(refuse)?;
                fields.push(MatchedField {
                    saved: item.field_name.clone(),
                    other: item.field_name,
                    blanks_match: item.blank_value_behavior.as_deref() == Some("MatchBlanks"),
                });
            }
            if rule.rule_status == "Active" {
                let checked = MatchingRule {
                    name: rule.full_name.clone(),
                    object: object.name.clone(),
                    fields,
                };
                found.insert((object.name.clone(), rule.full_name), checked);
            }
        }
    }
    Ok(found)
}

fn must_have(object: &Object, field: &str) -> Result<(), String> {
    if object.field(field).is_some() {
        return Ok(());
    }
    Err(format!("{} has no field {field}", object.name))
}
