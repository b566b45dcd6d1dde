//! The partner's page of a record inside an org: a code that opens it once, the short session of the page that it
//! opened, and the templates that partners make.

mod code;
mod session;
pub mod templates;

use std::sync::Arc;

use causeway_core::Instant;
use causeway_core::embed::origins;
use causeway_core::id::{ConnectionId, MappingId, SalesforceId};
use causeway_core::mapping::MappingPlan;
use causeway_core::ports::connections::Connection;
use causeway_core::ports::embeds::{EmbedCode, EmbedTemplate, OpenedRecord, Opening};
use causeway_core::ports::{Lane, StoreError, Transaction};
use chrono::TimeDelta;

use crate::app::App;
use crate::app::read::panel::{self, Panel};
use crate::app::scope::Scope;
use crate::vault::VaultError;

pub use code::{PageCode, random_text};
pub use session::Session;

/// The page that is shown where no template is chosen, or the chosen one is not there.
pub const BUILT_IN: &str = "record";

/// How long a code waits to be opened.
const CODE_LIVES: TimeDelta = TimeDelta::seconds(60);

/// How long used and expired codes are remembered: whoever comes with one is told so inside the org's frame.
const CODE_KEPT: TimeDelta = TimeDelta::days(1);

/// How long a page may ask for its record again.
const SESSION_LIVES: TimeDelta = TimeDelta::minutes(15);

/// What is asked for when a user opens a record, or an admin tests whether pages are shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CodeRequest {
    /// sObject and record; none for the page that shows that pages are shown.
    pub record: Option<(String, SalesforceId)>,
    /// Name of the template; none stands for the one that the org's admin set.
    pub frame_name: Option<String>,
    /// The partner's site; none stands for the one that the org's admin set.
    pub site_key: Option<String>,
    /// Language: `en` or `de`.
    pub language: String,
    /// Origins of the pages that will frame it; none named stands for all of the org's.
    pub origins: Vec<String>,
}

/// A code that was made.
#[derive(Debug)]
pub struct Minted {
    /// The code. It is shown once, in an address that is of use once.
    pub code: PageCode,
    /// When it is of no use any more.
    pub expires_at: Instant,
}

/// Why no code is given.
#[derive(Debug, thiserror::Error)]
pub enum MintError {
    /// The record is not linked with a partner record.
    #[error("the record is not linked with a record of the partner")]
    NotLinked,
    /// Where the org shows its pages is not known yet.
    #[error("the gateway has not heard from the org yet, so it does not know its pages")]
    OrgNotKnown,
    /// None of the origins is the org's.
    #[error("none of these origins is one of the connection's org; those are: {}", of_org.join(", "))]
    ForeignOrigins {
        /// Origins of the org.
        of_org: Vec<String>,
    },
    /// The system gives no randomness.
    #[error("the system gives no random numbers")]
    NoRandomness,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Makes a code that opens a page once, soon.
///
/// # Errors
/// [`MintError`].
pub async fn mint(
    app: &App,
    connection: &Connection,
    client: &str,
    request: CodeRequest,
) -> Result<Minted, MintError> {
    let of_org = origins::of_org(connection.instance_url.as_deref().unwrap_or_default());
    if of_org.is_empty() {
        return Err(MintError::OrgNotKnown);
    }
    let framing = origins::narrowed(of_org.clone(), &request.origins);
    if framing.is_empty() {
        return Err(MintError::ForeignOrigins { of_org });
    }
    let code = PageCode::generate().ok_or(MintError::NoRandomness)?;
    let now = app.clock.now();
    let expires_at = now + CODE_LIVES;
    let (hash, connection, client) = (code.hash(), connection.id, client.to_owned());
    app.store
        .write(Lane::Interactive, move |tx| {
            let record = match &request.record {
                None => None,
                Some((object, id)) => {
                    let Some(record) = linked_record(tx, connection, object, *id)? else {
                        return Ok(Err(MintError::NotLinked));
                    };
                    Some(record)
                }
            };
            let set = tx.settings(connection)?;
            let new = EmbedCode {
                code: hash.clone(),
                connection,
                expires_at,
                opens: Opening {
                    record: record.clone(),
                    client: client.clone(),
                    frame_name: request.frame_name.clone().or(set.frame_name),
                    site_key: request.site_key.clone().or(set.micro_site_key),
                    language: request.language.clone(),
                    origins: framing.clone(),
                },
            };
            tx.add_embed_code(&new, now - CODE_KEPT)?;
            Ok(Ok(()))
        })
        .await??;
    Ok(Minted { code, expires_at })
}

fn linked_record(
    tx: &mut dyn Transaction,
    connection: ConnectionId,
    object: &str,
    id: SalesforceId,
) -> Result<Option<OpenedRecord>, StoreError> {
    let found = panel::found(tx, connection, object, id)?;
    Ok(found.and_then(|(plan, linked)| {
        linked?.link.record?;
        Some(OpenedRecord {
            mapping: plan.mapping,
            salesforce_id: id,
        })
    }))
}

/// What an address that holds a code leads to.
#[derive(Debug)]
pub enum Opened {
    /// The page.
    Page(Box<Page>),
    /// The page that shows that pages are shown.
    Test {
        /// Origins that may frame it.
        origins: Vec<String>,
        /// Its language.
        language: String,
    },
    /// The code was used before, has expired, was never made, or is not worth anything any more.
    Gone {
        /// Origins that may frame the answer, and its language, where the code is known.
        known: Option<(Vec<String>, String)>,
    },
}

/// A page to show.
#[derive(Debug)]
pub struct Page {
    /// What it shows.
    pub content: Content,
    /// Origins that may frame it.
    pub origins: Vec<String>,
    /// What the page asks for its record with from now on.
    pub bearer: String,
}

/// What a page shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Content {
    /// The record.
    pub panel: Panel,
    /// The partner's template; none for the built-in page.
    pub template: Option<EmbedTemplate>,
    /// Language.
    pub language: String,
    /// What lets the template's own style through.
    pub style_nonce: String,
}

