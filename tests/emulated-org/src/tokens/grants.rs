//! What users have allowed apps, and the refresh tokens that stand for it.
//!
//! Source: Salesforce Help, OAuth 2.0 Refresh Token Flow, and article 005316711 (rotation: a refresh token that was
//! rotated out and comes again ends the current one and all its access tokens).

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Mutex, MutexGuard, PoisonError};

use chrono::{DateTime, TimeDelta, Utc};

use super::opaque;
use crate::app::{RefreshTokenLifetime, RefreshTokenPolicy};
use crate::id::RecordId;

/// Names one grant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct GrantId(u64);

/// What a user has given an app, for as long as its refresh token lives.
#[derive(Clone, Debug)]
pub(crate) struct Grant {
    pub user: RecordId,
    pub app: String,
    pub scopes: Vec<String>,
    pub begun: DateTime<Utc>,
    pub used: DateTime<Utc>,
    token: String,
}

impl Grant {
    /// When it ends if nobody uses it; `None` for never.
    pub(crate) fn ends(&self, lifetime: RefreshTokenLifetime) -> Option<DateTime<Utc>> {
        let after = |from: DateTime<Utc>, duration| {
            let duration = TimeDelta::from_std(duration).ok()?;
            from.checked_add_signed(duration)
        };
        match lifetime {
            RefreshTokenLifetime::UntilRevoked => None,
            RefreshTokenLifetime::None => Some(self.begun),
            RefreshTokenLifetime::Unused(duration) => after(self.used, duration),
            RefreshTokenLifetime::After(duration) => after(self.begun, duration),
        }
    }
}

/// Why a refresh token is worth nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RefreshRefused {
    /// Nobody was given it, another app was, or it has ended.
    Expired,
    /// It was rotated out before: the grant is over, and its sessions have to end.
    Reused(GrantId),
}

/// The grants of an organisation.
#[derive(Debug, Default)]
pub(crate) struct Grants {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    last: u64,
    live: BTreeMap<GrantId, Grant>,
    /// Refresh tokens of live grants, current and rotated out.
    by_token: HashMap<String, GrantId>,
    /// What users have allowed apps on the authorization page.
    approvals: BTreeMap<(String, RecordId), BTreeSet<String>>,
}

impl Grants {
    /// Remembers that a user allowed an app these scopes.
    pub(crate) fn approve(&self, app: &str, user: RecordId, scopes: &[String]) {
        let mut state = self.lock();
        let approval = state.approvals.entry((app.to_owned(), user)).or_default();
        approval.extend(scopes.iter().cloned());
    }

    /// What a user has allowed an app.
    pub(crate) fn approval(&self, app: &str, user: RecordId) -> Option<BTreeSet<String>> {
        self.lock().approvals.get(&(app.to_owned(), user)).cloned()
    }

    /// Begins a grant and answers its first refresh token.
    pub(crate) fn begin(
        &self,
        app: &str,
        user: RecordId,
        scopes: Vec<String>,
        now: DateTime<Utc>,
    ) -> (GrantId, String) {
        let mut state = self.lock();
        state.last += 1;
        let (id, token) = (GrantId(state.last), refresh_token());
        state.by_token.insert(token.clone(), id);
        let grant = Grant {
            user,
            app: app.to_owned(),
            scopes,
            begun: now,
            used: now,
            token: token.clone(),
        };
        state.live.insert(id, grant);
        (id, token)
    }

    /// Uses a refresh token: its grant, and the token that is current from now on.
    pub(crate) fn refresh(
        &self,
        token: &str,
        app: &str,
        policy: RefreshTokenPolicy,
        now: DateTime<Utc>,
    ) -> Result<(GrantId, Grant), RefreshRefused> {
        let mut state = self.lock();
        let id = *state.by_token.get(token).ok_or(RefreshRefused::Expired)?;
        let grant = state.live.get_mut(&id).ok_or(RefreshRefused::Expired)?;
        if grant.app != app {
            return Err(RefreshRefused::Expired);
        }
        if grant.token != token {
            state.end(id);
            return Err(RefreshRefused::Reused(id));
        }
        if grant.ends(policy.lifetime).is_some_and(|end| now >= end) {
            state.end(id);
            return Err(RefreshRefused::Expired);
        }
        grant.used = now;
        if policy.rotates {
            grant.token = refresh_token();
        }
        let grant = grant.clone();
        state.by_token.insert(grant.token.clone(), id);
        Ok((id, grant))
    }

    /// The grant whose current refresh token this is; it does not count as used.
    pub(crate) fn peek(&self, token: &str) -> Option<Grant> {
        let state = self.lock();
        let grant = state.live.get(state.by_token.get(token)?)?;
        (grant.token == token).then(|| grant.clone())
    }

    /// Ends the grant whose current refresh token this is.
    pub(crate) fn revoke(&self, token: &str) -> Option<GrantId> {
        let mut state = self.lock();
        let id = *state.by_token.get(token)?;
        let is_current = state.live.get(&id).is_some_and(|grant| grant.token == token);
        is_current.then(|| state.end(id))
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Grant {
    /// The refresh token that is current now.
    pub(crate) fn refresh_token(&self) -> &str {
        &self.token
    }
}

impl State {
    /// Ends a grant. With the last of an app's grants the user's approval goes: the user is asked again.
    fn end(&mut self, id: GrantId) -> GrantId {
        if let Some(ended) = self.live.remove(&id) {
            let has_others = self
                .live
                .values()
                .any(|grant| grant.app == ended.app && grant.user == ended.user);
            if !has_others {
                self.approvals.remove(&(ended.app, ended.user));
            }
        }
        self.by_token.retain(|_, known| *known != id);
        id
    }
}

/// Refresh tokens of real organisations begin like this; clients must not care.
fn refresh_token() -> String {
    format!("5Aep861{}", opaque::<60>())
}
