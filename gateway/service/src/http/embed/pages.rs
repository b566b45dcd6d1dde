//! `/embed`: pages as an org frames them. What fails here is read by a person inside a frame, so it is answered as a
//! card and not as a problem.

use actix_web::http::header;
use actix_web::{HttpRequest, HttpResponse, get, web};

use super::html::{self, EmbeddedView, Nonces};
use super::words::Language;
use crate::app::embed::{self, OpenError, Opened, random_text};
use crate::http::HttpState;
use crate::http::auth::bearer;
use crate::http::parameters::Parameters;
use crate::http::problem::{Problem, ProblemDocument, ProblemKind};

/// Random bytes of a nonce.
const NONCE_BYTES: usize = 16;

/// Where a page reads its record again.
const RECORD_PATH: &str = "/embed/record";

/// Open a record's page.
///
/// For frames of an org's own pages. The code is used up. The page holds its session in its own memory, for 15 minutes;
/// it tells the page that frames it `causeway:ready` by `postMessage`. The page of no record holds nothing, and tells
/// `causeway:shown:` with its code.
#[utoipa::path(
    tag = "embed",
    security(()),
    params(("code" = String, Path, description = "Code of `/v1/embed/codes`")),
    responses(
        (status = 200, description = "The page", body = String, content_type = "text/html"),
        (status = 410, description = "The code was used before, or has expired: a card for people", body = String, content_type = "text/html"),
        (status = 500, description = "The gateway failed: a card for people", body = String, content_type = "text/html"),
        (status = 503, description = "The store cannot be asked: a card for people", body = String, content_type = "text/html"),
    )
)]
#[get("/embed/open/{code}")]
pub async fn open_page(
    state: web::Data<HttpState>,
    path: web::Path<String>,
) -> Result<HttpResponse, Problem> {
    let nonces = nonces()?;
    let opened = match embed::open(&state.app, &path, &nonces.style).await {
        Ok(opened) => opened,
        Err(error) => return Ok(failed(&error, &nonces)),
    };
    Ok(match opened {
        Opened::Page(page) => {
            let record_url = format!("{}{RECORD_PATH}", base_path(state.verifier.audience()));
            let html = html::page(&page.content, &nonces, &page.bearer, &page.origins, &record_url);
            answer(HttpResponse::Ok(), &nonces, &page.origins, html)
        }
        Opened::Test { origins, language } => {
            let language = Language::parse(&language).unwrap_or_default();
            let html = html::test_page(language, &nonces, &origins);
            answer(HttpResponse::Ok(), &nonces, &origins, html)
        }
        Opened::Gone { known } => {
            let (origins, language) = known.unwrap_or_default();
            let language = Language::parse(&language).unwrap_or_default();
            let html = html::card(language, &nonces, language.gone());
            answer(HttpResponse::Gone(), &nonces, &origins, html)
        }
    })
}

/// Read the record of an open page.
///
/// With the bearer that the page was given, for the one record that it shows.
#[utoipa::path(
    tag = "embed",
    security(("page" = [])),
    responses(
        (status = 200, description = "The record", body = EmbeddedView),
        (status = 400, description = "Some parameters are wrong", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 401, description = "The page's session is over", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 500, description = "The gateway failed", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 503, description = "The store cannot be asked", body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
#[get("/embed/record")]
pub async fn read_record(state: web::Data<HttpState>, request: HttpRequest) -> Result<HttpResponse, Problem> {
    Parameters::parse(request.query_string())?.finish()?;
    let content = embed::again(&state.app, bearer(&request)?)
        .await
        .map_err(|error| match error {
            OpenError::SessionOver => {
                Problem::new(ProblemKind::EmbedSessionOver, "reload the record in Salesforce")
            }
            OpenError::Vault(error) => Problem::internal(error.to_string()),
            OpenError::Store(error) => Problem::from(error),
        })?;
    Ok(HttpResponse::Ok().json(EmbeddedView::from(&content)))
}

fn answer(
    mut response: actix_web::HttpResponseBuilder,
    nonces: &Nonces,
    origins: &[String],
    html: String,
) -> HttpResponse {
    response
        .insert_header((header::CONTENT_SECURITY_POLICY, nonces.policy(origins)))
        .content_type("text/html; charset=utf-8")
        .body(html)
}

/// The card for what the gateway could not do.
fn failed(error: &OpenError, nonces: &Nonces) -> HttpResponse {
    tracing::error!(%error, "a page could not be opened");
    let response = match error {
        OpenError::Store(_) => HttpResponse::ServiceUnavailable(),
        OpenError::Vault(_) | OpenError::SessionOver => HttpResponse::InternalServerError(),
    };
    let language = Language::default();
    answer(
        response,
        nonces,
        &[],
        html::card(language, nonces, language.unavailable()),
    )
}

fn nonces() -> Result<Nonces, Problem> {
    let nonce = || {
        random_text::<NONCE_BYTES>().ok_or_else(|| Problem::internal("the system gives no random numbers"))
    };
    Ok(Nonces {
        script: nonce()?,
        style: nonce()?,
    })
}

/// The path under which callers reach this gateway, for a proxy that puts it below one.
fn base_path(public_url: &str) -> String {
    url::Url::parse(public_url)
        .map(|url| url.path().trim_end_matches('/').to_owned())
        .unwrap_or_default()
}
