//! The handle that the rest of the gateway holds.

use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use causeway_core::Instant;
use causeway_core::id::ConnectionId;
use causeway_core::ports::{Lane, StoreError, Transaction};

use crate::engine::Engine;
use crate::error::{OpenError, full, unavailable};
use crate::migrate::migrate;
use crate::options::StoreOptions;
use crate::ports::forget_answers;
use crate::queue::Queue;
use crate::reader::Reader;
use crate::room::Room;
use crate::session::{Session, SharedState};
use crate::target::Target;
use crate::unit::Waiting;
use crate::writer::Writer;

/// A store. Clones are cheap and share its threads, which end when [`Store::close`] is called or the last clone is
/// dropped.
#[derive(Clone)]
pub struct Store {
    shared: Arc<Shared>,
}

struct Shared {
    engine: Engine,
    writes: Arc<Queue>,
    reads: Arc<Queue>,
    scans: Arc<Queue>,
    state: Arc<SharedState>,
    threads: Mutex<Vec<JoinHandle<()>>>,
}

impl Store {
    /// Opens the database at `url`, brings its tables up to date and starts the threads that work on it.
    ///
    /// `sqlite:///path/to/file.db` names a file, made if missing; `postgres://user:password@host/database` an
    /// existing PostgreSQL database (without TLS: keep it on the host or a trusted network).
    ///
    /// # Errors
    /// [`OpenError`] when the URL is not understood, the database cannot be reached, or a migration fails.
    pub async fn open(url: &str, options: StoreOptions) -> Result<Store, OpenError> {
        let target = Target::parse(url)?;
        let migrated = target.clone();
        on_own_thread("store-migrate", move || migrate(&migrated)).await??;
        let writers = match target.engine() {
            Engine::Sqlite => 1,
            Engine::Postgres => options.writers.max(1),
        };
        let state = Arc::new(SharedState {
            room: Room::of(&target),
            ..SharedState::default()
        });
        let shared = Arc::new(Shared {
            engine: target.engine(),
            writes: Arc::new(Queue::new(options.interactive_queue, options.bulk_queue)),
            reads: Arc::new(Queue::new(options.interactive_queue, options.bulk_queue)),
            scans: Arc::new(Queue::new(options.interactive_queue, options.bulk_queue)),
            state: Arc::clone(&state),
            threads: Mutex::default(),
        });
        for number in 0..writers {
            let writer = Writer::new(
                target.clone(),
                Arc::clone(&shared.writes),
                Arc::clone(&state),
                &options,
            );
            shared.spawn(format!("store-write-{number}"), move || writer.work())?;
        }
        for number in 0..options.readers.max(1) {
            let reader = Reader::new(target.clone(), Arc::clone(&shared.reads), Arc::clone(&state));
            shared.spawn(format!("store-read-{number}"), move || reader.work())?;
        }
        for number in 0..options.scanners.max(1) {
            let scanner = Reader::scanning(
                target.clone(),
                Arc::clone(&shared.scans),
                Arc::clone(&state),
                options.scan_time,
            );
            shared.spawn(format!("store-scan-{number}"), move || scanner.work())?;
        }
        Ok(Store { shared })
    }

    /// The engine behind this store.
    pub fn engine(&self) -> Engine {
        self.shared.engine
    }

    /// Whether only one gateway may serve from this database. Claims that nobody in that process made were then left
    /// behind by an earlier one.
    pub fn is_exclusive(&self) -> bool {
        self.shared.engine == Engine::Sqlite
    }

    /// Runs a unit in a writing transaction and answers once what it wrote is durable.
    ///
    /// The transaction is shared with other units; a unit that fails is rolled back and leaves its neighbours
    /// alone. A unit that loses a race runs again from the start, up to five times in all. A unit that meets an
    /// error in a port fails, also when it would rather go on: half of that port's work may be written.
    ///
    /// Nothing but the database may be waited for inside a unit: its transaction holds locks. On PostgreSQL, units
    /// do best to write what is numbered (changes received, effects, log entries) before they settle heads or hold
    /// leases, and to begin by extending outgoing claims where they have some, which takes the same lock; the other order works too, but two such units may have to wait a second for each other.
    ///
    /// Dropping the future before the unit was started withdraws it; afterwards its work is done all the same.
    ///
    /// # Errors
    /// What the unit answered, or [`StoreError::Unavailable`] where it is not known whether the work is durable:
    /// the connection broke during the commit. Ask again or repeat the unit; every unit must bear a repetition.
    pub async fn write<T, U>(&self, lane: Lane, unit: U) -> Result<T, StoreError>
    where
        T: Send + 'static,
        U: FnMut(&mut dyn Transaction) -> Result<T, StoreError> + Send + 'static,
    {
        ask(&self.shared.writes, lane, over_ports(unit)).await
    }

    /// Runs a unit that reads a little: single rows, or what is small for every tenant. All it reads is one state of
    /// the database; everything that was answered as durable before is in it. It waits neither for writers nor for
    /// scans.
    ///
    /// # Errors
    /// What the unit answered, or [`StoreError::Unavailable`]. A unit that writes fails.
    pub async fn read<T, U>(&self, unit: U) -> Result<T, StoreError>
    where
        T: Send + 'static,
        U: FnMut(&mut dyn Transaction) -> Result<T, StoreError> + Send + 'static,
    {
        ask(&self.shared.reads, Lane::Interactive, over_ports(unit)).await
    }

