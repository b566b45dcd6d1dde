//! Codes that open a record's page once, and the templates that partners made for such pages.

use serde::{Deserialize, Serialize};

use crate::Instant;
use crate::id::{ConnectionId, MappingId, SalesforceId};
use crate::ports::StoreError;
use crate::ports::packages::CodeHash;

/// Codes and templates of embedded pages.
pub trait Embeds {
    /// Keeps a code by its hash, and forgets those of the connection that expired before `forget`.
    fn add_embed_code(&mut self, new: &EmbedCode, forget: Instant) -> Result<(), StoreError>;

    /// A code, also one that expired or was used a while ago.
    fn embed_code(&mut self, code: &CodeHash) -> Result<Option<EmbedCode>, StoreError>;

    /// Uses a code up. True for whoever is the first, and for nobody else.
    fn use_embed_code(&mut self, code: &CodeHash, at: Instant) -> Result<bool, StoreError>;

    /// A connection's templates, by name and site.
    fn embed_templates(&mut self, connection: ConnectionId) -> Result<Vec<EmbedTemplate>, StoreError>;

    /// The template of a name for a site, or for every site.
    fn embed_template(
        &mut self,
        connection: ConnectionId,
        name: &str,
        site: Option<&str>,
    ) -> Result<Option<EmbedTemplate>, StoreError>;

    /// Adds or replaces a template.
    fn put_embed_template(
        &mut self,
        connection: ConnectionId,
        template: &EmbedTemplate,
    ) -> Result<(), StoreError>;

    /// Removes a template; answers whether there was one.
    fn remove_embed_template(
        &mut self,
        connection: ConnectionId,
        name: &str,
        site: Option<&str>,
    ) -> Result<bool, StoreError>;
}

/// A code that opens one page, once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EmbedCode {
    /// Its hash.
    pub code: CodeHash,
    /// Connection.
    pub connection: ConnectionId,
    /// When it is of no use any more.
    pub expires_at: Instant,
    /// What it opens.
    pub opens: Opening,
}

/// The record whose page a code opens.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct OpenedRecord {
    /// Its mapping.
    pub mapping: MappingId,
    /// The record.
    pub salesforce_id: SalesforceId,
}

/// What a code opens, and for whom.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Opening {
    /// The record; none for the page that shows that pages are shown.
    #[serde(flatten)]
    pub record: Option<OpenedRecord>,
    /// Client that asked for the code.
    pub client: String,
    /// Name of the template; none for the built-in one.
    pub frame_name: Option<String>,
    /// The partner's site whose template is taken.
    pub site_key: Option<String>,
    /// Language of the page: `en` or `de`.
    pub language: String,
    /// Origins of the org's pages that may frame it.
    pub origins: Vec<String>,
}

/// A page that a partner made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EmbedTemplate {
    /// Name, by which an org's settings choose it.
    pub name: String,
    /// The site it is for; none for every site that has none of its own.
    pub site: Option<String>,
    /// HTML with placeholders.
    pub html: String,
    /// When it was last put.
    pub updated_at: Instant,
}
