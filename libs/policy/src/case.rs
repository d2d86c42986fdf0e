//! Cases beside policies: an object, and what a policy is expected to say of it.
//!
//! A document names a policy and lists cases:
//!
//! ```yaml
//! policy: replica-limit
//! cases:
//! - name: more than five are refused
//!   object: {apiVersion: apps/v1, kind: Deployment, metadata: {name: web}, spec: {replicas: 6}}
//!   expect: deny
//!   message: no more than 5
//! ```
//!
//! What a case does not give is not known to the policy, and a policy that asks for it is told so.

mod read;

use std::collections::BTreeMap;

use airside_k8s::{Object, Value as Json};
use airside_types::Place;

use crate::evaluate::{Outcome, Verdict};
use crate::policy::{Action, PolicySet};
use crate::request::{Operation, Request, Resource, Surroundings};

pub use read::{CaseProblem, read};

/// A case.
#[derive(Debug, Clone)]
pub struct Case {
    /// What it shows.
    pub name: String,
    /// Where it is written.
    pub place: Place,
    /// The policy's name.
    pub policy: String,
    /// The binding through which it is asked; all of the policy's where none is named.
    pub binding: Option<String>,
    /// What is expected.
    pub expected: Said,
    /// What the message has to contain.
    pub message: Option<String>,
    object: Option<Json>,
    old_object: Option<Json>,
    namespace: Option<Json>,
    /// The parameters; those beside the policy where none are given.
    parameters: Option<Vec<Json>>,
    user: Option<Json>,
    options: Option<Json>,
    operation: Option<Operation>,
    subresource: String,
}

/// What a policy says of an object, in one word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Said {
    /// It is for the object, and all holds.
    Allow,
    /// The request is refused.
    Deny,
    /// There is a warning.
    Warn,
    /// The audit log gets an annotation.
    Audit,
    /// Something cannot be evaluated; what follows, the failure policy says.
    Error,
    /// It is not for the object.
    Skip,
    /// It asks for what the case does not give.
    NotEvaluated,
}

impl Said {
    /// What a case can expect.
    pub const EXPECTED: [Self; 6] =
        [Self::Allow, Self::Deny, Self::Warn, Self::Audit, Self::Error, Self::Skip];

    /// As it is written.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Allow => "allow",
            Self::Deny => "deny",
            Self::Warn => "warn",
            Self::Audit => "audit",
            Self::Error => "error",
            Self::Skip => "skip",
            Self::NotEvaluated => "not evaluated",
        }
    }
}

/// How a case went.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ending {
    /// As expected, with the messages.
    AsExpected(Vec<String>),
    /// Otherwise: what to know about it.
    Otherwise(String),
}

impl Case {
    /// Asks the policy.
    pub fn run(&self, set: &PolicySet) -> Ending {
        let Some(policy) = set.policy(&self.policy) else {
            return Ending::Otherwise(format!(
                "there is no policy `{}` that can be read",
                self.policy
            ));
        };
        let mut bindings: Vec<_> = set.bindings_of(policy).map(Some).collect();
        if let Some(name) = &self.binding {
            bindings.retain(|it| it.is_some_and(|binding| binding.name == *name));
            if bindings.is_empty() {
                let policy = &self.policy;
                return Ending::Otherwise(format!("there is no binding `{name}` of `{policy}`"));
            }
        }
        if bindings.is_empty() {
            bindings.push(None);
        }
        let request = match self.request() {
            Ok(request) => request,
            Err(problem) => return Ending::Otherwise(problem),
        };
        let around = self.surroundings(set, &request);
        let outcomes: Vec<Outcome<'_>> = bindings
            .into_iter()
            .flat_map(|binding| policy.evaluate(binding, &request, &around))
            .collect();
        self.judge(&outcomes)
    }

    fn request(&self) -> Result<Request<'_>, String> {
        let object = self.object.as_ref().or(self.old_object.as_ref());
        let object = object.ok_or("it has neither `object` nor `oldObject`")?;
        let object = Object::new(object).map_err(|error| format!("its object is {error}"))?;
        let creation = Request::creation(&object, &[]);
        let operation = match (&self.object, &self.old_object) {
            (Some(_), Some(_)) => Operation::Update,
            (None, Some(_)) => Operation::Delete,
            _ => Operation::Create,
        };
        let subresource = self.subresource.clone();
        Ok(Request {
            object: self.object.as_ref(),
            old_object: self.old_object.as_ref(),
            operation: self.operation.unwrap_or(operation),
            user: self.user.as_ref(),
            options: self.options.as_ref(),
            resource: Resource { subresource, ..creation.resource.clone() },
            ..creation
        })
    }

    fn surroundings<'c>(&'c self, set: &'c PolicySet, request: &Request<'_>) -> Surroundings<'c> {
        let beside: Vec<_> =
            set.parameters.iter().filter_map(|value| Object::new(value).ok()).collect();
        let mut around = Surroundings::of(&beside);
        around.given_parameters = self.parameters.as_ref().map(|them| them.iter().collect());
        around.has_all_parameters = true;
        if let (Some(namespace), Some(_)) = (&self.namespace, &request.namespace) {
            let name = namespace.get("metadata").and_then(|it| it.get("name")?.as_str());
            around.namespaces = BTreeMap::from([(name.unwrap_or_default(), namespace)]);
        }
        around
    }

    fn judge(&self, outcomes: &[Outcome<'_>]) -> Ending {
        let said = said(outcomes);
        let messages: Vec<String> = outcomes
            .iter()
            .filter(|outcome| word(outcome) == said)
            .filter_map(|outcome| match &outcome.verdict {
                Verdict::Failed { message, .. } => Some(message.clone()),
                Verdict::Error { error, .. } => Some(error.clone()),
                Verdict::Skipped { reason } | Verdict::NotEvaluated { reason } => {
                    Some(reason.clone())
                }
                Verdict::Passed => None,
            })
            .collect();
        let expected = self.expected.as_str();
        if said != self.expected {
            let because = messages.join("; ");
            let colon = if because.is_empty() { "" } else { ": " };
            let said = said.as_str();
            return Ending::Otherwise(format!("expected {expected}, got {said}{colon}{because}"));
        }
        match &self.message {
            Some(wanted) if !messages.iter().any(|message| message.contains(wanted)) => {
                let said = messages.join("; ");
                Ending::Otherwise(format!(
                    "{expected} as expected, but `{wanted}` is not in: {said}"
                ))
            }
            _ => Ending::AsExpected(messages),
        }
    }
}

/// What an outcome says.
fn word(outcome: &Outcome<'_>) -> Said {
    match &outcome.verdict {
        Verdict::Skipped { .. } => Said::Skip,
        Verdict::Passed => Said::Allow,
        Verdict::Error { .. } => Said::Error,
        Verdict::NotEvaluated { .. } => Said::NotEvaluated,
        Verdict::Failed { .. } => match outcome.binding.map(|it| it.gravest_action()) {
            None | Some(Action::Deny) => Said::Deny,
            Some(Action::Warn) => Said::Warn,
            Some(Action::Audit) => Said::Audit,
        },
    }
}

/// The gravest of what outcomes say.
fn said(outcomes: &[Outcome<'_>]) -> Said {
    let by_gravity =
        [Said::Deny, Said::Error, Said::NotEvaluated, Said::Warn, Said::Audit, Said::Allow];
    let words: Vec<Said> = outcomes.iter().map(word).collect();
    by_gravity.into_iter().find(|it| words.contains(it)).unwrap_or(Said::Skip)
}
