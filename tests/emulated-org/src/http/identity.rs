//! Who a token belongs to.
//!
//! Source: Salesforce Help, Identity URLs, and The UserInfo Endpoint. The identity URL answers JSON, XML or form
//! parameters, by `format` or `Accept`, and takes the token as `oauth_token` too; `version` fills in the templates.

use actix_web::http::header::ACCEPT;
use actix_web::{HttpRequest, HttpResponse, web};
use serde_json::{Map, Value as Json, json};
use url::form_urlencoded;

use super::gate::{bearer_token, live_session};
use super::oauth::Host;
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
    let user = match Person::behind(&org, &request) {
        Ok(user) => user,
        Err(refused) => return refused.answer(),
    };
    HttpResponse::Ok().json(json!({
        "sub": user.identity_url(&org, &request),
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
        "profile": format!("{}/{}", org.instance_url(), user.id),
        "picture": format!("{}/profilephoto/005/F", org.instance_url()),
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
) -> HttpResponse {
    let user = match Person::behind(&org, &request) {
        Ok(user) => user,
        Err(refused) => return refused.answer(),
    };
    let (organization, named) = (RecordId::parse(&path.0), RecordId::parse(&path.1));
    let refused = match (organization, named) {
        (None, _) | (_, None) => Some(Refused::BadId),
        (Some(organization), _) if organization != org.id => Some(Refused::WrongOrg),
        (_, Some(named)) if named != user.id => Some(match org.read().table("User") {
            Some(users) if users.get(&named).is_some() => Refused::NoAccess,
            _ => Refused::BadId,
        }),
        _ => None,
    };
    if let Some(refused) = refused {
        return refused.answer();
    }
    let format = Format::of(&request);
    let urls = match parameter(&request, "version") {
        None => urls(&org, user.id),
        Some(version) => with_version(&org, urls(&org, user.id), &version),
    };
    format.answer(&json!({
        "id": user.identity_url(&org, &request),
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
            "picture": format!("{}/profilephoto/005/F", org.instance_url()),
            "thumbnail": format!("{}/profilephoto/005/T", org.instance_url()),
        },
        "urls": urls,
        "active": user.is_active(),
        "user_type": "STANDARD",
        "language": user.text("LanguageLocaleKey"),
        "locale": user.text("LocaleSidKey"),
        "utcOffset": 0,
        "last_modified_date": user.text("LastModifiedDate"),
    }))
}

/// A user's fields, by name, as their JSON.
struct Person {
    id: RecordId,
    fields: Map<String, Json>,
}

impl Person {
    /// The user of the request's session.
    fn behind(org: &Org, request: &HttpRequest) -> Result<Self, Refused> {
        let as_parameter = parameter(request, "oauth_token");
        let token = bearer_token(request.headers())
            .or(as_parameter.as_deref())
            .filter(|token| !token.is_empty())
            .ok_or(Refused::MissingToken)?;
        let id = live_session(org, token).ok_or(Refused::BadToken)?.user;
        let data = org.read();
        let users = data.table("User").ok_or(Refused::BadId)?;
        let row = users.get(&id).ok_or(Refused::BadId)?;
        let fields = users.object.fields.iter().enumerate();
        let fields = fields
            .map(|(at, field)| (field.name.clone(), row.get(at).write_json(field)))
            .collect();
        Ok(Self { id, fields })
    }

    fn text(&self, field: &str) -> &Json {
        self.fields.get(field).unwrap_or(&Json::Null)
    }

    fn is_active(&self) -> bool {
        self.text("IsActive") == &Json::Bool(true)
    }

    fn identity_url(&self, org: &Org, request: &HttpRequest) -> String {
        let origin = Host::of_request(org, request).origin().to_owned();
        format!("{origin}/id/{}/{}", org.id, self.id)
    }
}

/// Templates in which the client fills in the version.
fn urls(org: &Org, user: RecordId) -> Json {
    let data = format!("{}/services/data/v{{version}}", org.instance_url());
    json!({
        "enterprise": format!("{}/services/Soap/c/{{version}}/{}", org.instance_url(), org.id.as_str15()),
        "metadata": format!("{}/services/Soap/m/{{version}}/{}", org.instance_url(), org.id.as_str15()),
        "partner": format!("{}/services/Soap/u/{{version}}/{}", org.instance_url(), org.id.as_str15()),
        "rest": format!("{data}/"),
        "sobjects": format!("{data}/sobjects/"),
        "search": format!("{data}/search/"),
        "query": format!("{data}/query/"),
        "recent": format!("{data}/recent/"),
        "tooling_soap": format!("{}/services/Soap/T/{{version}}/{}", org.instance_url(), org.id.as_str15()),
        "tooling_rest": format!("{data}/tooling/"),
        "profile": format!("{}/{user}", org.instance_url()),
        "custom_domain": org.instance_url(),
    })
}

fn with_version(org: &Org, mut urls: Json, version: &str) -> Json {
    let latest = org.api_versions.end();
    let version = match version.split_once('.').unwrap_or((version, "0")) {
        ("latest", _) => format!("{latest}.0"),
        (major, "0") if major.parse().is_ok_and(|major| org.api_versions.contains(&major)) => {
            format!("{major}.0")
        }
        // An unknown version leaves the templates as they are; believed.
        _ => return urls,
    };
    for url in urls.as_object_mut().into_iter().flat_map(Map::values_mut) {
        if let Json::String(url) = url {
            *url = url.replace("{version}", &version);
        }
    }
    urls
}

/// A parameter of the query.
fn parameter(request: &HttpRequest, name: &str) -> Option<String> {
    form_urlencoded::parse(request.query_string().as_bytes())
        .find(|(known, _)| known == name)
        .map(|(_, value)| value.into_owned())
}

/// Why an identity is not told, in the words of Salesforce Help, Identity URLs; which status goes with which of the
/// last three is believed.
#[derive(Clone, Copy)]
enum Refused {
    MissingToken,
    BadToken,
    WrongOrg,
    BadId,
    NoAccess,
}

impl Refused {
    fn answer(self) -> HttpResponse {
        let (mut answer, text) = match self {
            Self::MissingToken => (HttpResponse::Forbidden(), "Missing_OAuth_Token"),
            Self::BadToken => (HttpResponse::Forbidden(), "Bad_OAuth_Token"),
            Self::WrongOrg => (HttpResponse::Forbidden(), "Wrong_Org"),
            Self::BadId => (HttpResponse::NotFound(), "Bad_Id"),
            Self::NoAccess => (HttpResponse::NotFound(), "No_Access"),
        };
        answer.content_type("text/html;charset=utf-8").body(text)
    }
}

/// The form of an identity.
#[derive(Clone, Copy)]
enum Format {
    Json,
    Xml,
    UrlEncoded,
}

impl Format {
    /// The `format` parameter wins over `Accept`; whoever takes anything gets JSON.
    fn of(request: &HttpRequest) -> Self {
        match parameter(request, "format").as_deref() {
            Some("json") => return Self::Json,
            Some("xml") => return Self::Xml,
            Some("urlencoded") => return Self::UrlEncoded,
            _ => {}
        }
        let accept = request
            .headers()
            .get(ACCEPT)
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default();
        let first = accept.split([',', ';']).next().unwrap_or_default().trim();
        match first {
            "application/xml" | "text/xml" => Self::Xml,
            "application/x-www-form-urlencoded" => Self::UrlEncoded,
            _ => Self::Json,
        }
    }

    fn answer(self, identity: &Json) -> HttpResponse {
        let mut answer = HttpResponse::Ok();
        match self {
            Self::Json => answer.json(identity),
            Self::Xml => {
                let mut body = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>");
                element(&mut body, "user", identity);
                answer.content_type("application/xml;charset=UTF-8").body(body)
            }
            Self::UrlEncoded => {
                let mut pairs = form_urlencoded::Serializer::new(String::new());
                for (name, value) in identity.as_object().into_iter().flatten() {
                    match value {
                        Json::Object(nested) => {
                            for (key, value) in nested {
                                pairs.append_pair(&format!("{name}.{key}"), &plain(value));
                            }
                        }
                        value => {
                            pairs.append_pair(name, &plain(value));
                        }
                    }
                }
                answer
                    .content_type("application/x-www-form-urlencoded;charset=UTF-8")
                    .body(pairs.finish())
            }
        }
    }
}

fn plain(value: &Json) -> String {
    match value {
        Json::Null => String::new(),
        Json::String(text) => text.clone(),
        other => other.to_string(),
    }
}

fn element(body: &mut String, name: &str, value: &Json) {
    // Names are this file's own.
    body.push_str(&format!("<{name}>"));
    match value {
        Json::Object(nested) => {
            for (name, value) in nested {
                element(body, name, value);
            }
        }
        other => body.push_str(&quick_xml::escape::escape(plain(other).as_str())),
    }
    body.push_str(&format!("</{name}>"));
}
