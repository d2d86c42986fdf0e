//! The gate: from a review to a verdict, a decision to record and an answer. Pure.
//!
//! What the checks and policies say of the object is `violations`'.
//! Used by the webhook, and by `airside replay` over recorded reviews.

use std::collections::BTreeMap;

use airside_detect::audit::event::{Extra, User};
use airside_k8s::admission::{Response, Review};
use airside_k8s::boarding_pass::{Comparison, Standing, standing};
use airside_k8s::{Object, Value};
use airside_terms::TermsInForce;
use airside_types::{
    Authorisation, Cluster, Decision, Operation, Payload, Place, Record, Severity, Source, Tenant,
    Timestamp, Verdict, Violation,
};

use crate::passes::{KnownPass, Passes};
use crate::violations::Violations;

/// How many drifted fields the audit log is told (the decision's record holds all), and how many policies.
const MAX_LISTED: usize = 8;
/// How many characters of each.
const MAX_NAME: usize = 256;

/// From which severity on a failed check warns or denies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Policy {
    /// Warn from this severity on; none: never.
    pub warn_from: Option<Severity>,
    /// Deny from this severity on; none: never.
    pub deny_from: Option<Severity>,
}

impl Policy {
    /// Reads the settings: a severity, or `never`.
    pub fn parse(warn_from: &str, deny_from: &str) -> anyhow::Result<Self> {
        let read = |setting: &str, text: &str| match text {
            "never" => Ok(None),
            text => text.parse().map(Some).map_err(|error| {
                anyhow::anyhow!("`admission.{setting}` is not usable: {error}, or `never`")
            }),
        };
        Ok(Self {
            warn_from: read("warn_from", warn_from)?,
            deny_from: read("deny_from", deny_from)?,
        })
    }

    fn verdict(self, violations: &[Violation]) -> Verdict {
        let worst = violations.iter().map(|violation| violation.severity).max();
        let reaches = |from: Option<Severity>| from.is_some_and(|from| worst >= Some(from));
        if reaches(self.deny_from) {
            Verdict::Deny
        } else if reaches(self.warn_from) {
            Verdict::Warn
        } else {
            Verdict::Allow
        }
    }
}

/// What is known of a review beside its content.
#[derive(Debug, Clone)]
pub struct Seen {
    /// Whose cluster it is.
    pub tenant: Tenant,
    /// The cluster.
    pub cluster: Cluster,
    /// When the review came.
    pub time: Timestamp,
    /// The file and line, for recorded reviews.
    pub origin: Option<Place>,
}

/// What the gate says.
#[derive(Debug, Clone)]
pub struct Judgement {
    /// The verdict.
    pub verdict: Verdict,
    /// The decision, to be recorded.
    pub record: Record,
    /// The answer to the API server.
    pub response: Response,
}

/// Judges a review by the terms of its tenant and the known boarding passes.
pub fn judge(
    review: &Review,
    passes: &Passes,
    policy: &Policy,
    terms: &TermsInForce,
    seen: &Seen,
) -> Judgement {
    // What goes away, and what is only connected to, is not judged as configuration.
    let changes = matches!(review.operation, Operation::Create | Operation::Update);
    let object = review
        .object
        .as_ref()
        .filter(|_| changes && review.subresource.is_none())
        .and_then(|value: &Value| Object::new(value).ok());
    let Violations { violations, not_evaluated } =
        Violations::of(review, object.as_ref(), terms, seen.time);
    let Authorised { authorisation, comparison } = object
        .as_ref()
        .map(|object| authorisation(review, object, passes, seen))
        .unwrap_or_default();
    let verdict = policy.verdict(&violations);
    let id = Decision::id(&seen.tenant, &seen.cluster, &review.uid);
    let mut response =
        answer(review, verdict, policy, &violations, &authorisation, &id.to_string());
    response.audit_annotations.extend(told(&comparison));
    if !not_evaluated.is_empty() {
        let annotation = ("policies-not-evaluated".to_owned(), listed(&not_evaluated));
        response.audit_annotations.extend([annotation]);
    }
    let user = User {
        username: review.user.username.as_str().into(),
        uid: review.user.uid.as_deref().unwrap_or_default().into(),
        groups: review.user.groups.iter().map(|group| group.as_str().into()).collect(),
        extra: Extra::of(&review.user.extra),
    };
    let decision = Decision {
        request_uid: review.uid.clone(),
        verdict,
        operation: review.operation,
        object: review.object_ref(),
        subresource: review.subresource.clone().unwrap_or_default(),
        dry_run: review.dry_run,
        links: airside_detect::audit::links_of_user(&user),
        violations,
        authorisation,
        origin: seen.origin.clone(),
    };
    let record = Record {
        tenant: seen.tenant.clone(),
        cluster: seen.cluster.clone(),
        id,
        source: Source::Admission,
        event_time: seen.time,
        ingest_time: seen.time,
        payload: Payload::Decision(decision),
    };
    Judgement { verdict, record, response }
}

