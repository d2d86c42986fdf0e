//! Paths as they were at a git revision, written into a folder of their own: there they are read, and rendered,
//! as those of now are, and stand under the names that they have now.
//!
//! Files are taken from git's store as they are: no filter that a repository's settings name is run.

mod store;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use airside_terms::is_manifest;
use airside_wire::scan::SourceFile;
use anyhow::Context;
use globset::GlobSet;
use tempfile::TempDir;

use self::store::{Entry, write_out};
use super::inputs::Inputs;
use super::paths::shown;
use super::render::{KUSTOMIZATIONS, RENDERED, Renderer, Rendering};
use super::work_tree::{git, root_around};

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
        let root = root_around(&whole)?;
        // What is rendered may take files from anywhere in the repository.
        let needs_all = !now.made.is_empty();
        let tree = match trees.get(&root) {
            Some(tree) => tree,
            None => {
                let within = paths_within(&root, paths);
                let tree = Tree::written(&root, revision, within, needs_all)?;
                trees.entry(root.clone()).or_insert(tree)
            }
        };
        tree.read(&root, &whole, path, rendering, &mut then);
    }
    Ok(then)
}

/// The paths of a work tree that are scanned, as seen from its root.
fn paths_within(root: &Path, paths: &[PathBuf]) -> Vec<PathBuf> {
    let whole = paths.iter().filter_map(|path| path.canonicalize().ok());
    whole.filter_map(|path| Some(path.strip_prefix(root).ok()?.to_owned())).collect()
}

/// A work tree as it was.
struct Tree {
    folder: TempDir,
    /// Files that were moved since: what they were called, and what they are called now.
    moved: BTreeMap<String, String>,
    /// The paths that are scanned, as seen from the root.
    scanned: Vec<PathBuf>,
}

impl Tree {
    /// Writes files and folders of a revision into a folder: those that are scanned and what was moved there
    /// since, or all.
    fn written(
        root: &Path,
        revision: &str,
        scanned: Vec<PathBuf>,
        all: bool,
    ) -> anyhow::Result<Self> {
        let moved = moved(root, revision)?;
        let mut arguments = vec!["ls-tree", "-r", "-z", "--full-tree", revision, "--"];
        let within: Vec<_> = scanned.iter().map(|path| path.to_string_lossy()).collect();
        if !all && within.iter().all(|path| !path.is_empty()) {
            let is_scanned = |path: &str| scanned.iter().any(|it| Path::new(path).starts_with(it));
            arguments.extend(within.iter().map(|path| &**path));
            let moved = moved.iter().filter(|(was, is)| is_scanned(is) && !is_scanned(was));
            arguments.extend(moved.map(|(was, _)| was.as_str()));
        }
        let listed = git(root, &arguments)?;
        let entries: Vec<Entry> = listed.split(|byte| *byte == 0).filter_map(Entry::read).collect();
        let folder = tempfile::tempdir()?;
        write_out(root, &entries, folder.path())
            .with_context(|| format!("the files of `{revision}` cannot be written"))?;
        Ok(Self { folder, moved, scanned })
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
        let rendering = Rendering {
            values: rendering.values.iter().map(|file| self.values(root, file)).collect(),
            ..rendering.clone()
        };
        let was = std::iter::once(below.to_owned()).chain(self.elsewhere(whole, below));
        let was: BTreeSet<PathBuf> = was.map(|was| self.folder.path().join(was)).collect();
        let was: Vec<PathBuf> =
            was.into_iter().filter(|it| it.try_exists().unwrap_or(false)).collect();
        let limits = inputs.limits.clone();
        let mut read = Inputs::read_within((limits, GlobSet::empty()), &was, &rendering);
        let before = shown(self.folder.path());
        for file in read.files {
            let then = file.path.strip_prefix(&before).unwrap_or_default().trim_start_matches('/');
            let path = self.name_now(root, below, path, then);
            if !inputs.excluded.is_match(&path) {
                if let Some(made) = read.made.remove(&file.path) {
                    inputs.passing.insert(path.clone());
                    inputs.made.insert(path.clone(), made);
                }
                inputs.files.push(SourceFile { path, ..file });
            }
        }
        let folder = format!("{}/", self.folder.path().display());
        let problems = read.problems.iter().map(|problem| problem.replace(&folder, ""));
        inputs.problems.extend(problems);
    }

    /// Where the things were that were moved into a path that is scanned, out of all such paths: charts and
    /// kustomizations as a whole, files that are manifests by themselves.
    fn elsewhere(&self, whole: &Path, below: &Path) -> Vec<PathBuf> {
        let is_scanned = |path: &str| self.scanned.iter().any(|it| Path::new(path).starts_with(it));
        let moved = self
            .moved
            .iter()
            .filter(|(was, is)| Path::new(is).starts_with(below) && !is_scanned(was));
        let is_kustomization = Renderer::of(whole) == Some(Renderer::Kustomize);
        let folder = |path: &str| Path::new(path).parent().map(Path::to_owned);
        let is_called =
            |path: &str, names: &[&str]| names.iter().any(|name| Path::new(path).ends_with(name));
        if is_kustomization {
            let mut named = moved.filter(|(_, is)| {
                folder(is).as_deref() == Some(below) && is_called(is, &KUSTOMIZATIONS)
            });
            return named.find_map(|(was, _)| folder(was)).into_iter().collect();
        }
        let moved: Vec<_> = moved.collect();
        let charts: BTreeMap<PathBuf, PathBuf> = moved
            .iter()
            .filter(|(_, is)| is_called(is, &["Chart.yaml"]))
            .filter_map(|(was, is)| Some((folder(is)?, folder(was)?)))
            .collect();
        let is_of_chart = |is: &str| charts.keys().any(|chart| Path::new(is).starts_with(chart));
        let files =
            moved.iter().filter(|(was, is)| !is_of_chart(is) && is_manifest(Path::new(was)));
        let files = files.map(|(was, _)| PathBuf::from(was));
        let is_within_other = |chart: &&PathBuf| {
            charts.values().any(|other| other != *chart && chart.starts_with(other))
        };
        files.chain(charts.values().filter(|it| !is_within_other(it)).cloned()).collect()
    }

    /// What a file is called now that is scanned as part of a path.
    fn name_now(&self, root: &Path, below: &Path, path: &Path, then: &str) -> String {
        let (was, rendered) = match then.strip_suffix(RENDERED) {
            Some(was) => (was, RENDERED),
            None => (then, ""),
        };
        let now = match (self.moved.get(was), Path::new(was).strip_prefix(below)) {
            (Some(now), _) => shown(&root.join(now)),
            (None, Ok(rest)) => shown(&path.join(rest)),
            (None, Err(_)) => shown(&root.join(was)),
        };
        format!("{now}{rendered}")
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
