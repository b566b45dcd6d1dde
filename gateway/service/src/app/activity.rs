//! What crossed between both sides, hour by hour.

use std::collections::BTreeMap;

use causeway_core::Instant;
use causeway_core::activity::Hour;
use causeway_core::budget::{begins, hour_of};
use causeway_core::id::ConnectionId;
use causeway_core::ports::StoreError;

use crate::app::App;

/// An hour in numbers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HourOfActivity {
    /// When it began.
    pub from: Instant,
    /// What crossed in it.
    pub crossed: Hour,
    /// Salesforce calls that were spent in it.
    pub calls: u64,
}

/// The last `hours` hours, oldest first, the one that has not ended included; also those in which nothing happened.
///
/// # Errors
/// When the store fails.
pub async fn hours(
    app: &App,
    connection: ConnectionId,
    hours: u32,
) -> Result<Vec<HourOfActivity>, StoreError> {
    let last = hour_of(app.clock.now());
    let first = last - i64::from(hours.saturating_sub(1));
    let since = begins(first);
    let (crossed, calls) = app
        .store
        .read(move |tx| Ok((tx.activity(connection, since)?, tx.call_hours(connection, since)?)))
        .await?;
    let mut crossed: BTreeMap<Instant, Hour> = crossed.into_iter().collect();
    let calls: BTreeMap<Instant, u64> = calls.into_iter().collect();
    Ok((first..=last)
        .map(begins)
        .map(|from| HourOfActivity {
            from,
            crossed: crossed.remove(&from).unwrap_or_default(),
            calls: calls.get(&from).copied().unwrap_or_default(),
        })
        .collect())
}
