//! How far linked Salesforce records were marked.

use std::sync::Arc;

use causeway_core::id::{ConnectionId, LinkId, MappingId};
use causeway_core::ports::marks::{MarkLink, Marking, Unmarked};
use causeway_core::ports::{Marks, StoreError};

use super::Memory;

impl Marks for Memory {
    fn marking(
        &mut self,
        connection: ConnectionId,
        mapping: MappingId,
        field: &str,
    ) -> Result<Marking, StoreError> {
        let key = (mapping, field.to_owned());
        let known = self.space(connection).and_then(|space| space.markings.get(&key));
        Ok(known.cloned().unwrap_or(Marking::NONE))
    }

    fn put_marking(
        &mut self,
        connection: ConnectionId,
        mapping: MappingId,
        field: &str,
        marking: &Marking,
    ) -> Result<(), StoreError> {
        let space = self.space_mut(connection)?;
        let known = Arc::make_mut(&mut space.markings)
            .entry((mapping, field.to_owned()))
            .or_insert(Marking::NONE);
        known.up_to = known.up_to.max(marking.up_to);
        known.refused.clone_from(&marking.refused);
        Ok(())
    }

    fn unmarked(
        &mut self,
        connection: ConnectionId,
        mapping: MappingId,
        after: LinkId,
        limit: u32,
    ) -> Result<Unmarked, StoreError> {
        let mut found = Unmarked {
            links: Vec::new(),
            up_to: after,
        };
        let Some(space) = self.space(connection) else {
            return Ok(found);
        };
        for row in space.links.values().filter(|row| row.state.id > after) {
            if u32::try_from(found.links.len()).is_ok_and(|links| links >= limit) {
                break;
            }
            found.up_to = row.state.id;
            let of_mapping = (row.mapping == mapping).then(|| MarkLink::of(&row.state));
            found.links.extend(of_mapping.flatten());
        }
        Ok(found)
    }
}
