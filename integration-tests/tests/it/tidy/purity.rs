//! Who may touch the outside world in source: the clock, the environment, IO, async, and the order
//! of hash maps. What manifests allow is judged in `dependencies.rs`.

use super::holds;
use super::paths::paths;
use super::tree::{File, Tree};

/// A permission: a file or, with a final `/`, a folder, and why it has it.
type Exception = (&'static str, &'static str);

/// Crates that are functions of their input. `dependencies.rs` judges what they link.
pub(super) const ENGINES: [&str; 10] = [
    "types",
    "k8s",
    "vulnerability",
    "policy",
    "checks",
    "compliance",
    "baseline",
    "sift",
    "detect",
    "correlate",
];

/// Ways to ask what time it is. tokio's `Instant` is for waiting, and stands still where a test wants
/// it to; the one of `std` does not.
const CLOCK: [&str; 5] =
    ["std::time::Instant", "SystemTime::now", "OffsetDateTime::now_utc", "Utc::now", "Local::now"];
const CLOCK_READERS: &[Exception] =
    &[("libs/service/src/clock.rs", "the Clock port's adapter for the system clock")];

const ENVIRONMENT: [&str; 6] =
    ["env::var", "env::var_os", "env::vars", "env::vars_os", "Env::prefixed", "Env::raw"];
const ENVIRONMENT_READERS: &[Exception] = &[(
    "libs/node/src/main_one.rs",
    "what the services' main files and services/airside share; hands the values on",
)];

/// Modules of `std`. Not `net`: an address is a value, and an audit event is full of them.
const IO: [&str; 6] = ["std::env", "std::fs", "std::io", "std::os", "std::process", "std::thread"];
const NOT_PURE: [&str; 6] =
    ["async", "await", "TcpListener", "TcpStream", "ToSocketAddrs", "UdpSocket"];
const IO_IN_ENGINES: &[Exception] = &[];

const HASH_TABLES: [&str; 4] = ["HashMap", "HashSet", "RandomState", "DefaultHasher"];
const HASH_TABLES_IN_ENGINES: &[Exception] = &[
    (
        "libs/correlate/src/table.rs",
        "tables that are only looked into, with a hasher without a secret",
    ),
    (
        "libs/checks/src/incremental/table.rs",
        "keys are looked up, never walked through, with a hasher without a secret",
    ),
    (
        "libs/baseline/src/recent.rs",
        "where a thing is, is only looked up, never walked through; with a secret, since clients choose names",
    ),
    (
        "libs/detect/src/audit/known/",
        "what is kept changes nothing that is told; with a secret, since clients choose requests and bodies",
    ),
];

fn is_covered(path: &str, exceptions: &[Exception]) -> bool {
    exceptions
        .iter()
        .any(|(place, _)| path == *place || (place.ends_with('/') && path.starts_with(place)))
}

fn is_engine(file: &File) -> bool {
    ENGINES.iter().any(|engine| file.path.starts_with(&format!("libs/{engine}/src/")))
}

fn is_main(file: &File) -> bool {
    file.path.ends_with("/main.rs") || file.path.starts_with("services/airside/")
}

/// The offences outside the exceptions, and the exceptions that excuse nothing.
fn judged(
    tree: &Tree,
    exceptions: &[Exception],
    offences_of: impl Fn(&File) -> Vec<String>,
) -> Vec<String> {
    let mut used = vec![false; exceptions.len()];
    let mut offences = Vec::new();
    for file in tree.rust().filter(|file| !file.is_generated()) {
        let found = offences_of(file);
        if found.is_empty() {
            continue;
        }
        match (0..exceptions.len()).find(|&at| is_covered(&file.path, &exceptions[at..=at])) {
            Some(at) => used[at] = true,
            None => offences.extend(found),
        }
    }
    let unused = exceptions.iter().zip(used).filter(|(_, used)| !used);
    offences.extend(unused.map(|((place, _), _)| format!("{place}: needs no exception any more")));
    offences
}

/// One offence for each path in the shipped code that holds one of the parts.
fn uses(file: &File, parts: &[&str], advice: &str) -> Vec<String> {
    let code = file.shipped_code();
    let mut found = Vec::new();
    for path in paths(&code) {
        if let Some(part) = parts.iter().find(|part| path.contains(part)) {
            found.push(format!("{}: {part}: {advice}", file.at(path.line)));
        }
    }
    found
}

/// One offence for each place in the shipped code that is one of the words.
fn says(file: &File, words: &[&str], advice: &str) -> Vec<String> {
    let code = file.shipped_code();
    let said = code.iter().filter(|token| words.iter().any(|word| token.is_word(word)));
    said.map(|token| format!("{}: {}: {advice}", file.at(token.line), token.text)).collect()
}

fn clock_readers(tree: &Tree, exceptions: &[Exception]) -> Vec<String> {
    judged(tree, exceptions, |file| {
        uses(file, &CLOCK, "time comes from the Clock port or from records")
    })
}

