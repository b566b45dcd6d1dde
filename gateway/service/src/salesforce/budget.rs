//! Calls to Salesforce are taken before they are made, so that the gateway never spends more of an org's daily
//! allowance than it was given.
//!
//! Calls are leased in blocks from a [`CallLedger`], which remembers them for good. What is left of a block when the
//! process ends counts as spent: a lost block costs less than a write for every call. A block is good for a while
//! only, since calls count from when they were leased; what is left of it then is given back.

use std::sync::Arc;

use causeway_core::Instant;
use causeway_core::budget::made_until;
use causeway_core::failure::Failure;
use causeway_core::id::ConnectionId;
use causeway_core::ports::Lane;
use futures_util::future::BoxFuture;
use tokio::sync::Mutex;

/// Calls in a block where somebody waits: few, since they come one by one.
const INTERACTIVE_BLOCK: u32 = 10;

/// Calls in a block of work for which nobody waits.
const BULK_BLOCK: u32 = 25;

/// Remembers how many calls every connection has spent.
pub trait CallLedger: Send + Sync + std::fmt::Debug {
    /// Takes up to `wanted` calls of a connection and answers how many were taken; none: no more may be made now.
    /// What is taken is spent, whether it is used or not. Bulk work may be given less of the allowance.
    fn lease(
        &self,
        connection: ConnectionId,
        wanted: u32,
        lane: Lane,
    ) -> BoxFuture<'_, Result<Block, Failure>>;

    /// Gives back what is left of a block, of which nothing was used.
    fn give_back(&self, connection: ConnectionId, left: Block) -> BoxFuture<'_, Result<(), Failure>>;

    /// The time.
    fn now(&self) -> Instant;
}

/// Calls that were leased together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Block {
    /// How many are left.
    pub calls: u32,
    /// When they were leased.
    pub leased_at: Instant,
}

impl Block {
    /// Whether its calls may still be made.
    fn is_good(self, now: Instant) -> bool {
        self.leased_at <= now && now < made_until(self.leased_at)
    }
}

/// The calls that one connection's client may make.
#[derive(Debug)]
pub struct CallBudget {
    ledger: Option<(ConnectionId, Arc<dyn CallLedger>)>,
    interactive: Mutex<Option<Block>>,
    bulk: Mutex<Option<Block>>,
}

impl CallBudget {
    /// Calls that are not counted here, for a login that belongs to no connection yet.
    pub fn uncounted() -> Self {
        CallBudget {
            ledger: None,
            interactive: Mutex::default(),
            bulk: Mutex::default(),
        }
    }

    /// Calls that a ledger counts.
    pub fn counted(connection: ConnectionId, ledger: Arc<dyn CallLedger>) -> Self {
        CallBudget {
            ledger: Some((connection, ledger)),
            ..CallBudget::uncounted()
        }
    }

    /// Takes a call, from the block in hand or a new one.
    ///
    /// # Errors
    /// [`no_calls_left`] when the ledger gives none, or why it could not be asked.
    pub async fn take(&self, lane: Lane) -> Result<(), Failure> {
        let Some((connection, ledger)) = &self.ledger else {
            return Ok(());
        };
        let (held, block) = match lane {
            Lane::Interactive => (&self.interactive, INTERACTIVE_BLOCK),
            Lane::Bulk => (&self.bulk, BULK_BLOCK),
        };
        // Held while the ledger is asked, so that calls which start together share one block.
        let mut held = held.lock().await;
        let now = ledger.now();
        if let Some(old) = held.filter(|held| !held.is_good(now)) {
            *held = None;
            if old.calls > 0 {
                ledger.give_back(*connection, old).await?;
            }
        }
        let mut in_hand = match held.filter(|held| held.calls > 0) {
            Some(in_hand) => in_hand,
            None => ledger.lease(*connection, block, lane).await?,
        };
        in_hand.calls = in_hand.calls.checked_sub(1).ok_or_else(no_calls_left)?;
        *held = Some(in_hand);
        Ok(())
    }

    /// Calls of this lane that were leased and not made yet.
    pub async fn in_hand(&self, lane: Lane) -> u32 {
        let Some((_, ledger)) = &self.ledger else {
            return 0;
        };
        let held = match lane {
            Lane::Interactive => &self.interactive,
            Lane::Bulk => &self.bulk,
        };
        let now = ledger.now();
        held.lock()
            .await
            .filter(|held| held.is_good(now))
            .map_or(0, |held| held.calls)
    }
}

