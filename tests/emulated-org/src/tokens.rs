//! Access tokens and the sessions behind them.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use chrono::{DateTime, TimeDelta, Utc};

use crate::id::RecordId;

/// The sessions of an organisation.
///
/// A session ends when it was not used for the session timeout; using it in the second half of that time
/// makes it last anew (Salesforce Help, Session Settings).
#[derive(Debug)]
pub struct Tokens {
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    timeout: TimeDelta,
    by_token: HashMap<String, (Session, DateTime<Utc>)>,
}

/// Who holds a token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Session {
    /// The user it acts as.
    pub user: RecordId,
    /// The consumer key of the app it was given to.
    pub app: String,
    /// What it may do, as scope names.
    pub scopes: Vec<String>,
}

impl Tokens {
    /// No sessions yet.
    #[must_use]
    pub fn new(timeout: Duration) -> Self {
        Self {
            state: Mutex::new(State {
                timeout: delta(timeout),
                by_token: HashMap::new(),
            }),
        }
    }

    /// Opens a session and returns its opaque token, `00D…!…`.
    pub fn issue(&self, organization: RecordId, session: Session, now: DateTime<Utc>) -> String {
        let secret: [u8; 60] = std::array::from_fn(|_| rand::random());
        // The part after the mark may hold word characters and dots.
        let secret = STANDARD_NO_PAD.encode(secret).replace('+', "_").replace('/', ".");
        let token = format!("{}!{secret}", organization.as_str15());
        let mut state = self.lock();
        let timeout = state.timeout;
        // Nobody asks for most ended sessions again, so they are forgotten here.
        state.by_token.retain(|_, (_, renewed)| now - *renewed < timeout);
        state.by_token.insert(token.clone(), (session, now));
        token
    }

    /// The live session behind a token, which counts as used now.
    pub fn session(&self, token: &str, now: DateTime<Utc>) -> Option<Session> {
        let mut state = self.lock();
        let timeout = state.timeout;
        let (session, renewed) = state.by_token.get_mut(token)?;
        let idle = now - *renewed;
        if idle >= timeout {
            state.by_token.remove(token);
            return None;
        }
        if idle * 2 >= timeout {
            *renewed = now;
        }
        Some(session.clone())
    }

    /// Ends one session; whether there was one.
    pub fn revoke(&self, token: &str) -> bool {
        self.lock().by_token.remove(token).is_some()
    }

    /// Ends all sessions of one user.
    pub fn revoke_user(&self, user: RecordId) {
        self.lock()
            .by_token
            .retain(|_, (session, _)| session.user != user);
    }

    /// Ends all sessions.
    pub fn expire_all(&self) {
        self.lock().by_token.clear();
    }

    /// Changes how long an unused session lasts.
    pub fn set_timeout(&self, timeout: Duration) {
        self.lock().timeout = delta(timeout);
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn delta(duration: Duration) -> TimeDelta {
    TimeDelta::from_std(duration).unwrap_or(TimeDelta::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ended_sessions_are_forgotten_when_others_begin() {
        let organization = RecordId::parse("00D000000000001").expect("an id");
        let session = Session {
            user: RecordId::parse("005000000000001").expect("an id"),
            app: "app".to_owned(),
            scopes: Vec::new(),
        };
        let tokens = Tokens::new(Duration::from_hours(1));
        let start = DateTime::UNIX_EPOCH;
        for hour in 0..50 {
            tokens.issue(organization, session.clone(), start + TimeDelta::hours(hour));
        }
        assert_eq!(tokens.lock().by_token.len(), 1);
    }
}
