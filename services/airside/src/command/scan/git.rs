//! What git knows of the files that are scanned: earlier content, and the commit that they stand at.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::Context;

/// Runs git in a folder, and returns what it prints.
pub(super) fn git(folder: &Path, arguments: &[&str]) -> anyhow::Result<Vec<u8>> {
    let output = Command::new("git")
        .arg("-C")
        .arg(folder)
        .args(arguments)
        .stdin(Stdio::null())
        .output()
        .context("git cannot be run: --since needs it")?;
    anyhow::ensure!(
        output.status.success(),
        "git {} in `{}`: {}",
        arguments.join(" "),
        folder.display(),
        String::from_utf8_lossy(&output.stderr).trim()
    );
    Ok(output.stdout)
}

/// The commit that a file stands at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Commit {
    /// Its full name.
    pub(super) name: String,
    /// Whether the file is as that commit has it; else it was changed since, or is not in git.
    pub(super) is_clean: bool,
}

/// The work trees of some files. Each is asked once, however many files it has.
#[derive(Debug, Default)]
pub(super) struct WorkTrees {
    trees: Vec<WorkTree>,
    /// Folders that are in no work tree, or that git does not know to read.
    outside: BTreeSet<PathBuf>,
}

#[derive(Debug)]
struct WorkTree {
    root: PathBuf,
    head: String,
    /// Files that differ from the head, as paths from the root; folders where all in them is new.
    changed: BTreeSet<PathBuf>,
}

impl WorkTrees {
    /// The commit of the work tree that a file or folder is in; none outside of git.
    pub(super) fn commit(&mut self, path: &Path) -> Option<Commit> {
        let path = path.canonicalize().ok()?;
        let tree = self.tree(if path.is_dir() { &path } else { path.parent()? })?;
        let inner = path.strip_prefix(&tree.root).ok()?;
        let differs = |changed: &PathBuf| inner.starts_with(changed) || changed.starts_with(inner);
        Some(Commit { name: tree.head.clone(), is_clean: !tree.changed.iter().any(differs) })
    }

    fn tree(&mut self, folder: &Path) -> Option<&WorkTree> {
        if self.outside.contains(folder) {
            return None;
        }
        let known = self.trees.iter().position(|tree| folder.starts_with(&tree.root));
        let index = match known {
            Some(index) => index,
            None => {
                let Ok(tree) = WorkTree::of(folder) else {
                    self.outside.insert(folder.to_owned());
                    return None;
                };
                self.trees.push(tree);
                self.trees.len() - 1
            }
        };
        self.trees.get(index)
    }
}

impl WorkTree {
    fn of(folder: &Path) -> anyhow::Result<Self> {
        let told = String::from_utf8(git(folder, &["rev-parse", "--show-toplevel", "HEAD"])?)?;
        let (root, head) = told.trim_end().rsplit_once('\n').context("git names no commit")?;
        let root = Path::new(root).canonicalize()?;
        let status = git(&root, &["status", "--porcelain", "-z", "--no-renames", "--ignored"])?;
        let changed = status
            .split(|byte| *byte == 0)
            .filter_map(|entry| entry.get(3..))
            .map(|path| PathBuf::from(String::from_utf8_lossy(path).into_owned()))
            .collect();
        Ok(Self { root, head: head.to_owned(), changed })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_stands_at_the_head_of_its_work_tree_until_it_is_changed() {
        let folder = tempfile::tempdir().unwrap();
        let (at, name) = (folder.path(), |name: &str| folder.path().join(name));
        std::fs::create_dir(name("shop")).unwrap();
        std::fs::write(name("shop/web.yaml"), "a: 1\n").unwrap();
        assert_eq!(WorkTrees::default().commit(&name("shop/web.yaml")), None, "no work tree");
        let who = ["-c", "user.name=test", "-c", "user.email=test@shop.example"];
        git(at, &["init", "--quiet"]).unwrap();
        git(at, &["add", "."]).unwrap();
        git(at, &[&who[..], &["commit", "--quiet", "--message", "first"]].concat()).unwrap();
        let head = String::from_utf8(git(at, &["rev-parse", "HEAD"]).unwrap()).unwrap();
        let clean = |path: &str| {
            let commit = WorkTrees::default().commit(&name(path)).unwrap();
            assert_eq!(commit.name, head.trim());
            commit.is_clean
        };
        assert!(clean("shop/web.yaml"));
        assert!(clean("shop"));
        std::fs::write(name("shop/db.yaml"), "b: 1\n").unwrap();
        assert!(clean("shop/web.yaml"));
        assert!(!clean("shop/db.yaml"), "not in git");
        assert!(!clean("shop"), "something in it is not in git");
        std::fs::write(name("shop/web.yaml"), "a: 2\n").unwrap();
        assert!(!clean("shop/web.yaml"));
    }
}
