//! Why terms cannot be used: which file, which line, what to do.

use std::path::PathBuf;

use airside_config::{ConfigError, Origin};
use airside_vulnerability::component::DataError;

/// A file of terms cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum TermsError {
    /// The settings of a project are not of their form.
    #[error(transparent)]
    Settings(#[from] ConfigError),
    /// A name that means no check.
    #[error("{origin}: `{key}`: {problem}")]
    UnknownName {
        /// Where it stands.
        origin: Origin,
        /// The key with the name.
        key: String,
        /// What is wrong, with what was probably meant.
        problem: String,
    },
    /// A profile that there is not.
    #[error("{}there is no profile `{name}`: choose from {known}", place(.origin.as_ref()))]
    UnknownProfile {
        /// Where it stands; none on a command line.
        origin: Option<Origin>,
        /// The name.
        name: String,
        /// Those that there are.
        known: String,
    },
    /// A severity that there is not.
    #[error("{origin}: {what}: {problem}")]
    Severity {
        /// Where it stands.
        origin: Origin,
        /// Of what.
        what: String,
        /// What is wrong with it.
        problem: String,
    },
    /// A file or folder cannot be read.
    #[error("`{}` cannot be read", path.display())]
    Read {
        /// The file or folder.
        path: PathBuf,
        /// What the system says.
        #[source]
        source: std::io::Error,
    },
    /// A file or folder is larger than files of its kind are.
    #[error("`{}` has more than {most} {what}: is it the right one?", path.display())]
    TooLarge {
        /// The file or folder.
        path: PathBuf,
        /// The bound.
        most: u64,
        /// Of what.
        what: &'static str,
    },
    /// A file is no text.
    #[error("`{}` is no UTF-8", .0.display())]
    NoText(PathBuf),
    /// Exceptions or policies with problems, a line each.
    #[error("{what} cannot be used; mend or remove them:\n{}", problems.join("\n"))]
    Problems {
        /// What.
        what: &'static str,
        /// Each with its file and line.
        problems: Vec<String>,
    },
    /// A folder that should hold policies holds none.
    #[error("{paths} holds no ValidatingAdmissionPolicy: is it the right folder?")]
    NoPolicies {
        /// The files and folders.
        paths: String,
    },
    /// Files that should hold something hold none of it.
    #[error("{paths} holds no {what}: is it the right path?")]
    Nothing {
        /// What.
        what: &'static str,
        /// The files and folders.
        paths: String,
    },
    /// Vulnerability data cannot be used.
    #[error(
        "`{}` cannot be used: delete it, and make it anew with `airside data update`",
        path.display()
    )]
    Data {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        #[source]
        source: DataError,
    },
}

fn place(origin: Option<&Origin>) -> String {
    origin.map(|origin| format!("{origin}: ")).unwrap_or_default()
}
