//! Mutations of whole words instead of bytes: inputs that are almost right find more than ones that are all wrong.

/// Changes a few tokens of a text in place: the new size, or `None` where bytes should be changed instead (the text
/// is none, or the dice say so).
pub fn mutate(
    data: &mut [u8],
    size: usize,
    max_size: usize,
    seed: u32,
    vocabulary: &[&str],
) -> Option<usize> {
    let mut dice = Dice(u64::from(seed) | 1 << 32);
    if dice.below(4) == 0 {
        return None;
    }
    let text = std::str::from_utf8(data.get(..size)?).ok()?;
    let mut tokens = split(text);
    for _ in 0..=dice.below(3) {
        change(&mut tokens, &mut dice, vocabulary);
    }
    let changed = tokens.concat();
    if changed.len() > max_size {
        return None;
    }
    data.get_mut(..changed.len())?.copy_from_slice(changed.as_bytes());
    Some(changed.len())
}

fn change(tokens: &mut Vec<String>, dice: &mut Dice, vocabulary: &[&str]) {
    let at = dice.below(tokens.len() + 1);
    let other = dice.below(tokens.len() + 1);
    let word = vocabulary
        .get(dice.below(vocabulary.len()))
        .copied()
        .unwrap_or_default();
    let exists = at < tokens.len();
    match dice.below(7) {
        0 if exists => {
            tokens.remove(at);
        }
        1 if exists => {
            let run = (1 + dice.below(8)).min(tokens.len() - at);
            let copied: Vec<String> = tokens.iter().skip(other).take(run).cloned().collect();
            tokens.splice(at..at, copied);
        }
        2 if exists && other < tokens.len() => tokens.swap(at, other),
        3 if exists => {
            tokens.splice(at..=at, [word.to_owned()]);
        }
        4 if exists => {
            let run = (1 + dice.below(6)).min(tokens.len() - at);
            tokens.drain(at..at + run);
        }
        // With a space, or two words would become one.
        5 => {
            tokens.splice(at..at, [" ".to_owned(), word.to_owned(), " ".to_owned()]);
        }
        _ => tokens.insert(at, word.to_owned()),
    }
}

/// Words, runs of spaces, and all else character by character.
fn split(text: &str) -> Vec<String> {
    let class = |character: char| match character {
        'a'..='z' | 'A'..='Z' | '0'..='9' | '_' => 0,
        ' ' => 1,
        _ => 2,
    };
    let mut tokens: Vec<String> = Vec::new();
    let mut last = 2;
    for character in text.chars() {
        match tokens.last_mut() {
            Some(token) if last == class(character) && last != 2 => token.push(character),
            _ => tokens.push(character.to_string()),
        }
        last = class(character);
    }
    tokens
}

/// SplitMix64.
struct Dice(u64);

impl Dice {
    /// A number below `bound`, which is not 0.
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^= mixed >> 31;
        let bound = u64::try_from(bound).unwrap_or(u64::MAX).max(1);
        usize::try_from(mixed % bound).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_cut_into_words_and_signs() {
        let text = "SELECT  Id, 'ä'";
        assert_eq!(split(text), ["SELECT", "  ", "Id", ",", " ", "'", "ä", "'"]);
        assert_eq!(split(text).concat(), text);
    }

    #[test]
    fn mutations_stay_within_bounds_and_are_those_of_the_seed() {
        let mutated = |seed| {
            let mut data = b"SELECT Id FROM Contact".to_vec();
            data.resize(64, 0);
            let size = mutate(&mut data, 22, 64, seed, &["WHERE", "LIMIT"]);
            (size, data)
        };
        let mut changed = 0;
        for seed in 0..1_000 {
            assert_eq!(mutated(seed), mutated(seed));
            changed += usize::from(mutated(seed).0.is_some_and(|size| size <= 64));
        }
        assert!(changed > 600, "{changed} of 1000");
    }
}
