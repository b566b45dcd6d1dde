//! What a source can be refused for.

use std::fmt;
use std::sync::Arc;

use crate::syntax::Position;

/// A source does not compile.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CompileError {
    /// The class or trigger (without extension).
    pub file: Arc<str>,
    /// Where.
    pub at: Position,
    /// What is wrong, in Salesforce's words where they are known.
    pub message: String,
}

impl CompileError {
    /// An error at a place.
    pub fn new(file: &str, at: Position, message: impl Into<String>) -> Self {
        Self {
            file: file.into(),
            at,
            message: message.into(),
        }
    }
}

impl fmt::Display for CompileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}:{}:{}: {}",
            self.file, self.at.line, self.at.column, self.message
        )
    }
}

impl std::error::Error for CompileError {}

/// A named feature that the runtime refuses, found while compiling; reaching it at run time stops the
/// transaction with the same words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unsupported {
    /// What is not supported: `Messaging.sendEmail`.
    pub what: String,
    /// The class or trigger.
    pub file: Arc<str>,
    /// The line.
    pub line: u32,
}

impl fmt::Display for Unsupported {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "not supported: {}, {}:{}", self.what, self.file, self.line)
    }
}
