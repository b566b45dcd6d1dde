//! Scopes as types, so that a handler names in its signature what it needs.

use crate::app::scope::Scope;

/// Names a scope in a type.
pub trait ScopeMark: 'static {
    /// The scope.
    const SCOPE: Scope;
}

macro_rules! marks {
    ($($name:ident)*) => {$(
        #[doc = concat!("Marks what needs [`Scope::", stringify!($name), "`].")]
        #[derive(Debug, Clone, Copy)]
        pub struct $name;

        impl ScopeMark for $name {
            const SCOPE: Scope = Scope::$name;
        }
    )*};
}

marks!(
    SalesforceWrite RecordsRead RecordsWrite SyncsRead SyncsWrite LogsRead DecisionsWrite ConnectionRead
    ConnectionWrite EmbedWrite EmbedTemplates
);
