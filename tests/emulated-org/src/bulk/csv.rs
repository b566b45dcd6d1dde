//! CSV as Bulk API 2.0 writes it: RFC 4180 with every value in quotes, null as an empty text.

use chrono::{DateTime, Datelike, Timelike, Utc};

use crate::data::{Data, Row};
use crate::schema::Object;
use crate::soql::path::FieldPath;
use crate::soql::reader::{Cell, Reader};
use crate::value::Value;

/// What stands between columns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(
    missing_docs,
    reason = "each variant is the `columnDelimiter` value of the same name"
)]
pub enum Delimiter {
    Backquote,
    Caret,
    Comma,
    Pipe,
    Semicolon,
    Tab,
}

/// What stands after a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LineEnding {
    /// A line feed.
    Lf,
    /// Carriage return and line feed.
    Crlf,
}

/// How a job's CSV is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Format {
    /// What stands between columns.
    pub delimiter: Delimiter,
    /// What stands after a row.
    pub line_ending: LineEnding,
}

impl Delimiter {
    /// Reads a `columnDelimiter`.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        let all = [
            Self::Backquote,
            Self::Caret,
            Self::Comma,
            Self::Pipe,
            Self::Semicolon,
            Self::Tab,
        ];
        all.into_iter().find(|delimiter| delimiter.name() == name)
    }

    /// The `columnDelimiter` of a job.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Backquote => "BACKQUOTE",
            Self::Caret => "CARET",
            Self::Comma => "COMMA",
            Self::Pipe => "PIPE",
            Self::Semicolon => "SEMICOLON",
            Self::Tab => "TAB",
        }
    }

    pub(super) fn byte(self) -> u8 {
        match self {
            Self::Backquote => b'`',
            Self::Caret => b'^',
            Self::Comma => b',',
            Self::Pipe => b'|',
            Self::Semicolon => b';',
            Self::Tab => b'\t',
        }
    }
}

impl LineEnding {
    /// Reads a `lineEnding`.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        [Self::Lf, Self::Crlf]
            .into_iter()
            .find(|ending| ending.name() == name)
    }

    /// The `lineEnding` of a job.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Lf => "LF",
            Self::Crlf => "CRLF",
        }
    }

    pub(super) fn bytes(self) -> &'static [u8] {
        match self {
            Self::Lf => b"\n",
            Self::Crlf => b"\r\n",
        }
    }
}

impl Default for Format {
    fn default() -> Self {
        Self {
            delimiter: Delimiter::Comma,
            line_ending: LineEnding::Lf,
        }
    }
}

/// Writes rows of one object.
#[derive(Debug)]
pub struct Writer<'a> {
    readers: Vec<Reader<'a>>,
    format: Format,
}

impl<'a> Writer<'a> {
    /// A writer of these columns of an object's rows.
    #[must_use]
    pub fn new(columns: &'a [FieldPath], object: &'a Object, data: &'a Data, format: Format) -> Self {
        let readers = columns
            .iter()
            .map(|column| Reader::new(column, object, data))
            .collect();
        Self { readers, format }
    }

    /// Writes the names of the columns, parents' fields with dots.
    pub fn header(&self, out: &mut Vec<u8>) {
        self.line(out, |reader, out| {
            out.extend_from_slice(reader.path().dotted().as_bytes())
        });
    }

    /// Writes one row.
    pub fn row(&self, row: &'a Row, out: &mut Vec<u8>) {
        self.line(out, |reader, out| write_cell(&reader.cell(row), out));
    }

