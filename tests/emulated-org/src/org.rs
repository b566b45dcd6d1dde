//! The organisation's state, shared by all requests.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::RangeInclusive;
use std::sync::{Arc, Mutex, OnceLock, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use chrono::{DateTime, Utc};

use crate::access::AccessBook;
use crate::apex::ApexBook;
use crate::app::RegisteredApp;
use crate::automation::{Automation, RuleDefinition, RuleError};
use crate::bulk;
use crate::catch_up::Agenda;
use crate::clock::Clock;
use crate::data::Data;
use crate::faults::Faults;
use crate::id::RecordId;
use crate::lightning::LightningBook;
use crate::limits::Limits;
use crate::long_requests::LongRequests;
use crate::metadata::Metadata;
use crate::options::Edition;
use crate::people::LateCommits;
use crate::request_log::RequestLog;
use crate::retention::Retention;
use crate::row_locks::RowLocks;
use crate::schema::{Schema, SchemaError};
use crate::soql;
use crate::switches::SwitchBoard;
pub use crate::switches::Switches;
use crate::tokens::Tokens;
use crate::tokens::codes::Codes;
use crate::tokens::grants::Grants;
use crate::tokens::logins::Logins;
use crate::tokens::signing_key::SigningKey;

/// One organisation.
#[expect(
    missing_docs,
    reason = "members without a sentence are documented by their types"
)]
#[expect(missing_debug_implementations, reason = "holds keys and a million rows")]
pub struct Org {
    pub schema: RwLock<Arc<Schema>>,
    pub data: RwLock<Data>,
    pub clock: Clock,
    pub faults: Faults,
    pub limits: Limits,
    pub long_requests: Arc<LongRequests>,
    pub tokens: Tokens,
    pub request_log: RequestLog,
    pub(crate) switches: SwitchBoard,
    pub bulk: bulk::Jobs,
    pub ingest: bulk::ingest::Jobs,
    pub classic: bulk::classic::Jobs,
    pub cursors: soql::Cursors,
    pub metadata: Metadata,
    pub automation: Automation,
    pub(crate) access: AccessBook,
    pub(crate) apex: ApexBook,
    pub(crate) lightning: LightningBook,
    pub row_locks: Arc<RowLocks>,
    pub agenda: Agenda,
    pub(crate) retention: Retention,
    /// The Organization record's id.
    pub id: RecordId,
    /// The user that seeded records are attributed to unless they say otherwise.
    pub admin: RecordId,
    /// The profile "Standard User".
    pub standard_profile: RecordId,
    /// The edition.
    pub edition: Edition,
    /// The API versions that are served, by major number.
    pub api_versions: RangeInclusive<u16>,
    /// Whether it is a sandbox, whose users log in at the test host.
    pub is_sandbox: bool,
    pub(crate) my_domain: Option<String>,
    pub(crate) apps: RwLock<BTreeMap<String, RegisteredApp>>,
    pub(crate) grants: Grants,
    pub(crate) codes: Codes,
    pub(crate) logins: Logins,
    pub(crate) signing_key: SigningKey,
    pub(crate) frozen_users: RwLock<BTreeSet<RecordId>>,
    pub(crate) schema_changed: RwLock<DateTime<Utc>>,
    pub(crate) late_commits: Mutex<LateCommits>,
    pub(crate) url: OnceLock<String>,
}

