//! A record as the org holds it, and the journal of everything that happened to it.

use std::collections::BTreeMap;

use causeway_core::Instant;
use causeway_core::id::SalesforceId;
use rust_decimal::Decimal;
use serde_json::{Value as Json, json};

use crate::org::schema::Object;

/// A value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    /// None.
    Null,
    /// Text, also of picklists.
    Text(String),
    /// Exact number.
    Number(Decimal),
    /// Another record.
    Reference(SalesforceId),
}

impl Value {
    /// As REST gives it.
    pub fn json(&self) -> Json {
        match self {
            Value::Null => Json::Null,
            Value::Text(text) => json!(text),
            Value::Number(number) => number.to_string().parse().map_or(Json::Null, Json::Number),
            Value::Reference(id) => json!(id.as_str()),
        }
    }
}

/// Values by API name.
pub type Values = BTreeMap<&'static str, Value>;

/// Who wrote.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Actor {
    /// A person.
    Human,
    /// Automation that runs as another user, after the save.
    Robot,
    /// The gateway's own user.
    Gateway,
}

/// A record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// Its id.
    pub id: SalesforceId,
    /// Its object.
    pub object: Object,
    /// Its values; those missing are null.
    pub values: Values,
    /// Its owner.
    pub owner: SalesforceId,
    /// SystemModstamp.
    pub stamp: Instant,
    /// Who saved it last.
    pub modified_by: Actor,
    /// What the external id field holds.
    pub external: Option<String>,
    /// Whether it was deleted.
    pub gone: Option<Gone>,
    /// What the lead became.
    pub converted: Option<Became>,
    /// Who made it.
    pub made_by: Actor,
}

/// How a record went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Gone {
    /// The record that it was merged into.
    pub master: Option<SalesforceId>,
    /// Not even in the recycle bin.
    pub erased: bool,
    /// Went together with its parent.
    pub cascaded: bool,
}

/// What a lead became.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Became {
    /// The account.
    pub account: SalesforceId,
    /// The contact.
    pub contact: SalesforceId,
}

/// A field's value as somebody left it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Edit {
    /// The record.
    pub row: SalesforceId,
    /// The field; `OwnerId` for the owner.
    pub field: &'static str,
    /// When it could be seen.
    pub at: Instant,
    /// SystemModstamp.
    pub stamp: Instant,
    /// Who.
    pub actor: Actor,
    /// What was asked for.
    pub written: Value,
    /// What was stored.
    pub stored: Value,
    /// Whether a person or a robot had changed the field after the gateway last read it.
    pub blind: bool,
}

impl Row {
    /// A value.
    pub fn get(&self, field: &str) -> &Value {
        self.values.get(field).unwrap_or(&Value::Null)
    }

    /// Whether it lives.
    pub fn is_live(&self) -> bool {
        self.gone.is_none()
    }

    /// Whether queries over deleted records show it.
    pub fn is_remembered(&self) -> bool {
        self.gone.is_none_or(|gone| !gone.erased)
    }

    /// The parent account.
    pub fn parent(&self) -> Option<SalesforceId> {
        match self.get("AccountId") {
            Value::Reference(id) => Some(*id),
            _ => None,
        }
    }
}
