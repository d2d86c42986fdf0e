//! The file of exceptions of a scan. Its paths start in its own folder, wherever the program runs.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use airside_checks::Ineffective;
use airside_checks::exception::Exception;
use airside_terms::project::nearest_named;
use airside_terms::read_exceptions;
use airside_wire::scan::SourceFile;

use super::paths::{normalised, shown};
use crate::cli::ScanArguments;

/// The name of the file of exceptions that is read where none is named.
pub(super) const EXCEPTIONS: &str = ".airside-exceptions";

/// What a file of exceptions says.
#[derive(Debug, Default)]
pub(super) struct Exceptions {
    pub(super) exceptions: Vec<Exception>,
    /// What is no exception.
    pub(super) misread: Vec<Ineffective>,
    /// The folder of the file, absolute.
    folder: PathBuf,
}

impl Exceptions {
    /// Those of the file that is named, or of the nearest one of the usual name.
    pub(super) fn of(arguments: &ScanArguments) -> anyhow::Result<Self> {
        let named = arguments.exceptions.clone();
        let Some(path) = named.or_else(|| usual(&arguments.paths)) else {
            return Ok(Self::default());
        };
        let (exceptions, misread) = read_exceptions(&path)?;
        let folder = path.canonicalize()?.parent().map(Path::to_owned).unwrap_or_default();
        Ok(Self { exceptions, misread, folder })
    }

    /// Takes the paths of exceptions as they are meant, for the files that are scanned.
    pub(super) fn resolve(&mut self, files: &[SourceFile]) {
        if self.exceptions.iter().all(|it| it.scope.path.is_none()) || files.is_empty() {
            return;
        }
        let working = std::env::current_dir().unwrap_or_default();
        let seen: BTreeMap<&str, String> = files
            .iter()
            .map(|file| (file.path.as_str(), seen_from(&self.folder, &working, &file.path)))
            .collect();
        for exception in &mut self.exceptions {
            exception.scope.resolve(&seen);
        }
    }
}

/// The file of exceptions of the first path's folder, or of the nearest above it.
fn usual(paths: &[PathBuf]) -> Option<PathBuf> {
    let first = paths.first().filter(|path| **path != Path::new("-"));
    let nearest = nearest_named(first.map_or_else(|| Path::new("."), PathBuf::as_path), EXCEPTIONS);
    nearest.map(|path| PathBuf::from(shown(&path)))
}

/// A path as it is seen from a folder; as it is where it is not below it, or no file.
fn seen_from(folder: &Path, working: &Path, path: &str) -> String {
    let whole = normalised(&working.join(path));
    let below = whole.strip_prefix(folder).ok().filter(|_| path != "-");
    below.map_or_else(|| path.to_owned(), |below| below.to_string_lossy().replace('\\', "/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_seen_from_the_folder_of_the_file_wherever_the_program_runs() {
        for (folder, working, path, expected) in [
            ("/srv", "/srv", "a/b.yaml", "a/b.yaml"),
            ("/srv", "/srv/a", "b.yaml", "a/b.yaml"),
            ("/srv/a", "/srv", "a/b.yaml", "b.yaml"),
            ("/srv/a", "/srv/c", "../a/b.yaml", "b.yaml"),
            ("/srv/a", "/", "/srv/a/b.yaml", "b.yaml"),
            ("/srv/a", "/srv", "c/b.yaml", "c/b.yaml"),
            ("/srv", "/srv/a", "-", "-"),
        ] {
            let seen = seen_from(Path::new(folder), Path::new(working), path);
            assert_eq!(seen, expected, "{folder} {working} {path}");
        }
    }
}
