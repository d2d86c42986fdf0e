//! The program that tries mutants of rules, which is built into a copy only: here with the crate as it is, so that it
//! keeps up with what it uses, and finds that all examples hold without a mutant.
#![allow(
    clippy::expect_used,
    clippy::exit,
    clippy::panic,
    clippy::print_stderr,
    clippy::unwrap_used,
    dead_code,
    missing_debug_implementations,
    missing_docs,
    unreachable_pub,
    reason = "a program of its own, which lives by its examples"
)]

extern crate airside_detect as real;
// The copy is the crate with the switches in it.
extern crate self as airside_detect;

pub use real::*;

#[path = "../scratch/mutant.rs"]
pub mod mutant;
#[path = "../scratch/rules/main.rs"]
mod program;

#[test]
fn it_finds_that_the_examples_hold() {
    let examples = concat!(env!("CARGO_MANIFEST_DIR"), "/../libs/detect/examples");
    program::try_mutants(examples, 1, 1);
}
