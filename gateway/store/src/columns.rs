//! How the core's values stand in columns, both ways.

use causeway_core::Instant;
use causeway_core::decide::{LinkStatus, MergedInto, Presence, Side};
use causeway_core::id::SalesforceId;
use causeway_core::ports::connections::Environment;
use causeway_core::ports::inbox::ChangeKind;
use causeway_core::ports::logs::{LogDirection, LogMethod};
use causeway_core::ports::runs::{RunKind, RunState, Watermark};
use causeway_core::ports::{Lane, StoreError};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::error::unexpected;

/// A closed set of values stored as a word.
pub(crate) trait Word: Copy + 'static {
    /// Every value with its word. Words are for ever: stored data holds them.
    const WORDS: &'static [(Self, &'static str)];
    /// What the set is, for errors.
    const WHAT: &'static str;

    /// The value's word.
    fn word(self) -> &'static str;

    /// The value of a stored word.
    fn from_word(word: &str) -> Result<Self, StoreError> {
        Self::WORDS
            .iter()
            .find(|(_, known)| *known == word)
            .map(|(value, _)| *value)
            .ok_or_else(|| unexpected(format!("{word:?} is no {}", Self::WHAT)))
    }
}

macro_rules! words {
    ($type:ident, $what:literal, { $($variant:ident => $word:literal),+ $(,)? }) => {
        impl Word for $type {
            const WORDS: &'static [(Self, &'static str)] = &[$(($type::$variant, $word)),+];
            const WHAT: &'static str = $what;

            fn word(self) -> &'static str {
                match self {
                    $($type::$variant => $word),+
                }
            }
        }
    };
}

words!(Presence, "presence", { Live => "live", Deleted => "deleted", Archived => "archived" });
words!(Environment, "environment", { Production => "production", Sandbox => "sandbox" });
words!(ChangeKind, "kind of change", { Upsert => "upsert", Delete => "delete" });
words!(LogDirection, "direction", { Incoming => "incoming", Outgoing => "outgoing" });
words!(LogMethod, "method", { Get => "GET", Post => "POST", Put => "PUT", Delete => "DELETE" });
words!(Side, "side", { Salesforce => "salesforce", Partner => "partner" });
words!(Watermark, "kind of watermark", { Changes => "changes", Deletes => "deletes" });
words!(RunKind, "kind of run", { Initial => "initial", Instant => "instant", Reconcile => "reconcile" });
words!(RunState, "state of a run", {
    Queued => "queued",
    Running => "running",
    Completed => "completed",
    Failed => "failed",
    Cancelling => "cancelling",
    Cancelled => "cancelled",
});

/// The status words of links. The migrations' partial index names the first.
pub(crate) const LINKED: &str = "linked";
pub(crate) const CREATING: &str = "creating";
pub(crate) const HELD: &str = "held";
pub(crate) const DELETED: &str = "deleted";
pub(crate) const UNLINKED: &str = "unlinked";
pub(crate) const MERGED: &str = "merged";
pub(crate) const CONVERTED: &str = "converted";

/// A link's status as its word, and what else it says as JSON: why a link is held, what a merged or converted record
/// became.
pub(crate) fn status_columns(status: &LinkStatus) -> Result<(&'static str, Option<String>), StoreError> {
    Ok(match status {
        LinkStatus::Linked => (LINKED, None),
        LinkStatus::Creating => (CREATING, None),
        LinkStatus::Held { reason } => (HELD, Some(to_json(reason)?)),
        LinkStatus::Deleted => (DELETED, None),
        LinkStatus::Unlinked => (UNLINKED, None),
        LinkStatus::Merged { into } => (MERGED, Some(to_json(into)?)),
        LinkStatus::Converted { to } => (CONVERTED, Some(to_json(to)?)),
    })
}

/// A link's status from its columns.
pub(crate) fn status(word: &str, data: Option<&str>) -> Result<LinkStatus, StoreError> {
    match (word, data) {
        (LINKED, _) => Ok(LinkStatus::Linked),
        (CREATING, _) => Ok(LinkStatus::Creating),
        (DELETED, _) => Ok(LinkStatus::Deleted),
        (UNLINKED, _) => Ok(LinkStatus::Unlinked),
        (HELD, Some(reason)) => Ok(LinkStatus::Held {
            reason: from_json("reason for holding", reason)?,
        }),
        (MERGED, Some(into)) => Ok(LinkStatus::Merged {
            into: from_json("record that a link was merged into", into)?,
        }),
        (CONVERTED, Some(to)) => Ok(LinkStatus::Converted {
            to: from_json("records that a lead was converted to", to)?,
        }),
        _ => Err(unexpected(format!("{word:?} is no status of a link"))),
    }
}

/// Stands where a deleted record is known not to have been merged into another.
const MERGED_INTO_NOTHING: &str = "nothing";

