//! Platform Cache partitions of source folders, which programs look for before they use the cache.
//!
//! Source: Metadata API Developer Guide, PlatformCachePartition.

use std::path::Path;

use serde::Deserialize;

use crate::org::Org;
use crate::schema::sfdx::{SfdxError, metadata, source};
use crate::value::Value;

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Partition {
    master_label: String,
    description: Option<String>,
    is_default_partition: bool,
}

impl Org {
    /// Loads the partitions of source folders.
    pub(super) fn load_cache_partitions(&self, folders: &[impl AsRef<Path>]) -> Result<(), SfdxError> {
        for path in source::find(folders)?.cache_partitions {
            let partition: Partition = metadata::read(&path, "PlatformCachePartition")?;
            let name = source::file_stem(&path, ".cachePartition-meta.xml").unwrap_or_default();
            let description = partition.description.as_deref();
            self.make_row(
                "PlatformCachePartition",
                &[
                    ("DeveloperName", Value::text(name)),
                    ("MasterLabel", Value::text(partition.master_label.as_str())),
                    ("Language", Value::text("en_US")),
                    ("Description", description.map_or(Value::Null, Value::text)),
                    (
                        "IsDefaultPartition",
                        Value::Boolean(partition.is_default_partition),
                    ),
                ],
            );
        }
        Ok(())
    }
}
