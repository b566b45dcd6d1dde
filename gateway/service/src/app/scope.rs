//! What a token may allow.

/// A right that a client can have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Scope {
    /// Push changes from Salesforce.
    SalesforceWrite,
    /// Read records and their changes.
    RecordsRead,
    /// See sync runs.
    SyncsRead,
    /// Start sync runs.
    SyncsWrite,
    /// Read the log, field histories and held records.
    LogsRead,
    /// Read the connection's settings and mappings.
    ConnectionRead,
}

impl Scope {
    /// Every scope.
    pub const ALL: [Scope; 6] = [
        Scope::SalesforceWrite,
        Scope::RecordsRead,
        Scope::SyncsRead,
        Scope::SyncsWrite,
        Scope::LogsRead,
        Scope::ConnectionRead,
    ];

    /// The scope as tokens and settings spell it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Scope::SalesforceWrite => "salesforce:write",
            Scope::RecordsRead => "records:read",
            Scope::SyncsRead => "syncs:read",
            Scope::SyncsWrite => "syncs:write",
            Scope::LogsRead => "logs:read",
            Scope::ConnectionRead => "connection:read",
        }
    }

    /// The scope of this spelling.
    pub fn parse(text: &str) -> Option<Scope> {
        Scope::ALL.into_iter().find(|scope| scope.as_str() == text)
    }
}
