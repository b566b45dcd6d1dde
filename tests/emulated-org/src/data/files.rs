//! Files and notes: what is made beside them, and what is worked out of their content.
//!
//! Source: Object Reference for the Salesforce Platform, `ContentVersion`, `ContentDocument`, `ContentDocumentLink`,
//! `ContentNote` and `Attachment`. A file is a document of versions; whoever makes the first version makes the document
//! and shares it with the owner and with the record of `FirstPublishLocationId`. An enhanced note is such a file too,
//! seen through `ContentNote`, and has the id of its document. No trigger sees it.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::audit::Touch;
use super::draft::Fields;
use super::outcome::SaveError;
use super::row::Row;
use super::write::Transaction;
use crate::id::RecordId;
use crate::schema::Object;
use crate::value::Value;

/// The file type of enhanced notes.
const NOTE: &str = "SNOTE";
/// Characters of a preview (Object Reference, `ContentNote`, `TextPreview`).
const PREVIEW: usize = 255;

impl Transaction<'_> {
    /// Fills what follows from a new file's content and makes the records beside it. Answers the id that the new
    /// record has instead of one of its own.
    pub(super) fn file_away(
        &mut self,
        object: &Object,
        fields: &mut Fields,
    ) -> Result<Option<RecordId>, SaveError> {
        match object.name.as_str() {
            "Attachment" => set_number(
                object,
                fields,
                "BodyLength",
                content_of(object, fields, "Body").len(),
            ),
            "ContentDocumentLink" => self.check_link(object, fields)?,
            "ContentVersion" => {
                let id = self.new_id(object)?;
                self.new_version(object, id, fields)?;
                return Ok(Some(id));
            }
            "ContentNote" => return self.new_note(object, fields).map(Some),
            _ => {}
        }
        Ok(None)
    }

    /// What a change of a note or a version changes beside it.
    pub(super) fn refile(
        &mut self,
        object: &Object,
        id: RecordId,
        fields: &mut Fields,
    ) -> Result<(), SaveError> {
        match object.name.as_str() {
            "Attachment" => set_number(
                object,
                fields,
                "BodyLength",
                content_of(object, fields, "Body").len(),
            ),
            "ContentNote" => {
                let version = self.note_version(object, fields, Some(id))?;
                set(object, fields, "LatestPublishedVersionId", Value::Id(version));
                note_facts(object, fields);
            }
            "ContentVersion" if get(object, fields, "IsLatest") == Value::Boolean(true) => {
                if let Value::Id(document) = get(object, fields, "ContentDocumentId") {
                    let title = get(object, fields, "Title");
                    self.change_content("ContentDocument", document, &[("Title", title)])?;
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn new_version(&mut self, object: &Object, id: RecordId, fields: &mut Fields) -> Result<(), SaveError> {
        let path = get(object, fields, "PathOnClient");
        let path = text(&path).to_owned();
        let name = path.rsplit(['/', '\\']).next().unwrap_or_default();
        let (stem, extension) = name.rsplit_once('.').unwrap_or((name, ""));
        if get(object, fields, "Title").is_null() {
            set(object, fields, "Title", Value::text(stem));
        }
        let content = content_of(object, fields, "VersionData");
        set_number(object, fields, "ContentSize", content.len());
        if get(object, fields, "FileType").is_null() {
            set(object, fields, "FileType", Value::text(file_type(extension)));
            if !extension.is_empty() {
                set(
                    object,
                    fields,
                    "FileExtension",
                    Value::text(extension.to_lowercase()),
                );
            }
            let kind = file_type(extension);
            if kind == "TEXT" {
                set(object, fields, "TextPreview", preview(&content));
            }
        }
        let now = Value::DateTime(self.author.second());
        let user = Value::Id(self.author.user);
        for (field, value) in [
            ("IsLatest", Value::Boolean(true)),
            ("PublishStatus", Value::text("P")),
            ("ContentModifiedDate", now),
            ("ContentModifiedById", user),
        ] {
            set(object, fields, field, value);
        }
        for (field, default) in [("Origin", "C"), ("ContentLocation", "S"), ("SharingOption", "A")] {
            if get(object, fields, field).is_null() {
                set(object, fields, field, Value::text(default));
            }
        }
        let facts = [
            "Title",
            "Description",
            "ContentSize",
            "FileType",
            "FileExtension",
            "PublishStatus",
            "OwnerId",
        ];
        let mut of_document: Vec<(&str, Value)> = facts
            .iter()
            .map(|name| (*name, get(object, fields, name)))
            .collect();
        of_document.push(("LatestPublishedVersionId", Value::Id(id)));
        let document = match get(object, fields, "ContentDocumentId") {
            Value::Id(document) => {
                let number = self.retire_versions(document)? + 1;
                set(object, fields, "VersionNumber", Value::text(number.to_string()));
                of_document.retain(|(name, _)| *name != "OwnerId");
                self.change_content("ContentDocument", document, &of_document)?;
                return Ok(());
            }
            _ => self.make_content("ContentDocument", &of_document, None)?,
        };
        set(object, fields, "ContentDocumentId", Value::Id(document));
        set(object, fields, "VersionNumber", Value::text("1"));
        let owner = get(object, fields, "OwnerId");
        self.share(document, &owner, "I")?;
        let place = get(object, fields, "FirstPublishLocationId");
        if !place.is_null() && place != owner {
            self.share(document, &place, "V")?;
        }
        Ok(())
    }

    /// How many versions a document has, none of which is the latest any more.
    fn retire_versions(&mut self, document: RecordId) -> Result<usize, SaveError> {
        let object = self.content_object("ContentVersion")?;
        let table = self.data.table(&object.name);
        let versions: Vec<RecordId> = object
            .field("ContentDocumentId")
            .and_then(|(at, _)| Some(table?.find_by_reference(at, document)?.collect()))
            .unwrap_or_default();
        for version in &versions {
            let old = [("IsLatest", Value::Boolean(false))];
            self.change_content("ContentVersion", *version, &old)?;
        }
        Ok(versions.len())
    }

    fn share(&mut self, document: RecordId, with: &Value, share_type: &str) -> Result<(), SaveError> {
        let link = [
            ("ContentDocumentId", Value::Id(document)),
            ("LinkedEntityId", with.clone()),
            ("ShareType", Value::text(share_type)),
            ("Visibility", Value::text("AllUsers")),
        ];
        self.make_content("ContentDocumentLink", &link, None).map(|_| ())
    }

    fn check_link(&self, object: &Object, fields: &mut Fields) -> Result<(), SaveError> {
        if get(object, fields, "Visibility").is_null() {
            set(object, fields, "Visibility", Value::text("AllUsers"));
        }
        let (document, entity) = (
            get(object, fields, "ContentDocumentId"),
            get(object, fields, "LinkedEntityId"),
        );
        let (Value::Id(document), Value::Id(entity)) = (document, entity) else {
            return Ok(());
        };
        let linked = self.data.table(&object.name).is_some_and(|table| {
            let Some(((by, _), (to, _))) = object
                .field("ContentDocumentId")
                .zip(object.field("LinkedEntityId"))
            else {
                return false;
            };
            let links = table.find_by_reference(by, document).into_iter().flatten();
            links
                .filter_map(|link| table.get(&link))
                .any(|link| link.get(to) == &Value::Id(entity))
        });
        if !linked {
            return Ok(());
        }
        // Code and words as people report them.
        let message =
            format!("Document with ID: {document} is already linked with the entity with ID: {entity}");
        Err(SaveError::new("DUPLICATE_VALUE", message))
    }

    fn new_note(&mut self, object: &Object, fields: &mut Fields) -> Result<RecordId, SaveError> {
        let version = self.note_version(object, fields, None)?;
        set(object, fields, "LatestPublishedVersionId", Value::Id(version));
        note_facts(object, fields);
        let versions = self.content_object("ContentVersion")?;
        let row = self.live(&versions, version)?;
        match versions.field("ContentDocumentId").map(|(at, _)| row.get(at)) {
            Some(Value::Id(document)) => Ok(*document),
            _ => Err(SaveError::unknown_record()),
        }
    }

    /// Makes a version of what the note holds now.
    fn note_version(
        &mut self,
        object: &Object,
        fields: &Fields,
        document: Option<RecordId>,
    ) -> Result<RecordId, SaveError> {
        let title = get(object, fields, "Title");
        let of_version = [
            ("PathOnClient", Value::text(format!("{}.snote", text(&title)))),
            ("Title", title),
            ("VersionData", get(object, fields, "Content")),
            ("OwnerId", get(object, fields, "OwnerId")),
            ("FileType", Value::text(NOTE)),
            ("FileExtension", Value::text("snote")),
            ("TextPreview", preview(&content_of(object, fields, "Content"))),
            ("ContentDocumentId", document.map_or(Value::Null, Value::Id)),
        ];
        let versions = self.content_object("ContentVersion")?;
        let id = self.new_id(&versions)?;
        let mut fields = Fields::default();
        for (name, value) in of_version {
            set(&versions, &mut fields, name, value);
        }
        self.new_version(&versions, id, &mut fields)?;
        self.store_new(&versions, id, fields)
    }

    fn make_content(
        &mut self,
        object: &str,
        given: &[(&str, Value)],
        id: Option<RecordId>,
    ) -> Result<RecordId, SaveError> {
        let object = self.content_object(object)?;
        let mut fields = Fields::default();
        for (name, value) in given {
            set(&object, &mut fields, name, value.clone());
        }
        let id = match id {
            Some(id) => id,
            None => self.new_id(&object)?,
        };
        self.store_new(&object, id, fields)
    }

    fn store_new(
        &mut self,
        object: &Arc<Object>,
        id: RecordId,
        mut fields: Fields,
    ) -> Result<RecordId, SaveError> {
        let plan = self.plan(object)?;
        for (position, value) in &plan.defaults {
            if fields.get(*position).is_null() {
                fields.set(*position, value.clone());
            }
        }
        fields.set(plan.id, Value::Id(id));
        let stamp = self.stamp_of_new(&plan, &mut fields);
        self.put(object, Arc::new(Row::new(id, false, fields.into_values(), stamp)));
        Ok(id)
    }

    fn change_content(
        &mut self,
        object: &str,
        id: RecordId,
        given: &[(&str, Value)],
    ) -> Result<(), SaveError> {
        let object = self.content_object(object)?;
        let row = self.live(&object, id)?;
        let plan = self.plan(&object)?;
        let mut fields = Fields::from_row(&row);
        for (name, value) in given {
            set(&object, &mut fields, name, value.clone());
        }
        let stamp = self.stamp_of_changed(&plan, &row, Touch::Modified);
        self.put(
            &object,
            Arc::new(Row::new(id, false, fields.into_values(), stamp)),
        );
        Ok(())
    }

    pub(super) fn content_object(&self, name: &str) -> Result<Arc<Object>, SaveError> {
        let found = self.schema.object(name).cloned();
        found
            .ok_or_else(|| SaveError::new("INVALID_TYPE", format!("sObject type '{name}' is not supported.")))
    }
}

fn note_facts(object: &Object, fields: &mut Fields) {
    let content = content_of(object, fields, "Content");
    set_number(object, fields, "ContentSize", content.len());
    set(object, fields, "TextPreview", preview(&content));
    set(object, fields, "FileType", Value::text(NOTE));
    set(object, fields, "FileExtension", Value::text("snote"));
}

fn get(object: &Object, fields: &Fields, name: &str) -> Value {
    object
        .field(name)
        .map_or(Value::Null, |(position, _)| fields.get(position).clone())
}

fn set(object: &Object, fields: &mut Fields, name: &str, value: Value) {
    if let Some((position, _)) = object.field(name) {
        fields.set(position, value);
    }
}

fn set_number(object: &Object, fields: &mut Fields, name: &str, number: usize) {
    set(object, fields, name, Value::Number(number.into()));
}

fn text(value: &Value) -> &str {
    match value {
        Value::Text(text) => text,
        _ => "",
    }
}

fn content_of(object: &Object, fields: &Fields, name: &str) -> Vec<u8> {
    STANDARD
        .decode(text(&get(object, fields, name)))
        .unwrap_or_default()
}

/// The first characters of a content's text, without the marks of its HTML.
fn preview(content: &[u8]) -> Value {
    let content = String::from_utf8_lossy(content);
    let mut plain = String::new();
    for (index, piece) in content.split('<').enumerate() {
        let after_tag = if index == 0 {
            piece
        } else {
            piece.split_once('>').map_or("", |(_, text)| text)
        };
        if index > 0 && !plain.is_empty() && !plain.ends_with(' ') {
            plain.push(' ');
        }
        plain.push_str(after_tag);
    }
    for (entity, character) in [
        ("&lt;", "<"),
        ("&gt;", ">"),
        ("&quot;", "\""),
        ("&#39;", "'"),
        ("&nbsp;", " "),
        ("&amp;", "&"),
    ] {
        plain = plain.replace(entity, character);
    }
    let words: Vec<&str> = plain.split_whitespace().collect();
    let cut: String = words.join(" ").chars().take(PREVIEW).collect();
    if cut.is_empty() {
        Value::Null
    } else {
        Value::text(cut)
    }
}

/// The file type of a name's extension, for the common ones (Object Reference, `ContentVersion`, `FileType`).
fn file_type(extension: &str) -> String {
    match extension.to_ascii_lowercase().as_str() {
        "" => "UNKNOWN".to_owned(),
        "txt" => "TEXT".to_owned(),
        "jpeg" => "JPG".to_owned(),
        "docx" => "WORD_X".to_owned(),
        "doc" => "WORD".to_owned(),
        "xlsx" => "EXCEL_X".to_owned(),
        "xls" => "EXCEL".to_owned(),
        "pptx" => "POWER_POINT_X".to_owned(),
        "ppt" => "POWER_POINT".to_owned(),
        other => other.to_ascii_uppercase(),
    }
}
