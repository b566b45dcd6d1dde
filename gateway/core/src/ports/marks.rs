//! Which linked Salesforce records were given the partner record's id.

use serde::{Deserialize, Serialize};

use crate::Instant;
use crate::decide::{LinkState, LinkStatus};
use crate::id::{ConnectionId, LinkId, MappingId, RecordId, SalesforceId};
use crate::mapping::MappingPlan;
use crate::ports::StoreError;

/// Marking of linked records.
pub trait Marks {
    /// How far a mapping's records are marked in this field.
    fn marking(
        &mut self,
        connection: ConnectionId,
        mapping: MappingId,
        field: &str,
    ) -> Result<Marking, StoreError>;

    /// Writes how far a mapping's records are marked. A lower number than is known changes the refusal alone.
    fn put_marking(
        &mut self,
        connection: ConnectionId,
        mapping: MappingId,
        field: &str,
        marking: &Marking,
    ) -> Result<(), StoreError>;

    /// Links of a mapping beyond `after` that have a live Salesforce record and a partner record, by number, at most
    /// `limit`. A link that is made after this was read has a greater number than [`Unmarked::up_to`] says.
    fn unmarked(
        &mut self,
        connection: ConnectionId,
        mapping: MappingId,
        after: LinkId,
        limit: u32,
    ) -> Result<Unmarked, StoreError>;
}

/// How far a mapping's records are marked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Marking {
    /// Every link up to this number was looked at.
    pub up_to: LinkId,
    /// What keeps the gateway from marking any.
    pub refused: Option<MarkingRefused>,
}

impl Marking {
    /// Nothing was looked at yet.
    pub const NONE: Marking = Marking {
        up_to: LinkId(0),
        refused: None,
    };
}

/// Salesforce refuses to mark any record of a mapping.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MarkingRefused {
    /// Since when.
    pub since: Instant,
    /// When it was last tried.
    pub at: Instant,
    /// Salesforce's words, and what to do about it.
    pub message: String,
}

/// Links that may have to be marked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unmarked {
    /// The links, by number.
    pub links: Vec<MarkLink>,
    /// The number up to which every link was looked at.
    pub up_to: LinkId,
}

/// A link whose Salesforce record is to carry the partner record's id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MarkLink {
    /// The link.
    pub link: LinkId,
    /// Its Salesforce record.
    pub salesforce_id: SalesforceId,
    /// Its partner record.
    pub record: RecordId,
    /// Which generation of it.
    pub generation: u32,
    /// SystemModstamp of the newest reading that was decided on.
    pub modstamp: Instant,
}

/// What is to be done about a record, by what its field holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mark {
    /// It carries its id.
    Carried,
    /// It is to be given it.
    Give,
    /// It carries what is not the gateway's to replace.
    Others,
}

impl MarkLink {
    /// What is to be marked of a link. None where it has no live Salesforce record or no partner record, or where a
    /// write of unknown outcome is told by who changed the record last.
    pub fn of(link: &LinkState) -> Option<MarkLink> {
        let lives = matches!(link.status, LinkStatus::Linked | LinkStatus::Held { .. });
        if !lives || link.outgoing.in_flight.is_some() {
            return None;
        }
        Some(MarkLink {
            link: link.id,
            salesforce_id: link.salesforce_id?,
            record: link.record?,
            generation: link.outgoing.generation,
            modstamp: link.version.modstamp,
        })
    }

    /// The id that the record is to carry.
    pub fn external_id(&self, connection: ConnectionId) -> String {
        MappingPlan::external_id_of(connection, self.record, self.generation)
    }

    /// What is to be done where the field holds `held`. An id of another connection is of the org that this one was
    /// copied from; one of another record of this connection tells that two records were taken for one.
    pub fn mark(&self, connection: ConnectionId, held: Option<&str>) -> Mark {
        let Some(held) = held.filter(|held| !held.is_empty()) else {
            return Mark::Give;
        };
        if held == self.external_id(connection) {
            return Mark::Carried;
        }
        match MappingPlan::record_of_external_id(connection, held) {
            Some((record, _)) if record == self.record => Mark::Give,
            Some(_) => Mark::Others,
            None if MappingPlan::is_external_id(held) => Mark::Give,
            None => Mark::Others,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decide::HeldReason;
    use crate::units::sample::{linked, sf};

    const HERE: ConnectionId = ConnectionId(3);

    #[test]
    fn a_record_is_given_its_id_unless_the_field_holds_what_is_anothers() {
        let link = MarkLink {
            link: LinkId(9),
            salesforce_id: sf(1),
            record: RecordId(5),
            generation: 1,
            modstamp: Instant::UNIX_EPOCH,
        };
        assert_eq!(link.external_id(HERE), "cw-3-5-1");
        for (held, expected) in [
            (None, Mark::Give),
            (Some(""), Mark::Give),
            (Some("cw-3-5-1"), Mark::Carried),
            (Some("cw-3-5"), Mark::Give),
            (Some("cw-2-77"), Mark::Give),
            (Some("cw-3-6"), Mark::Others),
            (Some("LEGACY-5"), Mark::Others),
            (Some("cw-2-x"), Mark::Others),
            (Some("CW-3-5-1"), Mark::Others),
        ] {
            assert_eq!(link.mark(HERE, held), expected, "{held:?}");
        }
    }

    #[test]
    fn only_links_of_both_sides_without_a_write_under_way_are_marked() {
        let live = linked(1, Some(sf(1)), "a@x.org").link;
        assert_eq!(MarkLink::of(&live).map(|link| link.salesforce_id), Some(sf(1)));
        let held = LinkState {
            status: LinkStatus::Held {
                reason: HeldReason::Flipping { turns: 9 },
            },
            ..live.clone()
        };
        assert!(MarkLink::of(&held).is_some());
        for status in [LinkStatus::Creating, LinkStatus::Deleted, LinkStatus::Unlinked] {
            let ended = LinkState {
                status,
                ..live.clone()
            };
            assert_eq!(MarkLink::of(&ended), None);
        }
        let without_record = LinkState { record: None, ..live };
        assert_eq!(MarkLink::of(&without_record), None);
    }
}
