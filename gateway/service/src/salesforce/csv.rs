//! CSV read as it arrives: chunks of bytes in, rows out, whatever the chunks cut through.
//!
//! One row is held at a time, in a buffer that is used again for the next, so memory does not grow with the
//! result. Quoted values may hold commas, quotes and line breaks (Bulk API 2.0 Developer Guide, "Valid Date Format
//! in Records" and "CSV Data Files"; RFC 4180).

use csv_core::{ReadRecordResult, Reader};

/// Bytes that a row may take by default. A record may hold several long text areas of 131,072 characters.
pub const MAX_ROW: usize = 16 * 1024 * 1024;

/// Why CSV cannot be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CsvError {
    /// A row takes more bytes than allowed.
    #[error("a row of more than {limit} bytes")]
    TooLong {
        /// Bytes allowed.
        limit: usize,
    },
    /// A row is not UTF-8.
    #[error("a row that is not UTF-8")]
    NotUtf8,
}

/// Reads rows from chunks.
pub struct CsvReader {
    core: Reader,
    text: Vec<u8>,
    text_len: usize,
    ends: Vec<usize>,
    ends_len: usize,
    max_row: usize,
}

impl std::fmt::Debug for CsvReader {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("CsvReader")
            .field("line", &self.core.line())
            .finish_non_exhaustive()
    }
}

/// What a step of reading gave.
#[derive(Debug)]
pub struct Step<'a> {
    /// Bytes of the input that were used up.
    pub used: usize,
    /// A row, if one was completed.
    pub row: Option<Row<'a>>,
}

/// A row. It lasts until the next step.
#[derive(Debug, Clone, Copy)]
pub struct Row<'a> {
    text: &'a str,
    ends: &'a [usize],
}

impl<'a> Row<'a> {
    /// The value in a column, counted from 0. `None` where the row has fewer columns.
    pub fn get(&self, column: usize) -> Option<&'a str> {
        let end = *self.ends.get(column)?;
        let start = match column.checked_sub(1) {
            Some(before) => *self.ends.get(before)?,
            None => 0,
        };
        self.text.get(start..end)
    }

    /// How many columns the row has.
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Bytes of all values.
    pub fn bytes(&self) -> usize {
        self.text.len()
    }

    /// Whether the row has no column.
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// All values.
    pub fn iter(&self) -> impl Iterator<Item = &'a str> + '_ {
        (0..self.len()).filter_map(|column| self.get(column))
    }
}

impl Default for CsvReader {
    fn default() -> Self {
        CsvReader::new(MAX_ROW)
    }
}

impl CsvReader {
    /// A reader that refuses rows of more than `max_row` bytes.
    pub fn new(max_row: usize) -> Self {
        CsvReader {
            core: Reader::new(),
            text: vec![0; 4_096.min(max_row.saturating_add(1))],
            text_len: 0,
            ends: vec![0; 64],
            ends_len: 0,
            max_row,
        }
    }

