//! Keys survive their text, and nothing else reads as one.

use proptest::prelude::*;

use super::*;

/// The key of the tables: id bytes 0..5, secret bytes all 0x2a.
fn key() -> ApiKey {
    ApiKey::from_random([0, 1, 2, 3, 4], [0x2a; 32])
}

#[test]
fn a_key_looks_as_documented() {
    let text = "airside_aaaqeaye_KioqKioqKioqKioqKioqKioqKioqKioqKioqKioqKio";
    assert_eq!(key().expose(), text);
}

#[test]
fn what_is_no_key_is_refused_with_the_reason_and_without_the_text() {
    let secret = "KioqKioqKioqKioqKioqKioqKioqKioqKioqKioqKio";
    for (text, reason) in [
        (String::new(), "does not begin with"),
        (secret.to_owned(), "does not begin with"),
        (format!("Airside_aaaqeaye_{secret}"), "does not begin with"),
        (format!("airside_{secret}"), "no second"),
        (format!("airside_aaaqeay_{secret}"), "an id"),
        (format!("airside_AAAQEAYE_{secret}"), "an id"),
        (format!("airside_aaaqea1e_{secret}"), "an id"),
        ("airside_aaaqeaye_".to_owned(), "too short"),
        (format!("airside_aaaqeaye_{secret}x"), "too long"),
        (format!("airside_aaaqeaye_{}=", secret.get(1..).unwrap()), "no base64url"),
        (format!("airside_aaaqeaye_{}+", secret.get(1..).unwrap()), "no base64url"),
        // The last character carries two bits that must be zero: one secret has one text.
        (format!("airside_aaaqeaye_{}p", secret.get(..42).unwrap()), "no base64url"),
    ] {
        let message = ApiKey::parse(&text).expect_err(&text).to_string();
        assert!(message.contains(reason), "{text}: {message}");
        assert!(!message.contains("Kioq"), "{message} shows the secret");
    }
}

#[test]
fn a_key_is_never_shown_by_accident() {
    assert_eq!(format!("{} {:?}", key(), key()), "airside_aaaqeaye_… ApiKey(airside_aaaqeaye_…)");
}

#[test]
fn the_hash_of_a_key_is_fixed_for_ever() {
    // Key files outlive versions of the program: a change here locks everybody out.
    insta::assert_snapshot!(key().hash(), @"b844accb30f177d233a617a4764527bdf41147192f6959056502793d1b126eda");
}

#[test]
fn the_hash_covers_the_id_and_every_bit_of_the_secret() {
    let reference = key().hash();
    assert_ne!(ApiKey::from_random([0, 1, 2, 3, 5], [0x2a; 32]).hash(), reference);
    for bit in 0..256 {
        let mut secret = [0x2a; 32];
        secret[bit / 8] ^= 1 << (bit % 8);
        assert_ne!(ApiKey::from_random([0, 1, 2, 3, 4], secret).hash(), reference, "bit {bit}");
    }
}

proptest! {
    #[test]
    fn a_key_survives_its_text(id: [u8; 5], secret: [u8; 32]) {
        let key = ApiKey::from_random(id, secret);
        let read = ApiKey::parse(key.expose()).unwrap();
        prop_assert_eq!(read.expose(), key.expose());
        prop_assert_eq!(read.hash(), key.hash());
        prop_assert_eq!(key.hash().to_string().parse::<KeyHash>().unwrap(), key.hash());
    }

    #[test]
    fn no_text_breaks_the_reader(text in ".{0,80}") {
        prop_assert!(ApiKey::parse(&text).is_err());
    }
}
