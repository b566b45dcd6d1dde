//! The functions that formulas may call.

use super::FormulaError;
use super::kind::Kind;

/// A function, other than those that the checker turns into something of their own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Function {
    Abs,
    AddMonths,
    Begins,
    Br,
    CaseSafeId,
    Ceiling,
    Contains,
    Date,
    DateTimeValue,
    DateValue,
    Day,
    Find,
    Floor,
    Left,
    Len,
    Lower,
    LeftPad,
    Max,
    MathCeiling,
    MathFloor,
    Mid,
    Min,
    Mod,
    Month,
    Now,
    Right,
    Round,
    RightPad,
    Substitute,
    Today,
    Trim,
    Trunc,
    Upper,
    Value,
    Weekday,
    Year,
}

/// What a function takes and gives.
pub(super) struct Signature {
    pub function: Function,
    pub parameters: &'static [Kind],
    /// How many of the parameters may be left out.
    pub optional: usize,
    /// Whether the last parameter may come again and again.
    pub repeats: bool,
    pub returns: Kind,
}

impl Function {
    /// The function of a name in upper case, and its signature.
    pub(super) fn find(name: &str) -> Option<Signature> {
        use Kind::{Boolean, Date, DateTime, Number, Text};
        let (function, parameters, returns): (Self, &'static [Kind], Kind) = match name {
            "ABS" => (Self::Abs, &[Number], Number),
            "ADDMONTHS" => (Self::AddMonths, &[Date, Number], Date),
            "BEGINS" => (Self::Begins, &[Text, Text], Boolean),
            "BR" => (Self::Br, &[], Text),
            "CASESAFEID" => (Self::CaseSafeId, &[Text], Text),
            "CEILING" => (Self::Ceiling, &[Number], Number),
            "CONTAINS" => (Self::Contains, &[Text, Text], Boolean),
            "DATE" => (Self::Date, &[Number, Number, Number], Date),
            "DATETIMEVALUE" => (Self::DateTimeValue, &[Kind::TextOrDate], DateTime),
            "DATEVALUE" => (Self::DateValue, &[Kind::TextOrDate], Date),
            "DAY" => (Self::Day, &[Date], Number),
            "FIND" => (Self::Find, &[Text, Text, Number], Number),
            "FLOOR" => (Self::Floor, &[Number], Number),
            "LEFT" => (Self::Left, &[Text, Number], Text),
            "LEN" => (Self::Len, &[Text], Number),
            "LOWER" => (Self::Lower, &[Text, Text], Text),
            "LPAD" => (Self::LeftPad, &[Text, Number, Text], Text),
            "MAX" => (Self::Max, &[Number, Number], Number),
            "MCEILING" => (Self::MathCeiling, &[Number], Number),
            "MFLOOR" => (Self::MathFloor, &[Number], Number),
            "MID" => (Self::Mid, &[Text, Number, Number], Text),
            "MIN" => (Self::Min, &[Number, Number], Number),
            "MOD" => (Self::Mod, &[Number, Number], Number),
            "MONTH" => (Self::Month, &[Date], Number),
            "NOW" => (Self::Now, &[], DateTime),
            "RIGHT" => (Self::Right, &[Text, Number], Text),
            "ROUND" => (Self::Round, &[Number, Number], Number),
            "RPAD" => (Self::RightPad, &[Text, Number, Text], Text),
            "SUBSTITUTE" => (Self::Substitute, &[Text, Text, Text], Text),
            "TODAY" => (Self::Today, &[], Date),
            "TRIM" => (Self::Trim, &[Text], Text),
            "TRUNC" => (Self::Trunc, &[Number, Number], Number),
            "UPPER" => (Self::Upper, &[Text, Text], Text),
            "VALUE" => (Self::Value, &[Text], Number),
            "WEEKDAY" => (Self::Weekday, &[Date], Number),
            "YEAR" => (Self::Year, &[Date], Number),
            _ => return None,
        };
        let optional = match function {
            Self::Find | Self::Lower | Self::LeftPad | Self::RightPad | Self::Trunc | Self::Upper => 1,
            // A single number is its own maximum.
            Self::Max | Self::Min => 1,
            _ => 0,
        };
        Some(Signature {
            function,
            parameters,
            optional,
            repeats: matches!(function, Self::Max | Self::Min),
            returns,
        })
    }
}

impl Signature {
    /// Refuses a wrong number of arguments.
    pub(super) fn check_count(&self, name: &str, given: usize) -> Result<(), FormulaError> {
        let most = self.parameters.len();
        let least = most - self.optional;
        if given < least || (given > most && !self.repeats) {
            return Err(wrong_count(name, if given < least { least } else { most }, given));
        }
        Ok(())
    }

    /// What the parameter at a place takes.
    pub(super) fn parameter(&self, at: usize) -> Kind {
        let last = self.parameters.last();
        self.parameters.get(at).or(last).copied().unwrap_or(Kind::Null)
    }
}

/// The refusal of a wrong number of arguments, in Salesforce's words.
pub(super) fn wrong_count(name: &str, expected: usize, given: usize) -> FormulaError {
    FormulaError::new(format!(
        "Incorrect number of parameters for function '{name}()'. Expected {expected}, received {given}"
    ))
}
