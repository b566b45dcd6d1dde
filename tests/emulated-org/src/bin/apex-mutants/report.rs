//! What became of the mutants, by class, and those that survived.

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;

use apex_runtime::mutation::Mutant;

use crate::equivalents::Equivalents;
use crate::trials::Verdict;
use crate::{Failing, read};

/// The part of a document that this program writes lies between these lines.
const BEGIN: &str = "<!-- scripts/apex-mutants -->";
const END: &str = "<!-- end of scripts/apex-mutants -->";

#[derive(Clone, Copy, Debug, Default)]
struct Count {
    not_viable: usize,
    caught: usize,
    timed_out: usize,
    equivalent: usize,
    survived: usize,
}

impl Count {
    fn viable(self) -> usize {
        self.caught + self.timed_out + self.equivalent + self.survived
    }

    fn add(&mut self, other: Self) {
        self.not_viable += other.not_viable;
        self.caught += other.caught;
        self.timed_out += other.timed_out;
        self.equivalent += other.equivalent;
        self.survived += other.survived;
    }

    /// Those that no test can notice count among those that none noticed.
    fn caught_hundredths(self) -> usize {
        ((self.caught + self.timed_out) * 100)
            .checked_div(self.viable())
            .unwrap_or(100)
    }
}

/// The result of a run.
#[derive(Debug, Default)]
pub(crate) struct Report {
    by_class: BTreeMap<String, Count>,
    survivors: Vec<String>,
    equivalents: Vec<(String, String)>,
}

impl Report {
    /// Fails where a mutant that is said to be equivalent was caught.
    pub(crate) fn new(mutants: &[Mutant], verdicts: &[Verdict], known: &Equivalents) -> Failing<Self> {
        let mut report = Self::default();
        for (mutant, verdict) in mutants.iter().zip(verdicts) {
            let count = report.by_class.entry(mutant.file.clone()).or_default();
            match (verdict, known.reason(&mutant.name)) {
                (Verdict::Survived, Some(reason)) => {
                    count.equivalent += 1;
                    report.equivalents.push((mutant.name.clone(), reason.to_owned()));
                }
                (Verdict::Survived, None) => {
                    count.survived += 1;
                    report
                        .survivors
                        .push(format!("{} (line {})", mutant.name, mutant.line));
                }
                (_, Some(_)) => {
                    return Err(format!("is no equivalent: {verdict:?}: {}", mutant.name).into());
                }
                (Verdict::NotViable, None) => count.not_viable += 1,
                (Verdict::Caught, None) => count.caught += 1,
                (Verdict::TimedOut, None) => count.timed_out += 1,
            }
        }
        Ok(report)
    }

    fn all(&self) -> Count {
        let mut all = Count::default();
        for count in self.by_class.values() {
            all.add(*count);
        }
        all
    }

    /// Hundredths of the viable mutants that were caught.
    pub(crate) fn caught_hundredths(&self) -> usize {
        self.all().caught_hundredths()
    }

    /// Writes the result into the section of a document that is its own, which must be there.
    pub(crate) fn write_into(&self, path: &Path) -> Failing<()> {
        let text = read(path)?;
        let (Some((before, _)), Some((_, after))) = (text.split_once(BEGIN), text.split_once(END)) else {
            return Err(format!("{}: no place between {BEGIN} and {END}", path.display()).into());
        };
        std::fs::write(path, format!("{before}{BEGIN}\n{self}{END}{after}"))?;
        Ok(())
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "| Class | Not viable | Viable | Caught | Timed out | Equivalent | Survived |\n|---|---|---|---|---|---|---|"
        )?;
        let all = self.all();
        let rows = self.by_class.iter().map(|(name, count)| (name.as_str(), *count));
        for (name, count) in rows.chain([("**all**", all)]) {
            writeln!(
                f,
                "| {name} | {} | {} | {} | {} | {} | {} |",
                count.not_viable,
                count.viable(),
                count.caught,
                count.timed_out,
                count.equivalent,
                count.survived
            )?;
        }
        writeln!(
            f,
            "\n{} of {} viable mutants were caught: {} %.",
            all.caught + all.timed_out,
            all.viable(),
            all.caught_hundredths()
        )?;
        if !self.survivors.is_empty() {
            writeln!(f, "\nSurvivors:\n")?;
            for name in &self.survivors {
                writeln!(f, "- `{}`", name.replace('`', "'"))?;
            }
        }
        if !self.equivalents.is_empty() {
            writeln!(
                f,
                "\n| Equivalent mutant | Why no test can notice it |\n|---|---|"
            )?;
            for (name, reason) in &self.equivalents {
                writeln!(
                    f,
                    "| `{}` | {} |",
                    name.replace('|', "\\|"),
                    reason.replace('|', "\\|")
                )?;
            }
        }
        Ok(())
    }
}
