//! The form of an API key, `airside_<id>_<secret>`, and the hash that is kept of it.
//!
//! The id is public: logs and errors show it. The secret is 256 random bits, so that a plain keyed hash of
//! it cannot be searched, and no slow password hash is needed.

use std::fmt;
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use zeroize::Zeroizing;

use crate::error::AuthError;
use crate::url_token::UrlToken;

/// What every key begins with, so that secret scanners find a leaked one.
pub(crate) const PREFIX: &str = "airside_";

/// Separates this use of BLAKE3 from all others (its key derivation mode).
const HASH_CONTEXT: &str = "airside 2026-11 API key v2";

/// The alphabet of RFC 4648's base 32, in lower case.
const BASE32: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";

const ID_CHARS: usize = 8;
const SECRET_CHARS: usize = 43;

/// The public part of a key: eight characters of lower-case base 32, 40 bits.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyId(String);

impl KeyId {
    /// The id of five (random) bytes.
    pub fn from_bytes(bytes: [u8; 5]) -> Self {
        let bits = bytes.iter().fold(0_u64, |bits, byte| bits << 8 | u64::from(*byte));
        let character = |at: usize| {
            let five = (bits >> (5 * (ID_CHARS - 1 - at))) & 31;
            usize::try_from(five).ok().and_then(|index| BASE32.get(index)).copied().map(char::from)
        };
        Self((0..ID_CHARS).filter_map(character).collect())
    }

    /// Reads an id: exactly eight characters of `a-z2-7`.
    pub fn parse(text: &str) -> Option<Self> {
        let valid = text.len() == ID_CHARS && text.bytes().all(|byte| BASE32.contains(&byte));
        valid.then(|| Self(text.to_owned()))
    }

    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl fmt::Debug for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A whole key, secret included. Its memory is wiped when it is dropped; `Debug` and `Display` show the id
/// only, and it can be neither cloned nor compared.
pub struct ApiKey {
    id: KeyId,
    /// The whole key. There is one text for each key: no padding, no loose bits, one alphabet.
    text: Zeroizing<String>,
}

impl ApiKey {
    /// A new key of random bytes, which the caller draws from the operating system.
    pub fn from_random(id_bytes: [u8; 5], secret: [u8; 32]) -> Self {
        let secret = Zeroizing::new(secret);
        let id = KeyId::from_bytes(id_bytes);
        let encoded = Zeroizing::new(URL_SAFE_NO_PAD.encode(secret.as_slice()));
        let text = Zeroizing::new(format!("{PREFIX}{id}_{}", encoded.as_str()));
        Self { id, text }
    }

    /// Reads a key as [`ApiKey::expose`] shows it. The error says what is wrong, without the text.
    pub fn parse(text: &str) -> Result<Self, AuthError> {
        Self::read(text).map_err(|problem| AuthError::MalformedKey { problem })
    }

    fn read(text: &str) -> Result<Self, &'static str> {
        let rest = text.strip_prefix(PREFIX).ok_or("does not begin with `airside_`")?;
        let (id, encoded) = rest.split_once('_').ok_or("has no second `_`")?;
        let id = KeyId::parse(id).ok_or("has an id that is not 8 of `a-z2-7`")?;
        if encoded.len() != SECRET_CHARS {
            return Err("is too short or too long");
        }
        let mut secret = Zeroizing::new([0; 32]);
        match URL_SAFE_NO_PAD.decode_slice(encoded, secret.as_mut_slice()) {
            Ok(32) => Ok(Self { id, text: Zeroizing::new(text.to_owned()) }),
            Ok(_) | Err(_) => Err("has a secret that is no base64url"),
        }
    }

    /// The public part.
    pub fn id(&self) -> &KeyId {
        &self.id
    }

    /// What is kept to recognise the key.
    pub fn hash(&self) -> KeyHash {
        self.url_token().hash()
    }

    /// What stands for the key in the URL of an admission webhook.
    pub fn url_token(&self) -> UrlToken {
        UrlToken::of(&self.id, &self.text)
    }

    /// The whole key, for the one time that it is shown: when it is made.
    pub fn expose(&self) -> &str {
        &self.text
    }
}

impl fmt::Display for ApiKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{PREFIX}{}_…", self.id)
    }
}

impl fmt::Debug for ApiKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ApiKey({self})")
    }
}

/// The hash of a whole key: 64 hexadecimal digits. Comparing two takes the same time whatever
/// they are.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct KeyHash(blake3::Hash);

impl KeyHash {
    /// The hash of the secret of a key's token, which covers the whole key.
    pub(crate) fn of(token_secret: &[u8]) -> Self {
        let mut hasher = blake3::Hasher::new_derive_key(HASH_CONTEXT);
        hasher.update(token_secret);
        Self(hasher.finalize())
    }
}

impl fmt::Display for KeyHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.to_hex())
    }
}

impl fmt::Debug for KeyHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KeyHash({self})")
    }
}

/// The text is no hash. It is not repeated: somebody may have put the key itself there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("is no hash of a key: 64 hexadecimal digits are, as written when the key was made")]
pub struct ParseKeyHashError;

impl FromStr for KeyHash {
    type Err = ParseKeyHashError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        blake3::Hash::from_hex(text).map(Self).map_err(|_| ParseKeyHashError)
    }
}

#[cfg(test)]
mod tests;
