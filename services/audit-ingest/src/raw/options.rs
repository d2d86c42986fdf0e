//! The settings of the archive of raw events.

use std::path::{Path, PathBuf};

use airside_archive::Settings;
use airside_config::{ByteSize, Interval};
use anyhow::Context;
use serde::{Deserialize, Serialize};

use super::object_store::ObjectStoreOptions;

/// The settings of the section `audit-ingest.archive`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ArchiveOptions {
    /// Whether raw events are kept. Default: true; a node without a store on the disk keeps none without a
    /// folder.
    pub enabled: bool,
    /// The folder. One process works with it. Default: `DATA_DIR/raw`.
    pub folder: Option<PathBuf>,
    /// For how long events are kept after they came. Default: 30d.
    pub max_age: Interval,
    /// How large the folder grows, or this intake's part of the object store, about. Beyond, the oldest events
    /// of the tenant that has most go. Default: 10GiB.
    pub max_size: ByteSize,
    /// How much is gathered before it becomes Parquet files; so much memory is needed for that. At least 1MiB.
    /// Default: 64MiB.
    pub segment: ByteSize,
    /// How long is gathered at most. Events are found from the moment they are kept. At least 1s. Default: 1h.
    pub seal_after: Interval,
    /// How many questions are answered at a time. Default: 2.
    pub max_queries: u16,
    /// An object store in which finished files are kept instead of the folder.
    pub object_store: ObjectStoreOptions,
}

impl Default for ArchiveOptions {
    fn default() -> Self {
        Self {
            enabled: true,
            folder: None,
            max_age: Interval::from_days(30),
            max_size: ByteSize::mib(10 << 10),
            segment: ByteSize::mib(64),
            seal_after: Interval::from_secs(3600),
            max_queries: 2,
            object_store: ObjectStoreOptions::default(),
        }
    }
}

impl ArchiveOptions {
    /// The archive's own settings; none where nothing is kept.
    pub(crate) fn settings(&self, data_dir: Option<&Path>) -> anyhow::Result<Option<Settings>> {
        let folder = self.folder.clone().or_else(|| Some(data_dir?.join("raw")));
        let Some(folder) = folder.filter(|_| self.enabled) else { return Ok(None) };
        let object_store = self.object_store.settings();
        Ok(Some(Settings {
            segment_bytes: self.segment.max(ByteSize::mib(1)).as_u64(),
            seal_after: self.seal_after.max(Interval::from_secs(1)).as_duration(),
            max_age: self.max_age.as_duration(),
            max_bytes: self.max_size.as_u64(),
            max_queries: self.max_queries.into(),
            object_store: object_store.context("`audit-ingest.archive.object_store`")?,
            ..Settings::new(folder)
        }))
    }
}
