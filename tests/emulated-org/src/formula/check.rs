//! Expressions checked against the metadata: every field exists, every type fits.
//!
//! Source: Salesforce Help, Formula Operators and Functions; Tips for Working with Picklist and Multi-Select Picklist
//! Formula Fields. The words of refusals are those that the formula editor shows, as people quote them.

use regex_lite::Regex;
use rust_decimal::Decimal;

use super::FormulaError;
use super::ast::{Expression, Operator};
use super::function::{Function, wrong_count};
use super::kind::Kind;
use super::path::{self, FieldPath};
use crate::schema::{FieldType, Object, Schema};
use crate::value::Value;

/// Where a formula stands, which decides what it may ask.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// A formula field, calculated when it is read.
    Field,
    /// A rule on a record that is being saved: it may ask what the record was before.
    Rule,
}

/// A checked expression.
#[derive(Clone, Debug)]
pub(super) enum Node {
    Constant(Value),
    Field(FieldPath),
    Binary(Operator, Box<Node>, Box<Node>),
    Not(Box<Node>),
    Negated(Box<Node>),
    All(Vec<Node>),
    Any(Vec<Node>),
    If(Box<(Node, Node, Node)>),
    /// What is compared, pairs of value and result, and the result of all others.
    Case(Box<Node>, Vec<(Node, Node)>, Box<Node>),
    /// Whether there is no value.
    IsBlank(Box<Node>),
    /// The first value, or the second where there is none.
    BlankValue(Box<Node>, Box<Node>),
    Includes(Box<Node>, Box<Node>),
    IsChanged(FieldPath),
    PriorValue(FieldPath),
    IsNew,
    IsNumber(Box<Node>),
    Text(Box<Node>),
    Matches(Box<Node>, Regex),
    /// Whether the user has a custom permission.
    Permission(String),
    Call(Function, Vec<Node>),
}

pub(super) struct Checker<'a> {
    pub schema: &'a Schema,
    pub object: &'a Object,
    pub place: Place,
}

type Checked = Result<(Node, Kind), FormulaError>;

