//! What the runs found, written into `docs/RELIABILITY.md` between its marks.

use std::fs;
use std::path::Path;

use super::Report;
use crate::ScenarioError;

/// Where a table stands.
#[derive(Debug, Clone, Copy)]
pub enum Table {
    /// What a long run met.
    Met,
    /// What taking out each guard led to.
    Guards,
}

impl Table {
    fn marks(self) -> (&'static str, &'static str) {
        match self {
            Self::Met => ("<!-- chaos: met -->\n", "<!-- chaos: met, end -->"),
            Self::Guards => ("<!-- chaos: guards -->\n", "<!-- chaos: guards, end -->"),
        }
    }
}

/// Puts lines in the place of those that a table has.
///
/// # Errors
/// When the page or its marks are missing, or it cannot be written.
pub fn write(table: Table, lines: &[String]) -> Result<(), ScenarioError> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/RELIABILITY.md");
    let file = |source| ScenarioError::File {
        path: path.display().to_string(),
        source,
    };
    let text = fs::read_to_string(&path).map_err(file)?;
    let (begin, end) = table.marks();
    let marked = text
        .split_once(begin)
        .and_then(|(before, rest)| Some((before, rest.split_once(end)?.1)));
    let Some((before, after)) = marked else {
        return Err(ScenarioError::Missing("mark of the table in docs/RELIABILITY.md"));
    };
    let written = format!("{before}{begin}{}\n{end}{after}", lines.join("\n"));
    fs::write(&path, written).map_err(file)
}

/// The table of a long run.
pub fn of_run(report: &Report, seed: u64) -> Vec<String> {
    let mut lines = vec![
        format!("Seed {seed}:"),
        String::new(),
        "| Met | Times |".to_owned(),
        "|---|---|".to_owned(),
    ];
    let totals = [
        ("saves", report.saves),
        ("rows saved", report.rows),
        ("rows refused in both orgs alike", report.refused_in_both),
        ("violations", report.violations.len() as u64 + report.untold),
        (
            "records compared, whenever bins are emptied and in the end",
            report.compared,
        ),
        ("of them found by comparison alone", report.found_by_comparison),
    ];
    let totals = totals.iter().map(|(what, times)| (*what, *times));
    let met = report.met.iter().map(|(what, times)| (what.as_str(), *times));
    lines.extend(
        totals
            .chain(met)
            .map(|(what, times)| format!("| {what} | {times} |")),
    );
    lines
}

/// What was noticed, without what differs from run to run.
#[must_use]
pub fn told(violation: &str) -> String {
    let first = violation.split(": ").next().unwrap_or(violation);
    let words = first.split_whitespace().map(|word| {
        let is_id = word.len() == 18 && word.starts_with('0');
        if is_id { "…" } else { word }
    });
    words.collect::<Vec<_>>().join(" ")
}
