//! The owner ladder: mapped user, else the default owner.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::id::SalesforceId;

/// Which partner user stands for which Salesforce user. Only active partner users are in it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct OwnerDirectory {
    /// Partner user id by Salesforce user id.
    pub partner_by_salesforce: BTreeMap<SalesforceId, String>,
}

/// The owner that the ladder found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResolvedOwner {
    /// Partner user id.
    pub partner: String,
    /// How it was found.
    pub rung: OwnerRung,
}

/// The rung of the ladder that gave the owner.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum OwnerRung {
    /// The Salesforce owner's own partner user.
    Mapped,
    /// The default owner, since the Salesforce owner has no active partner user.
    Default,
}

impl OwnerDirectory {
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
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(text: &str) -> SalesforceId {
        SalesforceId::parse(text).unwrap()
    }

    fn directory() -> OwnerDirectory {
        OwnerDirectory {
            partner_by_salesforce: BTreeMap::from([
                (id("005000000000001"), "u-1".to_owned()),
                (id("005000000000002"), "u-2".to_owned()),
            ]),
        }
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
        let mut directory = directory();
        let queue = id("00G000000000001");
        assert_eq!(
            directory.partner_owner(Some(queue), "u-default").rung,
            OwnerRung::Default
        );
        directory.partner_by_salesforce.insert(queue, "team".to_owned());
        assert_eq!(directory.partner_owner(Some(queue), "u-default").partner, "team");
    }
}
