//! Which of a record's waiting changes are worth deciding.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use serde::de::IgnoredAny;

use crate::ports::inbox::{ChangeKind, PendingChange};

/// The changes of one record that are worth deciding, oldest version first.
///
/// A newer full snapshot makes older ones needless; what they told of the times of edits goes over to it. An older
/// change that carries a field the newer ones do not is kept, since a field that is absent says nothing. Two changes
/// of one version with other contents are both kept: the decision then asks for a fresh reading.
pub fn coalesce(changes: &[PendingChange]) -> Vec<Cow<'_, PendingChange>> {
    let mut sorted: Vec<&PendingChange> = changes.iter().collect();
    sorted.sort_by_key(|change| (change.change.version, change.id));
    if sorted.len() < 2 {
        return sorted.into_iter().map(Cow::Borrowed).collect();
    }
    let mut kept: Vec<(Cow<'_, PendingChange>, BTreeSet<String>)> = Vec::new();
    for change in sorted.into_iter().rev() {
        let names = field_names(change);
        match kept
            .iter_mut()
            .find(|(newer, newer_names)| covers(newer, newer_names, change, &names))
        {
            Some((newer, _)) => take_times(newer, change),
            None => kept.push((Cow::Borrowed(change), names)),
        }
    }
    kept.into_iter().rev().map(|(change, _)| change).collect()
}

/// The latest time of an edit is the one that counts.
fn take_times(newer: &mut Cow<'_, PendingChange>, older: &PendingChange) {
    for (field, at) in &older.change.changed {
        if newer.change.changed.get(field).is_none_or(|known| known < at) {
            newer.to_mut().change.changed.insert(field.clone(), *at);
        }
    }
}

fn covers(
    newer: &PendingChange,
    newer_names: &BTreeSet<String>,
    older: &PendingChange,
    older_names: &BTreeSet<String>,
) -> bool {
    if newer.change.version == older.change.version {
        return newer.change.kind == older.change.kind
            && newer.change.fields == older.change.fields
            && newer.change.merged == older.change.merged;
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
    use chrono::TimeDelta;

    use super::*;
    use crate::Instant;
    use crate::decide::MergedInto;
    use crate::id::{ConnectionId, InboxId, SalesforceId};
    use crate::ports::inbox::ReceivedChange;
    use crate::version::SalesforceVersion;

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
                changed: BTreeMap::new(),
                merged: MergedInto::Unknown,
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

    #[test]
    fn a_covering_change_keeps_the_latest_time_of_each_edit() {
        let at = |seconds| Instant::UNIX_EPOCH + TimeDelta::seconds(seconds);
        let full = r#"{"A":1,"B":2,"C":3}"#;
        let mut older = change(1, 10, Upsert, full);
        older.change.changed = BTreeMap::from([("A".to_owned(), at(9)), ("B".to_owned(), at(8))]);
        let mut newer = change(2, 30, Upsert, full);
        newer.change.changed = BTreeMap::from([("B".to_owned(), at(29))]);
        for changes in [[older.clone(), newer.clone()], [newer, older]] {
            let kept = coalesce(&changes);
            assert_eq!(kept.len(), 1);
            assert_eq!(
                kept[0].change.changed,
                BTreeMap::from([("A".to_owned(), at(9)), ("B".to_owned(), at(29))])
            );
        }
    }

    #[test]
    fn two_deletes_of_one_version_that_tell_other_fates_are_both_kept() {
        let told = change(1, 10, Delete, "{}");
        let mut merged = change(2, 10, Delete, "{}");
        merged.change.merged = MergedInto::Nothing;
        assert_eq!(kept(&[told, merged]), [1, 2]);
    }
}
