//! The org that a connection belongs to.

use causeway_core::failure::Failure;
use causeway_core::id::{ConnectionId, SalesforceId};
use causeway_core::ports::connections::Connection;
use causeway_core::ports::{Lane, StoreError};

use crate::app::App;
use crate::salesforce::Salesforce;

/// The login leads to another org than the one that the connection was first used with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "this connection belongs to org {known}, but the login answers for org {answered}; add a new connection for it"
)]
pub struct OtherOrg {
    /// The connection's org.
    pub known: SalesforceId,
    /// The org that answered.
    pub answered: SalesforceId,
}

/// Why the connection's org is not certain.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OrgError {
    /// The login leads to another org.
    #[error(transparent)]
    Other(#[from] OtherOrg),
    /// Salesforce failed.
    #[error("Salesforce could not be asked which org it is")]
    Salesforce(Failure),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Whether what came in from this org, named with 15 or 18 characters, may speak for a connection of the org `known`.
/// Before the gateway's first call to the org nothing is known to compare with; the caller's token or code alone speaks
/// then.
pub fn is_of(known: Option<SalesforceId>, organization: &str) -> bool {
    SalesforceId::parse(organization).is_ok_and(|posted| known.is_none_or(|known| known == posted))
}

/// Remembers the org that answers for a connection, where it answers, and whom the gateway acts as in it. The
/// first org stays the
/// connection's org: records of two orgs never share its links.
///
/// # Errors
/// [`OrgError`], with [`OtherOrg`] where another org answers than before; nothing is kept then.
pub(super) async fn remember_org(
    app: &App,
    connection: ConnectionId,
    salesforce: &Salesforce,
) -> Result<(), OrgError> {
    let org = salesforce.org().await.map_err(OrgError::Salesforce)?;
    let answered = org.organization;
    let other = app
        .store
        .write(Lane::Interactive, move |tx| {
            let known = tx.connection(connection)?.and_then(|known| known.organization);
            match known.filter(|known| *known != answered) {
                Some(known) => Ok(Some(OtherOrg { known, answered })),
                None => {
                    tx.set_org(connection, answered, &org.instance_url)?;
                    tx.set_integration_user(connection, org.user)?;
                    Ok(None)
                }
            }
        })
        .await?;
    other.map_or(Ok(()), |other| Err(other.into()))
}

/// Remembers how many calls the org allows in 24 hours, where an answer told another number than is known.
///
/// # Errors
/// When the store fails.
pub(super) async fn remember_allowance(
    app: &App,
    connection: &Connection,
    salesforce: &Salesforce,
) -> Result<(), StoreError> {
    let Some(allowed) = salesforce.api_usage().map(|usage| usage.allowed) else {
        return Ok(());
    };
    if connection.daily_allowance == Some(allowed) {
        return Ok(());
    }
    let id = connection.id;
    app.store
        .write(Lane::Interactive, move |tx| tx.set_daily_allowance(id, allowed))
        .await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_org_is_refused() {
        let org = SalesforceId::parse("00D8a00001rBqb8").unwrap();
        let other = "00D8a00001rBqb9";
        assert!(is_of(Some(org), "00D8a00001rBqb8"));
        assert!(!is_of(Some(org), other));
        assert!(!is_of(None, "nonsense"));
        assert!(is_of(None, other));
    }
}
