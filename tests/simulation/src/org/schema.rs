//! The objects of the model org: few fields, each of a kind that has broken a sync before.

use std::collections::BTreeMap;

use causeway_core::mapping::catalog::{SalesforceField, SalesforceObject, SalesforceType};

/// An object.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Object {
    /// Parent of contacts.
    Account,
    /// Child of an account, recognised by its e-mail address.
    Contact,
    /// Becomes an account and a contact.
    Lead,
}

/// Every object, parents first.
pub const OBJECTS: [Object; 3] = [Object::Account, Object::Contact, Object::Lead];

/// The field that carries the partner record's id.
pub const EXTERNAL_ID: &str = "CausewayId__c";

/// What a field does with a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Nature {
    /// Text: trimmed when saved, and an empty one is none.
    Text,
    /// A phone number, which automation brings into one form.
    Phone,
    /// Lower-cased when saved.
    Email,
    /// Rounded to two digits when saved.
    Currency,
    /// One of a list.
    Picklist(&'static [&'static str]),
    /// The parent account.
    Parent,
    /// Computed; moves without a stamp.
    Formula,
}

/// A field.
#[derive(Debug, Clone, Copy)]
pub struct Field {
    /// API name.
    pub name: &'static str,
    /// What it holds.
    pub nature: Nature,
    /// May not be empty.
    pub required: bool,
}

const fn field(name: &'static str, nature: Nature) -> Field {
    Field {
        name,
        nature,
        required: false,
    }
}

const fn required(name: &'static str, nature: Nature) -> Field {
    Field {
        name,
        nature,
        required: true,
    }
}

/// Industries; the first and the last mean the same to the partner, `Undisclosed` is not shared with it.
pub const INDUSTRIES: &[&str] = &["Agriculture", "Banking", "Farming", "Undisclosed"];
/// Levels of a contact.
pub const LEVELS: &[&str] = &["Primary", "Secondary"];

const ACCOUNT: &[Field] = &[
    required("Name", Nature::Text),
    field("Phone", Nature::Phone),
    field("AnnualRevenue", Nature::Currency),
    field("Industry", Nature::Picklist(INDUSTRIES)),
    field("Rank__c", Nature::Formula),
];
const CONTACT: &[Field] = &[
    required("LastName", Nature::Text),
    field("Email", Nature::Email),
    field("Phone", Nature::Phone),
    field("Title", Nature::Text),
    field("Level__c", Nature::Picklist(LEVELS)),
    field("AccountId", Nature::Parent),
];
const LEAD: &[Field] = &[
    required("LastName", Nature::Text),
    required("Company", Nature::Text),
    field("Email", Nature::Email),
    field("Title", Nature::Text),
];

impl Object {
    /// API name.
    pub fn name(self) -> &'static str {
        match self {
            Object::Account => "Account",
            Object::Contact => "Contact",
            Object::Lead => "Lead",
        }
    }

    /// The object of an API name.
    pub fn named(name: &str) -> Option<Object> {
        OBJECTS.into_iter().find(|object| object.name() == name)
    }

    /// First three characters of its ids.
    pub fn prefix(self) -> &'static str {
        match self {
            Object::Account => "001",
            Object::Contact => "003",
            Object::Lead => "00Q",
        }
    }

    /// Its own fields.
    pub fn fields(self) -> &'static [Field] {
        match self {
            Object::Account => ACCOUNT,
            Object::Contact => CONTACT,
            Object::Lead => LEAD,
        }
    }

    /// A field by its API name.
    pub fn field(self, name: &str) -> Option<&'static Field> {
        self.fields().iter().find(|field| field.name == name)
    }

    /// What Salesforce describes of it.
    pub fn describe(self) -> SalesforceObject {
        let mut fields: BTreeMap<String, SalesforceField> = self
            .fields()
            .iter()
            .map(|field| (field.name.to_owned(), described(field)))
            .collect();
        let mut add = |name: &str, kind: SalesforceType, written: bool| {
            let mut field = plain(name, kind);
            field.createable = written;
            field.updateable = written;
            fields.insert(name.to_owned(), field);
        };
        add("Id", SalesforceType::Id, false);
        add("OwnerId", SalesforceType::Reference, true);
        add("SystemModstamp", SalesforceType::Datetime, false);
        add("CreatedById", SalesforceType::Reference, false);
        add("LastModifiedById", SalesforceType::Reference, false);
        add("IsDeleted", SalesforceType::Boolean, false);
        add("MasterRecordId", SalesforceType::Reference, false);
        add(EXTERNAL_ID, SalesforceType::String, true);
        if self == Object::Lead {
            add("IsConverted", SalesforceType::Boolean, false);
            add("ConvertedContactId", SalesforceType::Reference, false);
            add("ConvertedAccountId", SalesforceType::Reference, false);
            add("ConvertedOpportunityId", SalesforceType::Reference, false);
        }
        if let Some(owner) = fields.get_mut("OwnerId") {
            owner.defaulted_on_create = true;
            owner.nillable = false;
        }
        if let Some(external) = fields.get_mut(EXTERNAL_ID) {
            external.external_id = true;
            external.unique = true;
            external.length = 64;
        }
        SalesforceObject {
            name: self.name().to_owned(),
            fields,
        }
    }
}

fn described(field: &Field) -> SalesforceField {
    let kind = match field.nature {
        Nature::Text => SalesforceType::String,
        Nature::Phone => SalesforceType::Phone,
        Nature::Email => SalesforceType::Email,
        Nature::Currency => SalesforceType::Currency,
        Nature::Picklist(_) => SalesforceType::Picklist,
        Nature::Parent => SalesforceType::Reference,
        Nature::Formula => SalesforceType::Double,
    };
    let mut described = plain(field.name, kind);
    described.nillable = !field.required;
    match field.nature {
        Nature::Text | Nature::Phone | Nature::Email => described.length = 80,
        Nature::Currency => (described.precision, described.scale) = (18, 2),
        Nature::Picklist(options) => {
            described.picklist_values = options.iter().map(|option| (*option).to_owned()).collect();
            described.restricted_picklist = true;
        }
        Nature::Parent => described.reference_to = vec![Object::Account.name().to_owned()],
        Nature::Formula => {
            (described.precision, described.scale) = (18, 0);
            described.calculated = true;
            described.createable = false;
            described.updateable = false;
        }
    }
    described
}

fn plain(name: &str, kind: SalesforceType) -> SalesforceField {
    SalesforceField {
        name: name.to_owned(),
        kind,
        filterable: true,
        length: 0,
        precision: 0,
        scale: 0,
        nillable: true,
        createable: true,
        updateable: true,
        calculated: false,
        defaulted_on_create: false,
        external_id: false,
        unique: false,
        reference_to: Vec::new(),
        picklist_values: Vec::new(),
        restricted_picklist: false,
    }
}
