//! The form of package manifests: what every package inherits, and that the root is the one place
//! for versions.

use std::collections::BTreeSet;

use toml::{Table, Value};

use super::holds;
use super::tree::{File, Tree};

const INHERITED: [&str; 5] = ["version", "edition", "rust-version", "license", "publish"];
const DEPENDENCIES: [&str; 3] = ["dependencies", "dev-dependencies", "build-dependencies"];

fn members(tree: &Tree) -> impl Iterator<Item = (&File, Table)> {
    tree.files
        .iter()
        .filter(|file| file.path.ends_with("/Cargo.toml"))
        .map(|file| (file, file.text.parse().expect("a manifest is TOML")))
}

fn is_inherited(value: Option<&Value>) -> bool {
    value.and_then(|value| value.get("workspace")).and_then(Value::as_bool) == Some(true)
}

/// The tables of dependencies of a manifest, those for a platform included.
fn dependencies(manifest: &Table) -> impl Iterator<Item = (&String, &Value)> {
    let platforms = manifest.get("target").and_then(Value::as_table).into_iter().flatten();
    let tables = platforms.filter_map(|(_, table)| table.as_table()).chain([manifest]);
    tables
        .flat_map(|table| DEPENDENCIES.iter().filter_map(|&name| table.get(name)?.as_table()))
        .flatten()
}

fn own_ways(tree: &Tree) -> Vec<String> {
    let mut offences = Vec::new();
    for (file, manifest) in members(tree) {
        let mut offend = |what: &str| offences.push(format!("{}: {what}", file.path));
        if !is_inherited(manifest.get("lints")) {
            offend("[lints] workspace = true is missing");
        }
        let package = manifest.get("package");
        for key in INHERITED {
            if !is_inherited(package.and_then(|package| package.get(key))) {
                offend(&format!("{key}.workspace = true is missing"));
            }
        }
        if package.and_then(|package| package.get("description")).is_none() {
            offend("says nothing in `description`");
        }
        let library = file.path.replace("Cargo.toml", "src/lib.rs");
        let doctest = manifest.get("lib").and_then(|lib| lib.get("doctest")?.as_bool());
        if tree.get(&library).is_some() && doctest != Some(false) {
            offend("[lib] doctest = false is missing: doc tests are linked one by one");
        }
        for (name, value) in dependencies(&manifest) {
            if !is_inherited(Some(value)) {
                offend(&format!("{name}: versions stand in the root's [workspace.dependencies]"));
            }
        }
    }
    offences
}

/// Entries of the root's `[workspace.dependencies]` that no package uses.
fn unused(tree: &Tree) -> Vec<String> {
    let root: Table =
        tree.get("Cargo.toml").expect("the root's manifest").text.parse().expect("TOML");
    let members: Vec<Table> = members(tree).map(|(_, manifest)| manifest).collect();
    let used: BTreeSet<&String> =
        members.iter().flat_map(dependencies).map(|(name, _)| name).collect();
    let declared = root["workspace"].get("dependencies").and_then(Value::as_table);
    let unused = declared.into_iter().flatten().filter(|(name, _)| !used.contains(name));
    unused.map(|(name, _)| format!("Cargo.toml: {name}: no package uses it")).collect()
}

#[test]
fn manifests_inherit_from_the_workspace() {
    holds(
        "a manifest inherits lints, package fields and versions",
        &own_ways(&Tree::of_workspace()),
    );
}

#[test]
fn every_declared_dependency_is_used() {
    holds("the root declares what is used", &unused(&Tree::of_workspace()));
}

#[test]
fn each_rule_catches_its_offender() {
    let good = "[package]\nname = \"a\"\ndescription = \"x\"\nversion.workspace = true\n\
        edition.workspace = true\nrust-version.workspace = true\nlicense.workspace = true\n\
        publish.workspace = true\n[lib]\ndoctest = false\n[lints]\nworkspace = true\n\
        [dependencies]\nserde.workspace = true\n";
    let bad = good
        .replace("[lints]\nworkspace = true\n", "")
        .replace("edition.workspace = true", "edition = \"2021\"")
        .replace("serde.workspace = true", "serde = \"1\"\n[target.x.dev-dependencies]\nb = \"2\"")
        .replace("doctest = false", "name = \"a\"")
        .replace("description = \"x\"\n", "");
    let tree = Tree::of(&[
        ("Cargo.toml", "[workspace.dependencies]\nserde = \"1\"\nspare = \"1\"\n"),
        ("libs/good/Cargo.toml", good),
        ("libs/good/src/lib.rs", ""),
        ("libs/bad/Cargo.toml", &bad),
        ("libs/bad/src/lib.rs", ""),
    ]);
    assert_eq!(
        own_ways(&tree),
        [
            "libs/bad/Cargo.toml: [lints] workspace = true is missing",
            "libs/bad/Cargo.toml: edition.workspace = true is missing",
            "libs/bad/Cargo.toml: says nothing in `description`",
            "libs/bad/Cargo.toml: [lib] doctest = false is missing: doc tests are linked one by one",
            "libs/bad/Cargo.toml: b: versions stand in the root's [workspace.dependencies]",
            "libs/bad/Cargo.toml: serde: versions stand in the root's [workspace.dependencies]",
        ]
    );
    assert_eq!(unused(&tree), ["Cargo.toml: spare: no package uses it"]);
}
