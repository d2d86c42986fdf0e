//! The figures of one area, in the form that is a contract with other programs, and as text.

use std::fmt;

use serde::Serialize;
use serde_json::{Map, Value};

use crate::measure::{Latencies, Process, Span};

/// What was measured. Fields that have no meaning for an area are `null`.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Report {
    /// The area's name.
    pub(crate) area: &'static str,
    /// What was done, and how much of it; every area names what it counts.
    pub(crate) work: Map<String, Value>,
    /// CPU time of the process that `work.cpu_of` names.
    pub(crate) cpu_seconds: Option<f64>,
    /// Time on the wall.
    pub(crate) wall_seconds: Option<f64>,
    /// How many of `work.unit` one CPU second does.
    pub(crate) rate_per_cpu_second: Option<f64>,
    /// The most memory that the process had resident while it worked, its input included.
    pub(crate) peak_rss_bytes: Option<u64>,
    /// Latency of one request, seen by whoever sent it.
    pub(crate) latency_us: Option<Quantiles>,
    /// The least that the same work could take, measured in the same run.
    pub(crate) floor: Option<Floor>,
    /// Our rate divided by the floor's: 1 is as fast as the floor.
    pub(crate) ratio_to_floor: Option<f64>,
    /// What does not hold that an area judges.
    #[serde(skip)]
    pub(crate) failed: Option<String>,
}

/// Two points of a distribution, in microseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub(crate) struct Quantiles {
    /// The median.
    pub(crate) p50: u64,
    /// One in a hundred is slower.
    pub(crate) p99: u64,
}

/// The least that work could take.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Floor {
    /// What is done instead, with the same input.
    pub(crate) what: &'static str,
    /// How much of it one CPU second does, in the same unit.
    pub(crate) rate_per_cpu_second: Option<f64>,
}

impl Report {
    /// A report about an area that says nothing yet.
    pub(crate) fn of(area: &'static str) -> Self {
        Self {
            area,
            work: Map::new(),
            cpu_seconds: None,
            wall_seconds: None,
            rate_per_cpu_second: None,
            peak_rss_bytes: None,
            latency_us: None,
            floor: None,
            ratio_to_floor: None,
            failed: None,
        }
    }

    /// Notes a figure of the work.
    #[must_use]
    pub(crate) fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.work.insert(name.to_owned(), value.into());
        self
    }

    /// What the work took, counted in a unit such as `events`. Call it while the process still runs.
    pub(crate) fn took(
        mut self,
        process: Process,
        unit: &'static str,
        count: u64,
        span: Span,
    ) -> anyhow::Result<Self> {
        let whose = match process {
            Process::This => "this process",
            Process::Child(_) => "the server, a child process; the load generator is not counted",
            Process::Ended => "children that have ended",
        };
        self.cpu_seconds = Some(rounded(span.cpu.as_secs_f64(), 1e3));
        self.wall_seconds = Some(rounded(span.wall.as_secs_f64(), 1e3));
        self.rate_per_cpu_second = span.rate(count).map(f64::round);
        self.peak_rss_bytes = Some(process.peak()?);
        Ok(self.with("cpu_of", whose).with("unit", unit).with(unit, count))
    }

    /// The floor, as the same count of the same unit.
    #[must_use]
    pub(crate) fn above(mut self, what: &'static str, count: u64, span: Span) -> Self {
        let rate = span.rate(count);
        self.ratio_to_floor =
            self.rate_per_cpu_second.zip(rate).map(|(ours, floor)| rounded(ours / floor, 1e4));
        self.floor = Some(Floor { what, rate_per_cpu_second: rate.map(f64::round) });
        self
    }

    /// The latencies of what was asked for.
    #[must_use]
    pub(crate) fn answered_within(mut self, latencies: &Latencies) -> Self {
        self.latency_us = Some(Quantiles::of(latencies));
        self
    }
}

impl Quantiles {
    pub(crate) fn of(latencies: &Latencies) -> Self {
        Self { p50: latencies.quantile(0.5), p99: latencies.quantile(0.99) }
    }
}

impl From<Quantiles> for Value {
    fn from(quantiles: Quantiles) -> Self {
        serde_json::json!({ "p50": quantiles.p50, "p99": quantiles.p99 })
    }
}

/// A number with as many digits behind the point as `scale` has zeros.
pub(crate) fn rounded(number: f64, scale: f64) -> f64 {
    (number * scale).round() / scale
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let unit = self.work.get("unit").and_then(Value::as_str).unwrap_or("times");
        writeln!(f, "{}", self.area)?;
        for (name, value) in &self.work {
            let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            writeln!(f, "  {:<32} {value}", name.replace('_', " "))?;
        }
        if let (Some(cpu), Some(wall)) = (self.cpu_seconds, self.wall_seconds) {
            writeln!(f, "  {:<32} {cpu:.3} s CPU, {wall:.3} s wall", "took")?;
        }
        if let Some(rate) = self.rate_per_cpu_second {
            writeln!(f, "  {:<32} {rate:.0} {unit} a CPU second", "rate")?;
        }
        if let Some(Floor { what, rate_per_cpu_second: Some(rate) }) = &self.floor {
            writeln!(f, "  {:<32} {rate:.0} {unit} a CPU second: {what}", "floor")?;
        }
        if let Some(ratio) = self.ratio_to_floor {
            writeln!(f, "  {:<32} {ratio:.3} of the floor's rate", "ratio")?;
        }
        if let Some(Quantiles { p50, p99 }) = self.latency_us {
            writeln!(f, "  {:<32} p50 {p50} us, p99 {p99} us", "latency")?;
        }
        if let Some(bytes) = self.peak_rss_bytes {
            writeln!(f, "  {:<32} {:.1} MiB", "peak memory", bytes as f64 / f64::from(1 << 20))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn the_object_has_the_keys_of_the_contract_and_null_for_what_has_no_meaning() {
        let empty = serde_json::to_value(Report::of("version")).unwrap();
        let keys: Vec<_> = empty.as_object().unwrap().keys().map(String::as_str).collect();
        let mut contract = [
            "area",
            "work",
            "cpu_seconds",
            "wall_seconds",
            "rate_per_cpu_second",
            "peak_rss_bytes",
            "latency_us",
            "floor",
            "ratio_to_floor",
        ];
        contract.sort_unstable();
        let mut found = keys.clone();
        found.sort_unstable();
        assert_eq!(found, contract);
        assert!(empty["floor"].is_null() && empty["cpu_seconds"].is_null());
    }

    #[test]
    fn the_ratio_is_our_rate_over_the_floors() {
        let span = |seconds| Span { cpu: Duration::from_secs(seconds), wall: Duration::ZERO };
        let report = Report::of("audit")
            .took(Process::This, "events", 100, span(2))
            .unwrap()
            .above("counting", 100, span(1));
        let json = serde_json::to_value(&report).unwrap();
        assert_eq!(json["rate_per_cpu_second"], 50.0);
        assert_eq!(json["floor"]["rate_per_cpu_second"], 100.0);
        assert_eq!(json["ratio_to_floor"], 0.5);
        assert_eq!(json["work"]["events"], 100);
    }
}
