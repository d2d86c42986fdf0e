//! The key file survives its text, and only the right key at the right time gets in.

use super::*;

const DAY: i64 = 86_400_000_000_000;

fn key(number: u8) -> ApiKey {
    ApiKey::from_random([number; 5], [number; 32])
}

fn record(number: u8, tenant: &str, scopes: &[Scope]) -> KeyRecord {
    KeyRecord::new(&key(number), Tenant::new(tenant).unwrap(), scopes.iter().copied())
}

/// Key 1: team-a, ingest. Key 2: team-b, everything, until day 10. Key 3: team-a, read.
fn ring() -> KeyRing {
    let mut ring = KeyRing::default();
    ring.add(record(1, "team-a", &[Scope::Ingest]));
    ring.add(KeyRecord {
        description: "CI of \"team b\"".to_owned(),
        expires: Some(Timestamp::from_nanos(10 * DAY)),
        ..record(2, "team-b", &Scope::ALL)
    });
    ring.add(record(3, "team-a", &[Scope::Read]));
    ring
}

#[test]
fn the_bearer_of_a_key_is_its_tenant_with_its_scopes() {
    for (number, tenant, scopes) in [
        (1, "team-a", &[Scope::Ingest][..]),
        (2, "team-b", &Scope::ALL),
        (3, "team-a", &[Scope::Read]),
    ] {
        let principal = ring().authenticate(key(number).expose(), Timestamp::EPOCH).unwrap();
        assert_eq!(principal.tenant.as_str(), tenant);
        assert_eq!(principal.scopes().collect::<Vec<_>>(), scopes);
        assert_eq!(principal.subject(), format!("key:{}", key(number).id()));
    }
}

#[test]
fn the_token_of_a_key_sends_and_does_nothing_else() {
    let at = Timestamp::EPOCH;
    for (number, tenant, scopes) in
        [(1, "team-a", &[Scope::Ingest][..]), (2, "team-b", &[Scope::Ingest]), (3, "team-a", &[])]
    {
        let token = key(number).url_token().expose();
        let principal = ring().authenticate_token(&token, at).unwrap();
        assert_eq!(principal.tenant.as_str(), tenant);
        assert_eq!(principal.scopes().collect::<Vec<_>>(), scopes);
    }
    let of_another = ApiKey::from_random([2; 5], [9; 32]).url_token().expose();
    let unknown = AuthError::UnknownKey { id: key(2).id().clone() };
    assert_eq!(ring().authenticate_token(&of_another, at), Err(unknown));
    let expired =
        AuthError::Expired { id: key(2).id().clone(), at: Timestamp::from_nanos(10 * DAY) };
    let late = Timestamp::from_nanos(20 * DAY);
    assert_eq!(ring().authenticate_token(&key(2).url_token().expose(), late), Err(expired));
    // Neither opens the door of the other.
    assert!(ring().authenticate(&key(2).url_token().expose(), at).is_err());
    assert!(ring().authenticate_token(key(2).expose(), at).is_err());
}

#[test]
fn a_key_is_refused_from_the_moment_it_expires() {
    let at = |nanos| ring().authenticate(key(2).expose(), Timestamp::from_nanos(nanos));
    assert!(at(10 * DAY - 1).is_ok());
    let expired =
        AuthError::Expired { id: key(2).id().clone(), at: Timestamp::from_nanos(10 * DAY) };
    assert_eq!(at(10 * DAY), Err(expired.clone()));
    assert_eq!(at(i64::MAX), Err(expired));
}

#[test]
fn an_unknown_id_and_a_wrong_secret_look_the_same() {
    let unknown_id = key(9);
    let wrong_secret = ApiKey::from_random([2; 5], [9; 32]);
    let secret_of_another = ApiKey::from_random([1; 5], [3; 32]);
    for key in [unknown_id, wrong_secret, secret_of_another] {
        // Also after key 2 expired: who has not its secret does not learn that.
        let answer = ring().authenticate(key.expose(), Timestamp::from_nanos(20 * DAY));
        assert_eq!(answer, Err(AuthError::UnknownKey { id: key.id().clone() }));
    }
}

#[test]
fn a_removed_key_is_unknown() {
    let mut ring = ring();
    assert_eq!(ring.remove(key(1).id()).unwrap().tenant.as_str(), "team-a");
    let answer = ring.authenticate(key(1).expose(), Timestamp::EPOCH);
    assert_eq!(answer, Err(AuthError::UnknownKey { id: key(1).id().clone() }));
}