    /// Reads up to the end of the next row, or all of `input`. Call it again with what is left.
    ///
    /// # Errors
    /// [`CsvError`]; the reader is of no use afterwards.
    pub fn read(&mut self, input: &[u8]) -> Result<Step<'_>, CsvError> {
        if input.is_empty() {
            // To the parser no input means the end, which only `finish` may say.
            return Ok(Step { used: 0, row: None });
        }
        self.step(input)
    }

    /// The last row, where the input did not end with a line break.
    ///
    /// # Errors
    /// As [`CsvReader::read`].
    pub fn finish(&mut self) -> Result<Option<Row<'_>>, CsvError> {
        self.step(&[]).map(|step| step.row)
    }

    fn step(&mut self, input: &[u8]) -> Result<Step<'_>, CsvError> {
        let mut used = 0;
        loop {
            let rest = input.get(used..).unwrap_or_default();
            let text = self.text.get_mut(self.text_len..).unwrap_or_default();
            let ends = self.ends.get_mut(self.ends_len..).unwrap_or_default();
            let (result, read, written, ended) = self.core.read_record(rest, text, ends);
            used += read;
            self.text_len += written;
            self.ends_len += ended;
            match result {
                ReadRecordResult::InputEmpty | ReadRecordResult::End => {
                    return Ok(Step { used, row: None });
                }
                ReadRecordResult::OutputFull => self.grow_text()?,
                ReadRecordResult::OutputEndsFull => self.ends.resize(self.ends.len() * 2, 0),
                ReadRecordResult::Record => {
                    let text = self.text.get(..self.text_len).unwrap_or_default();
                    let ends = self.ends.get(..self.ends_len).unwrap_or_default();
                    self.text_len = 0;
                    self.ends_len = 0;
                    let text = std::str::from_utf8(text).map_err(|_broken| CsvError::NotUtf8)?;
                    if ends.iter().any(|end| !text.is_char_boundary(*end)) {
                        return Err(CsvError::NotUtf8);
                    }
                    return Ok(Step {
                        used,
                        row: Some(Row { text, ends }),
                    });
                }
            }
        }
    }

    fn grow_text(&mut self) -> Result<(), CsvError> {
        // One byte more than a row may have, since the parser asks for room before it meets the row's end.
        let most = self.max_row.saturating_add(1);
        if self.text.len() >= most {
            return Err(CsvError::TooLong { limit: self.max_row });
        }
        self.text
            .resize(self.text.len().saturating_mul(2).clamp(64.min(most), most), 0);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Reads `text` cut at `cuts`.
    fn read_all(text: &[u8], cuts: &[usize], max_row: usize) -> Result<Vec<Vec<String>>, CsvError> {
        let mut reader = CsvReader::new(max_row);
        let mut rows = Vec::new();
        let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut % (text.len() + 1)).collect();
        cuts.extend([0, text.len()]);
        cuts.sort_unstable();
        for pair in cuts.windows(2) {
            let mut chunk = &text[pair[0]..pair[1]];
            while !chunk.is_empty() {
                let step = reader.read(chunk)?;
                chunk = &chunk[step.used..];
                rows.extend(step.row.map(|row| row.iter().map(str::to_owned).collect()));
            }
        }
        rows.extend(
            reader
                .finish()?
                .map(|row| row.iter().map(str::to_owned).collect()),
        );
        Ok(rows)
    }

    fn write(rows: &[Vec<String>], line_end: &str) -> String {
        let mut text = String::new();
        for row in rows {
            let cells: Vec<String> = row
                .iter()
                .map(|cell| format!("\"{}\"", cell.replace('"', "\"\"")))
                .collect();
            text.push_str(&cells.join(","));
            text.push_str(line_end);
        }
        text
    }

    proptest! {
        #[test]
        fn rows_come_out_the_same_wherever_chunks_are_cut(
            rows in prop::collection::vec(prop::collection::vec("[a-zäß€😀\",\r\n ]{0,12}", 1..5), 0..8),
            cuts in prop::collection::vec(0usize..4_096, 0..40),
            crlf in any::<bool>(),
            last_line_ends in any::<bool>(),
        ) {
            let line_end = if crlf { "\r\n" } else { "\n" };
            let mut text = write(&rows, line_end);
            if !last_line_ends {
                text.truncate(text.trim_end_matches(['\r', '\n']).len());
            }
            prop_assert_eq!(read_all(text.as_bytes(), &cuts, MAX_ROW).unwrap(), rows);
        }
    }

    #[test]
    fn a_byte_at_a_time_is_enough() {
        let text = "Id,Name\n\"001\",\"Müller, \"\"der\"\" Große\nGmbH\"\n002,\n";
        let cuts: Vec<usize> = (0..text.len()).collect();
        assert_eq!(
            read_all(text.as_bytes(), &cuts, MAX_ROW).unwrap(),
            [
                vec!["Id", "Name"],
                vec!["001", "Müller, \"der\" Große\nGmbH"],
                vec!["002", ""]
            ]
        );
    }

    #[test]
    fn wide_and_long_rows_fit_until_the_bound() {
        let wide = vec!["x".to_owned(); 500];
        assert_eq!(
            read_all(write(std::slice::from_ref(&wide), "\n").as_bytes(), &[], MAX_ROW).unwrap(),
            [wide]
        );
        let long = vec!["y".repeat(100_000)];
        assert_eq!(
            read_all(
                write(std::slice::from_ref(&long), "\n").as_bytes(),
                &[77],
                100_000
            )
            .unwrap(),
            std::slice::from_ref(&long)
        );
        assert_eq!(
            read_all(write(&[long], "\n").as_bytes(), &[], 99_999),
            Err(CsvError::TooLong { limit: 99_999 })
        );
    }

    #[test]
    fn broken_utf8_is_refused_also_where_two_broken_cells_would_join() {
        assert_eq!(read_all(b"a,\xff\n", &[], MAX_ROW), Err(CsvError::NotUtf8));
        assert_eq!(read_all(b"a\xc3,\xa4b\n", &[], MAX_ROW), Err(CsvError::NotUtf8));
    }

    #[test]
    fn a_byte_order_mark_is_no_part_of_the_first_name() {
        assert_eq!(
            read_all("\u{feff}Id\n1\n".as_bytes(), &[], MAX_ROW).unwrap(),
            [["Id"], ["1"]]
        );
    }
}
