//! Calls to the org: paid from the budget, under the network's faults.

use std::sync::Arc;

use causeway_core::Instant;
use causeway_core::budget::{cap, usable};
use causeway_core::decide::Incoming;
use causeway_core::id::SalesforceId;
use causeway_core::mapping::MappingPlan;
use causeway_core::mapping::reading::Reader;
use causeway_core::ports::Lane;
use chrono::TimeDelta;

use crate::gateway::{REQUEST, unreadable};
use crate::network::Fate;
use crate::org::ingest::{Done, Work};
use crate::org::read::Record;
use crate::org::schema::Object;
use crate::org::{GATEWAY_USER, Org, id};
use crate::world::{Broken, Message, World};

/// What became of a call that may have written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wrote<T> {
    /// The answer.
    Answer(T),
    /// Nothing was sent, or nothing of it was taken.
    NotSent,
    /// No answer; it may have taken effect, or may yet.
    Unknown,
}

/// Records read by id.
#[derive(Debug, Default)]
pub struct ById {
    /// Those that are shown, or lie in the bin.
    pub news: Vec<Incoming>,
    /// Those that are neither.
    pub out_of_sight: Vec<SalesforceId>,
}

impl World {
    /// Pays for one call. False: the budget is used up.
    ///
    /// # Errors
    /// What broke.
    pub fn spend(&mut self, lane: Lane) -> Result<bool, Broken> {
        let (connection, now) = (self.connection, self.now);
        let most = usable(cap(Some(self.setting.cap), None), lane);
        let taken = self.unit("take calls", |tx| tx.take_calls(connection, 1, most, now))?;
        if taken == 0 {
            self.met.met("budget used up");
        }
        Ok(taken == 1)
    }

    /// When to try again what got no answer: in a while, or when there is budget again.
    ///
    /// # Errors
    /// What broke.
    pub fn retry_at(&mut self, lane: Lane) -> Result<Instant, Broken> {
        let (connection, now) = (self.connection, self.now);
        let most = usable(cap(Some(self.setting.cap), None), lane);
        let (spent, free_at) = self.unit("calls free", |tx| {
            Ok((
                tx.calls_spent(connection, now)?,
                tx.calls_free_at(connection, now)?,
            ))
        })?;
        let soon = now + TimeDelta::seconds(self.dice.between(1, 60));
        Ok(free_at.filter(|_| spent >= most).unwrap_or(soon))
    }

    /// A call that reads. None: no answer.
    ///
    /// # Errors
    /// What broke.
    pub fn read_call<T>(
        &mut self,
        lane: Lane,
        read: impl FnOnce(&mut Org) -> T,
    ) -> Result<Option<T>, Broken> {
        if !self.spend(lane)? {
            return Ok(None);
        }
        match self.fate("read", TimeDelta::seconds(REQUEST)) {
            Fate::Delivered | Fate::Repeated(_) if self.org.call() => Ok(Some(read(&mut self.org))),
            Fate::Cut => {
                self.org.call();
                Ok(None)
            }
            _ => Ok(None),
        }
    }

    /// A call that changes something at once, a job for example.
    ///
    /// # Errors
    /// What broke.
    pub fn change_call<T>(
        &mut self,
        lane: Lane,
        change: impl FnOnce(&mut Org) -> T,
    ) -> Result<Wrote<T>, Broken> {
        if !self.spend(lane)? {
            return Ok(Wrote::NotSent);
        }
        match self.fate("job call", TimeDelta::seconds(REQUEST)) {
            Fate::Delivered | Fate::Repeated(_) if self.org.call() => {
                Ok(Wrote::Answer(change(&mut self.org)))
            }
            Fate::Delivered | Fate::Repeated(_) => Ok(Wrote::NotSent),
            Fate::Cut => {
                if self.org.call() {
                    change(&mut self.org);
                }
                Ok(Wrote::Unknown)
            }
            Fate::Lost | Fate::Late(_) => Ok(Wrote::Unknown),
        }
    }

