//! A key's stand-in in the URL of an admission webhook, `<id>-<secret>`: by default an API server sends a
//! webhook no credentials, so the URL has to carry them.
//!
//! More people may read a webhook configuration than should have the key. So the token follows from the
//! key one way, and opens nothing but the admission webhook. And the hash that is kept of the key follows
//! from the token one way, so that nobody who reads a key file can make one.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use zeroize::Zeroizing;

use crate::error::AuthError;
use crate::key::{KeyHash, KeyId};

/// Separates this use of BLAKE3 from all others (its key derivation mode).
const CONTEXT: &str = "airside 2026-11 webhook URL token v1";

const SECRET_CHARS: usize = 43;

/// The stand-in of one key. Its memory is wiped when it is dropped; `Debug` shows the id only.
pub struct UrlToken {
    id: KeyId,
    secret: Zeroizing<[u8; 32]>,
}

impl UrlToken {
    /// The token of a whole key's text.
    pub(crate) fn of(id: &KeyId, key: &str) -> Self {
        let secret = Zeroizing::new(blake3::derive_key(CONTEXT, key.as_bytes()));
        Self { id: id.clone(), secret }
    }

    /// Reads a token as [`UrlToken::expose`] shows it. The error says what is wrong, without the text.
    pub fn parse(text: &str) -> Result<Self, AuthError> {
        Self::read(text).map_err(|problem| AuthError::MalformedToken { problem })
    }

    fn read(text: &str) -> Result<Self, &'static str> {
        let (id, encoded) = text.split_once('-').ok_or("has no `-`")?;
        let id = KeyId::parse(id).ok_or("has an id that is not 8 of `a-z2-7`")?;
        if encoded.len() != SECRET_CHARS {
            return Err("is too short or too long");
        }
        let mut secret = Zeroizing::new([0; 32]);
        match URL_SAFE_NO_PAD.decode_slice(encoded, secret.as_mut_slice()) {
            Ok(32) => Ok(Self { id, secret }),
            Ok(_) | Err(_) => Err("has a secret that is no base64url"),
        }
    }

    /// The public part of the key for which it stands.
    pub const fn id(&self) -> &KeyId {
        &self.id
    }

    /// What is kept to recognise the key, and so its token.
    pub fn hash(&self) -> KeyHash {
        KeyHash::of(self.secret.as_slice())
    }

    /// The token as it stands in a URL.
    pub fn expose(&self) -> Zeroizing<String> {
        let encoded = Zeroizing::new(URL_SAFE_NO_PAD.encode(self.secret.as_slice()));
        Zeroizing::new(format!("{}-{}", self.id, encoded.as_str()))
    }
}

impl fmt::Debug for UrlToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "UrlToken({}-…)", self.id)
    }
}

/// A URL's path as logs and traces may show it: of a token only the id.
pub fn without_token(path: &str) -> String {
    let shown = |segment: &str| match UrlToken::parse(segment) {
        Ok(token) => format!("{}-…", token.id),
        Err(_) => segment.to_owned(),
    };
    path.split('/').map(shown).collect::<Vec<_>>().join("/")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::key::ApiKey;

    fn key() -> ApiKey {
        ApiKey::from_random([0, 1, 2, 3, 4], [0x2a; 32])
    }

    #[test]
    fn a_token_survives_its_text_and_has_the_hash_of_its_key() {
        let text = key().url_token().expose();
        // URLs outlive versions of the program.
        insta::assert_snapshot!(text.as_str(), @"aaaqeaye-2vh6E0mHdIybNJ2DliEQHQDs6FLIwUc7J_wWZh1fGTA");
        let read = UrlToken::parse(&text).unwrap();
        assert_eq!(read.expose(), text);
        assert_eq!(read.hash(), key().hash());
        assert_eq!(read.id(), key().id());
    }

    #[test]
    fn what_is_no_token_is_refused_with_the_reason_and_without_the_text() {
        let text = key().url_token().expose();
        let secret = text.split_once('-').unwrap().1;
        for (text, reason) in [
            (String::new(), "no `-`"),
            (key().expose().to_owned(), "no `-`"),
            (format!("AAAQEAYE-{secret}"), "an id"),
            (format!("aaaqeaye-{secret}x"), "too long"),
            (format!("aaaqeaye-{}+", secret.get(1..).unwrap()), "no base64url"),
        ] {
            let message = UrlToken::parse(&text).expect_err(&text).to_string();
            assert!(message.contains(reason), "{text}: {message}");
            assert!(!message.contains("Kioq") && !message.contains(secret), "{message}");
        }
    }

    #[test]
    fn no_log_shows_a_token() {
        let token = key().url_token();
        assert_eq!(format!("{token:?}"), "UrlToken(aaaqeaye-…)");
        let path = format!("/v1/admission/default/{}", token.expose().as_str());
        assert_eq!(without_token(&path), "/v1/admission/default/aaaqeaye-…");
        for path in ["", "/", "/v1/audit/default", "/v1/runtime/falco/a-b"] {
            assert_eq!(without_token(path), path);
        }
    }
}
