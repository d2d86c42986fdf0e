//! Who may depend on whom: one table for the crates of the workspace, one for the third parties
//! that a single crate hides from the others, and what an engine must never link.
//!
//! A new crate or edge is added here on purpose, with ARCHITECTURE.md beside it.

use super::holds;
use super::packages::{Package, Packages};
use super::purity::ENGINES;

/// One crate and the crates of the workspace that it may use.
struct Row {
    name: &'static str,
    normal: &'static [&'static [&'static str]],
    /// For tests besides; every crate's tests may use `TESTKIT`.
    dev: &'static [&'static str],
}

const fn row(
    name: &'static str,
    normal: &'static [&'static [&'static str]],
    dev: &'static [&'static str],
) -> Row {
    Row { name, normal, dev }
}

const TESTKIT: &str = "airside-testkit";

/// What every service is made of. `node` is for its main file only: `purity.rs` sees to that.
const SERVICE: &[&str] = &[
    "airside-auth",
    "airside-config",
    "airside-node",
    "airside-ports",
    "airside-service",
    "airside-telemetry",
    "airside-types",
    "airside-wire",
];
const PURE: &[&str] = &[
    "airside-baseline",
    "airside-checks",
    "airside-correlate",
    "airside-detect",
    "airside-k8s",
    "airside-policy",
    "airside-sift",
    "airside-sigma",
    "airside-types",
    "airside-vulnerability",
];
const ADAPTERS: &[&str] = &["airside-bus", "airside-cluster", "airside-store"];
const SERVICES: &[&str] = &[
    "airside-admission",
    "airside-audit-ingest",
    "airside-correlation",
    "airside-gateway",
    "airside-runtime-collector",
    "airside-scanner",
];

const ALLOWED: &[Row] = &[
    // The vocabulary, and what is written in it.
    row("airside-types", &[], &[]),
    row("airside-wire", &[&["airside-types"]], &[]),
    row("airside-ports", &[&["airside-k8s", "airside-types"]], &[]),
    // Engines: no ports, no async.
    row("airside-k8s", &[&["airside-types"]], &[]),
    row(
        "airside-report",
        &[&["airside-checks", "airside-k8s", "airside-types", "airside-vulnerability"]],
        &[],
    ),
    row("airside-compliance", &[&["airside-checks", "airside-types"]], &["airside-k8s"]),
    row("airside-vulnerability", &[&["airside-k8s", "airside-types"]], &[]),
    row("airside-policy", &[&["airside-k8s", "airside-types"]], &[]),
    row(
        "airside-checks",
        &[&["airside-k8s", "airside-policy", "airside-types", "airside-vulnerability"]],
        &[],
    ),
    row(
        "airside-detect",
        &[&["airside-baseline", "airside-checks", "airside-k8s", "airside-types"]],
        &[],
    ),
    row("airside-baseline", &[&["airside-types"]], &[]),
    row("airside-sift", &[&["airside-baseline", "airside-detect", "airside-types"]], &[]),
    // No engine: its parser and matcher link ahash and chrono. Its results are held to be the same all the same.
    row("airside-sigma", &[&["airside-detect", "airside-k8s", "airside-types"]], &[]),
    // Reads files, so that the command line and the services judge by the same terms.
    row(
        "airside-terms",
        &[&[
            "airside-checks",
            "airside-compliance",
            "airside-config",
            "airside-detect",
            "airside-k8s",
            "airside-policy",
            "airside-sigma",
            "airside-types",
            "airside-vulnerability",
        ]],
        &[],
    ),
    row("airside-correlate", &[&["airside-types"]], &[]),
    // Cross-cutting, without knowledge of any service.
    row("airside-auth", &[&["airside-types"]], &[]),
    row("airside-config", &[&["airside-types"]], &[]),
    row("airside-telemetry", &[], &[]),
    // Adapters: never each other, except that the embedded log is tested on the real store.
    row("airside-store", &[&["airside-ports", "airside-types"]], &[]),
    row("airside-bus", &[&["airside-ports", "airside-types", "airside-wire"]], &["airside-store"]),
    row("airside-cluster", &[&["airside-k8s", "airside-ports", "airside-types"]], &[]),
    // No port: what a service takes in is its own, so that it holds its archive itself.
    row("airside-archive", &[&["airside-types"]], &[]),
    // The kit that services are built with; it sees adapters through ports only.
    row(
        "airside-service",
        &[&[
            "airside-auth",
            "airside-config",
            "airside-ports",
            "airside-telemetry",
            "airside-types",
            "airside-wire",
        ]],
        ADAPTERS,
    ),
    // The one place where ports meet adapters.
    row("airside-node", &[SERVICE_WITHOUT_NODE, ADAPTERS], &[]),
    row(TESTKIT, &[SERVICE, PURE, ADAPTERS], &[]),
    // Services: engines and the kit; another service only by messages.
    row(
        "airside-scanner",
        &[
            SERVICE,
            &[
                "airside-checks",
                "airside-compliance",
                "airside-k8s",
                "airside-report",
                "airside-terms",
            ],
        ],
        ADAPTERS,
    ),
    row(
        "airside-admission",
        &[
            SERVICE,
            &["airside-checks", "airside-detect", "airside-k8s", "airside-policy", "airside-terms"],
        ],
        ADAPTERS,
    ),
    row(
        "airside-audit-ingest",
        &[
            SERVICE,
            &[
                "airside-archive",
                "airside-baseline",
                "airside-detect",
                "airside-k8s",
                "airside-sift",
                "airside-sigma",
                "airside-terms",
            ],
        ],
        ADAPTERS,
    ),
    row("airside-runtime-collector", &[SERVICE, &["airside-detect"]], ADAPTERS),
    row("airside-correlation", &[SERVICE, &["airside-correlate"]], ADAPTERS),
    row("airside-gateway", &[SERVICE], ADAPTERS),
    row(
        "airside",
        &[
            SERVICE,
            PURE,
            &[
                "airside-archive",
                "airside-compliance",
                "airside-report",
                "airside-terms",
                "airside-vulnerability",
            ],
            SERVICES,
        ],
        ADAPTERS,
    ),
    // A simulated week, and the way of its events through the engines: for tests and measurements.
    row(
        "airside-week",
        &[&["airside-correlate", "airside-detect", "airside-sift", "airside-types"]],
        &[],
    ),
    // Whole-system programs. `cargo verify` is built from the first one's empty list.
    row("airside-integration-tests", &[], EVERYTHING),
    row("airside-loadtest", &[EVERYTHING], &[]),
    // It reads the sources of checks and rules, and builds copies of them; its tests build with the real ones what is built
    // with the copies.
    row(
        "airside-mutation",
        &[],
        &["airside-checks", "airside-detect", "airside-k8s", "airside-types"],
    ),
];

