//! `/oauth/token`: a token that the client signed, in exchange for an access token (RFC 7523, section 2.1).

use actix_web::http::header;
use actix_web::{HttpRequest, HttpResponse, post, web};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::verify::{ExchangeError, join};
use crate::http::HttpState;
use crate::http::body;
use crate::http::parameters::Parameters;
use crate::http::problem::{Problem, ProblemDocument};

const JWT_BEARER: &str = "urn:ietf:params:oauth:grant-type:jwt-bearer";

/// What is posted, as a form.
#[derive(Debug, Deserialize, ToSchema)]
pub struct TokenForm {
    /// `urn:ietf:params:oauth:grant-type:jwt-bearer`; no other grant is given.
    #[schema(examples("urn:ietf:params:oauth:grant-type:jwt-bearer"))]
    pub grant_type: String,
    /// A JWT signed by the client. `iss` is the client, `aud` this gateway or this address.
    pub assertion: String,
    /// Scopes with spaces between them; all that the client has when left out.
    #[schema(examples("records:read"))]
    pub scope: Option<String>,
}

/// An access token (RFC 6749, section 5.1).
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct TokenAnswer {
    /// To be sent as `Authorization: Bearer`.
    pub access_token: String,
    /// Always `Bearer`.
    #[schema(examples("Bearer"))]
    pub token_type: String,
    /// Seconds that it lives.
    #[schema(examples(600))]
    pub expires_in: i64,
    /// What it allows.
    #[schema(examples("records:read logs:read"))]
    pub scope: String,
}

/// Why no token is given (RFC 6749, section 5.2).
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct TokenError {
    /// `invalid_request`, `invalid_grant`, `invalid_scope` or `unsupported_grant_type`.
    #[schema(examples("invalid_grant"))]
    pub error: String,
    /// For people: what is wrong and what to do about it.
    pub error_description: String,
}

/// Get an access token.
///
/// Exchanges a short-lived JWT that the client signed for an access token that lives ten minutes.
#[utoipa::path(
    tag = "access",
    security(()),
    request_body(content = TokenForm, content_type = "application/x-www-form-urlencoded"),
    responses(
        (status = 200, description = "An access token", body = TokenAnswer),
        (status = 400, description = "No token is given, and why", body = TokenError),
        (status = 408, description = "The body took too long", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 413, description = "The body is too large", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 415, description = "The body is no form", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 500, description = "The gateway failed", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 503, description = "The store cannot be asked", body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
#[post("/oauth/token")]
pub async fn exchange_token(
    state: web::Data<HttpState>,
    request: HttpRequest,
    payload: web::Payload,
) -> Result<HttpResponse, Problem> {
    let body = body::read(
        &request,
        payload,
        "application/x-www-form-urlencoded",
        state.small_bodies(),
    )
    .await?;
    let form = match read_form(&body) {
        Ok(form) => form,
        Err(problem) => return Ok(refuse("invalid_request", problem.detail())),
    };
    if form.grant_type != JWT_BEARER {
        return Ok(refuse(
            "unsupported_grant_type",
            &format!("grant_type must be {JWT_BEARER}"),
        ));
    }
    match state
        .verifier
        .exchange(&state.app, &form.assertion, form.scope.as_deref())
        .await
    {
        Ok(token) => Ok(HttpResponse::Ok()
            .insert_header((header::CACHE_CONTROL, "no-store"))
            .json(TokenAnswer {
                access_token: token.text,
                token_type: "Bearer".to_owned(),
                expires_in: token.lives,
                scope: join(&token.scopes),
            })),
        Err(ExchangeError::Scope(scope)) => Ok(refuse(
            "invalid_scope",
            &format!("this client does not have the scope {scope:?}"),
        )),
        Err(ExchangeError::Refused(problem)) if problem.kind().status() >= 500 => Err(problem),
        Err(ExchangeError::Refused(problem)) => Ok(refuse(
            "invalid_grant",
            &format!("{}: {}", problem.kind().id(), problem.detail()),
        )),
    }
}

fn read_form(body: &[u8]) -> Result<TokenForm, Problem> {
    let mut parameters = Parameters::parse(body::text(body)?)?;
    let grant_type = parameters.text("grant_type");
    let assertion = parameters.text("assertion");
    let scope = parameters.text("scope");
    if grant_type.is_none() {
        parameters.error("grant_type", "is missing");
    }
    if assertion.is_none() && grant_type.as_deref() == Some(JWT_BEARER) {
        parameters.error("assertion", "is missing");
    }
    // Unknown parameters must be ignored here (RFC 6749, section 3.2).
    parameters.finish_leniently()?;
    Ok(TokenForm {
        grant_type: grant_type.unwrap_or_default(),
        assertion: assertion.unwrap_or_default(),
        scope,
    })
}

fn refuse(error: &str, description: &str) -> HttpResponse {
    HttpResponse::BadRequest()
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .json(TokenError {
            error: error.to_owned(),
            error_description: description.chars().map(plain).collect(),
        })
}

/// The characters that an error description may have (RFC 6749, section 5.2).
fn plain(char: char) -> char {
    match char {
        '"' => '\'',
        '\\' => '/',
        ' '..='~' => char,
        _ => '?',
    }
}
