//! Users of an org whose package is paired, and that no sync has read yet: records that it pushes find their owners.

use std::collections::{HashMap, HashSet};

use causeway_core::Instant;
use causeway_core::id::ConnectionId;
use causeway_core::ports::connections::Connection;
use causeway_core::ports::{Lane, StoreError};
use chrono::TimeDelta;

use super::{Matched, match_users};
use crate::app::App;
use crate::app::administer::MatchUsersError;
use crate::app::org::remember_org;
use crate::app::package::client_of;

/// When users are looked for again of whom none was found: two dozen calls a day at most.
const AGAIN: TimeDelta = TimeDelta::hours(1);

/// When users are looked for again that could not be read.
const AFTER_FAILURE: TimeDelta = TimeDelta::minutes(5);

/// What is known of the connections that were looked at. A process that forgets it looks once more.
#[derive(Debug, Default)]
pub struct FirstMatches {
    /// Connections some of whose users are matched: syncs see to them from then on.
    settled: HashSet<ConnectionId>,
    not_before: HashMap<ConnectionId, Instant>,
}

impl FirstMatches {
    /// Matches the users of every connection that is switched on, whose package is paired, and none of whose users was
    /// matched yet.
    ///
    /// # Errors
    /// When the store fails. A connection whose org fails is looked at again later.
    pub async fn make_due(&mut self, app: &App) -> Result<(), StoreError> {
        for connection in self.due(app).await? {
            let id = connection.id;
            let wait = match matched(app, &connection).await {
                Ok(matched) => {
                    tracing::info!(connection = %id, matched = matched.matched, without = matched.without.len(),
                        ambiguous = matched.ambiguous.len(), "users matched before the first sync");
                    AGAIN
                }
                Err(error) => {
                    tracing::warn!(connection = %id, ?error,
                        "users could not be matched; what is pushed goes to the default owner until they are");
                    AFTER_FAILURE
                }
            };
            self.not_before.insert(id, app.clock.now() + wait);
        }
        Ok(())
    }

    async fn due(&mut self, app: &App) -> Result<Vec<Connection>, StoreError> {
        let now = app.clock.now();
        let settled = self.settled.clone();
        let waiting: HashSet<ConnectionId> = self
            .not_before
            .iter()
            .filter(|(_, at)| **at > now)
            .map(|(id, _)| *id)
            .collect();
        let (due, matched) = app
            .store
            .read(move |tx| {
                let (mut due, mut matched) = (Vec::new(), Vec::new());
                for connection in tx.connections()? {
                    let id = connection.id;
                    if !connection.enabled || settled.contains(&id) || waiting.contains(&id) {
                        continue;
                    }
                    let package = tx.client(&client_of(&connection.name))?;
                    if package.is_none_or(|client| client.connection != id || client.revoked_at.is_some()) {
                        continue;
                    }
                    let users = tx.partner_users(id)?;
                    if users.iter().any(|user| user.salesforce_user.is_some()) {
                        matched.push(id);
                    } else if !users.is_empty() {
                        due.push(connection);
                    }
                }
                Ok((due, matched))
            })
            .await?;
        self.settled.extend(matched);
        Ok(due)
    }
}

/// Nobody waits for it: it spends what the budget leaves to such work.
async fn matched(app: &App, connection: &Connection) -> Result<Matched, MatchUsersError> {
    let salesforce = app.salesforce_for(connection)?.in_lane(Lane::Bulk);
    remember_org(app, connection.id, &salesforce).await?;
    Ok(match_users(app, connection.id, &salesforce).await?)
}
