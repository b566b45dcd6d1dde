//! Platform events that other systems publish by inserting them.
//!
//! Source: Platform Events Developer Guide, "Publish Event Messages with Salesforce APIs": inserted like records, with
//! `OPERATION_ENQUEUED` and the event's UUID in the errors of the answer; what is published immediately stays so when
//! its request is rolled back.

use std::sync::Arc;

use apex_runtime::run::frozen::Frozen;
use serde_json::{Value as Json, json};

use super::AfterCommit;
use super::events::{Published, uuid_of};
use super::values::to_apex;
use crate::data::{Author, Operation, Outcome, SaveError, Transaction};
use crate::id::RecordId;
use crate::org::Org;
use crate::schema::Object;

/// Whether records of an object are events: they are published and not kept.
pub(super) fn is_event(object: &Object) -> bool {
    object.custom && object.name.ends_with("__e")
}

/// The `errors` in the answer about a record that was made: those of events tell the UUID.
pub(crate) fn receipt(id: RecordId) -> Json {
    // No other ids begin so.
    if !id.prefix().starts_with('e') {
        return json!([]);
    }
    json!([{ "statusCode": "OPERATION_ENQUEUED", "message": uuid(id), "fields": [] }])
}

/// The UUID of the event whose insert was answered with this id.
fn uuid(id: RecordId) -> String {
    // FNV-1a, twice.
    let hash = |start: u64| {
        id.as_str().bytes().fold(start, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
        })
    };
    uuid_of(hash(0xcbf2_9ce4_8422_2325), hash(0x8422_2325_cbf2_9ce4))
}

impl Org {
    /// Whether operations publish events; those that also write records are refused.
    pub(crate) fn publishes(operations: &mut [Result<Operation, SaveError>]) -> bool {
        let is_publication = |operation: &Result<Operation, SaveError>| matches!(operation, Ok(Operation::Create { object, .. }) if is_event(object));
        if !operations.iter().any(is_publication) {
            return false;
        }
        if operations
            .iter()
            .all(|operation| operation.is_err() || is_publication(operation))
        {
            return true;
        }
        for operation in operations
            .iter_mut()
            .filter(|operation| is_publication(operation))
        {
            let words = "not supported: platform events together with other records";
            *operation = Err(SaveError::new("UNKNOWN_EXCEPTION", words));
        }
        false
    }

    /// Publishes the events that were saved, and keeps none of them.
    pub(crate) fn publish_saved(
        &self,
        transaction: &mut Transaction<'_>,
        author: Author,
        outcomes: &[Outcome],
        after: &mut AfterCommit,
    ) {
        let schema = self.schema();
        let mut at_once = Vec::new();
        for saved in outcomes.iter().flatten() {
            let Some(object) = schema.object_by_prefix(saved.id.prefix()) else {
                continue;
            };
            let Some(event) = published(transaction, author, object, saved.id) else {
                continue;
            };
            if object.publishes_immediately == Some(true) {
                at_once.push(event);
            } else {
                after.events.push(event);
            }
            let operation = Operation::HardDelete {
                object: Arc::clone(object),
                id: saved.id,
            };
            // A row that cannot go is one that was never there.
            drop(transaction.as_platform(|transaction| transaction.store(operation)));
        }
        self.add_events(at_once);
    }
}

fn published(
    transaction: &Transaction<'_>,
    author: Author,
    object: &Object,
    id: RecordId,
) -> Option<Published> {
    let row = transaction.data().table(&object.name)?.get(&id)?;
    let given = object.fields.iter().enumerate().filter(|(_, field)| field.custom);
    let fields = given
        .map(|(at, field)| (Arc::from(field.name.as_str()), to_apex(row.get(at), field.kind)))
        .filter(|(_, value)| !value.is_null());
    Some(Published::by(
        object.name.as_str(),
        Frozen::of_record(object.name.as_str(), fields),
        author,
        uuid(id),
    ))
}
