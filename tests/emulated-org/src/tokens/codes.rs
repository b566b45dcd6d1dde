//! Authorization codes.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use chrono::{DateTime, TimeDelta, Utc};

use super::opaque;
use crate::id::RecordId;

/// How long a code lasts. Source: Salesforce Help, OAuth 2.0 Web Server Flow; believed.
const LIFETIME: TimeDelta = TimeDelta::minutes(15);

/// What a code stands for.
#[derive(Clone, Debug)]
pub(crate) struct Authorized {
    /// The user who allowed it.
    pub user: RecordId,
    /// The consumer key of the app.
    pub app: String,
    /// The scopes allowed.
    pub scopes: Vec<String>,
    /// Where the code was sent.
    pub redirect_uri: String,
    /// The S256 code challenge.
    pub challenge: Option<String>,
    /// The OpenID Connect nonce.
    pub nonce: Option<String>,
}

/// Why a code is worth nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum CodeRefused {
    /// Nobody was given it.
    Unknown,
    /// It was used before, or is too old.
    Expired,
}

/// The codes that were given out.
#[derive(Debug, Default)]
pub(crate) struct Codes {
    by_code: Mutex<HashMap<String, Issued>>,
}

#[derive(Debug)]
struct Issued {
    at: DateTime<Utc>,
    /// Gone once the code was used.
    authorized: Option<Authorized>,
    app: String,
}

impl Codes {
    pub(crate) fn issue(&self, authorized: Authorized, now: DateTime<Utc>) -> String {
        let code = format!("aPrx{}", opaque::<48>());
        let mut codes = self.by_code.lock().unwrap_or_else(PoisonError::into_inner);
        // Old codes are remembered a while, to be called expired and not unknown.
        codes.retain(|_, issued| now - issued.at < LIFETIME * 4);
        let app = authorized.app.clone();
        codes.insert(
            code.clone(),
            Issued {
                at: now,
                authorized: Some(authorized),
                app,
            },
        );
        code
    }

    /// Uses a code up, whatever comes of it; another app's code stays as it is.
    pub(crate) fn redeem(
        &self,
        code: &str,
        app: &str,
        now: DateTime<Utc>,
    ) -> Result<Authorized, CodeRefused> {
        let mut codes = self.by_code.lock().unwrap_or_else(PoisonError::into_inner);
        let issued = codes
            .get_mut(code)
            .filter(|issued| issued.app == app)
            .ok_or(CodeRefused::Unknown)?;
        let authorized = issued.authorized.take().ok_or(CodeRefused::Expired)?;
        if now - issued.at >= LIFETIME {
            return Err(CodeRefused::Expired);
        }
        Ok(authorized)
    }
}
