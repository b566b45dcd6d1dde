//! Names of Salesforce users, for people who read a history.

use std::collections::{BTreeSet, HashMap};
use std::time::Duration;

use causeway_core::Instant;
use causeway_core::id::SalesforceId;
use causeway_core::ports::connections::Connection;
use causeway_core::ports::people::KnownUser;
use causeway_core::ports::{Lane, StoreError};
use causeway_core::record::FieldValue;
use chrono::TimeDelta;

use crate::app::App;
use crate::salesforce::rest::Seen;

/// People are renamed rarely; until then a name costs no call to Salesforce.
const KEPT: TimeDelta = TimeDelta::days(7);

/// Somebody waits for the history; it is shown without a name rather than late.
const PATIENCE: Duration = Duration::from_secs(3);

/// Names of Salesforce users by their ids. One that Salesforce does not show, or cannot be asked for now, is not in the
/// answer.
///
/// # Errors
/// When the store fails.
pub async fn names(
    app: &App,
    connection: &Connection,
    ids: BTreeSet<SalesforceId>,
) -> Result<HashMap<SalesforceId, String>, StoreError> {
    if ids.is_empty() {
        return Ok(HashMap::new());
    }
    let id = connection.id;
    let asked: Vec<SalesforceId> = ids.iter().copied().collect();
    let mut known = app.store.read(move |tx| tx.salesforce_users(id, &asked)).await?;
    let now = app.clock.now();
    let unknown: Vec<SalesforceId> = ids
        .into_iter()
        .filter(|user| known.get(user).is_none_or(|user| now - user.read_at >= KEPT))
        .collect();
    if !unknown.is_empty()
        && let Some(read) = read(app, connection, &unknown, now).await
    {
        known.extend(read.iter().cloned());
        app.store
            .write(Lane::Interactive, move |tx| tx.put_salesforce_users(id, &read))
            .await?;
    }
    Ok(known
        .into_iter()
        .filter_map(|(user, known)| Some((user, known.name?)))
        .collect())
}

/// Reads names from Salesforce. None where it does not answer in time.
async fn read(
    app: &App,
    connection: &Connection,
    ids: &[SalesforceId],
    now: Instant,
) -> Option<Vec<(SalesforceId, KnownUser)>> {
    let salesforce = app.salesforce_for(connection).ok()?;
    let values: Vec<FieldValue> = ids.iter().copied().map(FieldValue::Reference).collect();
    let reading = salesforce.find("User", &["Id", "Name"], "Id", &values, Seen::Live);
    let found = match tokio::time::timeout(PATIENCE, reading).await {
        Ok(Ok(found)) => found,
        Ok(Err(failure)) => {
            tracing::debug!(?failure, "names of Salesforce users could not be read");
            return None;
        }
        Err(_elapsed) => return None,
    };
    let names: HashMap<SalesforceId, String> = found
        .records
        .iter()
        .filter_map(|record| {
            let id = SalesforceId::parse(record.get("Id")?.as_str()?).ok()?;
            Some((id, record.get("Name")?.as_str()?.replace('\0', "")))
        })
        .collect();
    let user = |id: &SalesforceId| KnownUser {
        name: names.get(id).cloned(),
        read_at: now,
    };
    Some(ids.iter().map(|id| (*id, user(id))).collect())
}
