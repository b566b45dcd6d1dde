//! Rows and groups as the JSON of an answer.

use chrono_tz::Tz;
use serde_json::{Map, Value as Json, json};

use super::super::record::{content_url, field_json};
use super::super::{ApiError, ApiVersion, Caller};
use super::{locator_url, no_locators_left, page_json};
use crate::data::definitions::is_definition;
use crate::data::{Data, Row};
use crate::id::RecordId;
use crate::org::Org;
use crate::schema::Object;
use crate::soql::children::Litter;
use crate::soql::cursors::Cursor;
use crate::soql::format::formatted;
use crate::soql::grouping::Grouping;
use crate::soql::groups::Group;
use crate::soql::plan::Made;
use crate::soql::reader::{Cell, Reader};
use crate::soql::term::label_of;
use crate::soql::{Column, Output, Plan, Scope};
use crate::value::Value;

/// What one answer is made in.
pub(super) struct Surroundings<'a> {
    pub caller: &'a Caller,
    pub org: &'a Org,
    pub data: &'a Data,
    pub scope: Scope,
    pub version: ApiVersion,
    pub zone: Tz,
    /// About how many rows the answer may have.
    pub batch: usize,
}

/// Writes the records of one query.
pub(super) struct RecordWriter<'a> {
    plan: &'a Plan,
    surroundings: &'a Surroundings<'a>,
    columns: Vec<Bound<'a>>,
}

/// A column bound to the tables.
enum Bound<'a> {
    Field(Reader<'a>),
    Made(Reader<'a>, Made, Option<&'a str>),
    Children(Litter<'a>, RecordWriter<'a>),
}

impl<'a> RecordWriter<'a> {
    pub(super) fn new(plan: &'a Plan, surroundings: &'a Surroundings<'a>) -> Self {
        let reader = |path| Reader::new(path, &plan.object, surroundings.data);
        let columns = match &plan.output {
            Output::Columns(paths) => paths.iter().map(|path| Bound::Field(reader(path))).collect(),
            Output::Records(columns) => columns
                .iter()
                .map(|column| match column {
                    Column::Field(path) => Bound::Field(reader(path)),
                    Column::Made { path, made, alias } => Bound::Made(reader(path), *made, alias.as_deref()),
                    Column::Children(children) => Bound::Children(
                        Litter::new(children, surroundings.data, surroundings.scope),
                        RecordWriter::new(&children.plan, surroundings),
                    ),
                })
                .collect(),
            Output::Count | Output::Groups(_) => Vec::new(),
        };
        Self {
            plan,
            surroundings,
            columns,
        }
    }

    /// The records of a page; rows that are gone stand as `None`. Children count as rows (Salesforce Developer
    /// Limits, SOQL and SOSL Limits), but a record comes with all that belong to the page it began.
    pub(super) fn page(&self, rows: impl Iterator<Item = Option<&'a Row>>) -> Result<Page, ApiError> {
        let mut page = Page::default();
        for row in rows {
            if page.size >= self.surroundings.batch {
                break;
            }
            page.taken += 1;
            page.size += 1;
            if let Some(row) = row {
                let (record, children) = self.record(row)?;
                page.records.push(record);
                page.size += children;
            }
        }
        Ok(page)
    }

    /// A record, and how many children it shows.
    fn record(&self, row: &'a Row) -> Result<(Json, usize), ApiError> {
        let mut record = Map::new();
        let version = self.surroundings.version;
        record.insert(
            "attributes".to_owned(),
            attributes(row, &self.plan.object, false, version),
        );
        let mut shown = 0;
        for column in &self.columns {
            match column {
                Bound::Field(reader) => {
                    insert(&mut record, reader, row, version, |cell| cell_json(cell, version));
                }
                Bound::Made(reader, made, alias) => {
                    let made = |cell: &Cell<'_>| made_json(cell, *made, self.surroundings.zone, version);
                    match alias {
                        Some(alias) => {
                            record.insert((*alias).to_owned(), made(&reader.cell(row)));
                        }
                        None => insert(&mut record, reader, row, version, made),
                    }
                }
                Bound::Children(litter, writer) => {
                    let (children, count) = self.children(litter, writer, row.id())?;
                    shown += count;
                    record.insert(litter.children().name.clone(), children);
                }
            }
        }
        Ok((Json::Object(record), shown))
    }

