//! The three kinds of metrics, and what a registry keeps of each.

use std::sync::Arc;
use std::time::Duration;

use prometheus_client::encoding::EncodeMetric;
use prometheus_client::metrics::TypedMetric;
use prometheus_client::metrics::counter::Counter as RawCounter;
use prometheus_client::metrics::gauge::Gauge as RawGauge;
use prometheus_client::metrics::histogram::Histogram as RawHistogram;
use prometheus_client::registry::Registry;

use super::family::{Exposed, Members};

/// Bucket bounds for durations of requests and commits, in seconds: 0.5 ms to 10 s.
pub const LATENCY_SECONDS: &[f64] =
    &[0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0];

/// A number that only grows. Clones count together.
#[derive(Debug, Clone, Default)]
pub struct Counter(RawCounter);

impl Counter {
    /// Counts one.
    pub fn inc(&self) {
        self.0.inc();
    }

    /// Counts so many.
    pub fn add(&self, count: u64) {
        self.0.inc_by(count);
    }

    /// How many were counted.
    pub fn get(&self) -> u64 {
        self.0.get()
    }
}

/// A whole number that goes up and down. Clones show the same number.
#[derive(Debug, Clone, Default)]
pub struct Gauge(RawGauge);

impl Gauge {
    /// Replaces the number.
    pub fn set(&self, value: i64) {
        self.0.set(value);
    }

    /// Raises the number, or lowers it.
    pub fn add(&self, change: i64) {
        self.0.inc_by(change);
    }

    /// Raises the number by one.
    pub fn inc(&self) {
        self.0.inc();
    }

    /// Lowers the number by one.
    pub fn dec(&self) {
        self.0.dec();
    }

    /// The number.
    pub fn get(&self) -> i64 {
        self.0.get()
    }
}

/// How often values fell into which bucket. Clones count together.
#[derive(Debug, Clone)]
pub struct Histogram(RawHistogram);

impl Histogram {
    pub(super) fn new(buckets: &'static [f64]) -> Self {
        Self(RawHistogram::new(buckets.iter().copied()))
    }

    /// Counts a value.
    pub fn observe(&self, value: f64) {
        self.0.observe(value);
    }

    /// Counts a duration, in seconds.
    pub fn observe_duration(&self, duration: Duration) {
        self.0.observe(duration.as_secs_f64());
    }
}

/// A family of any kind, as the registry keeps it.
#[derive(Debug)]
pub(super) enum Instrument {
    Counter(Arc<Members<Counter>>),
    Gauge(Arc<Members<Gauge>>),
    Histogram(Arc<Members<Histogram>>),
}

impl Instrument {
    /// Adds the family to what is being encoded.
    pub(super) fn add_to(&self, registry: &mut Registry, name: &str, help: &str) {
        match self {
            Self::Counter(members) => registry.register(name, help, Exposed(Arc::clone(members))),
            Self::Gauge(members) => registry.register(name, help, Exposed(Arc::clone(members))),
            Self::Histogram(members) => registry.register(name, help, Exposed(Arc::clone(members))),
        }
    }
}

/// One of the three kinds of metrics.
pub(super) trait Kind: Clone + Send + Sync + 'static {
    /// What the Prometheus client knows it as.
    type Raw: EncodeMetric + TypedMetric;

    fn raw(&self) -> &Self::Raw;
    fn instrument(members: Arc<Members<Self>>) -> Instrument;
    fn members(instrument: &Instrument) -> Option<&Arc<Members<Self>>>;
}

macro_rules! kinds {
    ($($kind:ident => $raw:ty),+) => {
        $(impl Kind for $kind {
            type Raw = $raw;

            fn raw(&self) -> &$raw {
                &self.0
            }

            fn instrument(members: Arc<Members<Self>>) -> Instrument {
                Instrument::$kind(members)
            }

            fn members(instrument: &Instrument) -> Option<&Arc<Members<Self>>> {
                if let Instrument::$kind(members) = instrument { Some(members) } else { None }
            }
        })+
    };
}

kinds!(Counter => RawCounter, Gauge => RawGauge, Histogram => RawHistogram);
