//! Runs the Apex tests of public SFDX projects, unmodified, in an organisation of their own, and writes what
//! became of them into a report: passed, not supported by reason, and everything else as a wrong answer.
//!
//! `apex-conformance REPORT FOLDER[:DEPENDENCY…]…`: tests of the folder count, those of its dependencies do not.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use apex_runtime::outcome::FailureKind;
use apex_runtime::{CompileError, Source, TestFilter};
use emulated_org::{Options, Org};
use regex_lite::Regex;

/// The part of the report that this program writes lies between these lines.
const BEGIN: &str = "<!-- scripts/apex-conformance -->";
const END: &str = "<!-- end of scripts/apex-conformance -->";

type Failing<T> = Result<T, Box<dyn std::error::Error>>;

/// What became of a project's test methods.
#[derive(Debug, Default)]
struct Tally {
    name: String,
    commit: String,
    methods: usize,
    passed: usize,
    unsupported: BTreeMap<String, usize>,
    wrong: Vec<String>,
}

impl Tally {
    fn refuse(&mut self, reason: String, methods: usize) {
        self.methods += methods;
        *self.unsupported.entry(reason).or_default() += methods;
    }

    fn line(&self) -> String {
        let unsupported: usize = self.unsupported.values().sum();
        format!(
            "| {} | {} | {} | {} | {unsupported} | {} |",
            self.name,
            self.commit.get(..12).unwrap_or(&self.commit),
            self.methods,
            self.passed,
            self.wrong.len()
        )
    }
}

fn main() -> ExitCode {
    match run() {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            drop(writeln!(std::io::stderr(), "{error}"));
            ExitCode::FAILURE
        }
    }
}

/// Whether no answer was wrong.
fn run() -> Failing<bool> {
    let mut arguments = std::env::args().skip(1);
    let report = arguments
        .next()
        .ok_or("apex-conformance REPORT FOLDER[:DEPENDENCY…]…")?;
    let mut tallies = Vec::new();
    for project in arguments {
        let folders: Vec<PathBuf> = project.split(':').map(PathBuf::from).collect();
        let tally = measure(&folders)?;
        writeln!(std::io::stdout(), "{}", tally.line())?;
        for wrong in &tally.wrong {
            writeln!(std::io::stdout(), "  wrong: {wrong}")?;
        }
        tallies.push(tally);
    }
    write_report(Path::new(&report), &tallies)?;
    Ok(tallies.iter().all(|tally| tally.wrong.is_empty()))
}

/// The commit that a folder is a checkout of.
fn commit(folder: &Path) -> Failing<String> {
    let answer = Command::new("git")
        .arg("-C")
        .arg(folder)
        .args(["rev-parse", "HEAD"])
        .output()?;
    Ok(String::from_utf8(answer.stdout)?.trim().to_owned())
}

fn measure(folders: &[PathBuf]) -> Failing<Tally> {
    let own = folders.first().ok_or("no folder")?;
    let mut tally = Tally {
        name: own
            .file_name()
            .map(|n| n.to_string_lossy().into_owned())
            .unwrap_or_default(),
        commit: commit(own)?,
        ..Tally::default()
    };
    let counted: BTreeSet<String> = emulated_org::apex::source::read(&[own])?
        .into_iter()
        .map(|source| source.name)
        .collect();
    let org = organisation(folders)?;
    org.load_labels(folders)?;
    let sources = emulated_org::apex::source::read(folders)?;
    for (source, error) in install(&org, sources) {
        writeln!(std::io::stdout(), "  left out: {error}")?;
        if counted.contains(&source.name) {
            let methods = test_methods(&source.text)?;
            if methods > 0 {
                tally.refuse(format!("compiling {}", error.message), methods);
            }
        }
    }
    let results = org.run_apex_tests(&TestFilter::default()).results;
    for result in results {
        let outer = result.class.split('.').next().unwrap_or_default();
        if !counted.contains(outer) {
            continue;
        }
        match result.failure {
            None => {
                tally.methods += 1;
                tally.passed += 1;
            }
            Some(failure) if failure.kind == FailureKind::NotSupported => {
                writeln!(
                    std::io::stdout(),
                    "  {}.{}: {}",
                    result.class,
                    result.method,
                    failure.message
                )?;
                tally.refuse(reason(&failure.message), 1);
            }
            Some(failure) => {
                tally.methods += 1;
                let at = failure.stack.lines().next().unwrap_or_default().to_owned();
                tally.wrong.push(format!(
                    "{}.{}: {} ({at})",
                    result.class, result.method, failure.message
                ));
            }
        }
    }
    Ok(tally)
}

/// `not supported: Messaging.sendEmail, Class:4` without its place.
fn reason(message: &str) -> String {
    let text = message.strip_prefix("not supported: ").unwrap_or(message);
    text.rsplit_once(", ").map_or(text, |(text, _)| text).to_owned()
}

