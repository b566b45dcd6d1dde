//! A type checker in front of the compiler: apex-ls, a program of its own that runs on Java.
//!
//! It knows the platform's classes better than the compiler does, which refuses some of them only when they are
//! reached. What it needs of the metadata is written into a folder for it: custom objects, fields and labels.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde::Deserialize;

use crate::metadata::{ApexCheck, ApexDeployment, ApexProblem};
use crate::schema::{Field, FieldType, Object, Schema};

const NAMESPACE: &str = "http://soap.sforce.com/2006/04/metadata";

/// apex-ls, as it lies in a folder of Java archives.
#[derive(Clone, Debug)]
pub struct TypeChecker {
    archives: PathBuf,
}

#[derive(Debug, Deserialize)]
struct Report {
    files: Vec<FileReport>,
}

#[derive(Debug, Deserialize)]
struct FileReport {
    path: PathBuf,
    messages: Vec<Message>,
}

#[derive(Debug, Deserialize)]
struct Message {
    start: Place,
    message: String,
}

#[derive(Debug, Deserialize)]
struct Place {
    line: usize,
    offset: usize,
}

impl TypeChecker {
    /// The checker whose Java archives lie in a folder.
    pub fn new(archives: impl Into<PathBuf>) -> Self {
        Self {
            archives: archives.into(),
        }
    }

    fn report(&self, deployment: &ApexDeployment<'_>) -> io::Result<Report> {
        let workspace = tempfile::tempdir()?;
        write_workspace(workspace.path(), deployment)?;
        let output = Command::new("java")
            .arg("-cp")
            .arg(self.archives.join("*"))
            .arg("io.github.apexdevtools.apexls.CheckForIssues")
            .args(["-n", "-f", "json", "-w"])
            .arg(workspace.path())
            .output()?;
        let text = String::from_utf8_lossy(&output.stdout);
        let wrong = || {
            let words = String::from_utf8_lossy(&output.stderr);
            io::Error::other(format!("apex-ls answered no report: {text}{words}"))
        };
        // Without an error there is no report.
        match text.find('{') {
            Some(start) => {
                let json = text.get(start..).unwrap_or_default();
                serde_json::from_str(json).map_err(|_malformed| wrong())
            }
            None if output.status.success() => Ok(Report { files: Vec::new() }),
            None => Err(wrong()),
        }
    }
}

impl ApexCheck for TypeChecker {
    fn check(&self, deployment: &ApexDeployment<'_>) -> Vec<ApexProblem> {
        let report = match self.report(deployment) {
            Ok(report) => report,
            Err(error) => {
                // A check that was asked for and cannot be made refuses what it cannot judge.
                let first = deployment.sources.first();
                let problem = first.map(|source| ApexProblem {
                    file: source.file.clone(),
                    line: 1,
                    column: 1,
                    message: format!("The type checker did not run: {error}"),
                });
                return problem.into_iter().collect();
            }
        };
        let files: BTreeMap<_, _> = deployment
            .sources
            .iter()
            .map(|source| (file_name(source.kind, &source.name), source.file.clone()))
            .collect();
        let mut problems = Vec::new();
        for file in report.files {
            let name = file
                .path
                .file_name()
                .map(|name| name.to_string_lossy().into_owned());
            let known = name.as_ref().and_then(|name| files.get(name));
            for message in file.messages {
                problems.push(ApexProblem {
                    file: known.cloned().or_else(|| name.clone()).unwrap_or_default(),
                    line: message.start.line,
                    column: message.start.offset + 1,
                    message: message.message,
                });
            }
        }
        problems
    }
}

fn file_name(kind: &str, name: &str) -> String {
    let extension = if kind == "ApexTrigger" { "trigger" } else { "cls" };
    format!("{name}.{extension}")
}

fn put(root: &Path, file: &str, text: &str) -> io::Result<()> {
    let path = root.join("force-app").join(file);
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    fs::write(path, text)
}

fn element(root: &str, inside: &str) -> String {
    format!("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<{root} xmlns=\"{NAMESPACE}\">{inside}</{root}>\n")
}

fn escaped(text: &str) -> String {
    quick_xml::escape::escape(text).into_owned()
}

