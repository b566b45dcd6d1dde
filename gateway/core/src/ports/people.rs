//! Names of Salesforce users, as they were last read.

use std::collections::HashMap;

use crate::Instant;
use crate::id::{ConnectionId, SalesforceId};
use crate::ports::StoreError;

/// Salesforce users.
pub trait People {
    /// The users that are known. Others are not in the answer.
    fn salesforce_users(
        &mut self,
        connection: ConnectionId,
        ids: &[SalesforceId],
    ) -> Result<HashMap<SalesforceId, KnownUser>, StoreError>;

    /// Remembers names, in place of those known before.
    fn put_salesforce_users(
        &mut self,
        connection: ConnectionId,
        users: &[(SalesforceId, KnownUser)],
    ) -> Result<(), StoreError>;
}

/// A Salesforce user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnownUser {
    /// Name; none where Salesforce shows no such user.
    pub name: Option<String>,
    /// When it was read.
    pub read_at: Instant,
}
