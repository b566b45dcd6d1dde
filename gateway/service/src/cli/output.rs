//! The one place that prints. What a command found out goes to standard output, all else to standard error.

use std::io::Write;

/// Prints a line of a command's result.
#[expect(clippy::print_stdout, reason = "printing is what this function is for")]
pub fn line(text: &str) {
    println!("{text}");
}

/// Prints a block of a command's result as it is.
#[expect(clippy::print_stdout, reason = "printing is what this function is for")]
pub fn block(text: &str) {
    print!("{text}");
    if std::io::stdout().flush().is_err() {
        // A closed pipe (`causeway … | head`) is no failure of the command.
        tracing::debug!("standard output is closed");
    }
}

/// Tells a person what goes on.
#[expect(clippy::print_stderr, reason = "printing is what this function is for")]
pub fn note(text: &str) {
    eprintln!("{text}");
}

/// Tells a person what went wrong.
#[expect(clippy::print_stderr, reason = "printing is what this function is for")]
pub fn error(text: &str) {
    eprintln!("error: {text}");
}

/// Prints rows under their headings, in columns.
pub fn table(headings: &[&str], rows: &[Vec<String>]) {
    let widths: Vec<usize> = headings
        .iter()
        .enumerate()
        .map(|(column, heading)| {
            rows.iter()
                .filter_map(|row| row.get(column))
                .map(|cell| cell.chars().count())
                .chain([heading.chars().count()])
                .max()
                .unwrap_or_default()
        })
        .collect();
    let write = |cells: &[String]| {
        let padded: Vec<String> = cells
            .iter()
            .zip(&widths)
            .map(|(cell, width)| format!("{cell:<width$}"))
            .collect();
        line(padded.join("  ").trim_end());
    };
    write(
        &headings
            .iter()
            .map(|heading| (*heading).to_owned())
            .collect::<Vec<_>>(),
    );
    for row in rows {
        write(row);
    }
}
