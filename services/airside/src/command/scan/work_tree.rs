//! The git work tree of what is scanned: repository, commit, and what differs from it.
//!
//! git itself is asked, once for each work tree; a folder that is in none has no commit.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use airside_checks::{FileOrigin, Origins};
use airside_types::Revision;
use anyhow::Context;

use super::inputs::Inputs;

/// How many files and folders git is told by name, at most; else it is asked for all.
const MAX_NAMED: usize = 1000;

/// The origins of all files that were read: with their commits, where those are asked for.
pub(super) fn origins(inputs: &Inputs, paths: &[PathBuf], with_commits: bool) -> Origins {
    let trees = if with_commits { work_trees(paths) } else { Vec::new() };
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

/// The work trees that paths are in.
fn work_trees(paths: &[PathBuf]) -> Vec<WorkTree> {
    let paths = paths.iter().filter(|path| path.as_os_str() != "-");
    let mut left: BTreeSet<PathBuf> = paths.filter_map(|it| it.canonicalize().ok()).collect();
    let mut trees = Vec::new();
    while let Some(first) = left.pop_first() {
        let Some((root, commit)) = WorkTree::around(&first) else { continue };
        let (mut within, others): (BTreeSet<_>, _) =
            left.into_iter().partition(|path| path.starts_with(&root));
        within.insert(first);
        left = others;
        trees.extend(WorkTree::read(root, commit, &within));
    }
    trees
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
    /// The root of the work tree around a file or folder and its commit; none where there is no work tree, or
    /// no commit, or no git.
    fn around(path: &Path) -> Option<(PathBuf, String)> {
        let folder = if path.is_dir() { path } else { path.parent()? };
        let told = git(folder, &["rev-parse", "--show-toplevel", "HEAD"]).ok()?;
        let told = String::from_utf8(told).ok()?;
        let (root, commit) = told.trim_end().split_once('\n')?;
        Some((Path::new(root).canonicalize().ok()?, commit.trim().to_owned()))
    }

    /// The work tree of a root, as far as these files and folders are concerned.
    fn read(root: PathBuf, commit: String, within: &BTreeSet<PathBuf>) -> Option<Self> {
        let remote = git(&root, &["config", "--get", "remote.origin.url"]).ok();
        let remote = remote.and_then(|url| String::from_utf8(url).ok());
        let mut status = vec!["status", "--porcelain=v1", "-z", "--untracked-files=all"];
        status.extend(["--no-renames", "--ignored=matching", "--"]);
        let named: Option<Vec<&str>> = within.iter().map(|path| path.to_str()).collect();
        match named.filter(|named| named.len() <= MAX_NAMED) {
            Some(named) => status.extend(named),
            None => status.push("."),
        }
        let changed = git(&root, &status).ok()?;
        Some(Self {
            root,
            repository: remote.map(|url| without_credentials(url.trim())),
            commit,
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
        // A folder that is ignored ends with `/`, a submodule does not.
        let mut above =
            path.match_indices('/').flat_map(|(at, _)| [path.get(..at), path.get(..=at)]).flatten();
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

/// The root of the work tree around a file or folder.
pub(super) fn root_around(whole: &Path) -> anyhow::Result<PathBuf> {
    let folder = if whole.is_dir() { whole } else { whole.parent().unwrap_or(whole) };
    let told = git(folder, &["rev-parse", "--show-toplevel"])?;
    let told = String::from_utf8(told).context("the work tree's path is no UTF-8")?;
    Ok(Path::new(told.trim_end_matches(['\r', '\n'])).canonicalize()?)
}

/// git in a folder. Nothing that the repository's own settings name is run.
pub(super) fn command(folder: &Path) -> Command {
    let mut command = Command::new("git");
    command
        .args(["--no-optional-locks", "--literal-pathspecs", "-c", "core.fsmonitor=false", "-C"])
        .arg(folder);
    command
}

/// What git prints.
pub(super) fn git(folder: &Path, arguments: &[&str]) -> anyhow::Result<Vec<u8>> {
    let output = command(folder)
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
            root: PathBuf::from("/srv"),
            repository: None,
            commit: "c".to_owned(),
            changed: ["a/b.yaml", "built/", "module"].map(str::to_owned).into(),
        };
        for (path, expected) in [
            ("a/b.yaml", true),
            ("a", true),
            ("", true),
            ("a/c.yaml", false),
            ("a/b", false),
            ("built/x/y.yaml", true),
            ("built", true),
            ("module/x.yaml", true),
            ("z", false),
        ] {
            assert_eq!(tree.is_changed(path), expected, "{path}");
        }
    }
}