fn environment_readers(tree: &Tree, exceptions: &[Exception]) -> Vec<String> {
    judged(tree, exceptions, |file| {
        if is_main(file) {
            return Vec::new();
        }
        uses(file, &ENVIRONMENT, "settings are passed in; main files read the environment")
    })
}

fn impure_engines(tree: &Tree, exceptions: &[Exception]) -> Vec<String> {
    judged(tree, exceptions, |file| {
        if !is_engine(file) {
            return Vec::new();
        }
        let mut found = uses(file, &IO, "an engine is a function of its input");
        found.extend(says(file, &NOT_PURE, "an engine is a function of its input"));
        found
    })
}

fn hash_tables_in_engines(tree: &Tree, exceptions: &[Exception]) -> Vec<String> {
    judged(tree, exceptions, |file| {
        if !is_engine(file) {
            return Vec::new();
        }
        says(file, &HASH_TABLES, "its order changes from run to run: use BTreeMap or BTreeSet")
    })
}

/// Services are assembled by `node`; their libraries do not know how.
fn assembling_libraries(tree: &Tree) -> Vec<String> {
    judged(tree, &[], |file| {
        let is_library = file.path.starts_with("services/") && !is_main(file);
        if !is_library {
            return Vec::new();
        }
        says(file, &["airside_node"], "only a main file and services/airside assemble a node")
    })
}

#[test]
fn only_the_system_clock_reads_the_time() {
    let tree = Tree::of_workspace();
    holds("only the Clock port's adapter reads the time", &clock_readers(&tree, CLOCK_READERS));
}

#[test]
fn only_main_files_read_the_environment() {
    let offences = environment_readers(&Tree::of_workspace(), ENVIRONMENT_READERS);
    holds("only main files and services/airside read the environment", &offences);
}

#[test]
fn engines_have_no_io_and_no_async() {
    let tree = Tree::of_workspace();
    holds("engines have no IO and no async", &impure_engines(&tree, IO_IN_ENGINES));
}

#[test]
fn engines_have_no_order_that_changes_from_run_to_run() {
    let offences = hash_tables_in_engines(&Tree::of_workspace(), HASH_TABLES_IN_ENGINES);
    holds("engines use ordered maps", &offences);
}

#[test]
fn only_main_files_assemble_a_node() {
    let tree = Tree::of_workspace();
    holds("a service's library does not use airside-node", &assembling_libraries(&tree));
}

#[test]
fn each_rule_catches_its_offender() {
    let tree = Tree::of(&[
        (
            "libs/checks/src/lib.rs",
            "//! x\nuse std::{fmt, collections::{HashMap}, fs, io::Read};\nfn f() { std::net::TcpStream::connect() }\n",
        ),
        ("libs/checks/src/later.rs", "//! x\nasync fn f() { g().await }\n"),
        ("libs/checks/src/f/tests.rs", "use std::fs; fn f() { Instant::now(); }\n"),
        (
            "libs/bus/src/lib.rs",
            "//! x\nfn f() { tokio::time::Instant::now(); }\nfn g() { std::env::var(\"A\"); std::time::Instant::now() }\n",
        ),
        (
            "services/gateway/src/main.rs",
            "//! x\nfn main() { airside_node::run(std::env::vars()) }\n",
        ),
        ("services/gateway/src/lib.rs", "//! x\nuse airside_node::Node;\n"),
    ]);
    let places = |offences: Vec<String>| -> Vec<String> {
        offences.iter().filter_map(|line| Some(line.split_once(": ")?.0.to_owned())).collect()
    };
    assert_eq!(places(clock_readers(&tree, &[])), ["libs/bus/src/lib.rs:3"]);
    assert_eq!(places(environment_readers(&tree, &[])), ["libs/bus/src/lib.rs:3"]);
    assert_eq!(
        impure_engines(&tree, &[]),
        [
            "libs/checks/src/lib.rs:2: std::fs: an engine is a function of its input",
            "libs/checks/src/lib.rs:2: std::io: an engine is a function of its input",
            "libs/checks/src/lib.rs:3: TcpStream: an engine is a function of its input",
            "libs/checks/src/later.rs:2: async: an engine is a function of its input",
            "libs/checks/src/later.rs:2: await: an engine is a function of its input",
        ]
    );
    assert_eq!(places(hash_tables_in_engines(&tree, &[])), ["libs/checks/src/lib.rs:2"]);
    assert_eq!(places(assembling_libraries(&tree)), ["services/gateway/src/lib.rs:2"]);
}

#[test]
fn an_exception_excuses_its_place_until_nothing_needs_it() {
    let tree = Tree::of(&[("libs/bus/src/nats/lease.rs", "//! x\nuse std::time::Instant;\n")]);
    assert_eq!(clock_readers(&tree, &[("libs/bus/src/nats/", "made up")]), [] as [String; 0]);
    assert_eq!(
        clock_readers(&tree, &[("libs/bus/", "made up"), ("libs/gone.rs", "made up")]),
        ["libs/gone.rs: needs no exception any more"]
    );
}
