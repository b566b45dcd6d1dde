//! Permission sets, profiles, record types and queues from SFDX source.

use super::AccessError;
use crate::org::Org;
use crate::schema::sfdx::{AccessSource, SfdxError};

/// The profiles whose files have another name than the organisation shows.
///
/// Source: Salesforce Metadata API Developer Guide, `Profile`.
const NAMES_OF_PROFILES: [(&str, &str); 3] = [
    ("Admin", "System Administrator"),
    ("Standard", "Standard User"),
    (
        "Minimum Access - API Only Integrations",
        "Minimum Access - API Only Integrations",
    ),
];

/// The name that the organisation shows of the profile of a file.
pub(crate) fn shown_profile(file: &str) -> &str {
    let shown = NAMES_OF_PROFILES.iter().find(|(known, _)| *known == file);
    shown.map_or(file, |(_, shown)| shown)
}

/// Takes over what the source says of access.
pub(crate) fn adopt(org: &Org, source: &AccessSource) -> Result<(), SfdxError> {
    let refused = |path: &std::path::Path, error: AccessError| SfdxError::Invalid {
        path: path.to_owned(),
        reason: error.to_string(),
    };
    for (path, object, definition) in &source.record_types {
        org.add_record_type(object, definition)
            .map_err(|error| refused(path, error))?;
    }
    for (path, name, definition) in &source.permission_sets {
        org.add_permission_set(name, definition)
            .map_err(|error| refused(path, error))?;
    }
    for (path, name, definition) in &source.profiles {
        org.add_profile(shown_profile(name), definition)
            .map_err(|error| refused(path, error))?;
    }
    for (path, definition) in &source.queues {
        org.add_queue(definition).map_err(|error| refused(path, error))?;
    }
    Ok(())
}
