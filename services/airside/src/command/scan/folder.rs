//! Which files of a folder are scanned, and what is told of those that are not.
//!
//! Owns what links lead to, pipes, and folders that cannot be listed. What files hold is `inputs`'.

use std::path::{Path, PathBuf};

use airside_terms::is_manifest;

use super::paths::shown;

/// What stands in a folder, one level down.
#[derive(Debug)]
pub(super) enum Entry {
    Folder(PathBuf),
    Manifest(PathBuf),
    /// A folder whose name begins with a dot, which is not read.
    Hidden(PathBuf),
    /// Something that could not be read, and what to do.
    Problem(String),
    /// Something that was left out on purpose.
    LeftOut(String),
}

/// What stands in a folder, by name. The root is the folder that was named, without links.
pub(super) fn entries(folder: &Path, root: &Path) -> Vec<Entry> {
    let cannot = |error| Entry::Problem(format!("`{}` cannot be read: {error}", shown(folder)));
    let listed = match std::fs::read_dir(folder) {
        Ok(listed) => listed,
        Err(error) => return vec![cannot(error)],
    };
    let (mut paths, mut entries) = (Vec::new(), Vec::new());
    for entry in listed {
        match entry {
            Ok(entry) => paths.push(entry.path()),
            Err(error) => entries.push(cannot(error)),
        }
    }
    paths.sort();
    entries.extend(paths.into_iter().filter_map(|path| of(path, root)));
    entries
}

fn of(path: PathBuf, root: &Path) -> Option<Entry> {
    let kind = match path.symlink_metadata() {
        Ok(metadata) => metadata.file_type(),
        Err(error) => {
            return Some(Entry::Problem(format!("`{}` cannot be read: {error}", path.display())));
        }
    };
    if kind.is_symlink() {
        link(path, root)
    } else if kind.is_dir() {
        match path.file_name() {
            Some(name) if name == ".git" => None,
            _ if is_hidden(&path) => Some(Entry::Hidden(path)),
            _ => Some(Entry::Folder(path)),
        }
    } else {
        is_manifest(&path).then(|| file(path, kind.is_file()))
    }
}

fn is_hidden(path: &Path) -> bool {
    path.file_name().is_some_and(|name| name.to_string_lossy().starts_with('.'))
}

/// Only what ends by itself is read: a pipe in a folder may have nobody who writes to it.
fn file(path: PathBuf, is_regular: bool) -> Entry {
    if is_regular {
        return Entry::Manifest(path);
    }
    Entry::Problem(format!(
        "`{}` is a pipe, a socket or a device and was not read: take it out of the folder, or name it \
         as a PATH if it is meant",
        shown(&path)
    ))
}

/// Links to files are followed, those to folders are not, as kubectl does it: they may lead in a circle.
fn link(path: PathBuf, root: &Path) -> Option<Entry> {
    match path.metadata() {
        Err(_) if is_hidden(&path) => None,
        Err(error) => {
            // Without an ending it may be meant for a folder of manifests.
            let is_meant = is_manifest(&path) || path.extension().is_none();
            is_meant.then(|| {
                let target = path.read_link().unwrap_or_default();
                Entry::Problem(format!(
                    "`{}` is a link to `{}`, which cannot be read: {error}; mend the link or remove it",
                    shown(&path),
                    target.display()
                ))
            })
        }
        Ok(target) if target.is_dir() => {
            if is_hidden(&path) {
                None
            } else {
                link_to_folder(&path, root)
            }
        }
        Ok(target) => is_manifest(&path).then(|| file(path, target.is_file())),
    }
}

/// What is told of a link to a folder. One that leads to what is scanned anyway needs no word.
fn link_to_folder(path: &Path, root: &Path) -> Option<Entry> {
    let target = path.canonicalize().ok()?;
    let own = path.parent().and_then(|folder| folder.canonicalize().ok())?;
    if own.starts_with(&target) {
        return Some(Entry::Problem(format!(
            "`{}` is a link to a folder that it lies in, a circle that is not followed: remove the link",
            shown(path)
        )));
    }
    (!target.starts_with(root)).then(|| {
        Entry::LeftOut(format!(
            "not scanned: `{}`, a link to the folder `{}`; name it as a PATH to have it scanned",
            shown(path),
            target.display()
        ))
    })
}
