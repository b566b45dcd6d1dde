//! Who is logged in where, and which apps and tabs the user has.
//!
//! Source: Metadata API Developer Guide, CustomApplication; PermissionSet, `applicationVisibilities`.

use actix_web::web;
use serde_json::{Value as Json, json};

use super::error::PageError;
use super::tabs::{self, Standing, Tab};
use super::translations::{text_of_user, translated};
use super::visitor::Visitor;
use crate::org::Org;
use crate::value::{Value, datetime_json};

pub(super) fn configure(routes: &mut web::ServiceConfig) {
    routes.route("/lightning/data/context", web::get().to(context));
}

async fn context(org: web::Data<Org>, visitor: Visitor) -> Result<web::Json<Json>, PageError> {
    let of_user = |field: &str| text_of_user(&org, visitor.user, field);
    let language = of_user("LanguageLocaleKey");
    let all = tabs::names(&org);
    let all = all
        .iter()
        .filter_map(|name| tabs::tab(&org, &visitor, &language, name));
    let all: Vec<Json> = all.map(|tab| tab.json()).collect();
    Ok(web::Json(json!({
        "user": {
            "id": visitor.user.as_str(),
            "name": of_user("Name"),
            "username": of_user("Username"),
            "email": of_user("Email"),
            "language": language,
            "locale": of_user("LocaleSidKey"),
            "timeZone": of_user("TimeZoneSidKey"),
            "isAdmin": visitor.access.has_permission("CustomizeApplication"),
        },
        "organization": {
            "id": org.id.as_str(),
            "name": organization_name(&org),
            "edition": org.edition.name(),
            "isSandbox": org.is_sandbox,
        },
        "baseUrl": org.instance_url(),
        "now": datetime_json(org.clock.now()),
        "apps": apps(&org, &visitor, &language),
        "tabs": all,
    })))
}

fn organization_name(org: &Org) -> String {
    let data = org.read();
    let name = data.table("Organization").and_then(|table| {
        let (position, _) = table.object.field("Name")?;
        Some(table.get(&org.id)?.get(position).clone())
    });
    match name {
        Some(Value::Text(name)) => name.to_string(),
        _ => String::new(),
    }
}

/// The app that every user has, and those that are given to the user.
fn apps(org: &Org, visitor: &Visitor, language: &str) -> Vec<Json> {
    let visible = |names: &mut dyn Iterator<Item = String>| -> Vec<Json> {
        let tabs = names.filter_map(|name| tabs::tab(org, visitor, language, &name));
        let tabs = tabs.filter(|tab| tab.standing == Standing::Visible);
        tabs.map(|tab: Tab| tab.json()).collect()
    };
    let mut standard = tabs::STANDARD.iter().map(|name| format!("standard-{name}"));
    let mut apps = vec![json!({
        "name": "standard__LightningSales",
        "label": "Sales",
        "description": "Manage your sales process with accounts, leads, opportunities, and more",
        "tabs": visible(&mut standard),
    })];
    for app in org.pieces("CustomApplication") {
        // Salesforce Help, Assign an App to a Profile: who has it not does not find it in the launcher.
        let may = visitor.access.is_unlimited() || visitor.access.has_application(&app.name);
        let is_lightning = app.definition.text_of("uiType") == Some("Lightning");
        if !may || !is_lightning {
            continue;
        }
        let label = translated(org, language, "customApplications", &app.name);
        let label = label.unwrap_or_else(|| app.definition.text_of("label").unwrap_or(&app.name).to_owned());
        let mut names = app.definition.all("tabs").map(|tab| tab.text.trim().to_owned());
        apps.push(json!({
            "name": app.name,
            "label": label,
            "description": app.definition.text_of("description").unwrap_or_default(),
            "tabs": visible(&mut names),
        }));
    }
    apps
}
