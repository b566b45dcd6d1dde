//! Identifiers, each its own type so that one can never stand in for another.

use std::fmt;

use serde::{Deserialize, Serialize};

macro_rules! numbered {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub i64);

        impl fmt::Display for $name {
            fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(out, "{}", self.0)
            }
        }
    };
}

numbered!(
    /// The owner of connections: one customer of the gateway.
    TenantId
);
numbered!(
    /// One Salesforce org linked with one partner account.
    ConnectionId
);
numbered!(
    /// An object mapping; its revisions share the id.
    MappingId
);
numbered!(
    /// A link between one Salesforce record and one partner record.
    LinkId
);
numbered!(
    /// A partner-side record as the gateway holds it. Numbered within its connection.
    RecordId
);
numbered!(
    /// One execution of a sync.
    RunId
);
numbered!(
    /// An entry of the inbox. Later entries have greater numbers.
    InboxId
);
numbered!(
    /// The place of a record's latest state in its connection's feed. Positions become visible in order.
    Position
);

/// A mapped field's id, stable over all revisions of its mapping and never given to another field.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct FieldId(pub u32);

impl FieldId {
    /// The owner of a record is agreed on like a field; mapped fields count from 1.
    pub const OWNER: FieldId = FieldId(0);
}

/// The revision of a mapping plan under which something was decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct PlanRevision(pub i64);

/// A Salesforce record id in its 18-character form.
///
/// The last three characters are a checksum over the case of the first fifteen, so that ids stay distinct in
/// systems that ignore case (Salesforce, Object Reference, "ID Field Type").
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SalesforceId([u8; 18]);

/// Why a text is no Salesforce id.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidSalesforceId {
    /// Neither 15 nor 18 characters, or characters other than ASCII letters and digits.
    #[error("a Salesforce id has 15 or 18 letters and digits")]
    Shape,
    /// The three closing characters do not fit the first fifteen.
    #[error(
        "the last three characters of this Salesforce id do not fit the first fifteen; was its case changed?"
    )]
    Checksum,
}

impl SalesforceId {
    /// Reads a 15- or 18-character id.
    ///
    /// # Errors
    /// [`InvalidSalesforceId`] when the text has another shape or a wrong checksum.
    pub fn parse(text: &str) -> Result<Self, InvalidSalesforceId> {
        let bytes = text.as_bytes();
        if !matches!(bytes.len(), 15 | 18) || !bytes.iter().all(u8::is_ascii_alphanumeric) {
            return Err(InvalidSalesforceId::Shape);
        }
        let mut id = [0u8; 18];
        for (slot, byte) in id.iter_mut().zip(bytes) {
            *slot = *byte;
        }
        let (body, checksum) = id.split_at_mut(15);
        for (chunk, slot) in body.chunks(5).zip(checksum.iter_mut()) {
            let case = chunk.iter().enumerate().fold(0u8, |bits, (at, byte)| {
                bits | (u8::from(byte.is_ascii_uppercase()) << at)
            });
            *slot = if case < 26 {
                b'A' + case
            } else {
                b'0' + (case - 26)
            };
        }
        if bytes.len() == 18 && id != *bytes {
            return Err(InvalidSalesforceId::Checksum);
        }
        Ok(SalesforceId(id))
    }

    /// The 18 characters.
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or_default()
    }
}

impl fmt::Display for SalesforceId {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.as_str())
    }
}

impl fmt::Debug for SalesforceId {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "SalesforceId({})", self.as_str())
    }
}

impl Serialize for SalesforceId {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for SalesforceId {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        SalesforceId::parse(&text).map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fifteen_characters_gain_the_published_checksum() {
        for (short, checksum) in [
            ("001ZM000001n4n5", "YAA"),
            ("0018a00001rBqb8", "AAC"),
            ("000000000000000", "AAA"),
        ] {
            let id = SalesforceId::parse(short).unwrap();
            assert_eq!(id.as_str(), format!("{short}{checksum}"));
            assert_eq!(SalesforceId::parse(id.as_str()), Ok(id));
        }
    }

    #[test]
    fn an_id_whose_case_was_lost_is_refused() {
        assert_eq!(
            SalesforceId::parse("001zm000001n4n5YAA"),
            Err(InvalidSalesforceId::Checksum)
        );
        assert_eq!(
            SalesforceId::parse("001ZM000001n4n"),
            Err(InvalidSalesforceId::Shape)
        );
        assert_eq!(
            SalesforceId::parse("001ZM000001n4é"),
            Err(InvalidSalesforceId::Shape)
        );
    }
}
