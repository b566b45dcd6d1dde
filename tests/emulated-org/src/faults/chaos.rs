//! Trouble by chance: a share of all answers goes wrong, in one of several ways, as the dice say.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::dice::Dice;

/// One way for an answer to go wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Trouble {
    /// 503 `SERVER_UNAVAILABLE`; nothing was done.
    ServerUnavailable,
    /// 500 `UNKNOWN_EXCEPTION`; nothing was done.
    UnknownException,
    /// 502 with an HTML page, as a proxy in between gives; the work was done in about half of the cases.
    BadGateway,
    /// The connection is cut; nothing was done.
    CutBefore,
    /// The work is done, and the connection is cut instead of an answer.
    CutAfter,
    /// The answer is right, but late.
    Delay,
    /// The session has ended: 401 `INVALID_SESSION_ID`, until the client logs in again.
    ExpiredToken,
    /// Some rows of a write are refused with `UNABLE_TO_LOCK_ROW`.
    LockedRows,
    /// 403 `REQUEST_LIMIT_EXCEEDED` because too many long requests run at once; nothing was done.
    ConcurrentLimit,
}

impl Trouble {
    /// All of them.
    pub const ALL: [Self; 9] = [
        Self::ServerUnavailable,
        Self::UnknownException,
        Self::BadGateway,
        Self::CutBefore,
        Self::CutAfter,
        Self::Delay,
        Self::ExpiredToken,
        Self::LockedRows,
        Self::ConcurrentLimit,
    ];
}

/// What shares of answers go wrong, and how.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Chaos {
    /// How many of 100 data API requests; 0 ends it.
    pub percent: u8,
    /// Decides which and how. Requests are numbered as they arrive.
    #[serde(default)]
    pub seed: u64,
    /// The ways that may be chosen; all if absent.
    #[serde(default = "all")]
    pub kinds: Vec<Trouble>,
    /// The client (`Sforce-Call-Options`) whose requests alone may go wrong; those of all if absent.
    #[serde(default)]
    pub client: Option<String>,
    /// The longest delay of [`Trouble::Delay`].
    #[serde(default = "longest_delay")]
    pub most_delay_milliseconds: u32,
}

impl Default for Chaos {
    fn default() -> Self {
        Self {
            percent: 0,
            seed: 0,
            kinds: all(),
            client: None,
            most_delay_milliseconds: longest_delay(),
        }
    }
}

fn all() -> Vec<Trouble> {
    Trouble::ALL.to_vec()
}

fn longest_delay() -> u32 {
    200
}

/// What is to go wrong with one request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Mishap {
    pub trouble: Trouble,
    /// Whether a trouble that may strike before or after the work strikes after it.
    pub after: bool,
    pub delay: Duration,
    /// Decides what else is left to chance.
    pub seed: u64,
}

/// The dice with their count of requests, and the count of what they did.
#[derive(Debug, Default)]
pub(super) struct Chances {
    chaos: Chaos,
    requests: u64,
    pub counts: BTreeMap<Trouble, u64>,
}

/// The stream of dice that requests roll.
const REQUESTS: u64 = 5;

impl Chances {
    /// Takes new settings; the requests go on being counted, so that the same seed does not repeat itself.
    pub fn set(&mut self, chaos: Chaos) {
        self.chaos = chaos;
    }

    /// The settings, unless they let nothing go wrong.
    pub fn active(&self) -> Option<Chaos> {
        (self.chaos.percent > 0).then(|| self.chaos.clone())
    }

    pub fn roll(&mut self, client: Option<&str>, writes_rows: bool) -> Option<Mishap> {
        let spared = self.chaos.client.is_some() && self.chaos.client.as_deref() != client;
        if self.chaos.percent == 0 || spared {
            return None;
        }
        self.requests += 1;
        let mut dice = Dice::new(self.chaos.seed, REQUESTS, self.requests);
        if !dice.chance(self.chaos.percent.into()) {
            return None;
        }
        let possible: Vec<Trouble> = self
            .chaos
            .kinds
            .iter()
            .copied()
            .filter(|kind| writes_rows || *kind != Trouble::LockedRows)
            .collect();
        let trouble = *dice.pick(&possible)?;
        *self.counts.entry(trouble).or_default() += 1;
        Some(Mishap {
            trouble,
            after: dice.chance(50),
            delay: Duration::from_millis(
                dice.between(1, u64::from(self.chaos.most_delay_milliseconds).max(1)),
            ),
            seed: dice.below(u64::MAX),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rolls(percent: u8, seed: u64) -> Vec<Option<Mishap>> {
        let mut chances = Chances::default();
        chances.set(Chaos {
            percent,
            seed,
            ..Chaos::default()
        });
        (0..1_000).map(|_| chances.roll(None, true)).collect()
    }

    #[test]
    fn about_the_share_goes_wrong_and_the_same_for_the_same_seed() {
        let first = rolls(30, 7);
        assert_eq!(first, rolls(30, 7));
        assert_ne!(first, rolls(30, 8));
        let wrong = first.iter().flatten().count();
        assert!((240..=360).contains(&wrong), "{wrong} of 1000");
        for kind in Trouble::ALL {
            assert!(
                first.iter().flatten().any(|mishap| mishap.trouble == kind),
                "{kind:?}"
            );
        }
        assert!(rolls(0, 7).iter().all(Option::is_none));
        assert!(rolls(100, 7).iter().all(Option::is_some));
    }

    #[test]
    fn only_the_named_client_has_trouble() {
        let mut chances = Chances::default();
        chances.set(Chaos {
            percent: 100,
            client: Some("victim".to_owned()),
            ..Chaos::default()
        });
        assert_eq!(chances.roll(None, true), None);
        assert_eq!(chances.roll(Some("bystander"), true), None);
        assert!(chances.roll(Some("victim"), true).is_some());
    }

    #[test]
    fn rows_are_locked_only_where_rows_are_written() {
        let mut chances = Chances::default();
        chances.set(Chaos {
            percent: 100,
            kinds: vec![Trouble::LockedRows],
            ..Chaos::default()
        });
        assert_eq!(chances.roll(None, false), None);
        assert!(chances.roll(None, true).is_some());
        assert_eq!(chances.counts, BTreeMap::from([(Trouble::LockedRows, 1)]));
    }
}
