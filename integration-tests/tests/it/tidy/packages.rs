//! The packages of the workspace and what they depend on, as `cargo metadata` tells it.
//!
//! Owns the reading and a model that is small enough to be made up in tests. Judges nothing.

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

use cargo_metadata::{DependencyKind, Metadata, MetadataCommand, Node, PackageId};

use super::tree::root;

/// A package of this workspace.
#[derive(Debug, Default)]
pub(super) struct Package {
    pub(super) name: String,
    /// Relative to the root: `libs/types`.
    pub(super) folder: String,
    /// Names of packages that its library and programs use, and its build script.
    pub(super) normal: BTreeSet<String>,
    /// Names of packages that its tests use besides.
    pub(super) dev: BTreeSet<String>,
    /// Everything that is linked with its library: the closure of `normal`, without build scripts.
    pub(super) linked: BTreeSet<String>,
}

/// A package from a registry.
#[derive(Debug)]
pub(super) struct ThirdParty {
    pub(super) name: String,
    pub(super) version: String,
    /// An SPDX expression; empty when the package names none.
    pub(super) licence: String,
    /// Whether it comes from cargo's default registry.
    pub(super) from_default_registry: bool,
}

/// The workspace for the platform that runs the tests.
#[derive(Debug)]
pub(super) struct Packages {
    pub(super) own: Vec<Package>,
    pub(super) third_parties: Vec<ThirdParty>,
}

impl Packages {
    /// Asks cargo, without touching the network: what is needed was there to build this test.
    pub(super) fn of_workspace() -> Self {
        let metadata = MetadataCommand::new()
            .manifest_path(root().join("Cargo.toml"))
            .other_options(["--offline", "--filter-platform", &host()].map(str::to_owned))
            .exec()
            .expect("cargo metadata answers from what is downloaded: run `cargo fetch` once");
        let nodes: BTreeMap<&PackageId, &Node> = metadata
            .resolve
            .iter()
            .flat_map(|resolve| &resolve.nodes)
            .map(|node| (&node.id, node))
            .collect();
        let own = metadata
            .workspace_packages()
            .into_iter()
            .map(|package| {
                let manifest = &package.manifest_path;
                let folder = manifest.strip_prefix(&metadata.workspace_root).unwrap_or(manifest);
                Package {
                    name: package.name.to_string(),
                    folder: folder.parent().map(ToString::to_string).unwrap_or_default(),
                    normal: named(package, |kind| kind != DependencyKind::Development),
                    dev: named(package, |kind| kind == DependencyKind::Development),
                    linked: linked(&package.id, &metadata, &nodes),
                }
            })
            .collect();
        Self { own, third_parties: third_parties(&metadata, &nodes) }
    }
}

fn named(
    package: &cargo_metadata::Package,
    wanted: impl Fn(DependencyKind) -> bool,
) -> BTreeSet<String> {
    let dependencies = package.dependencies.iter().filter(|dependency| wanted(dependency.kind));
    dependencies.map(|dependency| dependency.name.clone()).collect()
}

/// The names of all packages that normal dependencies lead to.
fn linked(
    start: &PackageId,
    metadata: &Metadata,
    nodes: &BTreeMap<&PackageId, &Node>,
) -> BTreeSet<String> {
    let mut seen = BTreeSet::new();
    let mut open = vec![start];
    while let Some(id) = open.pop() {
        for dependency in nodes.get(id).into_iter().flat_map(|node| &node.deps) {
            let is_normal =
                dependency.dep_kinds.iter().any(|kind| kind.kind == DependencyKind::Normal);
            if is_normal && seen.insert(&dependency.pkg) {
                open.push(&dependency.pkg);
            }
        }
    }
    seen.into_iter().map(|id| metadata[id].name.to_string()).collect()
}

fn third_parties(metadata: &Metadata, nodes: &BTreeMap<&PackageId, &Node>) -> Vec<ThirdParty> {
    let used = metadata.packages.iter().filter(|package| nodes.contains_key(&package.id));
    used.filter_map(|package| {
        let source = package.source.as_ref()?;
        Some(ThirdParty {
            name: package.name.to_string(),
            version: package.version.to_string(),
            licence: package.license.clone().unwrap_or_default(),
            from_default_registry: source.is_crates_io(),
        })
    })
    .collect()
}

/// The platform of the compiler that builds the tests.
fn host() -> String {
    let output = Command::new("rustc").arg("-vV").output().expect("rustc runs");
    let said = String::from_utf8(output.stdout).expect("rustc says UTF-8");
    let host = said.lines().find_map(|line| line.strip_prefix("host: "));
    host.expect("rustc names its host").to_owned()
}

#[test]
fn the_model_of_this_workspace_is_read() {
    let packages = Packages::of_workspace();
    let this = packages.own.iter().find(|package| package.name == "airside-integration-tests");
    let this = this.expect("this package");
    assert_eq!(this.folder, "integration-tests");
    assert!(this.dev.contains("cargo_metadata"));
    let wire = packages.own.iter().find(|package| package.name == "airside-wire").expect("wire");
    assert!(wire.normal.contains("prost") && !wire.normal.contains("blake3"));
    assert!(wire.linked.contains("blake3"), "linked by way of airside-types");
    assert!(wire.dev.contains("protox") && !wire.linked.contains("protox"));
    assert!(packages.third_parties.iter().any(|package| package.name == "blake3"));
    assert!(!packages.third_parties.iter().any(|package| package.name == "airside-types"));
}
