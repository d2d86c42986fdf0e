//! What documents promise and code can check: ARCHITECTURE.md names every crate and real tests,
//! README.md sets up by two commands, and no file names a folder of somebody's machine.

use super::holds;
use super::packages::Packages;
use super::rust::{self, Kind, Token, tokens};
use super::tree::{Tree, root};

const ARCHITECTURE: &str = "ARCHITECTURE.md";
/// How a paragraph of ARCHITECTURE.md that claims an invariant starts.
const CLAIM: &str = "**Invariant";
/// All of the set-up, in this order.
const SET_UP: [&str; 2] = ["cargo run --release -- demo", "cargo verify"];

/// Starts of paths that exist on one machine only. In two pieces each, so that this file has none.
const MACHINE: [&str; 4] =
    [concat!("/wo", "rk/"), concat!("/Us", "ers/"), concat!("/ro", "ot/.ca"), HOME];
const HOME: &str = concat!("/ho", "me/");
/// People whose homes examples and test data may name.
const MADE_UP_PEOPLE: [&str; 5] = ["alice", "app", "bob", "node", "user"];

/// The texts between single backquotes, with their lines; blocks of code are left out.
fn code_spans(markdown: &str) -> Vec<(usize, &str)> {
    let mut spans = Vec::new();
    let mut in_block = false;
    for (at, line) in markdown.lines().enumerate() {
        if line.trim_start().starts_with("```") {
            in_block = !in_block;
        } else if !in_block {
            spans.extend(line.split('`').skip(1).step_by(2).map(|span| (at + 1, span)));
        }
    }
    spans
}

/// A reference to a test: `libs/bus/tests/conformance.rs::a_name`.
fn test_reference(span: &str) -> Option<(&str, &str)> {
    span.split_once("::").filter(|(path, _)| path.ends_with(".rs") && path.contains('/'))
}

