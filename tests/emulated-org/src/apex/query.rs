//! Queries of programs: binds become literals, rows become records.

use std::rc::Rc;
use std::sync::Arc;

use apex_runtime::Value as Apex;
use apex_runtime::host::{AccessMode, HostError, QueryAnswer, QueryCall};
use apex_runtime::run::value::RecordObject;
use apex_runtime::types::Type;
use chrono::{DateTime, Utc};

use super::session::Session;
use super::values::to_apex;
use crate::data::definitions::is_definition;
use crate::data::{Data, Row};
use crate::faults::{Statement, StatementFault};
use crate::http::query::setting_in;
use crate::id::RecordId;
use crate::schema::{FieldType, Object, Schema};
use crate::soql::children::Litter;
use crate::soql::format::formatted;
use crate::soql::groups::Group;
use crate::soql::plan::Made;
use crate::soql::reader::{Cell, Reader};
use crate::soql::term::label_of;
use crate::soql::{Column, Output, Plan, Scope, SoqlError, run, run_groups};
use crate::value::Value;

impl Session<'_> {
    /// Runs a query.
    pub(super) fn run_query(&self, call: &QueryCall) -> Result<QueryAnswer, HostError> {
        let refused = |message: String| HostError::Exception("QueryException".to_owned(), message);
        let text = bound(&call.text, &call.binds).map_err(refused)?;
        let (text, scope) = match all_rows(&text) {
            Some(text) => (text, Scope::WithDeleted),
            None => (text, Scope::Live),
        };
        let schema = self.visible(call.access, call.sharing);
        self.read(|data| {
            let mut setting = setting_in(self.user.get(), u16::MAX, self.org, data);
            setting.now = self.moment();
            setting.in_apex = true;
            let plan = Plan::in_setting(&text, &schema, &setting).map_err(|error| explained(&error, call))?;
            let faults = self.org.faults.apex();
            if let Some(fault) = faults.of_statement(Statement::Query, &plan.object.name) {
                let class = match fault {
                    StatementFault::Thrown(class) => class,
                    StatementFault::Refused(_) => "QueryException",
                };
                return Err(HostError::Exception(class.to_owned(), "not today".to_owned()));
            }
            match &plan.output {
                Output::Groups(grouping) => {
                    let groups = run_groups(&plan, grouping, data, scope);
                    let rows = groups.iter().map(|group| {
                        let record = RecordObject::new("AggregateResult".into());
                        for column in &grouping.columns {
                            let value = self.group_value(group, column, &setting);
                            record
                                .fields
                                .borrow_mut()
                                .insert(column.name.as_str().into(), value);
                        }
                        Rc::new(record)
                    });
                    Ok(QueryAnswer::Records(rows.collect()))
                }
                Output::Count => {
                    let count = run(&plan, data, scope).len();
                    Ok(QueryAnswer::Count(i32::try_from(count).unwrap_or(i32::MAX)))
                }
                Output::Columns(_) | Output::Records(_) => {
                    let rows = run(&plan, data, scope);
                    let settled = plan.settled(data, scope);
                    let maker = Maker::new(&settled, data, scope, setting.zone);
                    Ok(QueryAnswer::Records(
                        rows.iter().map(|row| maker.record(row)).collect(),
                    ))
                }
            }
        })
    }

    fn moment(&self) -> DateTime<Utc> {
        self.org.clock.now()
    }

    fn group_value(
        &self,
        group: &Group,
        column: &crate::soql::grouping::GroupColumn,
        setting: &crate::soql::Setting,
    ) -> Apex {
        let value = group.value(column);
        if column.formatted {
            return formatted(&value, &column.field, setting.zone).map_or(Apex::Null, Apex::string);
        }
        to_apex(&value, column.field.kind)
    }

    /// The metadata and rows that a query may see.
    fn visible(&self, access: AccessMode, sharing: bool) -> Arc<Schema> {
        if access == AccessMode::System && !sharing {
            return Arc::clone(&self.schema);
        }
        let rights = self.access();
        if access != AccessMode::System {
            return Arc::clone(rights.schema());
        }
        if rights.is_unlimited() {
            return Arc::clone(&self.schema);
        }
        let shared = |object: &Arc<Object>| {
            let Some(sight) = rights.sight(object) else {
                return Some(Arc::clone(object));
            };
            let mut seen = Object::clone(object);
            seen.sight = Some(sight);
            Some(Arc::new(seen))
        };
        Arc::new(self.schema.seen(shared))
    }
}

