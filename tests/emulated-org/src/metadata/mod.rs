//! The Metadata API: deployments, the components they leave behind, and what they tell of themselves.
//!
//! Source: Metadata API Developer Guide. A deployment is taken whole or refused whole unless it is asked to go on at
//! errors; every name that its metadata mentions must exist in the organisation or in the same package.

pub mod apex;
mod apply;
mod archive;
mod busy_classes;
mod catalog;
mod custom_metadata;
pub mod deploy;
mod labels;
mod layout;
mod names;
pub mod package;
mod references;
mod removal;
pub mod result;
mod schema_change;
mod shapes;
mod sources;
pub mod store;
mod tests;
mod world;
pub mod xml;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};

pub use apex::{ApexCheck, ApexDeployment, ApexProblem, ApexSource, TestLevel};
pub use catalog::{described_types, type_file};
pub use deploy::DeployOptions;
pub use result::{CoverageWarning, Message, Outcome, Problem};
pub use store::{Components, Stored};

use crate::id::RecordId;
use crate::org::Org;
use apex::Plugged;

/// Everything that the Metadata API remembers.
#[derive(Debug)]
pub struct Metadata {
    state: Mutex<State>,
    /// Held by the deployment that runs: they run one after the other.
    turn: Mutex<()>,
    pod: u16,
}

#[derive(Debug, Default)]
struct State {
    components: Components,
    deploys: BTreeMap<RecordId, Deploy>,
    processing_time: TimeDelta,
    plugged: Plugged,
    serials: BTreeMap<String, u64>,
}

/// Where a deployment stands: Salesforce's `DeployStatus`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "each variant is the DeployStatus of the same name")]
pub enum Status {
    Pending,
    InProgress,
    Succeeded,
    SucceededPartial,
    Failed,
    Canceled,
}

impl Status {
    /// Salesforce's word for it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Pending => "Pending",
            Self::InProgress => "InProgress",
            Self::Succeeded => "Succeeded",
            Self::SucceededPartial => "SucceededPartial",
            Self::Failed => "Failed",
            Self::Canceled => "Canceled",
        }
    }

    /// Whether nothing more will happen.
    #[must_use]
    pub fn is_done(self) -> bool {
        !matches!(self, Self::Pending | Self::InProgress)
    }
}

/// One deployment.
#[derive(Clone, Debug)]
pub struct Deploy {
    /// Its id, `0Af…`.
    pub id: RecordId,
    /// What it is asked to do.
    pub options: DeployOptions,
    /// Who asked.
    pub user: RecordId,
    /// When.
    pub created: DateTime<Utc>,
    /// When it begins.
    pub starts: DateTime<Utc>,
    /// When it ends.
    pub ends: DateTime<Utc>,
    /// What became of it.
    pub outcome: Option<Outcome>,
    /// Who canceled it.
    pub canceled_by: Option<RecordId>,
    zip: Arc<[u8]>,
}

impl Deploy {
    /// Where it stands at a moment.
    #[must_use]
    pub fn status(&self, now: DateTime<Utc>) -> Status {
        match &self.outcome {
            _ if self.canceled_by.is_some() => Status::Canceled,
            Some(outcome) if outcome.success() => Status::Succeeded,
            Some(outcome) if outcome.partial && outcome.error.is_none() => Status::SucceededPartial,
            Some(_) => Status::Failed,
            None if now <= self.starts => Status::Pending,
            None => Status::InProgress,
        }
    }
}

/// Why a deployment could not be canceled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CancelError {
    /// No such deployment.
    Unknown,
    /// It has come to its end.
    Done,
}

impl Metadata {
    /// Nothing deployed yet; `pod` tells this organisation's ids from those of others.
    #[must_use]
    pub fn new(pod: u16) -> Self {
        Self {
            state: Mutex::default(),
            turn: Mutex::default(),
            pod,
        }
    }

