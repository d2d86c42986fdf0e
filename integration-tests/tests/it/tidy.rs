//! The architecture's invariants as tests: they read the sources and `cargo metadata`.
//!
//! Each rule is a function from what it reads to a list of offences, `place: what is wrong`; one
//! test applies it to this workspace and says everything that it found, another feeds it a small
//! made-up offender, so that no rule can fall silent unnoticed. Exceptions are tables with reasons,
//! and an exception that nothing needs any more is an offence itself.

mod dependencies;
mod documents;
mod licences;
mod logs;
mod manifests;
mod packages;
mod paths;
mod purity;
mod rust;
mod sources;
mod tree;

/// Fails with the rule's sentence and every offence below it.
#[track_caller]
fn holds(rule: &str, offences: &[String]) {
    assert!(
        offences.is_empty(),
        "{rule} ({} offences)\n  {}",
        offences.len(),
        offences.join("\n  ")
    );
}
