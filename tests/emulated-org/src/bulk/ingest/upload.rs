//! The CSV of an ingest job, read as strictly as Salesforce reads it.
//!
//! Source: Bulk API 2.0 and Bulk API Developer Guide, Prepare CSV Files, Valid CSV Record Rows, Limits. The texts
//! about quotes, line endings and unknown columns are those that clients report; the others are believed.

use crate::bulk::csv::{Format, LineEnding};

/// Most characters of one cell.
const MAX_CELL: usize = 32_000;
/// Most characters of one row.
const MAX_ROW: usize = 400_000;
/// Most columns.
const MAX_COLUMNS: usize = 5_000;

/// An uploaded table.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Upload {
    /// The names of the columns, as written; empty for an empty upload.
    pub header: Vec<String>,
    /// The rows, each with as many cells as there are columns.
    pub rows: Vec<Vec<String>>,
}

impl Upload {
    /// Reads an upload.
    ///
    /// # Errors
    /// The job's `errorMessage`.
    pub fn read(bytes: &[u8], format: Format) -> Result<Self, String> {
        let text = std::str::from_utf8(bytes)
            .map_err(|error| format!("InvalidBatch : The data is not UTF-8: {error}"))?;
        let mut reader = Reader {
            rest: text,
            delimiter: char::from(format.delimiter.byte()),
            line_ending: format.line_ending,
        };
        let mut rows = Vec::new();
        while let Some(row) = reader.row()? {
            // A line without any character holds no record.
            if row.len() == 1 && row.iter().all(|cell| cell.text.is_empty() && !cell.quoted) {
                continue;
            }
            rows.push(row.into_iter().map(|cell| cell.text).collect::<Vec<_>>());
        }
        let mut rows = rows.into_iter();
        let header = rows.next().unwrap_or_default();
        let rows: Vec<Vec<String>> = rows.collect();
        check(&header, &rows)?;
        Ok(Self { header, rows })
    }
}

fn check(header: &[String], rows: &[Vec<String>]) -> Result<(), String> {
    if header.len() > MAX_COLUMNS {
        return Err(format!(
            "InvalidBatch : The header has {} fields; {MAX_COLUMNS} are allowed",
            header.len()
        ));
    }
    for (index, row) in rows.iter().enumerate() {
        let number = index + 1;
        if row.len() != header.len() {
            return Err(format!(
                "InvalidBatch : Row {number} has {} columns, the header has {}",
                row.len(),
                header.len()
            ));
        }
        // Bytes are never fewer than characters, so the cheap count settles nearly all rows.
        let bytes: usize = row.iter().map(String::len).sum();
        if bytes <= MAX_CELL {
            continue;
        }
        let lengths = row.iter().map(|cell| cell.chars().count());
        if lengths.clone().any(|length| length > MAX_CELL) {
            return Err(format!(
                "InvalidBatch : A field of row {number} is longer than {MAX_CELL} characters"
            ));
        }
        if lengths.sum::<usize>() > MAX_ROW {
            return Err(format!(
                "InvalidBatch : Row {number} is longer than {MAX_ROW} characters"
            ));
        }
    }
    Ok(())
}

struct Cell {
    text: String,
    quoted: bool,
}

struct Reader<'a> {
    rest: &'a str,
    delimiter: char,
    line_ending: LineEnding,
}

/// What stands behind a cell.
enum After {
    Cell,
    Row,
}

