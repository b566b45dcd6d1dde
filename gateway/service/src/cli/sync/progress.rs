//! Showing how far a run is: bars on a terminal, plain lines elsewhere.

use std::io::IsTerminal;
use std::time::{Duration, Instant};

use causeway_core::ports::runs::PartProgress;
use indicatif::{MultiProgress, ProgressBar, ProgressStyle};

use crate::app::sync::progress::{PartView, SyncProgress};
use crate::cli::output;

/// How often plain lines are written.
const LINE_EVERY: Duration = Duration::from_secs(2);

/// Shows a run.
pub(super) enum Display {
    /// A bar for each part.
    Bars {
        /// All of them.
        all: MultiProgress,
        /// One for each part, in order.
        bars: Vec<ProgressBar>,
    },
    /// A line now and then.
    Lines {
        /// When the last was written.
        last: Option<Instant>,
        /// What it said.
        text: String,
    },
}

impl Display {
    /// A display that fits standard error.
    pub(super) fn new() -> Self {
        if std::io::stderr().is_terminal() {
            Display::Bars {
                all: MultiProgress::new(),
                bars: Vec::new(),
            }
        } else {
            Display::Lines {
                last: None,
                text: String::new(),
            }
        }
    }

    /// Shows a state.
    pub(super) fn show(&mut self, progress: &SyncProgress) {
        match self {
            Display::Bars { all, bars } => {
                while bars.len() < progress.parts.len() {
                    bars.push(all.add(ProgressBar::new(0).with_style(style())));
                }
                for (bar, part) in bars.iter().zip(&progress.parts) {
                    bar.set_prefix(part.partner_object.clone());
                    bar.set_length(part.part.expected.unwrap_or(part.part.rows));
                    bar.set_position(part.part.rows);
                    bar.set_message(match part.part.progress {
                        PartProgress::Waiting => "waiting".to_owned(),
                        PartProgress::Reading { .. }
                        | PartProgress::Polling { .. }
                        | PartProgress::PollingDeletes { .. } => {
                            format!("{} rows/s", progress.rows_per_second)
                        }
                        PartProgress::Comparing { .. } => "looking up what is missing".to_owned(),
                        PartProgress::Marking { marked } => format!("{marked} records marked"),
                        PartProgress::Done => "done".to_owned(),
                    });
                }
            }
            Display::Lines { last, text } => {
                *text = line(progress);
                if last.is_none_or(|last| last.elapsed() >= LINE_EVERY) {
                    output::note(text);
                    text.clear();
                    *last = Some(Instant::now());
                }
            }
        }
    }

    /// Shows the last state for good.
    pub(super) fn finish(&mut self) {
        match self {
            Display::Bars { bars, .. } => bars.iter().for_each(ProgressBar::abandon),
            Display::Lines { text, .. } if !text.is_empty() => output::note(text),
            Display::Lines { .. } => {}
        }
    }
}

fn line(progress: &SyncProgress) -> String {
    let parts: Vec<String> = progress.parts.iter().map(part).collect();
    format!("{} ({} rows/s)", parts.join(", "), progress.rows_per_second)
}

fn part(view: &PartView) -> String {
    let rows = view.part.rows;
    match (&view.part.progress, view.part.expected) {
        (PartProgress::Waiting, _) => format!("{} waits", view.partner_object),
        (_, Some(expected)) => format!("{} {rows}/{expected}", view.partner_object),
        (_, None) => format!("{} {rows}", view.partner_object),
    }
}

fn style() -> ProgressStyle {
    ProgressStyle::with_template("{prefix:>14} {bar:30} {human_pos:>10}/{human_len} {msg}")
        .unwrap_or_else(|_| ProgressStyle::default_bar())
}
