//! Metrics told apart by labels: a bounded number of them.
//!
//! Label values come from outside (tenants, rules, methods), and Prometheus keeps a time series for each
//! combination. Beyond [`FAMILY_CAPACITY`] combinations everything new is counted as [`OTHER`].

use std::fmt::{self, Write as _};
use std::sync::{Arc, PoisonError, RwLock};

use prometheus_client::encoding::{
    EncodeLabelSet, EncodeLabelValue, EncodeMetric, LabelSetEncoder, LabelValueEncoder,
    MetricEncoder,
};
use prometheus_client::metrics::{MetricType, TypedMetric};

use super::instrument::{Counter, Gauge, Histogram, Kind};

/// How many combinations of label values a family tells apart.
pub const FAMILY_CAPACITY: usize = 256;

/// The value of all labels of what comes after [`FAMILY_CAPACITY`] combinations.
pub const OTHER: &str = "other";

/// Longer label values are cut to so many bytes.
const MAX_VALUE_BYTES: usize = 128;

pub(super) type LabelNames = &'static [&'static str];

/// Counters told apart by `N` labels.
pub type CounterFamily<const N: usize = 1> = Family<Counter, N>;
/// Gauges told apart by `N` labels.
pub type GaugeFamily<const N: usize = 1> = Family<Gauge, N>;
/// Histograms told apart by `N` labels.
pub type HistogramFamily<const N: usize = 1> = Family<Histogram, N>;

/// Metrics of one kind and name, told apart by `N` labels. Clones share them.
pub struct Family<M, const N: usize = 1> {
    members: Arc<Members<M>>,
}

impl<M, const N: usize> Clone for Family<M, N> {
    fn clone(&self) -> Self {
        Self { members: Arc::clone(&self.members) }
    }
}

impl<M, const N: usize> fmt::Debug for Family<M, N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.members.fmt(f)
    }
}

impl<M: Clone, const N: usize> Family<M, N> {
    pub(super) fn of(members: Arc<Members<M>>) -> Self {
        Self { members }
    }

    /// The metric with these label values, in the order of the label names. Hot paths keep what it returns.
    pub fn with(&self, values: &[&str; N]) -> M {
        self.members.get_or_add(values.map(bounded).as_slice())
    }
}

fn bounded(value: &str) -> &str {
    value.get(..value.floor_char_boundary(MAX_VALUE_BYTES)).unwrap_or(value)
}

/// Label values, in the order of the label names, and what is counted for them.
type Member<M> = (Box<[Box<str>]>, M);

/// The metrics of a family, sorted by label values.
pub(super) struct Members<M> {
    labels: LabelNames,
    fresh: Box<dyn Fn() -> M + Send + Sync>,
    sorted: RwLock<Vec<Member<M>>>,
}

impl<M> fmt::Debug for Members<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Members").field("labels", &self.labels).finish_non_exhaustive()
    }
}

impl<M: Clone> Members<M> {
    pub(super) fn new(labels: LabelNames, fresh: Box<dyn Fn() -> M + Send + Sync>) -> Self {
        Self { labels, fresh, sorted: RwLock::default() }
    }

    pub(super) fn labels(&self) -> LabelNames {
        self.labels
    }

    fn get_or_add(&self, values: &[&str]) -> M {
        let known = self.sorted.read().unwrap_or_else(PoisonError::into_inner);
        if let Ok(metric) = find(&known, values) {
            return metric;
        }
        drop(known);
        let mut known = self.sorted.write().unwrap_or_else(PoisonError::into_inner);
        if known.len() < FAMILY_CAPACITY {
            self.add(&mut known, values)
        } else {
            // The one place beyond the capacity is for what finds no place of its own.
            self.add(&mut known, &vec![OTHER; self.labels.len()])
        }
    }

    /// The metric with these values, added if it is not there.
    fn add(&self, known: &mut Vec<Member<M>>, values: &[&str]) -> M {
        find(known, values).unwrap_or_else(|at| {
            let metric = (self.fresh)();
            let values = values.iter().map(|value| Box::from(*value)).collect();
            known.insert(at, (values, metric.clone()));
            metric
        })
    }
}

/// The metric with these values, or the place where it belongs.
fn find<M: Clone>(sorted: &[Member<M>], values: &[&str]) -> Result<M, usize> {
    let at = sorted.binary_search_by(|(known, _)| {
        known.iter().map(AsRef::as_ref).cmp(values.iter().copied())
    })?;
    sorted.get(at).map(|(_, metric)| metric.clone()).ok_or(at)
}

/// A family on its way out.
#[derive(Debug)]
pub(super) struct Exposed<M>(pub(super) Arc<Members<M>>);

impl<M> EncodeMetric for Exposed<M>
where
    M: Kind,
{
    fn encode(&self, mut encoder: MetricEncoder<'_>) -> fmt::Result {
        let sorted = self.0.sorted.read().unwrap_or_else(PoisonError::into_inner);
        for (values, metric) in sorted.iter() {
            if self.0.labels.is_empty() {
                return metric.raw().encode(encoder);
            }
            let labels = Labels { names: self.0.labels, values };
            metric.raw().encode(encoder.encode_family(&labels)?)?;
        }
        Ok(())
    }

    fn metric_type(&self) -> MetricType {
        <M::Raw as TypedMetric>::TYPE
    }

    fn is_empty(&self) -> bool {
        self.0.sorted.read().unwrap_or_else(PoisonError::into_inner).is_empty()
    }
}

#[derive(Debug)]
struct Labels<'a> {
    names: LabelNames,
    values: &'a [Box<str>],
}

impl EncodeLabelSet for Labels<'_> {
    fn encode(&self, encoder: &mut LabelSetEncoder<'_>) -> fmt::Result {
        let pairs: Vec<_> = self
            .names
            .iter()
            .copied()
            .zip(self.values.iter().map(|value| Escaped(value)))
            .collect();
        pairs.as_slice().encode(encoder)
    }
}

/// A label value as the text format wants it; the client writes it as it stands.
#[derive(Debug)]
struct Escaped<'a>(&'a str);

impl EncodeLabelValue for Escaped<'_> {
    fn encode(&self, encoder: &mut LabelValueEncoder<'_>) -> fmt::Result {
        for letter in self.0.chars() {
            match letter {
                '\\' => encoder.write_str("\\\\")?,
                '"' => encoder.write_str("\\\"")?,
                '\n' => encoder.write_str("\\n")?,
                letter => encoder.write_char(letter)?,
            }
        }
        Ok(())
    }
}
