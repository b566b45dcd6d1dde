//! List views: metadata as a query, its rows as a table.
//!
//! Source: Metadata API Developer Guide, ListView.

use std::sync::Arc;

use actix_web::web;
use serde::Deserialize;
use serde_json::{Map, Value as Json, json};

use super::book::Piece;
use super::cells::CellReader;
use super::columns::path_of_column;
use super::error::PageError;
use super::objects::object_of;
use super::translations::Words;
use super::visitor::Visitor;
use crate::http::query::setting_in;
use crate::metadata::xml::Element;
use crate::org::Org;
use crate::schema::{Field, FieldType, Object, Schema};
use crate::soql::{Plan, Scope, run};

/// Rows of a page.
const PAGE: usize = 50;

/// The furthest that a page may begin (SOQL and SOSL Reference, OFFSET).
const FURTHEST: usize = 2_000;

pub(super) fn configure(routes: &mut web::ServiceConfig) {
    routes.route("/lightning/data/objects/{object}/list", web::get().to(list));
}

/// A list view of an object.
pub(super) struct View {
    pub(super) name: String,
    pub(super) label: String,
    piece: Option<Arc<Piece>>,
}

/// The list views of an object: those of the metadata, and one of all records.
pub(super) fn all(org: &Org, object: &Object) -> Vec<View> {
    let pieces = org.pieces("ListView");
    let own = pieces.into_iter().filter_map(|piece| {
        let (of, name) = piece.name.split_once('.')?;
        of.eq_ignore_ascii_case(&object.name).then(|| View {
            name: name.to_owned(),
            label: piece.definition.text_of("label").unwrap_or(name).to_owned(),
            piece: Some(Arc::clone(&piece)),
        })
    });
    let mut views: Vec<View> = own.collect();
    if !views.iter().any(|view| view.name == "All") {
        let everything = View {
            name: "All".to_owned(),
            label: format!("All {}", object.label_plural),
            piece: None,
        };
        views.insert(0, everything);
    }
    views
}

#[derive(Debug, Deserialize)]
struct Wanted {
    view: Option<String>,
    #[serde(default)]
    offset: usize,
}

async fn list(
    org: web::Data<Org>,
    visitor: Visitor,
    name: web::Path<String>,
    wanted: web::Query<Wanted>,
) -> Result<web::Json<Json>, PageError> {
    let schema = visitor.schema();
    let object = object_of(schema, &name)?;
    let views = all(&org, object);
    let view = match wanted.view.as_deref() {
        None => views.first(),
        Some(name) => views.iter().find(|view| view.name.eq_ignore_ascii_case(name)),
    };
    let view = view.ok_or_else(PageError::not_found)?;
    let full = org.schema();
    let whole = object_of(&full, &object.name)?;
    let shown = columns(view, whole, &full)?;
    // Columns that the user may not read are left out, as a list view leaves them out.
    let columns: Vec<(String, &Field)> = shown
        .into_iter()
        .filter_map(|path| field_at(schema, object, &path).map(|field| (path, field)))
        .collect();
    let offset = wanted.offset.min(FURTHEST);
    let text = query(view, object, schema, &visitor, offset)?;
    let data = org.read();
    let setting = setting_in(visitor.user, u16::MAX, &org, &data);
    let plan =
        Plan::in_setting(&text, schema, &setting).map_err(|error| PageError::new(400, error.message))?;
    let rows = run(&plan, &data, Scope::Live);
    let reader = CellReader::new(&org, &visitor, &data);
    let words = Words::of_user(&org, visitor.user);
    let shown = rows.iter().take(PAGE).map(|row| {
        let values: Map<String, Json> = columns
            .iter()
            .map(|(path, _)| (path.clone(), reader.at_path(object, row, path)))
            .collect();
        json!({ "id": row.id().as_str(), "object": object.name, "values": values })
    });
    Ok(web::Json(json!({
        "label": view.label,
        "columns": columns
            .iter()
            .map(|(path, field)| json!({ "field": path, "label": label_of(&words, object, path, field), "type": field.kind.name() }))
            .collect::<Vec<_>>(),
        "rows": shown.collect::<Vec<_>>(),
        "hasMore": rows.len() > PAGE,
    })))
}

/// Of a parent's name, the label of the relationship (`Account Name`).
fn label_of(words: &Words<'_>, object: &Object, path: &str, field: &Field) -> String {
    match path.split_once('.') {
        Some((step, "Name")) => match object.relationship(step) {
            Some((_, reference)) => reference.label.replace(" ID", " Name"),
            None => field.label.clone(),
        },
        _ => words.field(object, field),
    }
}

/// The paths of a view's columns.
fn columns(view: &View, object: &Object, schema: &Schema) -> Result<Vec<String>, PageError> {
    let Some(piece) = &view.piece else {
        let standard = [
            "Account.Name",
            "Company",
            "Email",
            "Phone",
            "StageName",
            "Status",
            "CreatedDate",
        ];
        let name = object.name_field().map(|(_, field)| field.name.clone());
        let others = standard.into_iter().map(str::to_owned);
        let known = others.filter(|path| field_at(schema, object, path).is_some());
        return Ok(name.into_iter().chain(known).collect());
    };
    piece
        .definition
        .all("columns")
        .map(|column| path_of_column(object, schema, column.text.trim()))
        .collect()
}

