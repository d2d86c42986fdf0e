//! The files that belong to the project, as texts: what git tracks or would track.
//!
//! Owns reading and the words for kinds of files (test, generated). Judges nothing.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::rust::{self, Token};

/// A text file of the project.
#[derive(Debug)]
pub(super) struct File {
    /// Relative to the workspace's root, with `/`.
    pub(super) path: String,
    pub(super) text: String,
}

/// All text files of the project, sorted by path.
#[derive(Debug)]
pub(super) struct Tree {
    pub(super) files: Vec<File>,
}

/// The folder that holds the workspace's `Cargo.toml`. Asked for when the test runs: a target folder
/// that several clones share holds a binary that was compiled in any of them.
#[expect(clippy::disallowed_methods, reason = "cargo and nextest tell where the package is")]
pub(super) fn root() -> PathBuf {
    let package = std::env::var_os("CARGO_MANIFEST_DIR");
    let package = package.unwrap_or_else(|| env!("CARGO_MANIFEST_DIR").into());
    Path::new(&package).parent().expect("a package below the root").to_path_buf()
}

impl Tree {
    /// The files that git tracks, and new ones that it does not ignore: a change is judged before it
    /// is committed. Files that are no UTF-8 text are left out.
    pub(super) fn of_workspace() -> Self {
        let output = Command::new("git")
            .args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"])
            .current_dir(root())
            .output()
            .expect("the tests run in a git clone, with git installed");
        assert!(
            output.status.success(),
            "git ls-files: {}",
            String::from_utf8_lossy(&output.stderr)
        );
        let names = String::from_utf8(output.stdout).expect("paths are UTF-8");
        let mut files: Vec<File> = names
            .split_terminator('\0')
            // A deleted file stays in git's list until the deletion is staged.
            .filter_map(|path| {
                let text = std::fs::read_to_string(root().join(path)).ok()?;
                Some(File { path: path.to_owned(), text })
            })
            .collect();
        files.sort_by(|a, b| a.path.cmp(&b.path));
        files.dedup_by(|a, b| a.path == b.path);
        assert!(!files.is_empty(), "no file found below {}", root().display());
        Self { files }
    }

    /// A made-up tree.
    pub(super) fn of(files: &[(&str, &str)]) -> Self {
        let file = |&(path, text): &(&str, &str)| File { path: path.into(), text: text.into() };
        Self { files: files.iter().map(file).collect() }
    }

    pub(super) fn get(&self, path: &str) -> Option<&File> {
        self.files.iter().find(|file| file.path == path)
    }

    pub(super) fn rust(&self) -> impl Iterator<Item = &File> {
        self.files.iter().filter(|file| file.path.ends_with(".rs"))
    }
}

impl File {
    /// Written by a generator, from a source that is judged instead.
    pub(super) fn is_generated(&self) -> bool {
        self.path.contains("/src/gen/")
    }

    /// Exists for tests only: none of it is in a shipped program.
    pub(super) fn is_test(&self) -> bool {
        let folders = ["integration-tests/", "loadtest/", "mutation/", "libs/testkit/"];
        folders.iter().any(|folder| self.path.starts_with(folder))
            || ["/tests/", "/benches/", "/examples/", "/testsuite/"]
                .iter()
                .any(|part| self.path.contains(part))
            || ["/tests.rs", "/testsuite.rs"].iter().any(|end| self.path.ends_with(end))
    }

    /// The code that is shipped: none of a test file, and no item under `#[cfg(test)]`.
    pub(super) fn shipped_code(&self) -> Vec<Token<'_>> {
        if self.is_test() { Vec::new() } else { rust::without_tests(&rust::tokens(&self.text)) }
    }

    /// `path:line`, for messages.
    pub(super) fn at(&self, line: usize) -> String {
        format!("{}:{line}", self.path)
    }
}

#[test]
fn the_tree_of_this_workspace_holds_this_file() {
    let tree = Tree::of_workspace();
    let this = tree.get("integration-tests/tests/it/tidy/tree.rs").expect("this file");
    assert!(this.is_test());
    assert!(tree.get("Cargo.toml").is_some());
    assert!(!tree.files.iter().any(|file| file.path.starts_with("target/")));
}

#[test]
fn kinds_of_files_are_told_by_their_path() {
    let tree = Tree::of(&[
        ("libs/wire/src/gen/airside.v1.rs", ""),
        ("libs/store/src/key/tests.rs", ""),
        ("libs/store/tests/crash.rs", ""),
        ("libs/ports/src/testsuite/log.rs", ""),
        ("libs/store/src/latest.rs", ""),
    ]);
    let generated: Vec<bool> = tree.files.iter().map(File::is_generated).collect();
    assert_eq!(generated, [true, false, false, false, false]);
    let tests: Vec<bool> = tree.files.iter().map(File::is_test).collect();
    assert_eq!(tests, [false, true, true, true, false]);
}
