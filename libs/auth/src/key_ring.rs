//! The keys that a deployment knows, and the TOML file that holds them.
//!
//! The file has hashes, never secrets. Reading and writing files is the caller's.

use std::collections::{BTreeMap, BTreeSet};

use airside_types::{Tenant, Timestamp};
use serde::{Deserialize, Serialize};

use crate::error::{AuthError, KeyRingError};
use crate::key::{ApiKey, KeyHash, KeyId, PREFIX};
use crate::principal::{Principal, Scope};
use crate::url_token::UrlToken;

/// What is kept of one key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyRecord {
    /// The key's public part.
    pub id: KeyId,
    /// Whose data its bearer works with.
    pub tenant: Tenant,
    /// What its bearer may do.
    pub scopes: BTreeSet<Scope>,
    /// Recognises the secret.
    pub hash: KeyHash,
    /// What it is for, in the words of whoever made it; may be empty.
    pub description: String,
    /// From when on it is refused; never, if absent.
    pub expires: Option<Timestamp>,
}

impl KeyRecord {
    /// The record of a new key that does not expire and has no description.
    pub fn new(key: &ApiKey, tenant: Tenant, scopes: impl IntoIterator<Item = Scope>) -> Self {
        Self {
            id: key.id().clone(),
            tenant,
            scopes: scopes.into_iter().collect(),
            hash: key.hash(),
            description: String::new(),
            expires: None,
        }
    }
}

/// All keys of a deployment, by id.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct KeyRing {
    records: BTreeMap<KeyId, KeyRecord>,
}

impl KeyRing {
    /// Reads a key file. An empty text is a ring without keys.
    ///
    /// # Errors
    /// What is wrong and on which line or in which key; a value that may be a secret is not repeated.
    pub fn from_toml(text: &str) -> Result<Self, KeyRingError> {
        let file: KeyFile = toml::from_str(text).map_err(|error| syntax_error(text, &error))?;
        let mut ring = Self::default();
        for (row, number) in file.key.into_iter().zip(1..) {
            let record = row.into_record(number)?;
            let id = record.id.clone();
            if ring.add(record).is_some() {
                return Err(KeyRingError::DuplicateId { number, id });
            }
        }
        Ok(ring)
    }

    /// The key file, sorted by id.
    pub fn to_toml(&self) -> String {
        let file = KeyFile { key: self.records.values().map(KeyRow::from).collect() };
        // Serialising strings and lists of strings cannot fail.
        toml::to_string(&file).unwrap_or_default()
    }

    /// Adds a key, and gives back the one that had the same id and is now replaced.
    pub fn add(&mut self, record: KeyRecord) -> Option<KeyRecord> {
        self.records.insert(record.id.clone(), record)
    }

    /// Removes a key, and gives it back.
    pub fn remove(&mut self, id: &KeyId) -> Option<KeyRecord> {
        self.records.remove(id)
    }

    /// All keys, sorted by id.
    pub fn records(&self) -> impl Iterator<Item = &KeyRecord> {
        self.records.values()
    }

    /// Who presents this key at this moment. The time that a comparison of secrets takes does not depend on
    /// them; whether an id exists is no secret.
    ///
    /// # Errors
    /// [`AuthError::MalformedKey`], [`AuthError::UnknownKey`] for an unknown id and a wrong secret alike, and
    /// [`AuthError::Expired`] only for who has the right secret.
    pub fn authenticate(&self, presented: &str, now: Timestamp) -> Result<Principal, AuthError> {
        let key = ApiKey::parse(presented)?;
        let record = self.record(key.id(), key.hash(), now)?;
        Ok(Principal::key(record.id.clone(), record.tenant.clone(), record.scopes.clone()))
    }

    /// Who presents this token of a key at this moment. Whatever the key is good for, the token is good for
    /// [`Scope::Ingest`] at the most.
    ///
    /// # Errors
    /// [`AuthError::MalformedToken`], and else those of [`KeyRing::authenticate`].
    pub fn authenticate_token(
        &self,
        presented: &str,
        now: Timestamp,
    ) -> Result<Principal, AuthError> {
        let token = UrlToken::parse(presented)?;
        let record = self.record(token.id(), token.hash(), now)?;
        let scopes = record.scopes.iter().copied().filter(|scope| *scope == Scope::Ingest);
        Ok(Principal::key(record.id.clone(), record.tenant.clone(), scopes.collect()))
    }

    fn record(&self, id: &KeyId, hash: KeyHash, now: Timestamp) -> Result<&KeyRecord, AuthError> {
        let record = self
            .records
            .get(id)
            .filter(|record| record.hash == hash)
            .ok_or_else(|| AuthError::UnknownKey { id: id.clone() })?;
        match record.expires {
            Some(at) if now >= at => Err(AuthError::Expired { id: record.id.clone(), at }),
            Some(_) | None => Ok(record),
        }
    }
}

/// The file as it is written: `[[key]]` tables.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct KeyFile {
    #[serde(default)]
    key: Vec<KeyRow>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct KeyRow {
    id: String,
    tenant: String,
    scopes: Vec<String>,
    hash: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    description: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    expires: Option<String>,
}

impl KeyRow {
    fn into_record(self, number: usize) -> Result<KeyRecord, KeyRingError> {
        let wrong = |field, problem: String| KeyRingError::Field {
            number,
            field,
            problem: hide_key(problem),
        };
        let id = KeyId::parse(&self.id)
            .ok_or_else(|| wrong("id", "must be the 8 characters of `a-z2-7` of the key".into()))?;
        let tenant = Tenant::new(&self.tenant)
            .map_err(|error| wrong("tenant", format!("is wrong: {error}")))?;
        let scopes = self
            .scopes
            .iter()
            .map(|scope| scope.parse())
            .collect::<Result<BTreeSet<Scope>, _>>()
            .map_err(|error| wrong("scopes", format!("is wrong: {error}")))?;
        if scopes.is_empty() {
            return Err(wrong(
                "scopes",
                "is empty: name at least one of ingest, scan, read, configure".into(),
            ));
        }
        let hash: KeyHash = self
            .hash
            .parse()
            .map_err(|error: crate::key::ParseKeyHashError| wrong("hash", error.to_string()))?;
        let expires = self
            .expires
            .as_deref()
            .map(Timestamp::parse_rfc3339)
            .transpose()
            .map_err(|error| wrong("expires", format!("is wrong: {error}")))?;
        Ok(KeyRecord { id, tenant, scopes, hash, description: self.description, expires })
    }
}

impl From<&KeyRecord> for KeyRow {
    fn from(record: &KeyRecord) -> Self {
        Self {
            id: record.id.to_string(),
            tenant: record.tenant.to_string(),
            scopes: record.scopes.iter().map(|scope| scope.as_str().to_owned()).collect(),
            hash: record.hash.to_string(),
            description: record.description.clone(),
            expires: record.expires.map(|at| at.to_string()),
        }
    }
}

fn syntax_error(text: &str, error: &toml::de::Error) -> KeyRingError {
    let start = error.span().map_or(0, |span| span.start);
    let line = 1 + text.bytes().take(start).filter(|byte| *byte == b'\n').count();
    KeyRingError::Syntax { line, problem: hide_key(error.message().to_owned()) }
}

/// A message that quotes a whole key says instead that one stands in the wrong place.
fn hide_key(message: String) -> String {
    if message.contains(PREFIX) {
        "holds a whole key: a key file has hashes, and this key is to be replaced".to_owned()
    } else {
        message
    }
}

#[cfg(test)]
mod tests;
