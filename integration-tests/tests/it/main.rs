//! Tests of Airside as a whole, in one binary so that it is linked once.
//!
//! `tidy` holds the code to the architecture. Scenarios that need a control plane's binaries are in
//! `tests/control_plane`, so that they can be run by themselves.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::string_slice,
    clippy::unwrap_used,
    reason = "a test fails by panicking, in its harness too"
)]

mod audit_intake;
mod bad_input;
mod catalogue;
mod client_certificates;
mod cloud_push;
mod full_disk;
mod log_owner;
mod many_clusters;
mod own_rules;
mod platform;
mod processes;
mod program;
mod raw_object_store;
mod raw_records;
mod recordings;
mod split_over_nats;
mod streams;
mod terms;
mod tidy;
mod trace;
mod used_grants;
mod weak_spots;
