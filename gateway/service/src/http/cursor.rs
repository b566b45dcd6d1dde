//! Cursors: places in a list, as text that callers hand back unread.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

/// What a cursor's number counts. A cursor of one list is refused by another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CursorKind {
    /// Records by number.
    Records,
    /// Feed positions.
    Feed,
    /// Log entries by number.
    Logs,
    /// Held links by number.
    Held,
    /// Entries of the history in which a value lost, by number.
    Conflicts,
    /// Sync runs by number.
    Syncs,
    /// Entries of a link's history, by number.
    History,
}

impl CursorKind {
    fn letter(self) -> char {
        match self {
            CursorKind::Records => 'r',
            CursorKind::Feed => 'f',
            CursorKind::Logs => 'l',
            CursorKind::Held => 'h',
            CursorKind::Conflicts => 'c',
            CursorKind::Syncs => 's',
            CursorKind::History => 'y',
        }
    }
}

/// The cursor behind this number.
pub fn write(kind: CursorKind, number: i64) -> String {
    URL_SAFE_NO_PAD.encode(format!("{}{number}", kind.letter()))
}

/// The number a cursor stands for.
///
/// # Errors
/// What a caller should send instead.
pub fn read(kind: CursorKind, text: &str) -> Result<i64, String> {
    URL_SAFE_NO_PAD
        .decode(text)
        .ok()
        .and_then(|bytes| String::from_utf8(bytes).ok())
        .and_then(|plain| plain.strip_prefix(kind.letter())?.parse().ok())
        .filter(|number| *number >= 0)
        .ok_or_else(|| "is no cursor of this list; send `next` of the page before, as it came".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_reads_as_what_was_written_and_only_in_its_list() {
        assert_eq!(read(CursorKind::Feed, &write(CursorKind::Feed, 42)), Ok(42));
        assert!(read(CursorKind::Records, &write(CursorKind::Feed, 42)).is_err());
        for bad in ["", "42", "!!", &write(CursorKind::Feed, -1)] {
            assert!(read(CursorKind::Feed, bad).is_err(), "{bad:?}");
        }
    }
}
