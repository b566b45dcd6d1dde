//! Who wins a field: the only place where the sync rules are applied.

use crate::Instant;
use crate::decide::Side;
use crate::mapping::SyncRule;

/// What moved since both sides last agreed on a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Moved {
    /// They never agreed: a new field, or a new pair of records. That is no conflict.
    FirstContact,
    /// Salesforce's value alone.
    Salesforce,
    /// The partner's value alone.
    Partner,
    /// Both values: a conflict.
    Both,
}

/// All that the rules look at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Contest {
    pub(super) moved: Moved,
    /// Whether Salesforce's value would be blank at the partner.
    pub(super) salesforce_blank: bool,
    pub(super) partner_blank: bool,
    /// When Salesforce's value was edited, or a moment that is no earlier.
    pub(super) salesforce_time: Option<Instant>,
    pub(super) partner_time: Option<Instant>,
}

impl Contest {
    /// The side whose value both are to hold.
    pub(super) fn winner(self, rule: SyncRule) -> Side {
        match rule {
            // A field that does not sync never gets here; what Salesforce holds harms nobody.
            SyncRule::Salesforce | SyncRule::DoNotSync => Side::Salesforce,
            SyncRule::SalesforceUnlessBlank if self.salesforce_blank && !self.partner_blank => Side::Partner,
            SyncRule::SalesforceUnlessBlank => Side::Salesforce,
            SyncRule::Partner => Side::Partner,
            SyncRule::PartnerUnlessBlank if self.partner_blank && !self.salesforce_blank => Side::Salesforce,
            SyncRule::PartnerUnlessBlank => Side::Partner,
            SyncRule::MostRecent => self.most_recent(),
        }
    }

    /// Most recent wins: the side that moved alone has the newer edit, whatever the clocks say; of two edits the later
    /// wins, and Salesforce's at the same moment. Where the sides never agreed, a value comes before none.
    fn most_recent(self) -> Side {
        match self.moved {
            Moved::Salesforce => Side::Salesforce,
            Moved::Partner => Side::Partner,
            Moved::FirstContact if self.salesforce_blank && !self.partner_blank => Side::Partner,
            Moved::FirstContact if self.partner_blank && !self.salesforce_blank => Side::Salesforce,
            Moved::FirstContact | Moved::Both => match (self.salesforce_time, self.partner_time) {
                (Some(salesforce), Some(partner)) if partner > salesforce => Side::Partner,
                (None, Some(_)) => Side::Partner,
                _ => Side::Salesforce,
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;

    use super::*;

    fn at(seconds: i64) -> Option<Instant> {
        DateTime::from_timestamp(seconds, 0)
    }

    const ALL: [Moved; 4] = [
        Moved::FirstContact,
        Moved::Salesforce,
        Moved::Partner,
        Moved::Both,
    ];

    /// Who wins where neither, Salesforce's, the partner's, and both values are blank.
    fn by_blanks(rule: SyncRule, moved: Moved) -> [Side; 4] {
        [(false, false), (true, false), (false, true), (true, true)].map(
            |(salesforce_blank, partner_blank)| {
                Contest {
                    moved,
                    salesforce_blank,
                    partner_blank,
                    salesforce_time: at(5),
                    partner_time: at(6),
                }
                .winner(rule)
            },
        )
    }

    #[test]
    fn the_owner_of_a_field_wins_whatever_moved() {
        use Side::{Partner as P, Salesforce as S};
        for moved in ALL {
            for (rule, expected) in [
                (SyncRule::Salesforce, [S, S, S, S]),
                (SyncRule::SalesforceUnlessBlank, [S, P, S, S]),
                (SyncRule::Partner, [P, P, P, P]),
                (SyncRule::PartnerUnlessBlank, [P, P, S, P]),
                (SyncRule::DoNotSync, [S, S, S, S]),
            ] {
                assert_eq!(by_blanks(rule, moved), expected, "{rule:?}, {moved:?}");
            }
        }
    }

    #[test]
    fn most_recent_follows_the_side_that_moved_and_a_value_before_none() {
        use Side::{Partner as P, Salesforce as S};
        for (moved, expected) in [
            (Moved::Salesforce, [S, S, S, S]),
            (Moved::Partner, [P, P, P, P]),
            (Moved::Both, [P, P, P, P]),
            (Moved::FirstContact, [P, P, S, P]),
        ] {
            assert_eq!(by_blanks(SyncRule::MostRecent, moved), expected, "{moved:?}");
        }
    }

    #[test]
    fn of_two_edits_the_later_wins_and_salesforces_at_the_same_moment() {
        for moved in [Moved::Both, Moved::FirstContact] {
            for (salesforce_time, partner_time, expected) in [
                (at(5), at(6), Side::Partner),
                (at(6), at(6), Side::Salesforce),
                (at(7), at(6), Side::Salesforce),
                (at(7), None, Side::Salesforce),
                (None, at(6), Side::Partner),
                (None, None, Side::Salesforce),
            ] {
                let contest = Contest {
                    moved,
                    salesforce_blank: false,
                    partner_blank: false,
                    salesforce_time,
                    partner_time,
                };
                assert_eq!(contest.winner(SyncRule::MostRecent), expected, "{contest:?}");
            }
        }
    }
}
