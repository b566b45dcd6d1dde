//! Who calls, on behalf of which connection, and what they may do.
//!
//! A request carries `Authorization: Bearer <JWT>`: either a token that the client signed itself, or an access
//! token that it got from `/oauth/token` for such a token. Both are checked in full on every request, and the
//! client is looked up each time, so that revoking one takes effect at once.

pub mod grant;
mod scope;
mod token;
mod verify;

use std::marker::PhantomData;

use actix_web::dev::Payload;
use actix_web::http::header;
use actix_web::{FromRequest, HttpMessage, HttpRequest, web};
use causeway_core::ports::connections::Connection;
use futures_util::future::LocalBoxFuture;

use super::HttpState;
use super::problem::{Problem, ProblemKind};

pub use scope::{
    ConnectionRead, ConnectionWrite, DecisionsWrite, EmbedTemplates, EmbedWrite, LogsRead, RecordsRead,
    RecordsWrite, SalesforceWrite, ScopeMark, SyncsRead, SyncsWrite,
};
pub use verify::{AccessToken, Caller, ExchangeError, Verifier};

/// A caller whose token carries the scope `S`. A handler that takes one cannot run without it.
#[derive(Debug)]
pub struct Authorized<S> {
    /// Who calls.
    pub caller: Caller,
    scope: PhantomData<S>,
}

impl<S> Authorized<S> {
    /// The connection that the caller acts for.
    pub fn connection(&self) -> &Connection {
        &self.caller.connection
    }
}

/// Which client a request came from, for the log.
#[derive(Debug, Clone)]
pub struct CallerName(pub String);

impl<S: ScopeMark> FromRequest for Authorized<S> {
    type Error = actix_web::Error;
    type Future = LocalBoxFuture<'static, Result<Self, Self::Error>>;

    fn from_request(request: &HttpRequest, _payload: &mut Payload) -> Self::Future {
        let request = request.clone();
        Box::pin(async move { authorize(&request).await.map_err(Into::into) })
    }
}

async fn authorize<S: ScopeMark>(request: &HttpRequest) -> Result<Authorized<S>, Problem> {
    let state = request
        .app_data::<web::Data<HttpState>>()
        .ok_or_else(|| Problem::internal("the HTTP state is missing"))?;
    let token = bearer(request)?;
    let caller = state.verifier.caller(&state.app, token).await?;
    request.extensions_mut().insert(CallerName(caller.client.clone()));
    if !caller.scopes.contains(&S::SCOPE) {
        return Err(Problem::new(
            ProblemKind::InsufficientScope,
            format!("this needs the scope {}", S::SCOPE.as_str()),
        ));
    }
    if !caller.connection.enabled {
        return Err(Problem::new(
            ProblemKind::ConnectionDisabled,
            "ask the gateway's operator to switch the connection on",
        ));
    }
    Ok(Authorized {
        caller,
        scope: PhantomData,
    })
}

/// The token of a request.
///
/// # Errors
/// [`ProblemKind::MissingToken`] without the header, [`ProblemKind::MalformedToken`] for another scheme.
pub fn bearer(request: &HttpRequest) -> Result<&str, Problem> {
    let header = request
        .headers()
        .get(header::AUTHORIZATION)
        .ok_or_else(|| Problem::new(ProblemKind::MissingToken, "send Authorization: Bearer and a JWT"))?;
    let malformed = || {
        Problem::new(
            ProblemKind::MalformedToken,
            "send Authorization: Bearer and a JWT",
        )
    };
    let (scheme, token) = header
        .to_str()
        .ok()
        .and_then(|text| text.split_once(' '))
        .ok_or_else(malformed)?;
    if !scheme.eq_ignore_ascii_case("bearer") {
        return Err(malformed());
    }
    Ok(token.trim())
}