    /// Runs a unit as [`Store::read`] does, but one that may read much: lists, filters, the feed, the log. Few scans
    /// run at once, and one that takes longer than [`StoreOptions::scan_time`] is given up.
    ///
    /// # Errors
    /// What the unit answered, or [`StoreError::Unavailable`], also when it took too long. A unit that writes fails.
    pub async fn scan<T, U>(&self, unit: U) -> Result<T, StoreError>
    where
        T: Send + 'static,
        U: FnMut(&mut dyn Transaction) -> Result<T, StoreError> + Send + 'static,
    {
        ask(&self.shared.scans, Lane::Interactive, over_ports(unit)).await
    }

    /// Forgets up to `most` of the answers to idempotency keys that were kept before this moment, oldest first, in a
    /// unit of bulk work. Answers how many: fewer than `most` when none is left.
    ///
    /// # Errors
    /// As [`Store::write`].
    pub async fn forget_answers(&self, before: Instant, most: u32) -> Result<u64, StoreError> {
        let forget = move |session: &mut Session| forget_answers(session, before, most);
        ask(&self.shared.writes, Lane::Bulk, forget).await
    }

    /// Whether there is room for what is to be kept. Asks the disk only while something was refused for want of it.
    ///
    /// Work that could not be finished without room is not begun before this is well: what is claimed on a full disk
    /// can neither be settled nor given back.
    ///
    /// # Errors
    /// [`StoreError::Full`] when there is none.
    pub async fn room(&self) -> Result<(), StoreError> {
        let room = &self.shared.state.room;
        if room.is_short() {
            // Every group of units looks for room first.
            ask(&self.shared.writes, Lane::Interactive, |_| Ok(())).await?;
        }
        if room.is_short() {
            return Err(full("there was no room at the last try"));
        }
        Ok(())
    }

    /// Since when the disk has been full; `None` while there is room, as far as is known.
    pub fn full_for(&self) -> Option<Duration> {
        self.shared.state.room.short_for()
    }

    /// Whether the database answers, and has room.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] when it does not answer, [`StoreError::Full`] when it is full.
    pub async fn ping(&self) -> Result<(), StoreError> {
        self.room().await?;
        self.read(|transaction| transaction.connection(ConnectionId(0)).map(drop))
            .await
    }

    /// Finishes what waits, then ends the threads. Units sent afterwards, also through other clones, are answered
    /// with [`StoreError::Unavailable`].
    pub async fn close(self) {
        self.shared.end();
        let threads =
            std::mem::take(&mut *self.shared.threads.lock().unwrap_or_else(PoisonError::into_inner));
        let joined = on_own_thread("store-close", move || {
            for thread in threads {
                if thread.join().is_err() {
                    tracing::error!("a thread of the store had panicked");
                }
            }
        })
        .await;
        if let Err(error) = joined {
            tracing::warn!(%error, "the store's threads end without being waited for");
        }
    }
}

impl std::fmt::Debug for Store {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("Store")
            .field("engine", &self.shared.engine)
            .finish_non_exhaustive()
    }
}

impl Shared {
    fn spawn(&self, name: String, work: impl FnOnce() + Send + 'static) -> Result<(), OpenError> {
        let thread = std::thread::Builder::new()
            .name(name)
            .spawn(work)
            .map_err(|error| OpenError::Thread {
                detail: error.to_string(),
            })?;
        self.threads
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(thread);
        Ok(())
    }

    fn end(&self) {
        self.writes.close();
        self.reads.close();
        self.scans.close();
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        self.end();
    }
}

/// A caller's unit, which sees the ports and nothing else.
fn over_ports<T>(
    mut unit: impl FnMut(&mut dyn Transaction) -> Result<T, StoreError>,
) -> impl FnMut(&mut Session) -> Result<T, StoreError> {
    move |session| unit(session)
}

async fn ask<T, U>(queue: &Queue, lane: Lane, unit: U) -> Result<T, StoreError>
where
    T: Send + 'static,
    U: FnMut(&mut Session) -> Result<T, StoreError> + Send + 'static,
{
    let (waiting, answered) = Waiting::new(lane, unit);
    queue.send(waiting).await?;
    answered
        .await
        .unwrap_or_else(|_| Err(unavailable("the store's thread ended before it answered")))
}

/// Runs blocking work on a thread of its own: database connections do not mix with the caller's runtime.
async fn on_own_thread<T: Send + 'static>(
    name: &str,
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, OpenError> {
    let (done, result) = tokio::sync::oneshot::channel();
    std::thread::Builder::new()
        .name(name.to_owned())
        .spawn(move || drop(done.send(work())))
        .map_err(|error| OpenError::Thread {
            detail: error.to_string(),
        })?;
    result.await.map_err(|_closed| OpenError::Thread {
        detail: format!("{name} panicked"),
    })
}
