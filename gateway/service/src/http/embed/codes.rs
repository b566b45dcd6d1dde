//! `/v1/embed/codes`: addresses that open a record's page once.

use actix_web::{HttpRequest, HttpResponse, post, web};
use causeway_core::id::SalesforceId;
use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use super::words::Language;
use crate::app::embed::{self, CodeRequest, MintError};
use crate::http::HttpState;
use crate::http::auth::{Authorized, EmbedWrite};
use crate::http::body;
use crate::http::parameters::Parameters;
use crate::http::problem::{Problem, ProblemDocument, ProblemKind};
use crate::members::{FieldError, Members};

/// Characters that are read of a name.
const LONGEST_NAME: usize = 200;

/// Origins that a request may name.
const MOST_ORIGINS: usize = 20;

/// Asks for an address that opens a record's page; without object and record, one that opens a page that says nothing, by
/// which an org sees whether its pages may frame the gateway's.
#[derive(Debug, ToSchema)]
#[expect(dead_code, reason = "describes what is read member by member")]
#[schema(rename_all = "camelCase")]
pub struct NewEmbedCode {
    /// sObject.
    #[schema(examples("Contact"))]
    object: Option<String>,
    /// The record, 15 or 18 characters; given together with `object`.
    #[schema(examples("003ZM000001n4n5YAA"))]
    salesforce_id: Option<String>,
    /// Name of the page; the one of the connection's settings when left out. Where no page has this name, the built-in
    /// page `record` is shown.
    #[schema(examples("landing"))]
    frame_name: Option<String>,
    /// The partner's site; the one of the connection's settings when left out. The page for every site is taken where
    /// there is none for this one.
    #[schema(examples("acme-fairs"))]
    site_key: Option<String>,
    /// `en` or `de`; `en` when left out.
    #[schema(examples("en"))]
    language: Option<String>,
    /// Origins of the pages that will frame it, of those that belong to the connection's org; all of these when left
    /// out.
    #[schema(required = false, examples(json!(["https://acme.lightning.force.com"])))]
    org_origins: Vec<String>,
}

/// An address that opens a page once.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = EmbedCode)]
pub struct EmbedCodeView {
    /// The address. It is of use once, and only until `expiresAt`.
    #[schema(examples("https://gateway.example.com/embed/open/b4J0…"))]
    pub url: String,
    /// When it is of no use any more.
    pub expires_at: DateTime<Utc>,
}

/// Get an address that opens a record's page once.
///
/// To be put into a frame of the org's own page right away. Nobody else may frame it.
#[utoipa::path(
    tag = "embed",
    security(("bearer" = ["embed:write"])),
    request_body = NewEmbedCode,
    responses(
        (status = 201, description = "The address", body = EmbedCodeView),
        (status = 400, description = "The body cannot be read", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 401, description = "The token is refused", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 403, description = "The token does not allow this", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 404, description = "The record is not linked", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 408, description = "The body took too long", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 409, description = "The org has not been heard from yet, so its pages are not known", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 413, description = "The body is too large", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 415, description = "The body is of another form", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 422, description = "Some fields are wrong", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 500, description = "The gateway failed", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 503, description = "The store cannot be asked", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 507, description = "The store is full", body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
#[post("/v1/embed/codes")]
pub async fn post_code(
    state: web::Data<HttpState>,
    caller: Authorized<EmbedWrite>,
    request: HttpRequest,
    payload: web::Payload,
) -> Result<HttpResponse, Problem> {
    Parameters::parse(request.query_string())?.finish()?;
    let body = body::read(&request, payload, "application/json", state.small_bodies()).await?;
    let wanted = read_request(&body)?;
    let minted = embed::mint(&state.app, caller.connection(), &caller.caller.client, wanted)
        .await
        .map_err(refuse)?;
    Ok(HttpResponse::Created().json(EmbedCodeView {
        url: format!(
            "{}/embed/open/{}",
            state.verifier.audience(),
            minted.code.reveal()
        ),
        expires_at: minted.expires_at,
    }))
}

fn read_request(body: &[u8]) -> Result<CodeRequest, Problem> {
    let mut members = body::members(body)?;
    let record = record(&mut members);
    let frame_name = name(&mut members, "frameName");
    let site_key = name(&mut members, "siteKey");
    let language = members.text("language");
    if language
        .as_deref()
        .is_some_and(|language| Language::parse(language).is_none())
    {
        members.error("language", "must be en or de");
    }
    let mut origins = Vec::new();
    let listed = members.list("orgOrigins");
    if listed.len() > MOST_ORIGINS {
        members.error("orgOrigins", format!("must name at most {MOST_ORIGINS} origins"));
    }
    for origin in listed {
        match origin {
            Value::String(origin) => origins.push(origin),
            _ => members.error(
                "orgOrigins",
                "must hold texts, such as https://acme.lightning.force.com",
            ),
        }
    }
    let errors = members.finish();
    if !errors.is_empty() {
        return Err(Problem::with_errors(ProblemKind::InvalidFields, errors));
    }
    Ok(CodeRequest {
        record,
        frame_name,
        site_key,
        language: language.unwrap_or_else(|| Language::default().code().to_owned()),
        origins,
    })
}

/// The record; none where neither it nor its object is given.
fn record(members: &mut Members) -> Option<(String, SalesforceId)> {
    let id = members.text("salesforceId");
    let object = members.text("object");
    let (object, id) = match (object, id) {
        (Some(object), Some(id)) => (object, id),
        (None, None) => return None,
        (None, Some(_id)) => {
            members.error("object", "must be given where `salesforceId` is");
            return None;
        }
        (Some(_object), None) => {
            members.error("salesforceId", "must be given where `object` is");
            return None;
        }
    };
    match SalesforceId::parse(&id) {
        Ok(id) => Some((object, id)),
        Err(error) => {
            members.error("salesforceId", error.to_string());
            None
        }
    }
}

/// A name; an empty one counts as not given, as a setting that is not set.
fn name(members: &mut Members, member: &'static str) -> Option<String> {
    let name = members.text(member).filter(|name| !name.trim().is_empty())?;
    if name.chars().count() > LONGEST_NAME {
        members.error(member, format!("must have at most {LONGEST_NAME} characters"));
        return None;
    }
    Some(name.trim().to_owned())
}

fn refuse(error: MintError) -> Problem {
    match error {
        MintError::NotLinked => Problem::new(
            ProblemKind::NotLinked,
            "it has no page until it is linked with a record of the partner",
        ),
        MintError::OrgNotKnown => Problem::new(
            ProblemKind::OrgNotKnown,
            "test the connection, or start a sync, then open the record again",
        ),
        error @ MintError::ForeignOrigins { .. } => Problem::with_errors(
            ProblemKind::InvalidFields,
            vec![FieldError {
                field: "orgOrigins".to_owned(),
                message: error.to_string(),
            }],
        ),
        MintError::NoRandomness => Problem::internal("the system gives no random numbers"),
        MintError::Store(error) => Problem::from(error),
    }
}
