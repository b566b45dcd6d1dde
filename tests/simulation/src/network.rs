//! Everything between the parties: what is lost, late, repeated, or cut after it took effect.

use causeway_core::Instant;
use chrono::TimeDelta;

use crate::dice::Dice;

/// What becomes of one request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// It arrives, and so does the answer.
    Delivered,
    /// It never arrives.
    Lost,
    /// It arrives, the answer does not.
    Cut,
    /// It arrives later; the sender has given up by then.
    Late(TimeDelta),
    /// It arrives, and once more later.
    Repeated(TimeDelta),
}

impl Fate {
    /// Draws a fate. `latest` bounds how long a request may be under way after its sender gave up.
    pub fn draw(dice: &mut Dice, faults: u8, latest: TimeDelta) -> Fate {
        if !dice.percent(faults) {
            return Fate::Delivered;
        }
        let later = TimeDelta::milliseconds(dice.between(1, latest.num_milliseconds().max(1)));
        match dice.below(4) {
            0 => Fate::Lost,
            1 => Fate::Cut,
            2 => Fate::Late(later),
            _ => Fate::Repeated(later),
        }
    }

    /// Its name among the faults that were met.
    pub fn name(self) -> &'static str {
        match self {
            Fate::Delivered => "delivered",
            Fate::Lost => "lost",
            Fate::Cut => "cut after it took effect",
            Fate::Late(_) => "late",
            Fate::Repeated(_) => "repeated",
        }
    }
}

/// Messages under way, by when they arrive.
#[derive(Debug)]
pub struct UnderWay<M> {
    messages: Vec<(Instant, u64, M)>,
    serial: u64,
}

impl<M> Default for UnderWay<M> {
    fn default() -> Self {
        UnderWay {
            messages: Vec::new(),
            serial: 0,
        }
    }
}

impl<M> UnderWay<M> {
    /// Sends a message that arrives at a moment.
    pub fn send(&mut self, at: Instant, message: M) {
        self.serial += 1;
        self.messages.push((at, self.serial, message));
    }

    /// When the next message arrives.
    pub fn next_at(&self) -> Option<Instant> {
        self.messages.iter().map(|(at, _, _)| *at).min()
    }

    /// The next message that has arrived by `now`.
    pub fn arrived(&mut self, now: Instant) -> Option<M> {
        let at = self
            .messages
            .iter()
            .enumerate()
            .filter(|(_, (at, _, _))| *at <= now)
            .min_by_key(|(_, (at, serial, _))| (*at, *serial))
            .map(|(place, _)| place)?;
        Some(self.messages.remove(at).2)
    }

    /// All messages under way.
    pub fn messages(&self) -> impl Iterator<Item = &M> {
        self.messages.iter().map(|(_, _, message)| message)
    }

    /// Whether nothing is under way.
    pub fn is_empty(&self) -> bool {
        self.messages.is_empty()
    }
}
