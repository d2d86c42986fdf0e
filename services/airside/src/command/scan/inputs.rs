//! What a scan reads: files that are named, manifests in folders, what charts and kustomizations render to,
//! standard input; or a live cluster.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use airside_checks::{CheckIn, Rendered as Origin, Terms};
use airside_k8s::yaml::{Limits, parse_bytes};
use airside_k8s::{Document, Position};
use airside_scanner::{LiveObjects, Scan, check_files, scan_files_within};
use airside_terms::ENDINGS;
use airside_wire::scan::SourceFile;
use globset::GlobSet;

use super::folder::{Entry, entries};
use super::patches::Unrendered;
use super::paths::shown;
use super::render::{Renderer, Rendering};

/// How many problems of one file are told; the rest is counted.
const SHOWN: usize = 12;
/// How many hidden folders are named; the rest is counted.
const SHOWN_FOLDERS: usize = 3;

/// What was read, and what could not be.
#[derive(Debug, Default)]
pub(in crate::command) struct Inputs {
    pub(in crate::command) files: Vec<SourceFile>,
    /// The files that were rendered, or came by standard input: there is nothing to write them to.
    pub(super) passing: BTreeSet<String>,
    /// What the files that were rendered were made from.
    pub(super) made: BTreeMap<String, Made>,
    pub(in crate::command) problems: Vec<String>,
    /// What was left out on purpose.
    pub(super) left_out: Vec<String>,
    /// How much a file may hold.
    pub(super) limits: Limits,
    /// The paths that are not read.
    pub(super) excluded: GlobSet,
    /// How many files and folders were excluded.
    pub(super) not_read: usize,
    /// Folders with a dot before their names, which were not read.
    pub(super) hidden: Vec<String>,
    /// The files and folders that were read or rendered, as they are shown.
    pub(super) taken: BTreeSet<String>,
    /// How often a file or folder was met that is to be read or rendered.
    pub(super) met: usize,
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
        Self::read_within((Limits::default(), GlobSet::empty()), paths, how)
    }

    /// Reads all paths but what is excluded, of each file as much as the limits say.
    pub(super) fn read_within<P: AsRef<Path>>(
        (limits, excluded): (Limits, GlobSet),
        paths: &[P],
        how: &Rendering,
    ) -> Self {
        let mut inputs = Self { limits, excluded, ..Self::default() };
        paths.iter().for_each(|path| inputs.take(path.as_ref(), how));
        let read = inputs.files.len();
        inputs.files.retain(|file| !inputs.excluded.is_match(&file.path));
        inputs.not_read += read - inputs.files.len();
        inputs.tell_hidden();
        if inputs.not_read > 0 {
            let what =
                if inputs.not_read == 1 { "1 path" } else { &format!("{} paths", inputs.not_read) };
            inputs.left_out.push(format!("excluded: {what}"));
        }
        inputs
    }

    fn tell_hidden(&mut self) {
        if self.hidden.is_empty() {
            return;
        }
        let mut named: Vec<String> =
            self.hidden.iter().take(SHOWN_FOLDERS).map(|path| format!("`{path}`")).collect();
        if let Some(more) = self.hidden.len().checked_sub(SHOWN_FOLDERS).filter(|it| *it > 0) {
            named.push(format!("{more} more"));
        }
        let (folders, one) = match self.hidden.len() {
            1 => ("a hidden folder", "it"),
            _ => ("hidden folders", "one"),
        };
        let named = named.join(", ");
        self.left_out.push(format!(
            "not scanned: {folders}, {named}; name {one} as a PATH to have it scanned"
        ));
    }

    /// Makes problems of what is wrong in the files, where no report tells it.
    pub(in crate::command) fn find_unreadable(&mut self) {
        for file in &self.files {
            let errors = parse_bytes(&file.content, &self.limits).errors;
            let told = errors.iter().take(SHOWN).map(|error| {
                let Position { line, column } = error.position;
                format!("{}:{line}:{column}: {}", file.path, error.problem)
            });
            self.problems.extend(told);
            if let Some(more) = errors.len().checked_sub(SHOWN).filter(|more| *more > 0) {
                self.problems.push(format!("{}: and {more} more", file.path));
            }
        }
    }

    /// Checks what was read as one set.
    pub(super) fn scan(&self, terms: &Terms<'_>) -> Scan {
        match &self.live {
            Some(live) => live.scan(terms),
            None => scan_files_within(&self.limits, &self.files, terms),
        }
    }

    /// What the check-in says, with nothing left out and nothing put together.
    pub(super) fn check(&self, terms: &Terms<'_>) -> CheckIn {
        match &self.live {
            Some(live) => live.check(terms),
            None => check_files(&self.limits, &self.files, terms),
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
            let parsed = parse_bytes(&file.content, &self.limits);
            documents.extend(parsed.documents.into_iter().map(|it| (file.path.clone(), it)));
        }
        documents
    }

    fn take(&mut self, path: &Path, how: &Rendering) {
        if path == Path::new("-") {
            match self.content(io::stdin().lock()) {
                Ok(content) if content.trim_ascii().is_empty() => {
                    let problem = "standard input is empty: did the program before this one fail?";
                    self.problems.push(problem.to_owned());
                }
                Ok(content) => {
                    self.passing.insert("-".to_owned());
                    self.add("-".to_owned(), content);
                }
                Err(error) => self.problems.push(format!("standard input cannot be read: {error}")),
            }
        } else if Renderer::of(path) == Some(Renderer::Kustomize) {
            self.rendered(Renderer::Kustomize, path, how);
        } else if path.is_dir() {
            let root = path.canonicalize().unwrap_or_else(|_| path.to_owned());
            let (before, hidden) = (self.met + self.problems.len(), self.hidden.len());
            let mut unrendered = Unrendered::default();
            self.folder(path, &root, how, &mut unrendered);
            unrendered.leave_out(self);
            if self.met + self.problems.len() == before {
                let endings = ENDINGS.map(|ending| format!(".{ending}")).join(", ");
                let path = path.display();
                let apart =
                    if self.hidden.len() > hidden { ", but for hidden folders" } else { "" };
                self.left_out.push(format!("no file in `{path}` ends in {endings}{apart}"));
            }
        } else {
            self.file(path);
        }
    }

    /// A kustomization below the folder that was named is read as the plain files that it is made of.
    fn folder(&mut self, folder: &Path, root: &Path, how: &Rendering, unrendered: &mut Unrendered) {
        match Renderer::of(folder) {
            Some(Renderer::Helm) => return self.rendered(Renderer::Helm, folder, how),
            Some(Renderer::Kustomize) => unrendered.note(folder),
            None => {}
        }
        for entry in entries(folder, root) {
            match entry {
                Entry::Folder(path) | Entry::Manifest(path)
                    if self.excluded.is_match(shown(&path)) =>
                {
                    self.not_read += 1;
                }
                Entry::Folder(path) => self.folder(&path, root, how, unrendered),
                Entry::Manifest(path) => self.file(&path),
                Entry::Problem(problem) => self.problems.push(problem),
                Entry::Hidden(path) => self.hidden.push(shown(&path)),
                Entry::LeftOut(what) => self.left_out.push(what),
            }
        }
    }

    fn rendered(&mut self, renderer: Renderer, folder: &Path, how: &Rendering) {
        self.met += 1;
        if !self.taken.insert(shown(folder)) {
            return;
        }
        if renderer.has_nothing(folder) {
            let what = "a library chart: it is scanned in the charts that use it";
            return self.left_out.push(format!("not rendered: `{}`, {what}", shown(folder)));
        }
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
        self.met += 1;
        if !self.taken.insert(shown(path)) {
            return;
        }
        if path.extension().is_some_and(|ending| ending == "tgz") {
            let problem = format!(
                "`{path}` is a packed chart: unpack it (`tar -xzf {path}`) and name its folder, or: helm \
                 template {path} | airside scan -",
                path = path.display()
            );
            return self.problems.push(problem);
        }
        match File::open(path).and_then(|file| self.content(file)) {
            Ok(content) => self.add(shown(path), content),
            Err(error) => {
                self.problems.push(format!("`{}` cannot be read: {error}", path.display()));
            }
        }
    }

    /// One byte more than the limit at most, by which the reader of manifests notices.
    fn content(&self, source: impl Read) -> io::Result<Vec<u8>> {
        let most = u64::try_from(self.limits.max_bytes).unwrap_or(u64::MAX).saturating_add(1);
        let mut content = Vec::new();
        source.take(most).read_to_end(&mut content)?;
        Ok(in_utf8(content))
    }

    pub(super) fn add(&mut self, path: String, content: Vec<u8>) {
        self.files.push(SourceFile { path, content: content.into() });
    }
}

/// UTF-16 that says so in its first two bytes, as PowerShell writes it and kubectl reads it, in UTF-8.
fn in_utf8(content: Vec<u8>) -> Vec<u8> {
    let (unit, text): (fn([u8; 2]) -> u16, _) = match content.as_slice() {
        [0xFF, 0xFE, text @ ..] => (u16::from_le_bytes, text),
        [0xFE, 0xFF, text @ ..] => (u16::from_be_bytes, text),
        _ => return content,
    };
    let units: Vec<u16> = text.as_chunks().0.iter().map(|pair| unit(*pair)).collect();
    String::from_utf16(&units).map(String::into_bytes).unwrap_or(content)
}