/// The field that a path leads to.
pub(super) fn field_at<'s>(schema: &'s Schema, object: &'s Object, path: &str) -> Option<&'s Field> {
    match path.split_once('.') {
        None => object.field(path).map(|(_, field)| field),
        Some((step, rest)) => {
            let (_, reference) = object.relationship(step)?;
            // `Owner` leads to users and queues, which both have names.
            let parent = reference
                .reference_to
                .iter()
                .find_map(|name| schema.object(name))?;
            field_at(schema, parent, rest)
        }
    }
}

fn query(
    view: &View,
    object: &Object,
    schema: &Schema,
    visitor: &Visitor,
    offset: usize,
) -> Result<String, PageError> {
    let mut conditions = Vec::new();
    if let Some(piece) = &view.piece {
        let definition = &piece.definition;
        let filters = definition
            .all("filters")
            .map(|filter| condition(object, schema, filter))
            .collect::<Result<Vec<_>, _>>()?;
        match definition.text_of("booleanFilter") {
            Some(logic) => conditions.push(format!("({})", combined(logic, &filters)?)),
            None => conditions.extend(filters),
        }
        match definition.text_of("filterScope") {
            None | Some("Everything") => {}
            Some("Mine") => conditions.push(format!("OwnerId = '{}'", visitor.user)),
            Some(other) => return Err(PageError::not_supported(format!("filterScope {other}"))),
        }
    }
    let mut text = format!("SELECT Id FROM {}", object.name);
    if !conditions.is_empty() {
        text.push_str(&format!(" WHERE {}", conditions.join(" AND ")));
    }
    if let Some((_, name)) = object.name_field().filter(|(_, field)| field.sortable) {
        text.push_str(&format!(" ORDER BY {}, Id", name.name));
    }
    text.push_str(&format!(" LIMIT {} OFFSET {offset}", PAGE + 1));
    Ok(text)
}

/// `1 OR (2 AND 3)` with conditions in the places of their numbers.
fn combined(logic: &str, filters: &[String]) -> Result<String, PageError> {
    let refuse = || PageError::not_supported(format!("booleanFilter {logic}"));
    let mut text = String::new();
    let mut rest = logic;
    while let Some(first) = rest.chars().next() {
        let digits: String = rest.chars().take_while(char::is_ascii_digit).collect();
        let taken = if digits.is_empty() {
            text.push(first);
            first.len_utf8()
        } else {
            let number: usize = digits.parse().map_err(|_too_long| refuse())?;
            let filter = number.checked_sub(1).and_then(|at| filters.get(at));
            text.push_str(filter.ok_or_else(refuse)?);
            digits.len()
        };
        rest = rest.get(taken..).unwrap_or_default();
    }
    Ok(text)
}

fn condition(object: &Object, schema: &Schema, filter: &Element) -> Result<String, PageError> {
    let column = filter.text_of("field").unwrap_or_default();
    let operation = filter.text_of("operation").unwrap_or_default();
    // Who may not read a field that a view filters by does not see the view's records.
    let path = path_of_column(object, schema, column).map_err(|_hidden| PageError::insufficient())?;
    let field = field_at(schema, object, &path).ok_or_else(PageError::insufficient)?;
    let value = filter.text_of("value").filter(|value| !value.is_empty());
    let values: Vec<String> = match value {
        None => vec!["null".to_owned()],
        Some(value) => value
            .split(',')
            .map(|value| literal(field, value.trim()))
            .collect(),
    };
    let one = values.first().cloned().unwrap_or_default();
    let plain = value.unwrap_or_default().trim();
    let negated = operation.starts_with("not");
    Ok(match operation {
        "equals" | "notEqual" if values.len() > 1 => {
            let not = if negated { "NOT IN" } else { "IN" };
            format!("{path} {not} ({})", values.join(", "))
        }
        "equals" => format!("{path} = {one}"),
        "notEqual" => format!("{path} != {one}"),
        "lessThan" => format!("{path} < {one}"),
        "greaterThan" => format!("{path} > {one}"),
        "lessOrEqual" => format!("{path} <= {one}"),
        "greaterOrEqual" => format!("{path} >= {one}"),
        "contains" => format!("{path} LIKE {}", quoted(&format!("%{plain}%"))),
        "notContain" => format!("(NOT {path} LIKE {})", quoted(&format!("%{plain}%"))),
        "startsWith" => format!("{path} LIKE {}", quoted(&format!("{plain}%"))),
        other => return Err(PageError::not_supported(format!("filter operation {other}"))),
    })
}

fn literal(field: &Field, value: &str) -> String {
    let is_quoted = field.kind.is_text() || matches!(field.kind, FieldType::Id | FieldType::Reference);
    match (is_quoted, field.kind) {
        (true, _) => quoted(value),
        (false, FieldType::Boolean) => if value == "1" { "true" } else { "false" }.to_owned(),
        (false, _) => value.to_owned(),
    }
}

fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\\', "\\\\").replace('\'', "\\'"))
}

#[cfg(test)]
mod tests {
    use super::{combined, quoted};

    #[test]
    fn numbers_of_a_filter_are_its_conditions() {
        let filters = ["A = 1".to_owned(), "B = 2".to_owned()];
        assert_eq!(
            combined("(1 OR 2)", &filters).expect("a filter"),
            "(A = 1 OR B = 2)"
        );
        assert!(combined("1 AND 3", &filters).is_err());
    }

    #[test]
    fn values_stay_inside_their_quotes() {
        assert_eq!(quoted("O'Neil\\"), "'O\\'Neil\\\\'");
    }
}
