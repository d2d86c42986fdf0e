//! A statement read back by whoever has nothing but it: what it says of its object.
//!
//! Whether somebody trusted signed it is `airside-auth`'s, and comes first.

use airside_types::{FieldDigest, FieldPath, Id, ObjectRef, PassVerdict, Place, Revision};
use serde::Deserialize;

use super::{DIGEST, PREDICATE, PREDICATES, STATEMENT};
use crate::boarding_pass::digest_of_kind;
use crate::value::Value;

/// What a statement about a boarding pass says.
#[derive(Debug, Clone, PartialEq)]
pub struct Claims {
    /// The object.
    pub object: ObjectRef,
    /// The digest of its normalised content.
    pub digest: Id,
    /// The cluster that it is meant for.
    pub cluster: String,
    /// Where it stood, to the line.
    pub place: Place,
    /// Whether it passed.
    pub verdict: PassVerdict,
    /// The fingerprints of its open findings.
    pub findings: Vec<Id>,
    /// Its accepted findings, as [`super::accepted`] writes them.
    pub accepted: Vec<Value>,
    /// Where it comes from, as [`super::origin`] writes it; null where that is not known.
    pub origin: Value,
    /// The commit among that.
    pub revision: Option<Revision>,
    /// The digest of each field; none where the statement does not hold them.
    pub fields: Option<Vec<FieldDigest>>,
}

/// A payload is no statement about a boarding pass.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotAPass {
    /// It is no statement at all.
    #[error("what was signed is no in-toto statement ({reason})")]
    NoStatement {
        /// Why not.
        reason: String,
    },
    /// It is about something else.
    #[error("what was signed is no boarding pass: its predicate type is `{found}`")]
    OtherPredicate {
        /// The predicate type.
        found: String,
    },
    /// It is of a later version.
    #[error(
        "what was signed is a boarding pass of another version (`{found}`; this Airside reads `{PREDICATE}`): \
         verify it with the Airside that signed it, or a later one"
    )]
    OtherVersion {
        /// The predicate type.
        found: String,
    },
    /// It lacks something, or holds what has no meaning.
    #[error("what was signed is a boarding pass that cannot be read: {reason}")]
    Malformed {
        /// What is wrong.
        reason: String,
    },
    /// It contradicts itself.
    #[error(
        "what was signed contradicts itself: its subject is not the object that its predicate describes"
    )]
    Contradiction,
}

/// Reads a statement.
///
/// # Errors
/// It is none about a boarding pass, or contradicts itself.
pub fn claims(signed: &[u8]) -> Result<Claims, NotAPass> {
    let statement: Statement = serde_json::from_slice(signed)
        .map_err(|error| NotAPass::NoStatement { reason: error.to_string() })?;
    if statement.kind != STATEMENT {
        let reason = format!("its type is `{}`", short(&statement.kind));
        return Err(NotAPass::NoStatement { reason });
    }
    let found = &statement.predicate_type;
    if found != PREDICATE {
        let is_ours = found.starts_with(PREDICATES);
        let found = short(found);
        return Err(if is_ours {
            NotAPass::OtherVersion { found }
        } else {
            NotAPass::OtherPredicate { found }
        });
    }
    let malformed = |reason: String| NotAPass::Malformed { reason };
    let predicate: Predicate = serde_json::from_value(statement.predicate)
        .map_err(|error| malformed(error.to_string()))?;
    let claims = predicate.claims(&statement.subject).map_err(malformed)?;
    let [subject] = statement.subject.as_slice() else { return Err(NotAPass::Contradiction) };
    let fields = claims.fields.as_deref();
    let is_of_fields =
        |fields| digest_of_kind(&claims.object.group, &claims.object.kind, fields) == claims.digest;
    if subject.name != claims.object.to_string() || !fields.is_none_or(is_of_fields) {
        return Err(NotAPass::Contradiction);
    }
    Ok(claims)
}

/// A text of others, as far as a message shows it.
fn short(text: &str) -> String {
    text.chars().filter(|letter| !letter.is_control()).take(100).collect()
}

#[derive(Deserialize)]
struct Statement {
    #[serde(rename = "_type")]
    kind: String,
    subject: Vec<Subject>,
    #[serde(rename = "predicateType")]
    predicate_type: String,
    predicate: serde_json::Value,
}

#[derive(Deserialize)]
struct Subject {
    name: String,
    digest: serde_json::Map<String, serde_json::Value>,
}

#[derive(Deserialize)]
struct Predicate {
    cluster: String,
    object: SignedObject,
    location: Location,
    verdict: String,
    findings: Vec<String>,
    // What older signers did not say.
    #[serde(default)]
    accepted: Vec<serde_json::Value>,
    #[serde(default)]
    origin: serde_json::Value,
    fields: Option<Vec<Field>>,
}

#[derive(Deserialize)]
struct SignedObject {
    group: String,
    kind: String,
    namespace: Option<String>,
    name: String,
}

#[derive(Deserialize)]
struct Location {
    path: String,
    line: u32,
}

#[derive(Deserialize)]
struct Field {
    field: String,
    digest: String,
}

#[derive(Deserialize)]
struct SignedRevision {
    repository: Option<String>,
    commit: String,
    path: String,
    dirty: bool,
}

impl Predicate {
    /// The claims, or what is wrong with them.
    fn claims(self, subjects: &[Subject]) -> Result<Claims, String> {
        let SignedObject { group, kind, namespace, name } = &self.object;
        let digest = subjects
            .first()
            .and_then(|it| it.digest.get(DIGEST)?.as_str()?.parse().ok())
            .ok_or_else(|| format!("its subject has no digest `{DIGEST}`"))?;
        let id = |text: &String| text.parse::<Id>().map_err(|error| error.to_string());
        let fields = self.fields.map(|fields| fields.iter().map(Field::read).collect());
        Ok(Claims {
            object: ObjectRef::named(group, kind, namespace.as_deref(), name),
            digest,
            cluster: self.cluster,
            place: Place { path: self.location.path.into(), line: self.location.line, column: 0 },
            verdict: self.verdict.parse().map_err(|error| format!("{error}"))?,
            findings: self.findings.iter().map(id).collect::<Result<_, _>>()?,
            accepted: self.accepted.into_iter().map(Value::from).collect(),
            revision: revision(&self.origin)?,
            origin: self.origin.into(),
            fields: fields.transpose()?,
        })
    }
}

impl Field {
    fn read(&self) -> Result<FieldDigest, String> {
        let field = FieldPath::parse(&self.field);
        let digest = u64::from_str_radix(&self.digest, 16).ok();
        field
            .zip(digest)
            .map(|(field, digest)| FieldDigest { field, digest })
            .ok_or_else(|| format!("the digest of the field `{}` is none", short(&self.field)))
    }
}

fn revision(origin: &serde_json::Value) -> Result<Option<Revision>, String> {
    let revision = origin.get("revision").cloned().unwrap_or_default();
    let revision: Option<SignedRevision> =
        serde_json::from_value(revision).map_err(|error| format!("its commit: {error}"))?;
    Ok(revision.map(|it| Revision {
        repository: it.repository,
        commit: it.commit,
        path: it.path,
        is_dirty: it.dirty,
    }))
}
