//! What a zip holds: the manifest, the components that its files make, and what is to be deleted.
//!
//! Source: Metadata API Developer Guide, Sample package.xml Manifest Files; Deleting Components from an
//! Organization; deploy(), limits of the zip file.

use std::collections::{BTreeMap, BTreeSet};

use super::archive::{Files, percent_decoded, rooted, unpack};
use super::catalog::{self, Form, Kind};
use super::deploy::DeployOptions;
use super::result::{Message, Problem};
use super::shapes;
use super::xml::{Element, Malformed};

/// The manifests of what is to be deleted.
const DESTRUCTIVE_MANIFESTS: [&str; 3] = [
    "destructiveChangesPre.xml",
    "destructiveChanges.xml",
    "destructiveChangesPost.xml",
];

/// One component of a package.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Component {
    /// Its type.
    pub kind: &'static str,
    /// Its full name.
    pub name: String,
    /// The file that holds it.
    pub file: String,
    /// What describes it: the file, its `-meta.xml`, or the element inside the object's file.
    pub definition: Option<Element>,
    /// Its other files, by their paths in the package.
    pub sources: BTreeMap<String, Vec<u8>>,
}

impl Component {
    /// Its main source as text, such as a class's body.
    #[must_use]
    pub fn source(&self) -> Option<&str> {
        std::str::from_utf8(self.sources.get(&self.file)?).ok()
    }

    pub(super) fn message(&self, problem: Option<Problem>) -> Message {
        Message {
            component_type: self.kind.to_owned(),
            full_name: self.name.clone(),
            file_name: self.file.clone(),
            success: problem.is_none(),
            problem,
            warning: false,
            created: false,
            changed: false,
            deleted: false,
            id: None,
        }
    }
}

/// A component that is to be deleted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Doomed {
    /// Its type.
    pub kind: String,
    /// Its full name.
    pub name: String,
    /// The manifest that names it.
    pub file: &'static str,
}

/// A package as it was read.
#[derive(Debug, Default)]
pub struct Package {
    /// What it brings.
    pub components: Vec<Component>,
    /// What it deletes.
    pub doomed: Vec<Doomed>,
    /// What is wrong with it, and warnings.
    pub messages: Vec<Message>,
}

impl Package {
    /// Reads a zip.
    ///
    /// # Errors
    /// A status code and words where nothing can be looked at.
    pub fn read(zip: &[u8], options: &DeployOptions) -> Result<Self, (&'static str, String)> {
        let files = rooted(unpack(zip)?);
        let mut package = Self::default();
        let Some(manifest) = package.manifest(&files, "package.xml") else {
            return Ok(package);
        };
        package.read_folders(&files);
        for file in DESTRUCTIVE_MANIFESTS {
            if files.contains_key(file) {
                let doomed = package.manifest(&files, file).unwrap_or_default();
                for (kind, name) in doomed {
                    package.doomed.push(Doomed { kind, name, file });
                }
            }
        }
        package.compare(&manifest, options);
        Ok(package)
    }

    /// Notes what is wrong with a file.
    fn refuse(&mut self, kind: &str, name: &str, file: &str, problem: Problem) {
        self.note(kind, name, file, problem, false);
    }

    fn note(&mut self, kind: &str, name: &str, file: &str, problem: Problem, warning: bool) {
        self.messages.push(Message {
            component_type: kind.to_owned(),
            full_name: name.to_owned(),
            file_name: file.to_owned(),
            problem: Some(problem),
            warning,
            success: warning,
            created: false,
            changed: false,
            deleted: false,
            id: None,
        });
    }

    /// The types and members that a manifest names.
    fn manifest(&mut self, files: &Files, file: &'static str) -> Option<Vec<(String, String)>> {
        let Some(bytes) = files.get(file) else {
            self.refuse("", file, file, Problem::new("No package.xml found"));
            return None;
        };
        let root = match read_xml(bytes) {
            Ok(root) => root,
            Err(problem) => {
                self.refuse("", file, file, problem);
                return None;
            }
        };
        let mut named = Vec::new();
        for types in root.all("types") {
            let kind = types.text_of("name").unwrap_or_default();
            if !catalog::is_type(kind) {
                let text = format!("Unknown type name '{kind}' specified in package.xml");
                self.refuse("", file, file, Problem::at(types, text));
                continue;
            }
            for member in types.all("members") {
                named.push((kind.to_owned(), member.text.trim().to_owned()));
            }
        }
        Some(named)
    }

