//! In whose name records are written, and what that allows.

use chrono::{DateTime, Utc};

use super::duplicates::DuplicateOptions;
use crate::id::RecordId;
use crate::schema::Field;

/// In whose name and when records are written.
#[derive(Clone, Copy, Debug)]
pub struct Author {
    /// The user.
    pub user: RecordId,
    /// The moment; audit fields get it cut to the second, as Salesforce keeps them (believed).
    pub now: DateTime<Utc>,
    /// What beyond ordinary fields may be written.
    pub authority: Authority,
    /// What the request says about duplicates.
    pub duplicates: DuplicateOptions,
}

/// Which fields an author may write.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Authority {
    /// What the metadata calls createable and updateable.
    User,
    /// Also `CreatedDate`, `CreatedById`, `LastModifiedDate` and `LastModifiedById` of new records, as with
    /// the permission "Set Audit Fields upon Record Creation".
    AuditFields,
    /// Any field of any object: what Salesforce itself does when an organisation is made.
    Platform,
}

impl Author {
    /// The moment as audit fields keep it.
    pub(super) fn second(&self) -> DateTime<Utc> {
        DateTime::from_timestamp(self.now.timestamp(), 0).unwrap_or(self.now)
    }

    pub(super) fn may_create(&self, field: &Field) -> bool {
        const AUDIT: [&str; 4] = [
            "CreatedDate",
            "CreatedById",
            "LastModifiedDate",
            "LastModifiedById",
        ];
        match self.authority {
            Authority::User => field.createable,
            Authority::AuditFields => field.createable || AUDIT.contains(&field.name.as_str()),
            Authority::Platform => true,
        }
    }

    pub(super) fn may_update(&self, field: &Field) -> bool {
        field.updateable || self.authority == Authority::Platform
    }
}
