//! What histories really met: each name with how often.

use std::collections::BTreeMap;

/// Counts by name.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Coverage {
    counts: BTreeMap<String, u64>,
}

impl Coverage {
    /// Something was met.
    pub fn met(&mut self, what: &str) {
        match self.counts.get_mut(what) {
            Some(count) => *count += 1,
            None => {
                self.counts.insert(what.to_owned(), 1);
            }
        }
    }

    /// Adds another's counts.
    pub fn add(&mut self, other: &Coverage) {
        for (what, count) in &other.counts {
            *self.counts.entry(what.clone()).or_default() += count;
        }
    }

    /// How often something was met.
    pub fn count(&self, what: &str) -> u64 {
        self.counts.get(what).copied().unwrap_or(0)
    }

    /// All counts, by name.
    pub fn all(&self) -> &BTreeMap<String, u64> {
        &self.counts
    }
}

/// What two thousand histories are to meet: every action, every fault, every place at which the process may end, every
/// way in which a field, a record, a link, a write or a run can end.
pub const EXPECTED: &[&str] = &[
    "MostRecent differs rightly",
    "MostRecent equal",
    "Partner differs rightly",
    "Partner equal",
    "PartnerUnlessBlank differs rightly",
    "PartnerUnlessBlank equal",
    "Salesforce differs rightly",
    "Salesforce edit lost",
    "Salesforce equal",
    "SalesforceUnlessBlank differs rightly",
    "SalesforceUnlessBlank equal",
    "a value of Partner lost",
    "a value of Salesforce lost",
    "action Convert",
    "action Delete",
    "action Drift",
    "action Erase",
    "action Hours",
    "action Insert",
    "action Instant",
    "action Lock",
    "action Merge",
    "action Nothing",
    "action PartnerCreate",
    "action PartnerDelete",
    "action PartnerEdit",
    "action PartnerUndelete",
    "action Person",
    "action Reconcile",
    "action Transfer",
    "action Undelete",
    "action Update",
    "action UpdateLate",
    "at rest: ambiguous",
    "at rest: deleteAsked",
    "at rest: flipping",
    "at rest: link converted",
    "at rest: link deleted",
    "at rest: link linked",
    "at rest: link merged",
    "at rest: link unlinked",
    "at rest: outOfSight",
    "at rest: partnerDeleteAsked",
    "at rest: refused",
    "budget used up",
    "call refused as a whole",
    "came back",
    "cascade delete",
    "cause Agreed",
    "cause BlankKeepsPartner",
    "cause Converted",
    "cause Deleted",
    "cause Diverged",
    "cause Merged",
    "cause MostRecent",
    "cause OptionDoesNotSync",
    "cause Owner",
    "cause PartnerDeleted",
    "cause PartnerEdited",
    "cause PartnerWins",
    "cause Restored",
    "cause SalesforceWins",
    "cause StoredOtherwise",
    "conversion",
    "crash at inbox claimed",
    "crash at inbox idle",
    "crash at inbox read again",
    "crash at inbox reading again",
    "crash at outgoing before the job",
    "crash at outgoing before the upload",
    "crash at outgoing claimed",
    "crash at outgoing idle",
    "crash at outgoing job runs",
    "crash at outgoing prepared",
    "crash at outgoing read back",
    "crash at outgoing read targets",
    "crash at outgoing reading targets",
    "crash at outgoing sent",
    "crash at sync idle",
    "crash at sync read a page",
    "edit within the window between reading and writing",
    "idempotent repeat",
    "inbox head put off",
    "inbox reads again",
    "job call cut after it took effect",
    "job call late",
    "job call lost",
    "job call repeated",
    "job complete",
    "job uploaded",
    "late arrival",
    "late commit",
    "lease lost after the write",
    "lease lost before the write",
    "leases freed at start",
    "lock",
    "locked row tried alone",
    "merge",
    "most recent: Salesforce's must stand",
    "most recent: partner's must stand",
    "order Create without an external id",
    "order Create",
    "order Delete",
    "order Update",
    "order of the partner's edits unclear",
    "outgoing head put off",
    "owner mapped",
    "owner without counterpart",
    "partner states a future time",
    "partner states a time",
    "partner's edit lost",
    "person restores",
    "person sees ambiguous",
    "person sees deleteAsked",
    "person sees partnerDeleteAsked",
    "person sees refused",
    "post created",
    "post cut after it took effect",
    "post deleted",
    "post late",
    "post lost",
    "post refused",
    "post repeated",
    "post restored",
    "post unchanged",
    "post updated",
    "push cut after it took effect",
    "push late",
    "push lost",
    "push repeated",
    "read cut after it took effect",
    "read late",
    "read lost",
    "read repeated",
    "reading again failed",
    "reconcile misses a record",
    "refused Deleted",
    "refused Exists",
    "refused IdentityTaken",
    "refused Moved",
    "refused OneWay",
    "refused ValueDoesNotFit",
    "refused write read back",
    "row refused DUPLICATE_VALUE",
    "row refused ENTITY_IS_DELETED",
    "row refused FIELD_CUSTOM_VALIDATION_EXCEPTION",
    "row refused INVALID_CROSS_REFERENCE_KEY",
    "row refused UNABLE_TO_LOCK_ROW",
    "run Initial completed",
    "run Instant completed",
    "run Reconcile completed",
    "sync reads again",
    "takeover of a job",
    "takeover of a running job",
    "targets could not be read",
    "too late to send",
    "what was stored could not be read back",
    "write cut after it took effect",
    "write late by minutes",
    "write late",
    "write lost",
    "write of unknown outcome",
    "write repeated",
];
