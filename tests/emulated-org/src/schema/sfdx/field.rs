//! Custom fields.

use std::path::Path;

use serde_json::{Number, Value as Json};

use crate::data::definitions::is_definition;

use super::super::{Field, FieldType, Schema};
use super::metadata::{CustomField, FieldKind, SummaryOperation};
use super::picklist::{self, GlobalValueSets};
use super::{Column, Completion, SfdxError, metadata_type, object, reference};

/// Builds the columns that one field file adds to `object`: one, or three for a geolocation.
pub fn build(
    schema: &Schema,
    object: &str,
    path: &Path,
    meta: &CustomField,
    value_sets: &GlobalValueSets,
) -> Result<Vec<Column>, SfdxError> {
    let refuse = |reason: String| SfdxError::invalid(path, reason);
    if !meta.full_name.ends_with("__c") {
        return Err(refuse(format!("fullName: {} must end in __c", meta.full_name)));
    }
    let kind = meta
        .kind
        .ok_or_else(|| refuse("type is missing; every custom field needs one".to_owned()))?;
    metadata_type::check_place(object, path, kind)?;
    let label = meta
        .label
        .clone()
        .ok_or_else(|| refuse("label is missing; every custom field needs one".to_owned()))?;
    let base = Field {
        name: meta.full_name.clone(),
        label,
        custom: true,
        nillable: !meta.required,
        unique: meta.unique,
        external_id: meta.external_id,
        id_lookup: meta.external_id,
        case_sensitive: meta.case_sensitive,
        permissionable: !meta.required && kind != FieldKind::MasterDetail,
        inline_help_text: meta.inline_help_text.clone(),
        ..Field::default()
    };
    let mut column = Column {
        path: path.to_owned(),
        object: object.to_owned(),
        field: base,
        parents: Vec::new(),
        after: Completion::Nothing,
    };
    set_type(&mut column.field, path, meta, kind)?;
    match kind {
        FieldKind::Picklist | FieldKind::MultiselectPicklist => {
            set_values(&mut column, path, meta, value_sets)?
        }
        FieldKind::Lookup
        | FieldKind::MasterDetail
        | FieldKind::MetadataRelationship
        | FieldKind::Hierarchy => {
            reference::set_target(schema, &mut column, path, meta, kind)?;
        }
        FieldKind::Summary => set_summary(&mut column, path, meta)?,
        _ => {}
    }
    if let Some(formula) = &meta.formula {
        set_formula(&mut column.field, path, kind, formula, meta)?;
    }
    set_default(&mut column.field, meta);
    check_identity(&column.field, path, kind)?;
    column.field.aggregatable = column.field.filterable
        && !matches!(
            column.field.kind,
            FieldType::Boolean | FieldType::Multipicklist | FieldType::Location
        );
    if kind == FieldKind::Location {
        geolocation(column, path, meta)
    } else {
        Ok(vec![column])
    }
}

/// Fills in what fields take from other fields of the deployment: controlling picklists, summarized fields.
pub fn complete(schema: &Schema, columns: &mut [Column]) -> Result<(), SfdxError> {
    let find = |columns: &[Column], object: &str, name: &str| -> Option<Field> {
        let same = |left: &str, right: &str| left.eq_ignore_ascii_case(right);
        columns
            .iter()
            .find(|column| same(&column.object, object) && same(&column.field.name, name))
            .map(|column| column.field.clone())
            .or_else(|| schema.object(object)?.field(name).map(|(_, field)| field.clone()))
    };
    for at in 0..columns.len() {
        let Some(column) = columns.get(at) else { continue };
        let wanted = match &column.after {
            Completion::Nothing => continue,
            Completion::DependsOn { controller, .. } => (column.object.clone(), controller.clone()),
            Completion::Summarizes { object, field } => (object.clone(), field.clone()),
        };
        let Some(other) = find(columns, &wanted.0, &wanted.1) else {
            let reason = format!("field {}.{} does not exist", wanted.0, wanted.1);
            return Err(SfdxError::invalid(&column.path, reason));
        };
        let Some(column) = columns.get_mut(at) else {
            continue;
        };
        match &column.after {
            Completion::Nothing => {}
            Completion::DependsOn { allowed, .. } => {
                picklist::restrict_by_controller(&column.path, &mut column.field, &other, allowed)?;
            }
            Completion::Summarizes { .. } => {
                column.field.kind = other.kind;
                column.field.precision = other.precision;
                column.field.scale = other.scale;
            }
        }
    }
    Ok(())
}

