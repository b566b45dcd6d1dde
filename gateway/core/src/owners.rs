//! The owner ladder: mapped user, else the default owner.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::id::SalesforceId;

/// Which partner user stands for which Salesforce user. Only active partner users are in it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct OwnerDirectory {
    partner_by_salesforce: BTreeMap<SalesforceId, String>,
    salesforce_by_partner: BTreeMap<String, SalesforceId>,
}

/// The partner's owner that the ladder found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResolvedOwner {
    /// Partner user id.
    pub partner: String,
    /// How it was found.
    pub rung: OwnerRung,
}

/// The owner in Salesforce that the ladder found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SalesforceOwner {
    /// The user, or queue.
    pub id: SalesforceId,
    /// How it was found.
    pub rung: OwnerRung,
}

/// The rung of the ladder that gave the owner.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum OwnerRung {
    /// The owner's own user on the other side.
    Mapped,
    /// The default owner, since the owner has no active user on the other side.
    Default,
}

impl OwnerDirectory {
    /// The directory of (Salesforce user, partner user) pairs. Where several Salesforce users have one partner user,
    /// the one with the smallest id stands for it in Salesforce. Of two pairs of one Salesforce user the last counts.
    pub fn new(pairs: impl IntoIterator<Item = (SalesforceId, String)>) -> Self {
        let partner_by_salesforce: BTreeMap<SalesforceId, String> = pairs.into_iter().collect();
        let mut salesforce_by_partner = BTreeMap::new();
        for (salesforce, partner) in &partner_by_salesforce {
            salesforce_by_partner
                .entry(partner.clone())
                .or_insert(*salesforce);
        }
        OwnerDirectory {
            partner_by_salesforce,
            salesforce_by_partner,
        }
    }

    /// Climbs the ladder for a record from Salesforce.
    pub fn partner_owner(
        &self,
        salesforce_owner: Option<SalesforceId>,
        default_owner: &str,
    ) -> ResolvedOwner {
        match salesforce_owner.and_then(|owner| self.partner_by_salesforce.get(&owner)) {
            Some(partner) => ResolvedOwner {
                partner: partner.clone(),
                rung: OwnerRung::Mapped,
            },
            None => ResolvedOwner {
                partner: default_owner.to_owned(),
                rung: OwnerRung::Default,
            },
        }
    }

    /// Climbs the ladder for a record from the partner. None: the owner has no Salesforce user, and there is no
    /// default owner.
    pub fn salesforce_owner(
        &self,
        partner_owner: &str,
        default: Option<SalesforceId>,
    ) -> Option<SalesforceOwner> {
        let (id, rung) = match self.salesforce_by_partner.get(partner_owner) {
            Some(id) => (*id, OwnerRung::Mapped),
            None => (default?, OwnerRung::Default),
        };
        Some(SalesforceOwner { id, rung })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(text: &str) -> SalesforceId {
        SalesforceId::parse(text).unwrap()
    }

    fn directory() -> OwnerDirectory {
        OwnerDirectory::new([
            (id("005000000000002"), "u-2".to_owned()),
            (id("005000000000001"), "u-1".to_owned()),
            (id("005000000000003"), "u-1".to_owned()),
        ])
    }

    #[test]
    fn a_mapped_owner_gets_the_own_partner_user() {
        for (salesforce, partner) in [("005000000000001", "u-1"), ("005000000000002", "u-2")] {
            assert_eq!(
                directory().partner_owner(Some(id(salesforce)), "u-default"),
                ResolvedOwner {
                    partner: partner.to_owned(),
                    rung: OwnerRung::Mapped
                }
            );
        }
    }

    #[test]
    fn an_owner_without_partner_user_and_no_owner_fall_to_the_default() {
        for owner in [Some(id("005000000000009")), None] {
            assert_eq!(
                directory().partner_owner(owner, "u-default"),
                ResolvedOwner {
                    partner: "u-default".to_owned(),
                    rung: OwnerRung::Default
                }
            );
        }
    }

    #[test]
    fn an_owner_mapped_to_the_default_user_counts_as_mapped() {
        let resolved = directory().partner_owner(Some(id("005000000000001")), "u-1");
        assert_eq!(resolved.rung, OwnerRung::Mapped);
    }

    #[test]
    fn a_queue_is_an_owner_like_any_other() {
        let queue = id("00G000000000001");
        assert_eq!(
            directory().partner_owner(Some(queue), "u-default").rung,
            OwnerRung::Default
        );
        let with_queue = OwnerDirectory::new([(queue, "team".to_owned())]);
        assert_eq!(with_queue.partner_owner(Some(queue), "u-default").partner, "team");
    }

    #[test]
    fn a_partner_user_owns_in_salesforce_as_the_user_with_the_smallest_id() {
        let default = id("005000000000009");
        for (partner, salesforce, rung) in [
            ("u-1", "005000000000001", OwnerRung::Mapped),
            ("u-2", "005000000000002", OwnerRung::Mapped),
            ("u-3", "005000000000009", OwnerRung::Default),
        ] {
            assert_eq!(
                directory().salesforce_owner(partner, Some(default)),
                Some(SalesforceOwner {
                    id: id(salesforce),
                    rung
                })
            );
        }
        assert_eq!(directory().salesforce_owner("u-3", None), None);
    }
}