    /// The children of a row: null where there are none, and a page of them with a locator where there are many.
    fn children(
        &self,
        litter: &Litter<'a>,
        writer: &RecordWriter<'a>,
        parent: RecordId,
    ) -> Result<(Json, usize), ApiError> {
        let rows = litter.of(parent);
        if rows.is_empty() {
            return Ok((Json::Null, 0));
        }
        let here = self.surroundings;
        let page = writer.page(rows.iter().map(|row| Some(row.as_ref())))?;
        let mut next = None;
        if page.taken < rows.len() {
            let cursor = Cursor::new(
                litter.children().plan.clone(),
                rows.iter().map(|row| row.id()).collect(),
                here.scope,
                here.version.0,
                here.caller.user,
                here.org.clock.now(),
            );
            let id = here
                .org
                .cursors
                .open(cursor.nested())
                .ok_or_else(no_locators_left)?;
            next = Some(locator_url(here.version, id, page.taken));
        }
        Ok((page_json(rows.len(), page.records, next), page.size))
    }
}

/// A part of a result.
#[derive(Default)]
pub(super) struct Page {
    pub records: Vec<Json>,
    /// How many of the rows it took.
    pub taken: usize,
    /// How many rows it shows, children included.
    size: usize,
}

/// A group as a record.
pub(super) fn group_json(grouping: &Grouping, group: &Group, zone: Tz) -> Json {
    let mut record = Map::new();
    record.insert("attributes".to_owned(), json!({ "type": "AggregateResult" }));
    for column in &grouping.columns {
        let value = group.value(column);
        let json = if column.formatted {
            formatted(&value, &column.field, zone).map_or(Json::Null, Json::String)
        } else {
            value.write_json(&column.field)
        };
        record.insert(column.name.clone(), json);
    }
    Json::Object(record)
}

/// Puts one column into a record, below the objects of its parents; a parent that is missing stands as null.
fn insert<'a>(
    record: &mut Map<String, Json>,
    reader: &Reader<'a>,
    row: &'a Row,
    version: ApiVersion,
    json_of: impl Fn(&Cell<'_>) -> Json,
) {
    let (parents, cell) = reader.trail(row);
    let mut record = record;
    for parent in parents {
        let Some((row, object)) = parent.found else {
            record.entry(parent.relationship).or_insert(Json::Null);
            return;
        };
        let nested = record
            .entry(parent.relationship)
            .or_insert_with(|| json!({ "attributes": attributes(row, object, parent.polymorphic, version) }));
        let Json::Object(nested) = nested else { return };
        record = nested;
    }
    record.insert(reader.path().field_name().to_owned(), json_of(&cell));
}

fn cell_json(cell: &Cell<'_>, version: ApiVersion) -> Json {
    match cell {
        Cell::Stored(value, field) => value.write_json(field),
        Cell::Calculated(value, field) => value.write_json(field),
        Cell::Content(row, object, position) => content_url(object, row, *position, version),
        Cell::Made(Value::Id(id)) => Json::String(id.as_str().to_owned()),
        Cell::Made(Value::Boolean(boolean)) => Json::Bool(*boolean),
        Cell::Made(Value::Text(text)) => Json::String(text.to_string()),
        Cell::Made(_) | Cell::Nothing => Json::Null,
        Cell::Compound(row, object, position) => field_json(object, row, *position),
    }
}

fn made_json(cell: &Cell<'_>, made: Made, zone: Tz, version: ApiVersion) -> Json {
    match (made, cell) {
        (Made::Label, Cell::Stored(Value::Text(text), field)) => Json::String(label_of(field, text)),
        (Made::Formatted, Cell::Stored(value, field)) => {
            formatted(value, field, zone).map_or(Json::Null, Json::String)
        }
        (Made::Formatted, Cell::Calculated(value, field)) => {
            formatted(value, field, zone).map_or(Json::Null, Json::String)
        }
        (_, cell) => cell_json(cell, version),
    }
}

/// The `attributes` of a record. Salesforce calls a parent of several possible objects `Name`, while its URL
/// tells the object (believed, from answers printed in the REST API Developer Guide).
fn attributes(row: &Row, object: &Object, polymorphic: bool, version: ApiVersion) -> Json {
    let name = if polymorphic { "Name" } else { &object.name };
    // Definitions go by their durable ids.
    let durable = object
        .field("DurableId")
        .filter(|_| is_definition(&object.name))
        .map(|(position, _)| row.get(position));
    let key = match durable {
        Some(Value::Text(durable)) => durable.to_string(),
        _ => row.id().to_string(),
    };
    json!({ "type": name, "url": format!("{}/sobjects/{}/{key}", version.root(), object.name) })
}
