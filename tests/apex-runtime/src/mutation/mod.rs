//! Mutants: copies of a class or trigger with one small mistake each, for the question whether its tests would notice.
//!
//! `rules` says which mistakes there are. Two ways to write one mistake count once: an `if` whose condition is always
//! false stands for one that is taken out, the opposite of a comparison for its negation, a negated condition for
//! swapped branches. Statements that only write a debug log are left alone, since no test can see them.

mod name;
mod place;
mod result;
mod rules;

use std::ops::{Range, RangeInclusive};

use crate::error::CompileError;
use crate::program::Source;

/// A source with one mistake.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mutant {
    /// The class or trigger.
    pub file: String,
    /// What it is known by, also when lines above it come or go: file, method, what was there and what is there now.
    pub name: String,
    /// The line of the mistake.
    pub line: u32,
    /// The lines of the statement, or of the declaration, that it is in: whatever runs the mistake runs one of them.
    pub lines: RangeInclusive<u32>,
    range: Range<usize>,
    replacement: String,
}

impl Mutant {
    /// The text with the mistake.
    #[must_use]
    pub fn text_of(&self, source: &Source) -> String {
        let mut text = source.text.clone();
        text.replace_range(self.range.clone(), &self.replacement);
        text
    }
}

/// All mutants of a class or trigger, in the order of their places.
///
/// # Errors
/// The source cannot be read.
pub fn mutants(source: &Source) -> Result<Vec<Mutant>, CompileError> {
    let found = rules::find(source)?;
    let mut mutants: Vec<Mutant> = Vec::with_capacity(found.len());
    for (name, mistake) in name::unique(found) {
        mutants.push(Mutant {
            file: source.name.clone(),
            name,
            line: mistake.line,
            lines: mistake.lines,
            range: mistake.range,
            replacement: mistake.replacement,
        });
    }
    Ok(mutants)
}
