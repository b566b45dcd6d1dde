//! Who a token belongs to.
//!
//! Source: Salesforce Help, Identity URLs, and The UserInfo Endpoint.

use actix_web::{HttpRequest, HttpResponse, web};
use serde_json::{Map, Value as Json, json};

use super::errors::ApiError;
use super::gate::session_of;
use crate::id::RecordId;
use crate::org::Org;

/// Adds the routes.
pub fn configure(routes: &mut web::ServiceConfig) {
    routes
        .service(
            web::resource("/services/oauth2/userinfo")
                .route(web::get().to(user_info))
                .route(web::post().to(user_info)),
        )
        .service(
            web::resource("/id/{organization}/{user}")
                .route(web::get().to(identity))
                .route(web::post().to(identity)),
        );
}

async fn user_info(org: web::Data<Org>, request: HttpRequest) -> HttpResponse {
    let Some(user) = Person::behind(&org, &request) else {
        return bad_token();
    };
    HttpResponse::Ok().json(json!({
        "sub": user.identity_url(&org),
        "user_id": user.id.as_str(),
        "organization_id": org.id.as_str(),
        "preferred_username": user.text("Username"),
        "nickname": user.text("CommunityNickname"),
        "name": user.text("Name"),
        "email": user.text("Email"),
        "email_verified": true,
        "given_name": user.text("FirstName"),
        "family_name": user.text("LastName"),
        "zoneinfo": user.text("TimeZoneSidKey"),
        "profile": format!("{}/{}", org.url(), user.id),
        "picture": format!("{}/profilephoto/005/F", org.url()),
        "address": {},
        "urls": urls(&org, user.id),
        "active": user.is_active(),
        "user_type": "STANDARD",
        "language": user.text("LanguageLocaleKey"),
        "locale": user.text("LocaleSidKey"),
        "utcOffset": 0,
        "updated_at": user.text("LastModifiedDate"),
    }))
}

async fn identity(
    org: web::Data<Org>,
    request: HttpRequest,
    path: web::Path<(String, String)>,
) -> Result<HttpResponse, ApiError> {
    let Some(user) = Person::behind(&org, &request) else {
        return Ok(bad_token());
    };
    let named = (RecordId::parse(&path.0), RecordId::parse(&path.1));
    if named != (Some(org.id), Some(user.id)) {
        return Err(ApiError::not_found());
    }
    Ok(HttpResponse::Ok().json(json!({
        "id": user.identity_url(&org),
        "asserted_user": true,
        "user_id": user.id.as_str(),
        "organization_id": org.id.as_str(),
        "username": user.text("Username"),
        "nick_name": user.text("CommunityNickname"),
        "display_name": user.text("Name"),
        "email": user.text("Email"),
        "email_verified": true,
        "first_name": user.text("FirstName"),
        "last_name": user.text("LastName"),
        "timezone": user.text("TimeZoneSidKey"),
        "photos": {
            "picture": format!("{}/profilephoto/005/F", org.url()),
            "thumbnail": format!("{}/profilephoto/005/T", org.url()),
        },
        "urls": urls(&org, user.id),
        "active": user.is_active(),
        "user_type": "STANDARD",
        "language": user.text("LanguageLocaleKey"),
        "locale": user.text("LocaleSidKey"),
        "utcOffset": 0,
        "last_modified_date": user.text("LastModifiedDate"),
    })))
}

/// A user's fields, by name, as their JSON.
struct Person {
    id: RecordId,
    fields: Map<String, Json>,
}

impl Person {
    /// The user of the request's session.
    fn behind(org: &Org, request: &HttpRequest) -> Option<Self> {
        let id = session_of(org, request.headers()).ok()?.user;
        let data = org.read();
        let users = data.table("User")?;
        let row = users.get(&id)?;
        let fields = users.object.fields.iter().enumerate();
        let fields = fields
            .map(|(at, field)| (field.name.clone(), row.get(at).write_json(field)))
            .collect();
        Some(Self { id, fields })
    }

    fn text(&self, field: &str) -> &Json {
        self.fields.get(field).unwrap_or(&Json::Null)
    }

    fn is_active(&self) -> bool {
        self.text("IsActive") == &Json::Bool(true)
    }

    fn identity_url(&self, org: &Org) -> String {
        format!("{}/id/{}/{}", org.url(), org.id, self.id)
    }
}

/// Templates in which the client fills in the version.
fn urls(org: &Org, user: RecordId) -> Json {
    let data = format!("{}/services/data/v{{version}}", org.url());
    json!({
        "enterprise": format!("{}/services/Soap/c/{{version}}/{}", org.url(), org.id.as_str15()),
        "metadata": format!("{}/services/Soap/m/{{version}}/{}", org.url(), org.id.as_str15()),
        "partner": format!("{}/services/Soap/u/{{version}}/{}", org.url(), org.id.as_str15()),
        "rest": format!("{data}/"),
        "sobjects": format!("{data}/sobjects/"),
        "search": format!("{data}/search/"),
        "query": format!("{data}/query/"),
        "recent": format!("{data}/recent/"),
        "tooling_soap": format!("{}/services/Soap/T/{{version}}/{}", org.url(), org.id.as_str15()),
        "tooling_rest": format!("{data}/tooling/"),
        "profile": format!("{}/{user}", org.url()),
        "custom_domain": org.url(),
    })
}

fn bad_token() -> HttpResponse {
    HttpResponse::Forbidden()
        .content_type("text/html;charset=utf-8")
        .body("Bad_OAuth_Token")
}
