//! What a page is rendered from: its record, its user, its labels.

use std::collections::BTreeMap;

use rust_decimal::Decimal;
use serde_json::Value as Json;

use super::expression::{Part, Worth, each_path, parts};
use super::markup::{Element, read};
use crate::http::sobjects::live_row;
use crate::lightning::cells::CellReader;
use crate::lightning::error::PageError;
use crate::lightning::list_views::field_at;
use crate::lightning::translations::{Words, text_of_user, translated};
use crate::lightning::visitor::Visitor;
use crate::org::Org;
use crate::schema::{FieldType, Object, Schema};

/// A field of the page's record: its worth, and the text that people read.
#[derive(Clone, Debug)]
pub(super) struct Cell {
    pub(super) worth: Worth,
    pub(super) display: String,
}

/// A page, ready to be rendered.
pub(super) struct Page<'o> {
    pub(super) org: &'o Org,
    pub(super) user: crate::id::RecordId,
    language: String,
    pub(super) name: String,
    /// The query of the page's address.
    parameters: Vec<(String, String)>,
    pub(super) root: Element,
    /// The object of the standard controller.
    pub(super) object: Option<String>,
    /// The record's id.
    pub(super) id: Option<String>,
    /// By lower-case paths from the record, such as `account.name`.
    cells: BTreeMap<String, Cell>,
    /// The fields that the page names, as the standard controller reads them.
    pub(super) fields: Vec<String>,
}

impl<'o> Page<'o> {
    /// Reads a page for a user, with the record that the address names.
    pub(super) fn open(
        org: &'o Org,
        visitor: &Visitor,
        name: &str,
        parameters: Vec<(String, String)>,
    ) -> Result<Self, PageError> {
        let piece = org.piece("ApexPage", name).ok_or_else(PageError::not_found)?;
        if !visitor.access.has_page(&piece.name) {
            return Err(PageError::insufficient());
        }
        let root = read(&piece.name, piece.source.as_deref().unwrap_or_default())?;
        if root.name != "apex:page" {
            return Err(PageError::new(
                500,
                format!("{}: the root element must be apex:page", piece.name),
            ));
        }
        let mut page = Self {
            org,
            user: visitor.user,
            language: text_of_user(org, visitor.user, "LanguageLocaleKey"),
            name: piece.name.clone(),
            parameters,
            object: root.attribute("standardController").map(str::to_owned),
            root,
            id: None,
            cells: BTreeMap::new(),
            fields: Vec::new(),
        };
        page.read_record(visitor)?;
        Ok(page)
    }

    /// The language of its user.
    pub(super) fn language(&self) -> &str {
        &self.language
    }

    pub(super) fn parameter(&self, name: &str) -> Option<&str> {
        let mut known = self.parameters.iter();
        known
            .find(|(known, _)| known == name)
            .map(|(_, value)| value.as_str())
    }

    /// The address that controllers see.
    pub(super) fn address(&self) -> String {
        let query = url::form_urlencoded::Serializer::new(String::new())
            .extend_pairs(&self.parameters)
            .finish();
        format!("/apex/{}?{query}", self.name)
    }

    /// Reads the fields that the page names, as the user may see them.
    fn read_record(&mut self, visitor: &Visitor) -> Result<(), PageError> {
        let Some(name) = self.object.clone() else {
            return Ok(());
        };
        let full = self.org.schema();
        let object = full.object(&name).ok_or_else(|| {
            PageError::new(
                500,
                format!("The object '{name}' of the standard controller does not exist"),
            )
        })?;
        let named = self.fields_named(object, &full)?;
        let seen = visitor
            .schema()
            .object(&name)
            .ok_or_else(PageError::insufficient)?;
        // Of what the user may not read the page shows nothing.
        let mut fields = named.clone();
        fields.retain(|path| field_at(visitor.schema(), seen, path).is_some());
        self.fields = fields;
        let Some(id) = self.parameter("id").map(str::to_owned) else {
            self.cells = named
                .iter()
                .map(|path| (path.to_ascii_lowercase(), blank()))
                .collect();
            return Ok(());
        };
        let data = self.org.read();
        let row = live_row(&data, seen, &id)?;
        self.id = Some(row.id().as_str().to_owned());
        let reader = CellReader::new(self.org, visitor, &data);
        for path in named {
            let cell = match field_at(visitor.schema(), seen, &path) {
                Some(field) => cell_of(&reader.at_path(seen, row, &path), field.kind),
                None => blank(),
            };
            self.cells.insert(path.to_ascii_lowercase(), cell);
        }
        Ok(())
    }

