//! Metrics of one node: counters, gauges and histograms, shown to Prometheus as text.
//!
//! A registry is a value, not a global: two nodes in one process count apart. Names have the form
//! `airside_<service>_<noun>_<unit>`, and counters end in `_total`. Registering a name again gives the same
//! metric, so that a part can be built twice.

mod family;
mod instrument;

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use prometheus_client::encoding::text;
use prometheus_client::registry::Registry;

pub use family::{CounterFamily, FAMILY_CAPACITY, Family, GaugeFamily, HistogramFamily, OTHER};
pub use instrument::{Counter, Gauge, Histogram, LATENCY_SECONDS};

use family::Members;
use instrument::{Instrument, Kind};

/// The content type of [`Metrics::encode`]'s text.
pub const METRICS_CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// All metrics of a node. Clones share them.
#[derive(Debug, Clone, Default)]
pub struct Metrics {
    registered: Arc<Mutex<BTreeMap<&'static str, Registered>>>,
}

#[derive(Debug)]
struct Registered {
    help: &'static str,
    instrument: Instrument,
}

impl Metrics {
    /// A registry without metrics.
    pub fn new() -> Self {
        Self::default()
    }

    /// A number that only grows. The name ends in `_total`.
    pub fn counter(&self, name: &'static str, help: &'static str) -> Counter {
        self.counter_by(name, help, &[]).with(&[])
    }

    /// Counters told apart by labels.
    pub fn counter_by<const N: usize>(
        &self,
        name: &'static str,
        help: &'static str,
        labels: &'static [&'static str; N],
    ) -> CounterFamily<N> {
        self.family(name, help, labels, Counter::default)
    }

    /// A whole number that goes up and down.
    pub fn gauge(&self, name: &'static str, help: &'static str) -> Gauge {
        self.gauge_by(name, help, &[]).with(&[])
    }

    /// Gauges told apart by labels.
    pub fn gauge_by<const N: usize>(
        &self,
        name: &'static str,
        help: &'static str,
        labels: &'static [&'static str; N],
    ) -> GaugeFamily<N> {
        self.family(name, help, labels, Gauge::default)
    }

    /// How often values fell into which bucket. Buckets are upper bounds, growing; `+Inf` is added. The
    /// buckets of the first registration count.
    pub fn histogram(
        &self,
        name: &'static str,
        help: &'static str,
        buckets: &'static [f64],
    ) -> Histogram {
        self.histogram_by(name, help, &[], buckets).with(&[])
    }

    /// Histograms told apart by labels.
    pub fn histogram_by<const N: usize>(
        &self,
        name: &'static str,
        help: &'static str,
        labels: &'static [&'static str; N],
        buckets: &'static [f64],
    ) -> HistogramFamily<N> {
        self.family(name, help, labels, move || Histogram::new(buckets))
    }

    /// All metrics as OpenMetrics text, sorted by name and labels; see [`METRICS_CONTENT_TYPE`].
    pub fn encode(&self) -> String {
        let mut registry = Registry::default();
        for (name, registered) in self.lock().iter() {
            // The encoder adds `_total` to a counter and a full stop to the help.
            let name = name.strip_suffix("_total").unwrap_or(name);
            let help = registered.help.trim_end_matches('.');
            registered.instrument.add_to(&mut registry, name, help);
        }
        let mut shown = String::new();
        // Writing into a string cannot fail.
        text::encode(&mut shown, &registry).ok();
        shown
    }

    /// The family of this name if there is one of this kind with these labels, else a new one. A name that is
    /// taken by another kind is a mistake in the program: it is logged, and what is given back counts
    /// without being shown.
    fn family<M: Kind, const N: usize>(
        &self,
        name: &'static str,
        help: &'static str,
        labels: &'static [&'static str; N],
        fresh: impl Fn() -> M + Send + Sync + 'static,
    ) -> Family<M, N> {
        let members = || Arc::new(Members::new(labels, Box::new(fresh)));
        match self.lock().entry(name) {
            Entry::Vacant(place) => {
                let members = members();
                place.insert(Registered { help, instrument: M::instrument(Arc::clone(&members)) });
                Family::of(members)
            }
            Entry::Occupied(place) => match M::members(&place.get().instrument) {
                Some(known) if known.labels() == labels => Family::of(Arc::clone(known)),
                Some(_) | None => {
                    tracing::error!(
                        metric = name,
                        "metric registered with two kinds or label sets"
                    );
                    Family::of(members())
                }
            },
        }
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<&'static str, Registered>> {
        self.registered.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests;
