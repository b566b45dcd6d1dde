//! Texts that a database cannot hold.
//!
//! PostgreSQL refuses NUL characters in its texts, as parameters too, and cannot look into JSON that spells one as
//! `\u0000`. So no such text is stored, on either engine, and a question for one is answered without the database:
//! nothing can match.

use causeway_core::ports::StoreError;

use crate::error::unexpected;

/// Whether these texts may stand in the database, and so may be asked for.
pub(crate) fn is_storable<T: AsRef<str>>(texts: impl IntoIterator<Item = T>) -> bool {
    !texts.into_iter().any(|text| text.as_ref().contains('\0'))
}

/// Refuses to store a text with a NUL character. Callers let none through; one that comes here is a defect.
pub(crate) fn refuse_unstorable<T: AsRef<str>>(
    what: &str,
    texts: impl IntoIterator<Item = T>,
) -> Result<(), StoreError> {
    if is_storable(texts) {
        Ok(())
    } else {
        Err(unexpected(format!(
            "the {what} has a NUL character, which cannot be stored; it should have been refused earlier"
        )))
    }
}
