//! The paths in Rust code, imports unfolded: `use std::{fs, io::Read}` holds `std::fs` and
//! `std::io::Read`.

use super::rust::{Kind, Token, tokens};

/// A path of at least two names, as written from its first name on.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Path<'a> {
    pub(super) line: usize,
    names: Vec<&'a str>,
}

impl Path<'_> {
    /// Whether `part` stands somewhere in it, such as `SystemTime::now`.
    pub(super) fn contains(&self, part: &str) -> bool {
        let part: Vec<&str> = part.split("::").collect();
        self.names.windows(part.len()).any(|names| names == part)
    }
}

/// All paths of the code, in order.
pub(super) fn paths<'a>(code: &[Token<'a>]) -> Vec<Path<'a>> {
    let mut found = Vec::new();
    let mut at = 0;
    while at < code.len() {
        if code[at].kind == Kind::Word && leads_on(&code[at + 1..]) {
            at += read(&code[at..], &[], &mut found);
        } else {
            at += 1;
        }
    }
    found
}

fn leads_on(code: &[Token<'_>]) -> bool {
    matches!(code, [first, second, ..] if first.is_mark(":") && second.is_mark(":"))
}

/// Reads one path, which may unfold into several, and returns how many tokens it takes.
fn read<'a>(code: &[Token<'a>], before: &[&'a str], found: &mut Vec<Path<'a>>) -> usize {
    let mut names = before.to_vec();
    let mut at = 0;
    let line = code[0].line;
    while let Some(token) = code.get(at) {
        if token.is_mark("{") {
            return at + read_group(&code[at..], &names, found);
        }
        if token.kind != Kind::Word {
            break;
        }
        names.push(token.text);
        at += 1;
        if !leads_on(&code[at..]) {
            break;
        }
        at += 2;
    }
    found.push(Path { line, names });
    at
}

/// Reads `{a, b::c}` below a path.
fn read_group<'a>(code: &[Token<'a>], before: &[&'a str], found: &mut Vec<Path<'a>>) -> usize {
    let mut at = 1;
    while let Some(token) = code.get(at) {
        if token.is_mark("}") {
            return at + 1;
        }
        let is_rename = token.is_word("as");
        if is_rename {
            at += 2;
        } else if token.kind == Kind::Word || token.is_mark("{") {
            at += read(&code[at..], before, found);
        } else {
            at += 1;
        }
    }
    at
}

#[test]
fn imports_are_unfolded() {
    let code = tokens(
        "use std::{fmt, collections::{HashMap as Map, hash_map::Entry},\n time::Instant};
         use a::b::*;
         fn f() { std::env::var(x); Vec::<u8>::new(); y }",
    );
    let found: Vec<String> = paths(&code)
        .iter()
        .map(|path| format!("{} {}", path.line, path.names.join("::")))
        .collect();
    assert_eq!(
        found,
        [
            "1 std::fmt",
            "1 std::collections::HashMap",
            "1 std::collections::hash_map::Entry",
            "2 std::time::Instant",
            "3 a::b",
            "4 std::env::var",
            "4 Vec",
        ]
    );
    let entry = &paths(&code)[2];
    assert!(entry.contains("std::collections") && entry.contains("hash_map::Entry"));
    assert!(!entry.contains("std::coll") && !entry.contains("std::hash_map"));
}
