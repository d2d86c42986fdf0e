//! The licences and bans of `deny.toml`, held without cargo-deny: what the workspace links may be
//! shipped under Apache-2.0, comes from the default registry, and is not banned.

use std::collections::BTreeSet;

use super::holds;
use super::packages::{Packages, ThirdParty};
use super::tree::{Tree, root};

/// What `deny.toml` says, as far as this test holds it.
struct Policy {
    licences: BTreeSet<String>,
    banned: BTreeSet<String>,
}

impl Policy {
    fn of_workspace() -> Self {
        let path = root().join("deny.toml");
        let text = std::fs::read_to_string(&path).expect("deny.toml is at the root");
        let policy: toml::Table = text.parse().expect("deny.toml is TOML");
        let texts = |list: &toml::Value, key: Option<&str>| -> BTreeSet<String> {
            let entries = list.as_array().expect("a list").iter();
            let text = |entry: &toml::Value| {
                let entry = key.map_or(entry, |key| &entry[key]);
                entry.as_str().expect("a text").to_owned()
            };
            entries.map(text).collect()
        };
        Self {
            licences: texts(&policy["licenses"]["allow"], None),
            banned: texts(&policy["bans"]["deny"], Some("crate")),
        }
    }
}

/// Whether an SPDX expression can be met with the allowed licences. `/` is the old form of `OR`.
fn is_met(expression: &str, allowed: &BTreeSet<String>) -> bool {
    let spaced = expression.replace('/', " OR ").replace('(', " ( ").replace(')', " ) ");
    let mut words = spaced.split_whitespace().peekable();
    let met = any(&mut words, allowed);
    met && words.next().is_none()
}

type Words<'a> = std::iter::Peekable<std::str::SplitWhitespace<'a>>;

fn any(words: &mut Words<'_>, allowed: &BTreeSet<String>) -> bool {
    let mut met = all(words, allowed);
    while words.next_if_eq(&"OR").is_some() {
        met |= all(words, allowed);
    }
    met
}

fn all(words: &mut Words<'_>, allowed: &BTreeSet<String>) -> bool {
    let mut met = one(words, allowed);
    while words.next_if_eq(&"AND").is_some() {
        met &= one(words, allowed);
    }
    met
}

fn one(words: &mut Words<'_>, allowed: &BTreeSet<String>) -> bool {
    match words.next() {
        Some("(") => any(words, allowed) & words.next_if_eq(&")").is_some(),
        Some(licence) => {
            let exception = words.next_if_eq(&"WITH").and_then(|_| words.next());
            let name =
                exception.map_or_else(|| licence.into(), |with| format!("{licence} WITH {with}"));
            allowed.contains(&name)
        }
        None => false,
    }
}

fn unacceptable(third_parties: &[ThirdParty], policy: &Policy) -> Vec<String> {
    let mut offences = Vec::new();
    for ThirdParty { name, version, licence, from_default_registry } in third_parties {
        if !is_met(licence, &policy.licences) {
            offences.push(format!("{name} {version}: licence {licence:?} is not allowed"));
        }
        if policy.banned.contains(name) {
            offences.push(format!("{name} {version}: banned in deny.toml, which says why"));
        }
        if !from_default_registry {
            offences.push(format!("{name} {version}: does not come from the default registry"));
        }
    }
    offences
}

#[test]
fn third_parties_are_acceptable() {
    let packages = Packages::of_workspace();
    let offences = unacceptable(&packages.third_parties, &Policy::of_workspace());
    holds("third parties meet deny.toml", &offences);
}

#[test]
fn the_project_is_under_the_apache_licence() {
    let tree = Tree::of_workspace();
    let licence = tree.get("LICENSE").expect("a LICENSE file");
    assert!(licence.text.contains("Apache License") && licence.text.contains("Version 2.0"));
    assert!(licence.text.contains("APPENDIX: How to apply the Apache License to your work."));
}

#[test]
fn expressions_are_read_as_spdx_defines_them() {
    let allowed: BTreeSet<String> =
        ["MIT", "Apache-2.0", "Apache-2.0 WITH LLVM-exception", "Unicode-3.0"]
            .map(Into::into)
            .into();
    for (expression, met) in [
        ("MIT", true),
        ("MIT OR GPL-3.0", true),
        ("GPL-3.0/MIT", true),
        ("MIT AND GPL-3.0", false),
        ("(MIT OR Apache-2.0) AND Unicode-3.0", true),
        ("GPL-3.0 OR MIT AND LGPL-2.1", false),
        ("Apache-2.0 WITH LLVM-exception", true),
        ("MIT WITH LLVM-exception", false),
        ("(MIT", false),
        ("MIT)", false),
        ("", false),
    ] {
        assert_eq!(is_met(expression, &allowed), met, "{expression:?}");
    }
}

#[test]
fn a_ban_a_licence_and_a_foreign_source_are_each_caught() {
    let policy = Policy { licences: ["MIT".into()].into(), banned: ["openssl".into()].into() };
    let package = |name: &str, licence: &str, from_default_registry| ThirdParty {
        name: name.into(),
        version: "1.0.0".into(),
        licence: licence.into(),
        from_default_registry,
    };
    let third_parties = [
        package("openssl", "MIT", true),
        package("a", "GPL-3.0", true),
        package("b", "MIT", false),
    ];
    assert_eq!(
        unacceptable(&third_parties, &policy),
        [
            "openssl 1.0.0: banned in deny.toml, which says why",
            "a 1.0.0: licence \"GPL-3.0\" is not allowed",
            "b 1.0.0: does not come from the default registry",
        ]
    );
}
