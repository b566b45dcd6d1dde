//! The shape of a parsed query, before it is checked against any object.

use super::{like::Pattern, literal::Literal};

/// One `SELECT` statement: a whole query, a child subquery, or the inside of a semi-join.
#[derive(Clone, Debug, PartialEq)]
pub struct Query {
    /// What is asked of each row.
    pub select: Select,
    /// The object of `FROM`, or the child relationship of a subquery (`Contacts`, `Account.Contacts`).
    pub from: Path,
    /// The alias of the object (`FROM Account a`, `FROM Account AS a`).
    pub alias: Option<Word>,
    /// Parents that `FROM` gives names to: `FROM Contact c, c.Account a`.
    pub named_parents: Vec<NamedParent>,
    /// The word after `USING SCOPE`.
    pub scope: Option<Word>,
    /// The `WHERE` clause.
    pub filter: Option<Condition>,
    /// The `GROUP BY` clause with its `HAVING`.
    pub group: Option<GroupBy>,
    /// The keys of `ORDER BY`, first key first; empty when the clause is absent.
    pub order: Vec<OrderKey>,
    /// `LIMIT`, in rows.
    pub limit: Option<u64>,
    /// `OFFSET`, in rows.
    pub offset: Option<u64>,
    /// The `FOR` clause.
    pub purpose: Option<Purpose>,
}

/// One further entry of `FROM`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NamedParent {
    /// The relationships from the object, or from another alias, to the parent.
    pub path: Path,
    /// The name given to it.
    pub alias: Word,
}

/// What a query is run for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// `FOR VIEW`
    View,
    /// `FOR REFERENCE`
    Reference,
    /// `FOR UPDATE`
    Update,
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
    /// A field, or a function of one.
    Expression {
        /// What is asked for.
        expression: Expression,
        /// The name that the answer gives it.
        alias: Option<Word>,
    },
    /// `FIELDS(ALL)`, `FIELDS(STANDARD)` or `FIELDS(CUSTOM)`.
    Fields {
        /// Which fields.
        group: FieldGroup,
        /// Byte offset of the word `FIELDS`.
        at: usize,
    },
    /// The children of each row: `(SELECT … FROM Contacts)`.
    Subquery(Box<Query>),
}

/// A field, or a function of one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Expression {
    /// A field of the row or of one of its parents.
    Path(Path),
    /// A function.
    Call {
        /// The function's name.
        function: Word,
        /// What stands between its parentheses.
        argument: Box<Expression>,
    },
}

impl Expression {
    /// Byte offset of its first character.
    #[must_use]
    pub fn at(&self) -> usize {
        match self {
            Self::Path(path) => path.at,
            Self::Call { function, .. } => function.at,
        }
    }
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

impl Path {
    /// The path as written.
    #[must_use]
    pub fn dotted(&self) -> String {
        self.names.join(".")
    }
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
        left: Expression,
        /// How it is compared.
        operator: Operator,
        /// What it is compared with.
        literal: Literal,
    },
    /// A field against a pattern (`LIKE`).
    Like {
        /// The field.
        left: Expression,
        /// What its text must fit.
        pattern: Pattern,
    },
    /// A field against a list of values.
    Among {
        /// The field.
        left: Expression,
        /// How it is compared.
        operator: ListOperator,
        /// The list, never empty.
        literals: Vec<Literal>,
    },
    /// A reference against the references of other rows: a semi-join, or negated an anti-join.
    Join {
        /// The field.
        left: Expression,
        /// `NOT IN` was written.
        negated: bool,
        /// The other rows.
        query: Box<Query>,
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

/// The `GROUP BY` clause.
#[derive(Clone, Debug, PartialEq)]
pub struct GroupBy {
    /// Which subtotals are asked for.
    pub subtotals: Subtotals,
    /// What rows of a group have in common.
    pub keys: Vec<Expression>,
    /// The `HAVING` clause.
    pub having: Option<Condition>,
}

/// Which subtotals a `GROUP BY` adds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Subtotals {
    /// None.
    None,
    /// `GROUP BY ROLLUP(…)`: those of every beginning of the list.
    Rollup,
    /// `GROUP BY CUBE(…)`: those of every part of the list.
    Cube,
}

/// One key of `ORDER BY`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OrderKey {
    /// What rows are ordered by.
    pub expression: Expression,
    /// `DESC` was written.
    pub descending: bool,
    /// Rows without a value come last (`NULLS LAST`); Salesforce puts them first unless told.
    pub nulls_last: bool,
}
