//! Rules, and how they are written down.

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use serde::Deserialize;
use serde_json::{Map, Value as Json};

use super::phone;
use crate::formula::{FormulaRule, FormulaRuleError};
use crate::http::record::{ReadError, RecordReader};
use crate::id::RecordId;
use crate::schema::{Object, Schema};
use crate::soql::{Plan, SoqlError};
use crate::value::Value;

/// All rules, by object.
#[derive(Clone, Debug, Default)]
pub struct Rules {
    by_object: BTreeMap<String, Vec<Rule>>,
}

/// One rule of one object.
#[derive(Clone, Debug)]
pub enum Rule {
    /// Changes fields on the way into the database, as a before-save flow does.
    BeforeSave(Arc<FieldUpdate>),
    /// Changes fields some time after the save, as an asynchronous path of an after-save flow does.
    AfterSave(Arc<LaterUpdate>),
    /// Refuses the save.
    Validation(Arc<ValidationRule>),
    /// Refuses the save by a formula.
    Formula(Arc<FormulaRule>),
    /// Ends the whole transaction with an error, as a trigger does that throws.
    Throws(Arc<ValidationRule>),
}

/// Changes to make to a record.
#[derive(Clone, Debug)]
pub struct FieldUpdate {
    /// A query whose filter the record must pass; every record passes without it.
    pub when: Option<Plan>,
    /// Positions and new values of fields.
    pub set: Vec<(usize, Value)>,
    /// Positions of fields whose numbers are formatted as record pages format them.
    pub format_phones: Vec<usize>,
    /// Positions of texts that become lower case.
    pub lower_case: Vec<usize>,
}

/// Changes to make some time after a save.
#[derive(Clone, Debug)]
pub struct LaterUpdate {
    /// What to change.
    pub update: FieldUpdate,
    /// In whose name.
    pub user: RecordId,
    /// How long after the save.
    pub after: TimeDelta,
}

/// A rule that refuses what passes its filter.
#[derive(Clone, Debug)]
pub struct ValidationRule {
    /// A query whose filter a record must pass to be refused.
    pub when: Plan,
    /// What the refusal says.
    pub message: String,
    /// The field that the refusal names, or none.
    pub field: Option<String>,
}

/// A rule as the knob takes it.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RuleDefinition {
    /// The object's API name.
    pub object: String,
    /// When the rule applies: the `WHERE` clause of a query on the object, without the word. Always if absent.
    pub when: Option<String>,
    /// What it does.
    pub then: Then,
}

/// What a rule does.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub enum Then {
    /// Changes fields before the save.
    BeforeSave(UpdateDefinition),
    /// Changes fields after the save, in another transaction.
    #[serde(rename_all = "camelCase")]
    AfterSave {
        /// What to change.
        update: UpdateDefinition,
        /// The username of the user in whose name; the administrator if absent.
        #[serde(rename = "as")]
        user: Option<String>,
        /// How long after the save.
        after_milliseconds: u32,
    },
    /// Refuses the save.
    Validation {
        /// What the refusal says.
        message: String,
        /// The field that it names, or none.
        field: Option<String>,
    },
    /// Refuses the save where a formula is true, as a validation rule of the metadata does.
    ValidationRule {
        /// What must not be true.
        formula: String,
        /// What the refusal says.
        message: String,
        /// The field that it names, or none.
        field: Option<String>,
    },
    /// Ends the whole transaction, and with it all rows of the request or chunk.
    TriggerThrows {
        /// What the exception says.
        message: String,
    },
}

/// Changes to fields as the knob takes them.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase", deny_unknown_fields)]
pub struct UpdateDefinition {
    /// New values by field name; null clears.
    pub set: Map<String, Json>,
    /// Names of fields whose numbers are formatted as record pages format them.
    pub format_phones: Vec<String>,
    /// Names of fields whose texts become lower case.
    pub lower_case: Vec<String>,
}

