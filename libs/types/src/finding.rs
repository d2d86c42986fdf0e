//! Findings: long-lived state found by looking at configuration.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use crate::attack::Technique;
use crate::detection::UnknownName;
use crate::entity::ObjectRef;
use crate::field_path::FieldPath;
use crate::id::Id;
use crate::origin::SourceLine;
use crate::place::Place;
use crate::severity::Severity;
use crate::tenancy::{Cluster, Tenant};

/// Whether a finding still stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum FindingState {
    /// The check fails.
    #[default]
    Open,
    /// The object is still there and the check passes now.
    Fixed,
    /// The object is no longer there.
    Gone,
}

impl FindingState {
    /// All states.
    pub const ALL: [Self; 3] = [Self::Open, Self::Fixed, Self::Gone];

    /// The state's name, as on the wire and in outputs.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Fixed => "fixed",
            Self::Gone => "gone",
        }
    }
}

impl fmt::Display for FindingState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for FindingState {
    type Err = UnknownName;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|state| state.as_str() == text)
            .ok_or_else(|| UnknownName::new("state of a finding", text))
    }
}

/// A check that failed at this field of this object, in this file and line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// The check's id.
    pub check: Cow<'static, str>,
    /// How bad it is.
    pub severity: Severity,
    /// Open, fixed or gone.
    pub state: FindingState,
    /// The object, by name; its findings share it.
    pub object: Arc<ObjectRef>,
    /// The field; the deepest existing one is where the place points to.
    pub field: FieldPath,
    /// The field with the elements of its lists by name, as `spec.containers[name=web].image`, where they have
    /// names: a fingerprint stays when an element moves.
    pub named_field: Option<Box<str>>,
    /// What is wrong, in one sentence that names the value.
    pub message: String,
    /// What to change.
    pub fix: Cow<'static, str>,
    /// Where it stands.
    pub place: Place,
    /// ATT&CK techniques that the weakness enables.
    pub techniques: Vec<Technique>,
    /// Where that line was rendered from, where it was rendered and that is certain.
    pub origin: Option<Box<SourceLine>>,
    /// The team that owns the object or its file; several names stand beside each other with blanks.
    pub owner: Option<String>,
}

impl Finding {
    /// Where people can change it: the line that was rendered, where it is known, else where it stands.
    pub fn source_place(&self) -> &Place {
        self.origin.as_ref().map_or(&self.place, |origin| &origin.place)
    }

    /// The fingerprint: stable while the check, the file, the object and the field are the same, whatever line
    /// they move to.
    pub fn id(&self, tenant: &Tenant, cluster: &Cluster) -> Id {
        Id::builder("finding")
            .text(tenant.as_str())
            .text(cluster.as_str())
            .text(&self.check)
            .text(&self.place.path)
            .text(&self.object.group)
            .text(&self.object.kind)
            .optional(self.object.namespace.as_deref())
            .text(&self.object.name)
            .text(self.named_field.as_deref().unwrap_or_else(|| self.field.as_str()))
            .finish()
    }
}