impl Checker<'_> {
    pub(super) fn check(&self, expression: &Expression) -> Checked {
        match expression {
            Expression::Text(text) => Ok((Node::Constant(Value::text(text.as_str())), Kind::Text)),
            Expression::Number(number) => Ok((Node::Constant(Value::Number(*number)), Kind::Number)),
            Expression::Path(path) => self.path(path),
            Expression::Not(inner) => {
                let inner = self.argument("NOT", inner, Kind::Boolean)?;
                Ok((Node::Not(Box::new(inner)), Kind::Boolean))
            }
            Expression::Negated(inner) => {
                let (inner, kind) = self.check(inner)?;
                if !kind.fits(Kind::Number) {
                    return Err(wrong_operand("-", Kind::Number, kind));
                }
                Ok((Node::Negated(Box::new(inner)), Kind::Number))
            }
            Expression::Binary {
                operator,
                left,
                right,
            } => self.binary(*operator, left, right),
            Expression::Call { function, arguments } => {
                self.call(&function.to_ascii_uppercase(), function, arguments)
            }
        }
    }

    fn path(&self, written: &str) -> Checked {
        let constant = |value| Ok((Node::Constant(value), Kind::Boolean));
        match written.to_ascii_uppercase().as_str() {
            "TRUE" => return constant(Value::Boolean(true)),
            "FALSE" => return constant(Value::Boolean(false)),
            "NULL" => return Ok((Node::Constant(Value::Null), Kind::Null)),
            _ => {}
        }
        if let Some((global, name)) = written.split_once('.')
            && global.eq_ignore_ascii_case("$Permission")
        {
            self.only_in_rules(written)?;
            return Ok((Node::Permission(name.to_owned()), Kind::Boolean));
        }
        let path = self.field(written)?;
        let kind = Kind::of_field(path.kind).ok_or_else(|| unusable(written))?;
        Ok((Node::Field(path), kind))
    }

    fn field(&self, written: &str) -> Result<FieldPath, FormulaError> {
        let path = path::resolve(self.schema, self.object, written)?;
        if path.is_global() {
            // Who reads is not known where formula fields are calculated here; Salesforce knows.
            self.only_in_rules(written)?;
        }
        if self.place == Place::Field && path.is_long_text {
            return Err(unusable(written));
        }
        Ok(path)
    }

    fn only_in_rules(&self, what: &str) -> Result<(), FormulaError> {
        if self.place == Place::Rule {
            return Ok(());
        }
        Err(FormulaError::new(format!(
            "{what} in a formula field is not supported by the emulated org"
        )))
    }

    fn binary(&self, operator: Operator, left: &Expression, right: &Expression) -> Checked {
        let (left, left_kind) = self.check(left)?;
        let (right, right_kind) = self.check(right)?;
        for (node, kind) in [(&left, left_kind), (&right, right_kind)] {
            refuse_picklist(node, kind)?;
        }
        let refused = |wanted, given| wrong_operand(operator.sign(), wanted, given);
        let both = |wanted: Kind| {
            [left_kind, right_kind]
                .into_iter()
                .find(|kind| !kind.fits(wanted))
                .map_or(Ok(wanted), |given| Err(refused(wanted, given)))
        };
        let kind = match operator {
            Operator::Or | Operator::And => {
                both(Kind::Boolean)?;
                let nodes = vec![left, right];
                let node = if operator == Operator::Or {
                    Node::Any(nodes)
                } else {
                    Node::All(nodes)
                };
                return Ok((node, Kind::Boolean));
            }
            Operator::Equal | Operator::NotEqual => {
                if !left_kind.fits(right_kind) && !right_kind.fits(left_kind) {
                    return Err(refused(left_kind, right_kind));
                }
                Kind::Boolean
            }
            Operator::Less | Operator::LessOrEqual | Operator::Greater | Operator::GreaterOrEqual => {
                let wanted = if left_kind == Kind::Null {
                    right_kind
                } else {
                    left_kind
                };
                if wanted == Kind::Boolean {
                    return Err(refused(Kind::Number, wanted));
                }
                both(wanted)?;
                Kind::Boolean
            }
            Operator::Concatenate => both(Kind::Text)?,
            Operator::Add => match (left_kind, right_kind) {
                (Kind::Text, _) => both(Kind::Text)?,
                (Kind::Date | Kind::DateTime, _) if right_kind.fits(Kind::Number) => left_kind,
                (_, Kind::Date | Kind::DateTime) if left_kind.fits(Kind::Number) => right_kind,
                _ => both(Kind::Number)?,
            },
            Operator::Subtract => match (left_kind, right_kind) {
                (Kind::Date, Kind::Date) | (Kind::DateTime, Kind::DateTime) => Kind::Number,
                (Kind::Date | Kind::DateTime, _) if right_kind.fits(Kind::Number) => left_kind,
                _ => both(Kind::Number)?,
            },
            Operator::Multiply | Operator::Divide | Operator::Power => both(Kind::Number)?,
        };
        Ok((Node::Binary(operator, Box::new(left), Box::new(right)), kind))
    }

    fn call(&self, name: &str, written: &str, arguments: &[Expression]) -> Checked {
        let count = |expected: usize| {
            if arguments.len() == expected {
                Ok(())
            } else {
                Err(wrong_count(name, expected, arguments.len()))
            }
        };
        match (name, arguments) {
            ("AND" | "OR", []) => Err(wrong_count(name, 1, 0)),
            ("AND" | "OR", _) => {
                let nodes = arguments
                    .iter()
                    .map(|argument| self.argument(name, argument, Kind::Boolean))
                    .collect::<Result<_, _>>()?;
                let node = if name == "AND" {
                    Node::All(nodes)
                } else {
                    Node::Any(nodes)
                };
                Ok((node, Kind::Boolean))
            }
            ("NOT", [inner]) => {
                let inner = self.argument(name, inner, Kind::Boolean)?;
                Ok((Node::Not(Box::new(inner)), Kind::Boolean))
            }
            ("IF", [test, yes, no]) => {
                let test = self.argument(name, test, Kind::Boolean)?;
                let (yes, kind) = self.plain(yes)?;
                let (no, other) = self.plain(no)?;
                let kind = common(name, kind, other)?;
                Ok((Node::If(Box::new((test, yes, no))), kind))
            }
            ("CASE", [subject, cases @ .., fallback]) if cases.len() >= 2 && cases.len() % 2 == 0 => {
                self.case(subject, cases, fallback)
            }
            ("CASE", _) => Err(wrong_count(name, 4, arguments.len())),
            ("ISBLANK" | "ISNULL", [inner]) => {
                let (inner, kind) = self.check(inner)?;
                // Salesforce Help, ISNULL: text fields are never null, even without characters.
                let never_null = name == "ISNULL" && kind == Kind::Text && !is_reference(&inner);
                let node = if never_null {
                    Node::Constant(Value::Boolean(false))
                } else {
                    Node::IsBlank(Box::new(inner))
                };
                Ok((node, Kind::Boolean))
            }
            ("BLANKVALUE" | "NULLVALUE", [value, fallback]) => {
                let (value, kind) = self.plain(value)?;
                let (fallback, other) = self.plain(fallback)?;
                let common = common(name, kind, other)?;
                if name == "NULLVALUE" && kind == Kind::Text && !is_reference(&value) {
                    return Ok((value, common));
                }
                Ok((Node::BlankValue(Box::new(value), Box::new(fallback)), common))
            }
            ("ISPICKVAL" | "INCLUDES", [field, choice]) => {
                let (field, kind) = self.check(field)?;
                let wanted = if name == "INCLUDES" {
                    Kind::MultiPicklist
                } else {
                    Kind::Picklist
                };
                if kind != wanted {
                    return Err(wrong_parameter(name, wanted, kind));
                }
                let Expression::Text(choice) = choice else {
                    return Err(FormulaError::new(format!(
                        "Incorrect parameter for function '{name}()'. Expected a text literal"
                    )));
                };
                let choice = if choice.is_empty() {
                    Value::Null
                } else {
                    Value::text(choice.as_str())
                };
                let (field, choice) = (Box::new(field), Box::new(Node::Constant(choice)));
                let node = if name == "INCLUDES" {
                    Node::Includes(field, choice)
                } else {
                    Node::Binary(Operator::Equal, field, choice)
                };
                Ok((node, Kind::Boolean))
            }
            ("ISNEW" | "ISCHANGED" | "PRIORVALUE", _) if self.place == Place::Field => Err(
                FormulaError::new(format!("Function {name} may not be used in this type of formula")),
            ),
            ("ISNEW", []) => Ok((Node::IsNew, Kind::Boolean)),
            ("ISCHANGED" | "PRIORVALUE", [Expression::Path(written)]) => {
                let path = self.field(written)?;
                if !path.is_own() {
                    return Err(FormulaError::new(format!(
                        "Incorrect parameter for function '{name}()'. Expected a field of {}",
                        self.object.name
                    )));
                }
                let kind = Kind::of_field(path.kind).ok_or_else(|| unusable(written))?;
                Ok(match name {
                    "ISCHANGED" => (Node::IsChanged(path), Kind::Boolean),
                    _ => (Node::PriorValue(path), kind),
                })
            }
            ("ISNUMBER", [inner]) => {
                let inner = self.argument(name, inner, Kind::Text)?;
                Ok((Node::IsNumber(Box::new(inner)), Kind::Boolean))
            }
            ("TEXT", [inner]) => {
                let (inner, kind) = self.check(inner)?;
                if matches!(kind, Kind::Boolean | Kind::Text | Kind::MultiPicklist) {
                    return Err(wrong_parameter(name, Kind::Number, kind));
                }
                Ok((Node::Text(Box::new(inner)), Kind::Text))
            }
            ("REGEX", [text, pattern]) => {
                let text = self.argument(name, text, Kind::Text)?;
                let Expression::Text(pattern) = pattern else {
                    return Err(FormulaError::new(
                        "REGEX() with a pattern that is no literal is not supported by the emulated org",
                    ));
                };
                // The whole text must match, as with Java's `matches`.
                let regex = Regex::new(&format!("^(?:{pattern})$")).map_err(|error| {
                    FormulaError::new(format!(
                        "The regular expression of REGEX() cannot be read: {error}"
                    ))
                })?;
                Ok((Node::Matches(Box::new(text), regex), Kind::Boolean))
            }
            ("NOT" | "ISBLANK" | "ISNULL" | "ISCHANGED" | "PRIORVALUE" | "ISNUMBER" | "TEXT", _) => {
                count(1)?;
                Err(FormulaError::new(format!(
                    "Incorrect parameter for function '{name}()'. Expected a field"
                )))
            }
            ("ISNEW", _) => Err(wrong_count(name, 0, arguments.len())),
            ("IF", _) => Err(wrong_count(name, 3, arguments.len())),
            ("BLANKVALUE" | "NULLVALUE" | "ISPICKVAL" | "INCLUDES" | "REGEX", _) => {
                Err(wrong_count(name, 2, arguments.len()))
            }
            _ => self.plain_call(name, written, arguments),
        }
    }

    fn plain_call(&self, name: &str, written: &str, arguments: &[Expression]) -> Checked {
        let signature = Function::find(name)
            .ok_or_else(|| FormulaError::new(format!("Unknown function {written}. Check spelling.")))?;
        signature.check_count(name, arguments.len())?;
        let nodes = arguments
            .iter()
            .enumerate()
            .map(|(at, argument)| self.argument(name, argument, signature.parameter(at)))
            .collect::<Result<_, _>>()?;
        Ok((Node::Call(signature.function, nodes), signature.returns))
    }

    fn case(&self, subject: &Expression, cases: &[Expression], fallback: &Expression) -> Checked {
        let (subject, kind) = self.check(subject)?;
        let wanted = match kind {
            Kind::Picklist => Kind::Text,
            Kind::MultiPicklist | Kind::Boolean => return Err(wrong_parameter("CASE", Kind::Text, kind)),
            other => other,
        };
        let (fallback, mut result) = self.plain(fallback)?;
        let mut pairs = Vec::with_capacity(cases.len() / 2);
        for pair in cases.chunks_exact(2) {
            let [value, then] = pair else { continue };
            let value = self.argument("CASE", value, wanted)?;
            let (then, kind) = self.plain(then)?;
            result = common("CASE", kind, result)?;
            pairs.push((value, then));
        }
        Ok((Node::Case(Box::new(subject), pairs, Box::new(fallback)), result))
    }

    fn argument(&self, name: &str, expression: &Expression, wanted: Kind) -> Result<Node, FormulaError> {
        let (node, kind) = self.check(expression)?;
        refuse_picklist(&node, kind)?;
        if kind.fits(wanted) {
            Ok(node)
        } else {
            Err(wrong_parameter(name, wanted, kind))
        }
    }

    /// Anything but a picklist.
    fn plain(&self, expression: &Expression) -> Checked {
        let (node, kind) = self.check(expression)?;
        refuse_picklist(&node, kind)?;
        Ok((node, kind))
    }
}

