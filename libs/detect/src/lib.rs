//! Detection: what Kubernetes audit events and the alerts of runtime sensors tell.
//!
//! Everything here is a pure function of its input: no IO, no clock, no async. An input becomes
//! [`airside_types::Record`]s: detections, facts about entities, and gaps. [`audit`] reads the API server's
//! audit events and holds Airside's own rules for them; [`runtime`] lists the sensors, [`falco`] and
//! [`tetragon`] among them; [`counting`] fires on what several events say together. What is known of a cluster beside its events is its
//! [`profile`].
//! What detections mean as a whole is `airside-correlate`'s; how they travel is the services'.

pub mod address;
pub mod audit;
pub mod authorised;
mod command;
pub mod counting;
pub mod falco;
pub mod intake;
pub mod json;
pub mod profile;
pub mod rule;
pub mod runtime;
mod split;
pub mod tetragon;

pub use intake::{Clock, Intake, Origin};
pub use profile::{ClusterProfile, Provider};
pub use rule::{Examples, Rule, RuleInfo};

/// All rules, in the order in which they are documented: audit, counting, behaviour, then each runtime source.
pub fn rules() -> Vec<&'static Rule> {
    let of_audit = audit::rules().chain(counting::rules()).chain(airside_baseline::rules());
    let of_audit = of_audit.chain([&audit::declared::OUTSIDE]);
    of_audit.chain(runtime::rules()).collect()
}