    fn line(&self, out: &mut Vec<u8>, write: impl Fn(&Reader<'a>, &mut Vec<u8>)) {
        for (index, reader) in self.readers.iter().enumerate() {
            if index > 0 {
                out.push(self.format.delimiter.byte());
            }
            out.push(b'"');
            write(reader, out);
            out.push(b'"');
        }
        out.extend_from_slice(self.format.line_ending.bytes());
    }
}

fn write_cell(cell: &Cell<'_>, out: &mut Vec<u8>) {
    match cell {
        Cell::Stored(Value::Text(text), _) => write_text(text, out),
        // Moments are the slowest values to print and stand in almost every row.
        Cell::Stored(Value::DateTime(instant), _) => write_datetime(*instant, out),
        Cell::Stored(value, field) => value.write_csv(field, out),
        Cell::Calculated(Value::Text(text), _) => write_text(text, out),
        Cell::Calculated(value, field) => value.write_csv(field, out),
        Cell::Made(Value::Id(id)) => out.extend_from_slice(id.as_str().as_bytes()),
        Cell::Made(Value::Text(text)) => write_text(text, out),
        Cell::Made(Value::Boolean(true)) => out.extend_from_slice(b"true"),
        Cell::Made(Value::Boolean(false)) => out.extend_from_slice(b"false"),
        // A query that selects a compound field never becomes a job.
        Cell::Made(_) | Cell::Compound(..) | Cell::Content(..) | Cell::Nothing => {}
    }
}

/// Writes texts as one row.
pub(crate) fn write_line<'a>(cells: impl Iterator<Item = &'a str>, format: Format, out: &mut Vec<u8>) {
    for (index, cell) in cells.enumerate() {
        if index > 0 {
            out.push(format.delimiter.byte());
        }
        write_quoted(cell, out);
    }
    out.extend_from_slice(format.line_ending.bytes());
}

fn write_quoted(text: &str, out: &mut Vec<u8>) {
    out.push(b'"');
    write_text(text, out);
    out.push(b'"');
}

fn write_text(text: &str, out: &mut Vec<u8>) {
    let mut parts = text.split('"');
    if let Some(first) = parts.next() {
        out.extend_from_slice(first.as_bytes());
    }
    for part in parts {
        out.extend_from_slice(b"\"\"");
        out.extend_from_slice(part.as_bytes());
    }
}

/// `2026-11-22T06:04:37.000Z`
fn write_datetime(instant: DateTime<Utc>, out: &mut Vec<u8>) {
    let time = instant.time();
    write_digits(instant.year_ce().1, 4, out);
    for (mark, number) in [
        (b'-', instant.month()),
        (b'-', instant.day()),
        (b'T', time.hour()),
        (b':', time.minute()),
        (b':', time.second()),
    ] {
        out.push(mark);
        write_digits(number, 2, out);
    }
    out.push(b'.');
    write_digits(time.nanosecond() / 1_000_000 % 1_000, 3, out);
    out.push(b'Z');
}

fn write_digits(number: u32, width: usize, out: &mut Vec<u8>) {
    let start = out.len();
    out.resize(start + width, b'0');
    let mut rest = number;
    for place in out.iter_mut().skip(start).rev() {
        *place += u8::try_from(rest % 10).unwrap_or(0);
        rest /= 10;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_keep_everything_and_double_their_quotes() {
        let mut out = Vec::new();
        write_text("\"a\", \"b\"\r\nc;é", &mut out);
        assert_eq!(String::from_utf8(out).unwrap(), "\"\"a\"\", \"\"b\"\"\r\nc;é");
    }

    #[test]
    fn moments_are_written_to_the_millisecond() {
        for text in [
            "2026-11-22T06:04:37.000Z",
            "0999-01-02T23:59:59.001Z",
            "2000-02-29T00:00:00.999Z",
        ] {
            let mut out = Vec::new();
            write_datetime(text.parse().unwrap(), &mut out);
            assert_eq!(String::from_utf8(out).unwrap(), text);
        }
    }

    #[test]
    fn names_of_formats_are_read_and_printed() {
        for name in ["BACKQUOTE", "CARET", "COMMA", "PIPE", "SEMICOLON", "TAB"] {
            assert_eq!(Delimiter::parse(name).unwrap().name(), name);
        }
        assert_eq!(Delimiter::parse("comma"), None);
        assert_eq!(LineEnding::parse("CRLF").unwrap().bytes(), b"\r\n");
        assert_eq!(LineEnding::parse("CR"), None);
    }
}
