//! Object mappings: from the document an admin writes to the checked plan that the sync obeys.

pub mod catalog;
mod check;
pub mod convert;
pub mod document;
pub mod literal;
mod marks;
pub mod nearest;
pub mod pairing;
pub mod plan;
pub mod reading;
#[cfg(test)]
pub(crate) mod sample;
mod writing;

pub use catalog::{PartnerType, SalesforceField, SalesforceObject, SalesforceType};
pub use convert::{ConversionCause, ConversionProblem};
pub use document::{DeletePolicy, Direction, MappingDocument, Scope, SyncRule};
pub use plan::{FieldPlan, MappingPlan, MappingProblem};
