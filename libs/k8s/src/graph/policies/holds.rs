//! Whether something is so, and if that is not known, what it rests on.

use std::fmt;

use super::super::Answer;

/// What an answer rests on and the input does not hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Doubt {
    /// The labels of a namespace.
    NamespaceLabels,
    /// The labels of a service account.
    AccountLabels,
    /// The addresses of pods and nodes.
    Addresses,
    /// Labels of nodes, and which node it is.
    Nodes,
    /// What names resolve to.
    Names,
    /// Where Services and groups of a cloud lead to.
    Elsewhere,
    /// The port from which the connection comes.
    SourcePort,
    /// In which order a tier is asked.
    Tier,
    /// The order of policies of the same priority.
    Order,
    /// Which of several network plug-ins runs.
    Plugin,
    /// A policy of a kind that is not read.
    Unread,
    /// More ports and blocks of addresses than are looked at.
    TooMany,
}

impl fmt::Display for Doubt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NamespaceLabels => "the labels of a namespace that the input does not hold",
            Self::AccountLabels => "the labels of a service account that the input does not hold",
            Self::Addresses => "the addresses of pods and nodes",
            Self::Nodes => "which node it is",
            Self::Names => "what names resolve to",
            Self::Elsewhere => "where Services or groups of the cloud lead to",
            Self::SourcePort => "the port that the connection comes from",
            Self::Tier => "a tier that the input does not hold",
            Self::Order => "the order of policies with the same priority",
            Self::Unread => "policies of a kind that is not read",
            Self::TooMany => "more ports and blocks of addresses than are looked at",
            Self::Plugin => {
                "which network plug-in runs: policies of Cilium and of Calico would decide differently"
            }
        })
    }
}

/// An answer with its doubt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::graph) struct Holds {
    pub(in crate::graph) answer: Answer,
    /// Given where the answer is not known.
    pub(in crate::graph) doubt: Option<Doubt>,
}

impl Holds {
    pub(in crate::graph) const YES: Self = Self { answer: Answer::Yes, doubt: None };
    pub(in crate::graph) const NO: Self = Self { answer: Answer::No, doubt: None };

    pub(in crate::graph) const fn unknown(doubt: Doubt) -> Self {
        Self { answer: Answer::Unknown, doubt: Some(doubt) }
    }

    /// An answer whose doubt can only be this one.
    pub(in crate::graph) const fn or_doubt(answer: Answer, doubt: Doubt) -> Self {
        match answer {
            Answer::Yes => Self::YES,
            Answer::No => Self::NO,
            Answer::Unknown => Self::unknown(doubt),
        }
    }

    /// Yes only where both are; no where one is.
    pub(in crate::graph) fn and(self, other: Self) -> Self {
        if other.answer < self.answer { other } else { self }
    }

    /// Yes where one is; no only where both are.
    pub(in crate::graph) fn or(self, other: Self) -> Self {
        if other.answer > self.answer { other } else { self }
    }

    pub(in crate::graph) const fn not(self) -> Self {
        match self.answer {
            Answer::Yes => Self::NO,
            Answer::No => Self::YES,
            Answer::Unknown => self,
        }
    }
}

impl From<bool> for Holds {
    fn from(is_so: bool) -> Self {
        if is_so { Self::YES } else { Self::NO }
    }
}
