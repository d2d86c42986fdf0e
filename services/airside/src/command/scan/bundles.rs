//! `airside scan --bundles`: signed boarding passes in a file, for those who do not ask the platform.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;

use airside_auth::signature::SigningKey;
use airside_k8s::boarding_pass::statement::statement_with_fields;
use airside_report::bundle::bundle;
use airside_types::{BoardingPass, Cluster};
use anyhow::Context;

use super::attestation;
use crate::cli::ScanArguments;

/// Refuses `--bundles` without a key.
pub(super) fn need_a_key(arguments: &ScanArguments) -> anyhow::Result<()> {
    anyhow::ensure!(
        arguments.bundles.is_none() || arguments.sign_key.is_some(),
        "--bundles writes signed boarding passes and needs a key: make one with `openssl genpkey -algorithm \
         ed25519 -out key.pem`, and add `--sign-key key.pem`"
    );
    Ok(())
}

/// Writes each pass as a bundle on a line of its own. What is signed holds the digests of the fields too, which
/// are not on the platform's statements: there the pass itself has them.
pub(super) fn write(
    path: &Path,
    passes: &[BoardingPass],
    key: &SigningKey,
    cluster: &Cluster,
) -> anyhow::Result<()> {
    let write = || -> std::io::Result<()> {
        let mut file = BufWriter::new(File::create(path)?);
        for pass in passes {
            let signed = attestation(key, statement_with_fields(pass, cluster));
            writeln!(file, "{}", bundle(&signed))?;
        }
        file.flush()
    };
    write().with_context(|| format!("`{}` cannot be written", path.display()))
}
