//! Chance, all of it from one seed.

/// A stream of numbers that is the same for the same seed (SplitMix64).
#[derive(Debug, Clone)]
pub struct Dice {
    state: u64,
}

impl Dice {
    /// A stream of its own for each pair of seed and purpose, so that leaving one purpose out moves no other.
    pub fn new(seed: u64, purpose: u64) -> Dice {
        let mut dice = Dice {
            state: seed ^ purpose.wrapping_mul(0xd605_1f97_2b3c_1ac3),
        };
        dice.roll();
        dice
    }

    /// The next number.
    pub fn roll(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below `bound`; 0 where the bound is 0.
    pub fn below(&mut self, bound: usize) -> usize {
        let bound = u64::try_from(bound).unwrap_or(u64::MAX).max(1);
        usize::try_from(self.roll() % bound).unwrap_or(0)
    }

    /// A number of `from` to `to`, both inclusive.
    pub fn between(&mut self, from: i64, to: i64) -> i64 {
        let width = to.abs_diff(from).saturating_add(1);
        from.saturating_add_unsigned(self.roll() % width)
    }

    /// True in so many of a hundred cases.
    pub fn percent(&mut self, chance: u8) -> bool {
        self.roll() % 100 < u64::from(chance)
    }

    /// One of a list; none of an empty one.
    pub fn pick<'a, T>(&mut self, of: &'a [T]) -> Option<&'a T> {
        let at = self.below(of.len());
        of.get(at)
    }

    /// One of a list that is never empty, else `otherwise`.
    pub fn choose<T: Copy>(&mut self, of: &[T], otherwise: T) -> T {
        self.pick(of).copied().unwrap_or(otherwise)
    }

    /// Puts a list in another order.
    pub fn shuffle<T>(&mut self, list: &mut [T]) {
        for at in (1..list.len()).rev() {
            let other = self.below(at + 1);
            list.swap(at, other);
        }
    }

    /// A number in [0, 1), for jitter.
    pub fn jitter(&mut self) -> f64 {
        f64::from(u32::try_from(self.roll() >> 40).unwrap_or(0)) / f64::from(1u32 << 24)
    }
}
