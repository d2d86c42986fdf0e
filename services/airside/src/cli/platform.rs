//! The arguments of questions to a running platform: findings and incidents.

use airside_types::Severity;
use clap::{Args, Subcommand, ValueEnum};

use super::{OutputFormat, ServerArguments};

/// Arguments of `findings`.
#[derive(Debug, Args)]
pub struct FindingsArguments {
    /// What to do with them.
    #[command(subcommand)]
    pub command: FindingsCommand,
}

/// The commands about findings.
#[derive(Debug, Subcommand)]
pub enum FindingsCommand {
    /// List findings, the most severe first
    List(Box<FindingsListArguments>),
    /// Show one finding with its history
    Show {
        /// The id, or its beginning
        id: String,
        /// How to print it
        #[arg(long, short, value_enum, default_value_t = OutputFormat::Text)]
        output: OutputFormat,
        /// The platform.
        #[command(flatten)]
        server: ServerArguments,
    },
}

/// Arguments of `findings list`.
#[derive(Debug, Args)]
pub struct FindingsListArguments {
    /// Only those in this state
    #[arg(long, value_enum, default_value_t = ListedState::Open)]
    pub state: ListedState,
    /// Only those at least this severe
    #[arg(long, value_name = "SEVERITY", default_value = "low")]
    pub min_severity: Severity,
    /// Only those of this check; takes other tools' names as well
    #[arg(long, value_name = "CHECK")]
    pub check: Option<String>,
    /// Only those in this file or below this folder
    #[arg(long, value_name = "PATH")]
    pub path: Option<String>,
    /// Only those of this cluster
    #[arg(long, value_name = "NAME")]
    pub cluster: Option<String>,
    /// How to print them
    #[arg(long, short, value_enum, default_value_t = OutputFormat::Text)]
    pub output: OutputFormat,
    /// The platform.
    #[command(flatten)]
    pub server: ServerArguments,
}

/// Which findings are listed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ListedState {
    /// The check fails
    Open,
    /// The check fails again, after the finding was fixed or gone
    Reappeared,
    /// The object is there and passes now
    Fixed,
    /// The object is no longer there
    Gone,
    /// Whatever the state
    All,
}

/// Arguments of `incidents`.
#[derive(Debug, Args)]
pub struct IncidentsArguments {
    /// What to do with them.
    #[command(subcommand)]
    pub command: IncidentsCommand,
}

/// The commands about incidents.
#[derive(Debug, Subcommand)]
pub enum IncidentsCommand {
    /// List incidents, the latest first
    List {
        /// Only those at least this severe
        #[arg(long, value_name = "SEVERITY", default_value = "medium")]
        min_severity: Severity,
        /// How to print them
        #[arg(long, short, value_enum, default_value_t = OutputFormat::Text)]
        output: OutputFormat,
        /// The platform.
        #[command(flatten)]
        server: ServerArguments,
    },
    /// Show one incident, by any id that it ever had
    Show {
        /// The id
        id: String,
        /// How to print it
        #[arg(long, short, value_enum, default_value_t = OutputFormat::Text)]
        output: OutputFormat,
        /// The platform.
        #[command(flatten)]
        server: ServerArguments,
    },
    /// Print incidents as they arrive and change
    Watch {
        /// Only those at least this severe
        #[arg(long, value_name = "SEVERITY", default_value = "medium")]
        min_severity: Severity,
        /// Go on where an earlier watch ended: the last `resume_token` that `-o json` printed
        #[arg(long, value_name = "TOKEN")]
        resume: Option<String>,
        /// How to print them
        #[arg(long, short, value_enum, default_value_t = OutputFormat::Text)]
        output: OutputFormat,
        /// The platform.
        #[command(flatten)]
        server: ServerArguments,
    },
}
