//! What the OAuth endpoints need to know of users.

use super::{OAuthError, refuse};
use crate::id::RecordId;
use crate::org::Org;
use crate::value::Value;

/// A user, found by its username.
pub(crate) struct KnownUser {
    pub id: RecordId,
    pub is_active: bool,
}

impl Org {
    /// The user with this username, in any case.
    pub(crate) fn user_named(&self, username: &str) -> Option<KnownUser> {
        let data = self.read();
        let users = data.table("User")?;
        let (name, _) = users.object.field("Username")?;
        let id = *users.holders(name, &Value::text(username)).first()?;
        drop(data);
        Some(KnownUser {
            id,
            is_active: self.is_active(id),
        })
    }

    /// Whether a user exists and is active.
    pub(crate) fn is_active(&self, user: RecordId) -> bool {
        self.user_field(user, "IsActive") == Some(Value::Boolean(true))
    }

    /// A user's username in lower case.
    pub(super) fn username(&self, user: RecordId) -> Option<String> {
        match self.user_field(user, "Username")? {
            Value::Text(username) => Some(username.to_lowercase()),
            _ => None,
        }
    }

    pub(crate) fn user_field(&self, user: RecordId, field: &str) -> Option<Value> {
        let data = self.read();
        let users = data.table("User")?;
        let (at, _) = users.object.field(field)?;
        Some(users.get(&user)?.get(at).clone())
    }

    /// The usernames of active users, in the order of their making; no more than these.
    pub(super) fn active_usernames(&self, most: usize) -> Vec<String> {
        let data = self.read();
        let Some(users) = data.table("User") else {
            return Vec::new();
        };
        let (Some((active, _)), Some((name, _))) =
            (users.object.field("IsActive"), users.object.field("Username"))
        else {
            return Vec::new();
        };
        users
            .rows()
            .filter(|row| row.get(active) == &Value::Boolean(true))
            .filter_map(|row| match row.get(name) {
                Value::Text(username) => Some(username.to_string()),
                _ => None,
            })
            .take(most)
            .collect()
    }

    /// Refuses users who may not log in: inactive, frozen, or locked out.
    pub(crate) fn may_log_in(&self, user: RecordId) -> Result<(), OAuthError> {
        if !self.is_active(user) {
            return Err(refuse("inactive_user", "user is inactive"));
        }
        if self.is_frozen(user) || self.logins.is_locked(user, self.clock.now()) {
            return Err(refuse("invalid_grant", "user is locked"));
        }
        Ok(())
    }
}
