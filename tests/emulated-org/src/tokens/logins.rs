//! Passwords, and browsers that are logged in on the organisation's pages.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use chrono::{DateTime, TimeDelta, Utc};

use super::opaque;
use crate::id::RecordId;

/// How many wrong passwords lock a user out, and for how long: the default password policy (Salesforce Help, Set
/// Password Policies).
const MOST_FAILURES: u32 = 10;
const LOCKOUT: TimeDelta = TimeDelta::minutes(15);
/// How long an unused browser stays logged in.
const BROWSER_TIMEOUT: TimeDelta = TimeDelta::hours(2);

/// Who is logged in where.
#[derive(Debug, Default)]
pub(crate) struct Logins {
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    passwords: HashMap<RecordId, String>,
    failures: HashMap<RecordId, (u32, DateTime<Utc>)>,
    browsers: HashMap<String, (Browser, DateTime<Utc>)>,
}

impl std::fmt::Debug for State {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("State").finish_non_exhaustive()
    }
}

/// A browser in which a user is logged in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Browser {
    pub user: RecordId,
    /// What the organisation's own forms send back, so that no other site can post them.
    pub confirmation: String,
}

impl Logins {
    /// Gives a user a password; nobody has one before.
    pub(crate) fn set_password(&self, user: RecordId, password: String) {
        let mut state = self.lock();
        state.failures.remove(&user);
        state.passwords.insert(user, password);
    }

    /// Whether the password is the user's. Wrong ones count.
    pub(crate) fn check_password(&self, user: RecordId, password: &str, now: DateTime<Utc>) -> bool {
        let mut state = self.lock();
        if state.is_locked(user, now) {
            return false;
        }
        if state.passwords.get(&user).is_some_and(|known| known == password) {
            state.failures.remove(&user);
            return true;
        }
        let (count, at) = state.failures.entry(user).or_insert((0, now));
        *count = if *count >= MOST_FAILURES { 1 } else { *count + 1 };
        *at = now;
        false
    }

    /// Whether too many wrong passwords have locked the user out.
    pub(crate) fn is_locked(&self, user: RecordId, now: DateTime<Utc>) -> bool {
        self.lock().is_locked(user, now)
    }

    /// Logs a user in and answers the value of the browser's cookie.
    pub(crate) fn open(&self, user: RecordId, now: DateTime<Utc>) -> (String, Browser) {
        let cookie = opaque::<40>();
        let browser = Browser {
            user,
            confirmation: opaque::<32>(),
        };
        let mut state = self.lock();
        state
            .browsers
            .retain(|_, (_, used)| now - *used < BROWSER_TIMEOUT);
        state.browsers.insert(cookie.clone(), (browser.clone(), now));
        (cookie, browser)
    }

    /// The browser with this cookie, while it is logged in.
    pub(crate) fn browser(&self, cookie: &str, now: DateTime<Utc>) -> Option<Browser> {
        let mut state = self.lock();
        let (browser, used) = state.browsers.get_mut(cookie)?;
        if now - *used >= BROWSER_TIMEOUT {
            return None;
        }
        *used = now;
        Some(browser.clone())
    }

    /// Logs the user of a browser out.
    pub(crate) fn close(&self, cookie: &str) {
        self.lock().browsers.remove(cookie);
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn is_locked(&self, user: RecordId, now: DateTime<Utc>) -> bool {
        self.failures
            .get(&user)
            .is_some_and(|(count, at)| *count >= MOST_FAILURES && now - *at < LOCKOUT)
    }
}