fn explained(error: &SoqlError, call: &QueryCall) -> HostError {
    let unseen = matches!(error.code, "INVALID_FIELD" | "INVALID_TYPE");
    let message = if call.access == AccessMode::SecurityEnforced && unseen {
        "Insufficient permissions: secure query included inaccessible field".to_owned()
    } else {
        error.message.clone()
    };
    HostError::Exception("QueryException".to_owned(), message)
}

/// The text without `ALL ROWS`, where it ends so.
fn all_rows(text: &str) -> Option<String> {
    let trimmed = text.trim_end();
    let rest = strip_word(trimmed, "ROWS")?;
    strip_word(rest.trim_end(), "ALL").map(str::to_owned)
}

fn strip_word<'t>(text: &'t str, word: &str) -> Option<&'t str> {
    let cut = text.len().checked_sub(word.len())?;
    let (rest, last) = (text.get(..cut)?, text.get(cut..)?);
    (last.eq_ignore_ascii_case(word) && rest.ends_with(char::is_whitespace)).then_some(rest)
}

/// The text with the values of its variables.
fn bound(text: &str, binds: &[(Arc<str>, Apex)]) -> Result<String, String> {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find(['\'', ':']) {
        let (before, from) = rest.split_at(at);
        out.push_str(before);
        if let Some(quoted) = from.strip_prefix('\'') {
            let length = quoted_length(quoted);
            out.push('\'');
            out.push_str(quoted.get(..length).unwrap_or(quoted));
            rest = quoted.get(length..).unwrap_or_default();
            continue;
        }
        let after = from.get(1..).unwrap_or_default();
        let name_part = after.trim_start();
        let length = name_part
            .find(|c: char| !(c.is_ascii_alphanumeric() || c == '_' || c == '.'))
            .unwrap_or(name_part.len());
        let name = name_part.get(..length).unwrap_or_default();
        // `LAST_N_DAYS:7`, datetimes and times have colons of their own.
        if name.is_empty() || name.starts_with(|c: char| c.is_ascii_digit()) {
            out.push(':');
            rest = after;
            continue;
        }
        let value = binds.iter().find(|(known, _)| known.eq_ignore_ascii_case(name));
        let Some((_, value)) = value else {
            return Err(format!("Variable does not exist: {name}"));
        };
        // A relative date keeps its colon: `LAST_N_DAYS:` and then the number.
        let of_date = out
            .chars()
            .next_back()
            .is_some_and(|c| c.is_ascii_alphanumeric() || c == '_')
            && last_word(&out).to_ascii_uppercase().contains("_N_");
        if of_date {
            out.push(':');
        }
        out.push_str(&literal(value)?);
        rest = name_part.get(length..).unwrap_or_default();
    }
    out.push_str(rest);
    Ok(out)
}

fn last_word(text: &str) -> &str {
    text.rsplit(|c: char| !(c.is_ascii_alphanumeric() || c == '_'))
        .next()
        .unwrap_or_default()
}

/// Bytes to the end of a quoted text, its closing quote among them.
fn quoted_length(text: &str) -> usize {
    let mut escaped = false;
    for (at, c) in text.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '\'' => return at + 1,
            _ => {}
        }
    }
    text.len()
}

