//! Correlation rules: what several events say together, within a time.
//!
//! Sigma's kinds event_count, value_count, temporal and temporal_ordered. A rule fires on the event with which its
//! condition holds for the span that ends with it, and then not again in that group for as long as the span.

mod candidate;
mod definition;
mod rows;
mod state;
mod window;

pub(crate) use candidate::candidates;
pub(crate) use definition::Definition;
pub use rows::{Change, Row, TakenBack};
pub use state::{Correlating, Limits};

#[cfg(test)]
mod tests;
