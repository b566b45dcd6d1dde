//! Codes that open a page once.

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::rand::{SecureRandom, SystemRandom};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use causeway_core::ports::packages::CodeHash;

/// Random bytes of a code: more than anybody guesses in the minute that it lives.
const BYTES: usize = 32;

/// A code, as it stands in an address that is of use once. Its debug form says nothing.
#[derive(Clone, PartialEq, Eq)]
pub struct PageCode(String);

impl std::fmt::Debug for PageCode {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str("PageCode(…)")
    }
}

impl PageCode {
    /// A new code. None: the system gives no randomness.
    pub fn generate() -> Option<PageCode> {
        random_text::<BYTES>().map(PageCode)
    }

    /// The code of an address. None: no code looks like this.
    pub fn parse(text: &str) -> Option<PageCode> {
        let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
        (bytes.len() == BYTES).then(|| PageCode(text.to_owned()))
    }

    /// What is kept of it.
    pub fn hash(&self) -> CodeHash {
        let hash = digest(&SHA256, self.0.as_bytes());
        CodeHash(hash.as_ref().iter().map(|byte| format!("{byte:02x}")).collect())
    }

    /// The code, for the one answer that carries it.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

/// Text of so many random bytes, fit for an address. None: the system gives no randomness.
pub fn random_text<const BYTES: usize>() -> Option<String> {
    let mut bytes = [0_u8; BYTES];
    SystemRandom::new().fill(&mut bytes).ok()?;
    Some(URL_SAFE_NO_PAD.encode(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_differ_say_nothing_when_shown_and_only_their_hashes_are_kept() {
        let (one, other) = (PageCode::generate().unwrap(), PageCode::generate().unwrap());
        assert_ne!(one, other);
        assert_eq!(one.reveal().len(), 43);
        assert_eq!(PageCode::parse(one.reveal()), Some(one.clone()));
        assert!(!format!("{one:?}").contains(one.reveal()));
        assert!(!one.hash().0.contains(one.reveal()));
        assert_ne!(one.hash(), other.hash());
        for wrong in ["", "abc", "../../etc/passwd", &format!("{}A", one.reveal())] {
            assert_eq!(PageCode::parse(wrong), None, "{wrong}");
        }
    }
}
