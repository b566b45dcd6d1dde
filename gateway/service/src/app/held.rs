//! Records that wait for a person, and what a person decides about them.

use std::collections::BTreeMap;

use causeway_core::Instant;
use causeway_core::id::{ConnectionId, LinkId, MappingId};
use causeway_core::ports::{Lane, StoreError};
use causeway_core::units::person::{self, PersonRefusal};

use crate::app::App;

/// Held records looked at in one unit.
const SLICE: u32 = 200;

/// Held records that are counted in one query.
const COUNTED_AT_ONCE: u32 = 1_000;

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

/// Records that are held for one cause.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cause {
    /// The reason's code.
    pub reason: &'static str,
    /// Partner object; empty where nothing maps the records any more.
    pub object: String,
    /// What to do, in the words of the newest of them.
    pub next_step: String,
    /// How many records.
    pub count: u64,
    /// Since when the oldest is held.
    pub oldest: Instant,
}

/// Why records are held, the most frequent cause first.
///
/// # Errors
/// When the store fails, or takes too long to look at all of them.
pub async fn causes(app: &App, connection: ConnectionId) -> Result<Vec<Cause>, StoreError> {
    app.store
        .scan(move |tx| {
            let plans = tx.plans(connection)?;
            let mut causes: BTreeMap<(&'static str, MappingId), Cause> = BTreeMap::new();
            let mut after = None;
            loop {
                let slice = tx.held(connection, after, COUNTED_AT_ONCE)?;
                for held in &slice {
                    let reason = person::code(&held.reason);
                    let cause = causes.entry((reason, held.mapping)).or_insert_with(|| {
                        let plan = plans.iter().find(|plan| plan.mapping == held.mapping);
                        Cause {
                            reason,
                            object: plan.map(|plan| plan.partner_object.clone()).unwrap_or_default(),
                            next_step: String::new(),
                            count: 0,
                            oldest: held.since,
                        }
                    });
                    cause.count += 1;
                    cause.oldest = cause.oldest.min(held.since);
                    cause.next_step = held.reason.summary();
                }
                match slice.last() {
                    Some(last) => after = Some(last.link),
                    None => break,
                }
            }
            let mut causes: Vec<Cause> = causes.into_values().collect();
            causes.sort_by_key(|cause| std::cmp::Reverse(cause.count));
            Ok(causes)
        })
        .await
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
