//! At rest: every record is where the policies say, and none is lost, doubled or back from the dead.

use std::collections::{BTreeMap, BTreeSet};

use causeway_core::decide::{HeldReason, LinkStatus, Presence};
use causeway_core::id::{RecordId, SalesforceId};
use causeway_core::mapping::{DeletePolicy, Direction, MappingPlan};
use causeway_core::ports::links::Linked;

use crate::invariants::rest::waits_for_a_person;
use crate::org::row::Row;
use crate::org::schema::OBJECTS;
use crate::world::{Broken, World};

impl World {
    /// Checks who is where.
    ///
    /// # Errors
    /// Who is not.
    pub fn check_presence(&self) -> Result<(), Broken> {
        let links = self.store.all_links(self.connection);
        let mut by_row: BTreeMap<SalesforceId, &Linked> = BTreeMap::new();
        let mut by_record: BTreeSet<RecordId> = BTreeSet::new();
        for linked in &links {
            if let Some(id) = linked.link.salesforce_id
                && by_row.insert(id, linked).is_some()
            {
                return Err(Broken::new(format!("{id} has two links")));
            }
            if let Some(record) = linked.link.record
                && !by_record.insert(record)
            {
                return Err(Broken::new(format!("record {record} has two links")));
            }
            if waits_for_a_person(linked, &links, 4) && linked.link.outgoing.in_flight.is_none() {
                continue;
            }
            self.check_link(linked)
                .map_err(|broken| Broken::new(format!("{}; {}", broken.what, self.describe(linked))))?;
        }
        for row in self.org.rows().filter(|row| row.is_live()) {
            self.check_row(row, by_row.get(&row.id).copied())?;
        }
        Ok(())
    }

    fn check_link(&self, linked: &Linked) -> Result<(), Broken> {
        let link = &linked.link;
        let plan = self.plan_of(linked)?;
        let presence = linked.record.as_ref().map(|record| record.presence);
        let row = link.salesforce_id.and_then(|id| self.org.row(id));
        let held = matches!(link.status, LinkStatus::Held { .. });
        if link.outgoing.in_flight.is_some() {
            return Err(Broken::new(format!(
                "link {} still has a write in flight",
                link.id
            )));
        }
        if link.outgoing.pending && !held {
            return Err(Broken::new(format!(
                "link {} still has something to write",
                link.id
            )));
        }
        match &link.status {
            LinkStatus::Creating => Err(Broken::new(format!("link {} was never made", link.id))),
            LinkStatus::Linked => {
                let row = row.ok_or_else(|| Broken::new(format!("link {} has no row", link.id)))?;
                if row.converted.is_some() {
                    return Err(Broken::new(format!("{} is converted, but linked", row.id)));
                }
                match row.gone {
                    Some(gone) if gone.erased => {}
                    Some(_) => return Err(Broken::new(format!("{} is deleted, but linked", row.id))),
                    None => {}
                }
                if presence != Some(Presence::Live) {
                    return Err(Broken::new(format!(
                        "{} is linked to a record {presence:?}",
                        row.id
                    )));
                }
                Ok(())
            }
            LinkStatus::Held { reason } => self.check_held(reason, row),
            LinkStatus::Deleted => {
                if row.is_some_and(Row::is_live) {
                    return Err(Broken::new(format!(
                        "{:?} lives, but its link is deleted",
                        link.salesforce_id
                    )));
                }
                let expected: &[Option<Presence>] = match plan.delete_policy {
                    _ if !plan.writes_partner() => return Ok(()),
                    DeletePolicy::Delete => &[None, Some(Presence::Deleted)],
                    DeletePolicy::Archive => &[None, Some(Presence::Archived), Some(Presence::Deleted)],
                    DeletePolicy::Unlink | DeletePolicy::Ask => return Ok(()),
                };
                if expected.contains(&presence) {
                    return Ok(());
                }
                Err(Broken::new(format!(
                    "the record of a deleted row is {presence:?}"
                )))
            }
            LinkStatus::Unlinked => match presence {
                Some(Presence::Live) if plan.delete_policy != DeletePolicy::Unlink => {
                    Err(Broken::new("an unlinked record lives"))
                }
                _ => Ok(()),
            },
            LinkStatus::Merged { into } => {
                let gone = row.and_then(|row| row.gone);
                if gone.is_none_or(|gone| gone.master != Some(*into) && !gone.erased) {
                    return Err(Broken::new(format!(
                        "{:?} was not merged into {into}",
                        link.salesforce_id
                    )));
                }
                if presence == Some(Presence::Live) {
                    return Err(Broken::new("the record of a merged row lives"));
                }
                Ok(())
            }
            LinkStatus::Converted { .. } => {
                if row.is_some_and(|row| row.converted.is_none()) {
                    return Err(Broken::new(
                        "a lead that was not converted is taken for converted",
                    ));
                }
                if presence == Some(Presence::Live) {
                    return Err(Broken::new("the record of a converted lead lives"));
                }
                Ok(())
            }
        }
    }

    fn check_held(&self, reason: &HeldReason, row: Option<&Row>) -> Result<(), Broken> {
        match reason {
            HeldReason::DeleteAsked => match row {
                Some(row) if row.is_live() => Err(Broken::new("a live row's delete waits for a person")),
                _ => Ok(()),
            },
            HeldReason::OutOfSight => match row {
                Some(row) if row.is_remembered() => Err(Broken::new("a row in sight is taken for hidden")),
                _ => Ok(()),
            },
            HeldReason::Conversion { .. }
            | HeldReason::PartnerDeleteAsked
            | HeldReason::Refused { .. }
            | HeldReason::Ambiguous { .. }
            | HeldReason::Flipping { .. }
            | HeldReason::OutcomeUnknown => Ok(()),
        }
    }

    /// No live row is unknown to the gateway.
    fn check_row(&self, row: &Row, linked: Option<&Linked>) -> Result<(), Broken> {
        let Some(plan) = self.setting.plan(row.object) else {
            return Ok(());
        };
        if linked.is_none() && plan.direction != Direction::PartnerToSalesforce && row.converted.is_none() {
            return Err(Broken::new(format!(
                "{} ({:?}, made by {:?}) never reached the partner",
                row.id, row.object, row.made_by
            )));
        }
        Ok(())
    }

    /// The plan of a link.
    pub(super) fn plan_of(&self, linked: &Linked) -> Result<&MappingPlan, Broken> {
        self.setting
            .plans
            .iter()
            .find(|plan| plan.mapping == linked.mapping)
            .ok_or_else(|| Broken::new("a link of a mapping that does not exist"))
    }

    /// A link with both of its sides, for a person.
    pub fn describe(&self, linked: &Linked) -> String {
        let row = linked.link.salesforce_id.and_then(|id| self.org.row(id));
        format!("link {:?}; record {:?}; row {row:?}", linked.link, linked.record)
    }

    /// Whether an object's records of this world are few enough to be looked at one by one.
    pub fn is_small(&self) -> bool {
        OBJECTS.iter().all(|object| self.org.live(*object).len() < 100)
    }
}