    /// Lets deployments take this long; the first half of it they are pending. By default they are done as soon as
    /// somebody asks.
    pub fn set_processing_time(&self, time: Duration) {
        self.lock().processing_time = TimeDelta::from_std(time).unwrap_or_default();
    }

    /// A component by its type and its name in any case.
    #[must_use]
    pub fn component(&self, kind: &str, name: &str) -> Option<Arc<Stored>> {
        self.lock().components.get(kind, name).cloned()
    }

    /// All components as they are now.
    #[must_use]
    pub fn components(&self) -> Components {
        self.lock().components.clone()
    }

    /// Takes a deployment in; it runs when the clock has come to its time.
    pub fn begin(&self, zip: Vec<u8>, options: DeployOptions, user: RecordId, now: DateTime<Utc>) -> Deploy {
        let id = self.next_id("0Af");
        let mut state = self.lock();
        let deploy = Deploy {
            id,
            options,
            user,
            created: now,
            starts: now + state.processing_time / 2,
            ends: now + state.processing_time,
            outcome: None,
            canceled_by: None,
            zip: zip.into(),
        };
        state.deploys.insert(id, deploy.clone());
        deploy
    }

    /// A deployment by its id.
    #[must_use]
    pub fn deploy(&self, id: RecordId) -> Option<Deploy> {
        self.lock().deploys.get(&id).cloned()
    }

    /// Cancels a deployment that has not come to its end.
    ///
    /// # Errors
    /// There is none, or it has.
    pub fn cancel(&self, id: RecordId, user: RecordId, now: DateTime<Utc>) -> Result<Deploy, CancelError> {
        let mut state = self.lock();
        let deploy = state.deploys.get_mut(&id).ok_or(CancelError::Unknown)?;
        if deploy.status(now).is_done() {
            return Err(CancelError::Done);
        }
        deploy.canceled_by = Some(user);
        deploy.ends = now;
        Ok(deploy.clone())
    }

    pub(crate) fn next_due(&self) -> Option<DateTime<Utc>> {
        let state = self.lock();
        let waiting = state.deploys.values().filter(|deploy| deploy.is_waiting());
        waiting.map(|deploy| deploy.ends).min()
    }

    /// Runs the first deployment that is due: they run one after the other.
    pub(crate) fn step(&self, now: DateTime<Utc>, org: &Org) {
        let _turn = self.turn.lock().unwrap_or_else(PoisonError::into_inner);
        let (deploy, plugged) = {
            let state = self.lock();
            let waiting = state.deploys.values().filter(|deploy| deploy.is_waiting());
            let first = waiting
                .filter(|deploy| deploy.ends <= now)
                .min_by_key(|deploy| (deploy.ends, deploy.id));
            let Some(first) = first else { return };
            (first.clone(), state.plugged.clone())
        };
        let outcome = deploy::run(
            org,
            &deploy.zip,
            &deploy.options,
            (deploy.user, deploy.ends),
            &plugged,
        );
        if let Some(kept) = self.lock().deploys.get_mut(&deploy.id) {
            kept.outcome = Some(outcome);
            kept.zip = Arc::from([]);
        }
    }

    pub(crate) fn next_id(&self, prefix: &str) -> RecordId {
        let mut state = self.lock();
        let serial = state.serials.entry(prefix.to_owned()).or_insert(0);
        *serial += 1;
        RecordId::from_serial(prefix, self.pod, *serial).unwrap_or(RecordId::MIN)
    }

    /// Forgets a component that Setup deleted or changed.
    pub(crate) fn forget(&self, kind: &str, name: &str) {
        drop(self.lock().components.remove(kind, name));
    }

    fn set_components(&self, components: Components) {
        self.lock().components = components;
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Every change is made of whole steps, so a panic elsewhere leaves nothing half-done.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Deploy {
    fn is_waiting(&self) -> bool {
        self.outcome.is_none() && self.canceled_by.is_none()
    }
}
