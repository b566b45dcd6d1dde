//! The file of an ingest job.
//!
//! Source: Bulk API 2.0 Developer Guide, "Prepare CSV Files" and "Valid CSV Record Rows": UTF-8, API names as
//! header, an empty cell leaves its field alone, `#N/A` empties it.

use std::collections::BTreeSet;

use causeway_core::record::Fields;

use crate::salesforce::values::{Unsendable, csv_cell};

/// Bytes of a file. Salesforce takes 150 MB after base64; a file of this size still passes a slow line within the
/// time that an answer may take, and what does not fit goes into another job.
pub const LONGEST_FILE: usize = 10 * 1024 * 1024;

/// Characters of a cell that Salesforce takes.
const LONGEST_CELL: usize = 32_000;

/// Characters of a row that Salesforce takes.
const LONGEST_ROW: usize = 400_000;

/// The CSV of an ingest job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IngestFile {
    bytes: Vec<u8>,
    rows: usize,
}

/// Rows packed into a file, by their place among the rows given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Packed {
    /// The file.
    pub file: IngestFile,
    /// Rows in the file.
    pub carried: Vec<usize>,
    /// Rows that CSV cannot carry: too long, or a text that means "no value" there. They travel in a collection.
    pub unfit: Vec<usize>,
    /// Rows for which the file has no room any more.
    pub left: Vec<usize>,
    /// Rows with a value that cannot be sent at all.
    pub unsendable: Vec<(usize, Unsendable)>,
}

impl IngestFile {
    /// Packs rows, each with its key (Id or external id) among its values, as far as they fit.
    pub fn pack(rows: &[Fields]) -> Packed {
        let columns: BTreeSet<&str> = rows
            .iter()
            .flat_map(|row| row.keys())
            .map(String::as_str)
            .collect();
        let mut bytes = Vec::new();
        write_row(columns.iter().map(|column| Some(*column)), &mut bytes);
        let mut packed = Packed {
            file: IngestFile { bytes, rows: 0 },
            carried: Vec::new(),
            unfit: Vec::new(),
            left: Vec::new(),
            unsendable: Vec::new(),
        };
        for (place, row) in rows.iter().enumerate() {
            let cells = match cells(row, &columns) {
                Ok(Some(cells)) => cells,
                Ok(None) => {
                    packed.unfit.push(place);
                    continue;
                }
                Err(cause) => {
                    packed.unsendable.push((place, cause));
                    continue;
                }
            };
            let start = packed.file.bytes.len();
            write_row(cells.iter().map(Option::as_deref), &mut packed.file.bytes);
            if packed.file.bytes.len() > LONGEST_FILE {
                packed.file.bytes.truncate(start);
                packed.left.push(place);
            } else {
                packed.file.rows += 1;
                packed.carried.push(place);
            }
        }
        packed
    }

    /// Rows in the file.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// The file's bytes.
    pub fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }
}

/// The cells of a row under these columns; none where CSV cannot carry the row.
fn cells(row: &Fields, columns: &BTreeSet<&str>) -> Result<Option<Vec<Option<String>>>, Unsendable> {
    let mut length = 0;
    let mut cells = Vec::with_capacity(columns.len());
    for column in columns {
        let Some(value) = row.get(*column) else {
            cells.push(None);
            continue;
        };
        let Some(cell) = csv_cell(column, value)? else {
            return Ok(None);
        };
        // As Salesforce counts: UTF-16 units (believed), never fewer than characters.
        let units = cell.encode_utf16().count();
        length += units;
        if units > LONGEST_CELL || length > LONGEST_ROW {
            return Ok(None);
        }
        cells.push(Some(cell));
    }
    Ok(Some(cells))
}

fn write_row<'a>(cells: impl Iterator<Item = Option<&'a str>>, into: &mut Vec<u8>) {
    for (place, cell) in cells.enumerate() {
        if place > 0 {
            into.push(b',');
        }
        if let Some(cell) = cell {
            write_cell(cell, into);
        }
    }
    into.push(b'\n');
}

/// Quotes every cell that is not plainly a word, so that no space, comma, quote or line break is misread.
fn write_cell(cell: &str, into: &mut Vec<u8>) {
    let plain = cell.bytes().all(|byte| {
        byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b':' | b'#' | b'/' | b'@')
    });
    if plain {
        into.extend_from_slice(cell.as_bytes());
        return;
    }
    into.push(b'"');
    for byte in cell.bytes() {
        if byte == b'"' {
            into.push(b'"');
        }
        into.push(byte);
    }
    into.push(b'"');
}

