//! The API versions, and the resources of one.

use actix_web::{HttpResponse, web};
use serde_json::{Map, Value as Json, json};

use super::{ApiVersion, Caller, get_or_head, resource};
use crate::org::Org;

/// Adds the routes below `/services/data/{version}`.
pub fn configure(routes: &mut web::ServiceConfig) {
    routes.service(resource("", "GET,HEAD").route(get_or_head().to(resources)));
}

/// `GET /services/data`: needs no session and counts against no limit.
pub async fn list(org: web::Data<Org>) -> HttpResponse {
    let versions: Vec<Json> = org
        .api_versions
        .clone()
        .map(|version| {
            json!({
                "label": release_label(version),
                "url": ApiVersion(version).root(),
                "version": format!("{version}.0"),
            })
        })
        .collect();
    HttpResponse::Ok().json(versions)
}

async fn resources(caller: Caller) -> HttpResponse {
    let root = caller.version.root();
    let resources: Map<String, Json> = ["composite", "jobs", "limits", "query", "queryAll", "sobjects"]
        .into_iter()
        .map(|name| (name.to_owned(), json!(format!("{root}/{name}"))))
        .collect();
    HttpResponse::Ok().json(resources)
}

/// Three releases a year; Spring '26 was version 66.
fn release_label(version: u16) -> String {
    let since = i32::from(version) - 66;
    let year = 26 + since.div_euclid(3);
    match since.rem_euclid(3) {
        0 => format!("Spring '{year:02}"),
        1 => format!("Summer '{year:02}"),
        _ => format!("Winter '{:02}", year + 1),
    }
}

#[cfg(test)]
mod tests {
    use super::release_label;

    #[test]
    fn releases_are_named_after_season_and_year() {
        let expected = [
            (31, "Summer '14"),
            (62, "Winter '25"),
            (66, "Spring '26"),
            (68, "Winter '27"),
        ];
        for (version, label) in expected {
            assert_eq!(release_label(version), label);
        }
    }
}
