//! What is measured: CPU time, wall time and memory of a process, and latencies.
//!
//! CPU time counts user and system time of all threads. That of this process comes from its CPU clock;
//! that of a child from `/proc`, in ticks of 10 ms.

use std::fs;
use std::time::{Duration, Instant};

use anyhow::Context;
use hdrhistogram::Histogram;
use rustix::time::{ClockId, clock_gettime};

/// The process whose work is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Process {
    /// This one: generator and measured code together.
    This,
    /// A child, by its process id; what generates the load is not counted.
    Child(u32),
    /// All children that have ended, together. They have CPU time only.
    Ended,
}

impl Process {
    /// User and system time since the process began.
    pub(crate) fn cpu(self) -> anyhow::Result<Duration> {
        match self {
            Self::This => {
                let time = clock_gettime(ClockId::ProcessCPUTime);
                let nanos = u32::try_from(time.tv_nsec).unwrap_or_default();
                Ok(Duration::new(u64::try_from(time.tv_sec).unwrap_or_default(), nanos))
            }
            Self::Child(_) | Self::Ended => {
                let ticks = cpu_ticks(&self.read("stat")?, self == Self::Ended)
                    .with_context(|| format!("`{}` has another form", self.path("stat")))?;
                let per_second = rustix::param::clock_ticks_per_second().max(1);
                Ok(Duration::from_nanos(ticks.saturating_mul(1_000_000_000 / per_second)))
            }
        }
    }

    /// The memory that is resident now, in bytes.
    pub(crate) fn resident(self) -> anyhow::Result<u64> {
        self.status("VmRSS:")
    }

    /// The most memory that was resident since the process began or [`Self::forget_peak`], in bytes.
    pub(crate) fn peak(self) -> anyhow::Result<u64> {
        self.status("VmHWM:")
    }

    /// Lets the peak begin at what is resident now. Where the kernel does not allow it the peak is the
    /// process's whole, which is never less.
    pub(crate) fn forget_peak(self) {
        drop(fs::write(self.path("clear_refs"), "5"));
    }

    fn status(self, field: &str) -> anyhow::Result<u64> {
        kibibytes(&self.read("status")?, field)
            .map(|kibibytes| kibibytes * 1024)
            .with_context(|| format!("`{}` tells no {field}", self.path("status")))
    }

    fn read(self, file: &str) -> anyhow::Result<String> {
        let path = self.path(file);
        fs::read_to_string(&path).with_context(|| format!("`{path}` cannot be read"))
    }

    fn path(self, file: &str) -> String {
        match self {
            Self::This | Self::Ended => format!("/proc/self/{file}"),
            Self::Child(id) => format!("/proc/{id}/{file}"),
        }
    }
}

/// `utime` and `stime` of `/proc/PID/stat`, or `cutime` and `cstime` behind them: those of children that
/// have ended. The name before them may hold spaces and brackets.
fn cpu_ticks(stat: &str, of_ended_children: bool) -> Option<u64> {
    let before = if of_ended_children { 13 } else { 11 };
    let mut fields = stat.rsplit_once(')')?.1.split_ascii_whitespace().skip(before);
    let user: u64 = fields.next()?.parse().ok()?;
    let system: u64 = fields.next()?.parse().ok()?;
    Some(user + system)
}

fn kibibytes(status: &str, field: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix(field))?;
    line.trim().strip_suffix("kB")?.trim().parse().ok()
}

/// Measures from its start on.
#[derive(Debug)]
pub(crate) struct Stopwatch {
    process: Process,
    cpu: Duration,
    started: Instant,
}

/// What a piece of work took.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(crate) struct Span {
    /// CPU time.
    pub(crate) cpu: Duration,
    /// Time on the wall.
    pub(crate) wall: Duration,
}

impl Stopwatch {
    pub(crate) fn start(process: Process) -> anyhow::Result<Self> {
        process.forget_peak();
        Ok(Self { process, cpu: process.cpu()?, started: Instant::now() })
    }

