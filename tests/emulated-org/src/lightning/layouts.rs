//! Page layouts: which one a user's records have, and what it shows of them.
//!
//! Source: Metadata API Developer Guide, Layout, and Profile, `layoutAssignments`.

use std::sync::Arc;

use serde_json::{Value as Json, json};

use super::book::Piece;
use super::page_names::page_name;
use super::translations::Words;
use super::visitor::Visitor;
use crate::metadata::xml::Element;
use crate::org::Org;
use crate::schema::{Field, Object, Schema};

/// Fields that no page shows among others: Salesforce's own bookkeeping.
const BOOKKEEPING: [&str; 12] = [
    "Id",
    "IsDeleted",
    "CreatedDate",
    "LastModifiedDate",
    "SystemModstamp",
    "LastActivityDate",
    "LastViewedDate",
    "LastReferencedDate",
    "LastCURequestDate",
    "LastCUUpdateDate",
    "MasterRecordId",
    "PhotoUrl",
];

/// The name of the layout that every standard object has.
pub(super) fn standard_name(object: &Object) -> String {
    format!("{}-{} Layout", object.name, object.label)
}

/// The layouts of an object, by name.
pub(super) fn of_object(org: &Org, object: &Object) -> Vec<Arc<Piece>> {
    let all = org.pieces("Layout").into_iter();
    all.filter(|piece| {
        let of = piece.name.split_once('-').map(|(of, _)| of);
        of.is_some_and(|of| of.eq_ignore_ascii_case(&object.name))
    })
    .collect()
}

/// The name of the layout of a user's records. A package's layouts of its own objects come into force with it; those of
/// standard objects an administrator has to assign (Salesforce Help, Page Layout Assignments; ISVforce Guide).
pub(super) fn name_for(org: &Org, visitor: &Visitor, object: &Object, record_type: Option<&str>) -> String {
    if let Some(assigned) = visitor.access.layout(&object.name, record_type) {
        return assigned.to_owned();
    }
    let first = of_object(org, object).first().map(|piece| piece.name.clone());
    first
        .filter(|_| object.custom)
        .unwrap_or_else(|| standard_name(object))
}

/// The layout as the shell draws it; of the standard one that no metadata describes, all fields.
pub(super) fn drawn(org: &Org, visitor: &Visitor, object: &Object, name: &str) -> Json {
    let namer = Namer {
        words: Words::of_user(org, visitor.user),
        schema: visitor.schema(),
        object,
    };
    let sections = match org.piece("Layout", name) {
        Some(piece) => {
            let sections = piece.definition.all("layoutSections");
            sections
                .filter_map(|section| drawn_section(&namer, name, section))
                .collect()
        }
        None => vec![standard_section(&namer)],
    };
    json!({ "name": name, "sections": sections })
}

/// The fields that a layout requires.
pub(super) fn required(org: &Org, object: &Object, name: &str) -> Vec<String> {
    let Some(piece) = org.piece("Layout", name) else {
        return Vec::new();
    };
    let items = piece.definition.at("layoutSections/layoutColumns/layoutItems");
    let required = items
        .into_iter()
        .filter(|item| item.text_of("behavior") == Some("Required"))
        .filter_map(|item| object.field(item.text_of("field")?))
        // A name that is made of parts is asked for by them.
        .filter(|(_, field)| field.createable || field.updateable);
    required.map(|(_, field)| field.name.clone()).collect()
}

/// What calls the fields of a layout.
struct Namer<'n> {
    words: Words<'n>,
    schema: &'n Schema,
    object: &'n Object,
}

impl Namer<'_> {
    fn name(&self, field: &Field) -> String {
        page_name(&self.words, self.schema, self.object, field)
    }
}

fn drawn_section(namer: &Namer<'_>, layout: &str, section: &Element) -> Option<Json> {
    // Links, buttons and empty places are nothing that the shell draws.
    let columns: Vec<Vec<Json>> = section
        .all("layoutColumns")
        .map(|column| {
            let items = column.all("layoutItems");
            items.filter_map(|item| drawn_item(namer, item)).collect()
        })
        .collect();
    if columns.iter().all(Vec::is_empty) {
        return None;
    }
    let label = section.text_of("label").unwrap_or_default();
    let label = namer.words.section(namer.object, layout, label);
    Some(json!({ "label": label, "columns": columns }))
}

fn drawn_item(namer: &Namer<'_>, item: &Element) -> Option<Json> {
    let object = namer.object;
    if let Some(page) = item.text_of("page") {
        let height = item
            .text_of("height")
            .and_then(|height| height.parse::<u32>().ok());
        return Some(json!({
            "visualforcePage": page,
            "label": item.says("showLabel").then_some(page),
            "height": height.unwrap_or(200),
            "showScrollbars": item.says("showScrollbars"),
        }));
    }
    // What the user may not read is not on the page.
    let (_, field) = object.field(item.text_of("field")?)?;
    let behavior = item.text_of("behavior").unwrap_or("Edit");
    Some(json!({
        "field": field.name,
        "label": namer.name(field),
        "required": behavior == "Required" || is_always_required(field),
        "readOnly": behavior == "Readonly" || !can_be_typed(object, field),
    }))
}

/// A compound field is typed by its parts.
fn can_be_typed(object: &Object, field: &Field) -> bool {
    let parts = object
        .visible_fields()
        .map(|(_, part)| part)
        .filter(|part| part.compound_field_name.as_deref() == Some(field.name.as_str()));
    let mut parts = parts.filter(|part| part.createable || part.updateable);
    field.createable || field.updateable || parts.next().is_some()
}

fn is_always_required(field: &Field) -> bool {
    field.required_on_create() && field.updateable
}

fn standard_section(namer: &Namer<'_>) -> Json {
    let object = namer.object;
    let fields = object
        .visible_fields()
        .map(|(_, field)| field)
        .filter(|field| field.compound_field_name.is_none() && !BOOKKEEPING.contains(&field.name.as_str()));
    let items: Vec<Json> = fields
        .map(|field| {
            json!({
                "field": field.name,
                "label": namer.name(field),
                "required": is_always_required(field),
                "readOnly": !can_be_typed(object, field),
            })
        })
        .collect();
    let half = items.len().div_ceil(2);
    let (left, right) = items.split_at_checked(half).unwrap_or_default();
    json!({ "label": format!("{} Information", namer.words.object(object, false)), "columns": [left, right] })
}
