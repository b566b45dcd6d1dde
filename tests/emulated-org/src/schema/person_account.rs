//! Person Accounts: the fields that an organisation has more when they are enabled.
//!
//! Source: Object Reference for the Salesforce Platform, Account (Person Account fields) and Contact
//! (`IsPersonAccount`); Salesforce Help, Person Account Fields: most fields of Contact stand on Account with `Person`
//! before their names, custom ones with `__pc` behind.

use super::{Field, FieldType, Schema, SchemaError};

/// Says of an account or a contact whether it is a person's.
pub(crate) const IS_PERSON_ACCOUNT: &str = "IsPersonAccount";
/// Leads from a person's account to the contact behind it.
pub(crate) const PERSON_CONTACT_ID: &str = "PersonContactId";
/// Says of a record type whether its accounts are persons.
pub(crate) const IS_PERSON_TYPE: &str = "IsPersonType";
/// The record type that comes with Person Accounts.
pub(crate) const PERSON_RECORD_TYPE: &str = "PersonAccount";

const PARTS_OF_NAME: [&str; 5] = ["Salutation", "FirstName", "MiddleName", "LastName", "Suffix"];
/// Fields of Contact with the same name and meaning on Account.
const SHARED: [&str; 3] = ["OwnerId", "Phone", "Fax"];
/// Fields of Contact that stand on Account with `Person` before their names, and parts of addresses beside them.
const PREFIXED: [&str; 13] = [
    "AssistantName",
    "AssistantPhone",
    "Birthdate",
    "Department",
    "DoNotCall",
    "Email",
    "HasOptedOutOfEmail",
    "HasOptedOutOfFax",
    "HomePhone",
    "LeadSource",
    "MobilePhone",
    "OtherPhone",
    "Title",
];

/// The name on Account of a field of Contact; `None` where the account has none.
pub(crate) fn name_on_account(contact_field: &str) -> Option<String> {
    if PARTS_OF_NAME.contains(&contact_field) || SHARED.contains(&contact_field) {
        return Some(contact_field.to_owned());
    }
    let is_address = contact_field.starts_with("Mailing") || contact_field.starts_with("Other");
    if PREFIXED.contains(&contact_field) || is_address && !contact_field.ends_with("__c") {
        return Some(format!("Person{contact_field}"));
    }
    contact_field
        .strip_suffix("__c")
        .map(|stem| format!("{stem}__pc"))
}

impl Schema {
    /// Enables Person Accounts.
    ///
    /// # Errors
    /// Fields of these names exist.
    pub(crate) fn enable_person_accounts(&mut self) -> Result<(), SchemaError> {
        self.change_object("Account", |account| {
            crate::access::take_record_types(account);
            account.fields.push(flag(IS_PERSON_ACCOUNT, "Is Person Account"));
            account.fields.push(Field {
                name: PERSON_CONTACT_ID.to_owned(),
                label: "Contact ID".to_owned(),
                kind: FieldType::Reference,
                length: 18,
                reference_to: vec!["Contact".to_owned()],
                relationship_name: Some("PersonContact".to_owned()),
                createable: false,
                updateable: false,
                ..Field::default()
            });
        })?;
        self.mirror_contact_fields()?;
        self.change_object("Contact", |contact| {
            contact.fields.push(flag(IS_PERSON_ACCOUNT, "Is Person Account"));
        })?;
        self.change_object("RecordType", |record_type| {
            record_type.fields.push(flag(IS_PERSON_TYPE, "Is Person Type"));
        })
    }

    /// Gives Account the fields of Contact that it has not yet.
    ///
    /// # Errors
    /// The organisation has no such objects.
    pub(crate) fn mirror_contact_fields(&mut self) -> Result<(), SchemaError> {
        let unknown = || SchemaError::UnknownObject("Contact".to_owned());
        let contact = self.object("Contact").ok_or_else(unknown)?;
        let mut mirrored: Vec<Field> = Vec::new();
        let account = self.object("Account");
        for field in &contact.fields {
            let Some(name) = name_on_account(&field.name) else {
                continue;
            };
            if account.is_some_and(|account| account.field(&name).is_some()) {
                continue;
            }
            let prefix = if name.starts_with("Person") {
                "Person: "
            } else {
                ""
            };
            mirrored.push(Field {
                label: format!("{prefix}{}", field.label),
                nillable: field.nillable || field.kind != FieldType::Boolean,
                compound_field_name: field.compound_field_name.as_deref().and_then(
                    |compound| match compound {
                        "Name" => Some("Name".to_owned()),
                        compound => name_on_account(compound),
                    },
                ),
                // The keys of a contact are no keys of its account.
                id_lookup: false,
                unique: false,
                external_id: field.external_id && field.custom,
                name,
                ..field.clone()
            });
        }
        self.change_object("Account", |account| account.fields.extend(mirrored))
    }
}

fn flag(name: &str, label: &str) -> Field {
    Field {
        name: name.to_owned(),
        label: label.to_owned(),
        kind: FieldType::Boolean,
        nillable: false,
        createable: false,
        updateable: false,
        defaulted_on_create: true,
        groupable: true,
        default_value: Some(serde_json::Value::Bool(false)),
        ..Field::default()
    }
}
