//! Paths as they were at a git revision, written into a folder of their own: there they are read, and rendered,
//! as those of now are, and stand under the names that they have now.
//!
//! Files are taken from git's store as they are: no filter that a repository's settings name is run.

mod store;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use airside_wire::scan::SourceFile;
use anyhow::Context;
use globset::GlobSet;
use tempfile::TempDir;

use self::store::{Entry, write_out};
use super::inputs::Inputs;
use super::paths::shown;
use super::render::Rendering;
use super::work_tree::git;

/// What a scan would have read of its paths at a revision.
pub(super) fn inputs_at(
    revision: &str,
    paths: &[PathBuf],
    rendering: &Rendering,
    now: &Inputs,
) -> anyhow::Result<Inputs> {
    anyhow::ensure!(!revision.starts_with('-'), "`{revision}` is no revision");
    let mut trees: BTreeMap<PathBuf, Tree> = BTreeMap::new();
    let (limits, excluded) = (now.limits.clone(), now.excluded.clone());
    let mut then = Inputs { limits, excluded, ..Inputs::default() };
    for path in paths {
        let whole =
            path.canonicalize().with_context(|| format!("`{}` cannot be read", path.display()))?;
        let root = root_of(&whole)?;
        // What is rendered may take files from anywhere in the repository.
        let needs_all = !now.made.is_empty();
        let tree = match trees.get(&root) {
            Some(tree) => tree,
            None => {
                let within = paths_within(&root, paths, needs_all);
                let tree = Tree::written(&root, revision, &within)?;
                trees.entry(root.clone()).or_insert(tree)
            }
        };
        tree.read(&root, &whole, path, rendering, &mut then);
    }
    Ok(then)
}

/// The root of the work tree around a file or folder.
fn root_of(whole: &Path) -> anyhow::Result<PathBuf> {
    let folder = if whole.is_dir() { whole } else { whole.parent().unwrap_or(whole) };
    let told = git(folder, &["rev-parse", "--show-toplevel"])?;
    let told = String::from_utf8(told).context("the work tree's path is no UTF-8")?;
    Ok(Path::new(told.trim_end_matches(['\r', '\n'])).canonicalize()?)
}

/// The paths of a work tree that are scanned, as seen from its root; none for all that there is.
fn paths_within(root: &Path, paths: &[PathBuf], all: bool) -> Vec<String> {
    let whole = paths.iter().filter_map(|path| path.canonicalize().ok());
    let within: Vec<String> = whole
        .filter_map(|path| Some(path.strip_prefix(root).ok()?.to_string_lossy().into_owned()))
        .collect();
    let has_root = within.iter().any(String::is_empty);
    if all || has_root { Vec::new() } else { within }
}

/// A work tree as it was.
struct Tree {
    folder: TempDir,
    /// Files that were moved since: what they were called, and what they are called now.
    moved: BTreeMap<String, String>,
}

impl Tree {
    /// Writes files and folders of a revision into a folder.
    fn written(root: &Path, revision: &str, within: &[String]) -> anyhow::Result<Self> {
        let mut arguments = vec!["ls-tree", "-r", "-z", "--full-tree", revision, "--"];
        arguments.extend(within.iter().map(String::as_str));
        let listed = git(root, &arguments)?;
        let entries: Vec<Entry> = listed.split(|byte| *byte == 0).filter_map(Entry::read).collect();
        let folder = tempfile::tempdir()?;
        write_out(root, &entries, folder.path())
            .with_context(|| format!("the files of `{revision}` cannot be written"))?;
        Ok(Self { folder, moved: moved(root, revision)? })
    }

    /// Reads a path that is `whole` in the work tree now, as it was.
    fn read(
        &self,
        root: &Path,
        whole: &Path,
        path: &Path,
        rendering: &Rendering,
        inputs: &mut Inputs,
    ) {
        let Ok(below) = whole.strip_prefix(root) else { return };
        let then = self.folder.path().join(below);
        if !then.try_exists().unwrap_or(false) {
            return;
        }
        let rendering = Rendering {
            values: rendering.values.iter().map(|file| self.values(root, file)).collect(),
            ..rendering.clone()
        };
        let limits = inputs.limits.clone();
        let read = Inputs::read_within((limits, GlobSet::empty()), &[&then], &rendering);
        let before = shown(&then);
        for file in read.files {
            let rest = file.path.strip_prefix(&before).unwrap_or_default();
            let path = self.name_now(root, below, path, rest);
            if !inputs.excluded.is_match(&path) {
                inputs.files.push(SourceFile { path, ..file });
            }
        }
        let folder = format!("{}/", self.folder.path().display());
        let problems = read.problems.iter().map(|problem| problem.replace(&folder, ""));
        inputs.problems.extend(problems);
    }

    /// What a file is called now whose path goes on from the one that is scanned.
    fn name_now(&self, root: &Path, below: &Path, path: &Path, rest: &str) -> String {
        let Some(rest) = rest.strip_prefix('/') else { return format!("{}{rest}", shown(path)) };
        let was = below.join(rest).to_string_lossy().replace('\\', "/");
        match self.moved.get(&was) {
            Some(now) => shown(&root.join(now)),
            None => shown(&path.join(rest)),
        }
    }

    /// A file of values as it was, where it is one of the work tree's.
    fn values(&self, root: &Path, file: &Path) -> PathBuf {
        let below = file.canonicalize().ok();
        let below = below.as_deref().and_then(|whole| whole.strip_prefix(root).ok());
        let then = below.map(|below| self.folder.path().join(below));
        then.filter(|then| then.is_file()).unwrap_or_else(|| file.to_owned())
    }
}

/// The files that were moved since a revision.
fn moved(root: &Path, revision: &str) -> anyhow::Result<BTreeMap<String, String>> {
    let options = ["diff", "--no-ext-diff", "--no-textconv", "-M", "--diff-filter=R", "-z"];
    let told = git(root, &[&options[..], &["--name-status", revision, "--"]].concat())?;
    let mut texts = told.split(|byte| *byte == 0).map(String::from_utf8_lossy);
    let mut moved = BTreeMap::new();
    while let (Some(_), Some(was), Some(is)) = (texts.next(), texts.next(), texts.next()) {
        moved.insert(was.into_owned(), is.into_owned());
    }
    Ok(moved)
}