fn literal(value: &Apex) -> Result<String, String> {
    Ok(match value {
        Apex::Null => "null".to_owned(),
        Apex::Boolean(boolean) => boolean.to_string(),
        Apex::Integer(number) => number.to_string(),
        Apex::Long(number) => number.to_string(),
        Apex::Double(number) => rust_decimal::Decimal::from_f64_retain(*number)
            .map(|number| number.normalize().to_string())
            .ok_or("Invalid bind expression type of Double for column")?,
        Apex::Decimal(number) => number.to_plain_string(),
        Apex::String(text) | Apex::Id(text) => quoted(text),
        Apex::Date(date) => date.format("%Y-%m-%d").to_string(),
        Apex::Datetime(milliseconds) => DateTime::<Utc>::from_timestamp_millis(*milliseconds)
            .map(|moment| moment.format("%Y-%m-%dT%H:%M:%S%.3fZ").to_string())
            .ok_or("Invalid bind expression type of Datetime for column")?,
        Apex::Time(milliseconds) => {
            let (seconds, rest) = (milliseconds / 1_000, milliseconds % 1_000);
            let (hours, minutes) = (seconds / 3_600, seconds / 60 % 60);
            format!("{hours:02}:{minutes:02}:{:02}.{rest:03}Z", seconds % 60)
        }
        Apex::List(list) => list_literal(list.items.borrow().iter())?,
        Apex::Set(set) => list_literal(set.table.borrow().keys().iter())?,
        Apex::Map(map) => list_literal(map.table.borrow().keys().iter())?,
        Apex::Record(record) => match record.fields.borrow().get("Id") {
            Some(Apex::Id(id)) => quoted(id),
            _ => "null".to_owned(),
        },
        _ => return Err("Invalid bind expression type".to_owned()),
    })
}

fn list_literal<'v>(values: impl Iterator<Item = &'v Apex>) -> Result<String, String> {
    let all = values.map(literal).collect::<Result<Vec<_>, _>>()?;
    Ok(format!("({})", all.join(",")))
}

fn quoted(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('\'');
    for c in text.chars() {
        match c {
            '\'' => quoted.push_str("\\'"),
            '\\' => quoted.push_str("\\\\"),
            '\n' => quoted.push_str("\\n"),
            '\r' => quoted.push_str("\\r"),
            '\t' => quoted.push_str("\\t"),
            other => quoted.push(other),
        }
    }
    quoted.push('\'');
    quoted
}

/// Makes records of a query's rows.
struct Maker<'a> {
    object: &'a Object,
    columns: Vec<Bound<'a>>,
    zone: chrono_tz::Tz,
}

enum Bound<'a> {
    Field(Reader<'a>),
    Made(Reader<'a>, Made, Option<&'a str>),
    Children(Litter<'a>, Box<Maker<'a>>),
}

impl<'a> Maker<'a> {
    fn new(plan: &'a Plan, data: &'a Data, scope: Scope, zone: chrono_tz::Tz) -> Self {
        let reader = |path| Reader::new(path, &plan.object, data);
        let columns = match &plan.output {
            Output::Columns(paths) => paths.iter().map(|path| Bound::Field(reader(path))).collect(),
            Output::Records(columns) => columns
                .iter()
                .map(|column| match column {
                    Column::Field(path) => Bound::Field(reader(path)),
                    Column::Made { path, made, alias } => Bound::Made(reader(path), *made, alias.as_deref()),
                    Column::Children(children) => Bound::Children(
                        Litter::new(children, data, scope),
                        Box::new(Maker::new(&children.plan, data, scope, zone)),
                    ),
                })
                .collect(),
            Output::Count | Output::Groups(_) => Vec::new(),
        };
        Self {
            object: &plan.object,
            columns,
            zone,
        }
    }

