//! What became of a deployment, part by part.
//!
//! Source: Metadata API Developer Guide, DeployResult, DeployDetails and DeployMessage.

use super::xml::Element;
use crate::apex::TestReport;

/// What is wrong, and where in its file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// In Salesforce's words.
    pub text: String,
    /// The line, from 1, where one is at fault.
    pub line: Option<usize>,
    /// The column, from 1.
    pub column: Option<usize>,
}

impl Problem {
    /// A problem of a whole file.
    pub fn new(text: impl Into<String>) -> Self {
        Self {
            text: text.into(),
            line: None,
            column: None,
        }
    }

    pub(super) fn at(element: &Element, text: impl Into<String>) -> Self {
        Self {
            text: text.into(),
            line: Some(element.line),
            column: Some(element.column),
        }
    }
}

/// The fate of one component: Salesforce's `DeployMessage`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// The type, empty for the manifest.
    pub component_type: String,
    /// The name.
    pub full_name: String,
    /// The file in the package, `package.xml` for what it names without a file.
    pub file_name: String,
    /// Why it was refused, or what it is warned of.
    pub problem: Option<Problem>,
    /// Whether the problem is a mere warning.
    pub warning: bool,
    /// Whether the component was taken.
    pub success: bool,
    /// Whether it was new.
    pub created: bool,
    /// Whether it differs from what was there.
    pub changed: bool,
    /// Whether it was deleted.
    pub deleted: bool,
    /// Its id, for what has one.
    pub id: Option<String>,
}

/// The outcome of a deployment that has come to its end.
#[derive(Clone, Debug, Default)]
pub struct Outcome {
    /// Every component, the manifest included.
    pub messages: Vec<Message>,
    /// Why nothing could be looked at.
    pub error: Option<(&'static str, String)>,
    /// Whether the components that were not refused were taken although others were.
    pub partial: bool,
    /// Tests that were run.
    pub tests: TestReport,
    /// What they do not cover enough.
    pub coverage_warnings: Vec<CoverageWarning>,
}

/// Code that the tests of a deployment do not cover as Salesforce asks: its `CodeCoverageWarning`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CoverageWarning {
    /// The class or trigger, if it is about one.
    pub name: Option<String>,
    /// In Salesforce's words.
    pub message: String,
}

impl Outcome {
    /// The components that were refused.
    pub fn failures(&self) -> impl Iterator<Item = &Message> {
        self.messages.iter().filter(|message| !message.success)
    }

    /// The components that were taken.
    pub fn successes(&self) -> impl Iterator<Item = &Message> {
        self.messages.iter().filter(|message| message.success)
    }

    /// Whether all went well.
    #[must_use]
    pub fn success(&self) -> bool {
        self.error.is_none()
            && self.failures().next().is_none()
            && self.tests.failed() == 0
            && self.coverage_warnings.is_empty()
    }
}
