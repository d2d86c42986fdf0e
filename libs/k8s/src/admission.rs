//! The admission webhook's messages: `AdmissionReview` of `admission.k8s.io/v1`, and `v1beta1` from old
//! senders.
//!
//! Owns the form of request and response and what makes them valid. What to answer is decided elsewhere.
//! Source: k8s.io/api/admission/v1, and "Dynamic Admission Control" of the Kubernetes documentation.

mod response;
mod review;
#[cfg(test)]
mod tests;

pub use response::{MAX_WARNING_CHARS, MAX_WARNINGS_BYTES, Response};
pub use review::{
    GroupVersionKind, GroupVersionResource, Review, ReviewError, ReviewVersion, User,
};
