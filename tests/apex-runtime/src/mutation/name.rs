//! Names of mutants: they stand in lists that outlive a line that comes or goes.

use std::collections::HashMap;

use super::rules::Mistake;

/// Characters of code that a name shows.
const SHOWN: usize = 90;

/// Each mistake with its name; equal names are numbered in the order of their places.
pub(super) fn unique(mistakes: Vec<Mistake>) -> Vec<(String, Mistake)> {
    let mut times: HashMap<String, usize> = HashMap::new();
    let mut named = Vec::with_capacity(mistakes.len());
    for mistake in mistakes {
        let change = match &mistake.now {
            Some(now) => format!("{} -> {}", shown(&mistake.was), shown(now)),
            None => format!("{} left out", shown(&mistake.was)),
        };
        let name = format!("{}: {change}", mistake.within);
        let time = times.entry(name.clone()).or_default();
        *time += 1;
        let numbered = if *time == 1 {
            name
        } else {
            format!("{name} ({time})")
        };
        named.push((numbered, mistake));
    }
    named
}

/// Code in one line, its middle left out where it is long.
fn shown(code: &str) -> String {
    let words: Vec<&str> = code.split_whitespace().collect();
    let line: Vec<char> = words.join(" ").chars().collect();
    if line.len() <= SHOWN {
        return line.into_iter().collect();
    }
    let half = SHOWN / 2;
    let start: String = line.iter().take(half).collect();
    let end: String = line.iter().skip(line.len() - half).collect();
    format!("{start}…{end}")
}
