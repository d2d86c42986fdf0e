//! Signatures over statements: the keys that sign and those that are trusted, and what exactly is signed.
//!
//! Ed25519, over the pre-authentication encoding of DSSE (secure-systems-lab/dsse, protocol.md), so that other
//! tools can verify an envelope. Keys are PEM files as `openssl genpkey -algorithm ed25519` makes them.
//! What a statement says is not this module's.

use std::collections::BTreeMap;

use ring::digest::{SHA256, digest};
use ring::signature::{ED25519, Ed25519KeyPair, KeyPair, UnparsedPublicKey};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{PrivatePkcs8KeyDer, SubjectPublicKeyInfoDer};

/// The payload type of in-toto statements.
pub const STATEMENT_TYPE: &str = "application/vnd.in-toto+json";

/// A SubjectPublicKeyInfo of Ed25519 up to the key itself (RFC 8410).
const SPKI_PREFIX: [u8; 12] = [0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0];
/// The length of a public key.
const PUBLIC_KEY_BYTES: usize = 32;

/// A key file is not usable. No message shows the key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KeyFileError {
    /// No private key is in it.
    #[error(
        "no private key of Ed25519 is in it: make one with `openssl genpkey -algorithm ed25519 -out FILE`"
    )]
    NoPrivateKey,
    /// No public key is in it.
    #[error(
        "no public key of Ed25519 is in it: print a key's with `openssl pkey -in FILE -pubout`"
    )]
    NoPublicKey,
}

/// A signature does not count.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SignatureError {
    /// Nobody signed.
    #[error("nobody has signed it")]
    Missing,
    /// The key is not among those that are trusted.
    #[error("it is not signed by a trusted key, but by {key}")]
    UnknownKey {
        /// The id of the key, as the signer says.
        key: String,
    },
    /// The signature is not that of the key over the statement.
    #[error("its signature does not verify: the statement was changed, or the key is another's")]
    Invalid,
}

/// A key that signs.
pub struct SigningKey {
    pair: Ed25519KeyPair,
    id: String,
}

impl std::fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SigningKey").field("id", &self.id).finish_non_exhaustive()
    }
}

impl SigningKey {
    /// Reads a PKCS#8 private key from PEM.
    pub fn from_pem(pem: &[u8]) -> Result<Self, KeyFileError> {
        let der =
            PrivatePkcs8KeyDer::from_pem_slice(pem).map_err(|_| KeyFileError::NoPrivateKey)?;
        let pair = Ed25519KeyPair::from_pkcs8_maybe_unchecked(der.secret_pkcs8_der())
            .map_err(|_| KeyFileError::NoPrivateKey)?;
        let id = id_of(pair.public_key().as_ref());
        Ok(Self { pair, id })
    }

    /// The key's id: the SHA-256 hash of its public key's SubjectPublicKeyInfo, in hexadecimal.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Signs a payload.
    pub fn sign(&self, payload_type: &str, payload: &[u8]) -> Vec<u8> {
        self.pair.sign(&encoding(payload_type, payload)).as_ref().to_vec()
    }
}

/// The public keys that are trusted, by their ids.
#[derive(Debug, Clone, Default)]
pub struct TrustedKeys(BTreeMap<String, [u8; PUBLIC_KEY_BYTES]>);

impl TrustedKeys {
    /// Whether none is trusted.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Adds every public key of a PEM file; at least one has to be in it.
    pub fn add_pem(&mut self, pem: &[u8]) -> Result<(), KeyFileError> {
        let before = self.0.len();
        for der in SubjectPublicKeyInfoDer::pem_slice_iter(pem) {
            let der = der.map_err(|_| KeyFileError::NoPublicKey)?;
            let key = der.as_ref().strip_prefix(&SPKI_PREFIX).ok_or(KeyFileError::NoPublicKey)?;
            let key: [u8; PUBLIC_KEY_BYTES] =
                key.try_into().map_err(|_| KeyFileError::NoPublicKey)?;
            self.0.insert(id_of(&key), key);
        }
        if self.0.len() == before { Err(KeyFileError::NoPublicKey) } else { Ok(()) }
    }

    /// Whether a key that is trusted signed a payload.
    pub fn verify(
        &self,
        key: &str,
        payload_type: &str,
        payload: &[u8],
        signature: &[u8],
    ) -> Result<(), SignatureError> {
        let Some(public) = self.0.get(key) else {
            let key = key.chars().filter(|letter| letter.is_alphanumeric()).take(64).collect();
            return Err(SignatureError::UnknownKey { key });
        };
        UnparsedPublicKey::new(&ED25519, public)
            .verify(&encoding(payload_type, payload), signature)
            .map_err(|_| SignatureError::Invalid)
    }

    /// The id of the key that is trusted and signed a payload. Nobody vouches for the id that an envelope names:
    /// it says with which key to begin, and other tools name keys in ways of their own, or not at all.
    ///
    /// # Errors
    /// The key that is named has not signed this; or none of those that are trusted has.
    pub fn signer(
        &self,
        named: &str,
        payload_type: &str,
        payload: &[u8],
        signature: &[u8],
    ) -> Result<&str, SignatureError> {
        let verifies = |id: &str| self.verify(id, payload_type, payload, signature);
        if let Some((id, _)) = self.0.get_key_value(named) {
            return verifies(id).map(|()| id.as_str());
        }
        let signer = self.0.keys().find(|id| verifies(id).is_ok());
        match signer {
            Some(id) => Ok(id),
            None if named.is_empty() => Err(SignatureError::Invalid),
            None => Err(verifies(named).err().unwrap_or(SignatureError::Invalid)),
        }
    }
}

