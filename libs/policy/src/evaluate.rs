//! What policies say of a request: for each binding and each of its parameters the conditions, then the
//! validations, as the API server does.

mod parameters;
mod roots;

use airside_k8s::Value as Json;

use self::parameters::{Found, parameters_of};
use self::roots::RequestRoots;
use crate::cel::{Budget, Failure, Program, Value, evaluate};
use crate::matching::Matching;
use crate::policy::{Binding, FailurePolicy, NotFound, Policy, PolicySet, Validation};
use crate::request::{Request, Surroundings};

/// The longest message that an expression may make, in bytes, as for the API server.
const MAX_MESSAGE: usize = 5 * 1024;

/// What a policy says of a request through one of its bindings.
#[derive(Debug, Clone)]
pub struct Outcome<'p> {
    /// The policy.
    pub policy: &'p Policy,
    /// The binding; none where it was evaluated without one.
    pub binding: Option<&'p Binding>,
    /// What it says.
    pub verdict: Verdict,
}

/// What a policy says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// It is not for the request, and why.
    Skipped {
        /// Why.
        reason: String,
    },
    /// All holds.
    Passed,
    /// A validation does not hold.
    Failed {
        /// Its index.
        validation: usize,
        /// What it says.
        message: String,
    },
    /// Something cannot be evaluated: an error of an expression, or a cost limit. By the failure policy that
    /// counts as a failure, or not at all.
    Error {
        /// The index of the validation; none for a condition or parameters.
        validation: Option<usize>,
        /// What went wrong.
        error: String,
    },
    /// It rests on something that is not known here.
    NotEvaluated {
        /// On what.
        reason: String,
    },
}

impl Verdict {
    /// Leaves out what an error quotes: it may be the value of a Secret.
    fn hide(&mut self) {
        if let Self::Error { error, .. } = self {
            "an expression fails; why is not shown, since the object is a Secret".clone_into(error);
        }
    }
}

impl Outcome<'_> {
    /// The index of the validation and the message, where the cluster would act as on a failure.
    pub fn failure(&self) -> Option<(Option<usize>, &str)> {
        match &self.verdict {
            Verdict::Failed { validation, message } => Some((Some(*validation), message)),
            Verdict::Error { validation, error }
                if self.policy.failure_policy == FailurePolicy::Fail =>
            {
                Some((*validation, error))
            }
            Verdict::Error { .. }
            | Verdict::Skipped { .. }
            | Verdict::Passed
            | Verdict::NotEvaluated { .. } => None,
        }
    }
}

impl PolicySet {
    /// What all policies say of a request through their bindings, in the order of policies, bindings and
    /// validations. A policy without a binding has no effect, and no outcome.
    pub fn evaluate<'p>(
        &'p self,
        request: &Request<'_>,
        around: &Surroundings<'_>,
    ) -> Vec<Outcome<'p>> {
        let outcomes = self.policies.iter().flat_map(|policy| {
            self.bindings_of(policy)
                .flat_map(|binding| policy.evaluate(Some(binding), request, around))
        });
        outcomes.collect()
    }
}

