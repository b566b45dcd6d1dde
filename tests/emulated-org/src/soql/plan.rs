//! A query checked against the metadata, ready to run.

use std::borrow::Cow;
use std::sync::Arc;

use chrono::{DateTime, Utc};

use super::children::Children;
use super::error::SoqlError;
use super::evaluate::Scope;
use super::filter::Filter;
use super::grouping::Grouping;
use super::parser::{parse, parse_bound};
use super::path::FieldPath;
use super::planner::Planner;
use super::setting::Setting;
use crate::data::Data;
use crate::schema::{Object, Schema};

/// A query that can run. It stays valid when fields are added to the metadata later.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The object of `FROM`.
    pub object: Arc<Object>,
    /// What is asked of each row.
    pub output: Output,
    pub(super) filter: Option<Filter>,
    pub(super) order: Vec<Sorting>,
    /// `LIMIT`, in rows.
    pub limit: Option<u64>,
    /// `OFFSET`, in rows.
    pub offset: Option<u64>,
}

/// What a query asks of each row.
#[derive(Clone, Debug)]
pub enum Output {
    /// Only how many there are.
    Count,
    /// These fields, in this order, and nothing else: what Bulk jobs can write.
    Columns(Vec<FieldPath>),
    /// Fields, children of the row, and what functions make of fields.
    Records(Vec<Column>),
    /// What groups of rows have in common, and what functions make of their rows.
    Groups(Box<Grouping>),
}

/// One entry of a record.
#[derive(Clone, Debug)]
pub enum Column {
    /// A field.
    Field(FieldPath),
    /// What a function makes of a field.
    Made {
        /// The field.
        path: FieldPath,
        /// The function.
        made: Made,
        /// The name in the record; that of the field unless given.
        alias: Option<String>,
    },
    /// The row's children.
    Children(Box<Children>),
}

/// A function that makes a text of a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Made {
    /// `toLabel()`
    Label,
    /// `FORMAT()`
    Formatted,
}

/// One key of the order.
#[derive(Clone, Debug)]
pub(super) struct Sorting {
    pub(super) field: FieldPath,
    pub(super) descending: bool,
    pub(super) nulls_last: bool,
}

impl Plan {
    /// Reads and checks a query of the platform's own. Relative dates count from `now`.
    ///
    /// # Errors
    /// Those of [`Plan::in_setting`].
    pub fn new(text: &str, schema: &Schema, now: DateTime<Utc>) -> Result<Self, SoqlError> {
        Self::in_setting(text, schema, &Setting::of_platform(now))
    }

    /// Reads and checks a query.
    ///
    /// # Errors
    /// Every refusal of [`parse`]; `INVALID_TYPE` for an object that does not exist, `INVALID_FIELD` and
    /// others for what does not fit the object.
    pub fn in_setting(text: &str, schema: &Schema, setting: &Setting) -> Result<Self, SoqlError> {
        let query = if setting.in_apex {
            parse_bound(text)?
        } else {
            parse(text)?
        };
        let planner = Planner::new(text, schema, setting);
        let object = planner.object_of(&query.from)?;
        planner.plan(&query, object, 0)
    }

    /// The plan with its joins made into lists of the ids they stand for now.
    #[must_use]
    pub fn settled(&self, data: &Data, scope: Scope) -> Cow<'_, Self> {
        let filter = self.filter.as_ref().map(|filter| filter.settled(data, scope));
        let output = match &self.output {
            Output::Records(columns) => {
                Some(columns.iter().map(|column| column.settled(data, scope)).collect())
            }
            _ => None,
        };
        if output.is_none() && !matches!(filter, Some(Cow::Owned(_))) {
            return Cow::Borrowed(self);
        }
        Cow::Owned(Self {
            object: Arc::clone(&self.object),
            output: output.map_or_else(|| self.output.clone(), Output::Records),
            filter: filter.map(Cow::into_owned),
            order: self.order.clone(),
            limit: self.limit,
            offset: self.offset,
        })
    }

    /// The column of a plan that selects one field and nothing else.
    pub(super) fn only_column(&self) -> Option<&FieldPath> {
        match &self.output {
            Output::Columns(columns) => match columns.as_slice() {
                [only] => Some(only),
                _ => None,
            },
            _ => None,
        }
    }
}

impl Output {
    /// The output of these columns.
    pub(super) fn of(columns: Vec<Column>) -> Self {
        let plain = columns.iter().all(|column| matches!(column, Column::Field(_)));
        if !plain {
            return Self::Records(columns);
        }
        let fields = columns.into_iter().filter_map(|column| match column {
            Column::Field(path) => Some(path),
            _ => None,
        });
        Self::Columns(fields.collect())
    }
}

impl Column {
    /// What no other column of the record may be called.
    #[must_use]
    pub fn key(&self) -> String {
        match self {
            Self::Field(path)
            | Self::Made {
                path, alias: None, ..
            } => path.dotted(),
            Self::Made {
                alias: Some(alias), ..
            } => alias.clone(),
            Self::Children(children) => children.name.clone(),
        }
    }

    fn settled(&self, data: &Data, scope: Scope) -> Self {
        match self {
            Self::Children(children) => Self::Children(Box::new(Children {
                name: children.name.clone(),
                plan: children.plan.settled(data, scope).into_owned(),
                reference: children.reference,
            })),
            other => other.clone(),
        }
    }
}

#[cfg(test)]
#[path = "plan_tests.rs"]
mod tests;
