//! The XML shapes of the metadata types that are read.

use std::fs;
use std::path::Path;

use quick_xml::events::Event;
use serde::Deserialize;
use serde::de::{DeserializeOwned, IgnoredAny};

use super::SfdxError;
use crate::schema::Sharing;

/// Reads one metadata file whose root element is `root`.
pub fn read<T: DeserializeOwned>(path: &Path, root: &str) -> Result<T, SfdxError> {
    let text = fs::read_to_string(path).map_err(|source| SfdxError::Read {
        path: path.to_owned(),
        source,
    })?;
    let text = text.trim_start_matches('\u{feff}');
    check_document(path, text, root)?;
    quick_xml::de::from_str(text).map_err(|source| SfdxError::Elements {
        path: path.to_owned(),
        source,
    })
}

/// The deserializer accepts any root element and stops at its end, so both are checked first.
fn check_document(path: &Path, text: &str, root: &str) -> Result<(), SfdxError> {
    let mut reader = quick_xml::Reader::from_str(text);
    let mut depth = 0_usize;
    let mut roots = 0_usize;
    loop {
        let event = reader.read_event().map_err(|source| SfdxError::Malformed {
            path: path.to_owned(),
            source,
        })?;
        match event {
            Event::Start(start) | Event::Empty(start)
                if depth == 0 && start.local_name().as_ref() != root =>
            {
                let found = start.local_name().as_ref().to_owned();
                return Err(SfdxError::invalid(
                    path,
                    format!("the root element is {found}; it must be {root}"),
                ));
            }
            Event::Start(_) => {
                roots += usize::from(depth == 0);
                depth += 1;
            }
            Event::Empty(_) => roots += usize::from(depth == 0),
            Event::End(_) => depth = depth.saturating_sub(1),
            Event::Eof => break,
            _ => {}
        }
    }
    if depth > 0 {
        return Err(SfdxError::invalid(
            path,
            format!("the file ends before its {root} element does"),
        ));
    }
    if roots != 1 {
        return Err(SfdxError::invalid(
            path,
            format!("the file must hold exactly one {root} element"),
        ));
    }
    Ok(())
}

/// `CustomObject`. Its many elements that change no field are passed over.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct CustomObject {
    pub label: Option<String>,
    pub plural_label: Option<String>,
    pub name_field: Option<NameField>,
    pub enable_activities: bool,
    pub enable_feeds: bool,
    pub enable_search: bool,
    pub custom_settings_type: Option<CustomSettingsType>,
    pub visibility: Option<Visibility>,
    pub sharing_model: Option<Sharing>,
    pub publish_behavior: Option<PublishBehavior>,
}

/// When a platform event is published.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub enum PublishBehavior {
    PublishImmediately,
    PublishAfterCommit,
}

/// Who may look into a custom setting of a managed package: its subscribers, or nobody but its own code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub enum Visibility {
    Public,
    Protected,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub enum CustomSettingsType {
    List,
    Hierarchy,
}

/// The Name field of a custom object: text or auto-number.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct NameField {
    pub label: Option<String>,
    #[serde(rename = "type")]
    pub kind: NameFieldKind,
    pub display_format: Option<String>,
    pub starting_number: Option<u64>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub enum NameFieldKind {
    Text,
    AutoNumber,
}

