//! Boarding passes on the wire.
//!
//! The fields of a pass are never cut: a pass with fewer fields would authorise more than was scanned.
//! What is beyond the bounds is refused where records are encoded ([`crate::record`]).

use airside_types::{
    AcceptedFinding, Attestation, BoardingPass, FieldDigest, Knowledge, Rules, Timestamp,
};
use bytes::Bytes;

use crate::closed_list::ClosedList;
use crate::invalid::{InvalidField, Problem};
use crate::limits::{
    MAX_PASS_ACCEPTED, MAX_PASS_FIELDS, MAX_PASS_FINDINGS, MAX_SIGNATURE_BYTES, MAX_STATEMENT_BYTES,
};
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

impl From<&Rules> for v1::Rules {
    fn from(rules: &Rules) -> Self {
        Self {
            version: bounded::identity(&rules.version),
            digest: bounded::id(rules.digest),
            failing: rules.failing.to_wire(),
            vulnerability_data: bounded::identity(
                rules.vulnerability_data.as_deref().unwrap_or_default(),
            ),
        }
    }
}

impl TryFrom<v1::Rules> for Rules {
    type Error = InvalidField;

    fn try_from(rules: v1::Rules) -> Result<Self, Self::Error> {
        Ok(Self {
            version: field::identity("version", rules.version)?,
            digest: field::id("digest", &rules.digest)?,
            failing: field::listed("failing", rules.failing)?,
            vulnerability_data: vulnerability_data(rules.vulnerability_data)?,
        })
    }
}

impl From<&Knowledge> for v1::Knowledge {
    fn from(knowledge: &Knowledge) -> Self {
        let data = knowledge.vulnerability_data.as_deref();
        Self {
            version: bounded::identity(&knowledge.version),
            catalogue: bounded::id(knowledge.catalogue),
            vulnerability_data: bounded::identity(data.unwrap_or_default()),
        }
    }
}

impl TryFrom<v1::Knowledge> for Knowledge {
    type Error = InvalidField;

    fn try_from(knowledge: v1::Knowledge) -> Result<Self, Self::Error> {
        Ok(Self {
            version: field::identity("version", knowledge.version)?,
            catalogue: field::id("catalogue", &knowledge.catalogue)?,
            vulnerability_data: vulnerability_data(knowledge.vulnerability_data)?,
        })
    }
}

/// Empty means that it is not known.
fn vulnerability_data(text: String) -> Result<Option<String>, InvalidField> {
    let text = field::identity("vulnerability_data", text)?;
    Ok(Some(text).filter(|text| !text.is_empty()))
}

impl From<&AcceptedFinding> for v1::AcceptedFinding {
    fn from(accepted: &AcceptedFinding) -> Self {
        Self {
            finding_id: bounded::id(accepted.finding),
            check: bounded::identity(&accepted.check),
            reason: bounded::text(&accepted.reason),
            until_unix_nanos: accepted.until.map(Timestamp::as_nanos),
        }
    }
}

impl TryFrom<v1::AcceptedFinding> for AcceptedFinding {
    type Error = InvalidField;

    fn try_from(accepted: v1::AcceptedFinding) -> Result<Self, Self::Error> {
        Ok(Self {
            finding: field::id("finding_id", &accepted.finding_id)?,
            check: field::identity("check", accepted.check)?,
            reason: field::text("reason", accepted.reason)?,
            until: accepted.until_unix_nanos.map(Timestamp::from_nanos),
        })
    }
}

impl From<&Attestation> for v1::Attestation {
    fn from(attestation: &Attestation) -> Self {
        Self {
            statement: Bytes::copy_from_slice(&attestation.statement),
            key: bounded::identity(&attestation.key),
            signature: Bytes::copy_from_slice(&attestation.signature),
        }
    }
}

impl TryFrom<v1::Attestation> for Attestation {
    type Error = InvalidField;

    fn try_from(attestation: v1::Attestation) -> Result<Self, Self::Error> {
        let v1::Attestation { statement, key, signature } = attestation;
        short("statement", statement.len(), MAX_STATEMENT_BYTES)?;
        short("signature", signature.len(), MAX_SIGNATURE_BYTES)?;
        Ok(Self {
            statement: statement.to_vec(),
            key: field::identity("key", key)?,
            signature: signature.to_vec(),
        })
    }
}

fn short(name: &str, bytes: usize, most: usize) -> Result<(), InvalidField> {
    if bytes <= most {
        return Ok(());
    }
    Err(InvalidField::new(name, Problem::TooLong { bytes, most }))
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
            origin: pass.origin.as_deref().map(Into::into),
            rules: pass.rules.as_ref().map(Into::into),
            accepted: pass.accepted.iter().map(Into::into).collect(),
            attestation: pass.attestation.as_ref().map(Into::into),
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
            origin: field::optional("origin", pass.origin)?.map(Box::new),
            rules: field::optional("rules", pass.rules)?,
            accepted: field::list("accepted", pass.accepted, MAX_PASS_ACCEPTED)?,
            attestation: field::optional("attestation", pass.attestation)?,
        })
    }
}

/// Whether the wire can carry the pass whole.
pub(crate) fn fits(pass: &BoardingPass) -> Result<(), InvalidField> {
    let lists = [
        ("finding_ids", pass.findings.len(), MAX_PASS_FINDINGS),
        ("fields", pass.fields.len(), MAX_PASS_FIELDS),
        ("accepted", pass.accepted.len(), MAX_PASS_ACCEPTED),
    ];
    match lists.into_iter().find(|(_, entries, most)| entries > most) {
        Some((name, entries, most)) => {
            Err(InvalidField::new(name, Problem::TooMany { entries, most }))
        }
        None => match &pass.attestation {
            Some(it) => {
                short("attestation.statement", it.statement.len(), MAX_STATEMENT_BYTES)?;
                short("attestation.signature", it.signature.len(), MAX_SIGNATURE_BYTES)
            }
            None => Ok(()),
        },
    }
}
