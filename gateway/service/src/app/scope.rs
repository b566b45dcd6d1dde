//! What a token may allow.

/// A right that a client can have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Scope {
    /// Push changes from Salesforce.
    SalesforceWrite,
    /// Read records and their changes.
    RecordsRead,
    /// Make, edit and delete records.
    RecordsWrite,
    /// See sync runs.
    SyncsRead,
    /// Start sync runs.
    SyncsWrite,
    /// Read the log, field histories, conflicts and held records.
    LogsRead,
    /// Decide what waits for a person: bring back values that lost, retry held records, answer what a delete does.
    DecisionsWrite,
    /// Read the connection's settings and mappings.
    ConnectionRead,
    /// Change the connection's settings.
    ConnectionWrite,
    /// Open the partner's page of a record inside Salesforce.
    EmbedWrite,
    /// Make the pages that are shown inside Salesforce.
    EmbedTemplates,
}

impl Scope {
    /// Every scope.
    pub const ALL: [Scope; 11] = [
        Scope::SalesforceWrite,
        Scope::RecordsRead,
        Scope::RecordsWrite,
        Scope::SyncsRead,
        Scope::SyncsWrite,
        Scope::LogsRead,
        Scope::DecisionsWrite,
        Scope::ConnectionRead,
        Scope::ConnectionWrite,
        Scope::EmbedWrite,
        Scope::EmbedTemplates,
    ];

    /// The scope as tokens and settings spell it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Scope::SalesforceWrite => "salesforce:write",
            Scope::RecordsRead => "records:read",
            Scope::RecordsWrite => "records:write",
            Scope::SyncsRead => "syncs:read",
            Scope::SyncsWrite => "syncs:write",
            Scope::LogsRead => "logs:read",
            Scope::DecisionsWrite => "decisions:write",
            Scope::ConnectionRead => "connection:read",
            Scope::ConnectionWrite => "connection:write",
            Scope::EmbedWrite => "embed:write",
            Scope::EmbedTemplates => "embed:templates",
        }
    }

    /// The scope of this spelling.
    pub fn parse(text: &str) -> Option<Scope> {
        Scope::ALL.into_iter().find(|scope| scope.as_str() == text)
    }
}