/// A file about a standard field may change labels and options, not add a field.
pub fn check_standard(schema: &Schema, object: &str, path: &Path, name: &str) -> Result<(), SfdxError> {
    let known = super::objects_behind(object).iter().all(|object| {
        schema.object(object).is_some_and(|object| {
            object.field(name).is_some() || object.field(&format!("{name}Id")).is_some()
        })
    });
    if known {
        return Ok(());
    }
    Err(SfdxError::invalid(
        path,
        format!("{object} has no standard field {name}; a custom field's name ends in __c"),
    ))
}

fn set_type(field: &mut Field, path: &Path, meta: &CustomField, kind: FieldKind) -> Result<(), SfdxError> {
    field.groupable = true;
    match kind {
        FieldKind::Text => {
            let length = if meta.formula.is_some() {
                1300
            } else {
                length(path, meta, 1, 255)?
            };
            (field.kind, field.length) = (FieldType::String, length);
        }
        FieldKind::EncryptedText => {
            (field.kind, field.length) = (FieldType::Encryptedstring, length(path, meta, 1, 175)?);
            field.encrypted = true;
            field.mask = meta.mask_char.clone();
            field.mask_type = meta.mask_type.clone();
            (field.filterable, field.sortable, field.groupable) = (false, false, false);
        }
        FieldKind::TextArea => {
            (field.kind, field.length) = (FieldType::Textarea, 255);
            field.extra_type_info = Some("plaintextarea".to_owned());
        }
        FieldKind::LongTextArea | FieldKind::Html => {
            (field.kind, field.length) = (FieldType::Textarea, length(path, meta, 256, 131_072)?);
            let rich = kind == FieldKind::Html;
            field.html_formatted = rich;
            field.extra_type_info = Some(if rich { "richtextarea" } else { "plaintextarea" }.to_owned());
            (field.filterable, field.sortable, field.groupable) = (false, false, false);
        }
        FieldKind::Number | FieldKind::Currency | FieldKind::Percent => {
            field.kind = match kind {
                FieldKind::Currency => FieldType::Currency,
                FieldKind::Percent => FieldType::Percent,
                _ => FieldType::Double,
            };
            set_digits(field, path, meta)?;
            field.groupable = false;
        }
        FieldKind::Checkbox => {
            field.kind = FieldType::Boolean;
            field.nillable = false;
            field.defaulted_on_create = true;
        }
        FieldKind::Date => field.kind = FieldType::Date,
        FieldKind::DateTime => (field.kind, field.groupable) = (FieldType::Datetime, false),
        FieldKind::Time => field.kind = FieldType::Time,
        FieldKind::Email => (field.kind, field.length) = (FieldType::Email, 80),
        FieldKind::Phone => (field.kind, field.length) = (FieldType::Phone, 40),
        FieldKind::Url => (field.kind, field.length) = (FieldType::Url, 255),
        FieldKind::Picklist => (field.kind, field.length) = (FieldType::Picklist, 255),
        FieldKind::MultiselectPicklist => {
            (field.kind, field.length) = (FieldType::Multipicklist, 4099);
            (field.sortable, field.groupable) = (false, false);
        }
        FieldKind::Lookup | FieldKind::MasterDetail | FieldKind::Hierarchy => {
            (field.kind, field.length) = (FieldType::Reference, 18);
        }
        // What is defined has no id but a durable one, which is text.
        FieldKind::MetadataRelationship => {
            let defined = meta.reference_to.as_deref().is_some_and(is_definition);
            (field.kind, field.length) = if defined {
                (FieldType::String, 255)
            } else {
                (FieldType::Reference, 18)
            };
        }
        FieldKind::AutoNumber => {
            (field.kind, field.length) = (FieldType::String, 30);
            (field.auto_number, field.nillable, field.defaulted_on_create) = (true, false, true);
            (field.createable, field.updateable) = (false, false);
            field.display_format = Some(object::display_format(
                path,
                "AutoNumber",
                meta.display_format.as_deref(),
            )?);
            field.starting_number = meta.starting_number.unwrap_or(1);
        }
        FieldKind::Location => {
            field.kind = FieldType::Location;
            (field.createable, field.updateable) = (false, false);
            (field.sortable, field.groupable, field.query_by_distance) = (false, false, true);
        }
        FieldKind::Summary => {
            (field.kind, field.precision, field.groupable) = (FieldType::Double, 18, false);
        }
    }
    Ok(())
}

