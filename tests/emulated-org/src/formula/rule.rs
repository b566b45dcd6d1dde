//! Validation rules: formulas that must not be true of a record that is saved.
//!
//! Source: Salesforce Metadata API Developer Guide, `ValidationRule`.

use super::{Context, Formula, FormulaError};
use crate::data::SaveError;
use crate::schema::{Object, Schema};

/// A validation rule of one object.
#[derive(Clone, Debug)]
pub struct FormulaRule {
    /// The rule's name.
    pub name: String,
    /// What must not be true.
    pub condition: Formula,
    /// What the refusal says.
    pub message: String,
    /// The field that the refusal names, or none.
    pub field: Option<String>,
    /// Whether the rule is in force.
    pub active: bool,
}

/// Why a validation rule was not taken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FormulaRuleError {
    /// The formula.
    #[error("errorConditionFormula: {0}")]
    Formula(#[from] FormulaError),
    /// The field that the refusal would name.
    #[error("errorDisplayField: {object} has no field {field}")]
    UnknownField {
        /// The object.
        object: String,
        /// The name that is no field.
        field: String,
    },
    /// What the refusal would say.
    #[error("errorMessage must have 1 to 255 characters")]
    Message,
}

/// Characters of a message (Metadata API Developer Guide, `ValidationRule`, `errorMessage`).
const LONGEST_MESSAGE: usize = 255;

impl FormulaRule {
    /// Checks a rule against the metadata.
    ///
    /// # Errors
    /// Its formula is refused, it names no field, or it says nothing.
    pub fn new(
        schema: &Schema,
        object: &Object,
        name: &str,
        formula: &str,
        message: &str,
        field: Option<&str>,
    ) -> Result<Self, FormulaRuleError> {
        let condition = Formula::condition(formula, schema, object)?;
        if message.trim().is_empty() || message.chars().count() > LONGEST_MESSAGE {
            return Err(FormulaRuleError::Message);
        }
        let known = |name: &str| match object.field(name) {
            Some((_, field)) => Ok(field.name.clone()),
            None => Err(FormulaRuleError::UnknownField {
                object: object.name.clone(),
                field: name.to_owned(),
            }),
        };
        let field = field.map(known).transpose()?;
        Ok(Self {
            name: name.to_owned(),
            condition,
            message: message.to_owned(),
            field,
            active: true,
        })
    }

    /// The same rule, checked against metadata that may have changed.
    pub(crate) fn anew(&self, schema: &Schema, object: &Object) -> Result<Self, FormulaRuleError> {
        let (condition, field) = (self.condition.text(), self.field.as_deref());
        let checked = Self::new(schema, object, &self.name, condition, &self.message, field)?;
        Ok(Self {
            active: self.active,
            ..checked
        })
    }

    /// The refusal of a record, if the rule is in force and true of it.
    #[must_use]
    pub fn refusal(&self, context: &Context<'_>) -> Option<SaveError> {
        if !self.active {
            return None;
        }
        let message = match self.condition.holds(context) {
            Ok(false) => return None,
            Ok(true) => self.message.clone(),
            // A formula without a value refuses the save (the words are believed).
            Err(error) => format!(
                "Formula evaluation error in validation rule {}: {error}",
                self.name
            ),
        };
        Some(SaveError {
            code: "FIELD_CUSTOM_VALIDATION_EXCEPTION",
            message,
            fields: self.field.iter().cloned().collect(),
        })
    }
}
