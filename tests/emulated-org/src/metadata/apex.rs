//! The Apex sources of the organisation, and the place where a further checker is plugged in.

use std::sync::Arc;

use super::Metadata;
use super::store::Stored;
use crate::schema::Schema;

/// One Apex source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApexSource {
    /// `ApexClass` or `ApexTrigger`.
    pub kind: &'static str,
    /// Its name.
    pub name: String,
    /// Its file in the package, such as `classes/Greeter.cls`.
    pub file: String,
    /// Its text.
    pub body: String,
    /// Its API version, such as `68.0`.
    pub api_version: String,
    /// Whether its status is Active.
    pub active: bool,
}

/// An error of an Apex source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApexProblem {
    /// The file, as [`ApexSource::file`] has it.
    pub file: String,
    /// The line, from 1.
    pub line: usize,
    /// The column, from 1.
    pub column: usize,
    /// What is wrong.
    pub message: String,
}

/// The Apex of the organisation as a deployment would leave it, with what it may name.
#[derive(Clone, Debug)]
pub struct ApexDeployment<'a> {
    /// The classes and triggers.
    pub sources: &'a [ApexSource],
    /// The objects and fields.
    pub schema: &'a Schema,
    /// The custom labels.
    pub labels: Vec<String>,
}

/// Checks all Apex sources of the organisation as a deployment would leave them.
pub trait ApexCheck: Send + Sync {
    /// What is wrong with them; nothing, and the deployment goes through.
    fn check(&self, deployment: &ApexDeployment<'_>) -> Vec<ApexProblem>;
}

/// Which tests a deployment asks for (Metadata API Developer Guide, `testLevel`).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum TestLevel {
    /// `NoTestRun`, and what is asked for when nothing is.
    #[default]
    None,
    /// `RunSpecifiedTests` of these classes.
    Specified(Vec<String>),
    /// `RunLocalTests`.
    Local,
    /// `RunAllTestsInOrg`.
    All,
    /// `RunRelevantTests`.
    Relevant,
}

impl TestLevel {
    /// Salesforce's word for it.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::None => "NoTestRun",
            Self::Specified(_) => "RunSpecifiedTests",
            Self::Local => "RunLocalTests",
            Self::All => "RunAllTestsInOrg",
            Self::Relevant => "RunRelevantTests",
        }
    }
}

/// What is plugged in besides the compiler.
#[derive(Clone, Default)]
pub(super) struct Plugged {
    pub check: Option<Arc<dyn ApexCheck>>,
}

impl std::fmt::Debug for Plugged {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("Plugged")
            .field("check", &self.check.is_some())
            .finish()
    }
}

impl Metadata {
    /// Lets `check` find errors in the Apex of every deployment from now on, besides those of the compiler.
    pub fn set_apex_check(&self, check: Arc<dyn ApexCheck>) {
        self.lock().plugged.check = Some(check);
    }

    /// All Apex classes and triggers of the organisation.
    #[must_use]
    pub fn apex_sources(&self) -> Vec<ApexSource> {
        let state = self.lock();
        let stored = ["ApexClass", "ApexTrigger"];
        stored
            .iter()
            .flat_map(|kind| state.components.of(kind))
            .filter_map(|stored| source_of(stored))
            .collect()
    }
}

pub(super) fn source_of(stored: &Stored) -> Option<ApexSource> {
    ApexSource::of(&stored.component)
}

impl ApexSource {
    pub(super) fn of(component: &super::package::Component) -> Option<Self> {
        if !matches!(component.kind, "ApexClass" | "ApexTrigger") {
            return None;
        }
        let definition = component.definition.as_ref()?;
        Some(Self {
            kind: component.kind,
            name: component.name.clone(),
            file: component.file.clone(),
            body: component.source()?.to_owned(),
            api_version: definition.text_of("apiVersion")?.to_owned(),
            active: definition
                .text_of("status")
                .is_none_or(|status| status == "Active"),
        })
    }
}
