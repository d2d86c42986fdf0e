//! The arguments of `airside access`.

use std::path::PathBuf;

use clap::Args;

use super::{OutputFormat, ServerArguments};

/// Arguments of `access`.
#[derive(Debug, Args)]
pub struct AccessArguments {
    /// Files and folders with the bindings to look for, or - for standard input, such as what `kubectl get
    /// clusterrolebindings,rolebindings -A -o yaml` prints. Without any, the bindings that were used are listed
    pub paths: Vec<PathBuf>,
    /// The cluster
    #[arg(long, value_name = "NAME", default_value = "default")]
    pub cluster: String,
    /// Only bindings that were never used
    #[arg(long, requires = "paths")]
    pub unused: bool,
    /// Also write all that is known of them to a file, for `airside scan --used-grants`. With PATHS it also says since
    /// when bindings are granted, which manifests do not
    #[arg(long, value_name = "FILE")]
    pub export: Option<PathBuf>,
    /// How to print them
    #[arg(long, short, value_enum, default_value_t = OutputFormat::Text)]
    pub output: OutputFormat,
    /// The platform.
    #[command(flatten)]
    pub server: ServerArguments,
}
