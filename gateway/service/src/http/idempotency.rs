//! The header `Idempotency-Key`, which makes a request safe to repeat.

use actix_web::HttpRequest;
use aws_lc_rs::digest;
use causeway_core::ports::inbox::IdempotencyKey;

use super::auth::Caller;
use super::problem::{Problem, ProblemKind};
use crate::app::idempotency::Idempotency;
use crate::members::FieldError;

/// Longest idempotency key that is taken, in characters.
const LONGEST_KEY: usize = 200;

/// The idempotency key of a request, if it carries one.
#[derive(Debug)]
pub struct KeyHeader(Option<String>);

impl KeyHeader {
    /// Reads the header, before the body is.
    ///
    /// # Errors
    /// [`ProblemKind::InvalidParameters`] for a key that is empty, too long or not printable.
    pub fn of(request: &HttpRequest) -> Result<Self, Problem> {
        let Some(header) = request.headers().get("idempotency-key") else {
            return Ok(KeyHeader(None));
        };
        match header.to_str() {
            Ok(key) if (1..=LONGEST_KEY).contains(&key.trim().len()) => {
                Ok(KeyHeader(Some(key.trim().to_owned())))
            }
            _ => Err(Problem::with_errors(
                ProblemKind::InvalidParameters,
                vec![FieldError {
                    field: "Idempotency-Key".to_owned(),
                    message: format!("must be 1 to {LONGEST_KEY} printable characters"),
                }],
            )),
        }
    }

    /// Names the request: this caller's, to this route, with what it carried besides. `parts` are the texts of the
    /// address that the route leaves open, then the body.
    pub fn names(self, caller: &Caller, route: &str, parts: &[&[u8]]) -> Option<Idempotency> {
        self.0.map(|key| Idempotency {
            key: IdempotencyKey {
                client: caller.client.clone(),
                route: route.to_owned(),
                key,
            },
            body_hash: hash(parts),
        })
    }
}

/// SHA-256 of one part as it is, of several each with its length, so that where one ends cannot be shifted.
fn hash(parts: &[&[u8]]) -> [u8; 32] {
    let mut context = digest::Context::new(&digest::SHA256);
    for part in parts {
        if parts.len() > 1 {
            context.update(&(part.len() as u64).to_be_bytes());
        }
        context.update(part);
    }
    let mut hash = [0u8; 32];
    for (slot, byte) in hash.iter_mut().zip(context.finish().as_ref()) {
        *slot = *byte;
    }
    hash
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hash_tells_where_each_part_ends() {
        assert_eq!(
            hash(&[b"abc"]).get(..4),
            Some(&[0xba, 0x78, 0x16, 0xbf][..]),
            "the body alone is hashed as it is"
        );
        assert_eq!(hash(&[b"ab", b"c"]), hash(&[b"ab", b"c"]));
        assert_ne!(hash(&[b"ab", b"c"]), hash(&[b"a", b"bc"]));
        assert_ne!(hash(&[b"ab", b"c"]), hash(&[b"abc"]));
    }
}
