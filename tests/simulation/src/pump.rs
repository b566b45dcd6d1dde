//! The package's pump: re-reads what triggers wrote down, as it is now, and posts it until it is taken.

use std::collections::BTreeMap;

use causeway_core::decide::MergedInto;
use causeway_core::id::SalesforceId;
use causeway_core::ports::inbox::{ChangeKind, ReceivedChange};
use causeway_core::version::SalesforceVersion;
use chrono::TimeDelta;

use crate::network::Fate;
use crate::org::capture::Capture;
use crate::org::read::record;
use crate::org::schema::EXTERNAL_ID;
use crate::world::{Broken, Message, World};

/// Captures in one post.
const MOST: usize = 5;

impl World {
    /// Posts what was captured first. Lost posts are made again, from what is in the org then.
    ///
    /// # Errors
    /// What the gateway broke.
    pub fn pump(&mut self) -> Result<bool, Broken> {
        let count = self.org.captured.len().min(MOST);
        if count == 0 {
            return Ok(false);
        }
        let captures: Vec<Capture> = self.org.captured.iter().take(count).cloned().collect();
        let changes = self.reread(&captures);
        self.serial += 1;
        let push = Message::Push {
            key: format!("push-{}", self.serial),
            changes,
        };
        let latest = TimeDelta::minutes(20);
        let fate = self.fate("push", latest);
        let taken = match fate {
            Fate::Delivered => self.deliver(push)?,
            Fate::Lost => false,
            Fate::Cut => {
                self.deliver(push)?;
                false
            }
            Fate::Late(later) => {
                self.under_way.send(self.now + later, push);
                false
            }
            Fate::Repeated(later) => {
                self.under_way.send(self.now + later, push.clone());
                self.deliver(push)?
            }
        };
        if taken {
            self.org.captured.drain(..count);
        }
        Ok(taken)
    }

    fn reread(&self, captures: &[Capture]) -> Vec<ReceivedChange> {
        let mut last: BTreeMap<SalesforceId, Capture> = BTreeMap::new();
        for capture in captures {
            let mut capture = capture.clone();
            if let Some(earlier) = last.get(&capture.id).filter(|_| capture.deleted.is_none()) {
                for (field, at) in &earlier.changed {
                    capture.changed.entry(field).or_insert(*at);
                }
            }
            last.insert(capture.id, capture);
        }
        last.values().filter_map(|capture| self.change(capture)).collect()
    }

    fn change(&self, capture: &Capture) -> Option<ReceivedChange> {
        let plan = self.setting.plan(capture.object)?;
        let observed = self.org.stamp();
        if let Some(seen) = capture.deleted {
            return Some(ReceivedChange {
                object: capture.object.name().to_owned(),
                salesforce_id: capture.id,
                kind: ChangeKind::Delete,
                version: SalesforceVersion {
                    modstamp: seen.stamp,
                    observed,
                },
                fields: "{}".to_owned(),
                changed: BTreeMap::new(),
                merged: match (self.setting.tells_master, seen.master) {
                    (false, _) => MergedInto::Unknown,
                    (true, None) => MergedInto::Nothing,
                    (true, Some(master)) => MergedInto::Record(master),
                },
                source: "pump".to_owned(),
            });
        }
        // What is gone by now has a capture of its own.
        let row = self.org.row(capture.id).filter(|row| row.is_live())?;
        let mut fields = plan.salesforce_fields();
        fields.retain(|field| *field != EXTERNAL_ID || self.setting.tells_external_id);
        let changed = capture
            .changed
            .iter()
            .map(|(field, at)| ((*field).to_owned(), *at));
        Some(ReceivedChange {
            object: capture.object.name().to_owned(),
            salesforce_id: capture.id,
            kind: ChangeKind::Upsert,
            version: SalesforceVersion {
                modstamp: row.stamp,
                observed,
            },
            fields: serde_json::Value::Object(record(row, &fields)).to_string(),
            changed: if self.setting.tells_times {
                changed.collect()
            } else {
                BTreeMap::new()
            },
            merged: MergedInto::Unknown,
            source: "pump".to_owned(),
        })
    }
}
