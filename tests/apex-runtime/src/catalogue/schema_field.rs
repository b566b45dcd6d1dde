//! What `Schema` tells of fields (Apex Reference Guide, "SObjectField Class", "DescribeFieldResult Class").

use std::sync::Arc;

use super::declaration::Declarations;
use crate::host::FieldAccess;
use crate::run::value::Value;
use crate::run::{Machine, Run};
use crate::schema::{FieldDetails, PicklistValue, SObjectField};
use crate::types::Type;

/// A `Schema.DescribeFieldResult`.
#[derive(Debug, Clone)]
struct DescribedField {
    object: Arc<str>,
    field: SObjectField,
}

const DISPLAY_TYPES: &[&str] = &[
    "ADDRESS",
    "ANYTYPE",
    "BASE64",
    "BOOLEAN",
    "COMBOBOX",
    "COMPLEXVALUE",
    "CURRENCY",
    "DATACATEGORYGROUPREFERENCE",
    "DATE",
    "DATETIME",
    "DOUBLE",
    "EMAIL",
    "ENCRYPTEDSTRING",
    "ID",
    "INTEGER",
    "JSON",
    "LOCATION",
    "LONG",
    "MULTIPICKLIST",
    "PERCENT",
    "PHONE",
    "PICKLIST",
    "REFERENCE",
    "SOBJECT",
    "STRING",
    "TEXTAREA",
    "TIME",
    "URL",
];

/// Apex Reference Guide, "SoapType Enum".
const SOAP_TYPES: &[&str] = &[
    "ANYTYPE",
    "BASE64BINARY",
    "BOOLEAN",
    "DATE",
    "DATETIME",
    "DOUBLE",
    "ID",
    "INTEGER",
    "STRING",
    "TIME",
];

/// Methods that tell one thing of a field.
macro_rules! tell {
    ($class:ident: $($signature:literal, $field:ident => $value:expr;)*) => {
        $({
            fn tell(m: &mut Machine<'_>, this: &Value, _: &[Value]) -> Run<Value> {
                let $field = described(m, this)?.field;
                Ok($value)
            }
            $class.method(concat!($signature, "()"), tell);
        })*
    };
}

/// Methods that tell what only a full describe knows.
macro_rules! tell_details {
    ($class:ident: $($signature:literal, $details:ident => $value:expr;)*) => {
        $({
            fn tell(m: &mut Machine<'_>, this: &Value, _: &[Value]) -> Run<Value> {
                let $details = details(m, this, $signature)?;
                Ok($value)
            }
            $class.method(concat!($signature, "()"), tell);
        })*
    };
}

pub(super) fn declare(catalogue: &mut Declarations) {
    catalogue.enumeration("Schema.DisplayType", DISPLAY_TYPES);
    catalogue.enumeration("Schema.SOAPType", SOAP_TYPES);
    catalogue
        .class("Schema.SObjectField")
        .method("Schema.DescribeFieldResult getDescribe()", describe);
    catalogue
        .class("Schema.PicklistEntry")
        .method("String getLabel()", |m, this, _| {
            Ok(Value::from(entry(m, this)?.label))
        })
        .method("String getValue()", |m, this, _| {
            Ok(Value::from(entry(m, this)?.value))
        })
        .method("Boolean isActive()", |m, this, _| {
            Ok(Value::Boolean(entry(m, this)?.active))
        })
        .method("Boolean isDefaultValue()", |m, this, _| {
            Ok(Value::Boolean(entry(m, this)?.default))
        });
    let class = catalogue.class("Schema.DescribeFieldResult");
    tell! { class:
        "String getName", field => Value::String(field.name);
        "String getLocalName", field => Value::String(field.name);
        "String getLabel", field => Value::from(field.label);
        "Integer getLength", field => number(field.length);
        "Boolean isNillable", field => Value::Boolean(field.nillable);
        "Boolean isCalculated", field => Value::Boolean(field.calculated);
        "Boolean isCustom", field => Value::Boolean(field.name.ends_with("__c"));
        "Boolean isEncrypted", field => Value::Boolean(field.details.is_some_and(|d| d.describe_type == "encryptedstring"));
        "Boolean isNamePointing", field => Value::Boolean(field.reference_to.len() > 1);
        "String getRelationshipName", field => field.relationship_name.map_or(Value::Null, Value::String);
    }
    tell_details! { class:
        "Integer getPrecision", details => number(details.precision);
        "Integer getScale", details => number(details.scale);
        "Integer getDigits", details => number(details.digits);
        "Integer getByteLength", details => number(details.byte_length);
        "Boolean isUnique", details => Value::Boolean(details.unique);
        "Boolean isExternalID", details => Value::Boolean(details.external_id);
        "Boolean isIdLookup", details => Value::Boolean(details.id_lookup);
        "Boolean isAutoNumber", details => Value::Boolean(details.auto_number);
        "Boolean isCaseSensitive", details => Value::Boolean(details.case_sensitive);
        "Boolean isHtmlFormatted", details => Value::Boolean(details.html_formatted);
        "Boolean isNameField", details => Value::Boolean(details.name_field);
        "Boolean isCascadeDelete", details => Value::Boolean(details.cascade_delete);
        "Boolean isFilterable", details => Value::Boolean(details.filterable);
        "Boolean isGroupable", details => Value::Boolean(details.groupable);
        "Boolean isSortable", details => Value::Boolean(details.sortable);
        "Boolean isDefaultedOnCreate", details => Value::Boolean(details.defaulted_on_create);
        "Boolean isRestrictedPicklist", details => Value::Boolean(details.restricted_picklist);
        "Boolean isDependentPicklist", details => Value::Boolean(details.controller.is_some());
        "String getInlineHelpText", details => details.help_text.map_or(Value::Null, Value::from);
        "String getCalculatedFormula", details => details.formula.map_or(Value::Null, Value::from);
        "Integer getRelationshipOrder", details => details.relationship_order.map_or(Value::Null, number);
    }
    class
        .method("Boolean isAccessible()", |m, this, _| may(m, this, |_, a| a.read))
        .method("Boolean isCreateable()", |m, this, _| {
            may(m, this, |f, a| f.createable && a.create)
        })
        .method("Boolean isUpdateable()", |m, this, _| {
            may(m, this, |f, a| f.updateable && a.edit)
        })
        .method("SObjectField getSObjectField()", |m, this, _| {
            let described = described(m, this)?;
            Ok(Value::FieldToken(described.object, described.field.name))
        })
        .method("SObjectType getSObjectType()", |m, this, _| {
            Ok(Value::ObjectToken(described(m, this)?.object))
        })
        .method("SObjectField getController()", |m, this, _| {
            let controller = details(m, this, "getController")?.controller;
            let object = described(m, this)?.object;
            Ok(controller.map_or(Value::Null, |field| Value::FieldToken(object, field)))
        })
        .method("List<SObjectType> getReferenceTo()", reference_to)
        .method("Schema.SOAPType getSoapType()", soap_type)
        .method("List<Schema.PicklistEntry> getPicklistValues()", picklist_values)
        .method("Schema.DisplayType getType()", display_type);
}

