//! The budget of Salesforce calls, as the org's admin sees and sets it.

use causeway_core::Instant;
use causeway_core::budget::{self, begins, first_counted};
use causeway_core::ports::Lane;
use causeway_core::ports::StoreError;
use causeway_core::ports::connections::Connection;

use crate::app::App;
use crate::app::settings::SettingsError;
use crate::members::FieldError;

/// What may be spent, and what was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Budget {
    /// Whether the admin's own cap holds.
    pub enforced: bool,
    /// The admin's own cap, also while it is not enforced.
    pub own_cap: Option<u64>,
    /// The cap where the admin enforces none.
    pub automatic_cap: u64,
    /// The cap that holds.
    pub cap: u64,
    /// How much of it work may use up for which nobody waits.
    pub bulk_cap: u64,
    /// Calls of the gateway in the last 24 hours.
    pub used: u64,
    /// Calls that the org allows in 24 hours, once known.
    pub maximum: Option<u64>,
    /// Calls of everybody else in the org in the last 24 hours, as the org last told.
    pub used_by_others: Option<u64>,
    /// When work that somebody waits for finds calls again. None: it finds some now.
    pub free_again_at: Option<Instant>,
    /// When work finds calls again for which nobody waits. None: it finds some now.
    pub bulk_free_again_at: Option<Instant>,
}

/// The budget of a connection.
///
/// # Errors
/// When the store fails.
pub async fn of(app: &App, connection: &Connection) -> Result<Budget, StoreError> {
    let (id, now) = (connection.id, app.clock.now());
    let since = begins(first_counted(now));
    let (used, spent, settings) = app
        .store
        .read(move |tx| {
            Ok((
                tx.calls_spent(id, now)?,
                tx.call_hours(id, since)?,
                tx.settings(id)?,
            ))
        })
        .await?;
    let salesforce = app.salesforce_for(connection).ok();
    let told = salesforce.as_ref().and_then(|salesforce| salesforce.api_usage());
    let maximum = told.map(|usage| usage.allowed).or(connection.daily_allowance);
    let cap = budget::cap(connection.daily_calls, maximum);
    let free_again = async |lane| {
        let in_hand = match &salesforce {
            Some(salesforce) => salesforce.calls_in_hand(lane).await,
            None => 0,
        };
        // Calls in hand count as spent, and may be made yet.
        budget::free_again(&spent, budget::usable(cap, lane), now).filter(|_| in_hand == 0)
    };
    Ok(Budget {
        enforced: connection.daily_calls.is_some(),
        own_cap: connection.daily_calls.or(settings.idle_cap),
        automatic_cap: budget::automatic(maximum),
        cap,
        bulk_cap: budget::usable(cap, Lane::Bulk),
        used,
        maximum,
        used_by_others: told.map(|usage| usage.used.saturating_sub(used)),
        free_again_at: free_again(Lane::Interactive).await,
        bulk_free_again_at: free_again(Lane::Bulk).await,
    })
}

/// Sets the admin's own cap, and whether it holds. It does at once: what waits for calls looks again.
///
/// # Errors
/// [`SettingsError`] for a cap that is none, or above what the org allows.
pub async fn save(
    app: &App,
    connection: &Connection,
    enforced: bool,
    own_cap: Option<u64>,
) -> Result<Budget, SettingsError> {
    let maximum = of(app, connection).await?.maximum;
    let wrong = match own_cap {
        None if enforced => Some("enter how many calls may be made in 24 hours".to_owned()),
        Some(0) => {
            Some("must be at least 1; to stop all calls, ask to have the connection switched off".to_owned())
        }
        Some(cap) => maximum.filter(|maximum| cap > *maximum).map(|maximum| {
            format!("must be at most {maximum}, which is all that the org allows in 24 hours")
        }),
        None => None,
    };
    if let Some(message) = wrong {
        let field = "cap".to_owned();
        return Err(SettingsError::Wrong(vec![FieldError { field, message }]));
    }
    let id = connection.id;
    let saved = app
        .store
        .write(Lane::Interactive, move |tx| {
            let mut settings = tx.settings(id)?;
            settings.idle_cap = own_cap.filter(|_| !enforced);
            tx.put_settings(id, &settings)?;
            tx.set_daily_calls(id, own_cap.filter(|_| enforced))?;
            tx.connection(id)
        })
        .await?;
    app.budget_bell.notify_waiters();
    Ok(of(app, saved.as_ref().unwrap_or(connection)).await?)
}
