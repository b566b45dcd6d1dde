//! SOQL: from the text of a query to rows, with Salesforce's refusals.
//!
//! [`parser`] reads the text into [`ast`]; [`plan`] is what checking it against the metadata yields;
//! [`evaluate`] runs it over the stored rows, and [`groups`] over groups of them; [`reader`] reads the selected
//! values. [`cursors`] keeps results that are read in pages.

mod aggregate;
pub mod ast;
mod catalog;
pub mod children;
pub mod comparison;
mod content_link;
pub mod cursors;
pub mod date_function;
pub mod dates;
pub mod error;
pub mod evaluate;
pub mod filter;
pub mod format;
pub mod grouping;
pub mod groups;
pub mod lexer;
pub mod like;
pub mod literal;
mod narrow;
pub mod parser;
pub mod path;
pub mod plan;
mod planner;
pub mod reader;
pub mod semi_join;
pub mod setting;
pub mod term;
pub mod token_stream;

pub use cursors::Cursors;
pub use error::SoqlError;
pub use evaluate::{Scope, passes, run};
pub use groups::run_groups;
pub use plan::{Column, Output, Plan};
pub use setting::Setting;