const SERVICE_WITHOUT_NODE: &[&str] = &[
    "airside-auth",
    "airside-config",
    "airside-ports",
    "airside-service",
    "airside-telemetry",
    "airside-types",
    "airside-wire",
];
/// Any crate of the workspace.
const EVERYTHING: &[&str] = &["*"];

/// Third parties that one crate hides: swapping them touches that crate alone.
const HIDDEN: &[(&str, &[&str])] = &[
    ("async-nats", &["airside-bus"]),
    ("k8s-openapi", &["airside-cluster"]),
    ("kube", &["airside-cluster"]),
    ("object_store", &["airside-archive"]),
    ("opentelemetry", &["airside-telemetry"]),
    ("opentelemetry-otlp", &["airside-telemetry"]),
    ("opentelemetry_sdk", &["airside-telemetry"]),
    ("parquet", &["airside-archive"]),
    ("prost", &["airside-wire"]),
    ("prost-types", &["airside-wire"]),
    ("rsigma-eval", &["airside-sigma"]),
    ("rsigma-parser", &["airside-sigma"]),
    ("s3s", &["airside-testkit"]),
    ("s3s-fs", &["airside-testkit"]),
    ("sled", &["airside-store"]),
    ("tonic-prost", &["airside-wire"]),
    ("tracing-opentelemetry", &["airside-telemetry"]),
];

/// What would give an engine a runtime, a network, a clock or randomness.
const IMPURE: [&str; 20] = [
    "ahash",
    "async-trait",
    "axum",
    "chrono",
    "futures",
    "futures-core",
    "getrandom",
    "hyper",
    "mio",
    "rand",
    "reqwest",
    "rustls",
    "sled",
    "smol",
    "socket2",
    "tempfile",
    "tokio",
    "tonic",
    "tower",
    "tracing",
];

fn is_own(name: &str) -> bool {
    name == "airside" || name.starts_with("airside-")
}

