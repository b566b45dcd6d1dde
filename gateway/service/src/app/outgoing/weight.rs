//! How much a batch brings into memory.

use causeway_core::record::FieldValue;
use causeway_core::units::outgoing::Batch;

/// Values that are read for a batch at once, at most: 5,000 records of 50 fields.
const MOST_VALUES: usize = 250_000;

/// Bytes of values that a batch may carry, at most.
const MOST_BYTES: usize = 16 << 20;

/// Whether more would be read and sent for a batch than is good to hold in memory. What Salesforce holds of a record
/// is taken to be as large as what the partner holds.
pub(super) fn is_too_much(batch: &Batch) -> bool {
    let values = batch.items.len() * batch.plan.salesforce_fields().len();
    let bytes: usize = batch
        .items
        .iter()
        .filter_map(|item| item.record.as_ref())
        .map(|record| record.fields.values().map(size).sum::<usize>())
        .sum();
    batch.items.len() > 1 && (values > MOST_VALUES || bytes > MOST_BYTES)
}

/// Bytes of a value, roughly.
fn size(value: &FieldValue) -> usize {
    const SMALL: usize = 16;
    match value {
        FieldValue::Text(text) => SMALL + text.len(),
        FieldValue::Choices(choices) => choices.iter().map(|choice| SMALL + choice.len()).sum(),
        _ => SMALL,
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use causeway_core::decide::{Agreed, LinkState, LinkStatus, Outgoing, Presence, RecordState};
    use causeway_core::id::{ConnectionId, LinkId, RecordId};
    use causeway_core::ports::Lane;
    use causeway_core::ports::outbox::OutgoingClaim;
    use causeway_core::units::outgoing::Item;
    use causeway_core::version::SalesforceVersion;

    use super::*;
    use crate::app::sample::contact_plan;

    fn batch(items: i64, bytes: usize) -> Batch {
        let plan = contact_plan(&[]);
        let item = |number: i64| Item {
            claim: OutgoingClaim {
                connection: ConnectionId(1),
                link: LinkId(number),
                mapping: plan.mapping,
                lane: Lane::Bulk,
                fence: 1,
                attempts: 0,
                abandoned: 0,
            },
            link: LinkState {
                id: LinkId(number),
                record: Some(RecordId(number)),
                salesforce_id: None,
                status: LinkStatus::Creating,
                version: SalesforceVersion::NEVER,
                plan: plan.revision,
                agreed: Agreed::default(),
                outgoing: Outgoing::default(),
                revision: 1,
            },
            record: Some(RecordState {
                id: RecordId(number),
                fields: [("name".to_owned(), FieldValue::Text("x".repeat(bytes)))].into(),
                owner: "u".to_owned(),
                presence: Presence::Live,
                times: std::collections::BTreeMap::new(),
                key: None,
                successor: None,
            }),
        };
        Batch {
            connection: ConnectionId(1),
            plan: Arc::clone(&plan),
            gateway_user: None,
            items: (0..items).map(item).collect(),
        }
    }

    #[test]
    fn long_texts_and_wide_mappings_make_a_batch_too_much_but_never_one_record() {
        assert!(!is_too_much(&batch(200, 20_000)));
        assert!(is_too_much(&batch(200, 100_000)));
        assert!(!is_too_much(&batch(1, 40_000_000)));
        assert!(!is_too_much(&batch(5_000, 10)));
        assert!(is_too_much(&batch(90_000, 0)), "three fields of each");
    }
}
