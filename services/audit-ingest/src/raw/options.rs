//! The settings of the archive of raw events.

use std::path::{Path, PathBuf};

use airside_archive::{Credentials, ObjectStore, Settings};
use airside_config::{ByteSize, Interval, Secret};
use anyhow::Context;
use serde::{Deserialize, Serialize};

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

/// The settings of the section `audit-ingest.archive.object_store`: a bucket that all intakes of a deployment
/// share, so that each of them finds what all of them have sealed.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ObjectStoreOptions {
    /// Where files are kept: `s3://BUCKET/PREFIX`. Default: none, they stay in the folder.
    pub url: Option<String>,
    /// Where a store that speaks S3's protocol answers, such as `https://minio.example:9000`. Default: Amazon's
    /// own.
    pub endpoint: Option<String>,
    /// The region that requests are signed for. Default: us-east-1.
    pub region: Option<String>,
    /// The id of the key. Default: the credentials that the machine has from its cloud.
    pub access_key_id: Option<String>,
    /// The key. It may list, read, write and remove below the prefix.
    pub secret_access_key: Option<Secret>,
    /// What comes with temporary credentials. Default: none.
    pub session_token: Option<Secret>,
    /// Whether requests name the bucket in their path and not in the host's name. Default: with an endpoint
    /// only.
    pub path_style: Option<bool>,
    /// Whether an endpoint beyond this machine may be asked without TLS. Default: false.
    pub allow_http: bool,
    /// Whose files these are, among those of other intakes: another name for each, and the same after a
    /// restart. Default: airside.
    pub instance: String,
    /// How large the files may be that wait on the disk for the store. Beyond, segments wait, and then senders
    /// are asked to come again. Default: 2GiB.
    pub max_waiting: ByteSize,
    /// How much of what was read is kept in memory. Default: 256MiB.
    pub cache: ByteSize,
}

impl Default for ObjectStoreOptions {
    fn default() -> Self {
        Self {
            url: None,
            endpoint: None,
            region: None,
            access_key_id: None,
            secret_access_key: None,
            session_token: None,
            path_style: None,
            allow_http: false,
            instance: "airside".to_owned(),
            max_waiting: ByteSize::mib(2 << 10),
            cache: ByteSize::mib(256),
        }
    }
}

impl ObjectStoreOptions {
    /// The archive's own settings; none without a bucket.
    fn settings(&self) -> anyhow::Result<Option<ObjectStore>> {
        let Some(url) = &self.url else {
            let is_named = self.endpoint.is_some() || self.access_key_id.is_some();
            anyhow::ensure!(!is_named, "`url` is missing: write `url = \"s3://BUCKET/PREFIX\"`");
            return Ok(None);
        };
        let credentials = match (&self.access_key_id, &self.secret_access_key) {
            (Some(id), Some(key)) => Some(Credentials {
                access_key_id: id.clone(),
                secret_access_key: key.expose().to_owned(),
                session_token: self.session_token.as_ref().map(|it| it.expose().to_owned()),
            }),
            (None, None) => None,
            _ => {
                anyhow::bail!("`access_key_id` and `secret_access_key` belong together: give both")
            }
        };
        Ok(Some(ObjectStore {
            endpoint: self.endpoint.clone(),
            region: self.region.clone(),
            credentials,
            path_style: self.path_style,
            allow_http: self.allow_http,
            max_waiting_bytes: self.max_waiting.as_u64(),
            cache_bytes: self.cache.as_u64(),
            ..ObjectStore::new(url, self.instance.parse().context("`instance`")?)
        }))
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    fn read(json: serde_json::Value) -> anyhow::Result<Option<ObjectStore>> {
        serde_json::from_value::<ObjectStoreOptions>(json)?.settings()
    }

    #[test]
    fn a_bucket_and_its_credentials_come_from_settings_and_no_secret_is_shown() {
        let json = serde_json::json!({
            "url": "s3://raw/airside", "access_key_id": "id", "secret_access_key": "hunter2",
            "session_token": "hunter3", "instance": "intake-1", "max_waiting": "1GiB",
        });
        let options: ObjectStoreOptions = serde_json::from_value(json).unwrap();
        let store = options.settings().unwrap().unwrap();
        let credentials = store.credentials.as_ref().unwrap();
        assert_eq!(credentials.secret_access_key, "hunter2");
        assert_eq!(credentials.session_token.as_deref(), Some("hunter3"));
        assert_eq!((store.max_waiting_bytes, store.instance.as_str()), (1 << 30, "intake-1"));
        let shown = serde_json::to_string(&options).unwrap();
        assert!(!format!("{shown}{options:?}{store:?}").contains("hunter"), "{shown}");
    }

    #[test]
    fn what_does_not_fit_together_is_refused_with_what_to_write() {
        assert!(read(serde_json::json!({})).unwrap().is_none());
        assert!(read(serde_json::json!({ "url": "s3://raw" })).unwrap().is_some());
        for (json, says) in [
            (serde_json::json!({ "endpoint": "https://minio" }), "url = \"s3://"),
            (serde_json::json!({ "url": "s3://raw", "access_key_id": "id" }), "give both"),
            (serde_json::json!({ "url": "s3://raw", "secret_access_key": "k" }), "give both"),
            (serde_json::json!({ "url": "s3://raw", "instance": "Intake 1" }), "intake-1"),
        ] {
            let error = format!("{:#}", read(json).unwrap_err());
            assert!(error.contains(says), "{error}");
        }
    }
}