    fn fields_named(&self, object: &Object, schema: &Schema) -> Result<Vec<String>, PageError> {
        let mut texts = Vec::new();
        self.root.each_text(&mut |text| texts.push(text.to_owned()));
        let mut named: Vec<String> = Vec::new();
        for text in texts {
            for part in parts(&text)? {
                let Part::Merge(expression) = part else { continue };
                each_path(&expression, &mut |path| {
                    let own = path
                        .split_once('.')
                        .filter(|(of, _)| of.eq_ignore_ascii_case(&object.name));
                    if let Some((_, path)) = own
                        && !named.iter().any(|known| known.eq_ignore_ascii_case(path))
                    {
                        named.push(path.to_owned());
                    }
                });
            }
        }
        match named.iter().find(|path| field_at(schema, object, path).is_none()) {
            None => Ok(named),
            Some(path) => {
                let message = format!("Invalid field {path} for SObject {}", object.name);
                Err(PageError::new(500, message))
            }
        }
    }

    /// A field of the record, by its path behind the object's name.
    pub(super) fn cell(&self, path: &str) -> Option<&Cell> {
        let (object, field) = path.split_once('.')?;
        let own = self.object.as_deref()?.eq_ignore_ascii_case(object);
        own.then(|| self.cells.get(&field.to_ascii_lowercase())).flatten()
    }

    /// A global variable such as `$Label.Name`.
    pub(super) fn global(&self, path: &str) -> Result<Worth, PageError> {
        let unknown = || PageError::not_supported(format!("{{!{path}}}"));
        let missing = || PageError::new(500, format!("Field {path} does not exist. Check spelling."));
        let steps: Vec<&str> = path.split('.').collect();
        let text = match steps.as_slice() {
            ["$Label", name] | ["$Label", "c" | "causeway", name] => {
                translated(self.org, &self.language, "customLabels", name)
                    .or_else(|| self.org.label_text(name))
                    .ok_or_else(missing)?
            }
            ["$ObjectType", object, rest @ ..] => {
                let schema = self.org.schema();
                let object = schema.object(object).ok_or_else(missing)?;
                let words = Words::new(self.org, self.language.clone());
                match rest {
                    ["Label" | "label"] => words.object(object, false),
                    ["Name" | "name"] => object.name.clone(),
                    ["fields" | "Fields", field, property] => {
                        let (_, field) = object.field(field).ok_or_else(missing)?;
                        match property.to_ascii_lowercase().as_str() {
                            "label" => words.field(object, field),
                            "name" => field.name.clone(),
                            _ => return Err(unknown()),
                        }
                    }
                    _ => return Err(unknown()),
                }
            }
            ["$User", "Id"] => self.user.as_str().to_owned(),
            ["$User", field] => {
                let schema = self.org.schema();
                let users = schema.object("User").ok_or_else(missing)?;
                let (_, known) = users.field(field).ok_or_else(missing)?;
                if !known.kind.is_text() {
                    return Err(unknown());
                }
                text_of_user(self.org, self.user, &known.name)
            }
            ["$CurrentPage", "Name"] => self.name.clone(),
            ["$CurrentPage", "parameters", name] => self.parameter(name).unwrap_or_default().to_owned(),
            _ => return Err(unknown()),
        };
        Ok(if text.is_empty() {
            Worth::Null
        } else {
            Worth::Text(text)
        })
    }
}

fn blank() -> Cell {
    Cell {
        worth: Worth::Null,
        display: String::new(),
    }
}

fn cell_of(cell: &Json, kind: FieldType) -> Cell {
    let member = |name: &str| cell.get(name).cloned().unwrap_or_default();
    let worth = match member("value") {
        Json::Null => Worth::Null,
        Json::Bool(boolean) => Worth::Boolean(boolean),
        Json::Number(number) => number
            .to_string()
            .parse::<Decimal>()
            .map_or_else(|_| Worth::Untold("number".to_owned()), Worth::Number),
        Json::String(_) if matches!(kind, FieldType::Date | FieldType::Datetime | FieldType::Time) => {
            Worth::Untold(kind.name().to_owned())
        }
        Json::String(text) => Worth::Text(text),
        _ => Worth::Untold(kind.name().to_owned()),
    };
    let display = member("display").as_str().unwrap_or_default().to_owned();
    Cell { worth, display }
}
