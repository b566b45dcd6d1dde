//! The organisation's Apex as a program, and what changes it: source folders and deployments.
//!
//! Classes and triggers come from two sides: [`Org::set_apex`] loads them, deployments bring and replace them. What
//! is deployed hides what was loaded under its name.

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError};

use apex_runtime::program::{CURRENT_API_VERSION, SourceKind};
use apex_runtime::{CompileError, Program, Source};

use crate::data::{Author, Authority, Draft, DuplicateOptions, Operation, Row, Transaction};
use crate::metadata::{ApexProblem, ApexSource};
use crate::org::Org;
use crate::schema::Schema;
use crate::value::Value;

/// Classes and triggers as they are at one time.
#[derive(Debug)]
pub(crate) struct Installed {
    pub(crate) sources: Vec<Source>,
    pub(crate) program: Arc<Program>,
}

impl Installed {
    pub(super) fn compile(
        sources: Vec<Source>,
        schema: &Schema,
        labels: &BTreeMap<String, String>,
    ) -> Result<Self, Vec<CompileError>> {
        let labels = labels.iter().map(|(name, text)| (name.as_str(), text.as_str()));
        let schema = Arc::new(super::schema::convert(schema).with_labels(labels));
        let program = Arc::new(Program::compile(&sources, &schema)?);
        Ok(Self { sources, program })
    }
}

impl Org {
    /// Replaces all classes and triggers but those that were deployed. Compiled against the metadata as it is now; a
    /// later change to it other than by a deployment calls for another call.
    ///
    /// # Errors
    /// Everything that does not compile, with file, line and column; nothing has changed then.
    pub fn set_apex(&self, sources: Vec<Source>) -> Result<(), Vec<CompileError>> {
        let deployed = self.metadata.apex_sources();
        let together = together(&sources, &deployed);
        let installed = Installed::compile(together, &self.schema(), &self.labels(&self.metadata.labels()))?;
        self.record_sources(&sources, &deployed, &installed.program);
        *self.apex.loaded.write().unwrap_or_else(PoisonError::into_inner) = sources;
        self.install(Some(Arc::new(installed)));
        let schema = self.schema();
        self.record_entity_access(&mut self.write(), &schema);
        Ok(())
    }

    /// The classes and triggers as they are now.
    #[must_use]
    pub fn apex_sources(&self) -> Vec<Source> {
        self.apex
            .installed()
            .map_or_else(Vec::new, |installed| installed.sources.clone())
    }

    /// Compiles the sources that a deployment would leave behind, together with what was loaded.
    pub(crate) fn compile_deployed(
        &self,
        deployed: &[ApexSource],
        schema: &Schema,
        labels: &BTreeMap<String, String>,
    ) -> Result<Option<Arc<Installed>>, Vec<ApexProblem>> {
        let loaded = self.apex.loaded.read().unwrap_or_else(PoisonError::into_inner);
        let sources = together(&loaded, deployed);
        drop(loaded);
        if sources.is_empty() {
            return Ok(None);
        }
        let problem = |error: CompileError| {
            let known = deployed.iter().find(|source| *source.name == *error.file);
            ApexProblem {
                file: known.map_or_else(|| error.file.to_string(), |source| source.file.clone()),
                line: usize::try_from(error.at.line).unwrap_or_default(),
                column: usize::try_from(error.at.column).unwrap_or_default(),
                message: error.message,
            }
        };
        Installed::compile(sources, schema, &self.labels(labels))
            .map(|installed| Some(Arc::new(installed)))
            .map_err(|errors| errors.into_iter().map(problem).collect())
    }

    /// The custom labels of source folders with those of deployments, which hide them.
    pub(super) fn labels(&self, deployed: &BTreeMap<String, String>) -> BTreeMap<String, String> {
        let hidden = |name: &String| deployed.keys().any(|known| known.eq_ignore_ascii_case(name));
        let mut labels = self.apex.labels();
        labels.retain(|name, _| !hidden(name));
        labels.extend(deployed.clone());
        labels
    }