impl Node {
    /// Calls `look` with every field that the formula reads.
    pub(super) fn each_field(&self, look: &mut dyn FnMut(&FieldPath)) {
        match self {
            Self::Field(path) | Self::IsChanged(path) | Self::PriorValue(path) => look(path),
            Self::Constant(_) | Self::IsNew | Self::Permission(_) => {}
            Self::Binary(_, left, right) | Self::BlankValue(left, right) | Self::Includes(left, right) => {
                left.each_field(look);
                right.each_field(look);
            }
            Self::Not(inner)
            | Self::Negated(inner)
            | Self::IsBlank(inner)
            | Self::IsNumber(inner)
            | Self::Text(inner)
            | Self::Matches(inner, _) => inner.each_field(look),
            Self::If(parts) => {
                let (test, yes, no) = parts.as_ref();
                [test, yes, no].into_iter().for_each(|part| part.each_field(look));
            }
            Self::Case(subject, pairs, fallback) => {
                subject.each_field(look);
                fallback.each_field(look);
                for (value, then) in pairs {
                    value.each_field(look);
                    then.each_field(look);
                }
            }
            Self::All(nodes) | Self::Any(nodes) | Self::Call(_, nodes) => {
                nodes.iter().for_each(|node| node.each_field(look));
            }
        }
    }
}

