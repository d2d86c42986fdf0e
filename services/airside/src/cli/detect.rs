//! The arguments of `detect` and `authorised`.

use std::path::PathBuf;

use airside_types::Severity;
use clap::{Args, Subcommand};

use super::{Moment, OutputFormat, TestFormat};

/// Arguments of `detect`.
#[derive(Debug, Args)]
pub struct DetectArguments {
    /// Files and folders, read one after the other; `-` is standard input. Files of a folder are read in the order of
    /// their first events, so that rotated logs come in the order of time. gzip is unpacked
    #[arg(required = true, value_name = "FILE")]
    pub files: Vec<PathBuf>,
    /// What wrote the files: audit, falco or tetragon
    #[arg(long, value_name = "SOURCE", default_value = "audit")]
    pub source: String,
    /// Your own rules (Sigma): a file or folder; may be given again
    #[arg(long, value_name = "PATH")]
    pub rules: Vec<PathBuf>,
    /// What is authorised (`airside authorised`): a file or folder; may be given again. Detections of what is
    /// authorised are told as info, and what an administrator does outside of it is told
    #[arg(long, value_name = "PATH")]
    pub authorised: Vec<PathBuf>,
    /// Only detections at least this severe
    #[arg(long, value_name = "SEVERITY")]
    pub min_severity: Option<Severity>,
    /// Only detections of this rule; may be given again
    #[arg(long, value_name = "RULE")]
    pub rule: Vec<String>,
    /// Only what happened from then on: `2026-11-26`, `2026-11-26T08:00:00Z`, or how long ago, such as `2h`. What is
    /// usual is learnt from before as well
    #[arg(long, value_name = "TIME")]
    pub since: Option<Moment>,
    /// Only what happened until then; a day is meant whole
    #[arg(long, value_name = "TIME")]
    pub until: Option<Moment>,
    /// Tell all that an actor did, or that was done to an object, in the order of time, with detections in their
    /// place: `alice`, `system:serviceaccount:shop:web` or `shop/web` for an actor, `Pod shop/web-0` or `Node worker-1`
    /// for an object
    #[arg(long, value_name = "WHO|WHAT")]
    pub timeline: Option<String>,
    /// Tell as well what was not told, and why: events that are only counted or came twice, what is authorised, and
    /// detections for which a service would let another one stand
    #[arg(long)]
    pub explain: bool,
    /// How to print what was found; json is one object a line
    #[arg(long, short, value_enum, default_value_t = OutputFormat::Text)]
    pub output: OutputFormat,
}

/// Arguments of `authorised`.
#[derive(Debug, Args)]
pub struct AuthorisedArguments {
    /// What to do with it.
    #[command(subcommand)]
    pub command: AuthorisedCommand,
}

/// The commands about what people declare as authorised.
#[derive(Debug, Subcommand)]
pub enum AuthorisedCommand {
    /// Read what is authorised, and tell what is wrong with it
    ///
    /// A rule with a mistake authorises nothing. Exits with 2 where there is one.
    Check {
        /// Files and folders
        #[arg(value_name = "PATH", default_value = ".")]
        paths: Vec<PathBuf>,
    },
    /// Run the cases beside what is authorised: files named `*.test.yaml`, each with the declarations of its folder
    Test {
        /// Files and folders
        #[arg(value_name = "PATH", default_value = ".")]
        paths: Vec<PathBuf>,
        /// How to print what became of them
        #[arg(long, short, value_enum, default_value_t = TestFormat::Text)]
        output: TestFormat,
    },
}
