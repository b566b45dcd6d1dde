//! The knob for behaviour that the documentation leaves open.
//!
//! | Route | Method | Body | Effect |
//! |---|---|---|---|
//! | `/emulator/switches` | GET | | all switches by name, each `true` or `false` |
//! | `/emulator/switches` | POST | any of them | turns them; the others stay |
//! | `/emulator/switches` | DELETE | | turns all off |

use actix_web::{HttpResponse, web};
use serde_json::{Map, Value as Json};

use super::ApiError;
use super::body::JsonBody;
use super::control::parse;
use crate::org::Org;
use crate::switches::Switches;

/// Adds the route.
pub fn configure(routes: &mut web::ServiceConfig) {
    routes.service(
        web::resource("/emulator/switches")
            .route(web::get().to(read))
            .route(web::post().to(turn))
            .route(web::delete().to(reset)),
    );
}

async fn read(org: web::Data<Org>) -> HttpResponse {
    HttpResponse::Ok().json(org.switches())
}

async fn turn(org: web::Data<Org>, body: JsonBody) -> Result<HttpResponse, ApiError> {
    let turned: Map<String, Json> = parse(&body)?;
    let wrong = |error: serde_json::Error| ApiError::json_parser(error.to_string());
    let mut all = serde_json::to_value(org.switches()).map_err(wrong)?;
    if let Json::Object(all) = &mut all {
        all.extend(turned);
    }
    let switches: Switches = serde_json::from_value(all).map_err(wrong)?;
    org.set_switches(switches);
    Ok(read(org).await)
}

async fn reset(org: web::Data<Org>) -> HttpResponse {
    org.set_switches(Switches::default());
    HttpResponse::NoContent().finish()
}
