//! What tests cover, as the Tooling API lets it be asked for: the fields that clients read, by a class or a test
//! class or without a condition. All else is refused.
//!
//! Source: Tooling API Developer Guide, ApexCodeCoverage, ApexCodeCoverageAggregate, ApexOrgWideCoverage.

use serde_json::{Map, Value as Json, json};

use std::collections::BTreeSet;

use crate::http::{ApiError, Caller};
use crate::org::Org;
use crate::soql::SoqlError;
use crate::soql::ast::{Condition, Expression, ListOperator, Operator, Query, Select, SelectItem};
use crate::soql::literal::Literal;
use crate::soql::parser;

const OBJECTS: [&str; 3] = [
    "ApexCodeCoverage",
    "ApexCodeCoverageAggregate",
    "ApexOrgWideCoverage",
];

/// The records of a query about coverage; none if it is about something else.
pub(super) fn answer(org: &Org, caller: &Caller, text: &str) -> Result<Option<Vec<Json>>, ApiError> {
    let Ok(query) = parser::parse(text) else {
        return Ok(None);
    };
    let asked = query.from.dotted();
    let Some(object) = OBJECTS
        .into_iter()
        .find(|object| object.eq_ignore_ascii_case(&asked))
    else {
        return Ok(None);
    };
    if !query.order.is_empty() || query.group.is_some() || query.limit.is_some() || query.offset.is_some() {
        return Err(SoqlError::unsupported("sorting, grouping or limiting coverage").into());
    }
    let fields = fields_of(&query)?;
    let rows = match object {
        "ApexCodeCoverage" => by_test(org),
        "ApexCodeCoverageAggregate" => aggregate(org),
        _ => vec![org_wide(org)],
    };
    let mut records = Vec::new();
    for row in rows {
        let fits = match &query.filter {
            Some(condition) => holds(condition, &row)?,
            None => true,
        };
        if fits {
            let attributes = json!({
                "type": object,
                "url": format!("{}/tooling/sobjects/{object}/{}", caller.version.root(), records.len()),
            });
            records.push(selected(&fields, &row, attributes, object)?);
        }
    }
    Ok(Some(records))
}

fn fields_of(query: &Query) -> Result<Vec<Vec<String>>, ApiError> {
    let Select::Items(items) = &query.select else {
        return Err(SoqlError::unsupported("counting coverage").into());
    };
    let path = |item: &SelectItem| match item {
        SelectItem::Expression {
            expression: Expression::Path(path),
            alias: None,
        } => Ok(path.names.clone()),
        _ => Err(SoqlError::unsupported("functions of coverage").into()),
    };
    items.iter().map(path).collect()
}

fn selected(
    fields: &[Vec<String>],
    row: &Map<String, Json>,
    attributes: Json,
    object: &str,
) -> Result<Json, ApiError> {
    let mut record = Map::new();
    record.insert("attributes".to_owned(), attributes);
    for names in fields {
        let unknown = || ApiError::no_such_column(&names.join("."), object);
        match names.as_slice() {
            [name] => {
                let (name, value) = member(row, name)
                    .filter(|(_, value)| !is_parent(value))
                    .ok_or_else(unknown)?;
                record.insert(name.clone(), value.clone());
            }
            [parent, field] => {
                let (parent, value) = member(row, parent).ok_or_else(unknown)?;
                let (field, value) = value
                    .as_object()
                    .and_then(|of| member(of, field))
                    .ok_or_else(unknown)?;
                let inner = record
                    .entry(parent.clone())
                    .or_insert_with(|| json!({ "attributes": { "type": "Name" } }));
                if let Some(inner) = inner.as_object_mut() {
                    inner.insert(field.clone(), value.clone());
                }
            }
            _ => return Err(unknown()),
        }
    }
    Ok(Json::Object(record))
}

/// `Coverage` is a value of several parts, a parent is a record.
fn is_parent(value: &Json) -> bool {
    value.get("Id").is_some()
}

fn member<'r>(row: &'r Map<String, Json>, name: &str) -> Option<(&'r String, &'r Json)> {
    row.iter().find(|(known, _)| known.eq_ignore_ascii_case(name))
}

fn holds(condition: &Condition, row: &Map<String, Json>) -> Result<bool, ApiError> {
    let refused = || ApiError::from(SoqlError::unsupported("this condition on coverage"));
    let value = |expression: &Expression| match expression {
        Expression::Path(path) => {
            let name = path.dotted();
            let found = member(row, &name).and_then(|(_, value)| value.as_str());
            found.map(str::to_owned).ok_or_else(refused)
        }
        Expression::Call { .. } => Err(refused()),
    };
    let is = |literal: &Literal, value: &str| match literal {
        // Ids of 15 characters are taken too.
        Literal::Text(text) => text == value || (text.len() == 15 && value.starts_with(text.as_str())),
        _ => false,
    };
    match condition {
        Condition::Compare {
            left,
            operator: Operator::Equal,
            literal,
        } => Ok(is(literal, &value(left)?)),
        Condition::Among {
            left,
            operator: ListOperator::In,
            literals,
        } => {
            let value = value(left)?;
            Ok(literals.iter().any(|literal| is(literal, &value)))
        }
        Condition::All(conditions) => {
            for condition in conditions {
                if !holds(condition, row)? {
                    return Ok(false);
                }
            }
            Ok(true)
        }
        _ => Err(refused()),
    }
}

type Lines = BTreeSet<u32>;

fn lines_of(org: &Org, file: &str, covered: &Lines, uncovered: &Lines) -> Map<String, Json> {
    let id = org.class_id(file).map(|id| id.as_str().to_owned());
    let mut row = Map::new();
    row.insert("ApexClassOrTriggerId".to_owned(), json!(id));
    row.insert("ApexClassOrTrigger".to_owned(), json!({ "Id": id, "Name": file }));
    row.insert("NumLinesCovered".to_owned(), json!(covered.len()));
    row.insert("NumLinesUncovered".to_owned(), json!(uncovered.len()));
    row.insert(
        "Coverage".to_owned(),
        json!({ "coveredLines": covered, "uncoveredLines": uncovered }),
    );
    row
}

fn by_test(org: &Org) -> Vec<Map<String, Json>> {
    let coverage = org.coverage();
    let mut rows = Vec::new();
    for ((class, method), files) in &coverage.by_test {
        let test = org.class_id(class).map(|id| id.as_str().to_owned());
        for (file, ran) in files {
            let Some(lines) = coverage.lines.get(file) else {
                continue;
            };
            let uncovered = lines.difference(ran).copied().collect();
            let mut row = lines_of(org, file, ran, &uncovered);
            row.insert("ApexTestClassId".to_owned(), json!(test));
            row.insert("TestMethodName".to_owned(), json!(&**method));
            rows.push(row);
        }
    }
    rows
}

fn aggregate(org: &Org) -> Vec<Map<String, Json>> {
    let coverage = org.coverage().aggregate();
    coverage
        .iter()
        .map(|(file, (yes, no))| lines_of(org, file, yes, no))
        .collect()
}

fn org_wide(org: &Org) -> Map<String, Json> {
    let coverage = org.coverage().aggregate();
    let (covered, all) = coverage.values().fold((0, 0), |(covered, all), (yes, no)| {
        (covered + yes.len(), all + yes.len() + no.len())
    });
    let mut row = Map::new();
    let percent = (covered * 100).checked_div(all).unwrap_or_default();
    row.insert("PercentCovered".to_owned(), json!(percent));
    row
}
