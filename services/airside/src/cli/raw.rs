//! The arguments of `airside raw`.

use std::convert::Infallible;
use std::path::PathBuf;
use std::str::FromStr;

use clap::{Args, Subcommand};

use super::{Moment, OutputFormat, ServerArguments};

/// Arguments of `raw`.
#[derive(Debug, Args)]
pub struct RawArguments {
    /// What to do with them.
    #[command(subcommand)]
    pub command: RawCommand,
}

/// The commands about raw events.
#[derive(Debug, Subcommand)]
pub enum RawCommand {
    /// Show what was sent of one event: its raw records, one for each stage that was logged
    Get {
        /// The event's id, as detections and incidents name it
        id: String,
        /// How to print them
        #[arg(long, short, value_enum, default_value_t = OutputFormat::Text)]
        output: OutputFormat,
        /// Where they are.
        #[command(flatten)]
        source: RawSourceArguments,
    },
    /// Find events by time, actor, object, verb and address; the latest first
    Query(Box<RawQueryArguments>),
}

/// Where raw events are asked for.
#[derive(Debug, Args)]
pub struct RawSourceArguments {
    /// The platform.
    #[command(flatten)]
    pub server: ServerArguments,
    /// Read the files in this folder, or in a bucket such as s3://raw-events/airside, instead of asking the
    /// platform; only who may read them can. A bucket has what was sealed
    #[arg(long, value_name = "DIR|s3://BUCKET/PREFIX")]
    pub archive: Option<ArchivePlace>,
    /// Settings file (TOML) whose section audit-ingest.archive.object_store says where a bucket's store answers
    /// and who we are there; else the variables AWS_… do
    #[arg(long, value_name = "FILE", env = "AIRSIDE_CONFIG")]
    pub config: Option<PathBuf>,
    /// Whose events, with --archive [default: default]
    #[arg(long, value_name = "NAME", requires = "archive")]
    pub tenant: Option<String>,
    /// Show credentials as well, with --archive; a platform never does
    #[arg(long, requires = "archive")]
    pub unredacted: bool,
}

/// Where the files of an archive lie.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ArchivePlace {
    /// In a folder of this machine.
    Folder(PathBuf),
    /// In a bucket: `s3://BUCKET/PREFIX`.
    Bucket(String),
}

impl FromStr for ArchivePlace {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Infallible> {
        Ok(match text.starts_with("s3://") {
            true => Self::Bucket(text.to_owned()),
            false => Self::Folder(PathBuf::from(text)),
        })
    }
}

/// Arguments of `raw query`.
#[derive(Debug, Args)]
pub struct RawQueryArguments {
    /// Only what happened from then on: `2026-11-26`, `2026-11-26T08:00:00Z`, or how long ago, such as `2h`
    #[arg(long, value_name = "TIME", alias = "from")]
    pub since: Option<Moment>,
    /// Only what happened until then; a day is meant whole
    #[arg(long, value_name = "TIME", alias = "to")]
    pub until: Option<Moment>,
    /// Only what this user did, such as system:serviceaccount:shop:web
    #[arg(long, value_name = "NAME")]
    pub actor: Option<String>,
    /// Only what was done as this user
    #[arg(long, value_name = "NAME")]
    pub impersonated: Option<String>,
    /// Only with this verb
    #[arg(long, value_name = "VERB")]
    pub verb: Option<String>,
    /// Only of this API group
    #[arg(long, value_name = "NAME")]
    pub group: Option<String>,
    /// Only of this resource, such as pods or pods/exec
    #[arg(long, value_name = "PLURAL")]
    pub resource: Option<String>,
    /// Only in this namespace; "" for what is in none
    #[arg(long, short, value_name = "NAME")]
    pub namespace: Option<String>,
    /// Only about the object of this name
    #[arg(long, value_name = "NAME")]
    pub name: Option<String>,
    /// Only from this address
    #[arg(long, value_name = "IP")]
    pub address: Option<String>,
    /// Only with this id of the source (auditID)
    #[arg(long, value_name = "ID")]
    pub audit_id: Option<String>,
    /// Only what was answered with this HTTP status
    #[arg(long, value_name = "STATUS")]
    pub code: Option<u16>,
    /// Only of this cluster
    #[arg(long, value_name = "NAME")]
    pub cluster: Option<String>,
    /// How many to print at most; 0 for all
    #[arg(long, value_name = "COUNT", default_value_t = 100)]
    pub limit: usize,
    /// How to print them: a line each; as JSON with the raw event
    #[arg(long, short, value_enum, default_value_t = OutputFormat::Text)]
    pub output: OutputFormat,
    /// Where they are.
    #[command(flatten)]
    pub source: RawSourceArguments,
}