fn forbidden_edges(own: &[Package], allowed: &[Row]) -> Vec<String> {
    let mut offences = Vec::new();
    for package in own {
        let Some(row) = allowed.iter().find(|row| row.name == package.name) else {
            let table = "the table of dependencies.rs and ARCHITECTURE.md";
            offences.push(format!("{}: add it to {table}", package.folder));
            continue;
        };
        let normal = |name: &str| is_in(name, row.normal.concat().as_slice());
        let dev = |name: &str| normal(name) || is_in(name, row.dev) || name == TESTKIT;
        let edges = |names: &std::collections::BTreeSet<String>,
                     is_allowed: &dyn Fn(&str) -> bool| {
            let own_names = names.iter().filter(|name| is_own(name) && **name != package.name);
            own_names.filter(|name| !is_allowed(name)).cloned().collect::<Vec<_>>()
        };
        for name in edges(&package.normal, &normal) {
            offences.push(format!("{}: must not depend on {name}", package.folder));
        }
        for name in edges(&package.dev, &dev) {
            offences.push(format!("{}: its tests must not depend on {name}", package.folder));
        }
    }
    let gone = allowed.iter().filter(|row| !own.iter().any(|package| package.name == row.name));
    offences.extend(gone.map(|row| format!("dependencies.rs: {} is no crate any more", row.name)));
    offences
}

fn is_in(name: &str, list: &[&str]) -> bool {
    list == EVERYTHING || list.contains(&name)
}

fn exposed_third_parties(own: &[Package], hidden: &[(&str, &[&str])]) -> Vec<String> {
    let mut offences = Vec::new();
    for package in own {
        for (third_party, homes) in hidden {
            let uses = package.normal.contains(*third_party) || package.dev.contains(*third_party);
            if uses && !homes.contains(&package.name.as_str()) {
                let homes = homes.join(", ");
                offences.push(format!("{}: {third_party} is {homes}'s own", package.folder));
            }
        }
    }
    offences
}

fn impure_engines(own: &[Package]) -> Vec<String> {
    let engines = own
        .iter()
        .filter(|package| ENGINES.iter().any(|engine| package.folder == format!("libs/{engine}")));
    engines
        .flat_map(|engine| {
            let impure = IMPURE.iter().filter(|name| engine.linked.contains(**name));
            impure.map(|name| format!("{}: links {name}", engine.folder))
        })
        .collect()
}

#[test]
fn every_crate_depends_only_on_whom_it_may() {
    let offences = forbidden_edges(&Packages::of_workspace().own, ALLOWED);
    holds("dependencies between crates follow the table in dependencies.rs", &offences);
}

#[test]
fn third_parties_stay_behind_their_crate() {
    let offences = exposed_third_parties(&Packages::of_workspace().own, HIDDEN);
    holds("a hidden third party is named by its own crate only", &offences);
}

#[test]
fn engines_link_no_runtime_network_clock_or_randomness() {
    let offences = impure_engines(&Packages::of_workspace().own);
    holds("engines link nothing that is impure", &offences);
}

#[test]
fn each_rule_catches_its_offender() {
    let set = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect();
    let package = |folder: &str, name: &str, normal: &[&str], dev: &[&str]| Package {
        name: name.to_owned(),
        folder: folder.to_owned(),
        normal: set(normal),
        dev: set(dev),
        linked: set(normal),
    };
    let own = [
        package("libs/types", "airside-types", &["tokio", "serde"], &["airside-types"]),
        package("libs/wire", "airside-wire", &["airside-types", "airside-bus", "prost"], &[]),
        package("libs/bus", "airside-bus", &["prost"], &["airside-testkit", "airside-store"]),
        package("libs/new", "airside-new", &[], &["sled"]),
        package("libs/all", "airside-all", &["airside-bus"], &["airside-wire"]),
    ];
    let allowed = [
        row("airside-types", &[], &[]),
        row("airside-wire", &[&["airside-types"]], &[]),
        row("airside-bus", &[], &[]),
        row("airside-old", &[], &[]),
        row("airside-all", &[], EVERYTHING),
    ];
    assert_eq!(
        forbidden_edges(&own, &allowed),
        [
            "libs/wire: must not depend on airside-bus",
            "libs/bus: its tests must not depend on airside-store",
            "libs/new: add it to the table of dependencies.rs and ARCHITECTURE.md",
            "libs/all: must not depend on airside-bus",
            "dependencies.rs: airside-old is no crate any more",
        ]
    );
    assert_eq!(
        exposed_third_parties(&own, HIDDEN),
        ["libs/bus: prost is airside-wire's own", "libs/new: sled is airside-store's own"]
    );
    assert_eq!(impure_engines(&own), ["libs/types: links tokio"]);
}
