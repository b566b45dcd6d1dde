//! Which of a record's waiting changes are worth deciding.

use std::collections::{BTreeMap, BTreeSet};

use causeway_core::ports::inbox::{ChangeKind, PendingChange};
use serde::de::IgnoredAny;

/// The changes of one record that are worth deciding, oldest version first.
///
/// A newer full snapshot makes older ones needless. An older change that carries a field the newer ones do not is
/// kept, since a field that is absent says nothing. Two changes of one version with other contents are both kept:
/// the core then asks for a fresh reading.
pub(super) fn coalesce(changes: &[PendingChange]) -> Vec<&PendingChange> {
    let mut sorted: Vec<&PendingChange> = changes.iter().collect();
    sorted.sort_by_key(|change| (change.change.version, change.id));
    if sorted.len() < 2 {
        return sorted;
    }
    let mut kept: Vec<(&PendingChange, BTreeSet<String>)> = Vec::new();
    for change in sorted.into_iter().rev() {
        let names = field_names(change);
        if !kept
            .iter()
            .any(|(newer, newer_names)| covers(newer, newer_names, change, &names))
        {
            kept.push((change, names));
        }
    }
    kept.into_iter().rev().map(|(change, _)| change).collect()
}

fn covers(
    newer: &PendingChange,
    newer_names: &BTreeSet<String>,
    older: &PendingChange,
    older_names: &BTreeSet<String>,
) -> bool {
    if newer.change.version == older.change.version {
        return newer.change.kind == older.change.kind && newer.change.fields == older.change.fields;
    }
    newer.change.kind == ChangeKind::Delete
        || older.change.kind == ChangeKind::Delete
        || older_names.is_subset(newer_names)
}

fn field_names(change: &PendingChange) -> BTreeSet<String> {
    serde_json::from_str::<BTreeMap<String, IgnoredAny>>(&change.change.fields)
        .map(|fields| fields.into_keys().collect())
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use causeway_core::Instant;
    use causeway_core::id::{ConnectionId, InboxId, SalesforceId};
    use causeway_core::ports::inbox::ReceivedChange;
    use causeway_core::version::SalesforceVersion;
    use chrono::TimeDelta;

    use super::*;

    fn change(id: i64, seconds: i64, kind: ChangeKind, fields: &str) -> PendingChange {
        let moment = Instant::UNIX_EPOCH + TimeDelta::seconds(seconds);
        PendingChange {
            connection: ConnectionId(1),
            id: InboxId(id),
            change: ReceivedChange {
                object: "Contact".to_owned(),
                salesforce_id: SalesforceId::parse("003000000000001").unwrap(),
                kind,
                version: SalesforceVersion {
                    modstamp: moment,
                    observed: moment,
                },
                fields: fields.to_owned(),
                source: "pump".to_owned(),
            },
            received_at: moment,
        }
    }

    fn kept(changes: &[PendingChange]) -> Vec<i64> {
        coalesce(changes).iter().map(|change| change.id.0).collect()
    }

    use ChangeKind::{Delete, Upsert};

    #[test]
    fn only_the_newest_full_snapshot_is_decided_whatever_order_it_came_in() {
        let full = r#"{"A":1,"B":2}"#;
        assert_eq!(
            kept(&[
                change(1, 30, Upsert, full),
                change(2, 10, Upsert, full),
                change(3, 20, Upsert, full)
            ]),
            [1]
        );
    }

    #[test]
    fn an_older_change_with_a_field_of_its_own_is_decided_first() {
        assert_eq!(
            kept(&[
                change(1, 20, Upsert, r#"{"A":1}"#),
                change(2, 10, Upsert, r#"{"A":0,"B":2}"#)
            ]),
            [2, 1]
        );
    }

    #[test]
    fn a_delete_and_a_later_life_each_end_what_was_before() {
        assert_eq!(
            kept(&[change(1, 10, Upsert, r#"{"A":1}"#), change(2, 20, Delete, "{}")]),
            [2]
        );
        assert_eq!(
            kept(&[change(1, 10, Delete, "{}"), change(2, 20, Upsert, r#"{"A":1}"#)]),
            [2]
        );
    }

    #[test]
    fn the_same_version_with_other_content_is_kept_beside() {
        let (one, two) = (r#"{"A":1}"#, r#"{"A":2}"#);
        assert_eq!(
            kept(&[
                change(1, 10, Upsert, one),
                change(2, 10, Upsert, two),
                change(3, 10, Upsert, two)
            ]),
            [1, 3]
        );
    }
}
