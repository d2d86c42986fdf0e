//! A policy and its bindings, read and ready to be evaluated.

use std::fmt;

use airside_k8s::Value as Json;
use airside_types::{FieldPath, Place, Severity};

use crate::cel::Program;
use crate::matching::Constraints;

/// Policies with their bindings and parameters, and what of them could not be read.
#[derive(Debug, Default)]
pub struct PolicySet {
    /// The policies, in the order of their files. One with a problem is left out.
    pub policies: Vec<Policy>,
    /// The bindings, in the order of their files.
    pub bindings: Vec<Binding>,
    /// Objects beside them that may be parameters.
    pub parameters: Vec<Json>,
    /// What could not be read.
    pub problems: Vec<Problem>,
}

/// Something that keeps a policy or binding from being used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Where, in its file.
    pub place: Place,
    /// The object, such as `ValidatingAdmissionPolicy replicas`.
    pub object: String,
    /// The field.
    pub field: FieldPath,
    /// What is wrong and, for an expression, where in it.
    pub problem: String,
    /// The line of the expression with a mark below the place.
    pub excerpt: Option<String>,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}: {}: {}", self.place, self.object, self.field, self.problem)
    }
}

/// A ValidatingAdmissionPolicy.
#[derive(Debug)]
pub struct Policy {
    /// Its name.
    pub name: String,
    /// Where it starts.
    pub place: Place,
    /// The severity of its findings, where an annotation says one.
    pub severity: Option<Severity>,
    /// What happens where it cannot be evaluated.
    pub failure_policy: FailurePolicy,
    /// The kind of its parameters, where it has any.
    pub parameter_kind: Option<ParameterKind>,
    /// What it is for.
    pub constraints: Constraints,
    pub(crate) conditions: Vec<Condition>,
    pub(crate) variables: Vec<Condition>,
    /// What must hold, in order.
    pub validations: Vec<Validation>,
    pub(crate) audit_annotations: Vec<Condition>,
}

/// An expression with a name.
#[derive(Debug)]
pub(crate) struct Condition {
    pub(crate) name: String,
    pub(crate) program: Program,
}

/// One thing that must hold.
#[derive(Debug)]
pub struct Validation {
    /// The expression as written.
    pub expression: String,
    /// The field of the object that it is about; the object itself where it is about several.
    pub field: FieldPath,
    pub(crate) program: Program,
    pub(crate) message: Option<String>,
    pub(crate) message_expression: Option<Program>,
}

/// What happens where a policy cannot be evaluated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum FailurePolicy {
    /// As though a validation failed.
    #[default]
    Fail,
    /// As though all held.
    Ignore,
}

/// The kind of a policy's parameters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ParameterKind {
    /// The API version, such as `v1` or `rules.example.com/v1`.
    pub api_version: String,
    /// The kind, such as `ConfigMap`.
    pub kind: String,
}

/// A ValidatingAdmissionPolicyBinding.
#[derive(Debug)]
pub struct Binding {
    /// Its name.
    pub name: String,
    /// Where it starts.
    pub place: Place,
    /// The policy's name.
    pub policy: String,
    /// What follows from a failure; at least one.
    pub actions: Vec<Action>,
    /// What it limits the policy to.
    pub constraints: Option<Constraints>,
    /// Where the parameters come from.
    pub parameters: Option<ParameterReference>,
}

/// What follows from a failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Action {
    /// The audit log gets an annotation.
    Audit,
    /// The client gets a warning.
    Warn,
    /// The request is refused.
    Deny,
}

impl Action {
    /// As it is written.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Audit => "Audit",
            Self::Warn => "Warn",
            Self::Deny => "Deny",
        }
    }
}

/// Where a binding's parameters come from.
#[derive(Debug, Clone)]
pub struct ParameterReference {
    /// One object by its name, or all that a label selector selects.
    pub which: Result<String, Json>,
    /// The namespace; the request's own where there is none.
    pub namespace: Option<String>,
    /// What happens where there is none.
    pub not_found: NotFound,
}

/// What happens where a binding's parameters are not there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NotFound {
    /// The binding has no effect.
    Allow,
    /// As the failure policy says.
    Deny,
}

impl PolicySet {
    /// The bindings of a policy.
    pub fn bindings_of<'s>(&'s self, policy: &'s Policy) -> impl Iterator<Item = &'s Binding> {
        self.bindings.iter().filter(|binding| binding.policy == policy.name)
    }

    /// The policy of this name.
    pub fn policy(&self, name: &str) -> Option<&Policy> {
        self.policies.iter().find(|policy| policy.name == name)
    }
}

impl Binding {
    /// The gravest of its actions.
    pub fn gravest_action(&self) -> Action {
        self.actions.iter().copied().max().unwrap_or(Action::Deny)
    }
}

impl Policy {
    /// How bad a failure is that has this consequence: as the policy's annotation says, or by the consequence.
    pub fn severity_of(&self, action: Action) -> Severity {
        self.severity.unwrap_or(match action {
            Action::Deny => Severity::High,
            Action::Warn => Severity::Medium,
            Action::Audit => Severity::Low,
        })
    }
}