/// An organisation with the metadata of the folders as far as it takes it.
fn organisation(folders: &[PathBuf]) -> Failing<Org> {
    let mut candidates = Vec::new();
    for folder in folders {
        object_folders(folder, &mut candidates)?;
    }
    let mut options = Options::default();
    let mut org = Org::new(&options)?;
    // Objects refer to each other: those that were refused get another try when others have come in.
    loop {
        let mut refused = Vec::new();
        let before = candidates.len();
        for candidate in candidates {
            options.sfdx_source.push(candidate.clone());
            match Org::new(&options) {
                Ok(bigger) => org = bigger,
                Err(error) => {
                    drop(options.sfdx_source.pop());
                    refused.push((candidate, error));
                }
            }
        }
        if refused.is_empty() || refused.len() == before {
            for (candidate, error) in refused {
                writeln!(std::io::stdout(), "  without {}: {error}", candidate.display())?;
            }
            return Ok(org);
        }
        candidates = refused.into_iter().map(|(candidate, _)| candidate).collect();
    }
}

fn object_folders(folder: &Path, found: &mut Vec<PathBuf>) -> Failing<()> {
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        let hidden = path
            .file_name()
            .is_some_and(|name| name.to_string_lossy().starts_with('.'));
        if hidden || !path.is_dir() {
            continue;
        }
        let inside = path
            .parent()
            .and_then(Path::file_name)
            .is_some_and(|name| name == "objects");
        if inside {
            found.push(path);
        } else if path.file_name().is_some_and(|name| name == "permissionsets") {
            permission_sets(&path, found)?;
        } else if ["customPermissions", "cachePartitions", "customMetadata"]
            .iter()
            .any(|folder| path.file_name().is_some_and(|name| name == *folder))
        {
            found.push(path);
        } else {
            object_folders(&path, found)?;
        }
    }
    Ok(())
}

/// Gives each permission set a folder of its own: one that names what the organisation has not must not keep the
/// others out.
fn permission_sets(folder: &Path, found: &mut Vec<PathBuf>) -> Failing<()> {
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        let (Some(name), Some(stem)) = (path.file_name(), path.file_stem()) else {
            continue;
        };
        let own = std::env::temp_dir()
            .join(format!("apex-conformance-{}", std::process::id()))
            .join(stem);
        std::fs::create_dir_all(&own)?;
        std::fs::copy(&path, own.join(name))?;
        found.push(own);
    }
    Ok(())
}

/// Installs what compiles; what does not is left out, and so is what needs it.
fn install(org: &Org, mut sources: Vec<Source>) -> Vec<(Source, CompileError)> {
    let mut left_out = Vec::new();
    while let Err(errors) = org.set_apex(sources.clone()) {
        let before = sources.len();
        let mut kept = Vec::new();
        for source in sources {
            let error = errors.iter().find(|error| error.file.as_ref() == source.name);
            match error {
                Some(error) => left_out.push((source, error.clone())),
                None => kept.push(source),
            }
        }
        sources = kept;
        if sources.len() == before {
            break;
        }
    }
    left_out
}

fn test_methods(text: &str) -> Failing<usize> {
    let methods = Regex::new(
        r"(?i)@istest(\s*\([^)]*\))?\s+(?:@\w+(\([^)]*\))?\s+)*(?:(?:static|private|public|global)\s+)+void|\btestmethod\s+(?:static\s+)?void",
    )?;
    Ok(methods.find_iter(text).count())
}

fn section(tallies: &[Tally]) -> Result<String, std::fmt::Error> {
    let mut out = format!(
        "{BEGIN}\n## Apex\n\nPublic Apex projects, unmodified, whose test classes the emulated organisation runs \
         (`scripts/apex-conformance`).\nA test method passes, or stops with the name of what is not supported; \
         anything else is a wrong answer.\n\n\
         | Project | Commit | Methods | Passed | Not supported | Wrong |\n|---|---|---|---|---|---|\n"
    );
    for tally in tallies {
        writeln!(out, "{}", tally.line())?;
    }
    for tally in tallies {
        writeln!(
            out,
            "\n### {}\n\n| Not supported | Methods |\n|---|---|",
            tally.name
        )?;
        let mut reasons: Vec<_> = tally.unsupported.iter().collect();
        reasons.sort_by(|a, b| b.1.cmp(a.1).then(a.0.cmp(b.0)));
        for (reason, count) in reasons {
            writeln!(
                out,
                "| {} | {count} |",
                reason.replace('|', "\\|").replace('\n', " ")
            )?;
        }
        for wrong in &tally.wrong {
            writeln!(out, "\nWrong: {}", wrong.replace('\n', " "))?;
        }
    }
    writeln!(out, "{END}")?;
    Ok(out)
}

fn write_report(report: &Path, tallies: &[Tally]) -> Failing<()> {
    let text = std::fs::read_to_string(report).unwrap_or_default();
    let section = section(tallies)?;
    let whole = match (text.split_once(BEGIN), text.split_once(END)) {
        (Some((before, _)), Some((_, after))) => {
            format!("{before}{section}{}", after.trim_start_matches('\n'))
        }
        _ => format!("{text}\n{section}"),
    };
    std::fs::write(report, whole)?;
    Ok(())
}