/// DSSE's pre-authentication encoding: what is signed.
fn encoding(payload_type: &str, payload: &[u8]) -> Vec<u8> {
    let mut encoded =
        format!("DSSEv1 {} {payload_type} {} ", payload_type.len(), payload.len()).into_bytes();
    encoded.extend_from_slice(payload);
    encoded
}

fn id_of(public: &[u8]) -> String {
    let info = [&SPKI_PREFIX[..], public].concat();
    digest(&SHA256, &info).as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use base64::Engine;
    use base64::engine::general_purpose::STANDARD;

    use super::*;

    /// A private key in the form of `openssl genpkey -algorithm ed25519`, made of one byte again and again.
    fn private(seed: u8) -> String {
        let version_1 = [
            0x30, 0x2e, 0x02, 0x01, 0, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x04, 0x22, 0x04,
            0x20,
        ];
        pem("PRIVATE KEY", &[&version_1[..], &[seed; 32]].concat())
    }

    /// Its public key, as `openssl pkey -pubout` prints it.
    fn public(seed: u8) -> String {
        let key = SigningKey::from_pem(private(seed).as_bytes()).unwrap();
        pem("PUBLIC KEY", &[&SPKI_PREFIX[..], key.pair.public_key().as_ref()].concat())
    }

    fn pem(what: &str, der: &[u8]) -> String {
        format!("-----BEGIN {what}-----\n{}\n-----END {what}-----\n", STANDARD.encode(der))
    }

    fn trusting(pem: &str) -> TrustedKeys {
        let mut keys = TrustedKeys::default();
        keys.add_pem(pem.as_bytes()).unwrap();
        keys
    }

    #[test]
    fn what_is_signed_verifies_and_nothing_else_does() {
        let key = SigningKey::from_pem(private(7).as_bytes()).unwrap();
        let signature = key.sign("type", b"payload");
        let keys = trusting(&public(7));
        assert_eq!(keys.verify(key.id(), "type", b"payload", &signature), Ok(()));
        let invalid = Err(SignatureError::Invalid);
        assert_eq!(keys.verify(key.id(), "type", b"payloae", &signature), invalid);
        assert_eq!(keys.verify(key.id(), "typf", b"payload", &signature), invalid);
        assert_eq!(keys.verify(key.id(), "type", b"payload", &[]), invalid);
        for at in 0..signature.len() {
            let mut changed = signature.clone();
            changed[at] ^= 1;
            assert_eq!(keys.verify(key.id(), "type", b"payload", &changed), invalid);
        }
        let unknown = trusting(&public(8)).verify(key.id(), "type", b"payload", &signature);
        assert_eq!(unknown, Err(SignatureError::UnknownKey { key: key.id().to_owned() }));
    }

    #[test]
    fn a_signer_is_found_whatever_an_envelope_names_it() {
        let key = SigningKey::from_pem(private(7).as_bytes()).unwrap();
        let signature = key.sign("type", b"payload");
        let keys = trusting(&format!("{}{}", public(7), public(8)));
        for named in [key.id(), "", "another tool's name for it"] {
            assert_eq!(keys.signer(named, "type", b"payload", &signature), Ok(key.id()), "{named}");
        }
        let invalid = Err(SignatureError::Invalid);
        assert_eq!(keys.signer("", "type", b"payloae", &signature), invalid);
        let other = SigningKey::from_pem(private(8).as_bytes()).unwrap();
        assert_eq!(keys.signer(other.id(), "type", b"payload", &signature), invalid);
        let others = trusting(&public(8));
        let unknown = others.signer(key.id(), "type", b"payload", &signature);
        assert_eq!(unknown, Err(SignatureError::UnknownKey { key: key.id().to_owned() }));
    }

    #[test]
    fn the_encoding_is_that_of_dsse() {
        // The example of its specification.
        assert_eq!(
            encoding("http://example.com/HelloWorld", b"hello world"),
            b"DSSEv1 29 http://example.com/HelloWorld 11 hello world"
        );
    }

    #[test]
    fn the_id_is_what_openssl_says_of_the_public_key() {
        let key = SigningKey::from_pem(private(7).as_bytes()).unwrap();
        assert_eq!(key.id(), "324be2dea8bc44461b0233e51fa48902ed6b1cc671e7739af2551e0bfe68f54e");
    }

    #[test]
    fn files_of_other_kinds_are_refused_and_not_shown() {
        for pem in ["", "no key", &public(7)] {
            let error = SigningKey::from_pem(pem.as_bytes()).unwrap_err();
            assert_eq!(error, KeyFileError::NoPrivateKey);
        }
        for pem in ["", "no key", &private(7)] {
            let error = TrustedKeys::default().add_pem(pem.as_bytes()).unwrap_err();
            assert_eq!(error, KeyFileError::NoPublicKey);
        }
        let key = SigningKey::from_pem(private(7).as_bytes()).unwrap();
        let secret = private(7);
        assert!(!format!("{key:?}").contains(secret.lines().nth(1).unwrap()));
    }

    #[test]
    fn a_file_may_hold_several_keys() {
        assert_eq!(trusting(&format!("{}{}", public(7), public(8))).0.len(), 2);
    }
}
