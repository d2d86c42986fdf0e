//! Reads an API key out of an `Authorization` header.
//!
//! `Bearer KEY` (RFC 6750) is the common form. `Basic` (RFC 7617) is there for Falco, whose `http_output`
//! can send credentials only as user information in the URL: the key is the password, the user's name is
//! not looked at.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use zeroize::Zeroizing;

use crate::error::AuthError;

/// The longest header that is looked at, in bytes: a key has 60, the rest is room for a user's name.
pub const MAX_AUTHORIZATION_BYTES: usize = 1024;

/// The key that an `Authorization` header presents, as text or as it came, unchecked: [`crate::KeyRing::authenticate`] checks it.
///
/// # Errors
/// [`AuthError::MissingCredentials`] for an empty header, [`AuthError::MalformedHeader`] for any other that
/// holds no key.
pub fn presented_key(authorization: impl AsRef<[u8]>) -> Result<Zeroizing<String>, AuthError> {
    let header = authorization.as_ref().trim_ascii();
    if header.is_empty() {
        return Err(AuthError::MissingCredentials);
    }
    read(header).map_err(|problem| AuthError::MalformedHeader { problem })
}

fn read(header: &[u8]) -> Result<Zeroizing<String>, &'static str> {
    if header.len() > MAX_AUTHORIZATION_BYTES {
        return Err("is longer than 1024 bytes");
    }
    let header = std::str::from_utf8(header).map_err(|_| "is no UTF-8")?;
    let (scheme, credentials) = header.split_once(' ').unwrap_or((header, ""));
    let credentials = credentials.trim_ascii();
    let key = if scheme.eq_ignore_ascii_case("bearer") {
        Zeroizing::new(credentials.to_owned())
    } else if scheme.eq_ignore_ascii_case("basic") {
        password(credentials)?
    } else {
        return Err("has a scheme other than `Bearer` and `Basic`");
    };
    if key.is_empty() { Err("holds no key") } else { Ok(key) }
}

/// The part behind the first colon of `base64(user:password)`.
fn password(credentials: &str) -> Result<Zeroizing<String>, &'static str> {
    let decoded = STANDARD
        .decode(credentials)
        .map(Zeroizing::new)
        .map_err(|_| "has `Basic` credentials that are no base64")?;
    let text =
        std::str::from_utf8(&decoded).map_err(|_| "has `Basic` credentials that are no UTF-8")?;
    let (_, password) = text.split_once(':').ok_or("has `Basic` credentials without a `:`")?;
    Ok(Zeroizing::new(password.to_owned()))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn basic(userinfo: &str) -> String {
        format!("Basic {}", STANDARD.encode(userinfo))
    }

    #[test]
    fn a_key_is_found_in_both_forms() {
        for header in [
            "Bearer airside_x_y".to_owned(),
            "bearer airside_x_y".to_owned(),
            "  Bearer   airside_x_y ".to_owned(),
            basic("falco:airside_x_y"),
            basic(":airside_x_y"),
            basic("falco:airside_x_y").replace("Basic", "BASIC"),
        ] {
            assert_eq!(presented_key(&header).unwrap().as_str(), "airside_x_y", "{header}");
        }
    }

    #[test]
    fn a_header_without_a_key_is_refused_with_the_reason() {
        for (header, reason) in [
            ("Bearer".to_owned(), "holds no key"),
            ("Bearer ".to_owned(), "holds no key"),
            ("airside_x_y".to_owned(), "a scheme other"),
            ("Digest username=falco".to_owned(), "a scheme other"),
            ("Basic %%%".to_owned(), "no base64"),
            (format!("Basic {}", STANDARD.encode([0xff, 0xfe])), "no UTF-8"),
            (basic("airside_x_y"), "without a `:`"),
            (basic("airside_x_y:"), "holds no key"),
            (format!("Bearer {}", "x".repeat(MAX_AUTHORIZATION_BYTES)), "longer than"),
        ] {
            let error = presented_key(&header).expect_err(&header);
            assert!(error.to_string().contains(reason), "{header}: {error}");
            assert!(!error.to_string().contains("x_y"), "{error} shows the key");
            assert!(!error.is_forbidden());
        }
        assert_eq!(presented_key(" ").unwrap_err(), AuthError::MissingCredentials);
        let error = presented_key(b"Bearer \xff").unwrap_err();
        assert_eq!(error, AuthError::MalformedHeader { problem: "is no UTF-8" });
    }

    proptest! {
        #[test]
        fn no_header_breaks_the_reader(header in ".{0,200}") {
            presented_key(&header).ok();
        }
    }
}
