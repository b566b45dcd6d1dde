//! The types of formulas.

use crate::schema::FieldType;

/// The type of an expression, or of what a parameter takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// `NULL`, which fits every type.
    Null,
    Text,
    Number,
    Boolean,
    Date,
    DateTime,
    Time,
    Picklist,
    MultiPicklist,
    /// What a parameter takes that reads a day or a moment out of several types.
    TextOrDate,
}

impl Kind {
    /// The type of a field in a formula; none for fields that formulas cannot read.
    pub(super) fn of_field(kind: FieldType) -> Option<Self> {
        Some(match kind {
            FieldType::Id
            | FieldType::Reference
            | FieldType::String
            | FieldType::Textarea
            | FieldType::Combobox
            | FieldType::Email
            | FieldType::Phone
            | FieldType::Url => Self::Text,
            FieldType::Picklist => Self::Picklist,
            FieldType::Multipicklist => Self::MultiPicklist,
            FieldType::Boolean => Self::Boolean,
            FieldType::Int
            | FieldType::Long
            | FieldType::Double
            | FieldType::Currency
            | FieldType::Percent => Self::Number,
            FieldType::Date => Self::Date,
            FieldType::Datetime => Self::DateTime,
            FieldType::Time => Self::Time,
            FieldType::Address
            | FieldType::Location
            | FieldType::Base64
            | FieldType::Encryptedstring
            | FieldType::Anytype
            | FieldType::Complexvalue => return None,
        })
    }

    /// Whether a value of this type may stand where `wanted` is asked for.
    pub(super) fn fits(self, wanted: Self) -> bool {
        self == Self::Null
            || self == wanted
            || wanted == Self::Null && !self.is_picklist()
            || wanted == Self::TextOrDate && matches!(self, Self::Text | Self::Date | Self::DateTime)
    }

    pub(super) fn is_picklist(self) -> bool {
        matches!(self, Self::Picklist | Self::MultiPicklist)
    }

    /// How refusals name it.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Null => "Null",
            Self::Text => "Text",
            Self::Number => "Number",
            Self::Boolean => "Boolean",
            Self::Date => "Date",
            Self::DateTime => "DateTime",
            Self::Time => "Time",
            Self::Picklist => "Picklist",
            Self::MultiPicklist => "Multi-Select Picklist",
            Self::TextOrDate => "Text, Date or DateTime",
        }
    }
}
