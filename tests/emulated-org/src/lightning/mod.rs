//! The organisation's pages in a browser: login, the shell of the Lightning app, and the data behind it.
//!
//! The shell is a bundle that is built elsewhere; here is what it asks. Lightning's own client protocol is not
//! documented, so all routes below `/lightning/data` and `/lightning/apex` are this organisation's own; the addresses
//! of pages, what users see and what they are refused are Salesforce's. None of it costs an API call, as Lightning's
//! own requests cost none (Salesforce Developer Limits and Allocations Quick Reference, API Request Limits).
//!
//! Metadata of the pages comes from source folders, from deployments and from Setup; [`book`] keeps it.

mod apps;
mod book;
mod cells;
mod columns;
mod error;
mod layouts;
mod list_views;
mod login;
mod objects;
mod page_names;
mod record_pages;
mod records;
mod setup;
mod shell;
mod source;
mod tabs;
mod translations;
mod trusted_urls;
mod visitor;
mod visualforce;

use actix_web::web;

pub(crate) use book::LightningBook;
pub(crate) use visitor::Visitor;

/// Adds the routes.
pub(crate) fn configure(routes: &mut web::ServiceConfig) {
    routes
        .configure(login::configure)
        .configure(apps::configure)
        .configure(objects::configure)
        .configure(list_views::configure)
        .configure(records::configure)
        .configure(setup::configure)
        .configure(visualforce::configure)
        .configure(crate::http::configure_lightning_apex)
        // Last: it answers every other address below `/lightning`.
        .configure(shell::configure);
}
