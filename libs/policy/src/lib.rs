//! People's own policies: Kubernetes' ValidatingAdmissionPolicy and its bindings, evaluated offline.
//!
//! Owns how policies are read ([`PolicySet::read`]), what they say of a request ([`PolicySet::evaluate`]), the
//! expressions that they are made of ([`cel`]), what they say of a set of objects ([`PolicySet::judge`]), and the cases that people write beside them ([`case`]). Files,
//! objects of a scan and reports are the callers'.
//!
//! What the cluster knows and a file does not is never guessed: a policy that needs it is *not evaluated*, with
//! the reason. That is who asks (`request.userInfo`, `authorizer`), the labels of a namespace that is not
//! given, parameters that are not given, and an object in another version of its API.
//!
//! Differences that remain: the API server fills in defaults before a policy sees an object, so that a field
//! that is absent here may be there; and objects are seen as they are written, without the types of a schema,
//! as the API server itself sees them in policies (`cpu: 500m` is a text, `containerPort: 80` an int). What only a
//! type checker would refuse (`size(1)`, lists of several types) is read, and fails when it is evaluated. Costs are
//! counted in the API server's units, and near a limit they may differ.

pub mod case;
pub mod cel;
mod evaluate;
mod matching;
mod objects;
mod policy;
mod read;
mod request;
#[cfg(test)]
mod tests;

pub use evaluate::{Outcome, Verdict};
pub use matching::Constraints;
pub use objects::{Judged, PolicyFailure};
pub use policy::{
    Action, Binding, FailurePolicy, NotFound, ParameterKind, ParameterReference, Policy, PolicySet,
    Problem, Validation,
};
pub use request::{Operation, Request, Resource, Surroundings};
