//! Templates that partners make: checked when they are put, so that an org's users never meet a broken one.

use std::collections::BTreeSet;

use causeway_core::embed::template::{BESIDE_FIELDS, Template};
use causeway_core::id::ConnectionId;
use causeway_core::ports::embeds::EmbedTemplate;
use causeway_core::ports::{Lane, StoreError, Transaction};

use super::BUILT_IN;
use crate::app::App;

/// Characters that a name or a site has at most.
pub const LONGEST_NAME: usize = 80;

/// Bytes that a template has at most.
pub const LONGEST_HTML: usize = 64 * 1024;

/// Why a template is not taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TemplateError {
    /// The name is the built-in page's, or no name.
    #[error(
        "must be 1 to {LONGEST_NAME} characters without spaces around them, and not {BUILT_IN:?}, which is the \
         gateway's own page"
    )]
    Name,
    /// The site is no name.
    #[error("must be 1 to {LONGEST_NAME} characters without spaces around them, or null")]
    Site,
    /// The template is too large.
    #[error("has {0} bytes; at most {LONGEST_HTML} are taken")]
    TooLarge(usize),
    /// It cannot be read.
    #[error("{0}")]
    Unreadable(String),
    /// It has placeholders that nothing fills.
    #[error("nothing fills {}; what does: {}", braced(unknown), known.join(", "))]
    Unknown {
        /// The placeholders.
        unknown: Vec<String>,
        /// Placeholders that are filled.
        known: Vec<String>,
    },
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

fn braced(names: &[String]) -> String {
    let braced: Vec<String> = names.iter().map(|name| format!("{{{{{name}}}}}")).collect();
    braced.join(", ")
}

/// Puts a template in the place of the one of the same name and site.
///
/// # Errors
/// [`TemplateError`]; the one before stays then.
pub async fn put(
    app: &App,
    connection: ConnectionId,
    name: &str,
    site: Option<String>,
    html: String,
) -> Result<EmbedTemplate, TemplateError> {
    if !is_name(name) || name == BUILT_IN {
        return Err(TemplateError::Name);
    }
    if site.as_deref().is_some_and(|site| !is_name(site)) {
        return Err(TemplateError::Site);
    }
    if html.len() > LONGEST_HTML {
        return Err(TemplateError::TooLarge(html.len()));
    }
    let known = app.store.read(move |tx| placeholders(tx, connection)).await?;
    let template =
        Template::parse(&html).map_err(|problem| TemplateError::Unreadable(problem.to_string()))?;
    let unknown: Vec<String> = template
        .placeholders()
        .into_iter()
        .filter(|name| !known.contains(*name))
        .map(|name| name.chars().take(LONGEST_NAME).collect())
        .collect();
    if !unknown.is_empty() {
        return Err(TemplateError::Unknown {
            unknown,
            known: known.into_iter().collect(),
        });
    }
    let template = EmbedTemplate {
        name: name.to_owned(),
        site,
        html,
        updated_at: app.clock.now(),
    };
    let put = template.clone();
    app.store
        .write(Lane::Interactive, move |tx| {
            tx.put_embed_template(connection, &put)
        })
        .await?;
    Ok(template)
}

/// A connection's templates, by name and site.
///
/// # Errors
/// When the store fails.
pub async fn all(app: &App, connection: ConnectionId) -> Result<Vec<EmbedTemplate>, StoreError> {
    app.store.read(move |tx| tx.embed_templates(connection)).await
}

/// Removes a template; answers whether there was one.
///
/// # Errors
/// When the store fails.
pub async fn remove(
    app: &App,
    connection: ConnectionId,
    name: String,
    site: Option<String>,
) -> Result<bool, StoreError> {
    app.store
        .write(Lane::Interactive, move |tx| {
            tx.remove_embed_template(connection, &name, site.as_deref())
        })
        .await
}

/// The template for a site; else the one for every site; else none, which is the built-in page.
pub(super) fn chosen(
    tx: &mut dyn Transaction,
    connection: ConnectionId,
    name: &str,
    site: Option<&str>,
) -> Result<Option<EmbedTemplate>, StoreError> {
    if site.is_some()
        && let Some(of_site) = tx.embed_template(connection, name, site)?
    {
        return Ok(Some(of_site));
    }
    tx.embed_template(connection, name, None)
}

/// What a template may name: the partner fields of every mapped object, since one template serves several, and what
/// stands beside them.
fn placeholders(tx: &mut dyn Transaction, connection: ConnectionId) -> Result<BTreeSet<String>, StoreError> {
    let plans = tx.plans(connection)?;
    Ok(plans
        .iter()
        .flat_map(|plan| plan.synced_fields())
        .map(|field| field.partner.clone())
        .chain(BESIDE_FIELDS.map(str::to_owned))
        .collect())
}

fn is_name(text: &str) -> bool {
    (1..=LONGEST_NAME).contains(&text.chars().count())
        && text.trim() == text
        && !text.chars().any(char::is_control)
}