#[cfg(test)]
mod tests {
    use causeway_core::id::RecordId;
    use causeway_core::record::FieldValue;
    use proptest::prelude::*;

    use super::*;
    use crate::salesforce::csv::CsvReader;

    fn row(values: &[(&str, FieldValue)]) -> Fields {
        values
            .iter()
            .map(|(name, value)| ((*name).to_owned(), value.clone()))
            .collect()
    }

    fn text(text: &str) -> FieldValue {
        FieldValue::Text(text.to_owned())
    }

    fn read(bytes: &[u8]) -> Vec<Vec<String>> {
        let mut reader = CsvReader::default();
        let mut rows = Vec::new();
        let mut rest = bytes;
        while !rest.is_empty() {
            let step = reader.read(rest).unwrap();
            rest = &rest[step.used..];
            rows.extend(
                step.row
                    .map(|row| row.iter().map(str::to_owned).collect::<Vec<_>>()),
            );
        }
        rows
    }

    #[test]
    fn absent_null_and_text_are_three_different_cells() {
        let packed = IngestFile::pack(&[
            row(&[("Ext__c", text("cw-1-1")), ("Name", text("Ann \"A\", Ltd\nx"))]),
            row(&[("Ext__c", text("cw-1-2")), ("Name", FieldValue::Null)]),
            row(&[("Ext__c", text("cw-1-3")), ("Phone", text("+49 30"))]),
        ]);
        assert_eq!(packed.carried, [0, 1, 2]);
        assert_eq!(packed.file.rows(), 3);
        assert_eq!(
            String::from_utf8(packed.file.into_bytes()).unwrap(),
            "Ext__c,Name,Phone\ncw-1-1,\"Ann \"\"A\"\", Ltd\nx\",\ncw-1-2,#N/A,\ncw-1-3,,\"+49 30\"\n"
        );
    }

    #[test]
    fn what_csv_cannot_carry_is_left_out_and_named() {
        let packed = IngestFile::pack(&[
            row(&[("Id", text("a")), ("Name", text("#N/A"))]),
            row(&[("Id", text("b")), ("Name", text(&"x".repeat(LONGEST_CELL + 1)))]),
            row(&[("Id", text("c")), ("AccountId", FieldValue::Record(RecordId(4)))]),
            row(&[("Id", text("d")), ("Name", text(&"x".repeat(LONGEST_CELL)))]),
        ]);
        assert_eq!(packed.unfit, [0, 1]);
        assert_eq!(packed.carried, [3]);
        assert_eq!(
            packed.unsendable,
            [(
                2,
                Unsendable::NotMadeYet {
                    field: "AccountId".to_owned(),
                    record: RecordId(4)
                }
            )]
        );
    }

    #[test]
    fn a_full_file_leaves_the_rest_for_another() {
        let rows: Vec<Fields> = (0..400)
            .map(|number| {
                row(&[
                    ("Id", text(&number.to_string())),
                    ("Name", text(&"y".repeat(30_000))),
                ])
            })
            .collect();
        let packed = IngestFile::pack(&rows);
        assert_eq!(packed.carried.len() + packed.left.len(), 400);
        assert!(!packed.left.is_empty());
        let carried = packed.file.rows();
        assert_eq!(carried, packed.carried.len());
        let bytes = packed.file.into_bytes();
        assert!(bytes.len() <= LONGEST_FILE);
        assert_eq!(read(&bytes).len(), carried + 1);
    }

    proptest! {
        #[test]
        fn every_text_comes_out_of_the_file_as_it_went_in(
            cells in prop::collection::vec("[a-zäß€😀\",\r\n #/-]{1,12}", 1..6),
        ) {
            prop_assume!(cells.iter().all(|cell| cell.trim() != "#N/A"));
            let values: Vec<(String, FieldValue)> = cells
                .iter()
                .enumerate()
                .map(|(place, cell)| (format!("F{place}"), text(cell)))
                .collect();
            let packed = IngestFile::pack(&[values.into_iter().collect()]);
            let rows = read(&packed.file.into_bytes());
            prop_assert_eq!(&rows[1..], [cells]);
        }
    }
}
