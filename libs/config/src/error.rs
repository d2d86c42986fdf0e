//! Why settings are refused: which source, which key, what is wrong and what is expected.

use std::path::PathBuf;

use crate::origin::Origin;

/// Settings cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The settings file cannot be read.
    #[error("cannot read the settings file {}: give the path of a file that exists and is readable", path.display())]
    ReadFile {
        /// The path as it was given.
        path: PathBuf,
        /// What the system says.
        #[source]
        source: std::io::Error,
    },
    /// The settings file is larger than settings are.
    #[error("the settings file {} has more than {limit} bytes: is it the right file?", path.display())]
    FileTooLarge {
        /// The path as it was given.
        path: PathBuf,
        /// The limit, in bytes.
        limit: u64,
    },
    /// The settings file is no TOML.
    #[error("{}, line {line}: no TOML: {problem}", path.display())]
    Syntax {
        /// The path as it was given.
        path: PathBuf,
        /// Counted from 1.
        line: usize,
        /// What the reader says.
        problem: String,
    },
    /// A key that no setting has.
    #[error("{origin}: unknown key `{key}`{hint}")]
    UnknownKey {
        /// Where it stands.
        origin: Origin,
        /// The whole key, with its section.
        key: String,
        /// The key that was probably meant, or those that there are.
        hint: String,
    },
    /// A value that its setting cannot have.
    #[error("{origin}: `{key}` {problem}")]
    Value {
        /// Where it stands.
        origin: Origin,
        /// The whole key, with its section.
        key: String,
        /// What is wrong with the value, and what is expected.
        problem: String,
    },
    /// The program asked for a section that it did not announce: a mistake in the program.
    #[error(
        "no settings were loaded for `{section}`: its section is missing from the list of sections"
    )]
    NoSection {
        /// The section's name.
        section: String,
    },
}