    fn read_folders(&mut self, files: &Files) {
        let mut seen = BTreeSet::new();
        for (path, bytes) in files {
            let Some((folder, rest)) = path.split_once('/') else {
                let is_manifest = path == "package.xml" || DESTRUCTIVE_MANIFESTS.contains(&path.as_str());
                if !is_manifest {
                    self.refuse("", path, path, Problem::new("Not in package.xml"));
                }
                continue;
            };
            let Some(kind) = catalog::by_folder(folder) else {
                let text =
                    format!("Unknown folder '{folder}': this organisation takes no metadata of this type");
                self.refuse("", path, path, Problem::new(text));
                continue;
            };
            match kind.form {
                Form::Xml => self.read_xml_file(kind, path, rest, bytes),
                Form::WithMeta => self.read_source(kind, path, rest, files),
                Form::Bundle => {
                    let name = rest.split('/').next().unwrap_or(rest);
                    if seen.insert((kind.folder, name.to_owned())) {
                        self.read_bundle(kind, name, files);
                    }
                }
            }
        }
    }

    fn read_xml_file(&mut self, kind: &'static Kind, path: &str, rest: &str, bytes: &[u8]) {
        let Some(stem) = rest
            .strip_suffix(kind.suffix)
            .and_then(|stem| stem.strip_suffix('.'))
        else {
            let text = format!(
                "Not in package.xml: files of {} end in .{}",
                kind.name, kind.suffix
            );
            return self.refuse(kind.name, rest, path, Problem::new(text));
        };
        let name = percent_decoded(stem);
        let root = match read_definition(bytes, kind.name) {
            Ok(root) => root,
            Err(problem) => return self.refuse(kind.name, &name, path, problem),
        };
        if let Some(given) = root.text_of("fullName")
            && given != name
            && kind.name != "CustomObject"
        {
            let text = format!("fullName is '{given}' but the file's name says '{name}'");
            return self.refuse(kind.name, &name, path, Problem::at(&root, text));
        }
        self.add(kind.name, name, path, Some(root), BTreeMap::new());
    }

    fn read_source(&mut self, kind: &'static Kind, path: &str, rest: &str, files: &Files) {
        if rest.ends_with("-meta.xml") {
            let source = path.trim_end_matches("-meta.xml");
            if !files.contains_key(source) {
                let text = format!("A -meta.xml file was found but not its source {source}");
                self.refuse(kind.name, rest, path, Problem::new(text));
            }
            return;
        }
        let Some(stem) = rest
            .strip_suffix(kind.suffix)
            .and_then(|stem| stem.strip_suffix('.'))
        else {
            let text = format!(
                "Not in package.xml: files of {} end in .{}",
                kind.name, kind.suffix
            );
            return self.refuse(kind.name, rest, path, Problem::new(text));
        };
        let name = percent_decoded(stem);
        let Some(meta) = files.get(&format!("{path}-meta.xml")) else {
            // The words are believed.
            let text = format!("Missing metadata file: {path}-meta.xml");
            return self.refuse(kind.name, &name, path, Problem::new(text));
        };
        let source = files.get(path).cloned().unwrap_or_default();
        match read_definition(meta, kind.name) {
            Ok(root) => {
                let sources = BTreeMap::from([(path.to_owned(), source)]);
                self.add(kind.name, name, path, Some(root), sources);
            }
            Err(problem) => {
                let file = format!("{path}-meta.xml");
                self.refuse(kind.name, &name, &file, problem);
            }
        }
    }

    fn read_bundle(&mut self, kind: &'static Kind, name: &str, files: &Files) {
        let folder = format!("{}/{name}/", kind.folder);
        let mut sources = BTreeMap::new();
        let mut definition = None;
        for (path, bytes) in files.range(folder.clone()..) {
            if !path.starts_with(&folder) {
                break;
            }
            if !path.ends_with("-meta.xml") {
                sources.insert(path.clone(), bytes.clone());
                continue;
            }
            match read_definition(bytes, kind.name) {
                Ok(root) => definition = Some(root),
                Err(problem) => return self.refuse(kind.name, name, path, problem),
            }
        }
        let main = match kind.name {
            "LightningComponentBundle" => format!("{folder}{name}.js"),
            _ => sources
                .keys()
                .find(|path| {
                    [".cmp", ".app", ".evt", ".intf", ".design", ".tokens"]
                        .iter()
                        .any(|end| path.ends_with(end))
                })
                .cloned()
                .unwrap_or_else(|| format!("{folder}{name}.cmp")),
        };
        if kind.name == "LightningComponentBundle" {
            if definition.is_none() {
                let file = format!("{folder}{name}.js-meta.xml");
                let text =
                    format!("Cannot find Lightning Component Bundle {name}: {name}.js-meta.xml is missing");
                return self.refuse(kind.name, name, &file, Problem::new(text));
            }
            let styles_or_markup = sources
                .keys()
                .any(|path| path.ends_with(".css") || path.ends_with(".html"));
            if !sources.contains_key(&main) && !styles_or_markup {
                let text = format!("Cannot find a JavaScript file {name}.js in the bundle {name}");
                return self.refuse(kind.name, name, &main, Problem::new(text));
            }
        }
        self.add(kind.name, name.to_owned(), &main, definition, sources);
    }

