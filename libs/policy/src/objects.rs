//! What policies say of a set of objects, each taken as about to be created; of workloads also what they say
//! of the pods that these would start, since there the cluster would refuse them.

use std::collections::{BTreeMap, BTreeSet};

use airside_k8s::resource::Definition;
use airside_k8s::{Graph, Map, Object, Value as Json, json, workload};
use airside_types::{FieldPath, Severity};

use crate::evaluate::{Outcome, Verdict};
use crate::policy::{Action, PolicySet};
use crate::request::{Request, Resource, Surroundings};

/// What policies say of objects.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Judged {
    /// The failures, by object, policy and validation.
    pub failures: Vec<PolicyFailure>,
    /// Policies that could not be evaluated for some object, each with each reason once.
    pub not_evaluated: BTreeSet<(String, String)>,
}

/// An object that a policy does not accept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PolicyFailure {
    /// The index of the object.
    pub object: usize,
    /// The field of the object that the validation is about.
    pub field: FieldPath,
    /// The policy's name and behind a `/` the number of the validation, from 1; only the name where the policy
    /// as a whole cannot be evaluated.
    pub name: String,
    /// How bad it is.
    pub severity: Severity,
    /// What the policy says, its name before it.
    pub message: String,
    /// What has to hold.
    pub fix: String,
}

impl PolicySet {
    /// What the policies say of objects.
    pub fn judge(&self, graph: &Graph<'_>) -> Judged {
        let mut judged = Judged::default();
        for policy in &self.policies {
            if self.bindings_of(policy).next().is_none() {
                let reason = "no binding names it: it has no effect".to_owned();
                judged.not_evaluated.insert((policy.name.clone(), reason));
            }
        }
        if self.bindings.is_empty() {
            return judged;
        }
        let objects = graph.objects();
        let definitions: Vec<_> = objects.iter().filter_map(Definition::of).collect();
        let beside: Vec<_> = self.parameters.iter().filter_map(|it| Object::new(it).ok()).collect();
        let around = Surroundings::of(&[objects, &beside].concat());
        for (index, object) in objects.iter().enumerate() {
            // Policies are not asked about policies: one could lock out its own mending.
            if object.group() == crate::read::GROUP
                && object.kind().starts_with(crate::read::POLICY)
            {
                continue;
            }
            let mut of_object = OfObject { index, failures: BTreeMap::new(), judged: &mut judged };
            let request = Request::creation(object, &definitions);
            of_object.take(&self.evaluate(&request, &around), &FieldPath::root());
            let refused = of_object.policies();
            if workload::is_workload(object) && object.kind() != "Pod" {
                for pod in graph.pods_of(index) {
                    let Some(template) = pod.spec.path.parent() else { continue };
                    let value = pod_of(object, pod.spec.metadata, pod.spec.fields);
                    let request = creation_of_pod(&value, &request);
                    let mut outcomes = self.evaluate(&request, &around);
                    // A workload that a policy refuses has no pods.
                    outcomes.retain(|outcome| !refused.contains(&outcome.policy.name));
                    of_object.take(&outcomes, &template);
                }
            }
            of_object.finish();
        }
        judged
    }
}

impl PolicySet {
    /// What the policies say of one request, as the API server would ask it: what the request does and who asks
    /// is known. Objects beside the policies may be parameters; nothing else of the cluster is known.
    pub fn judge_request(&self, request: &Request<'_>) -> Judged {
        let mut judged = Judged::default();
        // As in `judge`, policies are not asked about policies.
        let resource = &request.resource;
        if resource.group == crate::read::GROUP && resource.kind.starts_with(crate::read::POLICY) {
            return judged;
        }
        let beside: Vec<_> = self.parameters.iter().filter_map(|it| Object::new(it).ok()).collect();
        let around = Surroundings::of(&beside);
        let mut of_object = OfObject { index: 0, failures: BTreeMap::new(), judged: &mut judged };
        of_object.take(&self.evaluate(request, &around), &FieldPath::root());
        of_object.finish();
        judged
    }
}

