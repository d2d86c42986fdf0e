//! The runtime sensors that Airside understands, behind one form.
//!
//! A sensor is one module that reads one record of its export, and one line of [`RuntimeSource`]; nothing
//! else knows which sensors there are.

use airside_types::{Record, Source};

use crate::intake::Intake;
use crate::rule::Rule;
use crate::{falco, tetragon};

/// A runtime sensor whose export Airside reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RuntimeSource {
    /// Falco's alerts, as its HTTP, file and standard outputs write them.
    Falco,
    /// Tetragon's JSON export: started programs.
    Tetragon,
}

/// Why a record is not what its source should have sent.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unreadable {
    /// The record is no JSON of the source's form.
    #[error("this is no record of {source_name}: {reason}; each must be one whole JSON object")]
    Malformed {
        /// Which source was expected.
        source_name: &'static str,
        /// What the parser found, and where.
        reason: String,
    },
    /// The record is well-formed and of a kind that Airside does not use yet.
    #[error("records of {source_name} of kind {kind} are not understood")]
    NotUnderstood {
        /// Which source it came from.
        source_name: &'static str,
        /// The kind, as the source calls it.
        kind: String,
    },
}

impl RuntimeSource {
    /// All sensors.
    pub const ALL: [Self; 2] = [Self::Falco, Self::Tetragon];

    /// The source that its records carry.
    pub const fn source(self) -> Source {
        match self {
            Self::Falco => Source::Falco,
            Self::Tetragon => Source::Tetragon,
        }
    }

    /// Its rules: Airside's own, or what its alerts are mapped to.
    pub fn rules(self) -> Vec<&'static Rule> {
        match self {
            Self::Falco => falco::rules().collect(),
            Self::Tetragon => tetragon::rules().collect(),
        }
    }

    /// Reads one record of its export: one line, or the body of one request.
    pub fn read(self, record: &[u8], intake: &Intake<'_>) -> Result<Vec<Record>, Unreadable> {
        match self {
            Self::Falco => falco::read(record, intake),
            Self::Tetragon => tetragon::read(record, intake),
        }
    }
}

/// The rules of all sensors.
pub(crate) fn rules() -> impl Iterator<Item = &'static Rule> {
    RuntimeSource::ALL.into_iter().flat_map(RuntimeSource::rules)
}