fn length(path: &Path, meta: &CustomField, least: u32, most: u32) -> Result<u32, SfdxError> {
    match meta.length {
        Some(length) if (least..=most).contains(&length) => Ok(length),
        Some(length) => Err(SfdxError::invalid(
            path,
            format!(
                "length is {length}; a {:?} field takes {least} to {most}",
                meta.kind.unwrap_or(FieldKind::Text)
            ),
        )),
        None => Err(SfdxError::invalid(
            path,
            format!("length is missing; give {least} to {most}"),
        )),
    }
}

fn set_digits(field: &mut Field, path: &Path, meta: &CustomField) -> Result<(), SfdxError> {
    let fallback = meta.formula.is_some().then_some(18);
    let precision = meta.precision.or(fallback);
    match (precision, meta.scale.or(fallback.map(|_| 0))) {
        (Some(precision), Some(scale))
            if (1..=18).contains(&precision) && scale <= precision && scale < 18 =>
        {
            (field.precision, field.scale) = (precision, scale);
            Ok(())
        }
        (Some(precision), Some(scale)) => Err(SfdxError::invalid(
            path,
            format!(
                "precision {precision} and scale {scale}: precision must be 1 to 18 and scale no greater"
            ),
        )),
        _ => Err(SfdxError::invalid(
            path,
            "precision or scale is missing; a number field needs both",
        )),
    }
}

fn set_values(
    column: &mut Column,
    path: &Path,
    meta: &CustomField,
    value_sets: &GlobalValueSets,
) -> Result<(), SfdxError> {
    let field = &mut column.field;
    if meta.formula.is_some() {
        return Err(SfdxError::invalid(
            path,
            "formula: a picklist cannot be a formula field",
        ));
    }
    let set = meta
        .value_set
        .as_ref()
        .ok_or_else(|| SfdxError::invalid(path, "valueSet is missing; a picklist needs values"))?;
    field.picklist_values = picklist::field_values(path, set, value_sets)?;
    // Global value sets are always restricted.
    field.restricted_picklist = set.restricted || set.value_set_name.is_some();
    if let Some(default) = field
        .picklist_values
        .iter()
        .find(|value| value.default_value && value.active)
    {
        field.defaulted_on_create = true;
        field.default_value = Some(Json::String(default.value.clone()));
    }
    if let Some(controller) = &set.controlling_field {
        field.dependent_picklist = true;
        field.controller_name = Some(controller.clone());
        let allowed = set
            .value_settings
            .iter()
            .map(|setting| {
                (
                    setting.value_name.clone(),
                    setting.controlling_field_values.clone(),
                )
            })
            .collect();
        column.after = Completion::DependsOn {
            controller: controller.clone(),
            allowed,
        };
    }
    Ok(())
}

fn set_summary(column: &mut Column, path: &Path, meta: &CustomField) -> Result<(), SfdxError> {
    let operation = meta.summary_operation.ok_or_else(|| {
        SfdxError::invalid(path, "summaryOperation is missing; give count, sum, min or max")
    })?;
    if meta.summary_foreign_key.is_none() {
        return Err(SfdxError::invalid(
            path,
            "summaryForeignKey is missing; name the child's master-detail field",
        ));
    }
    calculate(&mut column.field);
    if operation == SummaryOperation::Count {
        return Ok(());
    }
    let summarized = meta
        .summarized_field
        .as_deref()
        .and_then(|field| field.split_once('.'));
    let Some((object, field)) = summarized else {
        return Err(SfdxError::invalid(
            path,
            "summarizedField must name a child's field as Object.Field",
        ));
    };
    column.after = Completion::Summarizes {
        object: object.to_owned(),
        field: field.to_owned(),
    };
    Ok(())
}

