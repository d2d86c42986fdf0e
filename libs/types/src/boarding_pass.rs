//! Boarding passes: the proof that a configuration went through the check-in.
//!
//! A pass leads a live object back to the manifest line that it came from, and tells an authorised
//! configuration from a drifted one. It holds digests of the scanned values, never the values.

use crate::detection::UnknownName;
use crate::entity::ObjectRef;
use crate::field_path::FieldPath;
use crate::id::Id;
use crate::origin::{Origin, Rendering};
use crate::place::Place;
use crate::severity::Severity;
use crate::tenancy::{Cluster, Tenant};
use crate::time::Timestamp;

/// Whether the object passed its checks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PassVerdict {
    /// No check failed but those that are mere advice (severity info).
    Clean,
    /// Checks failed below the failing severity.
    Flagged,
    /// A check of the failing severity failed.
    Failed,
}

impl PassVerdict {
    /// All verdicts.
    pub const ALL: [Self; 3] = [Self::Clean, Self::Flagged, Self::Failed];

    /// The verdict's name, as on the wire and in outputs.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Clean => "clean",
            Self::Flagged => "flagged",
            Self::Failed => "failed",
        }
    }
}

impl std::str::FromStr for PassVerdict {
    type Err = UnknownName;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|verdict| verdict.as_str() == text)
            .ok_or_else(|| UnknownName::new("verdict of a boarding pass", text))
    }
}

/// The digest of one scanned value.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FieldDigest {
    /// The field.
    pub field: FieldPath,
    /// The first 64 bits of the BLAKE3 hash of its normalised value.
    pub digest: u64,
}

/// The rules by which a pass was given: every check of the catalogue passed, except those whose findings the
/// pass names as open or as accepted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rules {
    /// The version of the catalogue.
    pub version: String,
    /// The digest of the catalogue's checks.
    pub digest: Id,
    /// From which severity on a failed check failed the object.
    pub failing: Severity,
    /// The day or month of the vulnerability data: what was published later is not in it.
    pub vulnerability_data: Option<String>,
}

/// What was known when something was judged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Knowledge {
    /// The version of the catalogue.
    pub version: String,
    /// The digest of the catalogue's checks.
    pub catalogue: Id,
    /// The day or month of the vulnerability data: what was published later is not in it.
    pub vulnerability_data: Option<String>,
}

impl From<&Rules> for Knowledge {
    fn from(rules: &Rules) -> Self {
        Self {
            version: rules.version.clone(),
            catalogue: rules.digest,
            vulnerability_data: rules.vulnerability_data.clone(),
        }
    }
}

impl Knowledge {
    /// Whether somebody with this knowledge knows something that was not known: other checks, or later data. Days and
    /// months compare as texts do.
    pub fn adds_to(&self, known: &Self) -> bool {
        self.catalogue != known.catalogue || self.vulnerability_data > known.vulnerability_data
    }
}

/// A failure of an object that somebody has accepted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AcceptedFinding {
    /// The finding's fingerprint.
    pub finding: Id,
    /// Its check.
    pub check: String,
    /// Why it is accepted.
    pub reason: String,
    /// From when on it no longer is.
    pub until: Option<Timestamp>,
}

/// A statement about a pass, and who signed it: the payload of a DSSE envelope with its one signature.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attestation {
    /// The in-toto statement, byte for byte as it was signed.
    pub statement: Vec<u8>,
    /// Which key signed: the SHA-256 hash of the public key's SubjectPublicKeyInfo, in hexadecimal.
    pub key: String,
    /// The signature over the statement's pre-authentication encoding.
    pub signature: Vec<u8>,
}

/// The proof that an object, as scanned, went through the check-in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BoardingPass {
    /// The object, by name.
    pub object: ObjectRef,
    /// The digest of its whole normalised content.
    pub digest: Id,
    /// Where it came from.
    pub place: Place,
    /// The template that rendered it, from Helm's `# Source:` comment, where there is one.
    pub template: Option<String>,
    /// Whether it passed.
    pub verdict: PassVerdict,
    /// The fingerprints of its open findings.
    pub findings: Vec<Id>,
    /// The digest of each scanned leaf value, in the order of the fields.
    pub fields: Vec<FieldDigest>,
    /// The repository, commit, chart or kustomization that it comes from, as far as they are known.
    pub origin: Option<Box<Origin>>,
    /// The rules by which it was judged.
    pub rules: Option<Rules>,
    /// Its failures that somebody has accepted.
    pub accepted: Vec<AcceptedFinding>,
    /// Who vouches for it.
    pub attestation: Option<Attestation>,
}

