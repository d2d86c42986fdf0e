//! Decisions: what admission answered, to whom, about which object.

use std::fmt;
use std::str::FromStr;

use crate::detection::{Link, UnknownName};
use crate::entity::ObjectRef;
use crate::field_path::FieldPath;
use crate::id::Id;
use crate::place::Place;
use crate::severity::Severity;
use crate::tenancy::{Cluster, Tenant};

/// What admission answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Verdict {
    /// Let through without a word.
    Allow,
    /// Let through with warnings to the client.
    Warn,
    /// Refused.
    Deny,
}

impl Verdict {
    /// All verdicts, the mildest first.
    pub const ALL: [Self; 3] = [Self::Allow, Self::Warn, Self::Deny];

    /// The verdict's name, as on the wire and in outputs.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Allow => "allow",
            Self::Warn => "warn",
            Self::Deny => "deny",
        }
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for Verdict {
    type Err = UnknownName;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|verdict| verdict.as_str() == text)
            .ok_or_else(|| UnknownName::new("verdict", text))
    }
}

/// What the request does to the object.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Operation {
    /// The object is new.
    Create,
    /// The object changes.
    Update,
    /// The object goes.
    Delete,
    /// A connection to it is opened (exec, attach, port-forward, proxy).
    Connect,
}

impl Operation {
    /// All operations.
    pub const ALL: [Self; 4] = [Self::Create, Self::Update, Self::Delete, Self::Connect];

    /// As an AdmissionReview spells it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Create => "CREATE",
            Self::Update => "UPDATE",
            Self::Delete => "DELETE",
            Self::Connect => "CONNECT",
        }
    }
}

impl FromStr for Operation {
    type Err = UnknownName;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|operation| operation.as_str() == text)
            .ok_or_else(|| UnknownName::new("admission operation", text))
    }
}

/// What the gate knows of an object's way through the check-in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Authorisation {
    /// A boarding pass fits: every field that was scanned has the value it had then.
    Authorised {
        /// The boarding pass.
        pass: Id,
        /// The manifest that it was made from.
        place: Place,
    },
    /// There is a boarding pass for the object, but fields differ from what was scanned.
    Drifted {
        /// The closest boarding pass.
        pass: Id,
        /// The manifest that it was made from.
        place: Place,
        /// The fields that differ.
        fields: Vec<FieldPath>,
    },
    /// A boarding pass fits, but no key that the gate trusts has signed one that does.
    Untrusted {
        /// The boarding pass.
        pass: Id,
        /// The manifest that it was made from.
        place: Place,
        /// Why it does not count.
        reason: String,
    },
    /// The object never went through the check-in.
    Unknown,
}

impl Authorisation {
    /// The state's name, as in outputs.
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Authorised { .. } => "authorised",
            Self::Drifted { .. } => "drifted",
            Self::Untrusted { .. } => "untrusted",
            Self::Unknown => "unknown",
        }
    }

    /// The manifest behind the object, where there is one.
    pub const fn place(&self) -> Option<&Place> {
        match self {
            Self::Authorised { place, .. }
            | Self::Drifted { place, .. }
            | Self::Untrusted { place, .. } => Some(place),
            Self::Unknown => None,
        }
    }
}

/// A check that failed at the gate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// The check's id.
    pub check: String,
    /// Its severity.
    pub severity: Severity,
    /// The field of the object.
    pub field: FieldPath,
    /// What is wrong there.
    pub message: String,
}

/// What admission answered, to whom, about which object, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision {
    /// The API server's id of the request.
    pub request_uid: String,
    /// The answer.
    pub verdict: Verdict,
    /// What the request does.
    pub operation: Operation,
    /// The object; the uid is present from validation on.
    pub object: ObjectRef,
    /// The subresource, such as `exec`; empty for the object itself.
    pub subresource: String,
    /// Whether nothing was to be persisted.
    pub dry_run: bool,
    /// Who asked, with which credential and from which pod.
    pub links: Vec<Link>,
    /// The checks that failed.
    pub violations: Vec<Violation>,
    /// What is known of the object's way through the check-in.
    pub authorisation: Authorisation,
    /// The file and line that the request was read from, where it came from a file.
    pub origin: Option<Place>,
}

impl Decision {
    /// The decision's id: H(tenant, cluster, request uid). It appears in the audit event as an
    /// annotation, which joins the two.
    pub fn id(tenant: &Tenant, cluster: &Cluster, request_uid: &str) -> Id {
        Id::builder("decision")
            .text(tenant.as_str())
            .text(cluster.as_str())
            .text(request_uid)
            .finish()
    }
}
