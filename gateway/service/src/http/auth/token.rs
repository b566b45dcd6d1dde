//! A JWT, taken apart and checked (RFC 7515, RFC 7519). Pure: the time and the key come in as arguments.

use aws_lc_rs::hmac;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use causeway_core::Instant;
use chrono::{DateTime, TimeDelta};
use jsonwebtoken::{Algorithm, DecodingKey};
use serde::Deserialize;
use serde_json::{Number, Value};

use crate::http::problem::{Problem, ProblemKind};
use crate::json;

/// How far ahead a token's expiry may lie.
pub const LONGEST_LIFE: TimeDelta = TimeDelta::minutes(10);
/// How far the clocks of a client and the gateway may differ.
pub const LEEWAY: TimeDelta = TimeDelta::seconds(60);
/// Longest token that is looked at, in bytes.
const LONGEST: usize = 8 * 1024;

/// A token whose form is right. Nothing it says is true before [`Token::check_signature`].
#[derive(Debug)]
pub struct Token<'a> {
    signed: &'a str,
    signature: &'a str,
    algorithm: String,
    /// What it claims.
    pub claims: Claims,
}

/// The claims that are looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claims {
    /// Who made it.
    pub issuer: String,
    /// Whom it speaks of.
    pub subject: Option<String>,
    /// For whom it is meant.
    pub audience: Vec<String>,
    /// When it ends.
    pub expires: Instant,
    /// Before when it does not hold.
    pub not_before: Option<Instant>,
    /// When it was made.
    pub issued: Option<Instant>,
    /// What it is limited to, as sent; `None` without the claim.
    pub scope: Option<String>,
}

/// What verifies a signature. The algorithm belongs to the key and never to the token: a public key is never used
/// as a shared secret, whatever the token asks for.
pub enum VerifyKey {
    /// HS256 with these bytes.
    Hs256(Box<hmac::Key>),
    /// RS256.
    Rs256(DecodingKey),
}

impl VerifyKey {
    fn algorithm(&self) -> &'static str {
        match self {
            VerifyKey::Hs256(_) => "HS256",
            VerifyKey::Rs256(_) => "RS256",
        }
    }
}

#[derive(Deserialize)]
struct Header {
    alg: String,
    #[serde(default)]
    crit: Option<Value>,
}

#[derive(Deserialize)]
struct RawClaims {
    iss: Option<Value>,
    sub: Option<Value>,
    aud: Option<Value>,
    exp: Option<Value>,
    nbf: Option<Value>,
    iat: Option<Value>,
    scope: Option<Value>,
}

impl<'a> Token<'a> {
    /// Takes a token apart.
    ///
    /// # Errors
    /// [`ProblemKind::MalformedToken`], and [`ProblemKind::AlgorithmNotAllowed`] for `none`.
    pub fn parse(text: &'a str) -> Result<Self, Problem> {
        if text.len() > LONGEST {
            return Err(malformed(format!("it is longer than {LONGEST} bytes")));
        }
        let (signed, signature) = text
            .rsplit_once('.')
            .ok_or_else(|| malformed("a JWT has three parts with dots between them"))?;
        let (header, claims) = signed
            .split_once('.')
            .filter(|(_, claims)| !claims.contains('.'))
            .ok_or_else(|| malformed("a JWT has three parts with dots between them"))?;
        let header: Header = decode(header, "header")?;
        if header.alg.eq_ignore_ascii_case("none") {
            return Err(Problem::new(
                ProblemKind::AlgorithmNotAllowed,
                "an unsigned token proves nothing; sign it with HS256 or RS256",
            ));
        }
        if header.crit.is_some() {
            return Err(malformed(
                "its header has `crit`, and no extension is understood here",
            ));
        }
        Ok(Token {
            signed,
            signature,
            algorithm: header.alg,
            claims: Claims::from_raw(decode(claims, "claims")?)?,
        })
    }

    /// Checks that the token was signed with the key, by the key's own algorithm.
    ///
    /// # Errors
    /// [`ProblemKind::AlgorithmNotAllowed`], [`ProblemKind::WrongSignature`].
    pub fn check_signature(&self, key: &VerifyKey) -> Result<(), Problem> {
        if self.algorithm != key.algorithm() {
            return Err(Problem::new(
                ProblemKind::AlgorithmNotAllowed,
                format!("this client's tokens are signed with {}", key.algorithm()),
            ));
        }
        let fits = match key {
            VerifyKey::Hs256(key) => URL_SAFE_NO_PAD
                .decode(self.signature)
                .is_ok_and(|tag| hmac::verify(key, self.signed.as_bytes(), &tag).is_ok()),
            VerifyKey::Rs256(key) => {
                jsonwebtoken::crypto::verify(self.signature, self.signed.as_bytes(), key, Algorithm::RS256)
                    .unwrap_or(false)
            }
        };
        if fits {
            Ok(())
        } else {
            Err(Problem::new(
                ProblemKind::WrongSignature,
                "sign it with the key that is registered for this client",
            ))
        }
    }
}

