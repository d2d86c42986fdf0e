//! What can go wrong with an archive.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use parquet::errors::ParquetError;

/// The archive cannot do what it was asked to. Cloned for each of those who waited for one write.
#[derive(Debug, Clone, thiserror::Error)]
pub enum ArchiveError {
    /// The folder or a file in it cannot be used.
    #[error("`{}` cannot be {what}: {source}; the archive of raw records needs a writable folder with room", path.display())]
    File {
        /// What was tried, such as `written`.
        what: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        source: Arc<io::Error>,
    },
    /// Another process works with this folder.
    #[error("`{}` is used by another process: give each node a folder of its own", path.display())]
    InUse {
        /// The folder.
        path: PathBuf,
    },
    /// A Parquet file cannot be written or read.
    #[error("the archive file `{path}` cannot be used: {problem}")]
    Parquet {
        /// The file, below the archive's folder.
        path: String,
        /// What the reader or writer said.
        problem: String,
    },
    /// More rows, or longer ones, than one batch may have.
    #[error("a batch of {bytes} bytes is more than a segment takes")]
    TooLarge {
        /// The bytes of the batch.
        bytes: usize,
    },
    /// Segments wait to be sealed, and no more may.
    #[error(
        "{unsealed} bytes of raw records wait for their files, which cannot be written as fast as records come"
    )]
    Behind {
        /// The bytes of all segments.
        unsealed: u64,
    },
    /// The settings of the object store cannot be used.
    #[error("the object store for raw records: {problem}")]
    Setting {
        /// What is wrong, and what to write instead.
        problem: String,
    },
    /// The object store refuses to say what lies in it, or does not answer.
    #[error(
        "what lies in the object store `{url}` cannot be listed by {who}: {source}; the bucket has to be there, and the credentials may list, read, write and remove in it"
    )]
    Unlisted {
        /// The bucket and prefix.
        url: String,
        /// Who we are there.
        who: String,
        /// What the store said.
        source: Arc<io::Error>,
    },
    /// The object store does not say what lies in it now.
    #[error(
        "the object store with the raw records cannot be asked: {problem}; what it has is not lost"
    )]
    Away {
        /// What went wrong.
        problem: String,
    },
    /// The archive has been closed.
    #[error("the archive is closed")]
    Closed,
}

impl ArchiveError {
    pub(crate) fn file(what: &'static str, path: &Path, source: io::Error) -> Self {
        Self::File { what, path: path.to_owned(), source: Arc::new(source) }
    }

    pub(crate) fn away(error: &io::Error) -> Self {
        Self::Away { problem: error.to_string() }
    }

    pub(crate) fn setting(problem: String) -> Self {
        Self::Setting { problem }
    }

    pub(crate) fn parquet(path: &str, problem: &ParquetError) -> Self {
        Self::Parquet { path: path.to_owned(), problem: problem.to_string() }
    }
}
