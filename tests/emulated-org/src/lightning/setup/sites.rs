//! Remote Site Settings and Trusted URLs: what Apex may call, and what pages may show.

use actix_web::web;
use serde::Deserialize;
use serde_json::{Value as Json, json};
use url::Url;

use crate::apex::callout::RemoteSite;
use crate::data::SaveError;
use crate::lightning::error::PageError;
use crate::lightning::trusted_urls::is_address;
use crate::lightning::visitor::Visitor;
use crate::metadata::xml::Element;
use crate::org::Org;

const REMOTE: &str = "RemoteSiteSetting";
const TRUSTED: &str = "CspTrustedSite";

pub(super) fn configure(routes: &mut web::ServiceConfig) {
    routes
        .service(
            web::resource("/lightning/data/setup/remote-sites")
                .route(web::get().to(remote_sites))
                .route(web::post().to(put_remote_site)),
        )
        .route(
            "/lightning/data/setup/remote-sites/{name}",
            web::delete().to(delete_remote_site),
        )
        .service(
            web::resource("/lightning/data/setup/trusted-urls")
                .route(web::get().to(trusted_urls))
                .route(web::post().to(put_trusted_url)),
        )
        .route(
            "/lightning/data/setup/trusted-urls/{name}",
            web::delete().to(delete_trusted_url),
        );
}

async fn remote_sites(org: web::Data<Org>, visitor: Visitor) -> Result<web::Json<Json>, PageError> {
    visitor.must_customize()?;
    let sites = org.pieces(REMOTE);
    Ok(web::Json(Json::from_iter(sites.iter().map(|site| {
        json!({
            "name": site.name,
            "url": site.definition.text_of("url"),
            "isActive": site.definition.says("isActive"),
            "description": site.definition.text_of("description").unwrap_or_default(),
        })
    }))))
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Remote {
    name: String,
    url: String,
    #[serde(default = "yes")]
    is_active: bool,
    #[serde(default)]
    description: String,
}

fn yes() -> bool {
    true
}

async fn put_remote_site(
    org: web::Data<Org>,
    visitor: Visitor,
    site: web::Json<Remote>,
) -> Result<web::Json<Json>, PageError> {
    visitor.must_customize()?;
    must_be_name("Name", &site.name)?;
    let is_site = Url::parse(&site.url)
        .is_ok_and(|url| matches!(url.scheme(), "http" | "https") && url.host().is_some());
    if !is_site {
        return Err(wrong("Url", "Remote Site URL: Invalid URL"));
    }
    forget_remote(&org, &site.name);
    org.add_remote_site(RemoteSite {
        url: site.url.clone(),
        is_active: site.is_active,
    });
    let definition = element(
        REMOTE,
        &[
            ("description", &site.description),
            ("disableProtocolSecurity", "false"),
            ("isActive", truth(site.is_active)),
            ("url", &site.url),
        ],
    );
    org.put_piece(REMOTE, &site.name, definition);
    Ok(web::Json(json!({ "name": site.name })))
}

async fn delete_remote_site(
    org: web::Data<Org>,
    visitor: Visitor,
    name: web::Path<String>,
) -> Result<web::Json<Json>, PageError> {
    visitor.must_customize()?;
    forget_remote(&org, &name);
    deleted(org.delete_piece(REMOTE, &name), &name)
}

/// What Apex may call goes by the address.
fn forget_remote(org: &Org, name: &str) {
    let known = org.piece(REMOTE, name);
    if let Some(url) = known.as_ref().and_then(|known| known.definition.text_of("url")) {
        org.remove_remote_site(url);
    }
}

async fn trusted_urls(org: web::Data<Org>, visitor: Visitor) -> Result<web::Json<Json>, PageError> {
    visitor.must_customize()?;
    let sites = org.pieces(TRUSTED);
    Ok(web::Json(Json::from_iter(sites.iter().map(|site| {
        json!({
            "name": site.name,
            "url": site.definition.text_of("endpointUrl"),
            "isActive": site.definition.says("isActive"),
            "context": site.definition.text_of("context").unwrap_or("All"),
            "frameSrc": site.definition.says("isApplicableToFrameSrc"),
            "connectSrc": site.definition.says("isApplicableToConnectSrc"),
        })
    }))))
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Trusted {
    name: String,
    url: String,
    #[serde(default = "yes")]
    is_active: bool,
    context: Option<String>,
    #[serde(default)]
    frame_src: bool,
    #[serde(default)]
    connect_src: bool,
}

/// The contexts that a Trusted URL may have (Metadata API Developer Guide, CspTrustedSite).
const CONTEXTS: [&str; 5] = [
    "All",
    "LEX",
    "Communities",
    "FieldServiceMobileExtension",
    "VisualForce",
];

async fn put_trusted_url(
    org: web::Data<Org>,
    visitor: Visitor,
    site: web::Json<Trusted>,
) -> Result<web::Json<Json>, PageError> {
    visitor.must_customize()?;
    must_be_name("DeveloperName", &site.name)?;
    if !is_address(&site.url) {
        return Err(wrong("EndpointUrl", "Enter a valid URL."));
    }
    let context = site.context.as_deref().unwrap_or("All");
    if !CONTEXTS.contains(&context) {
        return Err(wrong(
            "Context",
            "Context: bad value for restricted picklist field",
        ));
    }
    let definition = element(
        TRUSTED,
        &[
            ("context", context),
            ("endpointUrl", &site.url),
            ("isActive", truth(site.is_active)),
            ("isApplicableToConnectSrc", truth(site.connect_src)),
            ("isApplicableToFrameSrc", truth(site.frame_src)),
        ],
    );
    org.put_piece(TRUSTED, &site.name, definition);
    Ok(web::Json(json!({ "name": site.name })))
}

async fn delete_trusted_url(
    org: web::Data<Org>,
    visitor: Visitor,
    name: web::Path<String>,
) -> Result<web::Json<Json>, PageError> {
    visitor.must_customize()?;
    deleted(org.delete_piece(TRUSTED, &name), &name)
}

fn deleted(was_there: bool, name: &str) -> Result<web::Json<Json>, PageError> {
    if was_there {
        Ok(web::Json(json!({ "name": name })))
    } else {
        Err(PageError::not_found())
    }
}

/// Developer names: letters, digits and single underscores, a letter first.
fn must_be_name(field: &str, name: &str) -> Result<(), PageError> {
    const WORDS: &str = "The name can only contain underscores and alphanumeric characters. It must be unique, begin with \
                         a letter, not include spaces, not end with an underscore, and not contain two consecutive \
                         underscores.";
    let allowed = name
        .chars()
        .all(|letter| letter.is_ascii_alphanumeric() || letter == '_');
    let begins = name.starts_with(|letter: char| letter.is_ascii_alphabetic());
    if allowed && begins && !name.ends_with('_') && !name.contains("__") {
        Ok(())
    } else {
        Err(wrong(field, WORDS))
    }
}

fn wrong(field: &str, message: &str) -> PageError {
    PageError::of_record(vec![SaveError::of_field(
        "FIELD_INTEGRITY_EXCEPTION",
        field,
        message,
    )])
}

fn truth(is: bool) -> &'static str {
    if is { "true" } else { "false" }
}

fn element(name: &str, children: &[(&str, &str)]) -> Element {
    let children = children.iter().map(|(name, text)| Element {
        name: (*name).to_owned(),
        text: (*text).to_owned(),
        ..Element::default()
    });
    Element {
        name: name.to_owned(),
        children: children.collect(),
        ..Element::default()
    }
}
