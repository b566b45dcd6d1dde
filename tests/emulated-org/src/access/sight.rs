//! Which rows of an object a user sees.
//!
//! Source: Salesforce Help, Organization-Wide Default Sharing Settings. Roles, sharing rules, teams and manual sharing
//! are not served: beyond the organisation-wide default rows open to their owners alone, and to the members of the
//! queue that owns them.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::data::{Data, Row};
use crate::id::RecordId;
use crate::value::Value;

/// The rows that a user sees of an object whose rows are not open to everybody.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sight {
    /// The position of the field that names the owner.
    pub(super) owner: Option<usize>,
    /// The user, and the groups whose member the user is.
    pub(super) owners: Arc<BTreeSet<RecordId>>,
    /// What opens a row with its parent.
    pub(super) parent: Option<ParentSight>,
}

/// The parent that decides about a row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ParentSight {
    /// The position of the reference.
    pub(super) reference: usize,
    /// The parent's object.
    pub(super) object: String,
    /// Which of its rows the user sees; `None` for all.
    pub(super) sight: Option<Arc<Sight>>,
}

impl Sight {
    /// Whether the user sees a row.
    pub(crate) fn sees(&self, row: &Row, data: &Data) -> bool {
        self.owns(row) || self.parent.as_ref().is_some_and(|parent| parent.opens(row, data))
    }

    /// Whether the user, or a group of the user's, owns a row.
    pub(super) fn owns(&self, row: &Row) -> bool {
        self.owner.is_some_and(|owner| match row.get(owner) {
            Value::Id(owner) => self.owners.contains(owner),
            _ => false,
        })
    }
}

impl ParentSight {
    fn opens(&self, row: &Row, data: &Data) -> bool {
        let Value::Id(parent) = row.get(self.reference) else {
            return false;
        };
        let parent = data.table(&self.object).and_then(|table| table.get(parent));
        match (&self.sight, parent) {
            (_, None) => false,
            (None, Some(_)) => true,
            (Some(sight), Some(parent)) => sight.sees(parent, data),
        }
    }
}