/// Whether an object is authorised, and what its comparison with a pass says.
struct Authorised {
    authorisation: Authorisation,
    comparison: Comparison,
}

impl Default for Authorised {
    fn default() -> Self {
        Self { authorisation: Authorisation::Unknown, comparison: Comparison::default() }
    }
}

/// Whether the object went through the check-in: as it is, as it is but by nobody whom the gate trusts, with
/// differences, or not at all.
fn authorisation(review: &Review, object: &Object<'_>, passes: &Passes, seen: &Seen) -> Authorised {
    let mut known = passes.of(&seen.tenant, &seen.cluster, &review.object_ref());
    // The first pass that fits is told.
    known.sort_by_key(|it| it.distrust.is_some());
    match standing(known.iter().map(|it| (it, it.pass.as_ref())), object) {
        Standing::Authorised(KnownPass { id, pass, distrust }, not_compared) => {
            let (pass, place) = (*id, pass.place.clone());
            let authorisation = match distrust {
                None => Authorisation::Authorised { pass, place },
                Some(reason) => {
                    Authorisation::Untrusted { pass, place, reason: reason.to_string() }
                }
            };
            let comparison = Comparison { not_compared, ..Comparison::default() };
            Authorised { authorisation, comparison }
        }
        Standing::Drifted(KnownPass { id, pass, .. }, comparison) => {
            let fields = comparison.drifts.iter().map(|it| it.field().clone()).collect();
            let (pass, place) = (*id, pass.place.clone());
            Authorised { authorisation: Authorisation::Drifted { pass, place, fields }, comparison }
        }
        Standing::NeverCheckedIn => Authorised::default(),
    }
}

/// What the audit log is told of a comparison: the fields that have drifted, and what was not looked at.
fn told(comparison: &Comparison) -> impl Iterator<Item = (String, String)> {
    let Comparison { drifts, not_compared } = comparison;
    let drifted = (!drifts.is_empty()).then(|| ("drifted-fields", listed(drifts)));
    let not_compared =
        (!not_compared.is_nothing()).then(|| ("not-compared", not_compared.to_string()));
    let told = drifted.into_iter().chain(not_compared);
    told.map(|(name, text)| (name.to_owned(), text))
}

fn answer(
    review: &Review,
    verdict: Verdict,
    policy: &Policy,
    violations: &[Violation],
    authorisation: &Authorisation,
    decision_id: &str,
) -> Response {
    let told = |from: Option<Severity>| {
        violations
            .iter()
            .filter(move |violation| from.is_some_and(|from| violation.severity >= from))
            .map(|it| format!("{}: {} ({})", it.field, it.message, it.check))
    };
    let mut response = match verdict {
        Verdict::Deny => {
            let reasons: Vec<_> = told(policy.deny_from).collect();
            Response::deny(&review.uid, format!("denied by Airside: {}", reasons.join("; ")))
        }
        Verdict::Allow | Verdict::Warn => Response::allow(&review.uid),
    };
    response.warnings = told(policy.warn_from).collect();
    response.audit_annotations = BTreeMap::from([
        ("decision-id".to_owned(), decision_id.to_owned()),
        ("verdict".to_owned(), verdict.as_str().to_owned()),
        ("authorisation".to_owned(), authorisation.as_str().to_owned()),
    ]);
    if let Authorisation::Untrusted { reason, .. } = authorisation {
        response.audit_annotations.insert("untrusted-because".to_owned(), reason.clone());
    }
    response
}

/// The first by name, and how many more there are. Names come from the object, and may be of any length.
fn listed<T: ToString>(all: &[T]) -> String {
    let short = |it: &T| it.to_string().chars().take(MAX_NAME).collect();
    let mut names: Vec<String> = all.iter().take(MAX_LISTED).map(short).collect();
    let more = all.len().saturating_sub(MAX_LISTED);
    if more > 0 {
        names.push(format!("and {more} more"));
    }
    names.join(", ")
}

#[cfg(test)]
mod tests {
    use airside_types::FieldPath;

    use super::*;

    #[test]
    fn the_audit_log_is_told_some_drifted_fields_and_how_many_more() {
        let image = FieldPath::default().key("spec").key("containers").index(0).key("image");
        assert_eq!(listed(std::slice::from_ref(&image)), "spec.containers[0].image");
        let many = vec![FieldPath::default().key("a"); MAX_LISTED + 2];
        assert_eq!(listed(&many), "a, a, a, a, a, a, a, a, and 2 more");
        assert_eq!(listed(&["é".repeat(MAX_NAME + 1)]), "é".repeat(MAX_NAME));
    }
}
