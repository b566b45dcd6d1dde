//! Validation rules from metadata.

use std::path::PathBuf;
use std::sync::Arc;

use serde::Deserialize;
use serde::de::IgnoredAny;

use super::super::Schema;
use super::{SfdxError, change, metadata, objects_behind, source};
use crate::formula::FormulaRule;

/// `ValidationRule`. Unknown elements are refused, as a deployment would.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase", deny_unknown_fields)]
struct ValidationRule {
    #[serde(rename = "@xmlns")]
    _namespace: Option<IgnoredAny>,
    #[serde(rename = "@xmlns:xsi")]
    _instance_namespace: Option<IgnoredAny>,
    full_name: String,
    active: bool,
    #[serde(rename = "description")]
    _description: Option<IgnoredAny>,
    error_condition_formula: String,
    error_display_field: Option<String>,
    error_message: String,
    #[serde(rename = "shouldEvaluateOnClient")]
    _should_evaluate_on_client: Option<IgnoredAny>,
}

/// Adds an object's rules; those of Activity hold for tasks and events.
pub fn add(schema: &mut Schema, object: &str, paths: &[PathBuf]) -> Result<(), SfdxError> {
    for path in paths {
        let rule: ValidationRule = metadata::read(path, "ValidationRule")?;
        let expected = source::file_stem(path, ".validationRule-meta.xml");
        if expected != Some(rule.full_name.as_str()) {
            let reason = format!("fullName is {}; it must equal the file's name", rule.full_name);
            return Err(SfdxError::invalid(path, reason));
        }
        for target in objects_behind(object) {
            let Some(known) = schema.object(target) else {
                return Err(SfdxError::invalid(
                    path,
                    format!("object {target} does not exist"),
                ));
            };
            let mut checked = FormulaRule::new(
                schema,
                known,
                &rule.full_name,
                &rule.error_condition_formula,
                &rule.error_message,
                rule.error_display_field.as_deref(),
            )
            .map_err(|refused| SfdxError::invalid(path, refused.to_string()))?;
            checked.active = rule.active;
            change(schema, path, target, |object| {
                object.validation_rules.push(Arc::new(checked))
            })?;
        }
    }
    Ok(())
}
