//! The arguments of `airside verify`.

use std::path::PathBuf;

use clap::Args;

use super::OutputFormat;

/// Arguments of `verify`.
#[derive(Debug, Args)]
pub struct VerifyArguments {
    /// Files with boarding passes, as `airside scan --bundles` writes them: Sigstore bundles or DSSE
    /// envelopes, one JSON document or one a line; `-` is standard input
    #[arg(required = true, value_name = "FILE")]
    pub files: Vec<PathBuf>,
    /// Public key that is trusted: PEM, as `openssl pkey -in KEY -pubout` prints it; may be given again
    #[arg(long, value_name = "FILE", required = true)]
    pub key: Vec<PathBuf>,
    /// Manifests, charts (with their own values) and kustomizations, or what was rendered from them: tell
    /// whether each object there is what was signed, and which fields have changed; may be given again. The
    /// values of Secrets are not part of what is signed
    #[arg(long, value_name = "PATH")]
    pub against: Vec<PathBuf>,
    /// How to print what the passes say
    #[arg(long, short, value_enum, default_value_t = OutputFormat::Text)]
    pub output: OutputFormat,
}
