//! What a scan reads: files that are named, manifests in folders, what charts and kustomizations render to,
//! standard input; or a live cluster.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Read;
use std::path::{Path, PathBuf};

use airside_checks::{CheckIn, Rendered as Origin, Terms};
use airside_k8s::Document;
use airside_k8s::yaml::{Limits, parse_bytes};
use airside_scanner::{LiveObjects, Scan, check_files, scan_files};
use airside_wire::scan::SourceFile;

use super::render::{Renderer, Rendering};
use crate::command::replay::read;

/// The endings of files that are scanned when a folder is given.
pub(super) const ENDINGS: [&str; 3] = ["yaml", "yml", "json"];

/// What was read, and what could not be.
#[derive(Debug, Default)]
pub(in crate::command) struct Inputs {
    pub(in crate::command) files: Vec<SourceFile>,
    /// The files that were rendered, or came by standard input: there is nothing to write them to.
    pub(super) passing: BTreeSet<String>,
    /// What the files that were rendered were made from.
    pub(super) made: BTreeMap<String, Made>,
    pub(in crate::command) problems: Vec<String>,
    /// The objects of a live cluster, which then are all there is.
    pub(super) live: Option<LiveObjects>,
}

/// What a file was rendered from.
#[derive(Debug)]
pub(super) struct Made {
    /// The folder of the chart or kustomization.
    pub(super) folder: PathBuf,
    /// The files in it.
    pub(super) origin: Origin,
}

impl Inputs {
    /// Reads all paths.
    pub(in crate::command) fn read<P: AsRef<Path>>(paths: &[P], how: &Rendering) -> Self {
        let mut inputs = Self::default();
        paths.iter().for_each(|path| inputs.take(path.as_ref(), how));
        inputs
    }

    /// Checks what was read as one set.
    pub(super) fn scan(&self, terms: &Terms<'_>) -> Scan {
        match &self.live {
            Some(live) => live.scan(terms),
            None => scan_files(&self.files, terms),
        }
    }

    /// What the check-in says, with nothing left out and nothing put together.
    pub(super) fn check(&self, terms: &Terms<'_>) -> CheckIn {
        match &self.live {
            Some(live) => live.check(terms),
            None => check_files(&self.files, terms),
        }
    }

    /// The documents that can be read, each with the path that it stands under.
    pub(super) fn documents(&self) -> Vec<(String, Document)> {
        if let Some(live) = &self.live {
            let documents = live.documents();
            return documents.map(|(path, it)| (path.to_string(), Document::clone(it))).collect();
        }
        let mut documents = Vec::new();
        for file in &self.files {
            let parsed = parse_bytes(&file.content, &Limits::default());
            documents.extend(parsed.documents.into_iter().map(|it| (file.path.clone(), it)));
        }
        documents
    }

    /// Whether there is nothing at all.
    pub(super) fn is_empty(&self) -> bool {
        self.files.is_empty() && self.live.as_ref().is_none_or(LiveObjects::is_empty)
    }

    fn take(&mut self, path: &Path, how: &Rendering) {
        if path == Path::new("-") {
            let mut content = Vec::new();
            match std::io::stdin().lock().read_to_end(&mut content) {
                Ok(_) => {
                    self.passing.insert("-".to_owned());
                    self.add("-".to_owned(), content);
                }
                Err(error) => self.problems.push(format!("standard input cannot be read: {error}")),
            }
        } else if Renderer::of(path) == Some(Renderer::Kustomize) {
            self.rendered(Renderer::Kustomize, path, how);
        } else if path.is_dir() {
            self.folder(path, how);
        } else {
            self.file(path);
        }
    }

    /// Links to folders are not followed: they may lead in a circle. A kustomization below the folder that
    /// was named is read as the plain files that it is made of.
    fn folder(&mut self, folder: &Path, how: &Rendering) {
        if Renderer::of(folder) == Some(Renderer::Helm) {
            return self.rendered(Renderer::Helm, folder, how);
        }
        let entries = match std::fs::read_dir(folder) {
            Ok(entries) => entries,
            Err(error) => {
                return self
                    .problems
                    .push(format!("`{}` cannot be read: {error}", folder.display()));
            }
        };
        let mut paths: Vec<_> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
        paths.sort();
        for path in paths {
            let hidden =
                path.file_name().is_some_and(|name| name.to_string_lossy().starts_with('.'));
            if path.is_dir() && !hidden && !path.is_symlink() {
                self.folder(&path, how);
            } else if path.is_file() && is_manifest(&path) {
                self.file(&path);
            }
        }
    }

    fn rendered(&mut self, renderer: Renderer, folder: &Path, how: &Rendering) {
        match renderer.render(folder, how) {
            Ok(rendered) => {
                for it in rendered {
                    self.passing.insert(it.path.clone());
                    let made = Made { folder: folder.to_owned(), origin: it.origin };
                    self.made.insert(it.path.clone(), made);
                    self.add(it.path, it.content.into_bytes());
                }
            }
            Err(error) => self.problems.push(format!("{error:#}")),
        }
    }

    fn file(&mut self, path: &Path) {
        match read(path) {
            Ok(content) => self.add(shown(path), content),
            Err(error) => self.problems.push(format!("{error:#}")),
        }
    }

    pub(super) fn add(&mut self, path: String, content: Vec<u8>) {
        self.files.push(SourceFile { path, content: content.into() });
    }
}

/// A path as findings show it.
pub(super) fn shown(path: &Path) -> String {
    path.to_string_lossy().replace('\\', "/")
}

/// Whether a file of a folder is scanned.
pub(super) fn is_manifest(path: &Path) -> bool {
    let ending = path.extension().map(|ending| ending.to_string_lossy().to_lowercase());
    ending.is_some_and(|ending| ENDINGS.contains(&ending.as_str()))
}
