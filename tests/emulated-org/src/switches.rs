//! Behaviour that Salesforce's documentation leaves open, each as a switch with a name.

use std::sync::{PoisonError, RwLock};

use serde::{Deserialize, Serialize};

/// What is believed of a real organisation but not proven. The defaults are what is believed, or what no real client
/// could live without; a client that works with a switch on and off does not depend on the belief.
///
/// `/emulator/switches` reads and sets them under these names in camelCase; grades and sources stand in
/// `docs/EMULATED-ORG.md`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase", deny_unknown_fields)]
pub struct Switches {
    /// Refuses assertions whose `exp` lies more than three minutes ahead, as the documentation asks of clients.
    /// Off, because clients in wide use send dates far ahead and real organisations accept them.
    pub lint_jwt_expiry: bool,
    /// Refuses code verifiers of more than 128 characters, as RFC 7636 and Salesforce's requirements for partner apps
    /// ask of clients. Off, because jsforce, and the Salesforce CLI with it, sends 128 random bytes in base64url, which
    /// are 171 characters, and logs in at real organisations.
    pub lint_code_verifier: bool,
    /// Serves the client credentials flow on the login hosts too. Off: real organisations answer
    /// `request not supported on this domain` there, which those who met it report.
    pub client_credentials_on_login_hosts: bool,
    /// Takes assertions for `https://login.salesforce.com` and `https://test.salesforce.com` alone, which are the
    /// audiences that the documentation names. Off: My Domain and the host asked are taken too, which the Salesforce
    /// CLI tries first.
    pub jwt_audience_of_login_hosts_alone: bool,
    /// Tells an app that is not known `invalid_client`. Off: `invalid_client_id`.
    pub unknown_apps_as_invalid_client: bool,
    /// Refuses requests beyond the concurrent long ones with the words `ConcurrentRequests (Concurrent API Requests)
    /// Limit exceeded.`. Off: `ConcurrentPerOrgLongTxn Limit exceeded.`, which the later reports of people quote.
    pub concurrent_requests_in_old_words: bool,
    /// Lets requests go on beyond the daily ones, as Salesforce does for a while. Off: the first one too many is
    /// refused.
    pub daily_requests_may_overrun: bool,
    /// Answers a too long address with 431. Off: 414.
    pub long_addresses_as_431: bool,
    /// Answers `ENTITY_IS_DELETED` with 400. Off: 404.
    pub deleted_records_as_400: bool,
    /// Answers `INSUFFICIENT_ACCESS_OR_READONLY` with 400. Off: 403.
    pub insufficient_access_as_400: bool,
    /// Answers `INSUFFICIENT_ACCESS_ON_CROSS_REFERENCE_ENTITY` with 403. Off: 400.
    pub cross_reference_access_as_403: bool,
    /// Refuses who may see an object but not make records of it with `INSUFFICIENT_ACCESS_OR_READONLY`. Off:
    /// `CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY`.
    pub create_refusals_as_insufficient_access: bool,
    /// Refuses references to records in the recycle bin with `INVALID_CROSS_REFERENCE_KEY`. Off: `ENTITY_IS_DELETED`.
    pub deleted_parents_as_unknown: bool,
    /// Refuses owners that are no queue for the object with `FIELD_INTEGRITY_EXCEPTION`. Off: `INVALID_OPERATION`.
    pub wrong_queues_as_integrity_errors: bool,
    /// Leaves the record out of the message of `UNABLE_TO_LOCK_ROW`. Off: `… or 1 records: 001…`.
    pub lock_refusals_without_record: bool,
    /// Says `<unknown>` for field and record in the message of `DUPLICATE_VALUE`. Off: it names both.
    pub duplicate_values_without_record: bool,
    /// Leaves `duplicateResult` out of the answer to a record that a duplicate rule refuses. Off: it is there.
    pub duplicates_without_result: bool,
    /// Takes an upsert whose body repeats the external id of its address. Off: 400 `INVALID_FIELD`.
    pub upserts_may_repeat_their_key: bool,
    /// Lets what a trigger throws refuse its own row alone. Off: it refuses all rows of the transaction.
    pub exceptions_refuse_their_row_alone: bool,
    /// Moves the stamps of undeleted records not at all. Off: SystemModstamp and LastModifiedDate move.
    pub undelete_keeps_stamps: bool,
    /// Moves LastModifiedDate of records whose parent was merged or deleted. Off: SystemModstamp alone moves.
    pub reparenting_moves_last_modified: bool,
    /// Gives the auto-numbers of records that were rolled back to the next ones. Off: they leave gaps.
    pub rolled_back_numbers_are_used_again: bool,
    /// Says `sf__Created` `true` of every row that a Bulk upsert wrote. Off: of those that it made alone.
    pub created_for_every_upsert: bool,
    /// Lists Bulk ingest results in the order of the upload. Off: in another order.
    pub ingest_results_in_upload_order: bool,
    /// A running Queueable keeps its duplicate signature to itself until it has ended. Off: what it enqueues may
    /// have the same one; neither is documented.
    pub running_queueable_holds_signature: bool,
    /// Leaves the header out of all pages of Bulk query results but the first. Off: every page has it.
    pub later_result_pages_without_header: bool,
}

/// The switches of an organisation that is running.
#[derive(Debug, Default)]
pub(crate) struct SwitchBoard(RwLock<Switches>);

impl SwitchBoard {
    pub(crate) fn get(&self) -> Switches {
        *self.0.read().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn set(&self, switches: Switches) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = switches;
    }
}