fn write_workspace(root: &Path, deployment: &ApexDeployment<'_>) -> io::Result<()> {
    fs::create_dir_all(root.join("force-app"))?;
    let project =
        "{\"packageDirectories\":[{\"path\":\"force-app\",\"default\":true}],\"sourceApiVersion\":\"68.0\"}";
    fs::write(root.join("sfdx-project.json"), project)?;
    for source in deployment.sources {
        let folder = if source.kind == "ApexTrigger" {
            "triggers"
        } else {
            "classes"
        };
        let file = format!("{folder}/{}", file_name(source.kind, &source.name));
        put(root, &file, &source.body)?;
        let inside = format!(
            "<apiVersion>{}</apiVersion><status>Active</status>",
            source.api_version
        );
        put(root, &format!("{file}-meta.xml"), &element(source.kind, &inside))?;
    }
    if !deployment.labels.is_empty() {
        let labels = deployment.labels.iter().map(|label| {
            format!(
                "<labels><fullName>{label}</fullName><language>en_US</language><protected>false</protected>\
                 <shortDescription>{label}</shortDescription><value>{label}</value></labels>"
            )
        });
        let labels = labels.collect::<String>();
        put(
            root,
            "labels/CustomLabels.labels-meta.xml",
            &element("CustomLabels", &labels),
        )?;
    }
    write_objects(root, deployment.schema)
}

fn write_objects(root: &Path, schema: &Schema) -> io::Result<()> {
    for object in schema.objects() {
        let folder = format!("objects/{}", object.name);
        if object.custom {
            let file = format!("{folder}/{}.object-meta.xml", object.name);
            put(root, &file, &element("CustomObject", &described(object)))?;
        }
        for field in object.fields.iter().filter(|field| field.custom) {
            let file = format!("{folder}/fields/{}.field-meta.xml", field.name);
            put(root, &file, &element("CustomField", &field_described(field)))?;
        }
    }
    Ok(())
}

fn described(object: &Object) -> String {
    let label = escaped(&object.label);
    let plural = escaped(&object.label_plural);
    let head = format!("<label>{label}</label><pluralLabel>{plural}</pluralLabel>");
    if object.custom_setting {
        let kind = if object.field("SetupOwnerId").is_some() {
            "Hierarchy"
        } else {
            "List"
        };
        return format!("<customSettingsType>{kind}</customSettingsType><label>{label}</label>");
    }
    if object.name.ends_with("__mdt") {
        return head;
    }
    if object.name.ends_with("__e") {
        return format!(
            "<deploymentStatus>Deployed</deploymentStatus><eventType>HighVolume</eventType>{head}"
        );
    }
    format!(
        "<deploymentStatus>Deployed</deploymentStatus>{head}<nameField><label>Name</label><type>Text</type>\
         </nameField><sharingModel>ReadWrite</sharingModel>"
    )
}

fn field_described(field: &Field) -> String {
    let (kind, more) = match field.kind {
        FieldType::Reference => {
            let kind = if field.cascade_delete {
                "MasterDetail"
            } else {
                "Lookup"
            };
            let target = field.reference_to.first().map_or("", String::as_str);
            // The relationship's name on the other side is nobody's business here, as long as it is one.
            let relationship = field.name.trim_end_matches("__c");
            let more = format!(
                "<referenceTo>{target}</referenceTo><relationshipName>{relationship}s</relationshipName>"
            );
            (kind, more)
        }
        FieldType::Boolean => ("Checkbox", "<defaultValue>false</defaultValue>".to_owned()),
        FieldType::Int | FieldType::Long | FieldType::Double => ("Number", numeric(field)),
        FieldType::Currency => ("Currency", numeric(field)),
        FieldType::Percent => ("Percent", numeric(field)),
        FieldType::Date => ("Date", String::new()),
        FieldType::Datetime => ("DateTime", String::new()),
        FieldType::Time => ("Time", String::new()),
        FieldType::Email => ("Email", String::new()),
        FieldType::Phone => ("Phone", String::new()),
        FieldType::Url => ("Url", String::new()),
        FieldType::Picklist => ("Picklist", String::new()),
        FieldType::Multipicklist => ("MultiselectPicklist", "<visibleLines>4</visibleLines>".to_owned()),
        FieldType::Location => ("Location", "<scale>6</scale>".to_owned()),
        FieldType::Textarea => {
            let more = format!("<length>{}</length><visibleLines>3</visibleLines>", field.length);
            ("LongTextArea", more)
        }
        _ => ("Text", format!("<length>{}</length>", field.length.max(1))),
    };
    format!(
        "<fullName>{}</fullName><label>{}</label>{more}<type>{kind}</type>",
        field.name,
        escaped(&field.label)
    )
}

fn numeric(field: &Field) -> String {
    let precision = if field.precision == 0 { 18 } else { field.precision };
    format!("<precision>{precision}</precision><scale>{}</scale>", field.scale)
}
