//! Sending writes: in collections of up to 200, or in a Bulk job where there are many.

use std::time::Duration;

use causeway_core::decide::WriteKind;
use causeway_core::failure::{Call, Failure, NextStep, policy};
use causeway_core::id::SalesforceId;
use causeway_core::record::Fields;
use causeway_core::units::outgoing::{Batch, Order};
use tokio::time::Instant as Ticks;
use tokio_util::sync::CancellationToken;

use crate::app::App;
use crate::app::outgoing::sent::{Sent, advice};
use crate::app::outgoing::{fields, object};
use crate::salesforce::Salesforce;
use crate::salesforce::write::{ROWS_AT_ONCE, RowResults, Unsuccessful, WriteError, Written};

/// What a row is refused with whose record, or whose parent, another transaction holds.
const LOCKED: &str = "UNABLE_TO_LOCK_ROW";

/// Locked rows that are tried again alone, one after the other, before the others are left for later.
const MOST_LOCKED: usize = 20;

/// How often a locked row is tried again before it is left for later.
const LOCKED_TRIES: u32 = 3;

/// The first pause before a locked row is tried again; it doubles.
const LOCKED_PAUSE: Duration = Duration::from_millis(100);

/// Calls that may be refused as a whole before the rest is left for later: so the search for bad rows cannot eat
/// the org's allowance.
const MOST_REFUSED_CALLS: u32 = 40;

/// Links that were tried so often are not given to a job any more: a job that fails as a whole says nothing of its
/// rows.
const MOST_JOBS: u32 = 3;

/// A call that has less time than this is not begun: it might not end in it, and then nobody knows how it ended.
const SHORTEST_CALL: Duration = Duration::from_secs(5);

/// Sends the orders of a batch, each once.
pub(super) struct Sender<'a> {
    pub app: &'a App,
    pub salesforce: &'a Salesforce,
    pub batch: &'a Batch,
    /// When all calls must have ended.
    pub deadline: Ticks,
    pub stop: &'a CancellationToken,
}

/// Why the rest of a batch is not sent now.
enum Halt {
    /// Time ran out, too many calls were refused, or the gateway stops.
    Enough,
    /// The org or the budget refuses every call for now.
    Failure(Failure),
}

/// One run through a kind's orders.
struct Pass {
    sent: Vec<Sent>,
    locked: Vec<Order>,
    refused_calls: u32,
    halt: Option<Halt>,
}