impl BoardingPass {
    /// The pass's id: the same content of the same object from the same file has the same pass.
    pub fn id(&self, tenant: &Tenant, cluster: &Cluster) -> Id {
        Id::builder("boarding-pass")
            .text(tenant.as_str())
            .text(cluster.as_str())
            .id(crate::entity::Entity::Object(self.object.without_uid()).key().id())
            .text(&self.place.path)
            .id(self.digest)
            .finish()
    }

    /// A digest of what a pass says beside its object's content. A pass that was issued is issued again when
    /// this changes. The commit is not part of it: a configuration that stays as it is keeps the commit that
    /// brought it, and a commit elsewhere makes no new passes.
    pub fn terms(&self) -> Id {
        let mut terms = Id::builder("boarding-pass-terms")
            .text(&self.place.to_string())
            .optional(self.template.as_deref())
            .text(self.verdict.as_str());
        for finding in &self.findings {
            terms = terms.id(*finding);
        }
        for it in &self.accepted {
            let until = it.until.map_or(-1, Timestamp::as_nanos);
            terms = terms.id(it.finding).text(&it.check).text(&it.reason).number(until);
        }
        if let Some(rules) = &self.rules {
            terms = terms.text(&rules.version).id(rules.digest).text(rules.failing.as_str());
            terms = terms.optional(rules.vulnerability_data.as_deref());
        }
        if let Some(origin) = &self.origin {
            let revision = origin.revision.as_ref();
            let dirty = revision.map_or(-1, |it| i64::from(it.is_dirty));
            terms = terms
                .optional(revision.and_then(|it| it.repository.as_deref()))
                .optional(revision.map(|it| it.path.as_str()))
                .number(dirty);
            terms = match &origin.rendering {
                None => terms,
                Some(Rendering::Chart(chart)) => terms
                    .text(&chart.name)
                    .text(&chart.version)
                    .text(&chart.template)
                    .number(chart.line.map_or(-1, i64::from))
                    .text(&chart.values.join("\0")),
                Some(Rendering::Kustomization(from)) => terms
                    .text(&from.folder)
                    .optional(from.file.as_deref())
                    .number(from.line.map_or(-1, i64::from))
                    .optional(from.repository.as_deref())
                    .optional(from.reference.as_deref()),
            };
        }
        terms.optional(self.attestation.as_ref().map(|it| it.key.as_str())).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::origin::{ChartRendering, Revision};

    fn pass() -> BoardingPass {
        BoardingPass {
            object: ObjectRef::named("", "Pod", None, "web"),
            digest: Id::default(),
            place: Place::default(),
            template: None,
            verdict: PassVerdict::Clean,
            findings: Vec::new(),
            fields: Vec::new(),
            origin: Some(Box::new(Origin {
                revision: Some(Revision { commit: "1".to_owned(), ..Revision::default() }),
                rendering: Some(Rendering::Chart(ChartRendering::default())),
            })),
            rules: None,
            accepted: Vec::new(),
            attestation: None,
        }
    }

    fn revision(pass: &mut BoardingPass) -> &mut Revision {
        pass.origin.as_mut().unwrap().revision.as_mut().unwrap()
    }

    #[test]
    fn a_pass_is_issued_again_when_it_says_something_else_but_not_for_each_commit() {
        type Change = fn(&mut BoardingPass);
        let changes: [(&str, Change, bool); 9] = [
            ("nothing", |_| {}, false),
            ("the commit", |pass| revision(pass).commit = "2".to_owned(), false),
            ("whether it differs", |pass| revision(pass).is_dirty = true, true),
            ("the repository", |pass| revision(pass).repository = Some("r".to_owned()), true),
            ("the verdict", |pass| pass.verdict = PassVerdict::Failed, true),
            ("the line", |pass| pass.place.line = 7, true),
            ("the origin", |pass| pass.origin = None, true),
            (
                "the rules",
                |pass| {
                    pass.rules = Some(Rules {
                        version: "2".to_owned(),
                        digest: Id::default(),
                        failing: Severity::High,
                        vulnerability_data: None,
                    });
                },
                true,
            ),
            (
                "who signed",
                |pass| {
                    pass.attestation = Some(Attestation {
                        statement: Vec::new(),
                        key: "key".to_owned(),
                        signature: Vec::new(),
                    });
                },
                true,
            ),
        ];
        for (case, change, differs) in changes {
            let mut changed = pass();
            change(&mut changed);
            assert_eq!(changed.terms() != pass().terms(), differs, "{case}");
            let (tenant, cluster) = (Tenant::default(), Cluster::default());
            assert_eq!(changed.id(&tenant, &cluster), pass().id(&tenant, &cluster), "{case}");
        }
    }
}
