//! `/v1/embed/templates`: pages that partners make.

use actix_web::{HttpRequest, HttpResponse, delete, get, put, web};
use causeway_core::ports::embeds::EmbedTemplate;
use chrono::{DateTime, Utc};
use serde::Serialize;
use utoipa::ToSchema;

use crate::app::embed::templates::{self, TemplateError};
use crate::http::HttpState;
use crate::http::auth::{Authorized, EmbedTemplates};
use crate::http::body;
use crate::http::parameters::Parameters;
use crate::http::problem::{Problem, ProblemDocument, ProblemKind};
use crate::members::FieldError;

/// A page to put.
#[derive(Debug, ToSchema)]
#[expect(dead_code, reason = "describes what is read member by member")]
#[schema(rename_all = "camelCase")]
pub struct NewTemplate {
    /// The site it is for; null or left out for every site that has no page of its own under the name.
    #[schema(examples("acme-fairs"))]
    site: Option<String>,
    /// HTML of up to 64 KB. `{{email}}` stands for a partner field's value, as text; beside the fields there are
    /// `record.id`, `record.key`, `record.object`, `record.owner`, `record.salesforceId`, `record.status`,
    /// `record.updatedAt`, and `style.nonce`, which a style element has to carry as its nonce. Scripts do not run,
    /// forms and links lead nowhere, and images have to be `data:` addresses.
    #[schema(examples("<style nonce=\"{{style.nonce}}\">b { color: green }</style><b>{{last_name}}</b>"))]
    html: String,
}

/// A page that a partner made.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Template)]
pub struct TemplateView {
    /// Name, by which an org's settings choose it.
    #[schema(examples("landing"))]
    pub name: String,
    /// The site it is for; null for every site that has no page of its own under the name.
    #[schema(examples("acme-fairs"))]
    pub site: Option<String>,
    /// Its HTML.
    pub html: String,
    /// When it was last put.
    pub updated_at: DateTime<Utc>,
}

/// A connection's pages.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = TemplateList)]
pub struct TemplatesView {
    /// The pages, by name and site.
    pub templates: Vec<TemplateView>,
}

impl From<EmbedTemplate> for TemplateView {
    fn from(template: EmbedTemplate) -> Self {
        TemplateView {
            name: template.name,
            site: template.site,
            html: template.html,
            updated_at: template.updated_at,
        }
    }
}

/// List the pages that are shown inside Salesforce.
#[utoipa::path(
    tag = "embed",
    security(("bearer" = ["embed:templates"])),
    responses(
        (status = 200, description = "The pages", body = TemplatesView),
        (status = 400, description = "Some parameters are wrong", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 401, description = "The token is refused", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 403, description = "The token does not allow this", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 500, description = "The gateway failed", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 503, description = "The store cannot be asked", body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
#[get("/v1/embed/templates")]
pub async fn list_templates(
    state: web::Data<HttpState>,
    caller: Authorized<EmbedTemplates>,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    Parameters::parse(request.query_string())?.finish()?;
    let all = templates::all(&state.app, caller.connection().id).await?;
    Ok(HttpResponse::Ok().json(TemplatesView {
        templates: all.into_iter().map(TemplateView::from).collect(),
    }))
}

/// Put a page that is shown inside Salesforce.
///
/// An org's settings choose it by its name (iFrame Name) and site (MicroSite Key). It takes the place of the one of the
/// same name and site.
#[utoipa::path(
    tag = "embed",
    security(("bearer" = ["embed:templates"])),
    params(("name" = String, Path, description = "Name of the page; not `record`, which is built in", example = "landing")),
    request_body = NewTemplate,
    responses(
        (status = 200, description = "The page", body = TemplateView),
        (status = 400, description = "The body cannot be read", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 401, description = "The token is refused", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 403, description = "The token does not allow this", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 408, description = "The body took too long", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 413, description = "The body is too large", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 415, description = "The body is of another form", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 422, description = "Some fields are wrong, or nothing fills a placeholder", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 500, description = "The gateway failed", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 503, description = "The store cannot be asked", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 507, description = "The store is full", body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
#[put("/v1/embed/templates/{name}")]
pub async fn put_template(
    state: web::Data<HttpState>,
    caller: Authorized<EmbedTemplates>,
    path: web::Path<String>,
    request: HttpRequest,
    payload: web::Payload,
) -> Result<HttpResponse, Problem> {
    Parameters::parse(request.query_string())?.finish()?;
    let body = body::read(&request, payload, "application/json", state.change_bodies()).await?;
    let mut members = body::members(&body)?;
    let site = members.text("site");
    let html = members.required_text("html");
    let errors = members.finish();
    let (Some(html), true) = (html, errors.is_empty()) else {
        return Err(Problem::with_errors(ProblemKind::InvalidFields, errors));
    };
    let put = templates::put(&state.app, caller.connection().id, &path, site, html)
        .await
        .map_err(refuse)?;
    Ok(HttpResponse::Ok().json(TemplateView::from(put)))
}

/// Remove a page that is shown inside Salesforce.
#[utoipa::path(
    tag = "embed",
    security(("bearer" = ["embed:templates"])),
    params(
        ("name" = String, Path, description = "Name of the page", example = "landing"),
        ("site" = Option<String>, Query, description = "The site it is for; left out for the page for every site"),
    ),
    responses(
        (status = 204, description = "It is removed"),
        (status = 400, description = "Some parameters are wrong", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 401, description = "The token is refused", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 403, description = "The token does not allow this", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 404, description = "There is no such page", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 500, description = "The gateway failed", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 503, description = "The store cannot be asked", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 507, description = "The store is full", body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
#[delete("/v1/embed/templates/{name}")]
pub async fn delete_template(
    state: web::Data<HttpState>,
    caller: Authorized<EmbedTemplates>,
    path: web::Path<String>,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    let mut parameters = Parameters::parse(request.query_string())?;
    let site = parameters.text("site");
    parameters.finish()?;
    let removed = templates::remove(&state.app, caller.connection().id, path.into_inner(), site).await?;
    if !removed {
        return Err(Problem::new(
            ProblemKind::TemplateNotFound,
            "list the templates; each is named by its name and its site",
        ));
    }
    Ok(HttpResponse::NoContent().finish())
}

fn refuse(error: TemplateError) -> Problem {
    let field = match &error {
        TemplateError::Name => "name",
        TemplateError::Site => "site",
        TemplateError::TooLarge(_) | TemplateError::Unreadable(_) | TemplateError::Unknown { .. } => "html",
        TemplateError::Store(error) => return Problem::from(error.clone()),
    };
    Problem::with_errors(
        ProblemKind::InvalidFields,
        vec![FieldError {
            field: field.to_owned(),
            message: error.to_string(),
        }],
    )
}
