//! A copy of the records to run tests on: what they write is nobody else's business.
//!
//! Source: Apex Developer Guide, Isolation of Test Data from Organization Data in Unit Tests: users, profiles, the
//! organisation, record types, Apex and metadata stay in sight, all else only with `SeeAllData=true`.

use std::sync::atomic::{AtomicU64, Ordering};

use super::Data;
use super::definitions::is_definition;
use super::table::Table;

/// What every test sees.
const SEEN: [&str; 20] = [
    "User",
    "Profile",
    "Organization",
    "RecordType",
    "PermissionSet",
    "PermissionSetAssignment",
    "ObjectPermissions",
    "FieldPermissions",
    "Group",
    "GroupMember",
    "QueueSobject",
    "ApexClass",
    "ApexTrigger",
    "AsyncApexJob",
    "CronTrigger",
    "CronJobDetail",
    "UserRole",
    "CustomPermission",
    "PlatformCachePartition",
    "SetupEntityAccess",
];

/// Counts copies, so that what is remembered of one by its revision is never taken for another's.
static COPIES: AtomicU64 = AtomicU64::new(1);
const REVISIONS_PER_COPY: u64 = 1 << 32;

impl Data {
    /// A copy with all records, or with those that every test sees.
    pub(crate) fn for_tests(&self, everything: bool) -> Self {
        let offset = COPIES
            .fetch_add(1, Ordering::Relaxed)
            .wrapping_mul(REVISIONS_PER_COPY);
        let copied = |table: &Table| {
            let name = table.object.name.as_str();
            let seen = everything || SEEN.contains(&name) || name.ends_with("__mdt") || is_definition(name);
            table.copy(seen, offset)
        };
        Self {
            tables: self
                .tables
                .iter()
                .map(|(name, table)| (name.clone(), copied(table)))
                .collect(),
            prefixes: self.prefixes.clone(),
            clock: self.clock.clone(),
            switches: self.switches,
            storage_is_full: self.storage_is_full,
            pod: self.pod,
            deletions_known_since: self.deletions_known_since,
            swept_along: if everything {
                self.swept_along.clone()
            } else {
                Default::default()
            },
        }
    }
}
