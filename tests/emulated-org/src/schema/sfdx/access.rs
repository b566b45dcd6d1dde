//! Reads permission sets, profiles, record types and queues.
//!
//! Source: Salesforce Metadata API Developer Guide, `PermissionSet`, `Profile`, `RecordType` and `Queue`.

use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::source::{self, Source};
use super::{SfdxError, metadata};
use crate::access::{PermissionSetDefinition, QueueDefinition, RecordTypeDefinition};

/// What a source says of access, each with its file.
#[derive(Clone, Debug, Default)]
pub(crate) struct AccessSource {
    /// With the name.
    pub(crate) permission_sets: Vec<(PathBuf, String, PermissionSetDefinition)>,
    /// With the name of the file.
    pub(crate) profiles: Vec<(PathBuf, String, PermissionSetDefinition)>,
    /// With the object.
    pub(crate) record_types: Vec<(PathBuf, String, RecordTypeDefinition)>,
    pub(crate) queues: Vec<(PathBuf, QueueDefinition)>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Queue {
    name: String,
    queue_sobject: Vec<ServedObject>,
    queue_members: Option<Members>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct ServedObject {
    sobject_type: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Members {
    users: Option<Users>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Users {
    user: Vec<String>,
}

/// Reads what the folders say of access.
///
/// # Errors
/// Unreadable or malformed files.
pub(crate) fn access(folders: &[impl AsRef<Path>]) -> Result<AccessSource, SfdxError> {
    let files: Source = source::find(folders)?;
    let mut access = AccessSource::default();
    for path in files.permission_sets {
        let definition = metadata::read(&path, "PermissionSet")?;
        let name = stem(&path, ".permissionset-meta.xml");
        access.permission_sets.push((path, name, definition));
    }
    for path in files.profiles {
        let definition = metadata::read(&path, "Profile")?;
        let name = stem(&path, ".profile-meta.xml");
        access.profiles.push((path, name, definition));
    }
    for path in files.queues {
        let queue: Queue = metadata::read(&path, "Queue")?;
        let members = queue.queue_members.and_then(|members| members.users);
        let definition = QueueDefinition {
            name: queue.name,
            objects: queue
                .queue_sobject
                .into_iter()
                .map(|served| served.sobject_type)
                .collect(),
            members: members.map(|users| users.user).unwrap_or_default(),
        };
        access.queues.push((path, definition));
    }
    for (object, object_source) in files.objects {
        for path in object_source.record_types {
            let definition = metadata::read(&path, "RecordType")?;
            access.record_types.push((path, object.clone(), definition));
        }
    }
    Ok(access)
}

/// File names are percent-encoded where a name has what files may not have.
fn stem(path: &Path, suffix: &str) -> String {
    let stem = source::file_stem(path, suffix).unwrap_or_default();
    percent_encoding::percent_decode_str(stem)
        .decode_utf8_lossy()
        .into_owned()
}
