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