    fn record(&self, row: &Row) -> Rc<RecordObject> {
        let record = Rc::new(RecordObject::new(self.object.name.as_str().into()));
        // A queried record always knows its id.
        let id = if is_definition(&self.object.name) {
            RecordId::MIN
        } else {
            row.id()
        };
        set(&record, "Id", Apex::Id(id.as_str().into()));
        for column in &self.columns {
            match column {
                Bound::Field(reader) => insert(&record, reader, row, self.object, value_of),
                Bound::Made(reader, made, alias) => {
                    let text = |cell: &Cell<'_>| made_value(cell, *made, self.zone);
                    match alias {
                        Some(alias) => set(&record, alias, text(&reader.cell(row))),
                        None => insert(&record, reader, row, self.object, text),
                    }
                }
                Bound::Children(litter, maker) => {
                    let children = litter.of(row.id());
                    let records = children
                        .iter()
                        .map(|child| Apex::Record(maker.record(child)))
                        .collect();
                    let list = Apex::list(Type::Record(maker.object.name.as_str().into()), records);
                    let name = litter.children().name.as_str();
                    record.related.borrow_mut().insert(name.into(), list);
                }
            }
        }
        record
    }
}

fn set(record: &RecordObject, name: &str, value: Apex) {
    let name: Arc<str> = name.into();
    let mut queried = record.queried.borrow_mut();
    let queried = queried.get_or_insert_with(Vec::new);
    if !queried.contains(&name) {
        queried.push(Arc::clone(&name));
    }
    record.fields.borrow_mut().insert(name, value);
}

fn insert<'r>(
    record: &Rc<RecordObject>,
    reader: &Reader<'r>,
    row: &'r Row,
    object: &Object,
    value_of: impl Fn(&Cell<'_>) -> Apex,
) {
    let (parents, cell) = reader.trail(row);
    let mut record = Rc::clone(record);
    let (mut at, mut of) = (Some(row), Some(object));
    for parent in parents {
        // With a parent comes the reference that leads to it.
        if let (Some(row), Some(object)) = (at, of)
            && let Some((position, field)) = object.relationship(parent.relationship)
        {
            set(&record, &field.name, to_apex(row.get(position), field.kind));
        }
        let Some((row, object)) = parent.found else {
            record
                .related
                .borrow_mut()
                .insert(parent.relationship.into(), Apex::Null);
            return;
        };
        let known = match record.related.borrow().get(parent.relationship) {
            Some(Apex::Record(known)) => Some(Rc::clone(known)),
            _ => None,
        };
        let next = known.unwrap_or_else(|| {
            let made = Rc::new(RecordObject::new(object.name.as_str().into()));
            made.queried.borrow_mut().get_or_insert_with(Vec::new);
            let name = parent.relationship.into();
            record
                .related
                .borrow_mut()
                .insert(name, Apex::Record(Rc::clone(&made)));
            made
        });
        record = next;
        (at, of) = (Some(row), Some(object));
    }
    set(&record, reader.path().field_name(), value_of(&cell));
}

fn value_of(cell: &Cell<'_>) -> Apex {
    match cell {
        Cell::Stored(value, field) => to_apex(value, field.kind),
        Cell::Calculated(value, field) => to_apex(value, field.kind),
        Cell::Made(value) => to_apex(value, FieldType::Anytype),
        Cell::Content(row, _, position) => to_apex(row.get(*position), FieldType::Base64),
        Cell::Compound(..) | Cell::Nothing => Apex::Null,
    }
}

fn made_value(cell: &Cell<'_>, made: Made, zone: chrono_tz::Tz) -> Apex {
    match (made, cell) {
        (Made::Label, Cell::Stored(Value::Text(text), field)) => Apex::string(label_of(field, text)),
        (Made::Formatted, Cell::Stored(value, field)) => {
            formatted(value, field, zone).map_or(Apex::Null, Apex::string)
        }
        (Made::Formatted, Cell::Calculated(value, field)) => {
            formatted(value, field, zone).map_or(Apex::Null, Apex::string)
        }
        (_, cell) => value_of(cell),
    }
}
