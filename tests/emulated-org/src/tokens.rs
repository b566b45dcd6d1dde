//! Access tokens and the sessions behind them; below it, all else that the OAuth endpoints remember.

pub(crate) mod codes;
pub(crate) mod grants;
pub(crate) mod logins;
pub(crate) mod signing_key;

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use chrono::{DateTime, TimeDelta, Utc};

pub use self::grants::GrantId;
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
    by_token: HashMap<String, Opened>,
}

#[derive(Debug)]
struct Opened {
    session: Session,
    lease: Lease,
    issued: DateTime<Utc>,
    renewed: DateTime<Utc>,
}

/// How long a session lasts, and what it hangs on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Lease {
    /// The app's own session timeout, instead of the organisation's.
    pub timeout: Option<Duration>,
    /// The grant that it ends with.
    pub grant: Option<GrantId>,
}

/// A session that is looked at, not used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LiveSession {
    /// Who holds it.
    pub session: Session,
    /// When its token was given out.
    pub issued: DateTime<Utc>,
    /// When it ends unless it is used.
    pub expires: DateTime<Utc>,
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
        self.issue_under(organization, session, Lease::default(), now)
    }

    /// Opens a session that lasts as the lease says.
    pub fn issue_under(
        &self,
        organization: RecordId,
        session: Session,
        lease: Lease,
        now: DateTime<Utc>,
    ) -> String {
        let token = format!("{}!{}", organization.as_str15(), opaque::<60>());
        let mut state = self.lock();
        let timeout = state.timeout;
        // Nobody asks for most ended sessions again, so they are forgotten here.
        state
            .by_token
            .retain(|_, opened| now - opened.renewed < opened.timeout(timeout));
        let opened = Opened {
            session,
            lease,
            issued: now,
            renewed: now,
        };
        state.by_token.insert(token.clone(), opened);
        token
    }

    /// The live session behind a token, which counts as used now.
    pub fn session(&self, token: &str, now: DateTime<Utc>) -> Option<Session> {
        let mut state = self.lock();
        let timeout = state.timeout;
        let opened = state.by_token.get_mut(token)?;
        let (idle, timeout) = (now - opened.renewed, opened.timeout(timeout));
        if idle >= timeout {
            state.by_token.remove(token);
            return None;
        }
        if idle * 2 >= timeout {
            opened.renewed = now;
        }
        Some(opened.session.clone())
    }

    /// The live session behind a token; it does not count as used.
    pub fn peek(&self, token: &str, now: DateTime<Utc>) -> Option<LiveSession> {
        let state = self.lock();
        let opened = state.by_token.get(token)?;
        let expires = opened
            .renewed
            .checked_add_signed(opened.timeout(state.timeout))
            .unwrap_or(DateTime::<Utc>::MAX_UTC);
        (now < expires).then(|| LiveSession {
            session: opened.session.clone(),
            issued: opened.issued,
            expires,
        })
    }

    /// Ends one session; whether there was one.
    pub fn revoke(&self, token: &str) -> bool {
        self.lock().by_token.remove(token).is_some()
    }

    /// Ends all sessions of one user.
    pub fn revoke_user(&self, user: RecordId) {
        self.lock()
            .by_token
            .retain(|_, opened| opened.session.user != user);
    }

    /// Ends all sessions of one grant.
    pub fn revoke_grant(&self, grant: GrantId) {
        self.lock()
            .by_token
            .retain(|_, opened| opened.lease.grant != Some(grant));
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

impl Opened {
    fn timeout(&self, of_organization: TimeDelta) -> TimeDelta {
        self.lease.timeout.map_or(of_organization, delta)
    }
}

/// Text of that many random bytes; it may hold word characters and dots.
fn opaque<const BYTES: usize>() -> String {
    let secret: [u8; BYTES] = std::array::from_fn(|_| rand::random());
    STANDARD_NO_PAD.encode(secret).replace('+', "_").replace('/', ".")
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