    /// From now on these run.
    pub(crate) fn install(&self, installed: Option<Arc<Installed>>) {
        *self
            .apex
            .installed
            .write()
            .unwrap_or_else(PoisonError::into_inner) = installed;
        self.apex.jobs.events(super::events::Events::start_again);
        // Lines may be others now.
        *self.apex.coverage.lock().unwrap_or_else(PoisonError::into_inner) = Default::default();
    }

    /// `ApexClass` and `ApexTrigger` say what there is. Records of deployed ones belong to their deployments.
    fn record_sources(&self, loaded: &[Source], deployed: &[ApexSource], program: &Program) {
        let schema = self.schema();
        let mut data = self.write();
        let author = Author {
            user: self.admin,
            now: self.clock.now(),
            authority: Authority::Platform,
            duplicates: DuplicateOptions::default(),
        };
        for (object, kind) in [
            ("ApexClass", SourceKind::Class),
            ("ApexTrigger", SourceKind::Trigger),
        ] {
            let (Some(object), Some(table)) = (schema.object(object), data.table(object)) else {
                continue;
            };
            let name_of = |row: &Row| object.field("Name").map(|(at, _)| row.get(at).clone());
            let known: Vec<_> = table.rows().map(|row| (row.id(), name_of(row))).collect();
            let named = |name: &str| {
                let wanted = Some(Value::text(name));
                known
                    .iter()
                    .find(|(_, known)| *known == wanted)
                    .map(|(id, _)| *id)
            };
            let mut transaction = Transaction::begin(&mut data, &schema, author);
            let of_kind = || loaded.iter().filter(|source| source.kind == kind);
            for (id, name) in &known {
                let is_loaded = of_kind().any(|source| Some(Value::text(source.name.as_str())) == *name);
                let is_deployed = deployed.iter().any(|source| {
                    source.kind == object.name && Some(Value::text(source.name.as_str())) == *name
                });
                if !is_loaded && !is_deployed {
                    let object = Arc::clone(object);
                    drop(transaction.save(Operation::HardDelete { object, id: *id }));
                }
            }
            for source in of_kind() {
                if deployed.iter().any(|known| hides(known, source)) {
                    continue;
                }
                let trigger = program.triggers.iter().find(|t| *t.name == *source.name);
                let fields = [
                    ("Name", Value::text(source.name.as_str())),
                    ("ApiVersion", Value::Number(source.api_version.into())),
                    ("Status", Value::text("Active")),
                    ("IsValid", Value::Boolean(true)),
                    ("Body", Value::text(source.text.as_str())),
                    ("LengthWithoutComments", Value::Number(source.text.len().into())),
                    (
                        "TableEnumOrId",
                        trigger.map_or(Value::Null, |t| Value::text(&*t.object)),
                    ),
                ];
                let values = fields
                    .into_iter()
                    .filter_map(|(name, value)| Some((object.field(name)?.0, value)));
                let draft = Draft {
                    values: values.collect(),
                    parents: Vec::new(),
                };
                let object = Arc::clone(object);
                drop(transaction.save(match named(&source.name) {
                    Some(id) => Operation::Update { object, id, draft },
                    None => Operation::Create { object, draft },
                }));
            }
        }
    }
}

fn hides(deployed: &ApexSource, loaded: &Source) -> bool {
    let kind = match loaded.kind {
        SourceKind::Class => "ApexClass",
        SourceKind::Trigger => "ApexTrigger",
        SourceKind::Anonymous => return false,
    };
    deployed.kind == kind && deployed.name.eq_ignore_ascii_case(&loaded.name)
}

/// What is loaded with what is deployed; inactive triggers are kept out.
fn together(loaded: &[Source], deployed: &[ApexSource]) -> Vec<Source> {
    let kept = loaded
        .iter()
        .filter(|source| !deployed.iter().any(|known| hides(known, source)));
    let brought = deployed.iter().filter(|source| source.active).map(|source| {
        let version = source
            .api_version
            .split('.')
            .next()
            .and_then(|major| major.parse().ok());
        let read = if source.kind == "ApexTrigger" {
            Source::trigger(source.name.as_str(), source.body.as_str())
        } else {
            Source::class(source.name.as_str(), source.body.as_str())
        };
        read.with_api_version(version.unwrap_or(CURRENT_API_VERSION))
    });
    kept.cloned().chain(brought).collect()
}
