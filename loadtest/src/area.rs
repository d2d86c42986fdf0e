//! The areas: what can be measured, and what their runs have in common.

mod admission;
mod archive;
mod audit;
mod cascades;
mod clusters;
mod correlate;
mod gateway;
mod idle;
mod recheck;
mod runtime;
mod scan;
mod sigma;
mod version;
mod webhook;
mod week;

use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::ValueEnum;

use crate::report::Report;
use crate::serve;

/// What to measure. The names are a contract.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Area {
    /// Manifests through the checks
    Scan,
    /// One changed object of many, judged again with whom it touches
    Recheck,
    /// Audit events through parse, rules and durable publish, without a network
    Audit,
    /// Raw audit events appended to an archive, sealed into Parquet files, and asked for
    Archive,
    /// The same in an object store on loopback, near and 20 ms away
    ArchiveStore,
    /// People's own rules (Sigma) over audit events
    Sigma,
    /// Audit batches over HTTPS to a whole node
    Webhook,
    /// Audit batches over HTTPS to audit-ingest alone, over a real nats-server
    WebhookNats,
    /// The memory of 100 clusters with 100 actors each
    Clusters,
    /// Admission reviews over HTTPS to a whole node
    Admission,
    /// Falco alerts over HTTPS to a whole node
    Runtime,
    /// Records through the correlation engine
    Correlate,
    /// ListIncidents by gRPC
    Gateway,
    /// Memory and CPU of `airside up` without load
    Idle,
    /// Start-up: `airside --version`
    Version,
    /// Seven ordinary days of a cluster, and the attacks in them: which incidents come of it
    Week,
    /// Which events of a log belong to what somebody did in one go
    Cascades,
    /// A node for the areas above, until standard input ends
    #[value(hide = true)]
    ServeNode,
    /// Audit-ingest alone over NATS, until standard input ends
    #[value(hide = true)]
    ServeIngest,
    /// The floor of the areas that go over HTTPS, until standard input ends
    #[value(hide = true)]
    ServeFloor,
}

/// How to measure.
#[derive(Debug, Clone)]
pub(crate) struct Run {
    /// Less of everything, so that each area ends within 30 s.
    pub(crate) quick: bool,
    /// Data of others.
    pub(crate) corpus: Option<PathBuf>,
    /// The `airside` to measure.
    pub(crate) binary: Option<PathBuf>,
    /// Which week, where one is simulated.
    pub(crate) seed: Option<u64>,
    /// Where a server keeps its data.
    pub(crate) folder: Option<PathBuf>,
    /// The NATS servers of a server.
    pub(crate) nats: Option<String>,
    /// Whether a server folds what it takes in.
    pub(crate) owner: bool,
}

impl Area {
    /// Measures, or serves what is measured; servers report nothing.
    pub(crate) fn carry_out(self, run: &Run) -> anyhow::Result<Option<Report>> {
        let report = match self {
            Self::Scan => scan::measure(run)?,
            Self::Recheck => recheck::measure(run)?,
            Self::Audit => audit::measure(run)?,
            Self::Archive => archive::measure(run)?,
            Self::ArchiveStore => archive::store::measure(run)?,
            Self::Sigma => sigma::measure(run)?,
            Self::Webhook => webhook::measure(run)?,
            Self::WebhookNats => webhook::measure_over_nats(run)?,
            Self::Clusters => clusters::measure(run)?,
            Self::Admission => admission::measure(run)?,
            Self::Runtime => runtime::measure(run)?,
            Self::Correlate => correlate::measure(run)?,
            Self::Gateway => gateway::measure(run)?,
            Self::Idle => idle::measure(run)?,
            Self::Version => version::measure(run)?,
            Self::Week => week::measure(run)?,
            Self::Cascades => cascades::measure(run)?,
            Self::ServeNode => {
                serve::serve_node(run)?;
                return Ok(None);
            }
            Self::ServeIngest => {
                serve::serve_ingest(run)?;
                return Ok(None);
            }
            Self::ServeFloor => {
                serve::serve_floor(run)?;
                return Ok(None);
            }
        };
        Ok(Some(report))
    }
}

impl Run {
    pub(crate) fn corpus(&self) -> Option<&Path> {
        self.corpus.as_deref()
    }

    /// One of two amounts.
    pub(crate) fn amount(&self, quick: usize, whole: usize) -> usize {
        if self.quick { quick } else { whole }
    }

    /// How long one phase of load may take at most, whatever is left to send.
    pub(crate) fn phase(&self) -> Duration {
        Duration::from_secs(if self.quick { 5 } else { 30 })
    }

    /// The `airside` to measure: the one that was named, else the one beside this program.
    pub(crate) fn binary(&self) -> anyhow::Result<PathBuf> {
        let path = match &self.binary {
            Some(path) => path.clone(),
            None => std::env::current_exe()?.with_file_name("airside"),
        };
        anyhow::ensure!(
            path.is_file(),
            "`{}` is no program: build it with `cargo build --release -p airside`, or name one with --binary",
            path.display()
        );
        Ok(path)
    }
}
