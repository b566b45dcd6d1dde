//! What administrators do on the pages of Setup.

mod assignments;
mod pages;
mod sites;

use actix_web::web;

pub(super) fn configure(routes: &mut web::ServiceConfig) {
    routes
        .configure(sites::configure)
        .configure(assignments::configure)
        .configure(pages::configure);
}
