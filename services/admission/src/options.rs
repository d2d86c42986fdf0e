//! The settings of admission.

use airside_auth::signature::TrustedKeys;
use airside_config::{ByteSize, Interval};
use anyhow::Context;
use serde::{Deserialize, Serialize};

/// The settings of the section `admission`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Options {
    /// Warn when a check of at least this severity fails; `never` for no warnings. Default: medium.
    pub warn_from: String,
    /// Deny when a check of at least this severity fails; `never` to deny nothing. Default: never, so that
    /// connecting a cluster changes nothing in it.
    pub deny_from: String,
    /// The largest review. API servers send up to 3 MiB. Default: 8MiB.
    pub max_body: ByteSize,
    /// The longest answer, where the caller's own deadline is later. Default: 5s.
    pub deadline: Interval,
    /// How long an answer waits for its decision to be durable; then it is answered, and the decision is
    /// recorded as soon as that is possible. Default: 500ms.
    pub record_wait: Interval,
    /// How many boarding passes are kept in memory; beyond that the oldest are forgotten. Default: 100000.
    pub max_passes: usize,
    /// Public keys (PEM, Ed25519), each as a file's path or as the PEM text. With any, only boarding passes
    /// that one of them has signed authorise a configuration. Default: none, so that every pass does.
    pub trusted_keys: Vec<String>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            warn_from: "medium".to_owned(),
            deny_from: "never".to_owned(),
            max_body: ByteSize::mib(8),
            deadline: Interval::from_secs(5),
            record_wait: Interval::from_millis(500),
            max_passes: 100_000,
            trusted_keys: Vec::new(),
        }
    }
}

impl Options {
    /// Reads the keys that are trusted.
    ///
    /// # Errors
    /// A file cannot be read, or holds no public key of Ed25519.
    pub(crate) fn trusted_keys(&self) -> anyhow::Result<TrustedKeys> {
        let mut keys = TrustedKeys::default();
        for entry in &self.trusted_keys {
            let added = if entry.contains("-----BEGIN") {
                keys.add_pem(entry.as_bytes()).context("a key of `admission.trusted_keys`")
            } else {
                let context = || format!("`admission.trusted_keys` names `{entry}`");
                let pem = std::fs::read(entry).with_context(context)?;
                keys.add_pem(&pem).with_context(context)
            };
            added?;
        }
        Ok(keys)
    }
}
