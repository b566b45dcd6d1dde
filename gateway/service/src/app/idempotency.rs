//! Requests that are safe to repeat: the first answer is kept with what the request did, and given again.

use std::time::Duration;

use causeway_core::Instant;
use causeway_core::ports::inbox::{IdempotencyKey, SavedAnswer};
use causeway_core::ports::{StoreError, Transaction};
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio_util::sync::CancellationToken;

use crate::app::App;

/// HTTP status that is saved with a first answer. Every request that is repeatable is answered so.
const ACCEPTED: u16 = 202;

/// How long a first answer is kept. Whoever repeats a request does it within minutes, or within days where a person
/// had to mend something first.
const KEPT: Duration = Duration::from_secs(7 * 24 * 60 * 60);

/// Answers that one unit forgets: few enough to hold up nobody.
const SLICE: u32 = 1_000;

/// Names a request and what it carried.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Idempotency {
    /// Client, route and key.
    pub key: IdempotencyKey,
    /// SHA-256 of what the request carried.
    pub body_hash: [u8; 32],
}

/// How a request went that may have been sent before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Once<T> {
    /// It was done now.
    Done(T),
    /// It was done before; this is the first answer.
    DoneBefore(T),
    /// The key was used for something else. Nothing was done.
    KeyReused,
}

/// Does the work of a request unless it was done before, and keeps its answer in the same transaction.
///
/// The work comes before the key is written: units lock the connection's numbers first, so that two gateways which
/// take the same request at once wait for each other in one order.
///
/// # Errors
/// What the work answers; [`StoreError::Conflict`] when another unit did the same request first.
pub fn once<T: Serialize + DeserializeOwned>(
    tx: &mut dyn Transaction,
    request: Option<&Idempotency>,
    at: Instant,
    work: impl FnOnce(&mut dyn Transaction) -> Result<T, StoreError>,
) -> Result<Once<T>, StoreError> {
    let Some(request) = request else {
        return work(tx).map(Once::Done);
    };
    if let Some(before) = done_before(tx, request)? {
        return Ok(before);
    }
    let answer = work(tx)?;
    let saved = SavedAnswer {
        body_hash: request.body_hash,
        status: ACCEPTED,
        body: serde_json::to_string(&answer).map_err(|error| unusable(&error))?,
    };
    tx.save_answer(&request.key, &saved, at)?;
    Ok(Once::Done(answer))
}

/// How the request went that this key was used for first, if it was used. Asked before anything that the request needs
/// is looked up: a repeat gets its first answer also when that is gone by now.
///
/// # Errors
/// When the store fails.
pub fn done_before<T: DeserializeOwned>(
    tx: &mut dyn Transaction,
    request: &Idempotency,
) -> Result<Option<Once<T>>, StoreError> {
    let Some(first) = tx.answered(&request.key)? else {
        return Ok(None);
    };
    if first.body_hash != request.body_hash {
        return Ok(Some(Once::KeyReused));
    }
    let answer = serde_json::from_str(&first.body).map_err(|error| unusable(&error))?;
    Ok(Some(Once::DoneBefore(answer)))
}

/// Forgets first answers that are a week old, slice by slice until none is left or the gateway stops, and answers how
/// many. Several gateways that share a database may do this side by side.
///
/// # Errors
/// When the store fails. What was forgotten by then is forgotten.
pub async fn forget_old(app: &App, stop: &CancellationToken) -> Result<u64, StoreError> {
    let before = app.clock.now() - KEPT;
    let mut forgotten = 0;
    while !stop.is_cancelled() {
        let slice = app.store.forget_answers(before, SLICE).await?;
        forgotten += slice;
        if slice < u64::from(SLICE) {
            break;
        }
    }
    Ok(forgotten)
}

fn unusable(error: &serde_json::Error) -> StoreError {
    StoreError::Corrupt {
        detail: format!("answer of an idempotency key: {error}"),
    }
}
