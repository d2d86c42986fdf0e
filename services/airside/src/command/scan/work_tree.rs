//! The git work tree of what is scanned: repository, commit, and what differs from it.
//!
//! git itself is asked, once for each path that is scanned; a folder that is in no work tree has no commit.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use airside_checks::{FileOrigin, Origins};
use airside_types::Revision;
use anyhow::Context;

use super::inputs::Inputs;

/// The origins of all files that were read: with their commits, where those are asked for.
pub(super) fn origins(inputs: &Inputs, paths: &[PathBuf], with_commits: bool) -> Origins {
    let trees: Vec<WorkTree> = if with_commits {
        paths
            .iter()
            .filter(|path| path.as_os_str() != "-")
            .filter_map(|it| WorkTree::of(it))
            .collect()
    } else {
        Vec::new()
    };
    let mut folders = BTreeMap::new();
    let mut origins = Origins::new();
    for file in &inputs.files {
        let made = inputs.made.get(&file.path);
        let path = match made {
            Some(made) => made.folder.as_path(),
            None if inputs.passing.contains(&file.path) => continue,
            None => Path::new(&file.path),
        };
        let revision = revision(&trees, path, &mut folders);
        let rendered = made.map(|made| made.origin.clone());
        if revision.is_some() || rendered.is_some() {
            origins.insert(file.path.clone(), FileOrigin { revision, rendered });
        }
    }
    origins
}

fn revision(
    trees: &[WorkTree],
    path: &Path,
    folders: &mut BTreeMap<PathBuf, Option<PathBuf>>,
) -> Option<Revision> {
    if trees.is_empty() {
        return None;
    }
    let (folder, name) =
        if path.is_dir() { (path, None) } else { (path.parent()?, path.file_name()) };
    let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
    let known = folders.entry(folder.to_owned()).or_insert_with(|| folder.canonicalize().ok());
    let absolute = match (known.as_ref()?, name) {
        (folder, Some(name)) => folder.join(name),
        (folder, None) => folder.clone(),
    };
    trees.iter().find_map(|tree| tree.revision(&absolute))
}

/// A work tree, as far as it is scanned.
#[derive(Debug)]
struct WorkTree {
    root: PathBuf,
    repository: Option<String>,
    commit: String,
    /// What differs from the commit: files, and folders with `/` at the end.
    changed: BTreeSet<String>,
}

impl WorkTree {
    /// The work tree around a file or folder; none where there is none, or no commit, or no git.
    fn of(path: &Path) -> Option<Self> {
        let folder = if path.is_dir() { path } else { path.parent()? };
        let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
        let told = git(folder, &["rev-parse", "--show-toplevel", "HEAD"]).ok()?;
        let told = String::from_utf8(told).ok()?;
        let (root, commit) = told.trim_end().split_once('\n')?;
        let remote = git(folder, &["config", "--get", "remote.origin.url"]).ok();
        let remote = remote.and_then(|url| String::from_utf8(url).ok());
        let status = ["status", "--porcelain=v1", "-z", "--untracked-files=all", "--no-renames"];
        let status = [&status[..], &["--ignored=matching", "--", "."]].concat();
        let changed = git(folder, &status).ok()?;
        Some(Self {
            root: Path::new(root).canonicalize().ok()?,
            repository: remote.map(|url| without_credentials(url.trim())),
            commit: commit.trim().to_owned(),
            changed: changed
                .split(|byte| *byte == 0)
                .filter_map(|entry| Some(String::from_utf8_lossy(entry.get(3..)?).into_owned()))
                .collect(),
        })
    }

    /// The commit, for a file or folder of the tree.
    fn revision(&self, absolute: &Path) -> Option<Revision> {
        let path = absolute.strip_prefix(&self.root).ok()?.to_string_lossy().replace('\\', "/");
        Some(Revision {
            repository: self.repository.clone(),
            commit: self.commit.clone(),
            is_dirty: self.is_changed(&path),
            path,
        })
    }

    fn is_changed(&self, path: &str) -> bool {
        let below = if path.is_empty() { String::new() } else { format!("{path}/") };
        let within = self.changed.range(below.clone()..).next();
        let mut above = path.match_indices('/').filter_map(|(at, _)| path.get(..=at));
        self.changed.contains(path)
            || within.is_some_and(|changed| changed.starts_with(&below))
            || above.any(|folder| self.changed.contains(folder))
    }
}

/// The address of a repository without what gives access to it.
pub(super) fn without_credentials(url: &str) -> String {
    let url: String = url.chars().filter(|letter| !letter.is_control()).collect();
    let Some((scheme, rest)) = url.split_once("://") else {
        // `git@host:path`: the user is no secret, and what stands behind a colon before it is.
        return match url.split_once('@') {
            Some((user, rest)) if user.contains(':') => rest.to_owned(),
            _ => url,
        };
    };
    let rest = rest.split(['?', '#']).next().unwrap_or_default();
    let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    let (user, host) = match authority.rsplit_once('@') {
        Some((user, host)) => (user, host),
        None => ("", authority),
    };
    let user = user.split(':').next().unwrap_or_default();
    let is_ssh = scheme.contains("ssh") && !user.is_empty();
    let user = if is_ssh { format!("{user}@") } else { String::new() };
    format!("{scheme}://{user}{host}{path}")
}

/// What git prints. Nothing that the repository's own settings name is run.
pub(super) fn git(folder: &Path, arguments: &[&str]) -> anyhow::Result<Vec<u8>> {
    let output = Command::new("git")
        .args(["--no-optional-locks", "-c", "core.fsmonitor=false", "-C"])
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_has_no_credentials() {
        for (url, expected) in [
            ("https://example.com/shop.git", "https://example.com/shop.git"),
            ("https://user:token@example.com/shop.git", "https://example.com/shop.git"),
            ("https://token@example.com/shop.git", "https://example.com/shop.git"),
            ("https://u:p@x@example.com/a@b", "https://example.com/a@b"),
            ("https://example.com/shop?token=abc#x", "https://example.com/shop"),
            ("ssh://git:secret@example.com:22/shop", "ssh://git@example.com:22/shop"),
            ("git@example.com:shop.git", "git@example.com:shop.git"),
            ("git:secret@example.com:shop.git", "example.com:shop.git"),
            ("/srv/git/shop.git", "/srv/git/shop.git"),
        ] {
            assert_eq!(without_credentials(url), expected, "{url}");
        }
    }

    #[test]
    fn what_differs_is_told_for_files_and_for_folders() {
        let tree = WorkTree {
            root: PathBuf::from("/work"),
            repository: None,
            commit: "c".to_owned(),
            changed: ["a/b.yaml", "built/"].map(str::to_owned).into(),
        };
        for (path, expected) in [
            ("a/b.yaml", true),
            ("a", true),
            ("", true),
            ("a/c.yaml", false),
            ("a/b", false),
            ("built/x/y.yaml", true),
            ("built", true),
            ("z", false),
        ] {
            assert_eq!(tree.is_changed(path), expected, "{path}");
        }
    }
}
