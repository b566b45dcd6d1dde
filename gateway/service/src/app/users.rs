//! Users of both sides, matched by e-mail address.

pub mod first;

use std::collections::BTreeMap;

use causeway_core::failure::Failure;
use causeway_core::id::{ConnectionId, SalesforceId};
use causeway_core::ports::connections::PartnerUser;
use causeway_core::ports::{Lane, StoreError};
use serde_json::Value;

use crate::app::App;
use crate::salesforce::Salesforce;
use crate::salesforce::rest::{JsonRecord, Seen};

const USERS: &str = "SELECT Id, Email, IsActive FROM User WHERE Email != null";

/// A Salesforce user, as far as matching needs it.
#[derive(Debug, Clone, PartialEq, Eq)]
struct SalesforceUser {
    id: SalesforceId,
    email: String,
    active: bool,
}

/// How matching ended.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Matched {
    /// Partner users who have a Salesforce user.
    pub matched: usize,
    /// E-mail addresses of partner users for whom there is none.
    pub without: Vec<String>,
    /// E-mail addresses that several active Salesforce users share, so that none was chosen.
    pub ambiguous: Vec<String>,
}

/// Why users could not be matched.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MatchError {
    /// Salesforce failed.
    #[error("the Salesforce users could not be read")]
    Salesforce(Failure),
    /// The store failed.
    #[error("the partner users could not be kept")]
    Store(#[from] StoreError),
}

/// Matches the partner's users with Salesforce's by e-mail address, whatever its case, and keeps the result. A
/// user who is matched already and still has the same address stays so.
///
/// # Errors
/// [`MatchError`]; nothing is kept then.
pub async fn match_users(
    app: &App,
    connection: ConnectionId,
    salesforce: &Salesforce,
) -> Result<Matched, MatchError> {
    let partner_users = app.store.read(move |tx| tx.partner_users(connection)).await?;
    if partner_users.is_empty() {
        return Ok(Matched::default());
    }
    let wanted: BTreeMap<String, ()> = partner_users
        .iter()
        .map(|user| (folded(&user.email), ()))
        .collect();
    let mut found = Vec::new();
    let mut pages = salesforce.query(USERS, Seen::Live);
    while let Some(page) = pages.next().await.map_err(MatchError::Salesforce)? {
        found.extend(
            page.iter()
                .filter_map(read_user)
                .filter(|user| wanted.contains_key(&user.email)),
        );
    }
    let (changed, matched) = pair(&partner_users, &found);
    if !changed.is_empty() {
        app.store
            .write(Lane::Interactive, move |tx| {
                tx.put_partner_users(connection, &changed)
            })
            .await?;
    }
    Ok(matched)
}

/// The partner users whose match changes, and how matching ended.
fn pair(partner_users: &[PartnerUser], found: &[SalesforceUser]) -> (Vec<PartnerUser>, Matched) {
    let mut by_email: BTreeMap<&str, Vec<&SalesforceUser>> = BTreeMap::new();
    for user in found {
        by_email.entry(&user.email).or_default().push(user);
    }
    let mut changed = Vec::new();
    let mut matched = Matched::default();
    for partner in partner_users {
        let candidates = by_email
            .get(folded(&partner.email).as_str())
            .map(Vec::as_slice)
            .unwrap_or_default();
        let chosen = match choose(candidates, partner.salesforce_user) {
            Choice::One(id) => {
                matched.matched += 1;
                Some(id)
            }
            Choice::None => {
                matched.without.push(partner.email.clone());
                None
            }
            Choice::Several => {
                matched.ambiguous.push(partner.email.clone());
                None
            }
        };
        if chosen != partner.salesforce_user {
            changed.push(PartnerUser {
                salesforce_user: chosen,
                ..partner.clone()
            });
        }
    }
    (changed, matched)
}

enum Choice {
    One(SalesforceId),
    None,
    Several,
}

/// The one active user of an address; where none is active, the one inactive user, who may still own records.
fn choose(candidates: &[&SalesforceUser], present: Option<SalesforceId>) -> Choice {
    if let Some(present) = present
        && candidates.iter().any(|user| user.id == present)
    {
        return Choice::One(present);
    }
    let active: Vec<&&SalesforceUser> = candidates.iter().filter(|user| user.active).collect();
    match (active.as_slice(), candidates) {
        ([one], _) => Choice::One(one.id),
        ([], [one]) => Choice::One(one.id),
        ([], []) => Choice::None,
        _ => Choice::Several,
    }
}

fn read_user(record: &JsonRecord) -> Option<SalesforceUser> {
    Some(SalesforceUser {
        id: SalesforceId::parse(record.get("Id")?.as_str()?).ok()?,
        email: folded(record.get("Email")?.as_str()?),
        active: record.get("IsActive").and_then(Value::as_bool).unwrap_or(false),
    })
}

fn folded(email: &str) -> String {
    email.trim().to_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(number: u8) -> SalesforceId {
        SalesforceId::parse(&format!("0050000000000{number:02}")).unwrap()
    }

    fn salesforce(number: u8, email: &str, active: bool) -> SalesforceUser {
        SalesforceUser {
            id: id(number),
            email: folded(email),
            active,
        }
    }

    fn partner(name: &str, email: &str, salesforce_user: Option<SalesforceId>) -> PartnerUser {
        PartnerUser {
            id: name.to_owned(),
            email: email.to_owned(),
            name: name.to_owned(),
            active: true,
            salesforce_user,
        }
    }

    #[test]
    fn addresses_match_whatever_their_case() {
        let (changed, matched) = pair(
            &[
                partner("u-1", " Ann@Acme.example", None),
                partner("u-2", "bob@acme.example", None),
            ],
            &[salesforce(1, "ann@ACME.example", true)],
        );
        assert_eq!(changed, [partner("u-1", " Ann@Acme.example", Some(id(1)))]);
        assert_eq!(matched.without, ["bob@acme.example"]);
    }

    #[test]
    fn the_active_user_is_preferred_and_two_active_ones_are_left_to_a_person() {
        let users = [
            salesforce(1, "a@x.example", false),
            salesforce(2, "a@x.example", true),
            salesforce(3, "b@x.example", true),
            salesforce(4, "b@x.example", true),
            salesforce(5, "c@x.example", false),
        ];
        let (changed, matched) = pair(
            &[
                partner("a", "a@x.example", None),
                partner("b", "b@x.example", None),
                partner("c", "c@x.example", None),
            ],
            &users,
        );
        assert_eq!(
            changed,
            [
                partner("a", "a@x.example", Some(id(2))),
                partner("c", "c@x.example", Some(id(5)))
            ]
        );
        assert_eq!(matched.ambiguous, ["b@x.example"]);
    }

    #[test]
    fn a_match_that_still_holds_stays_and_one_that_does_not_goes() {
        let users = [
            salesforce(3, "b@x.example", true),
            salesforce(4, "b@x.example", true),
        ];
        let (changed, _) = pair(
            &[
                partner("b", "b@x.example", Some(id(4))),
                partner("gone", "gone@x.example", Some(id(9))),
            ],
            &users,
        );
        assert_eq!(changed, [partner("gone", "gone@x.example", None)]);
    }
}
