//! The shape of a parsed query, before it is checked against any object.
//!
//! What SOQL has and this tree has not (child subqueries, aggregates, `TYPEOF`, semi-joins) becomes further
//! variants of [`SelectItem`] and [`Condition`]; until then the parser refuses it by name.

use super::{like::Pattern, literal::Literal};

/// One `SELECT` statement.
#[derive(Clone, Debug, PartialEq)]
pub struct Query {
    /// What is asked of each row.
    pub select: Select,
    /// The object of `FROM`.
    pub from: Word,
    /// The alias of the object (`FROM Account a`, `FROM Account AS a`).
    pub alias: Option<Word>,
    /// The `WHERE` clause.
    pub filter: Option<Condition>,
    /// The keys of `ORDER BY`, first key first; empty when the clause is absent.
    pub order: Vec<OrderKey>,
    /// `LIMIT`, in rows.
    pub limit: Option<u64>,
    /// `OFFSET`, in rows.
    pub offset: Option<u64>,
}

/// The list after `SELECT`.
#[derive(Clone, Debug, PartialEq)]
pub enum Select {
    /// `COUNT()`: only the number of rows.
    Count,
    /// Fields of each row.
    Items(Vec<SelectItem>),
}

/// One entry of the select list.
#[derive(Clone, Debug, PartialEq)]
pub enum SelectItem {
    /// A field of the row or of one of its parents.
    Path(Path),
    /// `FIELDS(ALL)`, `FIELDS(STANDARD)` or `FIELDS(CUSTOM)`.
    Fields {
        /// Which fields.
        group: FieldGroup,
        /// Byte offset of the word `FIELDS`.
        at: usize,
    },
}

/// The argument of `FIELDS()`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FieldGroup {
    /// Every field.
    All,
    /// Every field that is not custom.
    Standard,
    /// Every custom field.
    Custom,
}

/// A name with its place in the text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Word {
    /// The name as written.
    pub text: String,
    /// Byte offset of its first character.
    pub at: usize,
}

/// A dotted path: relationships first, a field last.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Path {
    /// The names between the dots; never empty.
    pub names: Vec<String>,
    /// Byte offset of the first character.
    pub at: usize,
}

/// A filter.
#[derive(Clone, Debug, PartialEq)]
pub enum Condition {
    /// All of them hold.
    All(Vec<Condition>),
    /// At least one of them holds.
    Any(Vec<Condition>),
    /// It does not hold.
    Not(Box<Condition>),
    /// A field against one value.
    Compare {
        /// The field.
        path: Path,
        /// How it is compared.
        operator: Operator,
        /// What it is compared with.
        literal: Literal,
    },
    /// A field against a pattern (`LIKE`).
    Like {
        /// The field.
        path: Path,
        /// What its text must fit.
        pattern: Pattern,
    },
    /// A field against a list of values.
    Among {
        /// The field.
        path: Path,
        /// How it is compared.
        operator: ListOperator,
        /// The list, never empty.
        literals: Vec<Literal>,
    },
}

/// An operator with one value on its right.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operator {
    /// `=`
    Equal,
    /// `!=` or `<>`
    NotEqual,
    /// `<`
    Less,
    /// `<=`
    LessOrEqual,
    /// `>`
    Greater,
    /// `>=`
    GreaterOrEqual,
}

/// An operator with a list on its right.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ListOperator {
    /// `IN`
    In,
    /// `NOT IN`
    NotIn,
    /// `INCLUDES`, for multi-select picklists
    Includes,
    /// `EXCLUDES`, for multi-select picklists
    Excludes,
}

/// One key of `ORDER BY`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OrderKey {
    /// The field.
    pub path: Path,
    /// `DESC` was written.
    pub descending: bool,
    /// Rows without a value come last (`NULLS LAST`); Salesforce puts them first unless told.
    pub nulls_last: bool,
}
