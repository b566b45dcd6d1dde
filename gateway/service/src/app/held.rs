//! Records that wait for a person, and what a person decides about them.

use causeway_core::id::{ConnectionId, LinkId};
use causeway_core::ports::{Lane, StoreError};
use causeway_core::units::person::{self, PersonRefusal};

use crate::app::App;

/// Held records looked at in one unit.
const SLICE: u32 = 200;

/// Units of one request.
const SLICES: u32 = 50;

/// Why what a person decided is not done.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PersonError {
    /// It does not fit how things stand.
    #[error(transparent)]
    Refused(#[from] PersonRefusal),
    /// The store failed.
    #[error("the decision could not be stored")]
    Store(#[from] StoreError),
}

/// How far retrying all held records of a reason came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retried {
    /// Records that are tried again.
    pub count: u64,
    /// Where to go on; none when all were looked at.
    pub next: Option<LinkId>,
}

/// Tries a held record again.
///
/// # Errors
/// [`PersonError`]; nothing changed then.
pub async fn retry(
    app: &App,
    connection: ConnectionId,
    link: LinkId,
    client: &str,
) -> Result<(), PersonError> {
    let (at, client) = (app.clock.now(), client.to_owned());
    app.store
        .write(Lane::Interactive, move |tx| {
            person::retry(tx, connection, link, &client, at)
        })
        .await??;
    app.outbox_bell.notify_one();
    Ok(())
}

/// Tries the records again that are held for one reason, from the link after `after` on. A request looks at so many
/// held records and no more; the rest is for further requests.
///
/// # Errors
/// When the store fails. What was retried by then is retried.
pub async fn retry_all(
    app: &App,
    connection: ConnectionId,
    reason: &'static str,
    after: Option<LinkId>,
    client: &str,
) -> Result<Retried, StoreError> {
    let mut retried = Retried {
        count: 0,
        next: after,
    };
    for _ in 0..SLICES {
        let (at, after, client) = (app.clock.now(), retried.next, client.to_owned());
        let slice = app
            .store
            .write(Lane::Bulk, move |tx| {
                person::retry_all(tx, connection, reason, &client, after, SLICE, at)
            })
            .await?;
        retried.count += slice.count;
        retried.next = slice.next;
        if slice.count > 0 {
            app.outbox_bell.notify_one();
        }
        if slice.next.is_none() {
            break;
        }
    }
    Ok(retried)
}

/// Carries out the decision on a delete that was asked about: whether the other side's record goes too.
///
/// # Errors
/// [`PersonError`]; nothing changed then.
pub async fn decide_delete(
    app: &App,
    connection: ConnectionId,
    link: LinkId,
    delete_too: bool,
    client: &str,
) -> Result<(), PersonError> {
    let (at, client) = (app.clock.now(), client.to_owned());
    app.store
        .write(Lane::Interactive, move |tx| {
            person::decide_delete(tx, connection, link, delete_too, &client, at)
        })
        .await??;
    app.outbox_bell.notify_one();
    Ok(())
}
