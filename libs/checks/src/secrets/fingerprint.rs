//! Fingerprints: how two findings about one value are recognised without the value.
//!
//! A digest of a short password can be searched by trying passwords, and a salt that everybody knows does
//! not change that. So only a value that was made by a machine and is long enough has one; for anything
//! that a person may have thought up, plain or in base64, there is none.

use super::shapes::decoded;
use super::values::is_random;

/// Changing it changes every fingerprint.
const CONTEXT: &str = "airside 2026 fingerprint of a misplaced credential";
const SHOWN_DIGITS: usize = 12;

/// The fingerprint of a value, when the value cannot be guessed from it.
pub(super) fn fingerprint(value: &str) -> Option<String> {
    if !is_random(value) || decoded(value).is_some() {
        return None;
    }
    let mut hasher = blake3::Hasher::new_derive_key(CONTEXT);
    hasher.update(value.as_bytes());
    let digits = hasher.finalize().to_hex();
    digits.as_str().get(..SHOWN_DIGITS).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_cannot_be_guessed_has_a_fingerprint() {
        let random = fingerprint("q7Rk2ZpV9xT4mWc8Ls3NbY6h").unwrap();
        assert_eq!(random.len(), SHOWN_DIGITS);
        assert_eq!(fingerprint("q7Rk2ZpV9xT4mWc8Ls3NbY6h"), Some(random));
        for guessable in [
            "hunter2",
            "Password123Password123",
            "correcthorsebatterystaple",
            // shop:mXq7-dune
            "c2hvcDptWHE3LWR1bmU=",
            "",
        ] {
            assert_eq!(fingerprint(guessable), None, "{guessable}");
        }
    }
}
