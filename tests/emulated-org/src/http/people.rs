//! Knobs that let people work in the organisation, and that set up what happens by itself. None of this exists in
//! Salesforce.
//!
//! | Route | Method | Body | Effect |
//! |---|---|---|---|
//! | `/emulator/people` | POST | `{"as": username, "deeds": […], "commitAfterMilliseconds"?}` | lets a user do things, one after the other; each deed is `{"create": {object, fields}}`, `{"update": {id, fields}}`, `{"delete": {id}}`, `{"undelete": {id}}`, `{"hardDelete": {id}}`, `{"merge": {master, losers, fields?}}` or `{"convertLead": {id, account?, contact?, opportunityName?, withoutOpportunity?, status?}}`; answers a result for each, or a `ticket` where the deed commits later |
//! | `/emulator/people/late` | GET | | the results of the deeds that have committed late, by ticket |
//! | `/emulator/users` | POST | `{firstName, lastName, username, isActive?}` | makes a user of the profile "Standard User": `{"id"}` |
//! | `/emulator/tokens` | POST | `{"username"}` | a session of that user: `{"access_token"}` |
//! | `/emulator/rules` | POST | `{object, when?, then}` | adds a flow, a validation rule or a trigger: `then` is `{"beforeSave": {set?, formatPhones?, lowerCase?}}`, `{"afterSave": {update, as?, afterMilliseconds}}`, `{"validation": {message, field?}}`, `{"validationRule": {formula, message, field?}}` or `{"triggerThrows": {message}}` (all rows of the request fail), and `when` a `WHERE` clause |
//! | `/emulator/rules` | GET | | `{"beforeSave", "afterSave", "refused", "due"}`: how often rules acted, and how much is still due |
//! | `/emulator/rules` | DELETE | | removes all rules |

use actix_web::{HttpResponse, web};
use chrono::TimeDelta;
use serde::Deserialize;
use serde_json::{Map, Value as Json, json};

use super::ApiError;
use super::body::JsonBody;
use super::collections::error_json;
use super::control::parse;
use crate::automation::RuleDefinition;
use crate::bootstrap;
use crate::data::{Author, Authority, Draft, DuplicateOptions, Operation, Outcome, Transaction};
use crate::org::Org;
use crate::people::{Deed, Done};
use crate::tokens::Session;
use crate::value::Value;

/// Adds the routes.
pub fn configure(routes: &mut web::ServiceConfig) {
    routes
        .route("/emulator/people", web::post().to(act))
        .route("/emulator/people/late", web::get().to(late))
        .route("/emulator/users", web::post().to(create_user))
        .route("/emulator/tokens", web::post().to(issue_token))
        .service(
            web::resource("/emulator/rules")
                .route(web::post().to(add_rule))
                .route(web::get().to(read_rules))
                .route(web::delete().to(clear_rules)),
        );
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Acts {
    #[serde(rename = "as")]
    user: String,
    deeds: Vec<Deed>,
    commit_after_milliseconds: Option<u32>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct UserFields {
    first_name: String,
    last_name: String,
    username: String,
    #[serde(default = "yes")]
    is_active: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Username {
    username: String,
}

fn yes() -> bool {
    true
}

async fn act(org: web::Data<Org>, body: JsonBody) -> Result<HttpResponse, ApiError> {
    let acts: Acts = parse(&body)?;
    let user = active_user(&org, &acts.user)?;
    let delay = acts
        .commit_after_milliseconds
        .map(|delay| TimeDelta::milliseconds(delay.into()));
    let results: Vec<Json> = acts
        .deeds
        .iter()
        .map(|deed| match org.act(user, deed, delay) {
            Done::Now(outcome) => outcome_json(&outcome),
            Done::Later(ticket) => json!({ "ticket": ticket }),
        })
        .collect();
    Ok(HttpResponse::Ok().json(results))
}

async fn late(org: web::Data<Org>) -> HttpResponse {
    let committed = org.committed_late();
    let results: Map<String, Json> = committed
        .iter()
        .map(|(ticket, outcome)| (ticket.to_string(), outcome_json(outcome)))
        .collect();
    HttpResponse::Ok().json(results)
}

async fn create_user(org: web::Data<Org>, body: JsonBody) -> Result<HttpResponse, ApiError> {
    let user: UserFields = parse(&body)?;
    let schema = org.schema();
    let object = schema.object("User").ok_or_else(ApiError::unknown_object)?;
    let mut fields = bootstrap::user_fields(
        &user.first_name,
        &user.last_name,
        &user.username,
        org.standard_profile,
    );
    fields.retain(|(name, _)| *name != "IsActive");
    fields.push(("IsActive", Value::Boolean(user.is_active)));
    let mut draft = Draft::default();
    for (name, value) in fields {
        if let Some((at, _)) = object.field(name) {
            draft.values.push((at, value));
        }
    }
    let author = Author {
        user: org.admin,
        now: org.clock.now(),
        authority: Authority::AuditFields,
        duplicates: DuplicateOptions::default(),
    };
    let operation = Operation::Create {
        object: std::sync::Arc::clone(object),
        draft,
    };
    let saved = Transaction::begin(&mut org.write(), &schema, author).save(operation);
    let saved = saved.map_err(|refusal| ApiError::json_parser(format!("{:?}", refusal.into_errors())))?;
    Ok(HttpResponse::Ok().json(json!({ "id": saved.id.as_str() })))
}

async fn issue_token(org: web::Data<Org>, body: JsonBody) -> Result<HttpResponse, ApiError> {
    let wanted: Username = parse(&body)?;
    let session = Session {
        user: active_user(&org, &wanted.username)?,
        app: "emulator".to_owned(),
        scopes: vec!["api".to_owned()],
    };
    let token = org.tokens.issue(org.id, session, org.clock.now());
    Ok(HttpResponse::Ok().json(json!({ "access_token": token })))
}

async fn add_rule(org: web::Data<Org>, body: JsonBody) -> Result<HttpResponse, ApiError> {
    let definition: RuleDefinition = parse(&body)?;
    org.add_rule(definition)
        .map_err(|error| ApiError::json_parser(error.to_string()))?;
    Ok(HttpResponse::NoContent().finish())
}

async fn read_rules(org: web::Data<Org>) -> HttpResponse {
    org.catch_up();
    let tally = org.automation.tally();
    HttpResponse::Ok().json(json!({
        "beforeSave": tally.before_save(),
        "afterSave": tally.after_save(),
        "refused": tally.refused(),
        "due": org.agenda.len(),
    }))
}

async fn clear_rules(org: web::Data<Org>) -> HttpResponse {
    org.automation.clear();
    HttpResponse::NoContent().finish()
}

fn active_user(org: &Org, username: &str) -> Result<crate::RecordId, ApiError> {
    org.user_named(username)
        .filter(|user| user.is_active)
        .map(|user| user.id)
        .ok_or_else(|| ApiError::json_parser(format!("{username} is not the username of an active user")))
}

fn outcome_json(outcome: &Outcome) -> Json {
    match outcome {
        Ok(saved) => json!({ "id": saved.id.as_str(), "success": true, "errors": [] }),
        Err(refusal) => {
            let errors: Vec<Json> = refusal.clone().into_errors().iter().map(error_json).collect();
            json!({ "success": false, "errors": errors })
        }
    }
}
