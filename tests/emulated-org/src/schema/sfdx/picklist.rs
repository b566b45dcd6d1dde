//! Picklist values: a field's own, from a global value set, and dependent on another field.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::super::{Field, FieldType, PicklistValue};
use super::metadata::{self, CustomValue, GlobalValueSet, ValueSet};
use super::{SfdxError, source};

/// The values of global value sets by the set's name.
pub type GlobalValueSets = BTreeMap<String, Vec<PicklistValue>>;

/// Reads the global value sets of a deployment.
pub fn global_value_sets(paths: &[PathBuf]) -> Result<GlobalValueSets, SfdxError> {
    let mut sets = GlobalValueSets::new();
    for path in paths {
        let Some(name) = source::file_stem(path, ".globalValueSet-meta.xml") else {
            continue;
        };
        let set: GlobalValueSet = metadata::read(path, "GlobalValueSet")?;
        let values = values(path, set.values, set.sorted)?;
        if sets.insert(name.to_owned(), values).is_some() {
            return Err(SfdxError::invalid(
                path,
                format!("global value set {name} is defined twice"),
            ));
        }
    }
    Ok(sets)
}

/// The values that a field's `valueSet` gives it.
pub fn field_values(
    path: &Path,
    set: &ValueSet,
    global: &GlobalValueSets,
) -> Result<Vec<PicklistValue>, SfdxError> {
    match (&set.value_set_definition, &set.value_set_name) {
        (Some(definition), None) => values(path, definition.values.clone(), definition.sorted),
        (None, Some(name)) => global.get(name).cloned().ok_or_else(|| {
            SfdxError::invalid(
                path,
                format!("valueSetName: global value set {name} is not in the source; add globalValueSets/{name}.globalValueSet-meta.xml"),
            )
        }),
        _ => Err(SfdxError::invalid(path, "valueSet must hold either valueSetDefinition or valueSetName")),
    }
}

/// Marks in each value of a dependent picklist which controlling values allow it.
///
/// The mark is a bitmap in base64 over the controlling field's values, the first one in the highest bit
/// (SOAP API Developer Guide, `PicklistEntry`, `validFor`). A controlling check box has the values false and
/// true.
pub fn restrict_by_controller(
    path: &Path,
    dependent: &mut Field,
    controller: &Field,
    allowed: &[(String, Vec<String>)],
) -> Result<(), SfdxError> {
    let positions: Vec<(&str, usize)> = match controller.kind {
        FieldType::Boolean => vec![("unchecked", 0), ("checked", 1), ("false", 0), ("true", 1)],
        FieldType::Picklist => controller
            .picklist_values
            .iter()
            .enumerate()
            .map(|(at, value)| (value.value.as_str(), at))
            .collect(),
        _ => {
            let name = &controller.name;
            return Err(SfdxError::invalid(
                path,
                format!("controllingField: {name} is no picklist or check box"),
            ));
        }
    };
    let count = if controller.kind == FieldType::Boolean {
        2
    } else {
        positions.len()
    };
    for value in &mut dependent.picklist_values {
        let mut bitmap = vec![0_u8; count.div_ceil(8)];
        let controlling = allowed
            .iter()
            .filter(|(name, _)| *name == value.value)
            .flat_map(|(_, values)| values);
        for controlling in controlling {
            let Some((_, at)) = positions.iter().find(|(name, _)| name == controlling) else {
                return Err(SfdxError::invalid(
                    path,
                    format!("valueSettings: {} has no value {controlling}", controller.name),
                ));
            };
            if let Some(byte) = bitmap.get_mut(at / 8) {
                *byte |= 0x80 >> (at % 8);
            }
        }
        value.valid_for = Some(STANDARD.encode(bitmap));
    }
    Ok(())
}

fn values(path: &Path, values: Vec<CustomValue>, sorted: bool) -> Result<Vec<PicklistValue>, SfdxError> {
    let mut seen = std::collections::BTreeSet::new();
    let mut converted = Vec::with_capacity(values.len());
    for value in values {
        if !seen.insert(value.full_name.to_lowercase()) {
            return Err(SfdxError::invalid(
                path,
                format!("value {} appears twice", value.full_name),
            ));
        }
        if value.full_name.chars().count() > 255 {
            return Err(SfdxError::invalid(
                path,
                "a value's fullName is longer than 255 characters",
            ));
        }
        converted.push(PicklistValue {
            label: value.label.filter(|label| *label != value.full_name),
            value: value.full_name,
            active: value.is_active,
            default_value: value.default,
            ..PicklistValue::default()
        });
    }
    if sorted {
        converted.sort_by_key(|value| {
            value
                .label
                .clone()
                .unwrap_or_else(|| value.value.clone())
                .to_lowercase()
        });
    }
    Ok(converted)
}
