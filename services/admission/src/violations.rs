//! What the terms of a tenant say against a review: checks of the catalogue, and people's own policies. Pure.
//!
//! Only the exceptions that the settings name are granted here: one in an annotation would let an object open the
//! gate for itself.

use std::sync::Arc;

use airside_checks::check_in::accepted_by;
use airside_checks::evaluate::evaluate_with;
use airside_k8s::admission::Review;
use airside_k8s::graph::PodNode;
use airside_k8s::{Completeness, Graph, Object, Value, json};
use airside_policy::{Operation as Asked, Request, Resource};
use airside_terms::TermsInForce;
use airside_types::{Finding, FindingState, ObjectRef, Operation, Place, Timestamp, Violation};

/// What speaks against a review.
#[derive(Debug, Default)]
pub(crate) struct Violations {
    /// The most severe first.
    pub(crate) violations: Vec<Violation>,
    /// Policies that could not be evaluated, each with the reason.
    pub(crate) not_evaluated: Vec<String>,
}

impl Violations {
    /// What checks say of the object, where it is judged as configuration, and policies of the request.
    pub(crate) fn of(
        review: &Review,
        object: Option<&Object<'_>>,
        terms: &TermsInForce,
        today: Timestamp,
    ) -> Self {
        let objects: Vec<Object<'_>> = object.into_iter().copied().collect();
        let graph = Graph::new(&objects, Completeness::SingleObject);
        let mut violations = of_checks(&graph, terms);
        let mut not_evaluated = Vec::new();
        if let Some(policies) = &terms.policies {
            let user = user(review);
            let judged = policies.judge_request(&request(review, &user));
            violations.extend(judged.failures.into_iter().map(|failure| Violation {
                check: format!("policy/{}", failure.name),
                severity: failure.severity,
                field: failure.field,
                message: failure.message,
            }));
            let told = judged.not_evaluated.into_iter();
            not_evaluated.extend(told.map(|(policy, reason)| format!("{policy}: {reason}")));
        }
        if !terms.exceptions.is_empty() {
            let (about, pods) = (Arc::new(review.object_ref()), graph.pods_of(0));
            violations.retain(|violation| !is_accepted(violation, &about, pods, terms, today));
        }
        violations.sort_by(|left, right| {
            right.severity.cmp(&left.severity).then_with(|| left.field.cmp(&right.field))
        });
        Self { violations, not_evaluated }
    }
}

fn of_checks(graph: &Graph<'_>, terms: &TermsInForce) -> Vec<Violation> {
    let failures = evaluate_with(graph, &terms.data.components).failures.into_iter();
    let counting = failures.filter(|failure| terms.selection.takes(failure.check));
    counting
        .map(|failure| Violation {
            check: failure.check.id.to_owned(),
            severity: terms.selection.severity(failure.check).unwrap_or(failure.check.severity),
            field: failure.field,
            message: failure.message,
        })
        .collect()
}

/// Whether an exception accepts a violation. One that is limited to a file accepts nothing here: a review tells no
/// file.
fn is_accepted(
    violation: &Violation,
    object: &Arc<ObjectRef>,
    pods: &[PodNode<'_>],
    terms: &TermsInForce,
    today: Timestamp,
) -> bool {
    let finding = Finding {
        check: violation.check.clone().into(),
        severity: violation.severity,
        state: FindingState::Open,
        object: Arc::clone(object),
        field: violation.field.clone(),
        message: String::new(),
        fix: "".into(),
        place: Place::default(),
        techniques: Vec::new(),
        origin: None,
        owner: None,
        named_field: None,
    };
    accepted_by(&terms.exceptions, &finding, pods, today).is_some()
}

/// Who asks, as policies see it.
fn user(review: &Review) -> Value {
    let user = &review.user;
    json!({
        "username": user.username, "uid": user.uid.as_deref().unwrap_or_default(),
        "groups": user.groups, "extra": user.extra,
    })
}

/// The request as policies see it.
fn request<'a>(review: &'a Review, user: &'a Value) -> Request<'a> {
    let resource = Resource {
        group: review.resource.group.clone(),
        version: review.resource.version.clone(),
        kind: review.kind.kind.clone(),
        resource: review.resource.resource.clone(),
        subresource: review.subresource.clone().unwrap_or_default(),
    };
    Request {
        object: review.object.as_ref(),
        old_object: review.old_object.as_ref(),
        resource,
        name: review.name.clone().unwrap_or_default(),
        namespace: review.namespace.clone(),
        operation: match review.operation {
            Operation::Create => Asked::Create,
            Operation::Update => Asked::Update,
            Operation::Delete => Asked::Delete,
            Operation::Connect => Asked::Connect,
        },
        user: Some(user),
        is_dry_run: review.dry_run,
        options: None,
    }
}
