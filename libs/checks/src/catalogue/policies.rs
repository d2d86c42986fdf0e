//! Checks on what network policies of all kinds say: Kubernetes', Cilium's, Calico's, the administrator's.
//!
//! Whether pods have policies at all is `network.rs`'s, whether selectors fit something `policy_targets.rs`'s.

pub(crate) mod cilium;
pub(crate) mod directions;
pub(crate) mod egress;
pub(crate) mod open;
pub(crate) mod order;
pub(crate) mod outsiders;
