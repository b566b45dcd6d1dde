//! The page at the root: what the organisation is and holds, a box for queries, the requests there were, and the
//! faults that can be set. It reads the knobs of `/emulator/`, and its queries go the way of every client's: with a
//! session of the chosen user, to the data API.

use actix_web::{HttpResponse, web};

/// Adds the routes.
pub fn configure(routes: &mut web::ServiceConfig) {
    routes
        .route("/", web::get().to(|| file("text/html; charset=utf-8", HTML)))
        .route(
            "/emulator/page.css",
            web::get().to(|| file("text/css; charset=utf-8", CSS)),
        )
        .route(
            "/emulator/page.js",
            web::get().to(|| file("text/javascript; charset=utf-8", SCRIPT)),
        );
}

const HTML: &str = include_str!("page/page.html");
const CSS: &str = include_str!("page/page.css");
const SCRIPT: &str = include_str!("page/page.js");

/// Nothing but this server's own files may run, style or be asked; records are shown, and what they hold is anybody's.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:; \
                      form-action 'none'; base-uri 'none'; frame-ancestors 'none'";

async fn file(media_type: &'static str, content: &'static str) -> HttpResponse {
    HttpResponse::Ok()
        .content_type(media_type)
        .insert_header(("Content-Security-Policy", POLICY))
        .insert_header(("X-Content-Type-Options", "nosniff"))
        .insert_header(("X-Frame-Options", "DENY"))
        .insert_header(("Referrer-Policy", "no-referrer"))
        .insert_header(("Cache-Control", "no-cache"))
        .body(content)
}