impl Policy {
    /// What the policy says of a request, through a binding or, where there is none, without parameters.
    pub fn evaluate<'p>(
        &'p self,
        binding: Option<&'p Binding>,
        request: &Request<'_>,
        around: &Surroundings<'_>,
    ) -> Vec<Outcome<'p>> {
        let of_binding = binding.and_then(|binding| binding.constraints.as_ref());
        let mut verdicts = Vec::new();
        let constraints = [(Some(&self.constraints), "the policy"), (of_binding, "the binding")];
        for (constraints, who) in constraints {
            match constraints.map(|it| it.matching(request, around)) {
                Some(Matching::No(reason)) => {
                    verdicts.push(Verdict::Skipped {
                        reason: format!("{who} does not apply: {reason}"),
                    });
                }
                Some(Matching::Unknown(reason)) => {
                    verdicts.push(Verdict::NotEvaluated { reason });
                }
                Some(Matching::Yes) | None => continue,
            }
            break;
        }
        if verdicts.is_empty() {
            match parameters_of(self, binding, request, around) {
                Found::None => self.once(None, request, around, &mut verdicts),
                Found::These(found) => found
                    .into_iter()
                    .for_each(|found| self.once(Some(found), request, around, &mut verdicts)),
                Found::Missing { what, action } => verdicts.push(match action {
                    NotFound::Allow => Verdict::Skipped {
                        reason: format!("the binding does not apply: there is no {what}"),
                    },
                    NotFound::Deny => {
                        Verdict::Error { validation: None, error: format!("there is no {what}") }
                    }
                }),
                Found::Unknown(reason) => verdicts.push(Verdict::NotEvaluated { reason }),
            }
        }
        verdicts.into_iter().map(|verdict| Outcome { policy: self, binding, verdict }).collect()
    }

    /// Evaluates with one object of parameters.
    fn once(
        &self,
        params: Option<&Json>,
        request: &Request<'_>,
        around: &Surroundings<'_>,
        verdicts: &mut Vec<Verdict>,
    ) {
        let fields = request.fields();
        let roots = RequestRoots::new(self, request, &fields, params, around);
        let mut budget = Budget::of_policy();
        if let Some(mut verdict) = self.unmet_condition(&roots, &mut budget) {
            if request.is_about_a_secret() {
                verdict.hide();
            }
            verdicts.push(verdict);
            return;
        }
        let before = verdicts.len();
        let hides = request.is_about_a_secret();
        for (index, validation) in self.validations.iter().enumerate() {
            match evaluate(&validation.program, &roots, &mut budget) {
                Ok(Value::Bool(true)) => {}
                Ok(Value::Bool(false)) => {
                    let message = message(validation, hides, &roots, &mut budget);
                    verdicts.push(Verdict::Failed { validation: index, message });
                }
                Ok(other) => verdicts.push(Verdict::Error {
                    validation: Some(index),
                    error: format!("the expression gives {}, and not bool", other.type_name()),
                }),
                Err(failure) => verdicts.push(unevaluated(failure, Some(index))),
            }
        }
        // The API server evaluates annotations apart, with a budget of their own.
        let mut budget = Budget::of_policy();
        for annotation in &self.audit_annotations {
            let program: &Program = &annotation.program;
            let error = match evaluate(program, &roots, &mut budget) {
                Ok(Value::Text(_) | Value::Null) => continue,
                Ok(other) => format!("it gives {}, and not string or null", other.type_name()),
                Err(Failure::Unknown(_)) => continue,
                Err(failure) => failure.to_string(),
            };
            let error = format!("audit annotation `{}`: {error}", annotation.name);
            verdicts.push(Verdict::Error { validation: None, error });
        }
        if verdicts.len() == before {
            verdicts.push(Verdict::Passed);
        }
        if hides {
            verdicts.iter_mut().skip(before).for_each(Verdict::hide);
        }
    }

    /// Where a condition is not met, or cannot be evaluated. As for the API server, one that is not met
    /// decides also where others fail.
    fn unmet_condition<'a>(
        &'a self,
        roots: &RequestRoots<'a>,
        budget: &mut Budget,
    ) -> Option<Verdict> {
        let mut open = None;
        for condition in &self.conditions {
            let name = &condition.name;
            match evaluate(&condition.program, roots, budget) {
                Ok(Value::Bool(true)) => {}
                Ok(Value::Bool(false)) => {
                    let reason =
                        format!("the policy does not apply: its condition `{name}` is not met");
                    return Some(Verdict::Skipped { reason });
                }
                Ok(other) => {
                    let error =
                        format!("condition `{name}` gives {}, and not bool", other.type_name());
                    open.get_or_insert(Verdict::Error { validation: None, error });
                }
                Err(failure) => {
                    let verdict = match unevaluated(failure, None) {
                        Verdict::Error { validation, error } => Verdict::Error {
                            validation,
                            error: format!("condition `{name}`: {error}"),
                        },
                        other => other,
                    };
                    open.get_or_insert(verdict);
                }
            }
        }
        open
    }
}

fn unevaluated(failure: Failure, validation: Option<usize>) -> Verdict {
    match failure {
        Failure::Unknown(reason) => Verdict::NotEvaluated { reason },
        Failure::Error(_) | Failure::CostExceeded { .. } => {
            Verdict::Error { validation, error: clean(&failure.to_string()) }
        }
    }
}

/// What a validation says: its messageExpression where that gives a line of text, its message, or itself. Of
/// a Secret only what is written in the policy is said.
fn message<'a>(
    validation: &'a Validation,
    hides: bool,
    roots: &RequestRoots<'a>,
    budget: &mut Budget,
) -> String {
    let made =
        validation.message_expression.as_ref().filter(|_| !hides).and_then(
            |program| match evaluate(program, roots, budget) {
                Ok(Value::Text(text)) => Some(text.trim().to_owned()),
                _ => None,
            },
        );
    let made = made.filter(|it| !it.is_empty() && it.len() <= MAX_MESSAGE && !it.contains('\n'));
    let written = || validation.message.as_deref().map(str::trim).filter(|it| !it.is_empty());
    let message = made
        .or_else(|| written().map(str::to_owned))
        .unwrap_or_else(|| format!("failed expression: {}", validation.expression.trim()));
    clean(&message)
}

/// What a manifest brought into a text must not steer a terminal.
fn clean(text: &str) -> String {
    text.chars().map(|letter| if letter.is_control() { ' ' } else { letter }).collect()
}
