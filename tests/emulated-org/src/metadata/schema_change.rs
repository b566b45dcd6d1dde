//! What of a package the loader for source folders takes: objects, fields, value sets and rules, which go into the
//! schema, and what it reads of permission sets, profiles and record types.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::layout::lay_out;
use super::package::Component;
use super::result::Problem;
use super::store::Components;
use crate::schema::sfdx::{self, AccessSource, SfdxError};
use crate::schema::{Schema, SchemaError};

/// A component that the loader cannot take, and why.
pub(super) type Refused = (&'static str, String, Problem);

/// Why a schema could not be changed at all.
#[derive(Debug, thiserror::Error)]
pub(super) enum ChangeError {
    #[error("the package's objects cannot be laid out: {0}")]
    Io(#[from] io::Error),
    #[error("{0}")]
    Schema(#[from] SchemaError),
}

/// What is said of what others name.
pub(super) const IN_USE: &str =
    "This component is referenced elsewhere in Salesforce. Remove the usage and try again.";

/// What the loader makes of a package.
#[derive(Debug)]
pub(super) struct Changed {
    /// The schema as the package would leave it.
    pub schema: Schema,
    /// What the package says of access.
    pub access: AccessSource,
    /// What of the package the loader cannot take.
    pub refused: Vec<Refused>,
}

/// Hands a package to the loader.
pub(super) fn change(
    schema: &Schema,
    package: &[Component],
    stored: &Components,
) -> Result<Changed, ChangeError> {
    let folder = tempfile::tempdir()?;
    let mut attempt = Attempt {
        before: schema,
        changed: schema.clone(),
        root: folder.path(),
        files: Vec::new(),
        refused: Vec::new(),
    };
    for component in package {
        attempt.take(component, package)?;
    }
    attempt.lay_out_value_sets(package, stored)?;
    attempt.lay_out_duplicate_rules(package, stored)?;
    let access = attempt.load()?;
    attempt.refuse_changed_types();
    attempt.pass_on(package);
    let Attempt {
        mut changed, refused, ..
    } = attempt;
    changed.keep_positions(schema)?;
    Ok(Changed {
        schema: changed,
        access,
        refused,
    })
}

/// A package on its way through the loader.
struct Attempt<'a> {
    before: &'a Schema,
    changed: Schema,
    root: &'a Path,
    /// What the loader is given, and whose it is.
    files: Vec<(PathBuf, &'a Component)>,
    refused: Vec<Refused>,
}

impl<'a> Attempt<'a> {
    /// Lays out a component and makes room for it in the schema.
    fn take(&mut self, component: &'a Component, package: &[Component]) -> Result<(), ChangeError> {
        let name = component.name.as_str();
        let (object, part) = name.split_once('.').unwrap_or((name, ""));
        let known = behind(object)
            .iter()
            .all(|object| self.before.object(object).is_some());
        let is_new = !known
            && package
                .iter()
                .any(|other| other.kind == "CustomObject" && other.name == object);
        match component.kind {
            "GlobalValueSet" | "PermissionSet" | "Profile" => self.write(component)?,
            "CustomObject" if name == "Activity" => {}
            "CustomObject" if known => self.redefine(component)?,
            "CustomObject" if !is_custom(name) => {
                self.refused.push(no_such_object(component, name));
            }
            "CustomObject" => self.write(component)?,
            "CustomField" | "ValidationRule" | "RecordType" | "FieldSet" | "DuplicateRule"
            | "MatchingRule"
                if known || is_new =>
            {
                for object in behind(object) {
                    self.make_room(component.kind, object, part)?;
                }
                // Both kinds of rules are laid out together with those that are there.
                if !matches!(component.kind, "DuplicateRule" | "MatchingRule") {
                    self.write(component)?;
                }
            }
            "CustomField" | "ValidationRule" | "RecordType" | "DuplicateRule" | "MatchingRule"
            | "ListView" | "FieldSet" | "CompactLayout" | "WebLink" | "BusinessProcess" | "Index"
            | "SharingReason"
                if !known && !is_new =>
            {
                self.refused.push(no_such_object(component, object));
            }
            _ => {}
        }
        Ok(())
    }

    /// Takes out of the schema what is about to be loaded again.
    fn make_room(&mut self, kind: &str, object: &str, part: &str) -> Result<(), ChangeError> {
        let Some(known) = self.before.object(object) else {
            return Ok(());
        };
        match kind {
            "CustomField" if is_custom(part) && known.field(part).is_some() => {
                self.changed.remove_field(object, part)?;
            }
            "ValidationRule" => self.changed.remove_validation_rule(object, part)?,
            _ => {}
        }
        Ok(())
    }

    fn write(&mut self, component: &'a Component) -> io::Result<()> {
        if let Some(path) = lay_out(self.root, component)? {
            self.files.push((path, component));
        }
        Ok(())
    }

    /// An object that is there is not loaded again: its file changes little of it.
    fn redefine(&mut self, component: &'a Component) -> Result<(), ChangeError> {
        let folder = tempfile::tempdir()?;
        let Some(path) = lay_out(folder.path(), component)? else {
            return Ok(());
        };
        if let Err(error) = sfdx::redefine(&mut self.changed, &component.name, &path) {
            self.refuse(component, &described(&error).1);
        }
        Ok(())
    }

    /// Fields name global value sets that are there already.
    fn lay_out_value_sets(&self, package: &[Component], stored: &Components) -> io::Result<()> {
        for set in stored.of("GlobalValueSet") {
            if !has(package, &set.component) {
                lay_out(self.root, &set.component)?;
            }
        }
        Ok(())
    }

    /// A duplicate rule and the matching rules that it goes by may come one after the other, so all of them are loaded
    /// anew as soon as one is deployed.
    fn lay_out_duplicate_rules(
        &mut self,
        package: &'a [Component],
        stored: &'a Components,
    ) -> Result<(), ChangeError> {
        let is_rule = |component: &&Component| matches!(component.kind, "DuplicateRule" | "MatchingRule");
        if !package.iter().any(|component| is_rule(&component)) {
            return Ok(());
        }
        let kept = ["DuplicateRule", "MatchingRule"]
            .into_iter()
            .flat_map(|kind| stored.of(kind))
            .map(|stored| &stored.component)
            .filter(|component| !has(package, component));
        let rules: Vec<&Component> = package.iter().filter(is_rule).chain(kept).collect();
        let mut matching: BTreeMap<&str, Vec<&'a Component>> = BTreeMap::new();
        for rule in rules {
            let (object, name) = rule.name.split_once('.').unwrap_or_default();
            if self.changed.object(object).is_none() {
                continue;
            }
            if rule.kind == "DuplicateRule" {
                self.changed.remove_duplicate_rule(object, name)?;
                self.write(rule)?;
            } else {
                matching.entry(object).or_default().push(rule);
            }
        }
        for (object, rules) in matching {
            let path = super::layout::matching_rules(self.root, object, &rules)?;
            self.files
                .extend(rules.into_iter().map(|rule| (path.clone(), rule)));
        }
        Ok(())
    }

    /// Lets the loader read everything. It stops at the first file that it cannot take; what is left may still be
    /// taken or refused.
    fn load(&mut self) -> Result<AccessSource, ChangeError> {
        loop {
            let mut loaded = self.changed.clone();
            let read = sfdx::load(&mut loaded, &[self.root]).and_then(|()| sfdx::access(&[self.root]));
            match read {
                Ok(access) => {
                    self.changed = loaded;
                    return Ok(access);
                }
                Err(error) => self.refuse_file(&error)?,
            }
        }
    }

    /// Refuses the components of the file that the loader stopped at, and takes it away.
    fn refuse_file(&mut self, error: &SfdxError) -> Result<(), ChangeError> {
        let (path, text) = described(error);
        let unnamed = path.as_os_str().is_empty();
        let at_fault = |file: &Path, component: &Component| {
            // A formula that is there may lead back to itself through one that is new.
            let is_formula = component
                .definition
                .as_ref()
                .is_some_and(|definition| definition.child("formula").is_some());
            file == path || (!unnamed && file.starts_with(path)) || unnamed && is_formula
        };
        let mut found = self.files.iter();
        let Some((file, component)) = found
            .find(|(file, component)| at_fault(file, component))
            .map(|(file, component)| (file.clone(), *component))
        else {
            return Err(io::Error::other(error.to_string()).into());
        };
        let gone = if component.kind == "CustomObject" {
            // Without their object its parts cannot be asked.
            file.parent().unwrap_or(&file)
        } else {
            &file
        };
        let (refused, left) = std::mem::take(&mut self.files)
            .into_iter()
            .partition(|(other, _)| *other == file);
        self.files = left;
        self.files.retain(|(other, _)| !other.starts_with(gone));
        for (_, component) in refused {
            self.refuse(component, &text);
            self.restore(component)?;
        }
        if gone.is_dir() {
            fs::remove_dir_all(gone)?;
        } else {
            fs::remove_file(gone)?;
        }
        Ok(())
    }

    /// Puts a refused field back that was there before, so that what names it is not refused as well.
    fn restore(&mut self, component: &Component) -> Result<(), ChangeError> {
        let (object, field) = component.name.split_once('.').unwrap_or_default();
        for object in behind(object) {
            let known = self.before.object(object);
            let known = known.and_then(|known| known.field(field));
            if component.kind == "CustomField"
                && let Some((_, known)) = known
                && self
                    .changed
                    .object(object)
                    .is_some_and(|object| object.field(field).is_none())
            {
                self.changed.add_field(object, known.clone())?;
            }
        }
        Ok(())
    }

    fn refuse(&mut self, component: &Component, text: &str) {
        let problem = match &component.definition {
            Some(element) => Problem::at(element, text),
            None => Problem::new(text),
        };
        self.refused
            .push((component.kind, component.name.clone(), problem));
    }

    fn refuse_changed_types(&mut self) {
        let refused: Vec<Refused> = self
            .files
            .iter()
            .filter_map(|(_, component)| changed_type(self.before, &self.changed, component))
            .collect();
        self.refused.extend(refused);
    }

    /// A duplicate rule that is there and no longer holds is told of the matching rules that the package changes.
    fn pass_on(&mut self, package: &[Component]) {
        let is_own = |(kind, name, _): &Refused| {
            let mut own = package.iter();
            own.any(|component| component.kind == *kind && component.name == *name)
        };
        let (own, kept): (Vec<Refused>, Vec<Refused>) =
            std::mem::take(&mut self.refused).into_iter().partition(is_own);
        self.refused = own;
        let told = self.refused.iter().any(|(kind, _, _)| *kind == "MatchingRule");
        let Some((kind, name, _)) = kept.first().filter(|_| !told) else {
            return;
        };
        let changed = package
            .iter()
            .filter(|component| component.kind == "MatchingRule");
        for component in changed {
            self.refuse(component, &format!("{IN_USE} : {kind} - {name}"));
        }
    }
}

fn has(package: &[Component], component: &Component) -> bool {
    package
        .iter()
        .any(|other| other.kind == component.kind && other.name == component.name)
}

/// Which conversions of stored values Salesforce makes is not known well enough to make any (believed text).
fn changed_type(before: &Schema, after: &Schema, component: &Component) -> Option<Refused> {
    let (object, field) = component.name.split_once('.')?;
    let object = *behind(object).first()?;
    let old = before.object(object)?.field(field)?.1;
    let new = after.object(object)?.field(field)?.1;
    if old.kind == new.kind || old.calculated && new.calculated {
        return None;
    }
    let text = format!(
        "Cannot change the type of {} from {} to {}",
        component.name,
        old.kind.name(),
        new.kind.name()
    );
    let problem = component
        .definition
        .as_ref()
        .map(|element| Problem::at(element, text))?;
    Some((component.kind, component.name.clone(), problem))
}

fn no_such_object(component: &Component, object: &str) -> Refused {
    let text = format!("Entity of type 'CustomObject' named '{object}' cannot be found");
    let problem = match &component.definition {
        Some(element) => Problem::at(element, text),
        None => Problem::new(text),
    };
    (component.kind, component.name.clone(), problem)
}

/// The file that the loader stopped at, and its reason in the words of a deployment where they are known.
fn described(error: &SfdxError) -> (&Path, String) {
    let (path, text) = match error {
        SfdxError::Read { path, source } => (path, source.to_string()),
        SfdxError::Malformed { path, source } => (path, source.to_string()),
        SfdxError::Elements { path, source } => (path, source.to_string()),
        SfdxError::Invalid { path, reason } => (path, reason.clone()),
        SfdxError::Schema { path, source } => (path, source.to_string()),
    };
    let between = |before: &str, after: &str| {
        let rest = text.strip_prefix(before)?;
        Some(rest.get(..rest.find(after)?)?.to_owned())
    };
    let told = between("referenceTo: object ", " is neither")
        .map(|object| format!("referenceTo value of '{object}' does not resolve to a valid sObject type"))
        .or_else(|| {
            between("valueSetName: global value set ", " is not")
                .map(|set| format!("In field: valueSetName - no GlobalValueSet named {set} found"))
        });
    let told = told.or_else(|| {
        let formula = ["formula: ", "errorConditionFormula: "];
        let told = formula.into_iter().find_map(|element| text.strip_prefix(element));
        told.map(str::to_owned)
    });
    (path.as_path(), told.unwrap_or(text))
}

fn is_custom(name: &str) -> bool {
    name.rsplit_once("__")
        .is_some_and(|(_, suffix)| !suffix.is_empty())
}

/// Fields of Activity are fields of Task and Event.
pub(super) fn behind(object: &str) -> Vec<&str> {
    if object == "Activity" {
        vec!["Task", "Event"]
    } else {
        vec![object]
    }
}
