//! Letting the world come to rest, and what holds then.

use causeway_core::decide::LinkStatus;
use causeway_core::ports::links::Linked;
use causeway_core::ports::runs::RunKind;
use causeway_core::record::FieldValue;
use chrono::TimeDelta;

use crate::world::{Broken, World};

/// Rounds that a world may take to come to rest.
const ROUNDS: u32 = 6_000;
/// Full syncs after which nothing may move any more.
const MOST_ROUNDS: u32 = 3;

impl World {
    /// Ends all faults, lets everything drain, and checks what holds at rest.
    ///
    /// # Errors
    /// What does not hold.
    pub fn come_to_rest(&mut self) -> Result<(), Broken> {
        self.faults_on = false;
        // A small budget would make rest a matter of weeks.
        self.setting.cap = self.setting.cap.max(10_000);
        self.drain()?;
        let mut rounds = 0;
        while let Some(moved) = self.full_round()? {
            rounds += 1;
            if rounds > MOST_ROUNDS {
                return Err(Broken::new(format!("after {rounds} full syncs still {moved}")));
            }
        }
        self.met.met(&format!("at rest after {rounds} full syncs"));
        self.note_links();
        self.check_steady()?;
        self.check_presence()?;
        self.check_owners()?;
        self.check_fields()?;
        self.check_idle()
    }

    /// Workers that have nothing to do call nobody, for a day.
    fn check_idle(&mut self) -> Result<(), Broken> {
        let (connection, now) = (self.connection, self.now);
        let calls = |world: &World| world.org.calls_made;
        let before = calls(self);
        for _ in 0..24 {
            self.pass(TimeDelta::hours(1))?;
            for worker in 0..self.workers.len() {
                self.work(worker)?;
            }
        }
        let made = calls(self) - before;
        if made > 0 {
            return Err(Broken::new(format!(
                "{made} calls were made on a day on which nothing happened"
            )));
        }
        let spent = self.unit("calls spent", |tx| {
            tx.calls_spent(connection, now + TimeDelta::hours(50))
        })?;
        if spent > 0 {
            return Err(Broken::new(format!(
                "{spent} calls count although a day has passed"
            )));
        }
        Ok(())
    }

    /// Syncs everything, and tells what that moved on either side.
    fn full_round(&mut self) -> Result<Option<String>, Broken> {
        let connection = self.connection;
        let saves = self.gateway_saves();
        let before = self.unit("newest position", |tx| tx.newest_position(connection))?;
        self.sync(RunKind::Instant)?;
        self.sync(RunKind::Reconcile)?;
        self.drain()?;
        let wrote = self.gateway_saves() - saves;
        let after = self.unit("newest position", |tx| tx.newest_position(connection))?;
        let moved =
            || format!("{wrote} values were written to Salesforce, the feed moved from {before} to {after}");
        Ok((wrote > 0 || after != before).then(moved))
    }

    /// Runs a sync to its end.
    fn sync(&mut self, kind: RunKind) -> Result<(), Broken> {
        self.start_run(kind)?;
        self.drain()
    }

    /// Lets everybody work until nothing is left to do.
    fn drain(&mut self) -> Result<(), Broken> {
        let mut idle = 0i64;
        for _ in 0..ROUNDS {
            let mut busy = false;
            let calls = self.org.calls_made;
            let mut posted = false;
            for _ in 0..200 {
                if !self.pump()? {
                    break;
                }
                posted = true;
                busy = true;
            }
            for worker in 0..self.workers.len() {
                for _ in 0..200 {
                    if !self.work(worker)? {
                        break;
                    }
                    busy = true;
                    self.check_steady()?;
                }
            }
            self.read_feed()?;
            if !busy && self.is_quiet()? {
                return Ok(());
            }
            // The longer nothing happens, the longer the wait: for retries first, for hours of budget at last. Records
            // that wait for one whose turn comes only then are looked at all the time, and nothing happens by that.
            let happened = posted || self.org.calls_made != calls;
            idle = if happened { 0 } else { idle + 1 };
            let seconds = match idle {
                0..=2 => 1,
                3..=20 => 20,
                21..=60 => 300,
                _ => 3600,
            };
            self.pass(TimeDelta::seconds(seconds))?;
        }
        let waiting = self.waiting()?;
        let links = self.store.all_links(self.connection);
        let heads = self.store.outgoing_heads(self.connection);
        let links: Vec<String> = links
            .iter()
            .filter(|linked| heads.contains(&linked.link.id))
            .map(|linked| self.describe(linked))
            .collect();
        Err(Broken::new(format!(
            "the world does not come to rest: {waiting}; {}",
            links.join("\n")
        )))
    }

    fn is_quiet(&mut self) -> Result<bool, Broken> {
        Ok(self.waiting()?.is_empty())
    }

    /// What is still to be done, in words.
    fn waiting(&mut self) -> Result<String, Broken> {
        let connection = self.connection;
        let (inbox, outbox, runs) = self.unit("backlog", |tx| {
            Ok((
                tx.backlog(connection)?.changes,
                tx.outgoing_backlog(connection)?.links,
                tx.unfinished_runs()?.len(),
            ))
        })?;
        let mut waiting = Vec::new();
        let mut note = |what: &str, count: u64| {
            if count > 0 {
                waiting.push(format!("{count} {what}"));
            }
        };
        note("in the inbox", inbox);
        let links = self.store.all_links(connection);
        let waits = self.store.outgoing_heads(connection).into_iter().filter(|head| {
            let head = links.iter().find(|linked| linked.link.id == *head);
            head.is_some_and(|linked| waits_for_a_person(linked, &links, 4))
        });
        let waits = u64::try_from(waits.count()).unwrap_or(0);
        note("in the outbox", outbox.saturating_sub(waits));
        note("runs", u64::try_from(runs).unwrap_or(1));
        note("captured", u64::try_from(self.org.captured.len()).unwrap_or(1));
        note("under way", u64::from(!self.under_way.is_empty()));
        note("in the org", u64::from(self.org.is_busy()));
        note(
            "at work",
            u64::from(!self.workers.iter().all(|worker| worker.is_idle())),
        );
        Ok(waiting.join(", "))
    }
}

/// Whether a link rightly waits: it points to a record that a person has to see to before it can be made.
pub(super) fn waits_for_a_person(linked: &Linked, links: &[Linked], deep: u8) -> bool {
    let Some(record) = linked.record.as_ref().filter(|_| deep > 0) else {
        return false;
    };
    record.fields.values().any(|value| match value {
        FieldValue::Record(record) => links
            .iter()
            .filter(|other| other.link.record == Some(*record) && other.link.salesforce_id.is_none())
            .any(|other| {
                matches!(other.link.status, LinkStatus::Held { .. })
                    || waits_for_a_person(other, links, deep - 1)
            }),
        _ => false,
    })
}