impl Org {
    /// The metadata as it is now; it does not change under the holder's hands.
    #[must_use]
    pub fn schema(&self) -> Arc<Schema> {
        Arc::clone(&self.schema.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// When the metadata last changed.
    #[must_use]
    pub fn schema_changed(&self) -> DateTime<Utc> {
        *self.schema_changed.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes the metadata: tables and indexes follow.
    ///
    /// # Errors
    /// Whatever `change` refuses; nothing has changed then.
    pub fn change_schema(
        &self,
        change: impl FnOnce(&mut Schema) -> Result<(), SchemaError>,
    ) -> Result<(), SchemaError> {
        let mut current = self.schema.write().unwrap_or_else(PoisonError::into_inner);
        let mut schema = Schema::clone(&current);
        change(&mut schema)?;
        self.write().adopt(&schema);
        *current = Arc::new(schema);
        *self
            .schema_changed
            .write()
            .unwrap_or_else(PoisonError::into_inner) = self.clock.now();
        Ok(())
    }

    /// Whether it is no organisation to develop in: Developer Edition and sandboxes are.
    pub(crate) fn is_production(&self) -> bool {
        !self.is_sandbox && self.edition != Edition::Developer
    }

    /// The records, for reading. Hold it briefly: writers wait.
    pub fn read(&self) -> RwLockReadGuard<'_, Data> {
        self.data.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// The records, for writing.
    pub(crate) fn write(&self) -> RwLockWriteGuard<'_, Data> {
        self.data.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds a rule of the organisation's own.
    ///
    /// # Errors
    /// What it names does not exist or does not fit.
    pub fn add_rule(&self, definition: RuleDefinition) -> Result<(), RuleError> {
        let user_named = |username: &str| {
            let user = self.user_named(username)?;
            user.is_active.then_some(user.id)
        };
        let (object, rule) = definition.check(&self.schema(), self.clock.now(), self.admin, user_named)?;
        self.automation.add(&object, rule);
        Ok(())
    }

    /// Lets about this share of all deeds of people commit that long after their stamps; the default lets none.
    pub fn set_late_commits(&self, late: LateCommits) {
        *self.late_commits.lock().unwrap_or_else(PoisonError::into_inner) = late;
    }

    /// Deletes for good what lies in the recycle bin, as Salesforce does in time; how many records that were.
    ///
    /// What was deleted before is no longer reported by the deleted-records call.
    pub fn purge_recycle_bin(&self) -> usize {
        self.write().purge(self.clock.now())
    }

    /// Lets data storage be full, or have room again: new records are refused, changes are not.
    pub fn set_storage_full(&self, is_full: bool) {
        self.write().set_storage_full(is_full);
    }

    /// What a request is told that comes while too many long ones are under way.
    pub(crate) fn concurrent_limit_message(&self) -> &'static str {
        if self.switches().concurrent_requests_in_old_words {
            "ConcurrentRequests (Concurrent API Requests) Limit exceeded."
        } else {
            "ConcurrentPerOrgLongTxn Limit exceeded."
        }
    }

    /// The switches as they are.
    #[must_use]
    pub fn switches(&self) -> Switches {
        self.switches.get()
    }

    /// Turns switches; what is written from now on goes by them.
    pub fn set_switches(&self, switches: Switches) {
        let mut data = self.write();
        data.set_switches(switches);
        self.row_locks
            .name_records(!switches.lock_refusals_without_record);
        self.switches.set(switches);
    }

    /// The late commits as they are set.
    pub(crate) fn current_late_commits(&self) -> LateCommits {
        *self.late_commits.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The origin that the organisation answers under, without a slash at the end.
    #[must_use]
    pub fn url(&self) -> &str {
        self.url.get().map_or("", String::as_str)
    }

    /// The origin that clients are told to send data requests to: My Domain, or where the server listens.
    #[must_use]
    pub fn instance_url(&self) -> &str {
        self.my_domain.as_deref().unwrap_or_else(|| self.url())
    }

    /// The origins that the organisation knows as its own.
    pub(crate) fn origins(&self) -> Vec<String> {
        let url = self.url().to_owned();
        let as_localhost = url.replace("127.0.0.1", "localhost");
        let mut origins = vec![url, as_localhost];
        origins.extend(self.my_domain.clone());
        origins
    }

    /// Freezes a user, which ends the user's sessions, or thaws it.
    pub(crate) fn freeze(&self, user: RecordId, frozen: bool) {
        let mut users = self.frozen_users.write().unwrap_or_else(PoisonError::into_inner);
        if frozen {
            users.insert(user);
            self.tokens.revoke_user(user);
        } else {
            users.remove(&user);
        }
    }

    pub(crate) fn is_frozen(&self, user: RecordId) -> bool {
        self.frozen_users
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .contains(&user)
    }
}