/// The pod that a workload's template makes.
fn pod_of(owner: &Object<'_>, metadata: Option<&Map>, spec: &Map) -> Json {
    let mut metadata = metadata.cloned().unwrap_or_default();
    metadata.insert("generateName".to_owned(), json!(format!("{}-", owner.name())));
    if let Some(namespace) = owner.namespace() {
        metadata.insert("namespace".to_owned(), json!(namespace));
    }
    json!({ "apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec })
}

fn creation_of_pod<'a>(pod: &'a Json, owner: &Request<'_>) -> Request<'a> {
    let resource = Resource {
        group: String::new(),
        version: "v1".to_owned(),
        kind: "Pod".to_owned(),
        resource: "pods".to_owned(),
        subresource: String::new(),
    };
    let namespace = owner.namespace.clone();
    Request { object: Some(pod), resource, namespace, ..Request::default() }
}

/// The failures of one object: what several bindings or pods say of one validation is told once.
struct OfObject<'j> {
    index: usize,
    failures: BTreeMap<(String, FieldPath), PolicyFailure>,
    judged: &'j mut Judged,
}

impl OfObject<'_> {
    /// The policies that have failed so far.
    fn policies(&self) -> BTreeSet<String> {
        let of = |it: &PolicyFailure| it.name.split('/').next().unwrap_or_default().to_owned();
        self.failures.values().map(of).collect()
    }

    fn take(&mut self, outcomes: &[Outcome<'_>], below: &FieldPath) {
        for outcome in outcomes {
            if let Some((validation, message)) = outcome.failure() {
                self.fail(outcome, validation, message, below);
                continue;
            }
            let reason = match &outcome.verdict {
                Verdict::NotEvaluated { reason } => reason.clone(),
                Verdict::Error { error, .. } => {
                    format!("{error}; its failurePolicy Ignore lets that pass")
                }
                Verdict::Skipped { .. } | Verdict::Passed | Verdict::Failed { .. } => continue,
            };
            self.judged.not_evaluated.insert((outcome.policy.name.clone(), reason));
        }
    }

    fn fail(
        &mut self,
        outcome: &Outcome<'_>,
        validation: Option<usize>,
        message: &str,
        below: &FieldPath,
    ) {
        let policy = outcome.policy;
        let named = &policy.name;
        let name = match validation {
            Some(index) => format!("{named}/{}", index + 1),
            None => named.clone(),
        };
        let validation = validation.and_then(|index| policy.validations.get(index));
        let own = validation.map(|it| it.field.clone()).unwrap_or_default();
        let field = below.join(&own);
        let action = outcome.binding.map_or(Action::Deny, |binding| binding.gravest_action());
        let severity = policy.severity_of(action);
        let message = match &outcome.verdict {
            Verdict::Error { error, .. } => {
                format!("{named}: cannot be evaluated, which counts as failed: {error}")
            }
            _ => format!("{named}: {message}"),
        };
        let fix = match validation {
            Some(validation) => {
                let expression = validation.expression.split_whitespace().collect::<Vec<_>>();
                format!("Make this hold, as {} asks: {}", policy.place, expression.join(" "))
            }
            None => format!("See the conditions and parameters of the policy at {}.", policy.place),
        };
        let failure = PolicyFailure {
            object: self.index,
            field: field.clone(),
            name,
            severity,
            message,
            fix,
        };
        self.failures
            .entry((failure.name.clone(), field))
            .and_modify(|other| {
                other.severity = other.severity.max(failure.severity);
                if !other.message.contains(&failure.message) {
                    other.message = format!("{}; {}", other.message, failure.message);
                }
            })
            .or_insert(failure);
    }

    fn finish(self) {
        self.judged.failures.extend(self.failures.into_values());
    }
}
