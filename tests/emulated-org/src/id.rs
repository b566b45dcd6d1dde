//! Record ids: 15 case-sensitive characters, or 18 with a checksum that survives case-folding.

use std::fmt;

/// The id of one record, always held in its 18-character form.
///
/// Ids order as Salesforce hands them out: by prefix, then by serial number in base 62.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RecordId([u8; 18]);

impl RecordId {
    /// Below every id.
    pub(crate) const MIN: Self = Self([b'0'; 18]);
    /// Above every id.
    pub(crate) const MAX: Self = Self([b'z'; 18]);

    /// Reads an id of 15 or 18 characters; `None` if the length, a character or the checksum is wrong.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let bytes = text.as_bytes();
        if !bytes.iter().all(u8::is_ascii_alphanumeric) {
            return None;
        }
        let case_sensitive: [u8; 15] = bytes.get(..15)?.try_into().ok()?;
        let id = Self::with_checksum(case_sensitive);
        let given = bytes.get(15..)?;
        match given.len() {
            0 => Some(id),
            3 if id.0.ends_with(given) => Some(id),
            _ => None,
        }
    }

    /// The `serial`-th id behind a key prefix in the organisation numbered `pod`.
    ///
    /// `None` if the prefix has not three characters, or the serial number does not fit.
    #[must_use]
    pub fn from_serial(prefix: &str, pod: u16, serial: u64) -> Option<Self> {
        let prefix: [u8; 3] = prefix.as_bytes().try_into().ok()?;
        if !prefix.iter().all(u8::is_ascii_alphanumeric) {
            return None;
        }
        let mut bytes = [b'0'; 15];
        let (head, rest) = bytes.split_at_mut(3);
        head.copy_from_slice(&prefix);
        // Two characters name the pod, one is reserved, nine count.
        let (pod_part, serial_part) = rest.split_at_mut(3);
        write_base62(pod_part.get_mut(..2)?, u64::from(pod))?;
        write_base62(serial_part, serial)?;
        Some(Self::with_checksum(bytes))
    }

    /// The 18-character form.
    #[must_use]
    pub fn as_str(&self) -> &str {
        // Ids are made of ASCII letters and digits alone, so this cannot fail.
        std::str::from_utf8(&self.0).unwrap_or_default()
    }

    /// The first three characters, which name the object.
    #[must_use]
    pub fn prefix(&self) -> &str {
        self.as_str().get(..3).unwrap_or_default()
    }

    /// The case-sensitive form of 15 characters.
    #[must_use]
    pub fn as_str15(&self) -> &str {
        self.as_str().get(..15).unwrap_or_default()
    }

    fn with_checksum(case_sensitive: [u8; 15]) -> Self {
        const ALPHABET: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ012345";
        let mut id = [0_u8; 18];
        let (body, checksum) = id.split_at_mut(15);
        body.copy_from_slice(&case_sensitive);
        for (chunk, check) in case_sensitive.chunks(5).zip(checksum) {
            let upper = chunk.iter().rev().fold(0_usize, |bits, byte| {
                bits << 1 | usize::from(byte.is_ascii_uppercase())
            });
            *check = ALPHABET.get(upper).copied().unwrap_or_default();
        }
        Self(id)
    }
}

impl fmt::Debug for RecordId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

impl fmt::Display for RecordId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

/// Base 62 in ASCII order, so that ids sort as numbers do.
fn write_base62(target: &mut [u8], mut number: u64) -> Option<()> {
    const DIGITS: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    for place in target.iter_mut().rev() {
        *place = *DIGITS.get(usize::try_from(number % 62).ok()?)?;
        number /= 62;
    }
    (number == 0).then_some(())
}

#[cfg(test)]
mod tests {
    use super::RecordId;

    #[test]
    fn fifteen_characters_gain_the_documented_checksum() {
        for (short, checksum) in [
            ("001ZM000001n4n5", "YAA"),
            ("0018a00001rBqb8", "AAC"),
            ("000000000000000", "AAA"),
        ] {
            let id = RecordId::parse(short).expect("a valid id");
            assert_eq!(id.as_str(), format!("{short}{checksum}"));
            assert_eq!(RecordId::parse(id.as_str()), Some(id));
        }
    }

    #[test]
    fn wrong_length_character_or_checksum_is_no_id() {
        for text in [
            "",
            "001",
            "001ZM000001n4n5YAB",
            "001ZM000001n4n5Y",
            "001ZM000001n4n-",
            "001ZM000001n4nü",
        ] {
            assert_eq!(RecordId::parse(text), None, "{text}");
        }
    }

    #[test]
    fn serial_ids_sort_by_number() {
        let ids: Vec<_> = [0, 9, 10, 35, 36, 61, 62, 3843, 3844, 1_000_000]
            .map(|n| RecordId::from_serial("003", 7, n))
            .into();
        assert!(ids.iter().all(Option::is_some));
        assert!(ids.is_sorted());
        assert_eq!(RecordId::from_serial("003", 7, u64::MAX), None);
        assert_eq!(RecordId::from_serial("03", 7, 1), None);
    }
}
