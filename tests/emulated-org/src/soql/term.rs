//! What a filter or a grouping reads of a row: a field, or something made of it.

use std::borrow::Cow;

use super::ast::{Expression, Path};
use super::date_function::{DateFunction, DatePart};
use super::error::SoqlError;
use super::filter::Subject;
use super::path::FieldPath;
use super::setting::Setting;
use crate::schema::{Field, FieldType};
use crate::value::Value;

/// A field, or something made of it.
#[derive(Clone, Debug)]
pub struct Term {
    /// The field.
    pub path: FieldPath,
    /// What is made of it.
    pub via: Via,
}

/// What is made of a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Via {
    /// Nothing: the value itself.
    Value,
    /// A part of a date.
    Date(DateFunction),
    /// The label of a picklist value: `toLabel(Status)`.
    Label,
}

impl Term {
    /// Checks an expression that reads one row.
    ///
    /// # Errors
    /// Whatever `resolve` refuses; `MALFORMED_QUERY` for a function that is none of a row, or of another type
    /// of field.
    pub fn check(
        expression: &Expression,
        text: &str,
        setting: &Setting,
        resolve: &dyn Fn(&Path) -> Result<FieldPath, SoqlError>,
    ) -> Result<Self, SoqlError> {
        let (function, argument) = match expression {
            Expression::Path(path) => {
                return Ok(Self {
                    path: resolve(path)?,
                    via: Via::Value,
                });
            }
            Expression::Call { function, argument } => (function, argument.as_ref()),
        };
        let name = function.text.to_ascii_uppercase();
        let misplaced = || {
            // Aggregates and FORMAT() stand in other clauses; convertTimezone() only inside a date function.
            SoqlError::at(
                "MALFORMED_QUERY",
                text,
                function.at,
                &format!("the function {} can not be used here", function.text),
            )
        };
        if name == "TOLABEL" {
            let Expression::Path(path) = argument else {
                return Err(misplaced());
            };
            return Ok(Self {
                path: resolve(path)?,
                via: Via::Label,
            });
        }
        let part = DatePart::parse(&name).ok_or_else(misplaced)?;
        let (path, converted) = match argument {
            Expression::Path(path) => (path, false),
            Expression::Call { function, argument } => match argument.as_ref() {
                Expression::Path(path) if function.text.eq_ignore_ascii_case("convertTimezone") => {
                    (path, true)
                }
                _ => return Err(misplaced()),
            },
        };
        let path = resolve(path)?;
        let needs_datetime = converted && path.kind != FieldType::Datetime;
        if !part.suits(path.kind) || needs_datetime {
            // Which types a function takes is documented, the words of the refusal are believed.
            let message = format!(
                "field '{}' does not support the date function {name}",
                path.field_name()
            );
            return Err(SoqlError::at("INVALID_FIELD", text, path.at, &message));
        }
        let function = DateFunction::new(part, converted, setting);
        Ok(Self {
            path,
            via: Via::Date(function),
        })
    }

    /// The type of what is read.
    #[must_use]
    pub fn kind(&self) -> FieldType {
        match self.via {
            Via::Value => self.path.kind,
            Via::Date(function) => function.part.kind(),
            Via::Label => FieldType::String,
        }
    }

    /// What a filter must know of it.
    #[must_use]
    pub fn subject(&self) -> Subject {
        Subject {
            name: self.path.field_name().to_owned(),
            kind: self.kind(),
            case_sensitive: self.path.field.case_sensitive,
            filterable: self.path.filterable,
            at: self.path.at,
        }
    }

    /// Whether two terms read the same.
    #[must_use]
    pub fn is(&self, other: &Self) -> bool {
        self.via == other.via && self.path.names == other.path.names
    }

    /// What is made of the field's value.
    #[must_use]
    pub fn made_of<'v>(&self, value: Cow<'v, Value>) -> Cow<'v, Value> {
        match self.via {
            Via::Value => value,
            Via::Date(function) => Cow::Owned(function.apply(&value)),
            Via::Label => match value.as_ref() {
                Value::Text(text) => Cow::Owned(Value::text(label_of(&self.path.field, text))),
                _ => value,
            },
        }
    }
}

/// The label of a stored value, for the one language that the organisation has; values without one are their
/// own. Multi-select values are labelled one by one.
#[must_use]
pub fn label_of(field: &Field, text: &str) -> String {
    let one = |value: &str| {
        let known = field.picklist_values.iter().find(|known| known.value == value);
        known
            .and_then(|known| known.label.clone())
            .unwrap_or_else(|| value.to_owned())
    };
    if field.kind == FieldType::Multipicklist {
        text.split(';').map(one).collect::<Vec<_>>().join(";")
    } else {
        one(text)
    }
}
