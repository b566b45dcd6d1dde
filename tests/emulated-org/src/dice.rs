//! A small random source that gives the same numbers on every machine and in every release.

/// SplitMix64 (Steele, Lea, Flood: "Fast splittable pseudorandom number generators", 2014): written out here
/// because the seeded company must not change when a library's generator does.
#[derive(Clone, Debug)]
pub struct Dice(u64);

impl Dice {
    /// The dice for one record: the same seed, stream and index always roll the same.
    pub fn new(seed: u64, stream: u64, index: u64) -> Self {
        let mut dice = Self(seed);
        let by_stream = dice.next() ^ stream.wrapping_mul(GAMMA);
        let mut dice = Self(by_stream);
        Self(dice.next() ^ index.wrapping_mul(GAMMA))
    }

    /// A number below `limit`; zero if `limit` is.
    pub fn below(&mut self, limit: u64) -> u64 {
        // The bias of the remainder is far below what a test could see.
        self.next().checked_rem(limit).unwrap_or(0)
    }

    /// A number from `least` to `most`, both included.
    pub fn between(&mut self, least: u64, most: u64) -> u64 {
        least + self.below(most.saturating_sub(least) + 1)
    }

    /// True in `percent` of 100 rolls.
    pub fn chance(&mut self, percent: u64) -> bool {
        self.below(100) < percent
    }

    /// One of `from`; `None` only if there is none.
    pub fn pick<'a, T>(&mut self, from: &'a [T]) -> Option<&'a T> {
        let at = self.below(u64::try_from(from.len()).unwrap_or(u64::MAX));
        from.get(usize::try_from(at).unwrap_or(0))
    }

    /// One of some words.
    pub fn word<'a>(&mut self, words: &[&'a str]) -> &'a str {
        self.pick(words).copied().unwrap_or_default()
    }

    /// The position of a weight, rolled in proportion to the weights.
    pub fn weighted(&mut self, weights: &[u64]) -> usize {
        let mut roll = self.below(weights.iter().sum());
        for (at, weight) in weights.iter().enumerate() {
            match roll.checked_sub(*weight) {
                Some(rest) => roll = rest,
                None => return at,
            }
        }
        0
    }

    /// The pattern with every `#` made a digit, every `^` one above zero and every `@` a capital letter.
    pub fn fill(&mut self, pattern: &str) -> String {
        let mut filled = String::with_capacity(pattern.len());
        for character in pattern.chars() {
            filled.push(match character {
                '#' => self.symbol(b"0123456789"),
                '^' => self.symbol(b"123456789"),
                '@' => self.symbol(b"ABCDEFGHJKLMNPRSTUWXY"),
                other => other,
            });
        }
        filled
    }

    /// Sixty-four bits.
    pub fn bits(&mut self) -> u64 {
        self.next()
    }

    fn symbol(&mut self, from: &[u8]) -> char {
        self.pick(from).copied().map_or('0', char::from)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(GAMMA);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }
}

const GAMMA: u64 = 0x9e37_79b9_7f4a_7c15;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_numbers_are_those_of_splitmix64() {
        // First outputs for seed 0, as published with the algorithm's reference implementation.
        let mut dice = Dice(0);
        assert_eq!(dice.next(), 0xe220_a839_7b1d_cdaf);
        assert_eq!(dice.next(), 0x6e78_9e6a_a1b9_65f4);
    }

    #[test]
    fn weights_are_kept() {
        let mut dice = Dice::new(1, 2, 3);
        let mut hits = [0_u32; 3];
        for _ in 0..10_000 {
            hits[dice.weighted(&[1, 0, 3])] += 1;
        }
        assert_eq!(hits[1], 0);
        assert!((2_200..2_800).contains(&hits[0]), "{hits:?}");
    }

    #[test]
    fn patterns_keep_their_shape() {
        let filled = Dice::new(1, 2, 3).fill("+48 ## ### @");
        assert!(
            filled.starts_with("+48 ") && filled.len() == 12 && !filled.contains(['#', '@']),
            "{filled}"
        );
    }
}
