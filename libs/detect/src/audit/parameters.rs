//! What requests say of the parameters of admission policies: of which kind a policy has them, and which object a binding
//! names.
//!
//! Whether that object changes is told by other requests: the owner of the cluster remembers what is said here. Parameters
//! that a binding chooses by labels are not followed: an event does not tell the labels of what it changes.

use airside_k8s::Value;

use super::body::{at, text};
use super::kind;
use super::request::{Outcome, Request};

const GROUP: &str = "admissionregistration.k8s.io";

/// Which of the two objects of an admission policy a resource is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Part {
    Policy,
    Binding,
}

impl Part {
    /// The part, and the kind of the policy.
    pub(crate) fn of(request: &Request<'_>) -> Option<(Self, &'static str)> {
        if request.group() != GROUP || !request.subresource().is_empty() {
            return None;
        }
        match request.resource() {
            "validatingadmissionpolicies" => Some((Self::Policy, VALIDATING)),
            "validatingadmissionpolicybindings" => Some((Self::Binding, VALIDATING)),
            "mutatingadmissionpolicies" => Some((Self::Policy, MUTATING)),
            "mutatingadmissionpolicybindings" => Some((Self::Binding, MUTATING)),
            _ => None,
        }
    }
}

const VALIDATING: &str = "ValidatingAdmissionPolicy";
const MUTATING: &str = "MutatingAdmissionPolicy";

/// What a request says of parameters: of a policy their group and kind, of a binding its policy, and their namespace and
/// name; empty texts where there are none any more, and nothing where it does not say.
pub(super) fn of(request: &Request<'_>) -> Vec<String> {
    let is_written = matches!(request.verb(), "create" | "update" | "patch")
        && request.event().request_object.is_some();
    let Some((part, _)) = Part::of(request).filter(|_| is_written) else { return Vec::new() };
    if request.outcome() != Outcome::Done {
        return Vec::new();
    }
    let change = request.change();
    let spec = at(change.set(), &["spec"]);
    // A patch says only what it changes.
    let says = |field: &str| {
        request.verb() != "patch" || spec.get(field).is_some() || change.removes(&["spec", field])
    };
    let (field, said): (_, fn(&Value) -> Vec<&str>) = match part {
        Part::Policy => ("paramKind", of_policy),
        Part::Binding => ("paramRef", of_binding),
    };
    if !says(field) {
        return Vec::new();
    }
    said(spec).into_iter().map(str::to_owned).collect()
}

fn of_policy(spec: &Value) -> Vec<&str> {
    let of = at(spec, &["paramKind"]);
    vec![kind::group_of_api_version(text(of, "apiVersion")), text(of, "kind")]
}

fn of_binding(spec: &Value) -> Vec<&str> {
    let parameters = at(spec, &["paramRef"]);
    vec![text(spec, "policyName"), text(parameters, "namespace"), text(parameters, "name")]
}
