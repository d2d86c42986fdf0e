//! `airside verify`: whether boarding passes in files are signed by somebody trusted, what they say, and whether
//! manifests still are what was signed.
//!
//! Owns what counts as verified and the exit status. The form of bundles is `airside-report`'s, signatures are
//! `airside-auth`'s, what a pass says is `airside-k8s`'.

mod against;
mod documents;
mod told;

use std::path::Path;

use airside_auth::signature::{STATEMENT_TYPE, TrustedKeys};
use airside_k8s::boarding_pass::statement::{Claims, claims};
use airside_report::bundle::{self, Envelope, NotABundle};
use anyhow::Context;

use self::against::Comparison;
use self::documents::{DocumentPlace, Documents};
use crate::cli::{OutputFormat, VerifyArguments};
use crate::command::Outcome;
use crate::command::replay::read;
use crate::command::scan::{Inputs, Rendering};
use crate::show;

/// What became of the passes.
#[derive(Debug, Default)]
struct Verification {
    /// Those that somebody trusted has signed.
    verified: Vec<Verified>,
    /// Where others stand, and why they do not count.
    refused: Vec<(DocumentPlace, String)>,
    /// What could not be read.
    problems: Vec<String>,
    /// How the manifests stand to the passes, where that is asked for.
    comparison: Option<Comparison>,
}

/// A pass that somebody trusted has signed.
#[derive(Debug)]
struct Verified {
    place: DocumentPlace,
    claims: Claims,
    /// The id of the key that signed.
    key: String,
}

pub(super) fn run(arguments: &VerifyArguments) -> anyhow::Result<Outcome> {
    let mut keys = TrustedKeys::default();
    for path in &arguments.key {
        keys.add_pem(&read(path)?)
            .with_context(|| format!("--key: `{}` cannot verify", path.display()))?;
    }
    let mut verification = Verification::default();
    for path in &arguments.files {
        verification.take(path, &keys);
    }
    if !arguments.against.is_empty() {
        verification.compare(arguments);
    }
    for problem in &verification.problems {
        show::error(problem);
    }
    show::print(&match arguments.output {
        OutputFormat::Text => told::text(&verification),
        OutputFormat::Json => serde_json::to_string_pretty(&told::json(&verification))? + "\n",
    })?;
    Ok(verification.outcome())
}

impl Verification {
    fn take(&mut self, path: &Path, keys: &TrustedKeys) {
        let Documents { found, mut problems } = documents::read(path);
        for (place, document) in found {
            match bundle::read(&document) {
                Ok(envelope) => match verified(&envelope, keys) {
                    Ok((claims, key)) => self.verified.push(Verified { place, claims, key }),
                    Err(reason) => self.refused.push((place, reason)),
                },
                Err(reason @ NotABundle::Keyless) => {
                    self.refused.push((place, reason.to_string()));
                }
                Err(problem) => problems.push(format!("{place}: {problem}")),
            }
        }
        self.problems.extend(documents::told(path, problems));
    }

    /// Only passes that somebody trusted has signed vouch for anything.
    fn compare(&mut self, arguments: &VerifyArguments) {
        let mut inputs = Inputs::read(&arguments.against, &Rendering::default());
        inputs.find_unreadable();
        self.problems.append(&mut inputs.problems);
        let passes: Vec<&Claims> = self.verified.iter().map(|it| &it.claims).collect();
        self.comparison = Some(against::compare(&passes, &inputs.files));
    }

    fn outcome(&self) -> Outcome {
        let differs = self.comparison.as_ref().is_some_and(Comparison::differs);
        if !self.problems.is_empty() {
            Outcome::Unreadable
        } else if !self.refused.is_empty() || differs {
            Outcome::Findings
        } else {
            Outcome::Good
        }
    }
}

/// What was signed, and by which key; else why it does not count.
fn verified(envelope: &Envelope, keys: &TrustedKeys) -> Result<(Claims, String), String> {
    let Envelope { payload_type, signed } = envelope;
    let key = keys
        .signer(&signed.key, payload_type, &signed.statement, &signed.signature)
        .map_err(|error| error.to_string())?;
    if payload_type != STATEMENT_TYPE {
        return Err(format!("what was signed is no in-toto statement (`{STATEMENT_TYPE}`)"));
    }
    let claims = claims(&signed.statement).map_err(|error| error.to_string())?;
    Ok((claims, key.to_owned()))
}
