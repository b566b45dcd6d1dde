//! Runs Apex: a parser, a type checker for what must be known, and a machine. Correct on what it supports;
//! everything else stops with `not supported: <what>, <Class>:<line>`.
//!
//! ```
//! use std::sync::Arc;
//! use apex_runtime::{NoOrg, Program, Schema, Source, TestFilter};
//!
//! let source = Source::class("SumTest", "@IsTest class SumTest {
//!     @IsTest static void adds() { System.assertEquals(3, 1 + 2); }
//! }");
//! let program = Program::compile(&[source], &Arc::new(Schema::default())).map_err(|e| format!("{e:?}"))?;
//! let run = program.run_tests(&NoOrg::default(), &TestFilter::default());
//! assert!(run.results.iter().all(|result| result.failure.is_none()));
//! # Ok::<(), String>(())
//! ```

pub mod catalogue;
pub mod compile;
pub mod error;
pub mod host;
pub mod mutation;
pub mod outcome;
pub mod program;
pub mod run;
pub mod schema;
pub mod syntax;
pub mod types;

pub use error::{CompileError, Unsupported};
pub use host::{AccessMode, Host, HostError, NoOrg};
pub use outcome::{Failure, FailureKind, TestFilter, TestResult, TestRun};
pub use program::{AnonymousError, InvokeError, Program, Source};
pub use run::Machine;
pub use run::outside::{OutsideError, RestCall, RestReply};
pub use run::trigger::{TriggerEvent, TriggerFailure};
pub use run::value::Value;
pub use schema::{
    ChildRelationship, FieldDetails, FieldKind, PicklistValue, SObjectField, SObjectType, Schema,
};
