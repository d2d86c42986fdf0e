//! An ordinary week of a cluster as its API server's audit log, and what Airside makes of it.
//!
//! [`Week`] is a simulation: machinery that never rests, deliveries, people in office hours and on call, an upgrade,
//! a new team, backups, scanners, failures; and, where asked for, attacks in the midst of it. It is seeded and
//! deterministic, and knows nothing of any rule: what is ordinary is written as it is in clusters, not as Airside
//! would like it. [`watch`] sends events the way that the services do, and says which incidents came of it;
//! [`grouping`] says which events belong to one action.
//!
//! For tests and measurements; the product does not use it.

mod attacks;
mod autoscaling;
mod chance;
mod cluster;
mod delivery;
mod event;
pub mod grouping;
mod machinery;
mod people;
mod upgrade;
mod upkeep;
pub mod watch;
mod week;
mod workloads;

pub use attacks::Planted;
pub use week::{Plan, Week};