impl Claims {
    /// Checks audience and times.
    ///
    /// # Errors
    /// [`ProblemKind::WrongAudience`], [`ProblemKind::TokenExpired`], [`ProblemKind::LifetimeTooLong`],
    /// [`ProblemKind::TokenNotYetValid`].
    pub fn check(&self, audiences: &[&str], now: Instant) -> Result<(), Problem> {
        if !self
            .audience
            .iter()
            .any(|one| audiences.contains(&one.trim_end_matches('/')))
        {
            return Err(Problem::new(
                ProblemKind::WrongAudience,
                format!("`aud` must be {}", audiences.join(" or ")),
            ));
        }
        if self.expires <= now {
            return Err(Problem::new(
                ProblemKind::TokenExpired,
                format!("it ended at {}; make a new one", self.expires.to_rfc3339()),
            ));
        }
        if self.expires > now + LONGEST_LIFE + LEEWAY {
            return Err(Problem::new(
                ProblemKind::LifetimeTooLong,
                format!(
                    "`exp` may lie at most {} minutes ahead",
                    LONGEST_LIFE.num_minutes()
                ),
            ));
        }
        for (name, moment) in [("nbf", self.not_before), ("iat", self.issued)] {
            if moment.is_some_and(|moment| moment > now + LEEWAY) {
                return Err(Problem::new(
                    ProblemKind::TokenNotYetValid,
                    format!(
                        "`{name}` lies ahead of this gateway's clock, which shows {}",
                        now.to_rfc3339()
                    ),
                ));
            }
        }
        Ok(())
    }

    fn from_raw(raw: RawClaims) -> Result<Self, Problem> {
        let audience = match raw.aud {
            Some(Value::String(one)) => vec![one],
            Some(Value::Array(many)) => many
                .into_iter()
                .map(|one| match one {
                    Value::String(one) => Ok(one),
                    _ => Err(malformed("`aud` must be a text or a list of texts")),
                })
                .collect::<Result<_, _>>()?,
            Some(_) => return Err(malformed("`aud` must be a text or a list of texts")),
            None => return Err(malformed("it lacks `aud`")),
        };
        Ok(Claims {
            issuer: text("iss", raw.iss)?.ok_or_else(|| malformed("it lacks `iss`"))?,
            subject: text("sub", raw.sub)?,
            audience,
            expires: moment("exp", raw.exp)?.ok_or_else(|| malformed("it lacks `exp`"))?,
            not_before: moment("nbf", raw.nbf)?,
            issued: moment("iat", raw.iat)?,
            scope: text("scope", raw.scope)?,
        })
    }
}

fn malformed(detail: impl Into<String>) -> Problem {
    Problem::new(ProblemKind::MalformedToken, detail)
}

fn decode<T: for<'de> Deserialize<'de>>(part: &str, name: &str) -> Result<T, Problem> {
    URL_SAFE_NO_PAD
        .decode(part)
        .ok()
        .and_then(|bytes| {
            let text = std::str::from_utf8(&bytes).ok()?;
            json::look_over(text).ok()?;
            serde_json::from_str(text).ok()
        })
        .ok_or_else(|| {
            malformed(format!(
                "its {name} part is not the base64url of a JSON object of the right form"
            ))
        })
}

fn text(name: &str, value: Option<Value>) -> Result<Option<String>, Problem> {
    match value {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) if text.contains('\0') => {
            Err(malformed(format!("`{name}` must not hold the character U+0000")))
        }
        Some(Value::String(text)) => Ok(Some(text)),
        Some(_) => Err(malformed(format!("`{name}` must be a text"))),
    }
}

/// Seconds since 1970, with or without a fraction (RFC 7519, NumericDate).
fn moment(name: &str, value: Option<Value>) -> Result<Option<Instant>, Problem> {
    match value {
        None | Some(Value::Null) => Ok(None),
        Some(Value::Number(number)) => whole_seconds(&number)
            .and_then(|seconds| DateTime::from_timestamp(seconds, 0))
            .map(Some)
            .ok_or_else(|| malformed(format!("`{name}` must be seconds since 1970"))),
        Some(_) => Err(malformed(format!(
            "`{name}` must be a number of seconds since 1970"
        ))),
    }
}

