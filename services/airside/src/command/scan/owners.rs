//! Whose the files of a scan are: the repository's CODEOWNERS, found upwards from the first path.

use std::path::{Path, PathBuf};

use airside_checks::owner::FileOwners;
use airside_checks::owner::codeowners::CodeOwners;
use anyhow::Context;

use super::inputs::Inputs;
use super::render::RENDERED;
use crate::command::replay::read;

/// The owners of the files that were read.
///
/// # Errors
/// There is a file CODEOWNERS, and it cannot be read.
pub(in crate::command) fn of_files(inputs: &Inputs, first: &Path) -> anyhow::Result<FileOwners> {
    let Some((root, path)) = nearest(first) else { return Ok(FileOwners::default()) };
    let text = read(&path)?;
    let text =
        String::from_utf8(text).with_context(|| format!("`{}` is no UTF-8", path.display()))?;
    let owners = CodeOwners::parse(&text);
    let of_file = |path: &str| {
        let whole = whole(path.strip_suffix(RENDERED).unwrap_or(path))?;
        let below = whole.strip_prefix(&root).ok()?.to_string_lossy().replace('\\', "/");
        Some((path.to_owned(), owners.of(&below)?))
    };
    Ok(inputs.files.iter().filter_map(|file| of_file(&file.path)).collect())
}

/// The path without links; a template's file need not be there under the name that helm gives it.
fn whole(path: &str) -> Option<PathBuf> {
    let path = Path::new(path);
    path.canonicalize().ok().or_else(|| {
        let folder = path.ancestors().skip(1).find_map(|it| Some((it, it.canonicalize().ok()?)))?;
        Some(folder.1.join(path.strip_prefix(folder.0).ok()?))
    })
}

/// The repository's folder and its file: of the path's folder or the nearest above it that has one.
fn nearest(first: &Path) -> Option<(PathBuf, PathBuf)> {
    let first = if first == Path::new("-") { Path::new(".") } else { first };
    let whole = first.canonicalize().ok()?;
    for folder in whole.ancestors().skip(usize::from(!whole.is_dir())) {
        let mut places = CodeOwners::PLACES.iter().map(|place| folder.join(place));
        if let Some(path) = places.find(|path| path.is_file()) {
            return Some((folder.to_owned(), path));
        }
        if folder.join(".git").try_exists().unwrap_or(false) {
            return None;
        }
    }
    None
}
