//! A deployment from zip to outcome: read, checked as a whole, then taken as a whole or not at all.
//!
//! Source: Metadata API Developer Guide, deploy(), DeployOptions.

use std::collections::BTreeSet;
use std::sync::Arc;

use chrono::{DateTime, Utc};

use super::apex::{ApexDeployment, ApexProblem, ApexSource, Plugged, TestLevel};
use super::apply::{self, Change};
use super::package::{Component, Package};
use super::removal::remove;
use super::result::{Message, Outcome, Problem};
use super::schema_change::{self, ChangeError, Changed, IN_USE};
use super::store::Components;
use super::world::World;
use super::{custom_metadata, references, shapes, sources, tests};
use crate::apex::Installed;
use crate::id::RecordId;
use crate::org::Org;
use crate::schema::Schema;
use crate::schema::sfdx::AccessSource;

/// What a deployment is asked to do.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is the DeployOptions element of the same name"
)]
pub struct DeployOptions {
    /// Files that the manifest names may be missing.
    pub allow_missing_files: bool,
    /// What the manifest does not name is deployed too.
    pub auto_update_package: bool,
    /// Nothing is kept.
    pub check_only: bool,
    /// Warnings are no errors.
    pub ignore_warnings: bool,
    /// `performRetrieve`, which is only repeated in answers.
    pub perform_retrieve: bool,
    /// What is deleted does not go into the recycle bin.
    pub purge_on_delete: bool,
    /// One refused component refuses all.
    pub rollback_on_error: bool,
    /// Whether the zip holds one package at its root.
    pub single_package: bool,
    /// Which tests are to run; what is not said is `None`.
    pub test_level: Option<TestLevel>,
}

