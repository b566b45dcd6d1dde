//! The functions of many rows: `COUNT`, `SUM`, `MAX` and their kind.
//!
//! Source: SOQL and SOSL Reference, Aggregate Functions.

use super::path::FieldPath;
use crate::schema::{Field, FieldType};

/// A function of many rows.
#[derive(Clone, Debug)]
pub(super) struct Aggregate {
    pub(super) function: Function,
    pub(super) path: FieldPath,
}

/// The functions of many rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Function {
    Avg,
    Count,
    CountDistinct,
    Max,
    Min,
    Sum,
}

impl Function {
    pub(super) fn parse(name: &str) -> Option<Self> {
        Some(match name.to_ascii_uppercase().as_str() {
            "AVG" => Self::Avg,
            "COUNT" => Self::Count,
            "COUNT_DISTINCT" => Self::CountDistinct,
            "MAX" => Self::Max,
            "MIN" => Self::Min,
            "SUM" => Self::Sum,
            _ => return None,
        })
    }

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Avg => "AVG",
            Self::Count => "COUNT",
            Self::CountDistinct => "COUNT_DISTINCT",
            Self::Max => "MAX",
            Self::Min => "MIN",
            Self::Sum => "SUM",
        }
    }

    /// Source: SOQL and SOSL Reference, Support for Field Types in Aggregate Functions.
    pub(super) fn suits(self, kind: FieldType) -> bool {
        let never = matches!(
            kind,
            FieldType::Base64
                | FieldType::Boolean
                | FieldType::Encryptedstring
                | FieldType::Multipicklist
                | FieldType::Textarea
                | FieldType::Anytype
        );
        match self {
            _ if never || kind.is_compound() => false,
            Self::Avg | Self::Sum => kind.is_number(),
            _ => true,
        }
    }

    fn kind(self, kind: FieldType) -> FieldType {
        match self {
            Self::Count | Self::CountDistinct => FieldType::Int,
            Self::Avg => FieldType::Double,
            Self::Max | Self::Min | Self::Sum => kind,
        }
    }
}

impl Aggregate {
    /// Metadata of a field that would hold the results.
    pub(super) fn field(&self) -> Field {
        let field = &self.path.field;
        Field {
            kind: self.function.kind(field.kind),
            scale: field.scale,
            case_sensitive: field.case_sensitive,
            ..Field::default()
        }
    }
}
