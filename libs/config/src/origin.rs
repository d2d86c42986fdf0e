//! Where the value of a setting comes from.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;

/// The source of a value, as people can find it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// Built in.
    Default,
    /// The settings file.
    File {
        /// The file's path, as it was given.
        path: PathBuf,
        /// The line of the key, counted from 1.
        line: usize,
    },
    /// An environment variable.
    Environment {
        /// The variable's name.
        variable: String,
    },
    /// A flag of the command line.
    CommandLine,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("defaults"),
            Self::File { path, line } => write!(f, "{}, line {line}", path.display()),
            Self::Environment { variable } => write!(f, "environment variable {variable}"),
            Self::CommandLine => f.write_str("command line"),
        }
    }
}

/// The names on the way from the top to a setting: section, key, key within the key.
pub(crate) type KeyPath = Vec<String>;

/// Which origin set which key. Keys that are not here are built in.
#[derive(Debug, Clone, Default)]
pub(crate) struct Origins {
    by_path: BTreeMap<KeyPath, Origin>,
}

impl Origins {
    /// Records who set a key.
    pub(crate) fn set(&mut self, path: KeyPath, origin: Origin) {
        self.by_path.insert(path, origin);
    }

    /// Takes over all entries of a later source.
    pub(crate) fn extend(&mut self, later: Self) {
        self.by_path.extend(later.by_path);
    }

    /// Who set a key.
    pub(crate) fn of(&self, path: &[String]) -> Origin {
        self.by_path.get(path).cloned().unwrap_or(Origin::Default)
    }

    /// Where to look when something is wrong with a key: who set it, or the nearest key above it.
    pub(crate) fn place(&self, path: &[String]) -> Origin {
        let known = (1..=path.len())
            .rev()
            .filter_map(|length| path.get(..length))
            .find_map(|prefix| self.by_path.get(prefix));
        known.cloned().unwrap_or(Origin::Default)
    }
}
