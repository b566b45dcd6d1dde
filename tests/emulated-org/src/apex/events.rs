//! Platform events on their way to the triggers of the organisation.
//!
//! Source: Platform Events Developer Guide, "Define Your Platform Event" (published after commit or immediately; what is
//! published immediately stays published when its transaction is rolled back), "Subscribe to Platform Event
//! Notifications with Apex Triggers" (up to 2,000 events at once, in the order of their publication, in a process of
//! their own, as the user Automated Process) and "Retry Event Triggers with EventBus.RetryableException".

use std::cell::Cell;
use std::collections::{BTreeSet, VecDeque};
use std::rc::Rc;
use std::sync::Arc;

use apex_runtime::Machine;
use apex_runtime::Value as Apex;
use apex_runtime::host::HostError;
use apex_runtime::run::EventDelivery;
use apex_runtime::run::frozen::Frozen;
use apex_runtime::run::trigger::TriggerEvent;
use apex_runtime::run::value::RecordObject;
use chrono::{DateTime, Utc};

use super::session::Session;
use crate::id::RecordId;
use crate::org::Org;
use crate::value::Value;

/// How many events triggers get at once.
const BATCH: usize = 2_000;
/// How often triggers that ask for it get the same events again; they stop for good when they ask once more.
const RETRIES: usize = 9;

/// An event that was published.
#[derive(Clone, Debug)]
pub(crate) struct Published {
    object: Arc<str>,
    record: Frozen,
    user: RecordId,
    at: DateTime<Utc>,
    uuid: String,
}

/// The events that wait, and those that are being delivered.
#[derive(Debug, Default)]
pub(crate) struct Events {
    waiting: VecDeque<Published>,
    delivering: bool,
    published: u64,
    /// Objects whose triggers have asked for a retry too often.
    stopped: BTreeSet<Arc<str>>,
}

impl Events {
    pub(super) fn is_empty(&self) -> bool {
        self.waiting.is_empty() && !self.delivering
    }

    /// Triggers that were stopped run again once they are saved.
    pub(super) fn start_again(&mut self) {
        self.stopped.clear();
    }

    /// The oldest event with those of its object that follow, and the replay id of the first.
    fn take(&mut self) -> Option<(Vec<Published>, u64)> {
        let object = Arc::clone(&self.waiting.front()?.object);
        let mut taken = Vec::new();
        let mut rest = VecDeque::new();
        for event in self.waiting.drain(..) {
            if event.object == object && taken.len() < BATCH {
                taken.push(event);
            } else {
                rest.push_back(event);
            }
        }
        self.waiting = rest;
        self.delivering = true;
        let first = self.published + 1;
        self.published += u64::try_from(taken.len()).unwrap_or(u64::MAX);
        Some((taken, first))
    }
}

impl Session<'_> {
    /// Takes an event that a program publishes: for later, or at once.
    pub(super) fn take_event(
        &self,
        machine: &Machine<'_>,
        event: &Rc<RecordObject>,
    ) -> Result<(), HostError> {
        let record = Frozen::of(machine, &Apex::Record(Rc::clone(event))).map_err(HostError::Interrupted)?;
        let (high, low) = (self.org.apex.random(), self.org.apex.random());
        let published = Published {
            object: Arc::clone(&event.object),
            record,
            user: self.user.get(),
            at: self.org.clock.now(),
            uuid: uuid_of(high, low),
        };
        let described = self.schema.object(&event.object);
        if described.and_then(|object| object.publishes_immediately) == Some(true) {
            self.at_once.borrow_mut().push(published);
        } else {
            self.after.borrow_mut().events.push(published);
        }
        Ok(())
    }
}

/// A version 4 UUID (RFC 9562).
pub(super) fn uuid_of(high: u64, low: u64) -> String {
    format!(
        "{:08x}-{:04x}-4{:03x}-{:04x}-{:012x}",
        high >> 32,
        (high >> 16) & 0xffff,
        high & 0xfff,
        (low >> 48) & 0x3fff | 0x8000,
        low & 0xffff_ffff_ffff
    )
}

impl Org {
    /// From now on these wait for their delivery.
    pub(super) fn add_events(&self, events: Vec<Published>) {
        if events.is_empty() {
            return;
        }
        self.apex.jobs.events(|waiting| waiting.waiting.extend(events));
        self.apex.jobs.bell.ring();
    }

