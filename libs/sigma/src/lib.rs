//! Sigma rules of people's own, over Kubernetes audit events.
//!
//! Reads detection and correlation rules ([`RuleSet::read`]), says what is wrong with them by file and line, and asks
//! those that an event can meet ([`RuleSet::judge`]). [`Correlating`] is the state of correlation rules. What Sigma means
//! is `rsigma`'s (parser and matching); what an audit event is, which rules can never match one, the index and
//! the state are here. Pure: folders and the API that rules come from are the services'.

mod budget;
mod case;
mod compile;
mod correlation;
mod demand;
mod fields;
mod found;
mod index;
mod judge;
mod path;
mod problem;
mod read;
mod rule;
mod set;
mod told;
mod values;
mod view;
mod whole;

pub use case::{Case, CaseProblem, Ending, Expected, read as read_cases};
pub use correlation::{Change, Correlating, Limits, Row, TakenBack};
pub use problem::{Gravity, Problem};
pub use rule::PREFIX;
pub use set::RuleSet;

#[cfg(test)]
mod tests;
