//! The inbox and its heads.

use std::sync::Arc;

use causeway_core::Instant;
use causeway_core::id::{ConnectionId, InboxId, SalesforceId};
use causeway_core::ports::inbox::{
    Backlog, Claim, IdempotencyKey, Pending, PendingChange, ReceivedChange, SavedAnswer,
};
use causeway_core::ports::{Inbox, Lane, StoreError};

use super::{Head, Memory, Space, answer_key, conflict, next};

impl Inbox for Memory {
    fn answered(&mut self, key: &IdempotencyKey) -> Result<Option<SavedAnswer>, StoreError> {
        Ok(self.tables.answers.get(&answer_key(key)).cloned())
    }

    fn save_answer(
        &mut self,
        key: &IdempotencyKey,
        answer: &SavedAnswer,
        _at: Instant,
    ) -> Result<(), StoreError> {
        let answers = Arc::make_mut(&mut self.tables.answers);
        match answers.insert(answer_key(key), answer.clone()) {
            Some(_) => Err(conflict("an idempotency key")),
            None => Ok(()),
        }
    }

    fn receive(
        &mut self,
        connection: ConnectionId,
        changes: &[ReceivedChange],
        lane: Lane,
        at: Instant,
    ) -> Result<Vec<InboxId>, StoreError> {
        let space = self.space_mut(connection)?;
        let mut ids = Vec::with_capacity(changes.len());
        for change in changes {
            let id = InboxId(next(&mut space.numbers.inbox));
            ids.push(id);
            let pending = PendingChange {
                connection,
                id,
                change: change.clone(),
                received_at: at,
            };
            Arc::make_mut(&mut space.inbox).insert(id, Arc::new(pending));
            Arc::make_mut(&mut space.heads)
                .entry((change.object.clone(), change.salesforce_id))
                .or_insert_with(|| Head::new(lane, at))
                .ready(lane, at);
        }
        Ok(ids)
    }

    fn claim(
        &mut self,
        worker: &str,
        limit: u32,
        now: Instant,
        lease_until: Instant,
    ) -> Result<Vec<Claim>, StoreError> {
        let mut ready: Vec<(Lane, Instant, ConnectionId, (String, SalesforceId))> = Vec::new();
        for (connection, space) in &self.tables.spaces {
            let heads = space.heads.iter().filter(|(_, head)| head.ready_at <= now);
            ready.extend(heads.map(|(key, head)| (head.lane, head.ready_at, *connection, key.clone())));
        }
        ready.sort();
        ready.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
        ready.sort_by(|a, b| (a.2, &a.3).cmp(&(b.2, &b.3)));
        let mut claims = Vec::with_capacity(ready.len());
        for (_, _, connection, key) in ready {
            let space = self.space_mut(connection)?;
            if let Some(head) = Arc::make_mut(&mut space.heads).get_mut(&key) {
                head.claim(worker, now, lease_until);
                claims.push(Claim {
                    connection,
                    object: key.0,
                    salesforce_id: key.1,
                    fence: head.fence,
                    attempts: head.attempts,
                    abandoned: head.abandoned,
                });
            }
        }
        Ok(claims)
    }

    fn pending(&mut self, claims: &[Claim], most_bytes: usize) -> Result<Pending, StoreError> {
        let mut found = Pending::default();
        let mut bytes = 0usize;
        for claim in claims {
            for change in waiting(self.space(claim.connection), claim) {
                bytes = bytes.saturating_add(change.change.fields.len());
                if bytes > most_bytes && !found.changes.is_empty() {
                    found.more = true;
                    return Ok(found);
                }
                found.changes.push(change);
            }
        }
        Ok(found)
    }

    fn settle(&mut self, settled: &[(Claim, InboxId)]) -> Result<Vec<Claim>, StoreError> {
        let mut held = Vec::new();
        for (claim, last) in settled {
            let all = waiting(self.space(claim.connection), claim);
            let space = self.space_mut(claim.connection)?;
            if !is_held(space, claim) {
                continue;
            }
            held.push(claim.clone());
            let inbox = Arc::make_mut(&mut space.inbox);
            for change in all.iter().filter(|change| change.id <= *last) {
                inbox.remove(&change.id);
            }
            let heads = Arc::make_mut(&mut space.heads);
            match all.iter().find(|change| change.id > *last) {
                None => {
                    heads.remove(&key(claim));
                }
                Some(newer) => {
                    if let Some(head) = heads.get_mut(&key(claim)) {
                        head.give_back(newer.received_at);
                        head.attempts = 0;
                        head.abandoned = 0;
                    }
                }
            }
        }
        Ok(held)
    }

    fn postpone(&mut self, claim: &Claim, ready_at: Instant) -> Result<(), StoreError> {
        let space = self.space_mut(claim.connection)?;
        if is_held(space, claim)
            && let Some(head) = Arc::make_mut(&mut space.heads).get_mut(&key(claim))
        {
            head.give_back(ready_at);
            head.attempts += 1;
            head.abandoned = 0;
        }
        Ok(())
    }

    fn give_back(&mut self, claims: &[Claim], now: Instant) -> Result<(), StoreError> {
        for claim in claims {
            let space = self.space_mut(claim.connection)?;
            if is_held(space, claim)
                && let Some(head) = Arc::make_mut(&mut space.heads).get_mut(&key(claim))
            {
                head.give_back(now);
            }
        }
        Ok(())
    }

    fn free_leases(&mut self) -> Result<u64, StoreError> {
        let mut freed = 0;
        for space in self.tables.spaces.values_mut() {
            let space = Arc::make_mut(space);
            let inbox = Arc::make_mut(&mut space.heads).values_mut();
            let outbox = Arc::make_mut(&mut space.outbox)
                .values_mut()
                .map(|head| &mut head.head);
            for head in inbox.chain(outbox).filter(|head| head.worker.is_some()) {
                head.free();
                freed += 1;
            }
        }
        Ok(freed)
    }

    fn backlog(&mut self, connection: ConnectionId) -> Result<Backlog, StoreError> {
        let Some(space) = self.space(connection) else {
            return Ok(Backlog::default());
        };
        Ok(Backlog {
            changes: u64::try_from(space.inbox.len()).unwrap_or(u64::MAX),
            oldest: space.inbox.values().next().map(|change| change.received_at),
        })
    }
}

fn key(claim: &Claim) -> (String, SalesforceId) {
    (claim.object.clone(), claim.salesforce_id)
}

fn is_held(space: &Space, claim: &Claim) -> bool {
    space
        .heads
        .get(&key(claim))
        .is_some_and(|head| head.is_held_under(claim.fence))
}

/// Changes of a head, oldest first.
fn waiting(space: Option<&Space>, claim: &Claim) -> Vec<PendingChange> {
    let Some(space) = space else {
        return Vec::new();
    };
    space
        .inbox
        .values()
        .filter(|pending| {
            pending.change.object == claim.object && pending.change.salesforce_id == claim.salesforce_id
        })
        .map(|pending| pending.as_ref().clone())
        .collect()
}