/// Why a page cannot be opened, or its record not be read again.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The session is over, or is none.
    #[error("the page's session is over")]
    SessionOver,
    /// The system gives no randomness, or a session could not be sealed.
    #[error(transparent)]
    Vault(#[from] VaultError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Opens a page by its code, and uses the code up. `style_nonce` lets the page's style through.
///
/// # Errors
/// [`OpenError`]; a code that is of no use is none.
pub async fn open(app: &App, code: &str, style_nonce: &str) -> Result<Opened, OpenError> {
    let Some(hash) = PageCode::parse(code).map(|code| code.hash()) else {
        return Ok(Opened::Gone { known: None });
    };
    let asked = hash.clone();
    // Whoever tries codes costs a reading, and no writing.
    let Some(code) = app.store.read(move |tx| tx.embed_code(&asked)).await? else {
        return Ok(Opened::Gone { known: None });
    };
    let now = app.clock.now();
    let (connection, opens) = (code.connection, code.opens);
    let origins = opens.origins.clone();
    let gone = Opened::Gone {
        known: Some((opens.origins.clone(), opens.language.clone())),
    };
    let is_expired = code.expires_at <= now;
    let Some(record) = opens.record else {
        let is_first = app
            .store
            .write(Lane::Interactive, move |tx| tx.use_embed_code(&hash, now))
            .await?;
        return Ok(if is_first && !is_expired {
            Opened::Test {
                origins,
                language: opens.language,
            }
        } else {
            gone
        });
    };
    let session = Session {
        connection,
        mapping: record.mapping,
        salesforce_id: record.salesforce_id,
        client: opens.client,
        frame_name: opens.frame_name,
        site_key: opens.site_key,
        language: opens.language,
        style_nonce: style_nonce.to_owned(),
        expires_at: now + SESSION_LIVES,
    };
    let bearer = session.seal(&app.vault)?;
    let content = app
        .store
        .write(Lane::Interactive, move |tx| {
            let is_first = tx.use_embed_code(&hash, now)?;
            if !is_first || is_expired {
                return Ok(None);
            }
            content(tx, &session)
        })
        .await?;
    Ok(match content {
        Some(content) => Opened::Page(Box::new(Page {
            content,
            origins,
            bearer,
        })),
        None => gone,
    })
}

/// What a page shows now.
///
/// # Errors
/// [`OpenError::SessionOver`] for a bearer that is of no use any more.
pub async fn again(app: &App, bearer: &str) -> Result<Content, OpenError> {
    let session = Session::open(&app.vault, bearer)
        .filter(|session| session.expires_at > app.clock.now())
        .ok_or(OpenError::SessionOver)?;
    let found = app.store.read(move |tx| content(tx, &session)).await?;
    found.ok_or(OpenError::SessionOver)
}

/// What a session's page shows. None where the client that asked for it may not any more.
fn content(tx: &mut dyn Transaction, session: &Session) -> Result<Option<Content>, StoreError> {
    let client = tx.client(&session.client)?;
    let may = client.is_some_and(|client| {
        client.connection == session.connection
            && client.revoked_at.is_none()
            && client
                .scopes
                .iter()
                .any(|scope| scope == Scope::EmbedWrite.as_str())
    });
    let is_on = tx
        .connection(session.connection)?
        .is_some_and(|connection| connection.enabled);
    if !may || !is_on {
        return Ok(None);
    }
    let Some(plan) = plan(tx, session.connection, session.mapping)? else {
        return Ok(None);
    };
    let id = session.salesforce_id;
    let linked = tx.linked(session.connection, plan.mapping, &[id])?.remove(&id);
    let panel = panel::panel_of(tx, session.connection, &plan, linked, id)?;
    let template = match &session.frame_name {
        None => None,
        Some(name) => templates::chosen(tx, session.connection, name, session.site_key.as_deref())?,
    };
    Ok(Some(Content {
        panel,
        template,
        language: session.language.clone(),
        style_nonce: session.style_nonce.clone(),
    }))
}

fn plan(
    tx: &mut dyn Transaction,
    connection: ConnectionId,
    mapping: MappingId,
) -> Result<Option<Arc<MappingPlan>>, StoreError> {
    let plans = tx.plans(connection)?;
    Ok(plans.iter().find(|plan| plan.mapping == mapping).map(Arc::clone))
}
