//! Boarding passes on the wire.
//!
//! The fields of a pass are never cut: a pass with fewer fields would authorise more than was scanned.
//! What is beyond the bounds is refused where records are encoded ([`crate::record`]).

use airside_types::{BoardingPass, FieldDigest};

use crate::closed_list::ClosedList;
use crate::invalid::{InvalidField, Problem};
use crate::limits::{MAX_PASS_FIELDS, MAX_PASS_FINDINGS};
use crate::{bounded, field, v1};

impl From<&FieldDigest> for v1::FieldDigest {
    fn from(digest: &FieldDigest) -> Self {
        Self { field: bounded::field_path(&digest.field), digest: digest.digest }
    }
}

impl TryFrom<v1::FieldDigest> for FieldDigest {
    type Error = InvalidField;

    fn try_from(digest: v1::FieldDigest) -> Result<Self, Self::Error> {
        Ok(Self { field: field::field_path("field", digest.field)?, digest: digest.digest })
    }
}

impl From<&BoardingPass> for v1::BoardingPass {
    fn from(pass: &BoardingPass) -> Self {
        Self {
            object: Some((&pass.object).into()),
            digest: bounded::id(pass.digest),
            place: Some((&pass.place).into()),
            template: pass.template.as_deref().map(bounded::file_path),
            verdict: pass.verdict.to_wire(),
            finding_ids: pass.findings.iter().copied().map(bounded::id).collect(),
            fields: pass.fields.iter().map(Into::into).collect(),
        }
    }
}

impl TryFrom<v1::BoardingPass> for BoardingPass {
    type Error = InvalidField;

    fn try_from(pass: v1::BoardingPass) -> Result<Self, Self::Error> {
        Ok(Self {
            object: field::required("object", pass.object)?,
            digest: field::id("digest", &pass.digest)?,
            place: field::required("place", pass.place)?,
            template: pass.template.map(|path| field::file_path("template", path)).transpose()?,
            verdict: field::listed("verdict", pass.verdict)?,
            findings: field::ids("finding_ids", pass.finding_ids, MAX_PASS_FINDINGS)?,
            fields: field::list("fields", pass.fields, MAX_PASS_FIELDS)?,
        })
    }
}

/// Whether the wire can carry the pass whole.
pub(crate) fn fits(pass: &BoardingPass) -> Result<(), InvalidField> {
    let lists = [
        ("finding_ids", pass.findings.len(), MAX_PASS_FINDINGS),
        ("fields", pass.fields.len(), MAX_PASS_FIELDS),
    ];
    match lists.into_iter().find(|(_, entries, most)| entries > most) {
        Some((name, entries, most)) => {
            Err(InvalidField::new(name, Problem::TooMany { entries, most }))
        }
        None => Ok(()),
    }
}
