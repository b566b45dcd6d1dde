//! What an ingest job says of its rows.
//!
//! Source: Bulk API 2.0 and Bulk API Developer Guide, Get Job Successful, Failed and Unprocessed Record Results.
//! The order of the rows is not that of the upload: clients that rely on it are wrong, so it is mixed here.

use super::upload::Upload;
use crate::bulk::csv::{Format, write_line};
use crate::data::{Outcome, SaveError};
use crate::dice::Dice;
use crate::id::RecordId;

/// What became of one row.
#[derive(Clone, Debug)]
pub enum RowFate {
    /// It was written.
    Saved {
        /// The record.
        id: RecordId,
        /// Whether it is new.
        created: bool,
    },
    /// It was refused.
    Refused {
        /// The id that the row named.
        id: Option<RecordId>,
        /// The text of `sf__Error`.
        error: Box<str>,
    },
}

impl RowFate {
    /// `counts_as_new` is what is said of every row that was written.
    pub(super) fn of(outcome: Outcome, named: Option<RecordId>, counts_as_new: bool) -> Self {
        match outcome {
            Ok(saved) => Self::Saved {
                id: saved.id,
                created: saved.created || counts_as_new,
            },
            Err(refusal) => Self::Refused {
                id: named,
                error: error_text(&refusal.into_errors()).into(),
            },
        }
    }
}

/// Which of the three result files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Which {
    /// Rows that were written.
    Successful,
    /// Rows that were refused.
    Failed,
    /// Rows that the job never came to.
    Unprocessed,
}

/// Writes a result file. `fates` belong to the first rows of the upload; the rest was not processed. Without a
/// `seed` the rows keep their order.
#[must_use]
pub fn write(which: Which, upload: &Upload, fates: &[RowFate], format: Format, seed: Option<u64>) -> Vec<u8> {
    let mut out = Vec::new();
    let own: &[&str] = match which {
        Which::Successful => &["sf__Id", "sf__Created"],
        Which::Failed => &["sf__Id", "sf__Error"],
        Which::Unprocessed => &[],
    };
    let header = own
        .iter()
        .copied()
        .chain(upload.header.iter().map(String::as_str));
    write_line(header, format, &mut out);
    let wanted = |row: usize| {
        which
            == match fates.get(row) {
                Some(RowFate::Saved { .. }) => Which::Successful,
                Some(RowFate::Refused { .. }) => Which::Failed,
                None => Which::Unprocessed,
            }
    };
    let mut rows: Vec<usize> = (0..upload.rows.len()).filter(|row| wanted(*row)).collect();
    if let Some(seed) = seed {
        mix(&mut rows, seed);
    }
    for row in rows {
        let Some(cells) = upload.rows.get(row) else {
            continue;
        };
        let cells = cells.iter().map(String::as_str);
        match fates.get(row) {
            Some(RowFate::Saved { id, created }) => {
                let created = if *created { "true" } else { "false" };
                write_line([id.as_str(), created].into_iter().chain(cells), format, &mut out);
            }
            Some(RowFate::Refused { id, error }) => {
                let id = id.as_ref().map_or("", RecordId::as_str);
                write_line([id, error].into_iter().chain(cells), format, &mut out);
            }
            None => write_line(cells, format, &mut out),
        }
    }
    out
}

/// `CODE:message:fields --`, as `sf__Error` has it.
pub(crate) fn error_text(errors: &[SaveError]) -> String {
    errors
        .iter()
        .map(|error| format!("{}:{}:{} --", error.code, error.message, error.fields.join(", ")))
        .collect()
}

/// The stream of dice that mixes result rows.
const RESULT_ROWS: u64 = 4;

fn mix(rows: &mut [usize], seed: u64) {
    let mut dice = Dice::new(seed, RESULT_ROWS, 0);
    for last in (1..rows.len()).rev() {
        let other = dice.below(u64::try_from(last).unwrap_or(u64::MAX).saturating_add(1));
        rows.swap(last, usize::try_from(other).unwrap_or(0));
    }
}
