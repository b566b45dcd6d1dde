//! Formula fields: their texts become formulas once all fields are known.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::Schema;
use crate::formula::Formula;

/// A formula field that was refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{object}.{field}: {reason}")]
pub struct FormulaFieldRefused {
    /// The object.
    pub object: String,
    /// The field.
    pub field: String,
    /// Why.
    pub reason: String,
}

/// An object's and a field's name.
type FieldName = (String, String);

impl Schema {
    /// Checks the formulas of all formula fields that have not been checked yet.
    ///
    /// # Errors
    /// The first formula that names what does not exist, whose types do not fit, or that reads itself.
    pub(crate) fn calculate(&mut self) -> Result<(), FormulaFieldRefused> {
        let mut found = Vec::new();
        for object in self.by_name.values() {
            for (position, field) in object.fields.iter().enumerate() {
                let Some(text) = field
                    .calculated_formula
                    .as_deref()
                    .filter(|_| field.formula.is_none())
                else {
                    continue;
                };
                let formula =
                    Formula::of_field(text, self, object, field).map_err(|error| FormulaFieldRefused {
                        object: object.name.clone(),
                        field: field.name.clone(),
                        reason: error.to_string(),
                    })?;
                found.push((object.name.to_ascii_lowercase(), position, formula));
            }
        }
        for (name, position, formula) in found {
            if let Some(stored) = self.by_name.get_mut(&name)
                && let Some(field) = Arc::make_mut(stored).fields.get_mut(position)
            {
                field.formula = Some(Arc::new(formula));
            }
        }
        self.refuse_circles()
    }

    /// Checks all formulas and validation rules anew, for fields may have changed that they read; which of them no
    /// longer hold, by metadata type and name.
    pub(crate) fn recheck(&mut self) -> Vec<(&'static str, String)> {
        let mut broken = Vec::new();
        let mut changed = Vec::new();
        for (key, object) in &self.by_name {
            let mut formulas = Vec::new();
            for (position, field) in object.fields.iter().enumerate() {
                let Some(known) = &field.formula else { continue };
                match Formula::of_field(known.text(), self, object, field) {
                    Ok(formula) => formulas.push((position, formula)),
                    Err(_) => broken.push(("CustomField", format!("{}.{}", object.name, field.name))),
                }
            }
            let mut rules = Vec::new();
            for rule in &object.validation_rules {
                match rule.anew(self, object) {
                    Ok(checked) => rules.push(Arc::new(checked)),
                    Err(_) => {
                        broken.push(("ValidationRule", format!("{}.{}", object.name, rule.name)));
                        rules.push(Arc::clone(rule));
                    }
                }
            }
            if !formulas.is_empty() || !rules.is_empty() {
                changed.push((key.clone(), formulas, rules));
            }
        }
        for (key, formulas, rules) in changed {
            let Some(stored) = self.by_name.get_mut(&key) else {
                continue;
            };
            let object = Arc::make_mut(stored);
            for (position, formula) in formulas {
                if let Some(field) = object.fields.get_mut(position) {
                    field.formula = Some(Arc::new(formula));
                }
            }
            object.validation_rules = rules;
        }
        broken
    }

    /// A formula field must not read itself, be it through others.
    fn refuse_circles(&self) -> Result<(), FormulaFieldRefused> {
        let mut read: BTreeMap<FieldName, Vec<FieldName>> = BTreeMap::new();
        for object in self.by_name.values() {
            for field in &object.fields {
                if let Some(formula) = &field.formula {
                    let name = (object.name.clone(), field.name.clone());
                    read.insert(name, formula.formula_fields());
                }
            }
        }
        for (object, field) in read.keys() {
            let mut seen = BTreeSet::new();
            let mut ahead: Vec<&FieldName> = read
                .get(&(object.clone(), field.clone()))
                .into_iter()
                .flatten()
                .collect();
            while let Some(next) = ahead.pop() {
                if (&next.0, &next.1) == (object, field) {
                    return Err(FormulaFieldRefused {
                        object: object.clone(),
                        field: field.clone(),
                        reason: "The formula refers to itself, directly or through other formula fields"
                            .to_owned(),
                    });
                }
                if seen.insert(next) {
                    ahead.extend(read.get(next).into_iter().flatten());
                }
            }
        }
        Ok(())
    }
}
