//! Checks on Kubernetes configuration: the catalogue, and the engine that runs it.
//!
//! Owns what is judged, what to say about it ([`teach`]) and how to fix it ([`remedy`], [`fix`]). The scanner, the admission webhook, the
//! command line and the detections about workloads all use this one catalogue.
//! Reading files is the caller's, objects are `airside-k8s`', and keeping findings over time is the
//! scanner service's. A new check is one entry in one file of [`catalogue`]; lists, tests and outputs follow.

pub mod catalogue;
pub mod check;
pub mod check_in;
mod component;
pub mod evaluate;
pub mod example;
pub mod exception;
pub mod fix;
pub mod grant_use;
pub mod incremental;
pub mod owner;
pub mod profile;
pub mod remedy;
mod secrets;
pub mod selection;
pub mod source_lines;
mod subject;
pub mod teach;
mod template;

pub use check::{Category, Check};
pub use check_in::{
    BuiltKustomization, CheckIn, CheckInOfOne, CheckedObject, FileOrigin, InputFile, Origins,
    Passes, Rendered, RenderedChart, Terms, check_in, is_helm_test,
};
pub use evaluate::{
    Evaluation, Failure, NotEvaluated, ObjectChecks, PodChecks, evaluate, evaluate_graph,
};
pub use exception::{Accepted, Comment, Exception, Ineffective};
pub use grant_use::GrantUse;
pub use incremental::{Altered, Change, Delta, Identity, Incremental, Living};
pub use profile::Profile;
pub use selection::Selection;
