//! Fields as a partner posts them.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use crate::decide::partner::{PartnerRefusal, RefusalCode};
use crate::id::{RecordId, SalesforceId};
use crate::mapping::convert::read_partner_json;
use crate::mapping::{MappingPlan, PartnerType};
use crate::record::{FieldValue, Fields};

/// Posted fields, typed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PostedFields {
    /// Values that stand by themselves.
    pub fields: Fields,
    /// Partner records named by a field, to be looked up.
    pub references: BTreeMap<String, RecordId>,
}

/// Another record as a partner names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PostedReference {
    /// `{"id": "17"}`: a partner record.
    Record(RecordId),
    /// `{"salesforceId": "001…"}`: a Salesforce record.
    Salesforce(SalesforceId),
}

impl PostedFields {
    /// Fields with every named record looked up: `find` gives [`FieldValue::Reference`] for one whose Salesforce
    /// record is known, [`FieldValue::Record`] for one that waits to be made, none for one that does not exist.
    ///
    /// # Errors
    /// A refusal for each field that names no record.
    pub fn resolve(
        self,
        mut find: impl FnMut(RecordId) -> Option<FieldValue>,
    ) -> Result<Fields, Vec<PartnerRefusal>> {
        let mut fields = self.fields;
        let mut refusals = Vec::new();
        for (name, record) in self.references {
            match find(record) {
                Some(value) => {
                    fields.insert(name, value);
                }
                None => refusals.push(PartnerRefusal::of_field(
                    &name,
                    RefusalCode::NotFound,
                    format!("there is no record {record}; name one that exists, or null"),
                )),
            }
        }
        if refusals.is_empty() {
            Ok(fields)
        } else {
            Err(refusals)
        }
    }
}

/// Reads posted fields (a JSON object) by a mapping's partner fields.
///
/// # Errors
/// A refusal for each field that the mapping does not have, and each value that is not of its field's type.
pub fn read_fields(
    plan: &MappingPlan,
    posted: &Map<String, Value>,
) -> Result<PostedFields, Vec<PartnerRefusal>> {
    let mut read = PostedFields::default();
    let mut refusals = Vec::new();
    for (name, value) in posted {
        let Some(field) = plan.fields.iter().find(|field| field.partner == *name) else {
            refusals.push(PartnerRefusal::of_field(
                name,
                RefusalCode::UnknownField,
                format!(
                    "`{}` has no such field; it has {}",
                    plan.partner_object,
                    names(plan)
                ),
            ));
            continue;
        };
        let outcome = match (field.partner_type, value) {
            (PartnerType::Reference, Value::Object(reference)) => {
                posted_reference(reference).map(|reference| match reference {
                    PostedReference::Record(record) => {
                        read.references.insert(name.clone(), record);
                    }
                    PostedReference::Salesforce(id) => {
                        read.fields.insert(name.clone(), FieldValue::Reference(id));
                    }
                })
            }
            (PartnerType::Reference, Value::Null) => {
                read.fields.insert(name.clone(), FieldValue::Null);
                Ok(())
            }
            (PartnerType::Reference, _) => Err(A_REFERENCE.to_owned()),
            (kind, value) => match read_partner_json(kind, value) {
                Ok(value) => {
                    read.fields.insert(name.clone(), value);
                    Ok(())
                }
                Err(cause) => Err(cause.to_string()),
            },
        };
        if let Err(message) = outcome {
            refusals.push(PartnerRefusal::of_field(name, RefusalCode::WrongType, message));
        }
    }
    if refusals.is_empty() {
        Ok(read)
    } else {
        Err(refusals)
    }
}

const A_REFERENCE: &str =
    "not a reference; write {\"id\": \"17\"}, {\"salesforceId\": \"001…\"} with 15 or 18 characters, or null";

fn posted_reference(reference: &Map<String, Value>) -> Result<PostedReference, String> {
    let mut entries = reference.iter();
    let (Some((key, Value::String(text))), None) = (entries.next(), entries.next()) else {
        return Err(A_REFERENCE.to_owned());
    };
    let read = match key.as_str() {
        "id" => text
            .parse()
            .ok()
            .map(|number| PostedReference::Record(RecordId(number))),
        "salesforceId" => SalesforceId::parse(text).ok().map(PostedReference::Salesforce),
        _ => None,
    };
    read.ok_or_else(|| A_REFERENCE.to_owned())
}

fn names(plan: &MappingPlan) -> String {
    let names: Vec<String> = plan
        .fields
        .iter()
        .map(|field| format!("`{}`", field.partner))
        .collect();
    names.join(", ")
}
