//! Deployments by REST: `/services/data/{version}/metadata/deployRequest`.
//!
//! Source: Metadata API Developer Guide, Deploying Metadata with REST.

use actix_web::http::header::CONTENT_TYPE;
use actix_web::{HttpRequest, HttpResponse, web};
use bytes::Bytes;
use serde::Deserialize;
use serde_json::{Value as Json, json};

use super::answer::{complete, deploy_result, options_of, rest_moment, set_option};
use super::{NOT_ALLOWED, may_deploy, multipart};
use crate::http::{ApiError, Caller, resource, wrote};
use crate::id::RecordId;
use crate::metadata::{Deploy, DeployOptions};
use crate::org::Org;

/// Adds the routes.
pub fn configure(routes: &mut web::ServiceConfig) {
    routes
        .service(resource("/metadata/deployRequest", "POST").route(web::post().to(create)))
        .service(
            resource("/metadata/deployRequest/{id}", "GET,PATCH")
                .route(web::get().to(show))
                .route(web::patch().to(cancel)),
        );
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Shown {
    #[serde(default)]
    include_details: bool,
}

async fn create(
    caller: Caller,
    org: web::Data<Org>,
    request: HttpRequest,
    body: Result<Bytes, actix_web::Error>,
) -> Result<HttpResponse, ApiError> {
    admit(&org, &caller)?;
    let body = body.map_err(|error| ApiError::new(413, "REQUEST_ENTITY_TOO_LARGE", error.to_string()))?;
    let given = request.headers().get(CONTENT_TYPE);
    let given = given.and_then(|value| value.to_str().ok()).unwrap_or_default();
    let parts = multipart::parts(given, &body).ok_or_else(|| {
        ApiError::new(
            400,
            "INVALID_MULTIPART_REQUEST",
            "The body is no multipart/form-data",
        )
    })?;
    let of = |kind: &str| parts.iter().find(|part| part.media_type.starts_with(kind));
    let entity = of("application/json")
        .ok_or_else(|| ApiError::json_parser("The part with the deployOptions is missing"))?;
    let entity: Json =
        serde_json::from_slice(entity.body).map_err(|error| ApiError::json_parser(error.to_string()))?;
    let options = options(&org, &entity)?;
    let zip = of("application/zip")
        .or_else(|| of("application/octet-stream"))
        .ok_or_else(|| {
            ApiError::new(
                400,
                "INVALID_MULTIPART_REQUEST",
                "The part with the zip file is missing",
            )
        })?;
    let deploy = org
        .metadata
        .begin(zip.body.to_vec(), options, caller.user, org.clock.now());
    Ok(wrote(HttpResponse::Created().json(answer(&org, &deploy, false))))
}

async fn show(
    caller: Caller,
    org: web::Data<Org>,
    path: web::Path<(String, String)>,
    shown: web::Query<Shown>,
) -> Result<HttpResponse, ApiError> {
    admit(&org, &caller)?;
    let deploy = find(&org, &path.1)?;
    Ok(HttpResponse::Ok().json(answer(&org, &deploy, shown.include_details)))
}

async fn cancel(
    caller: Caller,
    org: web::Data<Org>,
    path: web::Path<(String, String)>,
    body: web::Json<Json>,
) -> Result<HttpResponse, ApiError> {
    admit(&org, &caller)?;
    let deploy = find(&org, &path.1)?;
    if body.pointer("/deployResult/status").and_then(Json::as_str) != Some("Canceling") {
        let message = "The only change of a deployment is {\"deployResult\":{\"status\":\"Canceling\"}}";
        return Err(ApiError::json_parser(message));
    }
    // The words are believed.
    let deploy = org
        .metadata
        .cancel(deploy.id, caller.user, org.clock.now())
        .map_err(|_done| ApiError::new(400, "INVALID_ID_FIELD", "Deployment already completed"))?;
    Ok(wrote(HttpResponse::Accepted().json(answer(&org, &deploy, false))))
}

fn admit(org: &Org, caller: &Caller) -> Result<(), ApiError> {
    if may_deploy(org, caller.user) {
        return Ok(());
    }
    Err(ApiError::new(403, "INSUFFICIENT_ACCESS", NOT_ALLOWED))
}

fn find(org: &Org, id: &str) -> Result<Deploy, ApiError> {
    RecordId::parse(id)
        .and_then(|id| org.metadata.deploy(id))
        .ok_or_else(ApiError::not_found)
}

fn options(org: &Org, entity: &Json) -> Result<DeployOptions, ApiError> {
    let refused = |message: String| ApiError::json_parser(message);
    if entity
        .get("validatedDeployRequestId")
        .is_some_and(|id| !id.is_null())
    {
        return Err(refused("not supported: deploying a recent validation".to_owned()));
    }
    let mut options = DeployOptions::default();
    let mut run_tests = Vec::new();
    let given = entity.get("deployOptions").and_then(Json::as_object);
    for (name, value) in given.into_iter().flatten() {
        let values = match value {
            Json::Null => Vec::new(),
            Json::Array(values) => values.iter().map(plain).collect(),
            value => vec![plain(value)],
        };
        for value in values {
            if !set_option(&mut options, &mut run_tests, name, &value).map_err(refused)? {
                return Err(refused(format!("Unrecognized field \"{name}\"")));
            }
        }
    }
    complete(org, &mut options, run_tests).map_err(refused)?;
    Ok(options)
}

fn plain(value: &Json) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

fn answer(org: &Org, deploy: &Deploy, details: bool) -> Json {
    json!({
        "id": deploy.id.as_str(),
        "validatedDeployRequestId": null,
        "deployOptions": options_of(&deploy.options),
        "deployResult": deploy_result(org, deploy, details, rest_moment),
    })
}
