//! What the package's triggers write down of a save.

use std::collections::BTreeMap;

use causeway_core::Instant;
use causeway_core::id::SalesforceId;

use crate::org::Org;
use crate::org::schema::Object;

/// One record of one trigger run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Capture {
    /// Its object.
    pub object: Object,
    /// The record.
    pub id: SalesforceId,
    /// Changed captured fields and when; none for a delete.
    pub changed: BTreeMap<&'static str, Instant>,
    /// A delete, with what the trigger saw of it.
    pub deleted: Option<DeleteSeen>,
}

/// What a delete trigger sees.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DeleteSeen {
    /// The stamp of the delete.
    pub stamp: Instant,
    /// `MasterRecordId`.
    pub master: Option<SalesforceId>,
}

impl Org {
    pub(super) fn capture(&mut self, id: SalesforceId, object: Object, changed: Vec<&'static str>) {
        let at = self.stamp();
        self.captured.push_back(Capture {
            object,
            id,
            changed: changed.into_iter().map(|field| (field, at)).collect(),
            deleted: None,
        });
    }

    pub(super) fn capture_delete(&mut self, id: SalesforceId, object: Object, master: Option<SalesforceId>) {
        let stamp = self.stamp();
        self.captured.push_back(Capture {
            object,
            id,
            changed: BTreeMap::new(),
            deleted: Some(DeleteSeen { stamp, master }),
        });
    }
}