/// Where a deleted record went, as text; nothing where that is not known.
pub(crate) fn merged_column(merged: &MergedInto) -> Option<&str> {
    match merged {
        MergedInto::Unknown => None,
        MergedInto::Nothing => Some(MERGED_INTO_NOTHING),
        MergedInto::Record(id) => Some(id.as_str()),
    }
}

/// Where a deleted record went, from its column.
pub(crate) fn merged_into(text: Option<&str>) -> Result<MergedInto, StoreError> {
    match text {
        None => Ok(MergedInto::Unknown),
        Some(MERGED_INTO_NOTHING) => Ok(MergedInto::Nothing),
        Some(id) => salesforce_id(id).map(MergedInto::Record),
    }
}

/// A lane's number. Smaller is served first.
pub(crate) fn lane_number(lane: Lane) -> i64 {
    match lane {
        Lane::Interactive => 0,
        Lane::Bulk => 1,
    }
}

/// A lane from its number.
pub(crate) fn lane(number: i64) -> Result<Lane, StoreError> {
    match number {
        0 => Ok(Lane::Interactive),
        1 => Ok(Lane::Bulk),
        _ => Err(unexpected(format!("{number} is no lane"))),
    }
}

/// Microseconds since 1970.
pub(crate) fn micros(moment: Instant) -> i64 {
    moment.timestamp_micros()
}

/// A moment from microseconds since 1970.
pub(crate) fn moment(micros: i64) -> Result<Instant, StoreError> {
    Instant::from_timestamp_micros(micros)
        .ok_or_else(|| unexpected(format!("{micros} microseconds are beyond any calendar")))
}

/// A Salesforce id from its column.
pub(crate) fn salesforce_id(text: &str) -> Result<SalesforceId, StoreError> {
    SalesforceId::parse(text).map_err(|error| unexpected(format!("{text:?}: {error}")))
}

/// A Salesforce id that may be missing.
pub(crate) fn optional_salesforce_id(text: Option<&str>) -> Result<Option<SalesforceId>, StoreError> {
    text.map(salesforce_id).transpose()
}

/// A value as JSON text.
pub(crate) fn to_json<T: Serialize + ?Sized>(value: &T) -> Result<String, StoreError> {
    serde_json::to_string(value).map_err(|error| unexpected(format!("cannot be written as JSON: {error}")))
}

/// A value as JSON text, or nothing where it is the default: most links and records have none of it.
pub(crate) fn to_optional_json<T: Serialize + Default + PartialEq>(
    value: &T,
) -> Result<Option<String>, StoreError> {
    (*value != T::default()).then(|| to_json(value)).transpose()
}

/// A value from JSON text, the default where there is none.
pub(crate) fn from_optional_json<T: DeserializeOwned + Default>(
    what: &str,
    text: Option<&str>,
) -> Result<T, StoreError> {
    text.map_or_else(|| Ok(T::default()), |text| from_json(what, text))
}

/// A value from JSON text. Errors name `what` and the place, never the text: it may hold personal data.
pub(crate) fn from_json<T: DeserializeOwned>(what: &str, text: &str) -> Result<T, StoreError> {
    serde_json::from_str(text).map_err(|error| {
        unexpected(format!(
            "the stored {what} is not readable ({:?} at line {} column {})",
            error.classify(),
            error.line(),
            error.column()
        ))
    })
}

/// A number of things for a column.
pub(crate) fn to_column(count: u64) -> Result<i64, StoreError> {
    i64::try_from(count).map_err(|_overflow| unexpected(format!("{count} is too great to be stored")))
}

/// A number from its column.
pub(crate) fn from_column<T: TryFrom<i64>>(what: &str, number: i64) -> Result<T, StoreError> {
    T::try_from(number).map_err(|_overflow| unexpected(format!("{number} is no {what}")))
}

#[cfg(test)]
mod round_trips;

#[cfg(test)]
mod tests {
    use super::*;

    fn reads_back<T: Word + PartialEq + std::fmt::Debug>() {
        for (value, word) in T::WORDS {
            assert_eq!(value.word(), *word);
            assert_eq!(T::from_word(word).as_ref(), Ok(value));
        }
        assert!(T::from_word("no such word").is_err());
    }

    #[test]
    fn words_read_back_as_what_they_were() {
        reads_back::<Presence>();
        reads_back::<Environment>();
        reads_back::<ChangeKind>();
        reads_back::<LogDirection>();
        reads_back::<LogMethod>();
        reads_back::<RunKind>();
        reads_back::<RunState>();
        reads_back::<Side>();
        reads_back::<Watermark>();
    }

    #[test]
    fn moments_keep_their_microseconds() {
        let stamp = moment(1_764_000_000_123_456).unwrap();
        assert_eq!(micros(stamp), 1_764_000_000_123_456);
        assert!(moment(i64::MAX).is_err());
    }

    #[test]
    fn an_unreadable_value_is_reported_without_its_text() {
        let error = from_json::<Vec<String>>("list", "[\"secret\", 1]").unwrap_err();
        assert!(!error.to_string().contains("secret"), "{error}");
    }
}