    /// A collections call. `Answer(None)`: it failed as a whole.
    ///
    /// # Errors
    /// What broke.
    pub fn write_call(
        &mut self,
        lane: Lane,
        object: Object,
        work: Vec<Work>,
    ) -> Result<Wrote<Option<Vec<Done>>>, Broken> {
        if !self.spend(lane)? {
            return Ok(Wrote::NotSent);
        }
        self.check_one_write(&work)?;
        let latest = TimeDelta::seconds(REQUEST + self.setting.unanswered);
        match self.fate("write", latest) {
            Fate::Repeated(_) if self.setting.unanswered > 0 && self.org.call() => {
                let done = self.org.collections_twice(object, &work);
                self.tell(|| format!("write, twice: {object:?} {work:?} -> {done:?}"));
                Ok(Wrote::Answer(done))
            }
            Fate::Delivered if self.org.call() => {
                let done = self.org.collections(object, &work);
                self.tell(|| format!("write {object:?} {work:?} -> {done:?}"));
                Ok(Wrote::Answer(done))
            }
            Fate::Delivered => Ok(Wrote::NotSent),
            Fate::Cut | Fate::Repeated(_) => {
                if self.org.call() {
                    let done = self.org.collections(object, &work);
                    self.tell(|| format!("write, cut: {object:?} {work:?} -> {done:?}"));
                }
                Ok(Wrote::Unknown)
            }
            Fate::Late(later) => {
                if later > TimeDelta::seconds(REQUEST) {
                    self.met.met("write late by minutes");
                }
                if self.org.call() {
                    self.tell(|| format!("write, late: {object:?} {work:?}"));
                    let message = Message::Write { object, work };
                    self.under_way.send(self.now + later, message);
                }
                Ok(Wrote::Unknown)
            }
            Fate::Lost => Ok(Wrote::Unknown),
        }
    }

    /// Reads records by id, those in the bin too. None: no answer.
    ///
    /// # Errors
    /// What broke.
    pub fn read_by_id(
        &mut self,
        lane: Lane,
        plan: &Arc<MappingPlan>,
        ids: &[SalesforceId],
    ) -> Result<Option<ById>, Broken> {
        let Some(object) = Object::named(&plan.salesforce_object) else {
            return Ok(None);
        };
        let fields = plan.salesforce_fields();
        let read = self.read_call(lane, |org| (org.retrieve(ids, &fields), org.date()))?;
        let Some((shown, date)) = read else {
            return Ok(None);
        };
        let reader = self.reader(plan);
        let mut found = ById::default();
        let mut missing = Vec::new();
        for (id, record) in ids.iter().zip(shown) {
            match record {
                Some(record) => found.news.push(read_record(&reader, &record, date)?),
                None => missing.push(*id),
            }
        }
        if missing.is_empty() {
            return Ok(Some(found));
        }
        let mut fields = fields;
        fields.extend(["IsDeleted", "MasterRecordId"]);
        let read = self.read_call(lane, |org| {
            let rows = org.query_all(object, &fields, usize::MAX, |row| missing.contains(&row.id));
            (rows, org.date())
        })?;
        let Some((rows, date)) = read else {
            return Ok(None);
        };
        let reader = self.reader(plan);
        let mut seen = Vec::new();
        for row in &rows {
            let incoming = read_record(&reader, row, date)?;
            seen.push(incoming.salesforce_id());
            found.news.push(incoming);
        }
        found
            .out_of_sight
            .extend(missing.into_iter().filter(|id| !seen.contains(id)));
        Ok(Some(found))
    }

    /// A reader for the gateway's own user.
    pub fn reader<'p>(&self, plan: &'p MappingPlan) -> Reader<'p> {
        Reader {
            plan,
            gateway_user: Some(id(GATEWAY_USER)),
        }
    }
}

/// Reads a record that the org answered.
pub fn read_record(
    reader: &Reader<'_>,
    record: &Record,
    date: causeway_core::Instant,
) -> Result<Incoming, Broken> {
    reader
        .record(record, date)
        .map_err(|failure| Broken::new(unreadable(&failure).to_string()))
}