fn number(value: u32) -> Value {
    Value::Integer(i32::try_from(value).unwrap_or(i32::MAX))
}

fn describe(m: &mut Machine<'_>, this: &Value, _: &[Value]) -> Run<Value> {
    let Value::FieldToken(object, name) = this else {
        return Err(m.null_pointer());
    };
    let found = m
        .program
        .schema
        .object(object)
        .and_then(|o| o.field(name))
        .cloned();
    match found {
        Some(field) => {
            let object = Arc::clone(object);
            m.platform_object("Schema.DescribeFieldResult", DescribedField { object, field })
        }
        None => Err(m.not_supported(format!("the describe of {object}.{name}"))),
    }
}

fn described(m: &Machine<'_>, this: &Value) -> Run<DescribedField> {
    m.with_state(this, |described: &mut DescribedField| described.clone())
}

fn details(m: &Machine<'_>, this: &Value, what: &str) -> Run<FieldDetails> {
    let described = described(m, this)?;
    match described.field.details {
        Some(details) => Ok(details),
        None => {
            let (object, field) = (described.object, described.field.name);
            Err(m.not_supported(format!("{what} of {object}.{field}")))
        }
    }
}

fn may(m: &Machine<'_>, this: &Value, test: impl Fn(&SObjectField, FieldAccess) -> bool) -> Run<Value> {
    let described = described(m, this)?;
    let access = m
        .host
        .field_access(&described.object, &described.field.name)
        .map_err(|error| m.from_host(error))?;
    Ok(Value::Boolean(test(&described.field, access)))
}

fn reference_to(m: &mut Machine<'_>, this: &Value, _: &[Value]) -> Run<Value> {
    let targets = described(m, this)?.field.reference_to;
    let element = m
        .catalogue
        .find("Schema.SObjectType")
        .map_or(Type::Object, Type::platform);
    Ok(Value::list(
        element,
        targets.into_iter().map(Value::ObjectToken).collect(),
    ))
}

fn picklist_values(m: &mut Machine<'_>, this: &Value, _: &[Value]) -> Run<Value> {
    let mut entries = Vec::new();
    for value in details(m, this, "getPicklistValues")?.picklist {
        entries.push(m.platform_object("Schema.PicklistEntry", value)?);
    }
    let element = m
        .catalogue
        .find("Schema.PicklistEntry")
        .map_or(Type::Object, Type::platform);
    Ok(Value::list(element, entries))
}

fn entry(m: &Machine<'_>, this: &Value) -> Run<PicklistValue> {
    m.with_state(this, |entry: &mut PicklistValue| entry.clone())
}

fn display_type(m: &mut Machine<'_>, this: &Value, _: &[Value]) -> Run<Value> {
    let field = described(m, this)?.field;
    type_of(m, &field)
}

/// The type that a describe tells of a field.
pub(super) fn type_of(m: &Machine<'_>, field: &SObjectField) -> Run<Value> {
    let Some(details) = &field.details else {
        return Err(m.not_supported(format!("getType of {}", field.name)));
    };
    // `int` in the REST describe is INTEGER in Apex.
    let name = match details.describe_type.as_str() {
        "int" => "INTEGER".to_owned(),
        other => other.to_ascii_uppercase(),
    };
    m.platform_constant("Schema.DisplayType", &name)
}

fn soap_type(m: &mut Machine<'_>, this: &Value, _: &[Value]) -> Run<Value> {
    let name = match details(m, this, "getSoapType")?.describe_type.as_str() {
        "id" | "reference" => "ID",
        "boolean" => "BOOLEAN",
        "int" => "INTEGER",
        "double" | "currency" | "percent" => "DOUBLE",
        "date" => "DATE",
        "datetime" => "DATETIME",
        "time" => "TIME",
        "base64" => "BASE64BINARY",
        "anyType" => "ANYTYPE",
        "string" | "textarea" | "picklist" | "multipicklist" | "combobox" | "email" | "phone" | "url"
        | "encryptedstring" => "STRING",
        other => return Err(m.not_supported(format!("getSoapType of a field of type {other}"))),
    };
    m.platform_constant("Schema.SOAPType", name)
}
