//! The owner ladder: mapped user, else the default owner.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::id::SalesforceId;
use crate::ports::connections::PartnerUser;

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

/// Why a text names no user of the partner's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotAUser {
    /// No user has this id or e-mail address.
    #[error("the partner has no user with this id or e-mail address")]
    Unknown,
    /// The user is not active.
    #[error("this user of the partner is not active")]
    Inactive,
    /// Several active users have this e-mail address.
    #[error("several users of the partner have this e-mail address; enter the id of one")]
    Several,
}

/// The active user whom a person named by id or, in any case, by e-mail address. An id comes first.
///
/// # Errors
/// [`NotAUser`] in words for the person.
pub fn named<'u>(users: &'u [PartnerUser], typed: &str) -> Result<&'u PartnerUser, NotAUser> {
    let typed = typed.trim();
    let folded = typed.to_lowercase();
    let by_id: Vec<&PartnerUser> = users.iter().filter(|user| user.id == typed).collect();
    let meant = if by_id.is_empty() {
        users
            .iter()
            .filter(|user| user.email.trim().to_lowercase() == folded)
            .collect()
    } else {
        by_id
    };
    let mut active = meant.iter().filter(|user| user.active);
    match (active.next(), active.next()) {
        (Some(one), None) => Ok(*one),
        (Some(_), Some(_)) => Err(NotAUser::Several),
        (None, _) if meant.is_empty() => Err(NotAUser::Unknown),
        (None, _) => Err(NotAUser::Inactive),
    }
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
    fn a_user_is_named_by_id_or_address_and_only_an_active_one() {
        let user = |id: &str, email: &str, active: bool| PartnerUser {
            id: id.to_owned(),
            email: email.to_owned(),
            name: String::new(),
            active,
            salesforce_user: None,
        };
        let users = [
            user("u-1", "Ada@example.com", true),
            user("u-2", "bob@example.com", false),
            user("u-3", "both@example.com", true),
            user("u-4", "both@example.com", true),
            user("bob@example.com", "x@example.com", true),
            user("u-5", "former@example.com", false),
        ];
        for (typed, meant) in [
            ("u-1", Ok("u-1")),
            (" ada@EXAMPLE.com ", Ok("u-1")),
            ("bob@example.com", Ok("bob@example.com")),
            ("u-2", Err(NotAUser::Inactive)),
            ("former@example.com", Err(NotAUser::Inactive)),
            ("both@example.com", Err(NotAUser::Several)),
            ("U-1", Err(NotAUser::Unknown)),
            ("", Err(NotAUser::Unknown)),
        ] {
            assert_eq!(
                named(&users, typed).map(|user| user.id.as_str()),
                meant,
                "{typed:?}"
            );
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