/// Whether the code has a test function of this name, or a module that runs a port's conformance
/// suite, whose functions a macro writes.
fn has_test(code: &[Token<'_>], name: &str) -> bool {
    code.windows(2).enumerate().any(|(at, pair)| {
        let attribute = &code[at.saturating_sub(12)..at];
        let is_test = pair[0].is_word("fn") && attribute.iter().any(|token| token.is_word("test"));
        let is_suite = pair[0].is_word("mod") && runs_a_suite(&code[at + 2..]);
        pair[1].is_word(name) && (is_test || is_suite)
    })
}

/// Whether `…_conformance!` stands in the body that starts here.
fn runs_a_suite(code: &[Token<'_>]) -> bool {
    code.first().is_some_and(|token| token.is_mark("{"))
        && code[..rust::group(code)].windows(2).any(|pair| {
            let is_suite = pair[0].kind == Kind::Word && pair[0].text.ends_with("_conformance");
            is_suite && pair[1].is_mark("!")
        })
}

/// Code spans that name files, folders or tests which are not there.
fn dangling(document: &str, tree: &Tree) -> Vec<String> {
    let text = &tree.get(document).expect("the document is there").text;
    let mut offences = Vec::new();
    for (line, span) in code_spans(text) {
        let fault = match test_reference(span) {
            Some((path, name)) => match tree.get(path) {
                None => Some("no such file"),
                Some(file) if !has_test(&tokens(&file.text), name) => Some("no such test"),
                Some(_) => None,
            },
            None if is_path(span) && !is_there(span, tree) => Some("no such file or folder"),
            None => None,
        };
        offences.extend(fault.map(|fault| format!("{document}:{line}: `{span}`: {fault}")));
    }
    offences
}

fn is_path(span: &str) -> bool {
    let folders =
        ["services/", "proto/", "libs/", "deploy/", "loadtest/", "mutation/", "integration-tests/"];
    folders.iter().any(|folder| span.starts_with(folder))
        && !span.contains(['*', '<', ' ', '{', '…'])
}

fn is_there(path: &str, tree: &Tree) -> bool {
    let folder = format!("{}/", path.trim_end_matches('/'));
    tree.get(path).is_some() || tree.files.iter().any(|file| file.path.starts_with(&folder))
}

fn claims_without_a_test(architecture: &str) -> Vec<String> {
    let mut offences = Vec::new();
    let mut line = 1;
    for paragraph in architecture.split("\n\n") {
        let is_guarded =
            code_spans(paragraph).into_iter().any(|(_, span)| test_reference(span).is_some());
        if paragraph.contains(CLAIM) && !is_guarded {
            let what = "claims an invariant and names no test, as in `path/file.rs::test`";
            offences.push(format!("{ARCHITECTURE}:{line}: {what}"));
        }
        line += paragraph.matches('\n').count() + 2;
    }
    offences
}

fn unnamed_crates(architecture: &str, folders: &[&str]) -> Vec<String> {
    let spans = code_spans(architecture);
    let is_named =
        |folder: &str| spans.iter().any(|(_, span)| span.trim_end_matches('/') == folder);
    let unnamed = folders.iter().filter(|folder| !is_named(folder));
    unnamed.map(|folder| format!("{ARCHITECTURE}: does not name `{folder}`")).collect()
}

/// The commands of the README's first block of code.
fn set_up(readme: &str) -> Vec<&str> {
    let block = readme.split("```").nth(1).unwrap_or_default();
    let lines = block.lines().skip(1).map(|line| line.split(" # ").next().unwrap_or(line).trim());
    lines.filter(|line| !line.is_empty() && !line.starts_with('#')).collect()
}

/// `root` is the folder of this clone: its name is a machine's own if it is deep enough to be no
/// ordinary word such as `/app`.
fn machine_paths(tree: &Tree, root: &str) -> Vec<String> {
    let is_telling = root.matches('/').count() > 2;
    let starts: Vec<&str> = MACHINE.into_iter().chain(is_telling.then_some(root)).collect();
    let mut offences = Vec::new();
    for file in &tree.files {
        for (at, line) in file.text.lines().enumerate() {
            if let Some(start) = starts.iter().find(|start| names(line, start)) {
                let what = format!("names a folder of one machine ({start}…)");
                offences.push(format!("{}: {what}", file.at(at + 1)));
            }
        }
    }
    offences
}

/// Whether an absolute path in the line begins with `start`, people who are made up aside.
fn names(line: &str, start: &str) -> bool {
    line.match_indices(start).any(|(at, _)| {
        let before = line[..at].chars().next_back();
        let continues =
            before.is_some_and(|char| char.is_alphanumeric() || "._-/}*~>".contains(char));
        let after = &line[at + start.len()..];
        let person = after.split(|char: char| !char.is_alphanumeric()).next().unwrap_or_default();
        let is_made_up = start == HOME && (person.is_empty() || MADE_UP_PEOPLE.contains(&person));
        !continues && !is_made_up
    })
}

#[test]
fn the_architecture_names_every_crate() {
    let tree = Tree::of_workspace();
    let packages = Packages::of_workspace();
    let folders: Vec<&str> = packages.own.iter().map(|package| package.folder.as_str()).collect();
    let text = &tree.get(ARCHITECTURE).expect("ARCHITECTURE.md is at the root").text;
    holds("ARCHITECTURE.md names every crate", &unnamed_crates(text, &folders));
}

#[test]
fn every_invariant_has_its_test() {
    let tree = Tree::of_workspace();
    let text = &tree.get(ARCHITECTURE).expect("ARCHITECTURE.md is at the root").text;
    assert!(text.contains(CLAIM), "{ARCHITECTURE} claims no invariant");
    holds("each invariant names the test that guards it", &claims_without_a_test(text));
}

#[test]
fn documents_name_what_is_there() {
    let tree = Tree::of_workspace();
    for document in [ARCHITECTURE, "CONTRIBUTING.md", "STYLE.md", "README.md"] {
        holds("documents name files and tests that exist", &dangling(document, &tree));
    }
}

#[test]
fn the_readme_sets_up_by_two_commands() {
    let tree = Tree::of_workspace();
    let text = &tree.get("README.md").expect("README.md is at the root").text;
    assert_eq!(set_up(text), SET_UP, "the first block of code in README.md is all of the set-up");
}

#[test]
fn no_file_names_a_folder_of_one_machine() {
    let root = root();
    let offences = machine_paths(&Tree::of_workspace(), &root.to_string_lossy());
    holds("no file names a folder of one machine", &offences);
}

#[test]
fn each_rule_about_the_architecture_catches_its_offender() {
    let text = "# A\n\n`libs/types` and `libs/gone`, `libs/<noun>`.\n\n\
        **Invariant.** Guarded by\n`libs/types/src/id.rs::ids_are_stable`.\n\n\
        **Invariant.** Nothing.\n\n\
        `libs/types/src/id.rs::not_a_test` `libs/no.rs::a` `Tree::of`\n\n```\n`libs/block`\n```\n";
    let source =
        "#[test]\nfn ids_are_stable() {}\nfn a() { let (a, b, c, d) = x; }\nfn not_a_test() {}";
    let tree = Tree::of(&[(ARCHITECTURE, text), ("libs/types/src/id.rs", source)]);
    assert_eq!(
        dangling(ARCHITECTURE, &tree),
        [
            "ARCHITECTURE.md:3: `libs/gone`: no such file or folder",
            "ARCHITECTURE.md:10: `libs/types/src/id.rs::not_a_test`: no such test",
            "ARCHITECTURE.md:10: `libs/no.rs::a`: no such file",
        ]
    );
    assert_eq!(
        claims_without_a_test(text),
        ["ARCHITECTURE.md:8: claims an invariant and names no test, as in `path/file.rs::test`"]
    );
    assert_eq!(
        unnamed_crates(text, &["libs/types", "libs/block"]),
        ["ARCHITECTURE.md: does not name `libs/block`"]
    );
}

#[test]
fn a_third_command_or_none_is_caught() {
    let readme =
        "# Airside\n\n```sh\ncargo run --release -- demo   # ten seconds\n\ncargo verify\n```\n";
    assert_eq!(set_up(readme), SET_UP);
    assert_ne!(set_up(&readme.replace("\n\ncargo verify", "\nmake\ncargo verify")), SET_UP);
    assert_eq!(set_up("# Airside\n"), [] as [&str; 0]);
}

#[test]
fn paths_of_one_machine_are_told_from_others() {
    let line = |text: String| {
        let tree = Tree::of(&[("a.md", &text)]);
        !machine_paths(&tree, "/srv/build/airside").is_empty()
    };
    assert!(line(format!("see `{}main/x`", MACHINE[0])));
    assert!(line(format!("\"{HOME}jane/x\"")));
    assert!(line("cd /srv/build/airside/libs".to_owned()));
    assert!(machine_paths(&Tree::of(&[("a.md", "mount /app/x")]), "/app").is_empty());
    assert!(!line(format!("\"{HOME}alice/.ssh/id_ed25519\" and {HOME}*")));
    assert!(!line(format!("net{}x and ..{}x", MACHINE[0], MACHINE[0])));
}

#[test]
fn a_reference_means_a_test_or_a_suite() {
    let code = tokens(
        "#[test] fn real() {} const A: &str = \"#[test] fn mentioned() {}\";
         mod on_disk { ports::store_conformance!(Disk); } mod plain { fn f() {} } mod elsewhere;
         fn last() {}",
    );
    for (name, is_there) in [
        ("real", true),
        ("mentioned", false),
        ("on_disk", true),
        ("plain", false),
        ("elsewhere", false),
    ] {
        assert_eq!(has_test(&code, name), is_there, "{name}");
    }
}