    /// Delivers the oldest events; false if none wait.
    pub(super) fn deliver_next_events(&self) -> bool {
        let Some((events, first)) = self.apex.jobs.events(Events::take) else {
            return false;
        };
        self.deliver(&events, first);
        self.apex.jobs.events(|events| events.delivering = false);
        true
    }

    fn deliver(&self, events: &[Published], first: u64) {
        let (Some(event), Some(installed)) = (events.first(), self.apex.installed()) else {
            return;
        };
        let object = Arc::clone(&event.object);
        let program = &installed.program;
        let listened = !program
            .triggers_for(&object, TriggerEvent::AfterInsert.written())
            .is_empty();
        let stopped = self.apex.jobs.events(|events| events.stopped.contains(&object));
        if !listened || stopped {
            return;
        }
        let Some(user) = self.automated_process() else {
            return;
        };
        let mut delivery = EventDelivery::default();
        for _ in 0..=RETRIES {
            let asked = Cell::default();
            let (ended, _) = self.transact(&installed, user, |machine| {
                machine.delivery = delivery.clone();
                let records = (first..)
                    .zip(events)
                    .map(|(replay, event)| event.thaw(machine, replay));
                let records = records.collect::<Result<Vec<_>, _>>()?;
                machine
                    .fire(&object, TriggerEvent::AfterInsert, Some(&records), None)
                    .map_err(|failure| {
                        asked.set(machine.asks_for_retry(&failure.interrupt));
                        failure.interrupt
                    })
            });
            // What fails otherwise has lost its events: the guide gives them no second chance.
            let (Err(_), Some(words)) = (ended, asked.into_inner()) else {
                return;
            };
            delivery = EventDelivery {
                retries: delivery.retries + 1,
                last_error: Some(words),
            };
        }
        self.apex.jobs.events(|events| events.stopped.insert(object));
    }

    /// The user that event triggers run as. Salesforce has it from the start; here it comes with its first work.
    fn automated_process(&self) -> Option<RecordId> {
        let username = format!("autoproc@{}", self.id.as_str().to_lowercase());
        let known = {
            let data = self.read();
            let table = data.table("User")?;
            let (position, _) = table.object.field("Username")?;
            let mut rows = table.rows();
            rows.find(|row| row.get(position) == &Value::text(username.as_str()))
                .map(crate::data::Row::id)
        };
        known.or_else(|| {
            self.make_row(
                "User",
                &[
                    ("FirstName", Value::text("Automated")),
                    ("LastName", Value::text("Process")),
                    ("Username", Value::text(username.as_str())),
                    ("Email", Value::text("noreply@example.com")),
                    ("Alias", Value::text("autoproc")),
                    ("UserType", Value::text("AutomatedProcess")),
                    ("TimeZoneSidKey", Value::text("GMT")),
                    ("LocaleSidKey", Value::text("en_US")),
                    ("LanguageLocaleKey", Value::text("en_US")),
                    ("EmailEncodingKey", Value::text("UTF-8")),
                    ("IsActive", Value::Boolean(true)),
                ],
            )
        })
    }
}

impl Published {
    /// An event that comes from another system.
    pub(super) fn by(object: &str, record: Frozen, author: crate::data::Author, uuid: String) -> Self {
        Self {
            object: object.into(),
            record,
            user: author.user,
            at: author.now,
            uuid,
        }
    }

    /// The event as a trigger gets it.
    fn thaw(
        &self,
        machine: &mut Machine<'_>,
        replay: u64,
    ) -> Result<Rc<RecordObject>, apex_runtime::run::Interrupt> {
        let Apex::Record(record) = self.record.thaw(machine)? else {
            return Ok(Rc::new(RecordObject::new(Arc::clone(&self.object))));
        };
        {
            let mut fields = record.fields.borrow_mut();
            fields.insert("ReplayId".into(), Apex::String(replay.to_string().into()));
            fields.insert("EventUuid".into(), Apex::String(self.uuid.as_str().into()));
            fields.insert("CreatedDate".into(), Apex::Datetime(self.at.timestamp_millis()));
            fields.insert("CreatedById".into(), Apex::Id(self.user.as_str().into()));
        }
        Ok(record)
    }
}