impl Sender<'_> {
    /// Sends orders; every one of them is answered.
    pub(super) async fn send(&self, orders: Vec<Order>) -> Vec<Sent> {
        let mut sent = Vec::with_capacity(orders.len());
        let mut for_jobs = Vec::new();
        let mut rest = orders;
        for kind in [WriteKind::Create, WriteKind::Update, WriteKind::Delete] {
            let (of_kind, others): (Vec<Order>, Vec<Order>) =
                rest.into_iter().partition(|order| order.kind == kind);
            rest = others;
            if self.is_for_a_job(kind, &of_kind) {
                for_jobs.push((kind, of_kind));
            } else {
                sent.extend(Box::pin(self.in_collections(kind, of_kind)).await);
            }
        }
        // One job alone: it may take long, and what would be sent after it was decided before it. The others are
        // decided again.
        let mut for_jobs = for_jobs.into_iter();
        if let Some((kind, orders)) = for_jobs.next() {
            sent.extend(Box::pin(self.in_a_job(kind, orders)).await);
        }
        for (_, orders) in for_jobs {
            sent.extend(orders.into_iter().map(|order| Sent::not_now(order.claim, None)));
        }
        sent
    }

    /// Many orders of one kind go in a job, unless they have no key by which a result is told from another.
    fn is_for_a_job(&self, kind: WriteKind, orders: &[Order]) -> bool {
        let many = usize::try_from(self.app.options.claim_links.bulk_from).unwrap_or(usize::MAX);
        orders.len() >= many
            && (kind != WriteKind::Create || self.batch.plan.external_id.is_some())
            && orders.iter().all(|order| order.claim.attempts < MOST_JOBS)
    }

    /// Sends orders of one kind in collections. Rows that were locked follow alone.
    pub(super) async fn in_collections(&self, kind: WriteKind, orders: Vec<Order>) -> Vec<Sent> {
        let mut pass = Pass {
            sent: Vec::with_capacity(orders.len()),
            locked: Vec::new(),
            refused_calls: 0,
            halt: None,
        };
        // Taken from the end; halves go back there, so that they come next.
        let mut waiting: Vec<Vec<Order>> = orders.chunks(ROWS_AT_ONCE).map(<[Order]>::to_vec).rev().collect();
        while let Some(orders) = waiting.pop() {
            if pass.halt.is_some() || self.is_over() || pass.refused_calls >= MOST_REFUSED_CALLS {
                let halt = pass.halt.get_or_insert(Halt::Enough);
                let failure = halt.failure();
                pass.sent.extend(
                    orders
                        .into_iter()
                        .map(|order| Sent::not_now(order.claim, failure)),
                );
                continue;
            }
            match self.call(kind, &orders).await {
                Ok(results) => pass.take(orders, results),
                Err(WriteError::Unsendable { row, cause }) => {
                    let mut orders = orders;
                    if row < orders.len() {
                        let order = orders.remove(row);
                        pass.sent.push(Sent::unsendable(order.claim, &cause));
                    }
                    waiting.extend((!orders.is_empty()).then_some(orders));
                }
                Err(WriteError::TooMany { .. }) => waiting.extend(halves(orders)),
                Err(WriteError::Call(unsuccessful)) => {
                    waiting.extend(pass.refused(orders, unsuccessful));
                }
            }
        }
        self.locked(kind, &mut pass).await;
        if let Some(Halt::Failure(failure)) = &pass.halt {
            tracing::warn!(connection = %self.batch.connection, ?failure, advice = advice(failure),
                "Salesforce takes no writes now");
        }
        pass.sent
    }

    /// Tries locked rows again, one at a time, as long as there is time for it.
    async fn locked(&self, kind: WriteKind, pass: &mut Pass) {
        let mut tried = 0;
        'rows: for order in std::mem::take(&mut pass.locked) {
            tried += 1;
            let mut pause = LOCKED_PAUSE;
            let mut last = None;
            if pass.halt.is_none() && tried <= MOST_LOCKED {
                for _ in 0..LOCKED_TRIES {
                    let jitter: f64 = rand::random();
                    let wait = pause.mul_f64(0.5 + jitter / 2.0);
                    if self.stop.is_cancelled() || self.left() < wait + self.shortest() {
                        break;
                    }
                    tokio::time::sleep(wait).await;
                    pause *= 2;
                    match self.call(kind, std::slice::from_ref(&order)).await {
                        Ok(results) => match results.into_iter().next() {
                            Some(Err(row)) if row.code == LOCKED => last = Some(Failure::from(row)),
                            Some(result) => {
                                pass.sent.push(answered(order, result));
                                continue 'rows;
                            }
                            None => {
                                pass.sent.push(Sent::unknown(order.claim, None));
                                continue 'rows;
                            }
                        },
                        Err(WriteError::Call(unsuccessful)) if unsuccessful.may_have_written => {
                            pass.sent
                                .push(Sent::unknown(order.claim, Some(&unsuccessful.failure)));
                            continue 'rows;
                        }
                        Err(WriteError::Call(unsuccessful)) => {
                            last = Some(unsuccessful.failure);
                            break;
                        }
                        Err(WriteError::Unsendable { .. } | WriteError::TooMany { .. }) => break,
                    }
                }
            }
            pass.sent.push(Sent::not_now(order.claim, last.as_ref()));
        }
    }

    async fn call(&self, kind: WriteKind, orders: &[Order]) -> Result<RowResults, WriteError> {
        let (salesforce, object, within) = (self.salesforce, object(self.batch), self.left());
        match (kind, &self.batch.plan.external_id) {
            (WriteKind::Create, Some(external_id)) => {
                let rows: Vec<(String, Fields)> = orders
                    .iter()
                    .map(|order| (order.external_id.clone().unwrap_or_default(), fields(order)))
                    .collect();
                salesforce.upsert_rows(object, external_id, &rows, within).await
            }
            (WriteKind::Create, None) => {
                let rows: Vec<Fields> = orders.iter().map(fields).collect();
                salesforce.create_rows(object, &rows, within).await
            }
            (WriteKind::Update, _) => {
                let rows: Vec<(SalesforceId, Fields)> = orders
                    .iter()
                    .filter_map(|order| Some((order.salesforce_id?, fields(order))))
                    .collect();
                salesforce.update_rows(object, &rows, within).await
            }
            (WriteKind::Delete, _) => {
                let ids: Vec<SalesforceId> = orders.iter().filter_map(|order| order.salesforce_id).collect();
                salesforce.delete_rows(&ids, within).await
            }
        }
    }

    /// Whether nothing more may be begun.
    pub(super) fn is_over(&self) -> bool {
        self.stop.is_cancelled() || self.left() < self.shortest()
    }

    /// The least time that a call needs.
    fn shortest(&self) -> Duration {
        SHORTEST_CALL.min(self.app.options.write_within / 10)
    }

    /// What is left of the time for this batch.
    pub(super) fn left(&self) -> Duration {
        self.deadline.saturating_duration_since(Ticks::now())
    }
}

