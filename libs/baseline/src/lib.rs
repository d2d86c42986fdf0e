//! Behaviour: what is usual for an actor, a credential, a cluster, learnt from what they do.
//!
//! Pure and deterministic: a fold over observations in the order of a log, with bounded memory for each
//! actor. Which observations there are, and what an anomaly means beside other signals, is left to others.