fn is_reference(node: &Node) -> bool {
    matches!(node, Node::Field(path) if matches!(path.kind, FieldType::Id | FieldType::Reference))
}

fn common(name: &str, left: Kind, right: Kind) -> Result<Kind, FormulaError> {
    match (left, right) {
        (Kind::Null, other) | (other, Kind::Null) => Ok(other),
        (left, right) if left == right => Ok(left),
        (left, right) => Err(wrong_parameter(name, right, left)),
    }
}

fn refuse_picklist(node: &Node, kind: Kind) -> Result<(), FormulaError> {
    if !kind.is_picklist() {
        return Ok(());
    }
    let name = match node {
        Node::Field(path) | Node::PriorValue(path) => path.written.as_str(),
        _ => "of the formula",
    };
    let what = if kind == Kind::Picklist {
        "picklist"
    } else {
        "multi-select picklist"
    };
    Err(FormulaError::new(format!(
        "Field {name} is a {what} field. {} fields are only supported in certain functions.",
        if kind == Kind::Picklist {
            "Picklist"
        } else {
            "Multi-select picklist"
        }
    )))
}

fn unusable(field: &str) -> FormulaError {
    FormulaError::new(format!("Field {field} may not be used in this type of formula"))
}

fn wrong_parameter(name: &str, wanted: Kind, given: Kind) -> FormulaError {
    let (wanted, given) = (wanted.name(), given.name());
    FormulaError::new(format!(
        "Incorrect parameter type for function '{name}()'. Expected {wanted}, received {given}"
    ))
}

fn wrong_operand(operator: &str, wanted: Kind, given: Kind) -> FormulaError {
    let (wanted, given) = (wanted.name(), given.name());
    FormulaError::new(format!(
        "Incorrect parameter type for operator '{operator}'. Expected {wanted}, received {given}"
    ))
}

/// Percent fields hold 50 for 50 %, and formulas read 0.5 of them.
pub(super) const PERCENT: Decimal = Decimal::ONE_HUNDRED;