impl Halt {
    fn failure(&self) -> Option<&Failure> {
        match self {
            Halt::Enough => None,
            Halt::Failure(failure) => Some(failure),
        }
    }
}

impl Pass {
    /// Takes the results of a call that went through, row by row.
    fn take(&mut self, orders: Vec<Order>, results: RowResults) {
        let mut results = results.into_iter();
        for order in orders {
            match results.next() {
                Some(Err(row)) if row.code == LOCKED => self.locked.push(order),
                Some(result) => self.sent.push(answered(order, result)),
                None => self.sent.push(Sent::unknown(order.claim, None)),
            }
        }
    }

    /// Takes a call that was refused as a whole, and answers what to send next: both halves where a bad row may be
    /// at fault.
    fn refused(&mut self, orders: Vec<Order>, unsuccessful: Unsuccessful) -> Vec<Vec<Order>> {
        let Unsuccessful {
            failure,
            may_have_written,
        } = unsuccessful;
        self.refused_calls += 1;
        if may_have_written {
            let unknown = |order: Order| Sent::unknown(order.claim, Some(&failure));
            self.sent.extend(orders.into_iter().map(unknown));
            return Vec::new();
        }
        if !may_be_a_row(&failure) {
            let not_now = |order: Order| Sent::not_now(order.claim, Some(&failure));
            self.sent.extend(orders.into_iter().map(not_now));
            self.halt = Some(Halt::Failure(failure));
            return Vec::new();
        }
        if orders.len() > 1 {
            tracing::info!(
                rows = orders.len(),
                ?failure,
                "a call was refused as a whole; it is sent in halves"
            );
            return halves(orders);
        }
        let refused = |order: Order| Sent::refused_alone(order.claim, &failure);
        self.sent.extend(orders.into_iter().map(refused));
        Vec::new()
    }
}

fn answered(order: Order, result: Result<Written, crate::salesforce::write::RowFailure>) -> Sent {
    match result {
        Ok(written) => Sent::stored(order.claim, written),
        Err(row) => Sent::refused(order.claim, row),
    }
}

/// Whether a call can have been refused for one of its rows: then the others go through without it. Lasting refusals
/// of the login or the user concern all rows.
fn may_be_a_row(failure: &Failure) -> bool {
    let Failure::Salesforce { status, .. } = failure else {
        return false;
    };
    let next = policy(failure, Call::Write).next;
    matches!(status, 400 | 404 | 413) && matches!(next, NextStep::Stop | NextStep::Gone | NextStep::ReadFirst)
}

/// Both halves, the first one last: the order in which they are taken from the end.
fn halves(mut orders: Vec<Order>) -> Vec<Vec<Order>> {
    let second = orders.split_off(orders.len() / 2);
    vec![second, orders]
}
