//! A signed boarding pass as a Sigstore bundle: one JSON document with all that another tool needs besides the
//! public key.
//!
//! The form: sigstore/protobuf-specs, protos/sigstore_bundle.proto, and its envelope.proto for DSSE. Owns
//! writing and reading; whether a signature holds is `airside-auth`'s, what was signed `airside-k8s`'.

use airside_types::Attestation;
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::json::envelope;

/// The media type of the bundles that are written.
const MEDIA_TYPE: &str = "application/vnd.dev.sigstore.bundle.v0.3+json";
/// The media types that are read. With a key all of these have one shape.
const MEDIA_TYPES: [&str; 4] = [
    MEDIA_TYPE,
    "application/vnd.dev.sigstore.bundle+json;version=0.3",
    "application/vnd.dev.sigstore.bundle+json;version=0.2",
    "application/vnd.dev.sigstore.bundle+json;version=0.1",
];

/// A DSSE envelope with its one signature, decoded. Nothing of it is verified.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Envelope {
    /// What the payload is.
    pub payload_type: String,
    /// What was signed, the signature, and the key's name by the word of whoever wrote it; empty where there is
    /// none.
    pub signed: Attestation,
}

/// A document is no bundle with an envelope that can be verified with a key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotABundle {
    /// It is something else.
    #[error(
        "it is neither a Sigstore bundle (`mediaType`: `{MEDIA_TYPE}`) nor a DSSE envelope (`payload`, \
         `payloadType`, `signatures`)"
    )]
    OtherDocument,
    /// It is a bundle of a version that is not known.
    #[error(
        "its media type is `{found}`; this Airside reads Sigstore bundles up to `{MEDIA_TYPE}`"
    )]
    OtherMediaType {
        /// The media type.
        found: String,
    },
    /// Whoever signed is named by a certificate.
    #[error(
        "it was signed with a certificate (keyless), which Airside does not verify: verify it with \
         `cosign verify-blob-attestation`, or sign with a key (`airside scan --sign-key`)"
    )]
    Keyless,
    /// Nothing says who signed.
    #[error("its `verificationMaterial` names no public key")]
    NoKey,
    /// It holds a signature over a file.
    #[error(
        "it holds a signature over a file and no statement: `cosign verify-blob` verifies those"
    )]
    NoEnvelope,
    /// The envelope lacks something or is encoded wrongly.
    #[error("its DSSE envelope cannot be read: {reason}")]
    Envelope {
        /// What is wrong.
        reason: String,
    },
}

/// A signed pass as a bundle.
pub fn bundle(signed: &Attestation) -> Value {
    let mut envelope = envelope(signed);
    // Other tools name keys by their SSH fingerprint and pass over a signature with another `keyid`. DSSE lets
    // it be left out, and a bundle has the hint.
    if let Some(signature) = envelope.pointer_mut("/signatures/0").and_then(Value::as_object_mut) {
        signature.remove("keyid");
    }
    json!({
        "mediaType": MEDIA_TYPE,
        "verificationMaterial": { "publicKey": { "hint": signed.key } },
        "dsseEnvelope": envelope,
    })
}

/// Reads a bundle, or an envelope alone.
///
/// # Errors
/// It is neither, or not one that a key verifies.
pub fn read(document: &Value) -> Result<Envelope, NotABundle> {
    let is_envelope = document.get("mediaType").is_none() && document.get("payloadType").is_some();
    if is_envelope {
        return read_envelope(document, "");
    }
    let found = document.get("mediaType").and_then(Value::as_str);
    let found = found.ok_or(NotABundle::OtherDocument)?;
    if !MEDIA_TYPES.contains(&found) {
        let found = found.chars().filter(|letter| !letter.is_control()).take(100).collect();
        return Err(NotABundle::OtherMediaType { found });
    }
    let of_material = |key: &str| document.get("verificationMaterial")?.get(key);
    if ["certificate", "x509CertificateChain"].into_iter().any(|key| of_material(key).is_some()) {
        return Err(NotABundle::Keyless);
    }
    let key = of_material("publicKey").ok_or(NotABundle::NoKey)?;
    let hint = key.get("hint").and_then(Value::as_str).unwrap_or_default();
    read_envelope(document.get("dsseEnvelope").ok_or(NotABundle::NoEnvelope)?, hint)
}

#[derive(Deserialize)]
struct SignedEnvelope {
    payload: String,
    #[serde(rename = "payloadType")]
    payload_type: String,
    signatures: Vec<Signature>,
}

