//! How many of each there are, and who belongs to whom.

use super::Phase;
use super::culture::{CULTURES, Culture, mail_word, split};
use crate::dice::Dice;

/// The company's numbers.
#[derive(Clone, Copy, Debug)]
pub struct Plan {
    pub seed: u64,
    pub users: u64,
    pub accounts: u64,
    /// The first accounts, which have no parent account.
    pub root_accounts: u64,
    pub contacts: u64,
    /// The first contacts, to whom other contacts of their account report.
    pub head_contacts: u64,
    pub leads: u64,
    pub opportunities: u64,
    pub tasks: u64,
}

/// Separate random streams, so that more rolls in one place change nothing in another.
#[derive(Clone, Copy, Debug)]
#[repr(u64)]
pub enum Stream {
    User = 1,
    Account,
    AccountDetail,
    Contact,
    Lead,
    Opportunity,
    Task,
    LoneContact,
}

impl Plan {
    /// Shares `records` out.
    pub fn new(seed: u64, records: u64) -> Self {
        let records = records.max(50);
        let users = (records / 400).clamp(5, 40);
        // Eight accounts have twenty contacts between them; see CONTACTS_OF_EIGHT.
        let accounts = records * 14 / 100;
        let contacts = accounts * 20 / 8;
        let leads = records * 12 / 100;
        let opportunities = records * 19 / 100;
        Self {
            seed,
            users,
            accounts,
            root_accounts: (accounts * 85).div_ceil(100),
            contacts,
            head_contacts: contacts * 7 / 20,
            leads,
            opportunities,
            tasks: records.saturating_sub(users + accounts + contacts + leads + opportunities),
        }
    }

    /// Rows in an order in which every reference points backwards to an earlier phase.
    pub fn phases(&self) -> [Phase; 9] {
        let phase = |object, start, end| Phase {
            object,
            rows: start..end,
        };
        [
            phase("User", 0, 1),
            phase("User", 1, self.users),
            phase("Account", 0, self.root_accounts),
            phase("Account", self.root_accounts, self.accounts),
            phase("Contact", 0, self.head_contacts),
            phase("Contact", self.head_contacts, self.contacts),
            phase("Lead", 0, self.leads),
            phase("Opportunity", 0, self.opportunities),
            phase("Task", 0, self.tasks),
        ]
    }

    /// The dice for one record.
    pub fn dice(&self, stream: Stream, index: u64) -> Dice {
        Dice::new(self.seed, stream as u64, index)
    }

    /// The account of a contact. Accounts have from no contact to seven.
    pub fn account_of_contact(&self, contact: u64) -> u64 {
        let account = if contact < self.head_contacts {
            contact / 7 * 8 + contact % 7
        } else {
            let other = contact - self.head_contacts;
            let offset = usize::try_from(other % 13).unwrap_or(0);
            other / 13 * 8 + FURTHER_CONTACTS_OF_EIGHT.get(offset).copied().unwrap_or(0)
        };
        account.checked_rem(self.accounts).unwrap_or(0)
    }

    /// The contact that others of an account report to.
    pub fn head_contact_of(&self, account: u64) -> Option<u64> {
        let head = account / 8 * 7 + account % 8;
        (account % 8 < 7 && head < self.head_contacts).then_some(head)
    }

    /// A sales user who owns things: not the head of sales, not the one who left.
    pub fn owner(&self, dice: &mut Dice) -> u64 {
        1 + dice.below(self.users.saturating_sub(2))
    }

    /// The one user who left and owns nothing any more.
    pub fn inactive_user(&self) -> u64 {
        self.users - 1
    }

    /// Who an account is, for itself and for all that belongs to it.
    pub fn identity(&self, account: u64) -> Identity {
        let mut dice = self.dice(Stream::Account, account);
        let culture = roll_culture(&mut dice);
        let owner = self.owner(&mut dice);
        let parent = (account >= self.root_accounts).then(|| dice.below(self.root_accounts));
        let stem = match parent {
            // A subsidiary is named after its parent, whatever the alphabet.
            Some(parent) => {
                let mut dice = self.dice(Stream::Account, parent);
                let culture = roll_culture(&mut dice);
                self.owner(&mut dice);
                dice.word(culture.companies)
            }
            None => dice.word(culture.companies),
        };
        let name = dice
            .word(culture.company_forms)
            .replace("{name}", split(stem).0)
            .replace("{trade}", dice.word(culture.trades));
        let domain = format!("{}{account}.example", mail_word(stem));
        Identity {
            culture,
            owner,
            parent,
            name,
            domain,
        }
    }
}

/// Who an account is.
#[derive(Debug)]
pub struct Identity {
    pub culture: &'static Culture,
    pub owner: u64,
    pub parent: Option<u64>,
    pub name: String,
    pub domain: String,
}

/// A country, as often as its weight says.
pub fn roll_culture(dice: &mut Dice) -> &'static Culture {
    let weights = CULTURES.map(|(_, weight)| weight);
    let at = dice.weighted(&weights);
    CULTURES.get(at).map_or(CULTURES[0].0, |(culture, _)| culture)
}

/// Of each eight accounts, one has seven contacts, one has none. The first contact of each is its head; these
/// are the accounts of the others.
const FURTHER_CONTACTS_OF_EIGHT: [u64; 13] = [0, 0, 0, 0, 0, 0, 1, 1, 1, 2, 2, 3, 4];

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    #[test]
    fn heads_and_their_reports_belong_to_the_same_account() {
        let plan = Plan::new(1, 10_000);
        let mut sizes = BTreeMap::new();
        for contact in 0..plan.contacts {
            let account = plan.account_of_contact(contact);
            *sizes.entry(account).or_insert(0) += 1;
            if contact >= plan.head_contacts
                && let Some(head) = plan.head_contact_of(account)
            {
                assert_eq!(plan.account_of_contact(head), account);
            }
        }
        assert_eq!((sizes.values().max(), sizes.values().min()), (Some(&7), Some(&1)));
        assert_eq!(
            plan.accounts - u64::try_from(sizes.len()).expect("small"),
            plan.accounts / 8
        );
    }

    #[test]
    fn the_parts_add_up() {
        for records in [50, 100, 999, 10_000, 1_234_567] {
            let plan = Plan::new(1, records);
            let phases: u64 = plan
                .phases()
                .iter()
                .map(|phase| phase.rows.end - phase.rows.start)
                .sum();
            assert_eq!(phases, records);
            assert!(
                plan.tasks > 0 && plan.contacts > plan.accounts && plan.users >= 5,
                "{plan:?}"
            );
        }
    }
}