fn set_formula(
    field: &mut Field,
    path: &Path,
    kind: FieldKind,
    formula: &str,
    meta: &CustomField,
) -> Result<(), SfdxError> {
    let computable = matches!(
        kind,
        FieldKind::Checkbox
            | FieldKind::Currency
            | FieldKind::Date
            | FieldKind::DateTime
            | FieldKind::Number
            | FieldKind::Percent
            | FieldKind::Text
            | FieldKind::Time
    );
    if !computable {
        return Err(SfdxError::invalid(
            path,
            format!("formula: a {kind:?} field cannot be a formula field"),
        ));
    }
    calculate(field);
    field.calculated_formula = Some(formula.to_owned());
    field.formula_treat_null_number_as_zero = meta.formula_treat_blanks_as.as_deref() == Some("BlankAsZero");
    Ok(())
}

fn calculate(field: &mut Field) {
    field.calculated = true;
    field.nillable = field.kind != FieldType::Boolean;
    (field.createable, field.updateable, field.defaulted_on_create) = (false, false, false);
}

/// A default is a formula; where it is a literal, its value is known here.
fn set_default(field: &mut Field, meta: &CustomField) {
    let formula = meta
        .default_value
        .as_deref()
        .map(str::trim)
        .filter(|formula| !formula.is_empty());
    if field.kind == FieldType::Boolean {
        field.default_value = Some(Json::Bool(formula == Some("true")));
        return;
    }
    let Some(formula) = formula else { return };
    let text = formula
        .strip_prefix(['"', '\''])
        .and_then(|rest| rest.strip_suffix(['"', '\'']))
        .map(|text| Json::String(text.to_owned()));
    let number = || {
        field
            .kind
            .is_number()
            .then(|| formula.parse::<Number>().ok().map(Json::Number))
            .flatten()
    };
    field.default_value = text.or_else(number);
    field.default_value_formula = Some(formula.to_owned());
    field.defaulted_on_create = true;
}

fn check_identity(field: &Field, path: &Path, kind: FieldKind) -> Result<(), SfdxError> {
    let may_be_external = matches!(
        kind,
        FieldKind::AutoNumber | FieldKind::Email | FieldKind::Number | FieldKind::Text
    );
    if field.external_id && !may_be_external {
        return Err(SfdxError::invalid(
            path,
            format!("externalId: a {kind:?} field cannot be one; use Text, Number, Email or AutoNumber"),
        ));
    }
    if field.unique && !(may_be_external && field.calculated_formula.is_none()) {
        return Err(SfdxError::invalid(
            path,
            format!("unique: a {kind:?} field cannot be; use Text, Number, Email or AutoNumber"),
        ));
    }
    Ok(())
}

/// A geolocation stores its latitude and longitude in fields of their own.
fn geolocation(column: Column, path: &Path, meta: &CustomField) -> Result<Vec<Column>, SfdxError> {
    let scale = meta.scale.filter(|scale| *scale <= 15).ok_or_else(|| {
        SfdxError::invalid(
            path,
            "scale is missing or above 15; a geolocation needs its decimal places",
        )
    })?;
    let stem = column.field.name.trim_end_matches("__c").to_owned();
    let part = |axis: &str| Column {
        path: column.path.clone(),
        object: column.object.clone(),
        field: Field {
            name: format!("{stem}__{axis}__s"),
            label: format!("{} ({axis})", column.field.label),
            kind: FieldType::Double,
            precision: scale + 3,
            scale,
            custom: true,
            aggregatable: true,
            permissionable: true,
            display_location_in_decimal: meta.display_location_in_decimal,
            compound_field_name: Some(column.field.name.clone()),
            ..Field::default()
        },
        parents: Vec::new(),
        after: Completion::Nothing,
    };
    let parts = [part("Latitude"), part("Longitude")];
    Ok(parts.into_iter().chain([column]).collect())
}
