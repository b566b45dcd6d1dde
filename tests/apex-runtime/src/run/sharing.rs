//! With whose rights the running code reads and writes: sharing of classes, user mode and system mode (Apex
//! Developer Guide, "Using the with sharing, without sharing, and inherited sharing Keywords"; "Enforce User
//! Mode for Database Operations").

use super::{Machine, Run};
use crate::host::AccessMode;
use crate::program::CURRENT_API_VERSION;
use crate::types::ClassId;

/// From this version on data access runs in user mode unless the code says otherwise, and a class that
/// declares nothing runs with sharing.
const USER_MODE_BY_DEFAULT: u32 = 67;

/// What a class says about sharing.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Declared {
    With,
    Without,
    Inherited,
    Nothing,
}

impl Machine<'_> {
    fn api_version(&self, class: ClassId) -> u32 {
        let file = &self.program.classes.class(class).file;
        self.program
            .versions
            .get(file)
            .copied()
            .unwrap_or(CURRENT_API_VERSION)
    }

    /// Triggers and anonymous blocks live in classes that no program can name.
    fn is_trigger(&self, class: ClassId) -> bool {
        self.program.triggers.iter().any(|t| t.class == class)
    }

    /// A class takes its setting from its superclass, never from the class around it.
    fn declared_sharing(&self, class: ClassId) -> Declared {
        let classes = &self.program.classes;
        for ancestor in classes.lineage(class) {
            let modifiers = &classes.class(ancestor).modifiers;
            if modifiers.has("with sharing") {
                return Declared::With;
            }
            if modifiers.has("without sharing") {
                return Declared::Without;
            }
            if modifiers.has("inherited sharing") {
                return Declared::Inherited;
            }
        }
        Declared::Nothing
    }

    /// Whether row access counts for the code that runs.
    pub fn sharing(&self) -> bool {
        for call in self.calls.iter().rev() {
            if self.is_trigger(call.class) {
                return false;
            }
            match self.declared_sharing(call.class) {
                Declared::With => return true,
                Declared::Without => return false,
                Declared::Inherited => {}
                // Anonymous blocks always run with sharing.
                Declared::Nothing
                    if self.is_hidden(call.class) || self.api_version(call.class) >= USER_MODE_BY_DEFAULT =>
                {
                    return true;
                }
                Declared::Nothing => {}
            }
        }
        // Where a transaction starts in code that takes its caller's setting: `inherited sharing` means with
        // sharing there, and a class that says nothing means without.
        self.calls
            .first()
            .is_some_and(|call| self.declared_sharing(call.class) == Declared::Inherited)
    }

    fn is_hidden(&self, class: ClassId) -> bool {
        self.program.classes.class(class).simple_name.starts_with(' ')
    }

    /// The mode of a query or DML operation that names none.
    pub fn default_access(&self) -> AccessMode {
        match self.calls.last() {
            Some(call)
                if !self.is_trigger(call.class) && self.api_version(call.class) >= USER_MODE_BY_DEFAULT =>
            {
                AccessMode::User
            }
            _ => AccessMode::System,
        }
    }

    /// The mode a statement asks for, or else the running code's, and whether row access counts.
    pub(crate) fn access(&self, asked: Option<bool>) -> (AccessMode, bool) {
        let access = match asked {
            Some(true) => AccessMode::User,
            Some(false) => AccessMode::System,
            None => self.default_access(),
        };
        (access, access == AccessMode::User || self.sharing())
    }

    /// Takes `WITH USER_MODE` and its like out of a query: they belong to Apex, not to the org's SOQL.
    pub(crate) fn query_access(&self, text: &str, asked: Option<bool>) -> Run<(String, AccessMode, bool)> {
        let (text, clause) = without_access_clause(text);
        let (access, sharing) = match clause.as_deref() {
            Some("USER_MODE") if asked != Some(false) => self.access(Some(true)),
            Some("SYSTEM_MODE") if asked != Some(true) => self.access(Some(false)),
            Some("SECURITY_ENFORCED") if asked.is_none() => (AccessMode::SecurityEnforced, self.sharing()),
            Some(clause) => {
                return Err(self.not_supported(format!("an access level beside WITH {clause}")));
            }
            None => self.access(asked),
        };
        Ok((text, access, sharing))
    }
}

/// The text without `WITH USER_MODE`, `WITH SYSTEM_MODE` or `WITH SECURITY_ENFORCED`, and which it was.
/// Literals in quotes are passed over.
fn without_access_clause(text: &str) -> (String, Option<String>) {
    let mut words: Vec<(usize, usize)> = Vec::new();
    let mut start = None;
    let mut quoted = false;
    let mut escaped = false;
    for (at, c) in text.char_indices() {
        if quoted {
            quoted = escaped || c != '\'';
            escaped = !escaped && c == '\\';
            continue;
        }
        if c.is_alphanumeric() || c == '_' {
            start.get_or_insert(at);
            continue;
        }
        if let Some(from) = start.take() {
            words.push((from, at));
        }
        quoted = c == '\'';
    }
    if let Some(from) = start {
        words.push((from, text.len()));
    }
    for (with, mode) in words.iter().zip(words.iter().skip(1)) {
        let word =
            |(from, to): &(usize, usize)| text.get(*from..*to).unwrap_or_default().to_ascii_uppercase();
        let clause = word(mode);
        if word(with) == "WITH"
            && matches!(clause.as_str(), "USER_MODE" | "SYSTEM_MODE" | "SECURITY_ENFORCED")
        {
            let before = text.get(..with.0).unwrap_or_default().trim_end();
            let after = text.get(mode.1..).unwrap_or_default();
            return (format!("{before}{after}"), Some(clause));
        }
    }
    (text.to_owned(), None)
}
