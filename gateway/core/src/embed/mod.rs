//! The partner's page inside an org: who may frame it, and what a template makes of a record.

pub mod origins;
pub mod template;
