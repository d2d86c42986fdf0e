//! What a boarding pass says, as an in-toto statement that can be signed, and whether a statement vouches for a
//! pass.
//!
//! The form: in-toto/attestation, spec/v1/statement.md. The subject is the object with the digest of its
//! normalised content; the predicate is the rest of the pass.

mod claims;

use airside_types::{
    AcceptedFinding, BoardingPass, Cluster, FieldDigest, Origin, Rendering, Rules,
};

pub use claims::{Claims, NotAPass, claims};

use super::digest_of_kind;
use crate::json;
use crate::value::Value;

/// The type of a statement.
const STATEMENT: &str = "https://in-toto.io/Statement/v1";
/// The type of the predicate. A later version may say more; what this one says stays.
const PREDICATE: &str = "https://airside.dev/boarding-pass/v1";
/// What the types of all versions begin with.
const PREDICATES: &str = "https://airside.dev/boarding-pass/";
/// The name of the digest of an object's normalised content.
const DIGEST: &str = "airsideNormalisedObject";

/// A statement does not vouch for a pass.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotVouched {
    /// It cannot be read.
    #[error("what was signed is no statement about a boarding pass")]
    NoStatement,
    /// The digests of the pass's fields are not those of its content.
    #[error("the digests of its fields are not those of the content that it names")]
    Fields,
    /// It says something else than the pass.
    #[error("what was signed has another `{claim}`")]
    Other {
        /// What differs.
        claim: String,
    },
}

/// The statement about a pass for a cluster.
pub fn statement(pass: &BoardingPass, cluster: &Cluster) -> Vec<u8> {
    written(pass, &predicate(pass, cluster))
}

/// The same with the digest of each field: for those who have the statement without the pass, and want to know
/// what has changed since. Of a pass that has no fields at hand it is the same.
pub fn statement_with_fields(pass: &BoardingPass, cluster: &Cluster) -> Vec<u8> {
    let mut predicate = predicate(pass, cluster);
    let field = |it: &FieldDigest| json!({ "field": it.field.as_str(), "digest": format!("{:016x}", it.digest) });
    if let Some(predicate) = predicate.as_object_mut().filter(|_| !pass.fields.is_empty()) {
        predicate.insert("fields", pass.fields.iter().map(field).collect());
    }
    written(pass, &predicate)
}

fn written(pass: &BoardingPass, predicate: &Value) -> Vec<u8> {
    let statement = json!({
        "_type": STATEMENT, "subject": [subject(pass)], "predicateType": PREDICATE,
        "predicate": predicate,
    });
    statement.to_string().into_bytes()
}

/// Whether a statement, which somebody trusted has signed, says all that a pass says.
///
/// # Errors
/// What the statement says otherwise.
pub fn vouches(signed: &[u8], pass: &BoardingPass, cluster: &Cluster) -> Result<(), NotVouched> {
    let signed: Value = serde_json::from_slice(signed).map_err(|_| NotVouched::NoStatement)?;
    let is = |key: &str, text: &str| signed.get(key).and_then(Value::as_str) == Some(text);
    if !is("_type", STATEMENT) || !is("predicateType", PREDICATE) {
        return Err(NotVouched::NoStatement);
    }
    let object = &pass.object;
    if digest_of_kind(&object.group, &object.kind, &pass.fields) != pass.digest {
        return Err(NotVouched::Fields);
    }
    if signed.pointer("/subject/0/digest") != subject(pass).get("digest") {
        return Err(NotVouched::Other { claim: "digest".to_owned() });
    }
    let predicate = predicate(pass, cluster);
    for (claim, said) in predicate.as_object().into_iter().flatten() {
        let is_empty = said.is_null() || said.as_array().is_some_and(<[_]>::is_empty);
        // An older signer said less; that is no contradiction where the pass says nothing either.
        let is_vouched = match signed.pointer(&format!("/predicate/{claim}")) {
            Some(signed) => signed == said,
            None => is_empty,
        };
        if !is_vouched {
            return Err(NotVouched::Other { claim: claim.to_owned() });
        }
    }
    Ok(())
}

fn subject(pass: &BoardingPass) -> Value {
    json!({ "name": pass.object.to_string(), "digest": { DIGEST: pass.digest.to_string() } })
}

fn predicate(pass: &BoardingPass, cluster: &Cluster) -> Value {
    let object = &pass.object;
    json!({
        "cluster": cluster.as_str(),
        "object": {
            "group": object.group, "kind": object.kind, "namespace": object.namespace,
            "name": object.name,
        },
        "location": { "path": pass.place.path, "line": pass.place.line },
        "template": pass.template, "verdict": pass.verdict.as_str(),
        "findings": pass.findings.iter().map(ToString::to_string).collect::<Vec<_>>(),
        "origin": pass.origin.as_deref().map(origin), "rules": pass.rules.as_ref().map(rules),
        "accepted": pass.accepted.iter().map(accepted).collect::<Vec<_>>(),
    })
}

/// Repository, commit, and what was rendered.
pub fn origin(origin: &Origin) -> Value {
    let revision = origin.revision.as_ref().map(|it| {
        json!({
            "repository": it.repository, "commit": it.commit, "path": it.path, "dirty": it.is_dirty,
        })
    });
    let rendering = origin.rendering.as_ref().map(|rendering| match rendering {
        Rendering::Chart(chart) => json!({
            "chart": chart.name, "version": chart.version, "template": chart.template,
            "line": chart.line, "values": chart.values,
        }),
        Rendering::Kustomization(from) => json!({
            "kustomization": from.folder, "file": from.file, "line": from.line,
            "repository": from.repository, "reference": from.reference,
        }),
    });
    json!({ "revision": revision, "rendering": rendering })
}

/// The catalogue that judged.
pub fn rules(rules: &Rules) -> Value {
    let mut value = json!({
        "version": rules.version, "digest": rules.digest.to_string(),
        "failing": rules.failing.as_str(),
    });
    // Absent where it is not known, as in what older signers have signed.
    if let (Some(fields), Some(data)) = (value.as_object_mut(), &rules.vulnerability_data) {
        fields.insert("vulnerabilityData".to_owned(), json!(data));
    }
    value
}

/// A failure that is accepted.
pub fn accepted(accepted: &AcceptedFinding) -> Value {
    json!({
        "fingerprint": accepted.finding.to_string(), "check": accepted.check,
        "reason": accepted.reason, "until": accepted.until.map(|until| until.to_string()),
    })
}

#[cfg(test)]
mod tests;
