//! The outbox: heads of links that may have something to write.

use std::sync::Arc;

use causeway_core::Instant;
use causeway_core::id::{ConnectionId, LinkId, MappingId};
use causeway_core::ports::outbox::{ClaimSize, OutgoingBacklog, OutgoingClaim, Turn};
use causeway_core::ports::{Lane, Outbox, StoreError};

use super::{Head, Memory, OutgoingHead, Space};

impl Outbox for Memory {
    fn claim_outgoing(
        &mut self,
        worker: &str,
        most: &ClaimSize,
        turn: &Turn<'_>,
        now: Instant,
        lease_until: Instant,
    ) -> Result<Vec<OutgoingClaim>, StoreError> {
        let mut ready: Vec<(Lane, Instant, ConnectionId, LinkId, MappingId)> = Vec::new();
        let spaces = self.tables.spaces.iter();
        for (connection, space) in spaces.filter(|(connection, _)| !turn.except.contains(connection)) {
            for (link, row) in space.outbox.iter().filter(|(_, row)| row.head.ready_at <= now) {
                ready.push((row.head.lane, row.head.ready_at, *connection, *link, row.mapping));
            }
        }
        ready.sort_by_key(|row| (row.0 != turn.first, *row));
        let Some((lane, _, connection, _, mapping)) = ready.first().copied() else {
            return Ok(Vec::new());
        };
        ready.retain(|row| (row.0, row.2, row.4) == (lane, connection, mapping));
        let size = |number: u32| usize::try_from(number).unwrap_or(usize::MAX);
        let take = if ready.len() >= size(most.bulk_from) {
            most.bulk
        } else {
            most.usual
        };
        ready.truncate(size(take));
        let space = self.space_mut(connection)?;
        let mut claims = Vec::with_capacity(ready.len());
        for (_, _, _, link, _) in ready {
            if let Some(row) = Arc::make_mut(&mut space.outbox).get_mut(&link) {
                row.head.claim(worker, now, lease_until);
                claims.push(OutgoingClaim {
                    connection,
                    link,
                    mapping,
                    lane: row.head.lane,
                    fence: row.head.fence,
                    attempts: row.head.attempts,
                    abandoned: row.head.abandoned,
                });
            }
        }
        claims.sort_by_key(|claim| claim.link);
        Ok(claims)
    }

    fn release_outgoing(&mut self, claims: &[OutgoingClaim]) -> Result<Vec<OutgoingClaim>, StoreError> {
        let mut held = Vec::new();
        for claim in claims {
            let space = self.space_mut(claim.connection)?;
            if is_held(space, claim) {
                Arc::make_mut(&mut space.outbox).remove(&claim.link);
                held.push(claim.clone());
            }
        }
        Ok(held)
    }

    fn postpone_outgoing(
        &mut self,
        claims: &[OutgoingClaim],
        ready_at: Instant,
        failed: bool,
    ) -> Result<(), StoreError> {
        for claim in claims {
            let space = self.space_mut(claim.connection)?;
            if is_held(space, claim)
                && let Some(row) = Arc::make_mut(&mut space.outbox).get_mut(&claim.link)
            {
                row.head.give_back(ready_at);
                row.head.attempts += u32::from(failed);
                row.head.abandoned = 0;
            }
        }
        Ok(())
    }

    fn extend_outgoing(
        &mut self,
        claims: &[OutgoingClaim],
        lease_until: Instant,
    ) -> Result<Vec<OutgoingClaim>, StoreError> {
        let mut held = Vec::new();
        for claim in claims {
            let space = self.space_mut(claim.connection)?;
            if is_held(space, claim)
                && let Some(row) = Arc::make_mut(&mut space.outbox).get_mut(&claim.link)
            {
                row.head.ready_at = lease_until;
                held.push(claim.clone());
            }
        }
        Ok(held)
    }

    fn ready_outgoing(
        &mut self,
        connection: ConnectionId,
        links: &[(LinkId, MappingId)],
        lane: Lane,
        at: Instant,
    ) -> Result<(), StoreError> {
        let space = self.space_mut(connection)?;
        for (link, mapping) in links {
            ready(space, *link, *mapping, lane, at);
        }
        Ok(())
    }

    fn outgoing_backlog(&mut self, connection: ConnectionId) -> Result<OutgoingBacklog, StoreError> {
        let Some(space) = self.space(connection) else {
            return Ok(OutgoingBacklog::default());
        };
        Ok(OutgoingBacklog {
            links: u64::try_from(space.outbox.len()).unwrap_or(u64::MAX),
            oldest: space.outbox.values().map(|row| row.head.ready_at).min(),
        })
    }
}

/// Makes a link's head ready.
pub(super) fn ready(space: &mut Space, link: LinkId, mapping: MappingId, lane: Lane, at: Instant) {
    let row = Arc::make_mut(&mut space.outbox)
        .entry(link)
        .or_insert_with(|| OutgoingHead {
            mapping,
            head: Head::new(lane, at),
        });
    row.head.ready(lane, at);
    if row.head.worker.is_none() {
        row.head.attempts = 0;
        row.head.abandoned = 0;
    }
}

fn is_held(space: &Space, claim: &OutgoingClaim) -> bool {
    space
        .outbox
        .get(&claim.link)
        .is_some_and(|row| row.head.is_held_under(claim.fence))
}
