//! What can be done with a record.

use std::sync::Arc;

use super::draft::Draft;
use crate::id::RecordId;
use crate::schema::Object;
use crate::value::Value;

/// One thing to do with one record.
#[derive(Clone, Debug)]
pub enum Operation {
    /// Makes a record.
    Create {
        /// The object.
        object: Arc<Object>,
        /// Its fields.
        draft: Draft,
    },
    /// Changes a record.
    Update {
        /// The object.
        object: Arc<Object>,
        /// The record.
        id: RecordId,
        /// The fields to change.
        draft: Draft,
    },
    /// Changes the record with this key, or makes it.
    Upsert {
        /// The object.
        object: Arc<Object>,
        /// The position of the external-id or id-lookup field.
        key_field: usize,
        /// The key. A null id makes a record; any other key must have a value.
        key: Value,
        /// The fields to change.
        draft: Draft,
        /// Whether making a record is forbidden.
        update_only: bool,
    },
    /// Puts a record into the recycle bin, and with it what its object's relationships cascade to.
    Delete {
        /// The object.
        object: Arc<Object>,
        /// The record.
        id: RecordId,
    },
    /// Takes a record out of the recycle bin, with all that went into it at the same time.
    Undelete {
        /// The object.
        object: Arc<Object>,
        /// The record.
        id: RecordId,
    },
    /// Deletes a record for good, whether it is live or lies in the recycle bin.
    HardDelete {
        /// The object.
        object: Arc<Object>,
        /// The record.
        id: RecordId,
    },
    /// Makes one record of several: the others go into the recycle bin, their children to the master.
    Merge {
        /// The object.
        object: Arc<Object>,
        /// The record that stays.
        master: RecordId,
        /// The records that go, one or two.
        losers: Vec<RecordId>,
        /// Fields of the master to change.
        draft: Draft,
    },
    /// Makes an account, a contact and, unless told otherwise, an opportunity of a lead.
    ConvertLead {
        /// The lead.
        lead: RecordId,
        /// What to make of it.
        conversion: Conversion,
    },
}

/// What a lead becomes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Conversion {
    /// The existing account to use; a new one is made without it.
    pub account: Option<RecordId>,
    /// The existing contact to use; a new one is made without it.
    pub contact: Option<RecordId>,
    /// The existing opportunity to use; a new one is made without it.
    pub opportunity: Option<RecordId>,
    /// The name of the new opportunity; the company's name without it.
    pub opportunity_name: Option<String>,
    /// Whether no opportunity is made.
    pub without_opportunity: bool,
    /// The lead's new status, one that counts as converted; the first such one without it.
    pub status: Option<String>,
}
