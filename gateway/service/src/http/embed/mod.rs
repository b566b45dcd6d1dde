//! The partner's page of a record inside an org: `/v1/embed` for those who make and open pages, `/embed` for the pages.

pub mod codes;
mod html;
pub mod pages;
pub mod templates;
mod words;
