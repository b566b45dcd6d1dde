//! A partner system: posts edits, deletes and undeletes, and learns its records from the answers and the feed.

use causeway_core::id::{Position, RecordId};
use causeway_core::ports::records::StoredRecord;
use causeway_core::units::partner_news::{PartnerPost, PostMode};
use chrono::TimeDelta;

use crate::network::Fate;
use crate::org::schema::Object;
use crate::world::{Broken, Message, World};

/// One request.
#[derive(Debug, Clone)]
pub struct Request {
    /// Idempotency key.
    pub key: Option<String>,
    /// Whose object.
    pub object: Object,
    /// Whether records may be made.
    pub mode: PostMode,
    /// What is posted.
    pub posts: Vec<PartnerPost>,
}

/// What the partner knows.
#[derive(Debug, Default)]
pub struct Partner {
    /// Records that it knows to live.
    pub known: Vec<(Object, RecordId)>,
    /// Records that it deleted, or saw deleted.
    pub deleted: Vec<(Object, RecordId)>,
    /// How far it has read the feed.
    pub position: Position0,
}

/// A feed position; the feed begins before the first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Position0(pub Position);

impl Default for Position0 {
    fn default() -> Self {
        Position0(Position(0))
    }
}

impl Partner {
    /// A record lives.
    pub fn learn(&mut self, object: Object, record: RecordId) {
        self.deleted.retain(|known| *known != (object, record));
        if !self.known.contains(&(object, record)) {
            self.known.push((object, record));
        }
    }

    /// A record is gone.
    pub fn forget(&mut self, object: Object, record: RecordId) {
        self.known.retain(|known| *known != (object, record));
        if !self.deleted.contains(&(object, record)) {
            self.deleted.push((object, record));
        }
    }
}

impl World {
    /// Posts a request, under the network's faults.
    ///
    /// # Errors
    /// What the gateway broke.
    pub fn post(&mut self, request: Request) -> Result<(), Broken> {
        let message = Message::Post(request);
        match self.fate("post", TimeDelta::minutes(30)) {
            Fate::Delivered => self.deliver(message).map(drop),
            Fate::Lost => Ok(()),
            Fate::Cut => self.deliver(message).map(drop),
            Fate::Late(later) => {
                self.under_way.send(self.now + later, message);
                Ok(())
            }
            Fate::Repeated(later) => {
                self.under_way.send(self.now + later, message.clone());
                self.deliver(message).map(drop)
            }
        }
    }

    /// Reads the feed to its end.
    ///
    /// # Errors
    /// A position that comes twice or too late.
    pub fn read_feed(&mut self) -> Result<(), Broken> {
        let connection = self.connection;
        let after = self.partner.position.0;
        let page: Vec<StoredRecord> = self.unit("feed", |tx| tx.feed(connection, None, after, 50))?;
        let mut last = after;
        for record in page {
            if record.position <= last {
                return Err(Broken::new(format!(
                    "the feed gave position {} after {last}",
                    record.position
                )));
            }
            last = record.position;
            let Some(object) = self.object_of(&record.object) else {
                continue;
            };
            match record.presence {
                causeway_core::decide::Presence::Live => self.partner.learn(object, record.id),
                _ => self.partner.forget(object, record.id),
            }
        }
        self.partner.position.0 = last;
        Ok(())
    }
}
