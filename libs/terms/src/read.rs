//! Reading files of terms, within bounds.

use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use airside_checks::Ineffective;
use airside_checks::exception::{Exception, parse_file};

use crate::error::TermsError;

/// The largest file of policies or exceptions, in bytes.
const MAX_FILE_BYTES: u64 = 16 << 20;
/// The most files of policies.
const MAX_FILES: usize = 10_000;
/// The endings of files with manifests.
pub const ENDINGS: [&str; 3] = ["yaml", "yml", "json"];

/// Whether a file of a folder is read as a manifest, by its name.
pub fn is_manifest(path: &Path) -> bool {
    let ending = path.extension().map(|ending| ending.to_string_lossy().to_lowercase());
    ending.is_some_and(|ending| ENDINGS.contains(&ending.as_str()))
}

/// Reads a file of exceptions, and those in it that cannot be understood.
///
/// # Errors
/// The file cannot be read, or is no text.
pub fn read_exceptions(path: &Path) -> Result<(Vec<Exception>, Vec<Ineffective>), TermsError> {
    let text = text(path, MAX_FILE_BYTES)?;
    Ok(parse_file(&path.to_string_lossy(), &text))
}

/// The manifests of a file, or of a folder and those below it by name. Links to folders are not followed: they
/// may lead in a circle.
pub(crate) fn manifests(path: &Path) -> Result<Vec<(String, Vec<u8>)>, TermsError> {
    let mut paths = Vec::new();
    list(path, &mut paths)?;
    let read = |path: PathBuf| {
        let content = bytes(&path, MAX_FILE_BYTES)?;
        Ok((path.to_string_lossy().replace('\\', "/"), content))
    };
    paths.into_iter().map(read).collect()
}

fn list(path: &Path, paths: &mut Vec<PathBuf>) -> Result<(), TermsError> {
    if !path.is_dir() {
        paths.push(path.to_owned());
        return Ok(());
    }
    let failed = |source| TermsError::Read { path: path.to_owned(), source };
    let mut below = Vec::new();
    for entry in std::fs::read_dir(path).map_err(failed)? {
        below.push(entry.map_err(failed)?.path());
    }
    below.sort();
    for inner in below {
        let is_hidden = inner.file_name().is_some_and(|it| it.to_string_lossy().starts_with('.'));
        if inner.is_dir() && !inner.is_symlink() && !is_hidden
            || inner.is_file() && is_manifest(&inner)
        {
            list(&inner, paths)?;
        }
        if paths.len() > MAX_FILES {
            let (path, most) = (path.to_owned(), MAX_FILES as u64);
            return Err(TermsError::TooLarge { path, most, what: "files" });
        }
    }
    Ok(())
}

/// A file's text.
pub(crate) fn text(path: &Path, most: u64) -> Result<String, TermsError> {
    String::from_utf8(bytes(path, most)?).map_err(|_| TermsError::NoText(path.to_owned()))
}

fn bytes(path: &Path, most: u64) -> Result<Vec<u8>, TermsError> {
    let failed = |source| TermsError::Read { path: path.to_owned(), source };
    let mut content = Vec::new();
    let file = File::open(path).map_err(failed)?;
    file.take(most + 1).read_to_end(&mut content).map_err(failed)?;
    if content.len() as u64 > most {
        return Err(TermsError::TooLarge { path: path.to_owned(), most, what: "bytes" });
    }
    Ok(content)
}
