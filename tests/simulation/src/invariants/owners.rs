//! At rest: owners stand for each other, or a default owner stands in for one who has no counterpart.

use causeway_core::decide::{LinkStatus, Presence};
use causeway_core::id::SalesforceId;

use crate::org::{USERS, id};
use crate::setting::SALESFORCE_USERS;
use crate::world::{Broken, World};

impl World {
    /// Checks the owners of every linked pair.
    ///
    /// # Errors
    /// The first that does not fit.
    pub fn check_owners(&mut self) -> Result<(), Broken> {
        let mut met = Vec::new();
        for linked in self.store.all_links(self.connection) {
            let (LinkStatus::Linked, Some(record)) = (&linked.link.status, &linked.record) else {
                continue;
            };
            let row = linked.link.salesforce_id.and_then(|id| self.org.row(id));
            let Some(row) = row.filter(|row| row.is_live() && record.presence == Presence::Live) else {
                continue;
            };
            if linked.link.outgoing.pending {
                continue;
            }
            let plan = self.plan_of(&linked)?;
            let kept = plan.keep_owner_on_update;
            let counterpart = partner_of(row.owner);
            let fits = match counterpart {
                Some(partner) => partner == record.owner,
                None => kept || record.owner == plan.default_owner,
            };
            let stands_in = salesforce_of(&record.owner).is_none() && (kept || row.owner == id(USERS[2]));
            if !fits && !stands_in {
                return Err(Broken::new(format!(
                    "the owners differ; {:?}, {:?}, keep {kept}, {}",
                    plan.owner_rule,
                    plan.direction,
                    self.describe(&linked)
                )));
            }
            met.push(if counterpart.is_some() {
                "owner mapped"
            } else {
                "owner without counterpart"
            });
        }
        for name in met {
            self.met.met(name);
        }
        Ok(())
    }
}

fn partner_of(owner: SalesforceId) -> Option<&'static str> {
    let mut users = SALESFORCE_USERS.iter();
    users
        .find(|(_, user)| id(user) == owner)
        .map(|(partner, _)| *partner)
}

fn salesforce_of(partner: &str) -> Option<&'static str> {
    let mut users = SALESFORCE_USERS.iter();
    users.find(|(known, _)| *known == partner).map(|(_, user)| *user)
}