/// What a call meets that may not be made, since the gateway's own cap is reached. It carries the code that
/// Salesforce gives when its own allowance is used up, since the same follows: the work waits.
pub fn no_calls_left() -> Failure {
    Failure::Salesforce {
        status: 403,
        code: "REQUEST_LIMIT_EXCEEDED".to_owned(),
        message: "the gateway's own cap of Salesforce calls in 24 hours is reached; Salesforce was not asked. Raise \
                  the cap on the page Synchronization Information, or wait"
            .to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use causeway_core::failure::{Call, NextStep, policy};

    use super::*;

    #[derive(Debug, Default)]
    struct Counting {
        left: AtomicU32,
        leases: AtomicU32,
        /// Minutes that have passed.
        minutes: AtomicU32,
    }

    impl CallLedger for Counting {
        fn lease(
            &self,
            _connection: ConnectionId,
            wanted: u32,
            _lane: Lane,
        ) -> BoxFuture<'_, Result<Block, Failure>> {
            self.leases.fetch_add(1, Ordering::Relaxed);
            let left = self.left.load(Ordering::Relaxed);
            let given = left.min(wanted);
            self.left.store(left - given, Ordering::Relaxed);
            let block = Block {
                calls: given,
                leased_at: self.now(),
            };
            Box::pin(std::future::ready(Ok(block)))
        }

        fn give_back(&self, _connection: ConnectionId, left: Block) -> BoxFuture<'_, Result<(), Failure>> {
            self.left.fetch_add(left.calls, Ordering::Relaxed);
            Box::pin(std::future::ready(Ok(())))
        }

        fn now(&self) -> Instant {
            let minutes = self.minutes.load(Ordering::Relaxed);
            Instant::UNIX_EPOCH + chrono::TimeDelta::minutes(minutes.into())
        }
    }

    fn counted(left: u32) -> (Arc<Counting>, CallBudget) {
        let ledger = Arc::new(Counting {
            left: AtomicU32::new(left),
            ..Counting::default()
        });
        let shared: Arc<dyn CallLedger> = Arc::<Counting>::clone(&ledger);
        (ledger, CallBudget::counted(ConnectionId(1), shared))
    }

    #[tokio::test]
    async fn calls_come_in_blocks_and_no_more_than_the_ledger_gives() {
        let (ledger, budget) = counted(INTERACTIVE_BLOCK + 3);
        for _ in 0..INTERACTIVE_BLOCK + 3 {
            budget.take(Lane::Interactive).await.unwrap();
        }
        assert_eq!(ledger.leases.load(Ordering::Relaxed), 2);
        assert_eq!(budget.in_hand(Lane::Interactive).await, 0);
        let failure = budget.take(Lane::Interactive).await.unwrap_err();
        assert_eq!(failure, no_calls_left());
        for call in [Call::Read, Call::Write] {
            assert_eq!(policy(&failure, call).next, NextStep::Park);
        }
    }

    #[tokio::test]
    async fn each_lane_has_its_own_block() {
        let (ledger, budget) = counted(INTERACTIVE_BLOCK + BULK_BLOCK);
        budget.take(Lane::Bulk).await.unwrap();
        budget.take(Lane::Interactive).await.unwrap();
        assert_eq!(ledger.left.load(Ordering::Relaxed), 0);
        assert_eq!(budget.in_hand(Lane::Interactive).await, INTERACTIVE_BLOCK - 1);
        for _ in 1..INTERACTIVE_BLOCK {
            budget.take(Lane::Interactive).await.unwrap();
        }
        assert_eq!(budget.take(Lane::Interactive).await, Err(no_calls_left()));
        assert_eq!(budget.take(Lane::Bulk).await, Ok(()));
    }

    #[tokio::test]
    async fn what_is_left_when_the_hour_ends_is_given_back_and_taken_anew() {
        let (ledger, budget) = counted(INTERACTIVE_BLOCK + 2);
        budget.take(Lane::Interactive).await.unwrap();
        ledger.minutes.store(59, Ordering::Relaxed);
        budget.take(Lane::Interactive).await.unwrap();
        assert_eq!(ledger.leases.load(Ordering::Relaxed), 1);
        ledger.minutes.store(60, Ordering::Relaxed);
        assert_eq!(budget.in_hand(Lane::Interactive).await, 0);
        for _ in 0..INTERACTIVE_BLOCK {
            budget.take(Lane::Interactive).await.unwrap();
        }
        assert_eq!(ledger.leases.load(Ordering::Relaxed), 2);
        assert_eq!(budget.take(Lane::Interactive).await, Err(no_calls_left()));
    }

    #[tokio::test]
    async fn calls_that_nobody_counts_never_end() {
        let budget = CallBudget::uncounted();
        for _ in 0..1_000 {
            budget.take(Lane::Interactive).await.unwrap();
        }
    }
}
