//! Which users may use which app.
//!
//! Source: Salesforce Help, Manage OAuth Access Policies for a Connected App, and article 005132365 (uninstalled
//! connected apps).

use std::collections::BTreeSet;

use super::{OAuthError, refuse};
use crate::app::{App, Approval};
use crate::id::RecordId;
use crate::org::Org;
use crate::value::Value;

/// How a user stands to an app.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Standing {
    /// An administrator has approved the user for all scopes of the app.
    AdminApproved,
    /// The user has allowed the app these scopes.
    SelfApproved(BTreeSet<String>),
    /// The user has not been asked yet.
    NotAsked,
    /// The app is not installed, and the user did not use it before.
    NotInstalled,
    /// Only an administrator could approve the user, and none did.
    NotAdminApproved,
}

impl Standing {
    pub(super) fn of(org: &Org, app: &App, user: RecordId) -> Self {
        let username = org.username(user).unwrap_or_default();
        let admin_approved = |is_approved| match is_approved {
            true => Self::AdminApproved,
            false => Self::NotAdminApproved,
        };
        match &app.approval {
            Approval::SelfAuthorized(users) if users.contains(&username) => {
                Self::SelfApproved(app.scopes.iter().cloned().collect())
            }
            // No administrator sets policies on an app that is not installed: what users allowed before is all.
            _ if !app.is_installed => org
                .grants
                .approval(&app.consumer_key, user)
                .map_or(Self::NotInstalled, Self::SelfApproved),
            Approval::PreAuthorized => Self::AdminApproved,
            Approval::PreAuthorizedFor(users) => admin_approved(users.contains(&username)),
            Approval::AdminApproved {
                profiles,
                permission_sets,
            } => admin_approved(
                has_profile(org, user, profiles) || has_permission_set(org, user, permission_sets),
            ),
            Approval::SelfAuthorized(_) => org
                .grants
                .approval(&app.consumer_key, user)
                .map_or(Self::NotAsked, Self::SelfApproved),
        }
    }

    /// The scopes of the app that a token without a page to ask on may have.
    pub(super) fn scopes(self, app: &App) -> Result<Vec<String>, OAuthError> {
        match self {
            Self::AdminApproved => Ok(app.scopes.clone()),
            Self::SelfApproved(approved) => Ok(app
                .scopes
                .iter()
                .filter(|scope| approved.contains(*scope))
                .cloned()
                .collect()),
            Self::NotAsked => Err(refuse("invalid_grant", "user hasn't approved this consumer")),
            // Believed: nobody quotes it.
            Self::NotInstalled => Err(refuse("invalid_app_access", "app must be installed into org")),
            Self::NotAdminApproved => Err(not_admin_approved()),
        }
    }
}

pub(super) fn not_admin_approved() -> OAuthError {
    refuse(
        "invalid_app_access",
        "user is not admin approved to access this app",
    )
}

fn has_profile(org: &Org, user: RecordId, profiles: &BTreeSet<String>) -> bool {
    match org.user_field(user, "ProfileId") {
        Some(Value::Id(profile)) => is_one_of(org, "Profile", profile, profiles),
        _ => false,
    }
}

fn has_permission_set(org: &Org, user: RecordId, permission_sets: &BTreeSet<String>) -> bool {
    let data = org.read();
    let assigned: Vec<RecordId> = (|| {
        let assignments = data.table("PermissionSetAssignment")?;
        let (assignee, _) = assignments.object.field("AssigneeId")?;
        let (assigned, _) = assignments.object.field("PermissionSetId")?;
        let own = assignments
            .rows()
            .filter(|row| row.get(assignee) == &Value::Id(user));
        let sets = own.filter_map(|row| match row.get(assigned) {
            Value::Id(id) => Some(*id),
            _ => None,
        });
        Some(sets.collect())
    })()
    .unwrap_or_default();
    drop(data);
    assigned
        .into_iter()
        .any(|id| is_one_of(org, "PermissionSet", id, permission_sets))
}

/// Whether a record is named by its id or its name.
fn is_one_of(org: &Org, object: &str, id: RecordId, named: &BTreeSet<String>) -> bool {
    if named.contains(id.as_str()) || named.contains(id.as_str15()) {
        return true;
    }
    let data = org.read();
    let name = data.table(object).and_then(|table| {
        let (name, _) = table.object.field("Name")?;
        match table.get(&id)?.get(name) {
            Value::Text(name) => Some(name.to_string()),
            _ => None,
        }
    });
    name.is_some_and(|name| named.contains(&name))
}