    pub(crate) fn stop(&self) -> anyhow::Result<Span> {
        let wall = self.started.elapsed();
        Ok(Span { cpu: self.process.cpu()?.saturating_sub(self.cpu), wall })
    }
}

/// Measures work of this process.
pub(crate) fn measured<T>(work: impl FnOnce() -> anyhow::Result<T>) -> anyhow::Result<(T, Span)> {
    let watch = Stopwatch::start(Process::This)?;
    let done = work()?;
    Ok((done, watch.stop()?))
}

impl Span {
    /// How much of a count was done in one second of CPU; none when it took none.
    pub(crate) fn rate(self, count: u64) -> Option<f64> {
        let seconds = self.cpu.as_secs_f64();
        (seconds > 0.0).then(|| count as f64 / seconds)
    }

    /// The one in the middle, by CPU time; none of none.
    pub(crate) fn median(mut spans: Vec<Self>) -> Option<Self> {
        spans.sort_by_key(|span| span.cpu);
        spans.get(spans.len() / 2).copied()
    }
}

/// Latencies, in microseconds with three digits, up to a minute.
#[derive(Debug, Clone)]
pub(crate) struct Latencies(Histogram<u64>);

impl Latencies {
    const LONGEST_US: u64 = 60_000_000;

    pub(crate) fn new() -> anyhow::Result<Self> {
        Ok(Self(Histogram::new_with_bounds(1, Self::LONGEST_US, 3)?))
    }

    pub(crate) fn record(&mut self, latency: Duration) {
        let micros = u64::try_from(latency.as_micros()).unwrap_or(u64::MAX);
        self.0.saturating_record(micros.clamp(1, Self::LONGEST_US));
    }

    pub(crate) fn merge(&mut self, other: &Self) -> anyhow::Result<()> {
        Ok(self.0.add(&other.0)?)
    }

    pub(crate) fn count(&self) -> u64 {
        self.0.len()
    }

    /// The latency below which this part of all lies.
    pub(crate) fn quantile(&self, part: f64) -> u64 {
        self.0.value_at_quantile(part)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn proc_files_are_read_by_their_form() {
        let stat = "7 (a b) c) S 1 7 7 0 -1 4194304 100 0 0 0 250 50 7 8 20 0 3 0 1 2 3";
        assert_eq!((cpu_ticks(stat, false), cpu_ticks(stat, true)), (Some(300), Some(15)));
        assert_eq!(cpu_ticks("7 (a", false), None);
        let status = "Name:\tx\nVmHWM:\t  2048 kB\nVmRSS:\t  1024 kB\n";
        assert_eq!(kibibytes(status, "VmHWM:"), Some(2048));
        assert_eq!(kibibytes(status, "VmSwap:"), None);
    }

    #[test]
    fn cpu_time_of_this_process_grows_with_its_work_alike_by_both_clocks() {
        let watch = Stopwatch::start(Process::This).unwrap();
        let other = Process::Child(std::process::id());
        let before = other.cpu().unwrap();
        let mut sum = 0_u64;
        while watch.stop().unwrap().cpu < Duration::from_millis(60) {
            sum = sum.wrapping_add(std::hint::black_box(1));
        }
        assert!(other.cpu().unwrap() - before >= Duration::from_millis(30), "{sum}");
        // In this order: other tests make the process grow in between.
        let resident = Process::This.resident().unwrap();
        assert!(Process::This.peak().unwrap() >= resident);
    }

    #[test]
    fn quantiles_are_of_all_that_was_merged() {
        let (mut all, mut more) = (Latencies::new().unwrap(), Latencies::new().unwrap());
        (1..=99).for_each(|_| all.record(Duration::from_micros(10)));
        more.record(Duration::from_hours(1));
        all.merge(&more).unwrap();
        assert_eq!((all.count(), all.quantile(0.5), all.quantile(0.99)), (100, 10, 10));
        assert!(all.quantile(1.0) >= Latencies::LONGEST_US);
    }
}