fn whole_seconds(number: &Number) -> Option<i64> {
    let written = number.to_string();
    let whole = written
        .split_once('.')
        .map_or(written.as_str(), |(whole, _)| whole);
    whole.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: i64 = 1_790_000_000;
    const SECRET: &[u8] = b"0123456789abcdef0123456789abcdef";

    fn now() -> Instant {
        DateTime::from_timestamp(NOW, 0).unwrap()
    }

    fn key() -> VerifyKey {
        VerifyKey::Hs256(Box::new(hmac::Key::new(hmac::HMAC_SHA256, SECRET)))
    }

    fn signed(header: &str, claims: &str) -> String {
        let signed = format!(
            "{}.{}",
            URL_SAFE_NO_PAD.encode(header),
            URL_SAFE_NO_PAD.encode(claims)
        );
        let key = hmac::Key::new(hmac::HMAC_SHA256, SECRET);
        let tag = hmac::sign(&key, signed.as_bytes());
        format!("{signed}.{}", URL_SAFE_NO_PAD.encode(tag.as_ref()))
    }

    fn outcome(header: &str, claims: &str) -> Result<(), ProblemKind> {
        let text = signed(header, claims);
        Token::parse(&text)
            .and_then(|token| {
                token.check_signature(&key())?;
                token.claims.check(&["https://gateway.example"], now())
            })
            .map_err(|problem| problem.kind())
    }

    #[test]
    fn a_token_is_refused_for_what_is_wrong_with_it() {
        let header = r#"{"alg":"HS256","typ":"JWT"}"#;
        let claims = |aud: &str, times: &str| format!(r#"{{"iss":"pump","aud":{aud},{times}}}"#);
        let gateway = r#""https://gateway.example""#;
        let exp = format!("\"exp\":{}", NOW + 300);
        for (header, claims, expected) in [
            (header, claims(gateway, &exp), Ok(())),
            (
                header,
                claims(r#"["x","https://gateway.example/"]"#, &exp),
                Ok(()),
            ),
            (header, claims(gateway, &format!("{exp}.75")), Ok(())),
            (
                header,
                claims(
                    gateway,
                    &format!("{exp},\"nbf\":{},\"iat\":{}", NOW + 50, NOW + 50),
                ),
                Ok(()),
            ),
            (
                r#"{"alg":"none"}"#,
                claims(gateway, &exp),
                Err(ProblemKind::AlgorithmNotAllowed),
            ),
            (
                r#"{"alg":"nOnE"}"#,
                claims(gateway, &exp),
                Err(ProblemKind::AlgorithmNotAllowed),
            ),
            (
                r#"{"alg":"HS512"}"#,
                claims(gateway, &exp),
                Err(ProblemKind::AlgorithmNotAllowed),
            ),
            (
                r#"{"alg":"RS256"}"#,
                claims(gateway, &exp),
                Err(ProblemKind::AlgorithmNotAllowed),
            ),
            (
                r#"{"alg":"HS256","crit":["b64"]}"#,
                claims(gateway, &exp),
                Err(ProblemKind::MalformedToken),
            ),
            ("[]", claims(gateway, &exp), Err(ProblemKind::MalformedToken)),
            (
                header,
                claims(r#""https://other.example""#, &exp),
                Err(ProblemKind::WrongAudience),
            ),
            (header, claims("7", &exp), Err(ProblemKind::MalformedToken)),
            (
                header,
                claims(gateway, "\"sub\":\"x\""),
                Err(ProblemKind::MalformedToken),
            ),
            (
                header,
                claims(gateway, "\"exp\":\"soon\""),
                Err(ProblemKind::MalformedToken),
            ),
            (
                header,
                claims(gateway, "\"exp\":1e400"),
                Err(ProblemKind::MalformedToken),
            ),
            (
                header,
                claims(gateway, &format!("\"exp\":{NOW}")),
                Err(ProblemKind::TokenExpired),
            ),
            (
                header,
                claims(gateway, &format!("\"exp\":{}", NOW + 661)),
                Err(ProblemKind::LifetimeTooLong),
            ),
            (
                header,
                claims(gateway, &format!("{exp},\"nbf\":{}", NOW + 61)),
                Err(ProblemKind::TokenNotYetValid),
            ),
            (
                header,
                claims(gateway, &format!("{exp},\"iat\":{}", NOW + 61)),
                Err(ProblemKind::TokenNotYetValid),
            ),
        ] {
            assert_eq!(outcome(header, &claims), expected, "{header} {claims}");
        }
    }

    #[test]
    fn a_token_that_was_changed_after_signing_is_refused() {
        let claims = format!(
            r#"{{"iss":"pump","aud":"https://gateway.example","exp":{}}}"#,
            NOW + 300
        );
        let text = signed(r#"{"alg":"HS256"}"#, &claims);
        let (head, tag) = text.rsplit_once('.').unwrap();
        let other = URL_SAFE_NO_PAD.encode(claims.replace("pump", "root"));
        let forged = format!("{}.{other}.{tag}", head.split_once('.').unwrap().0);
        for forged in [
            forged,
            format!("{head}."),
            format!("{head}.{}", URL_SAFE_NO_PAD.encode([0u8; 32])),
        ] {
            let refusal = Token::parse(&forged).and_then(|token| token.check_signature(&key()));
            assert_eq!(refusal.unwrap_err().kind(), ProblemKind::WrongSignature);
        }
    }

    #[test]
    fn texts_that_are_no_jwt_are_refused() {
        for text in ["", "a", "a.b", "a.b.c.d", "!.!.!", &"x".repeat(9_000)] {
            assert_eq!(
                Token::parse(text).unwrap_err().kind(),
                ProblemKind::MalformedToken
            );
        }
    }
}
