//! How a sled store is opened, and why it may not be.

use std::error::Error;
use std::io;
use std::path::PathBuf;

/// The settings of a sled store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SledOptions {
    /// The bytes of pages that sled keeps in memory; default 8 MiB. sled counts them generously: expect up to
    /// ten times as much resident memory under load, and next to nothing before the first use.
    pub cache_bytes: u64,
    /// What to do with a directory that sled cannot read; default [`OnDamage::Fail`].
    pub on_damage: OnDamage,
    /// What a committed batch outlives; default [`Durability::Machine`].
    pub durability: Durability,
    /// How many commits may wait for the writer before the next one has to wait for its place; default 1024.
    pub waiting_commits: usize,
}

impl Default for SledOptions {
    fn default() -> Self {
        Self {
            cache_bytes: 8 << 20,
            on_damage: OnDamage::Fail,
            durability: Durability::Machine,
            waiting_commits: 1024,
        }
    }
}

/// What to do with a directory that sled cannot read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnDamage {
    /// Do not open. Right wherever the store holds what exists nowhere else, as an embedded log or queue
    /// does: starting empty would lose what was acknowledged, and the services' offsets with it, so that
    /// nothing would even notice.
    Fail,
    /// Rename the directory, say so loudly, and start empty. Right only for a store that is a fold of a log
    /// kept elsewhere: the services find no offset and read that log from its start. Nothing is deleted.
    ///
    /// To have both on one machine, give the log and the services' state a directory each: a damaged state
    /// is then rebuilt, a damaged log stops the node, and a log that was replaced by hand shows as
    /// [`airside_ports::LogError::Rewound`].
    Quarantine,
}

/// What a committed batch outlives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Durability {
    /// The end of the process, by whatever signal; a loss of power may take the last commits.
    Process,
    /// The end of the machine as well, as far as its disk keeps what it acknowledged: one `fdatasync` for
    /// each group of commits.
    Machine,
}

/// Why a store was not opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Another process has the directory open.
    #[error(
        "the store at {path} is in use: stop the process that has it open, or name another folder"
    )]
    InUse {
        /// The directory.
        path: PathBuf,
    },
    /// The directory cannot be read as a store.
    #[error(
        "the store at {path} is damaged: restore it from a copy, or move the folder away to start empty, \
         which loses what is only there"
    )]
    Damaged {
        /// The directory.
        path: PathBuf,
        /// What sled said.
        #[source]
        source: Box<dyn Error + Send + Sync>,
    },
    /// The directory was written by another version of Airside, or by another program.
    #[error(
        "the store at {path} has schema version {}, this build reads {expected}: use the build that wrote \
         it, or name another folder",
        .found.map_or_else(|| "none".to_owned(), |version| version.to_string())
    )]
    Schema {
        /// The directory.
        path: PathBuf,
        /// The version that was found; none when the directory holds something else.
        found: Option<u32>,
        /// The version that this build reads and writes.
        expected: u32,
    },
    /// The file system refused.
    #[error("did not {action} {path}")]
    Io {
        /// What was tried.
        action: &'static str,
        /// The directory.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
}
