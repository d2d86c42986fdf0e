//! Rules about every Rust source file: its header, its length, its name, and where it lives.

use super::holds;
use super::rust::{lines_with, tokens};
use super::tree::Tree;

/// Lines a file may have. Past it, one file holds two ideas.
const LONGEST: usize = 500;

/// The folders that hold code. There are no others.
const FOLDERS: [&str; 7] =
    ["services", "proto", "libs", "deploy", "loadtest", "mutation", "integration-tests"];

/// Endings of files that are code in the sense of the rule above.
const CODE: [&str; 11] =
    [".rs", ".proto", ".py", ".sh", ".ts", ".tsx", ".js", ".go", ".c", ".sql", ".rego"];

fn without_header(tree: &Tree) -> Vec<String> {
    tree.rust()
        .filter(|file| !file.is_generated() && !file.text.starts_with("//! "))
        .map(|file| format!("{}: does not start with `//! ` and what the file is for", file.path))
        .collect()
}

fn too_long(tree: &Tree) -> Vec<String> {
    tree.rust()
        .filter(|file| !file.is_generated())
        .map(|file| (file, file.text.lines().count()))
        .filter(|&(_, lines)| lines > LONGEST)
        .map(|(file, lines)| format!("{}: {lines} lines, {LONGEST} allowed", file.path))
        .collect()
}

fn named_mod(tree: &Tree) -> Vec<String> {
    tree.rust()
        .filter(|file| file.path.ends_with("/mod.rs"))
        .map(|file| {
            let folder = file.path.trim_end_matches("/mod.rs");
            format!("{}: name it {folder}.rs", file.path)
        })
        .collect()
}

fn outside_the_folders(tree: &Tree) -> Vec<String> {
    let is_code = |path: &str| CODE.iter().any(|ending| path.ends_with(ending));
    let has_place =
        |path: &str| FOLDERS.iter().any(|folder| path.split('/').next() == Some(folder));
    tree.files
        .iter()
        .filter(|file| is_code(&file.path) && !has_place(&file.path))
        .map(|file| format!("{}: code lives in {} only", file.path, FOLDERS.join(", ")))
        .collect()
}

fn ignored_tests(tree: &Tree) -> Vec<String> {
    tree.rust()
        .filter(|file| !file.is_generated())
        .flat_map(|file| {
            lines_with(&tokens(&file.text), "#[ignore")
                .into_iter()
                .map(|line| format!("{}: #[ignore]: delete the test or let it run", file.at(line)))
        })
        .collect()
}

#[test]
fn every_source_file_says_what_it_is_for() {
    holds("every Rust file starts with `//!`", &without_header(&Tree::of_workspace()));
}

#[test]
fn no_source_file_is_longer_than_500_lines() {
    holds("a Rust file has at most 500 lines", &too_long(&Tree::of_workspace()));
}

#[test]
fn modules_are_named_after_themselves() {
    holds("there is no mod.rs", &named_mod(&Tree::of_workspace()));
}

#[test]
fn code_lives_in_seven_folders() {
    holds("code lives in seven top-level folders", &outside_the_folders(&Tree::of_workspace()));
}

#[test]
fn every_test_runs() {
    holds("no test is ignored", &ignored_tests(&Tree::of_workspace()));
}

#[test]
fn each_rule_catches_its_offender() {
    let long = "//! x\n".repeat(LONGEST + 1);
    let tree = Tree::of(&[
        ("libs/a/src/bare.rs", "use std::fmt;\n//! late\n"),
        ("libs/a/src/long.rs", &long),
        ("libs/a/src/gen/long.rs", &long),
        ("libs/a/src/gen/bare.rs", "// generated\n"),
        ("libs/a/src/b/mod.rs", "//! x\n#[test]\n#[ignore = \"slow\"]\nfn f() {}\n"),
        ("tools/helper.py", ""),
        ("build.rs", "//! x\n"),
        ("README.md", ""),
        (".ci/run", ""),
    ]);
    let offenders = |offences: Vec<String>| -> Vec<String> {
        offences.iter().filter_map(|line| Some(line.split_once(": ")?.0.to_owned())).collect()
    };
    assert_eq!(offenders(without_header(&tree)), ["libs/a/src/bare.rs"]);
    assert_eq!(offenders(too_long(&tree)), ["libs/a/src/long.rs"]);
    assert_eq!(offenders(named_mod(&tree)), ["libs/a/src/b/mod.rs"]);
    assert_eq!(offenders(outside_the_folders(&tree)), ["tools/helper.py", "build.rs"]);
    assert_eq!(offenders(ignored_tests(&tree)), ["libs/a/src/b/mod.rs:3"]);
}
