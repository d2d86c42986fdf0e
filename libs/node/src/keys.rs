//! API keys of a node: read from the keys file, or made at the first start.

use std::path::{Path, PathBuf};

use airside_auth::{ApiKey, KeyRecord, KeyRing, Scope};
use airside_service::tls::write_private;
use airside_types::Tenant;
use anyhow::Context;

/// Reads the keys file, or makes one with a first key for the default tenant, whose text is written beside
/// the data, for its owner only.
pub(crate) fn open_keys(data_dir: &Path, keys_file: Option<&PathBuf>) -> anyhow::Result<KeyRing> {
    let path = keys_file.cloned().unwrap_or_else(|| data_dir.join("keys.toml"));
    if path.try_exists().with_context(|| format!("`{}` cannot be looked up", path.display()))? {
        let text = std::fs::read_to_string(&path)
            .with_context(|| format!("the keys file `{}` cannot be read", path.display()))?;
        return KeyRing::from_toml(&text)
            .with_context(|| format!("the keys file `{}` is not usable", path.display()));
    }
    anyhow::ensure!(
        keys_file.is_none(),
        "the keys file `{}` does not exist: copy it from the node that made it",
        path.display()
    );
    let key = random_key()?;
    let mut ring = KeyRing::default();
    let mut record = KeyRecord::new(&key, Tenant::default(), Scope::ALL);
    "made at the first start".clone_into(&mut record.description);
    ring.add(record);
    write_private(&api_key_path(data_dir), key.expose())?;
    write_private(&path, &ring.to_toml())?;
    Ok(ring)
}

/// Where the first key is kept in clear text, for its owner only.
pub fn api_key_path(data_dir: &Path) -> PathBuf {
    data_dir.join("api-key")
}

fn random_key() -> anyhow::Result<ApiKey> {
    let (mut id, mut secret) = ([0; 5], [0; 32]);
    getrandom::fill(&mut id).and_then(|()| getrandom::fill(&mut secret)).map_err(|error| {
        anyhow::anyhow!("the operating system gave no random bytes for an API key: {error}")
    })?;
    Ok(ApiKey::from_random(id, secret))
}