#[test]
fn adding_an_id_again_replaces_it() {
    let mut ring = ring();
    let replaced = ring.add(record(1, "team-c", &[Scope::Read])).unwrap();
    assert_eq!(replaced.tenant.as_str(), "team-a");
    let principal = ring.authenticate(key(1).expose(), Timestamp::EPOCH).unwrap();
    assert_eq!(principal.tenant.as_str(), "team-c");
}

#[test]
fn a_key_file_looks_as_documented_and_survives() {
    let text = ring().to_toml();
    insta::assert_snapshot!(text, @r#"
    [[key]]
    id = "aeaqcaib"
    tenant = "team-a"
    scopes = ["ingest"]
    hash = "24f3da8eb8ff9e115d34086f68efe53df3c5a8dfff266b6d976346980cf784cb"

    [[key]]
    id = "aibaeaqc"
    tenant = "team-b"
    scopes = ["ingest", "scan", "read", "configure"]
    hash = "f88e6896815cb01c6a6e26d50ddf6841f05e242204a115a3ef4f5a9902412eb9"
    description = 'CI of "team b"'
    expires = "1970-01-11T00:00:00Z"

    [[key]]
    id = "ambqgayd"
    tenant = "team-a"
    scopes = ["read"]
    hash = "15fe18f315859e405f1dac40c3fb82218850c815c64dffd8c2e0d7a1237fccbe"
    "#);
    assert_eq!(KeyRing::from_toml(&text), Ok(ring()));
    assert_eq!(KeyRing::from_toml(""), Ok(KeyRing::default()));
}

#[test]
fn a_broken_key_file_names_the_place_and_no_secret() {
    let leaked = key(4);
    let exposed = leaked.expose();
    let row = |replaced: &str, by: &str| {
        let mut ring = KeyRing::default();
        ring.add(record(4, "team-a", &[Scope::Ingest]));
        let text = ring.to_toml();
        assert!(text.contains(replaced), "{text}");
        text.replace(replaced, by)
    };
    let hash = key(4).hash().to_string();
    let twice = row("", "").repeat(2);
    let messages = [
        row("[[key]]", "[[key]"),
        row("tenant", "tennant"),
        row("scopes = [\"ingest\"]", "scopes = \"ingest\""),
        row("id = \"", "id = \"X"),
        row("team-a", "Team A"),
        row("\"ingest\"", "\"admin\""),
        row("[\"ingest\"]", "[]"),
        row(&hash, "abc"),
        row(&hash, exposed),
        row("team-a", exposed),
        row("[\"ingest\"]", &format!("\"{exposed}\"")),
        row("hash", "expires = \"tomorrow\"\nhash"),
        twice,
    ]
    .map(|text| KeyRing::from_toml(&text).expect_err(&text).to_string());
    insta::assert_snapshot!(messages.join("\n"), @r#"
    key file, line 1: unclosed array table, expected `]`
    key file, line 3: unknown field `tennant`, expected one of `id`, `tenant`, `scopes`, `hash`, `description`, `expires`
    key file, line 4: invalid type: string "ingest", expected a sequence
    key file, key number 1: `id` must be the 8 characters of `a-z2-7` of the key
    key file, key number 1: `tenant` is wrong: `Team A` is no tenant name: use 1 to 63 lower-case letters, digits and `-`, starting and ending with a letter or digit
    key file, key number 1: `scopes` is wrong: `admin` is no scope (ingest, scan, read, configure)
    key file, key number 1: `scopes` is empty: name at least one of ingest, scan, read, configure
    key file, key number 1: `hash` is no hash of a key: 64 hexadecimal digits are, as written when the key was made
    key file, key number 1: `hash` is no hash of a key: 64 hexadecimal digits are, as written when the key was made
    key file, key number 1: `tenant` holds a whole key: a key file has hashes, and this key is to be replaced
    key file, line 4: holds a whole key: a key file has hashes, and this key is to be replaced
    key file, key number 1: `expires` is wrong: `tomorrow` is no time as RFC 3339 has them, such as 2026-01-31T10:20:30.5Z
    key file, key number 2: id `aqcaibae` is there already; remove one of the two
    "#);
}