#[derive(Deserialize)]
struct Signature {
    sig: String,
    #[serde(default)]
    keyid: String,
}

fn read_envelope(envelope: &Value, hint: &str) -> Result<Envelope, NotABundle> {
    let wrong = |reason: String| NotABundle::Envelope { reason };
    let envelope = SignedEnvelope::deserialize(envelope).map_err(|it| wrong(it.to_string()))?;
    let [signature] = envelope.signatures.as_slice() else {
        let count = envelope.signatures.len();
        return Err(wrong(format!("it has {count} signatures, and a bundle's has exactly one")));
    };
    let key = if hint.is_empty() { &signature.keyid } else { hint };
    Ok(Envelope {
        signed: Attestation {
            statement: decoded("payload", &envelope.payload).map_err(wrong)?,
            key: key.to_owned(),
            signature: decoded("sig", &signature.sig).map_err(wrong)?,
        },
        payload_type: envelope.payload_type,
    })
}

/// DSSE has both alphabets read.
fn decoded(what: &str, text: &str) -> Result<Vec<u8>, String> {
    let decoded = STANDARD.decode(text).or_else(|_| URL_SAFE.decode(text));
    decoded.map_err(|_| format!("its `{what}` is no base64; was it cut off?"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn signed() -> Attestation {
        let signature = vec![0xff; 64];
        Attestation { statement: b"{}".to_vec(), key: "0123".to_owned(), signature }
    }

    #[test]
    fn a_bundle_is_what_sigstore_says_and_is_read_back() {
        let bundle = bundle(&signed());
        insta::assert_snapshot!(format!("{bundle:#}"), @r#"
        {
          "dsseEnvelope": {
            "payload": "e30=",
            "payloadType": "application/vnd.in-toto+json",
            "signatures": [
              {
                "sig": "/////////////////////////////////////////////////////////////////////////////////////w=="
              }
            ]
          },
          "mediaType": "application/vnd.dev.sigstore.bundle.v0.3+json",
          "verificationMaterial": {
            "publicKey": {
              "hint": "0123"
            }
          }
        }
        "#);
        let read = read(&bundle).unwrap();
        assert_eq!(read.payload_type, "application/vnd.in-toto+json");
        assert_eq!(read.signed, signed());
    }

    #[test]
    fn an_envelope_alone_is_read_too_in_both_alphabets() {
        let mut envelope = envelope(&signed());
        assert_eq!(read(&envelope).unwrap().signed, signed());
        envelope["signatures"][0]["sig"] = URL_SAFE.encode([0xff; 64]).into();
        assert_eq!(read(&envelope).unwrap().signed, signed());
    }

    #[test]
    fn what_is_no_bundle_with_a_key_is_told() {
        type Change = fn(&mut Value);
        let certificate = NotABundle::Keyless.to_string();
        let cases: [(Change, &str); 11] = [
            (|it| *it = json!([]), "neither a Sigstore bundle"),
            (|it| *it = json!({ "kind": "Pod" }), "neither a Sigstore bundle"),
            (|it| it["mediaType"] = json!(3), "neither a Sigstore bundle"),
            (
                |it| it["mediaType"] = json!("application/vnd.dev.sigstore.bundle.v0.4+json"),
                "its media type is `application/vnd.dev.sigstore.bundle.v0.4+json`",
            ),
            (|it| it["verificationMaterial"] = json!({ "certificate": {} }), &certificate),
            (|it| it["verificationMaterial"] = json!({ "x509CertificateChain": {} }), &certificate),
            (|it| it["verificationMaterial"] = json!(null), "names no public key"),
            (
                |it| {
                    *it = json!({
                        "mediaType": MEDIA_TYPE, "verificationMaterial": { "publicKey": {} },
                        "messageSignature": {},
                    })
                },
                "no statement",
            ),
            (|it| it["dsseEnvelope"]["payload"] = json!("e30"), "its `payload` is no base64"),
            (|it| it["dsseEnvelope"]["signatures"] = json!([]), "it has 0 signatures"),
            (|it| it["dsseEnvelope"]["signatures"] = json!("x"), "invalid type"),
        ];
        for (change, told) in cases {
            let mut document = bundle(&signed());
            change(&mut document);
            let problem = read(&document).unwrap_err().to_string();
            assert!(problem.contains(told), "{told}: {problem}");
        }
    }
}