/// The package and the organisation that it would make.
pub(super) struct Attempt {
    pub package: Package,
    pub schema: Schema,
    /// The schema with what the package deletes.
    pub whole: Schema,
    /// What the package says of access.
    pub access: AccessSource,
    /// Formulas and rules that read what is not there any more.
    pub broken: Vec<(&'static str, String)>,
    /// Its Apex, if it has any and all of it compiles.
    pub installed: Option<Arc<Installed>>,
    pub refused: Vec<(&'static str, String, String, Problem)>,
}

/// Runs a deployment to its end.
pub(super) fn run(
    org: &Org,
    zip: &[u8],
    options: &DeployOptions,
    (user, now): (RecordId, DateTime<Utc>),
    plugged: &Plugged,
) -> Outcome {
    let package = match Package::read(zip, options) {
        Ok(package) => package,
        Err(error) => return failed(error),
    };
    let stored = org.metadata.components();
    let level = options
        .test_level
        .clone()
        .unwrap_or_else(|| tests::default_level(org, &package));
    if level == TestLevel::Relevant {
        // Which tests are relevant is the platform's own secret.
        let text = format!("not supported: testLevel {}", level.name());
        return failed(("UNSUPPORTED_OPERATION", text));
    }
    let mut outcome = Outcome::default();
    let mut attempt = match Attempt::make(org, package, &stored, plugged) {
        Ok(attempt) => attempt,
        Err(error) => return failed(("UNKNOWN_EXCEPTION", error.to_string())),
    };
    // Taking out what was refused may leave others without what they name, so the rest is asked again.
    loop {
        let refused = attempt.messages(&mut outcome, options);
        if !refused || options.rollback_on_error {
            break;
        }
        outcome.partial = true;
        attempt.package.messages.clear();
        if attempt.refused.is_empty() {
            break;
        }
        attempt = match Attempt::make(org, attempt.package, &stored, plugged) {
            Ok(attempt) => attempt,
            Err(error) => return failed(("UNKNOWN_EXCEPTION", error.to_string())),
        };
    }
    if !outcome.success() && !outcome.partial {
        attempt.others(&mut outcome, &stored, &org.schema());
        return outcome;
    }
    if level != TestLevel::None {
        if let Err(error) = tests::run(org, &attempt, user, &level, &mut outcome) {
            return failed(error);
        }
        if outcome.tests.failed() > 0 || !outcome.coverage_warnings.is_empty() {
            attempt.others(&mut outcome, &stored, &org.schema());
            return outcome;
        }
    }
    if options.check_only {
        attempt.others(&mut outcome, &stored, &org.schema());
        return outcome;
    }
    if attempt.package.components.is_empty() && attempt.package.doomed.is_empty() {
        outcome.partial = false;
        return outcome;
    }
    let change = Change {
        components: &attempt.package.components,
        doomed: &attempt.package.doomed,
        schema: attempt.schema,
        access: attempt.access,
        installed: attempt.installed,
        user,
        now,
    };
    match apply::apply(org, change) {
        Ok(messages) => outcome.messages.extend(messages),
        Err((code, text)) => return failed((code, text)),
    }
    outcome
}

fn failed(error: (&'static str, String)) -> Outcome {
    Outcome {
        error: Some(error),
        ..Outcome::default()
    }
}

impl Attempt {
    fn make(
        org: &Org,
        package: Package,
        stored: &Components,
        plugged: &Plugged,
    ) -> Result<Self, ChangeError> {
        let before = org.schema();
        let Changed {
            schema: mut whole,
            access,
            refused: mut schema_refused,
        } = schema_change::change(&before, &package.components, stored)?;
        if let Some((kind, name)) = whole.recheck().first() {
            schema_refused.extend(retyped(&before, &whole, &package).map(|component| {
                let problem = Problem::new(format!("{IN_USE} : {kind} - {name}"));
                (component.kind, component.name.clone(), problem)
            }));
        }
        let mut schema = whole.clone();
        for doomed in &package.doomed {
            remove(&mut schema, doomed)?;
        }
        let broken = schema.recheck();
        let mut attempt = Self {
            package,
            schema,
            whole,
            access,
            broken,
            installed: None,
            refused: Vec::new(),
        };
        let file_of = |kind: &str, name: &str| {
            let mut components = attempt.package.components.iter();
            components
                .find(|component| component.kind == kind && component.name == name)
                .map_or_else(String::new, |component| component.file.clone())
        };
        let mut refused: Vec<_> = schema_refused
            .into_iter()
            .map(|(kind, name, problem)| {
                let file = file_of(kind, &name);
                (kind, name, file, problem)
            })
            .collect();
        let world = World {
            schema: &attempt.schema,
            stored,
            package: &attempt.package.components,
            doomed: &attempt.package.doomed,
        };
        let mut seen = BTreeSet::new();
        for component in &attempt.package.components {
            let again = !seen.insert((component.kind, component.name.to_ascii_lowercase()));
            let known = refused
                .iter()
                .position(|(kind, name, _, _)| *kind == component.kind && *name == component.name);
            // The loader has no words for what a permission set, a record type or a rule names and is not there.
            let is_told = known.is_some() && matches!(component.kind, "CustomField" | "CustomObject");
            if is_told {
                continue;
            }
            let problem = problem_of(component, &world, &before, again)
                .or_else(|| attempt.unknown_permission(component).filter(|_| known.is_none()))
                .or_else(|| {
                    let problem = custom_metadata::problem(component, &world, &org.read())?;
                    Some((component.file.clone(), problem))
                });
            if let Some((file, problem)) = problem {
                if let Some(known) = known {
                    refused.remove(known);
                }
                refused.push((component.kind, component.name.clone(), file, problem));
            }
        }
        let sources = attempt.apex(stored);
        let mut problems = match org.compile_deployed(&sources, &attempt.schema, &attempt.labels(stored)) {
            Ok(installed) => {
                attempt.installed = installed;
                Vec::new()
            }
            Err(problems) => problems,
        };
        if let (Some(check), true) = (&plugged.check, problems.is_empty()) {
            let deployment = ApexDeployment {
                sources: &sources,
                schema: &attempt.schema,
                labels: attempt.labels(stored).into_keys().collect(),
            };
            problems = check.check(&deployment);
        }
        let apex = problems.into_iter().map(|problem| attempt.apex_problem(problem));
        for found in apex.collect::<Vec<_>>() {
            // One reason is enough for what names what is not there.
            let is_told =
                |(kind, name, _, _): &(&str, String, String, Problem)| *kind == found.0 && *name == found.1;
            if !refused.iter().any(is_told) {
                refused.push(found);
            }
        }
        refused.extend(attempt.classes_with_jobs(org, stored));
        attempt.refused = refused;
        let kept = attempt.doomed_in_use(org, stored)?;
        attempt.refused.extend(kept);
        Ok(attempt)
    }

    /// An error in Apex as that of a component; what is not in the package is broken by it.
    fn apex_problem(&self, problem: ApexProblem) -> (&'static str, String, String, Problem) {
        let mut components = self.package.components.iter();
        let found = components.find(|component| component.file == problem.file);
        let place = (Some(problem.line), Some(problem.column));
        let (text, (line, column)) = match found {
            Some(_) => (problem.message, place),
            None => {
                let broken = format!(
                    "Dependent class is invalid and needs recompilation:\n {}: {}",
                    problem.file, problem.message
                );
                (broken, place)
            }
        };
        let (kind, name) = found.map_or(("ApexClass", problem.file.clone()), |component| {
            (component.kind, component.name.clone())
        });
        (kind, name, problem.file, Problem { text, line, column })
    }

    /// What a permission set or a profile grants and the organisation does not know.
    fn unknown_permission(&self, component: &Component) -> Option<(String, Problem)> {
        let holders = match component.kind {
            "PermissionSet" => &self.access.permission_sets,
            "Profile" => &self.access.profiles,
            _ => return None,
        };
        let (_, _, definition) = holders.iter().find(|(_, name, _)| *name == component.name)?;
        let error = definition.check(&self.schema).err()?;
        let problem = match &component.definition {
            Some(element) => Problem::at(element, error.to_string()),
            None => Problem::new(error.to_string()),
        };
        Some((component.file.clone(), problem))
    }

    /// Notes what was refused and takes it out of the package; whether there was anything.
    fn messages(&mut self, outcome: &mut Outcome, options: &DeployOptions) -> bool {
        let mut any = false;
        for mut message in self.package.messages.drain(..) {
            // `ignoreWarnings`: what is not ignored is treated as an error.
            message.success |= message.warning && options.ignore_warnings;
            any |= !message.success;
            outcome.messages.push(message);
        }
        for (kind, name, file, problem) in &self.refused {
            any = true;
            outcome.messages.push(Message {
                component_type: (*kind).to_owned(),
                full_name: name.clone(),
                file_name: file.clone(),
                problem: Some(problem.clone()),
                warning: false,
                success: false,
                created: false,
                changed: false,
                deleted: false,
                id: None,
            });
        }
        let refused = &self.refused;
        let is_refused = |kind: &str, name: &str| {
            refused
                .iter()
                .any(|(known, other, _, _)| *known == kind && other == name)
        };
        self.package
            .components
            .retain(|component| !is_refused(component.kind, &component.name));
        self.package
            .doomed
            .retain(|doomed| !is_refused(&doomed.kind, &doomed.name));
        any
    }

    /// Notes the components that nothing is wrong with, of a deployment that keeps nothing.
    fn others(&self, outcome: &mut Outcome, stored: &Components, before: &Schema) {
        for component in &self.package.components {
            let known = stored.get(component.kind, &component.name);
            outcome.messages.push(Message {
                created: known.is_none(),
                changed: known.is_none_or(|known| known.component != *component),
                id: known.map(|known| known.id.as_str().to_owned()),
                ..component.message(None)
            });
        }
        for doomed in &self.package.doomed {
            outcome.messages.push(apply::deleted(doomed, stored, before));
        }
    }

    /// The Apex of the organisation as the deployment would leave it.
    fn apex(&self, stored: &Components) -> Vec<ApexSource> {
        let new = self.package.components.iter().filter_map(ApexSource::of);
        let old = ["ApexClass", "ApexTrigger"]
            .into_iter()
            .flat_map(|kind| stored.of(kind))
            .filter(|old| {
                let same = |kind: &str, name: &str| {
                    kind == old.component.kind && name.eq_ignore_ascii_case(&old.component.name)
                };
                !self
                    .package
                    .components
                    .iter()
                    .any(|new| same(new.kind, &new.name))
                    && !self
                        .package
                        .doomed
                        .iter()
                        .any(|doomed| same(&doomed.kind, &doomed.name))
            })
            .filter_map(|old| ApexSource::of(&old.component));
        new.chain(old).collect()
    }
}

/// The fields of a package whose type is another than before.
fn retyped<'p>(before: &Schema, after: &Schema, package: &'p Package) -> impl Iterator<Item = &'p Component> {
    package.components.iter().filter(move |component| {
        let kind_in = |schema: &Schema| {
            let (object, field) = component.name.split_once('.')?;
            let object = schema.object(schema_change::behind(object).first()?)?;
            Some(object.field(field)?.1.kind)
        };
        let was = kind_in(before);
        let is = kind_in(after);
        component.kind == "CustomField" && was.is_some() && is.is_some() && was != is
    })
}

pub(super) fn broken(component: &Component, world: &World<'_>) -> Option<Problem> {
    references::check(component, world)
        .or_else(|| sources::check(component, world).map(|(_, problem)| problem))
}

fn problem_of(
    component: &Component,
    world: &World<'_>,
    before: &Schema,
    again: bool,
) -> Option<(String, Problem)> {
    let own = |problem: Problem| Some((component.file.clone(), problem));
    if again {
        return own(Problem::new(format!(
            "duplicate value found: {} twice in the package",
            component.name
        )));
    }
    if let Some(definition) = &component.definition {
        // What changes an object that is there need not say all of it.
        let partial = component.kind == "CustomObject" && before.object(&component.name).is_some();
        if !partial && let Some(problem) = shapes::missing(definition, component.kind) {
            return own(problem);
        }
    }
    if let Some(problem) = super::names::check(component, world) {
        return own(problem);
    }
    if let Some(problem) = references::check(component, world) {
        return own(problem);
    }
    sources::check(component, world)
}