/// `CustomField`. Unknown elements are refused, as a deployment would.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase", deny_unknown_fields)]
pub struct CustomField {
    #[serde(rename = "@xmlns")]
    _namespace: Option<IgnoredAny>,
    #[serde(rename = "@xmlns:xsi")]
    _instance_namespace: Option<IgnoredAny>,
    #[serde(rename = "@xmlns:xsd")]
    _schema_namespace: Option<IgnoredAny>,
    pub full_name: String,
    pub label: Option<String>,
    #[serde(rename = "type")]
    pub kind: Option<FieldKind>,
    pub length: Option<u32>,
    pub precision: Option<u8>,
    pub scale: Option<u8>,
    pub required: bool,
    pub unique: bool,
    pub external_id: bool,
    pub case_sensitive: bool,
    pub default_value: Option<String>,
    pub formula: Option<String>,
    pub formula_treat_blanks_as: Option<String>,
    pub display_format: Option<String>,
    pub starting_number: Option<u64>,
    pub value_set: Option<ValueSet>,
    pub reference_to: Option<String>,
    pub metadata_relationship_controlling_field: Option<String>,
    pub relationship_name: Option<String>,
    pub relationship_order: Option<u8>,
    pub delete_constraint: Option<DeleteConstraint>,
    pub reparentable_master_detail: bool,
    pub write_requires_master_read: bool,
    pub inline_help_text: Option<String>,
    pub mask_char: Option<String>,
    pub mask_type: Option<String>,
    pub display_location_in_decimal: bool,
    pub summarized_field: Option<String>,
    pub summary_foreign_key: Option<String>,
    pub summary_operation: Option<SummaryOperation>,
    #[serde(rename = "isAIPredictionField")]
    _ai_prediction: Option<IgnoredAny>,
    #[serde(rename = "businessOwnerGroup")]
    _business_owner_group: Option<IgnoredAny>,
    #[serde(rename = "businessOwnerUser")]
    _business_owner_user: Option<IgnoredAny>,
    #[serde(rename = "businessStatus")]
    _business_status: Option<IgnoredAny>,
    #[serde(rename = "complianceGroup")]
    _compliance_group: Option<IgnoredAny>,
    #[serde(rename = "deprecated")]
    _deprecated: Option<IgnoredAny>,
    #[serde(rename = "description")]
    _description: Option<IgnoredAny>,
    #[serde(rename = "encryptionScheme")]
    _encryption_scheme: Option<IgnoredAny>,
    #[serde(rename = "escapeMarkup")]
    _escape_markup: Option<IgnoredAny>,
    #[serde(rename = "externalDeveloperName")]
    _external_developer_name: Option<IgnoredAny>,
    #[serde(rename = "fieldManageability")]
    _field_manageability: Option<IgnoredAny>,
    #[serde(rename = "isConvertLeadDisabled")]
    _convert_lead_disabled: Option<IgnoredAny>,
    #[serde(rename = "isFilteringDisabled")]
    _filtering_disabled: Option<IgnoredAny>,
    #[serde(rename = "isNameField")]
    _name_field: Option<IgnoredAny>,
    #[serde(rename = "isSortingDisabled")]
    _sorting_disabled: Option<IgnoredAny>,
    #[serde(rename = "lookupFilter")]
    _lookup_filter: Option<IgnoredAny>,
    #[serde(rename = "populateExistingRows")]
    _populate_existing_rows: Option<IgnoredAny>,
    #[serde(rename = "relationshipLabel")]
    _relationship_label: Option<IgnoredAny>,
    #[serde(rename = "restrictedAdminField")]
    _restricted_admin_field: Option<IgnoredAny>,
    #[serde(rename = "securityClassification")]
    _security_classification: Option<IgnoredAny>,
    #[serde(rename = "stripMarkup")]
    _strip_markup: Option<IgnoredAny>,
    #[serde(rename = "summaryFilterItems")]
    _summary_filter_items: Vec<IgnoredAny>,
    #[serde(rename = "trackFeedHistory")]
    _track_feed_history: Option<IgnoredAny>,
    #[serde(rename = "trackHistory")]
    _track_history: Option<IgnoredAny>,
    #[serde(rename = "trackTrending")]
    _track_trending: Option<IgnoredAny>,
    #[serde(rename = "visibleLines")]
    _visible_lines: Option<IgnoredAny>,
}

/// The field types that a custom field may have here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub enum FieldKind {
    AutoNumber,
    Checkbox,
    Currency,
    Date,
    DateTime,
    Email,
    EncryptedText,
    Hierarchy,
    Html,
    Location,
    LongTextArea,
    Lookup,
    MasterDetail,
    MetadataRelationship,
    MultiselectPicklist,
    Number,
    Percent,
    Phone,
    Picklist,
    Summary,
    Text,
    TextArea,
    Time,
    Url,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub enum DeleteConstraint {
    Cascade,
    Restrict,
    SetNull,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum SummaryOperation {
    Count,
    Min,
    Max,
    Sum,
}

/// Where a picklist's values come from.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase", deny_unknown_fields)]
pub struct ValueSet {
    pub restricted: bool,
    pub controlling_field: Option<String>,
    pub value_set_definition: Option<ValueSetDefinition>,
    pub value_set_name: Option<String>,
    pub value_settings: Vec<ValueSetting>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase", deny_unknown_fields)]
pub struct ValueSetDefinition {
    pub sorted: bool,
    #[serde(rename = "value")]
    pub values: Vec<CustomValue>,
}

/// One value; the same shape in a field's own set and in a global one.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CustomValue {
    pub full_name: String,
    #[serde(default)]
    pub label: Option<String>,
    #[serde(default)]
    pub default: bool,
    #[serde(default = "active")]
    pub is_active: bool,
    #[serde(default, rename = "color")]
    _color: Option<IgnoredAny>,
    #[serde(default, rename = "description")]
    _description: Option<IgnoredAny>,
}

fn active() -> bool {
    true
}

/// Which controlling values allow one dependent value.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ValueSetting {
    #[serde(default, rename = "controllingFieldValue")]
    pub controlling_field_values: Vec<String>,
    pub value_name: String,
}

/// `GlobalValueSet`.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct GlobalValueSet {
    pub sorted: bool,
    #[serde(rename = "customValue")]
    pub values: Vec<CustomValue>,
}
