//! What the org's admin sets on the package's pages.

use serde::{Deserialize, Serialize};

use crate::id::{ConnectionId, SalesforceId};
use crate::ports::StoreError;

/// Settings of the org's admin.
pub trait Settings {
    /// What is set; the default where nothing was set yet.
    fn settings(&mut self, connection: ConnectionId) -> Result<AdminSettings, StoreError>;

    /// Sets all of it, in place of revision `settings.revision`, and answers the new revision.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when another revision is in force by now.
    fn put_settings(&mut self, connection: ConnectionId, settings: &AdminSettings)
    -> Result<i64, StoreError>;
}

/// What the org's admin set.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct AdminSettings {
    /// Grows with every change; 0 where nothing was set yet.
    #[serde(skip)]
    pub revision: i64,
    /// The partner's user to whom records from Salesforce belong whose owner has no partner user, in place of the
    /// mappings' own default owners.
    pub data_owner: Option<DataOwner>,
    /// The account that new contacts and opportunities from the partner are attached to where they name none.
    pub default_account: Option<DefaultAccount>,
    /// Names the partner's site that is shown on records.
    pub micro_site_key: Option<String>,
    /// Names the page that is shown on records.
    pub frame_name: Option<String>,
    /// When instant syncs come by themselves; none: as the gateway is configured.
    pub instant: Option<InstantSchedule>,
    /// The cap of calls that the admin typed and does not enforce.
    pub idle_cap: Option<u64>,
}

/// A user of the partner's, as the admin named it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DataOwner {
    /// What the admin typed: the user's id or e-mail address.
    pub typed: String,
    /// The user's id.
    pub user: String,
}

/// A Salesforce account, as the admin named it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DefaultAccount {
    /// Its name, as the admin typed it.
    pub name: String,
    /// The account; none until the org could be asked.
    pub id: Option<SalesforceId>,
}

/// When instant syncs come by themselves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct InstantSchedule {
    /// Whether they do.
    pub enabled: bool,
    /// Minutes from one to the next.
    pub interval_minutes: u32,
}
