//! SOQL: from the text of a query to rows, with Salesforce's refusals.
//!
//! [`parser`] reads the text into [`ast`]; [`plan`] checks it against the metadata; [`evaluate`] runs it over
//! the stored rows; [`reader`] reads the selected values. [`cursors`] keeps results that are read in pages.

pub mod ast;
pub mod cursors;
pub mod dates;
pub mod error;
pub mod evaluate;
pub mod filter;
pub mod lexer;
pub mod like;
pub mod literal;
pub mod parser;
pub mod path;
pub mod plan;
pub mod reader;
pub mod token_stream;

pub use cursors::Cursors;
pub use error::SoqlError;
pub use evaluate::{Scope, passes, run};
pub use plan::{Output, Plan};
