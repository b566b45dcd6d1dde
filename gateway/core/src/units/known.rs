//! Links as they were read, with what their records point to.

use std::collections::{BTreeSet, HashMap, HashSet};

use crate::decide::{Holder, Identity, LinkEffect, LinkState, LinkStatus};
use crate::id::{ConnectionId, LinkId, MappingId, RecordId};
use crate::ports::links::{Caused, Linked};
use crate::ports::{StoreError, Transaction};
use crate::record::{FieldValue, Fields};

/// Turns references to partner records into references to their Salesforce records, as far as those are made. The
/// decision compares values, and one record must not have two names.
pub(super) fn resolve<'a>(
    tx: &mut dyn Transaction,
    connection: ConnectionId,
    linked: impl Iterator<Item = &'a mut Linked>,
) -> Result<(), StoreError> {
    let fields: Vec<&mut Fields> = linked
        .filter_map(|linked| linked.record.as_mut())
        .map(|record| &mut record.fields)
        .filter(|fields| !records_in(fields).is_empty())
        .collect();
    let records: BTreeSet<RecordId> = fields.iter().flat_map(|fields| records_in(fields)).collect();
    if records.is_empty() {
        return Ok(());
    }
    let records: Vec<RecordId> = records.into_iter().collect();
    let links = tx.links_of(connection, &records)?;
    for fields in fields {
        resolve_fields(fields, &links);
    }
    Ok(())
}

/// The links that hold identities of a mapping, each with what carries one of these.
pub(super) fn holders<K: Copy>(
    tx: &mut dyn Transaction,
    connection: ConnectionId,
    mapping: MappingId,
    carried: &[(K, Identity)],
) -> Result<Vec<(K, Linked)>, StoreError> {
    if carried.is_empty() {
        return Ok(Vec::new());
    }
    let identities: Vec<Identity> = carried.iter().map(|(_, identity)| identity.clone()).collect();
    let holders = tx.holders(connection, mapping, &identities)?;
    let held: Vec<(K, LinkId)> = carried
        .iter()
        .filter_map(|(carrier, identity)| Some((*carrier, *holders.get(identity)?)))
        .collect();
    if held.is_empty() {
        return Ok(Vec::new());
    }
    let links: Vec<LinkId> = held.iter().map(|(_, link)| *link).collect();
    let links = tx.links(connection, &links)?;
    Ok(held
        .into_iter()
        .filter_map(|(carrier, link)| Some((carrier, links.get(&link)?.clone())))
        .collect())
}

/// A link as the holder of an identity.
pub(super) fn holder(linked: &Linked) -> Holder {
    Holder {
        link: linked.link.id,
        creating: linked.link.status == LinkStatus::Creating,
    }
}

/// Leaves identities that known links come to carry, by a revert for example, with the links that hold them, with the
/// new link that carries one in the same unit, or with the first of several. The partner's own ids are never shared.
pub(super) fn reserve_free(
    tx: &mut dyn Transaction,
    connection: ConnectionId,
    mapping: MappingId,
    caused: &mut [Caused],
) -> Result<(), StoreError> {
    let wanted: Vec<Identity> = caused
        .iter()
        .flat_map(|one| &one.effects.link.reserve)
        .filter(|identity| matches!(identity, Identity::Value(_)))
        .cloned()
        .collect();
    if wanted.is_empty() {
        return Ok(());
    }
    let holders = tx.holders(connection, mapping, &wanted)?;
    let mut reserved: HashSet<Identity> = caused
        .iter()
        .map(|one| &one.effects.link)
        .filter(|link| link.existing.is_none())
        .flat_map(|link| link.reserve.iter().cloned())
        .collect();
    for LinkEffect {
        existing, reserve, ..
    } in caused.iter_mut().map(|one| &mut one.effects.link)
    {
        reserve.retain(|identity| match (identity, &*existing) {
            (Identity::Value(_), Some(link)) => {
                holders.get(identity).is_none_or(|holder| *holder == link.id)
                    && reserved.insert(identity.clone())
            }
            _ => true,
        });
    }
    Ok(())
}

/// Turns references among these values by the links of the records that they name.
fn resolve_fields(fields: &mut Fields, links: &HashMap<RecordId, Linked>) {
    for value in fields.values_mut() {
        if let FieldValue::Record(record) = value {
            *value = reference_to(*record, links.get(record).map(|linked| &linked.link));
        }
    }
}

/// Partner records that values name.
fn records_in(fields: &Fields) -> Vec<RecordId> {
    fields
        .values()
        .filter_map(|value| match value {
            FieldValue::Record(record) => Some(*record),
            _ => None,
        })
        .collect()
}

/// The value that points to a partner record. One that ended before it was ever in Salesforce is no target, so
/// nothing is left to point to.
pub(super) fn reference_to(record: RecordId, link: Option<&LinkState>) -> FieldValue {
    let Some(link) = link else {
        return FieldValue::Null;
    };
    match (&link.status, link.salesforce_id) {
        (LinkStatus::Merged { into }, _) => FieldValue::Reference(*into),
        (_, Some(id)) => FieldValue::Reference(id),
        (LinkStatus::Creating | LinkStatus::Held { .. }, None) => FieldValue::Record(record),
        (_, None) => FieldValue::Null,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decide::HeldReason;
    use crate::units::sample::{linked, sf};

    const RECORD: RecordId = RecordId(7);

    #[test]
    fn a_record_is_pointed_to_by_its_salesforce_record_as_soon_as_there_is_one() {
        let held = LinkStatus::Held {
            reason: HeldReason::OutOfSight,
        };
        let merged = LinkStatus::Merged { into: sf(2) };
        for (id, status, expected) in [
            (Some(sf(1)), LinkStatus::Linked, FieldValue::Reference(sf(1))),
            (Some(sf(1)), LinkStatus::Deleted, FieldValue::Reference(sf(1))),
            (Some(sf(1)), held.clone(), FieldValue::Reference(sf(1))),
            (Some(sf(1)), merged, FieldValue::Reference(sf(2))),
            (None, LinkStatus::Creating, FieldValue::Record(RECORD)),
            (None, held, FieldValue::Record(RECORD)),
            (None, LinkStatus::Deleted, FieldValue::Null),
        ] {
            let mut link = linked(7, id, "").link;
            link.status = status;
            assert_eq!(reference_to(RECORD, Some(&link)), expected, "{link:?}");
        }
        assert_eq!(reference_to(RECORD, None), FieldValue::Null);
    }

    #[test]
    fn only_references_to_partner_records_are_turned() {
        let mut fields = Fields::from([
            ("a".to_owned(), FieldValue::Record(RECORD)),
            ("b".to_owned(), FieldValue::Text("x".to_owned())),
            ("c".to_owned(), FieldValue::Reference(sf(3))),
        ]);
        resolve_fields(
            &mut fields,
            &HashMap::from([(RECORD, linked(7, Some(sf(1)), ""))]),
        );
        assert_eq!(
            fields.into_values().collect::<Vec<_>>(),
            [
                FieldValue::Reference(sf(1)),
                FieldValue::Text("x".to_owned()),
                FieldValue::Reference(sf(3))
            ]
        );
    }
}