    fn add(
        &mut self,
        kind: &'static str,
        name: String,
        file: &str,
        definition: Option<Element>,
        sources: BTreeMap<String, Vec<u8>>,
    ) {
        let parts = catalog::parts_inside(kind);
        let mut inside = Vec::new();
        if let Some(root) = &definition {
            for (element, part) in parts {
                for found in root.all(element) {
                    let own = found.text_of("fullName").unwrap_or_default();
                    let full = match kind {
                        "CustomLabels" => own.to_owned(),
                        _ => format!("{name}.{own}"),
                    };
                    inside.push(Component {
                        kind: part,
                        name: full,
                        file: file.to_owned(),
                        definition: Some(found.clone()),
                        sources: BTreeMap::new(),
                    });
                }
            }
        }
        let definition = definition.map(|mut root| {
            root.children
                .retain(|child| !parts.iter().any(|(element, _)| *element == child.name));
            root
        });
        self.components.push(Component {
            kind,
            name,
            file: file.to_owned(),
            definition,
            sources,
        });
        self.components.extend(inside);
    }

    /// Holds the files against the manifest.
    fn compare(&mut self, manifest: &[(String, String)], options: &DeployOptions) {
        let names = |kind: &str, name: &str| {
            manifest
                .iter()
                .any(|(known, member)| known == kind && (member == name || member == "*"))
        };
        let mut unnamed = Vec::new();
        let mut kept = Vec::new();
        for component in std::mem::take(&mut self.components) {
            let holder = match catalog::holder_of(component.kind) {
                Some("CustomLabels") => Some(("CustomLabels", "CustomLabels")),
                Some(holder) => component.name.split_once('.').map(|(object, _)| (holder, object)),
                None => None,
            };
            let named = names(component.kind, &component.name)
                || holder.is_some_and(|(kind, name)| names(kind, name));
            // The file of an object or of labels holds what is named; by itself it need not be.
            let is_holder = !catalog::parts_of(component.kind).is_empty();
            if named || options.auto_update_package {
                kept.push(component);
            } else if !is_holder {
                unnamed.push(component);
            }
        }
        for component in unnamed {
            let Component { kind, name, file, .. } = component;
            self.refuse(kind, &name, &file, Problem::new("Not in package.xml"));
        }
        for (kind, member) in manifest {
            // What could not be read is refused already.
            let holder = match catalog::holder_of(kind) {
                Some("CustomLabels") => "CustomLabels",
                Some(_) => member.split_once('.').map_or("", |(object, _)| object),
                None => member,
            };
            let unread = self.messages.iter().any(|message| {
                !message.component_type.is_empty()
                    && (message.full_name == *member || message.full_name == holder)
            });
            let found = member == "*"
                || unread
                || kept
                    .iter()
                    .any(|component| component.kind == kind && component.name == *member);
            if !found {
                let text = format!(
                    "An object '{member}' of type {kind} was named in package.xml, but was not found in zipped directory"
                );
                self.note(
                    kind,
                    member,
                    "package.xml",
                    Problem::new(text),
                    options.allow_missing_files,
                );
            }
        }
        kept.sort_by_key(|component| order_of(component.kind));
        self.components = kept;
    }
}

fn order_of(kind: &str) -> usize {
    let of = catalog::holder_of(kind).unwrap_or(kind);
    catalog::KINDS
        .iter()
        .position(|known| known.name == of)
        .unwrap_or(usize::MAX)
}

fn read_xml(bytes: &[u8]) -> Result<Element, Problem> {
    let refused = |Malformed { reason, line, column }| Problem {
        text: format!("Error parsing file: {reason}"),
        line: Some(line),
        column: Some(column),
    };
    let text = std::str::from_utf8(bytes)
        .map_err(|error| Problem::new(format!("Error parsing file: no UTF-8: {error}")))?;
    Element::read(text).map_err(refused)
}

fn read_definition(bytes: &[u8], kind: &str) -> Result<Element, Problem> {
    let root = read_xml(bytes)?;
    shapes::check(&root, kind)?;
    Ok(root)
}
