//! A setting that must not be shown.

use std::fmt;

use airside_types::redact::REDACTED;
use serde::de::{self, Deserializer, Visitor};
use serde::{Deserialize, Serialize, Serializer};

/// A password, token or private key. `Debug`, `Display` and serialisation show `«redacted»`; only
/// [`Secret::expose`] gives the value.
#[derive(Clone)]
pub struct Secret(String);

impl Secret {
    /// Hides a value.
    pub fn new(value: impl Into<String>) -> Self {
        Self(value.into())
    }

    /// The value, for the one place that needs it.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(REDACTED)
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Secret({REDACTED})")
    }
}

impl Serialize for Secret {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(REDACTED)
    }
}

impl<'de> Deserialize<'de> for Secret {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(SecretVisitor)
    }
}

/// Takes strings only, and repeats no other value in its errors.
struct SecretVisitor;

impl SecretVisitor {
    fn not_text<E: de::Error>() -> E {
        E::custom("a secret must be a text in quotes")
    }
}

impl Visitor<'_> for SecretVisitor {
    type Value = Secret;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a text in quotes")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Secret, E> {
        match text {
            "" => Err(E::custom("the secret is empty: give a value, or leave the key out")),
            REDACTED => Err(E::custom(format!(
                "`{REDACTED}` stands for a secret in what `airside config` prints: \
                 put the secret itself here"
            ))),
            text => Ok(Secret::new(text)),
        }
    }

    fn visit_bool<E: de::Error>(self, _: bool) -> Result<Secret, E> {
        Err(Self::not_text())
    }

    fn visit_i64<E: de::Error>(self, _: i64) -> Result<Secret, E> {
        Err(Self::not_text())
    }

    fn visit_u64<E: de::Error>(self, _: u64) -> Result<Secret, E> {
        Err(Self::not_text())
    }

    fn visit_f64<E: de::Error>(self, _: f64) -> Result<Secret, E> {
        Err(Self::not_text())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_never_shown() {
        let secret: Secret = serde_json::from_str("\"hunter2\"").unwrap();
        assert_eq!(secret.expose(), "hunter2");
        let json = serde_json::to_string(&secret).unwrap();
        assert_eq!(
            format!("{secret} {secret:?} {json}"),
            "«redacted» Secret(«redacted») \"«redacted»\""
        );
    }

    #[test]
    fn what_is_no_secret_is_refused_without_repeating_it() {
        for json in ["73313", "-73313", "73.313", "true", "null", "\"\"", "\"«redacted»\""] {
            let error = serde_json::from_str::<Secret>(json).expect_err(json).to_string();
            assert!(!error.contains("73"), "{error}");
        }
    }
}