/// Why a rule was not taken.
#[derive(Debug, thiserror::Error)]
pub enum RuleError {
    /// No such object.
    #[error("object {0} does not exist")]
    UnknownObject(String),
    /// No such field.
    #[error("object {object} has no field {field}")]
    UnknownField {
        /// The object.
        object: String,
        /// The name that is no field.
        field: String,
    },
    /// A value that the field cannot take.
    #[error("field {field} cannot be set to {value}: {reason}")]
    Value {
        /// The field.
        field: String,
        /// The value.
        value: String,
        /// What is wrong with it.
        reason: String,
    },
    /// No such user.
    #[error("user {0} does not exist or is inactive; give the username of an active user")]
    UnknownUser(String),
    /// The condition is no filter of a query.
    #[error("when: {0}")]
    Condition(#[from] SoqlError),
    /// A validation rule that the metadata would not take.
    #[error(transparent)]
    Formula(#[from] FormulaRuleError),
    /// A condition where the formula is one already.
    #[error("a validation rule's condition is its formula; leave out when")]
    TwoConditions,
    /// A rule that would refuse everything.
    #[error("a rule that refuses needs a condition; write it into when")]
    Unconditional,
}

impl Rules {
    pub(super) fn add(&mut self, object: &str, rule: Rule) {
        self.by_object
            .entry(object.to_ascii_lowercase())
            .or_default()
            .push(rule);
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.by_object.is_empty()
    }

    /// The rules of an object, in the order in which they were added.
    #[must_use]
    pub fn of(&self, object: &Object) -> &[Rule] {
        if self.by_object.is_empty() {
            return &[];
        }
        self.by_object
            .get(&object.name.to_ascii_lowercase())
            .map_or(&[], Vec::as_slice)
    }
}

impl FieldUpdate {
    /// The fields that the update changes, with their new values, given the present ones.
    pub(crate) fn changes<'v>(&self, present: impl Fn(usize) -> &'v Value) -> Vec<(usize, Value)> {
        let mut changes: Vec<(usize, Value)> = self
            .set
            .iter()
            .filter(|(position, value)| present(*position) != value)
            .cloned()
            .collect();
        for position in &self.format_phones {
            if let Value::Text(number) = present(*position)
                && let Some(formatted) = phone::formatted(number)
                && formatted != number.as_ref()
            {
                changes.push((*position, Value::text(formatted)));
            }
        }
        for position in &self.lower_case {
            if let Value::Text(text) = present(*position)
                && text.to_lowercase() != text.as_ref()
            {
                changes.push((*position, Value::text(text.to_lowercase())));
            }
        }
        changes
    }
}

impl RuleDefinition {
    /// Checks the definition against the metadata. `user_named` finds active users by their usernames.
    ///
    /// # Errors
    /// What the definition names does not exist or does not fit.
    pub fn check(
        self,
        schema: &Schema,
        now: DateTime<Utc>,
        admin: RecordId,
        user_named: impl Fn(&str) -> Option<RecordId>,
    ) -> Result<(String, Rule), RuleError> {
        let object = schema
            .object(&self.object)
            .ok_or_else(|| RuleError::UnknownObject(self.object.clone()))?;
        let when = self
            .when
            .map(|filter| {
                let query = format!("SELECT Id FROM {} WHERE {filter}", object.name);
                Plan::new(&query, schema, now)
            })
            .transpose()?;
        let rule = match self.then {
            Then::BeforeSave(update) => Rule::BeforeSave(Arc::new(update.check(schema, object, when)?)),
            Then::AfterSave {
                update,
                user,
                after_milliseconds,
            } => {
                let user = user.map_or(Ok(admin), |name| {
                    user_named(&name).ok_or(RuleError::UnknownUser(name))
                })?;
                Rule::AfterSave(Arc::new(LaterUpdate {
                    update: update.check(schema, object, when)?,
                    user,
                    after: TimeDelta::milliseconds(after_milliseconds.into()),
                }))
            }
            Then::TriggerThrows { message } => Rule::Throws(Arc::new(ValidationRule {
                when: when.ok_or(RuleError::Unconditional)?,
                message,
                field: None,
            })),
            Then::ValidationRule { .. } if when.is_some() => return Err(RuleError::TwoConditions),
            Then::ValidationRule {
                formula,
                message,
                field,
            } => Rule::Formula(Arc::new(FormulaRule::new(
                schema,
                object,
                "of the knob",
                &formula,
                &message,
                field.as_deref(),
            )?)),
            Then::Validation { message, field } => Rule::Validation(Arc::new(ValidationRule {
                when: when.ok_or(RuleError::Unconditional)?,
                message,
                field: field
                    .map(|field| position(object, &field).map(|(_, name)| name))
                    .transpose()?,
            })),
        };
        Ok((object.name.clone(), rule))
    }
}

impl UpdateDefinition {
    fn check(self, schema: &Schema, object: &Object, when: Option<Plan>) -> Result<FieldUpdate, RuleError> {
        let reader = RecordReader { schema, text: "" };
        let mut set = Vec::with_capacity(self.set.len());
        for (name, json) in &self.set {
            let (at, field) = object.field(name).ok_or_else(|| RuleError::UnknownField {
                object: object.name.clone(),
                field: name.clone(),
            })?;
            let value = reader.value(field, json).map_err(|error| RuleError::Value {
                field: name.clone(),
                value: json.to_string(),
                reason: match error {
                    ReadError::Request(error) => error.message,
                    ReadError::Record(error) => error.message,
                },
            })?;
            set.push((at, value));
        }
        let positions = |names: Vec<String>| {
            names
                .iter()
                .map(|name| position(object, name).map(|(at, _)| at))
                .collect::<Result<Vec<_>, _>>()
        };
        Ok(FieldUpdate {
            when,
            set,
            format_phones: positions(self.format_phones)?,
            lower_case: positions(self.lower_case)?,
        })
    }
}

fn position(object: &Object, name: &str) -> Result<(usize, String), RuleError> {
    object
        .field(name)
        .map(|(at, field)| (at, field.name.clone()))
        .ok_or_else(|| RuleError::UnknownField {
            object: object.name.clone(),
            field: name.to_owned(),
        })
}