impl Reader<'_> {
    fn row(&mut self) -> Result<Option<Vec<Cell>>, String> {
        if self.rest.is_empty() {
            return Ok(None);
        }
        let mut cells = Vec::new();
        loop {
            let (cell, after) = match self.rest.strip_prefix('"') {
                Some(rest) => {
                    self.rest = rest;
                    self.quoted()?
                }
                None => self.plain()?,
            };
            cells.push(cell);
            if let After::Row = after {
                return Ok(Some(cells));
            }
        }
    }

    fn plain(&mut self) -> Result<(Cell, After), String> {
        let end = self
            .rest
            .find([self.delimiter, '"', '\r', '\n'])
            .unwrap_or(self.rest.len());
        let (text, rest) = self.rest.split_at_checked(end).unwrap_or((self.rest, ""));
        let cell = Cell {
            text: text.to_owned(),
            quoted: false,
        };
        self.rest = rest;
        Ok((cell, self.after()?))
    }

    fn quoted(&mut self) -> Result<(Cell, After), String> {
        let mut text = String::new();
        loop {
            let (part, rest) = self.rest.split_once('"').ok_or_else(unescaped_quote)?;
            self.refuse_other_ending(part)?;
            text.push_str(part);
            match rest.strip_prefix('"') {
                Some(rest) => {
                    text.push('"');
                    self.rest = rest;
                }
                None => {
                    self.rest = rest;
                    let cell = Cell { text, quoted: true };
                    return Ok((cell, self.after()?));
                }
            }
        }
    }

    fn after(&mut self) -> Result<After, String> {
        if self.rest.is_empty() {
            return Ok(After::Row);
        }
        if let Some(rest) = self.rest.strip_prefix(self.delimiter) {
            self.rest = rest;
            return Ok(After::Cell);
        }
        let ending = match self.line_ending {
            LineEnding::Lf => "\n",
            LineEnding::Crlf => "\r\n",
        };
        if let Some(rest) = self.rest.strip_prefix(ending) {
            self.rest = rest;
            return Ok(After::Row);
        }
        if self.rest.starts_with(['\r', '\n']) {
            return Err(self.wrong_ending());
        }
        Err(unescaped_quote())
    }

    /// Line breaks within quotes must be of the job's kind too, as clients report.
    fn refuse_other_ending(&self, text: &str) -> Result<(), String> {
        let breaks = text.matches('\n').count();
        let double = text.matches("\r\n").count();
        let fits = match self.line_ending {
            LineEnding::Lf => double == 0,
            LineEnding::Crlf => double == breaks,
        };
        if fits { Ok(()) } else { Err(self.wrong_ending()) }
    }

    fn wrong_ending(&self) -> String {
        format!(
            "ClientInputError : LineEnding is invalid on user data. Current LineEnding setting is {}",
            self.line_ending.name()
        )
    }
}

fn unescaped_quote() -> String {
    "InvalidBatch : Failed to parse CSV. Found unescaped quote. A value with quote should be within a quote"
        .to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bulk::csv::Delimiter;

    fn read(text: &str, line_ending: LineEnding) -> Result<Upload, String> {
        let format = Format {
            delimiter: Delimiter::Comma,
            line_ending,
        };
        Upload::read(text.as_bytes(), format)
    }

    fn rows(text: &str) -> Vec<Vec<String>> {
        read(text, LineEnding::Lf).expect("a table").rows
    }

    #[test]
    fn quotes_hold_delimiters_quotes_and_line_breaks() {
        assert_eq!(
            rows("A,B\n\"x, y\",\"say \"\"no\"\"\"\n\"two\nlines\",\n,z"),
            [["x, y", "say \"no\""], ["two\nlines", ""], ["", "z"]]
        );
        assert_eq!(rows(""), Vec::<Vec<String>>::new());
        assert_eq!(rows("A,B"), Vec::<Vec<String>>::new());
        assert_eq!(rows("A\n\n\"\"\nx\n"), [[""], ["x"]], "an empty line is no row");
    }

    #[test]
    fn line_endings_must_be_those_of_the_job() {
        let wrong = |setting| {
            format!(
                "ClientInputError : LineEnding is invalid on user data. Current LineEnding setting is {setting}"
            )
        };
        for text in ["A\r\nx\r\n", "A\nx\r\n", "A\n\"x\r\ny\"\n", "A\nx\ry\n"] {
            assert_eq!(read(text, LineEnding::Lf), Err(wrong("LF")), "{text:?}");
        }
        for text in ["A\nx\n", "A\r\nx\n", "A\r\n\"x\ny\"\r\n"] {
            assert_eq!(read(text, LineEnding::Crlf), Err(wrong("CRLF")), "{text:?}");
        }
        let table = read("A\r\n\"x\r\ny\"\r\n", LineEnding::Crlf).expect("a table");
        assert_eq!(table.rows, [["x\r\ny"]]);
    }

    #[test]
    fn stray_quotes_and_ragged_rows_fail_the_job() {
        for text in [
            "A,B\nx\",y\n",
            "A,B\n\"x\"z,y\n",
            "A,B\n \"x\",y\n",
            "A,B\n\"x,y\n",
            "\u{feff}\"A\"\nx\n",
        ] {
            assert_eq!(read(text, LineEnding::Lf), Err(unescaped_quote()), "{text:?}");
        }
        let ragged = read("A,B\nx,y\nx\n", LineEnding::Lf).expect_err("ragged");
        assert_eq!(ragged, "InvalidBatch : Row 2 has 1 columns, the header has 2");
        let long = format!("A\n{}\n", "x".repeat(32_001));
        assert!(read(&long, LineEnding::Lf).is_err());
        let format = Format::default();
        assert!(Upload::read(b"A\n\xff\n", format).is_err());
    }
}
