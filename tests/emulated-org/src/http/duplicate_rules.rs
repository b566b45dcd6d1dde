//! The knob for duplicate rules, which Salesforce has in Setup and in deployed metadata.
//!
//! | Route | Method | Body | Effect |
//! |---|---|---|---|
//! | `/emulator/duplicate-rules` | POST | `{object, name, fields, onInsert?, onUpdate?, message?}` | adds a rule: records of the object are duplicates where all `fields` match; `onInsert` and `onUpdate` are `"alert"` (the default), `"block"` or `"allow"` |
//! | `/emulator/duplicate-rules` | DELETE | | removes all rules, those of the metadata too |

use actix_web::{HttpResponse, web};
use serde::Deserialize;

use super::ApiError;
use super::body::JsonBody;
use super::control::parse;
use crate::data::{DuplicateAction, DuplicateRule, MatchedField, MatchingRule};
use crate::org::Org;

/// Adds the route.
pub fn configure(routes: &mut web::ServiceConfig) {
    routes.service(
        web::resource("/emulator/duplicate-rules")
            .route(web::post().to(add))
            .route(web::delete().to(clear)),
    );
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Rule {
    object: String,
    name: String,
    fields: Vec<String>,
    #[serde(default)]
    on_insert: Action,
    #[serde(default)]
    on_update: Action,
    message: Option<String>,
}

#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
enum Action {
    #[default]
    Alert,
    Block,
    Allow,
}

impl From<Action> for DuplicateAction {
    fn from(action: Action) -> Self {
        match action {
            Action::Alert => Self::Alert,
            Action::Block => Self::Block,
            Action::Allow => Self::Allow,
        }
    }
}

/// The text of Salesforce's own rules.
const USUAL_TEXT: &str = "Use one of these records?";

async fn add(org: web::Data<Org>, body: JsonBody) -> Result<HttpResponse, ApiError> {
    let rule: Rule = parse(&body)?;
    let schema = org.schema();
    let unknown = |name: &str| ApiError::json_parser(format!("{name} does not exist"));
    let object = schema.object(&rule.object).ok_or_else(|| unknown(&rule.object))?;
    if rule.fields.is_empty() {
        return Err(ApiError::json_parser("fields must not be empty"));
    }
    let matched = |name: &String| {
        let (_, field) = object
            .field(name)
            .filter(|(_, field)| !field.calculated)
            .ok_or_else(|| unknown(name))?;
        Ok(MatchedField {
            saved: field.name.clone(),
            other: field.name.clone(),
            blanks_match: false,
        })
    };
    let fields = rule.fields.iter().map(matched).collect::<Result<_, ApiError>>()?;
    let added = DuplicateRule {
        message: rule.message.unwrap_or_else(|| USUAL_TEXT.to_owned()),
        on_insert: rule.on_insert.into(),
        on_update: rule.on_update.into(),
        matching: vec![MatchingRule {
            name: rule.name.clone(),
            object: object.name.clone(),
            fields,
        }],
        name: rule.name,
    };
    let change = |object: &mut crate::schema::Object| object.duplicate_rules.push(added);
    changed(org.change_schema(|schema| schema.change_object(&object.name, change)))
}

async fn clear(org: web::Data<Org>) -> Result<HttpResponse, ApiError> {
    let names: Vec<String> = org.schema().objects().map(|object| object.name.clone()).collect();
    changed(org.change_schema(|schema| {
        names
            .iter()
            .try_for_each(|name| schema.change_object(name, |object| object.duplicate_rules.clear()))
    }))
}

fn changed(outcome: Result<(), crate::schema::SchemaError>) -> Result<HttpResponse, ApiError> {
    match outcome {
        Ok(()) => Ok(HttpResponse::NoContent().finish()),
        Err(error) => Err(ApiError::json_parser(error.to_string())),
    }
}
