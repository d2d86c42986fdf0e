//! `airside scan --remote`: a running platform judges the manifests by its terms, and everything else is as in a scan
//! here.
//!
//! What only the machine with the files knows is added to the answer: charts and commits behind them, CODEOWNERS.

use std::path::{Path, PathBuf};

use airside_checks::Selection;
use airside_k8s::Limits;
use airside_scanner::Scan;
use airside_terms::project::{nearest_file, nearest_named};
use airside_types::{Cluster, Tenant};
use airside_vulnerability::join::Facts;
use airside_wire::scan::{ScanAnswer, ScanRequest, ScanTerms};
use anyhow::Context;

use super::exceptions::EXCEPTIONS;
use super::excluded::excluded;
use super::inputs::Inputs;
use super::paths::shown;
use super::project::Project;
use super::{Baseline, of_files, rendering, tell, tells_commits, work_tree};
use crate::cli::ScanArguments;
use crate::client::{self, connect};
use crate::command::Outcome;
use crate::show::{self, FAINT, RESET};

pub(super) fn run(arguments: &ScanArguments) -> anyhow::Result<Outcome> {
    let cluster = Cluster::new(&arguments.cluster).context("--cluster is not usable")?;
    let limits = arguments
        .max_file_size
        .map_or_else(Limits::default, |most| Limits::of_file_size(most.as_usize()));
    let inputs = Inputs::read_within(
        (limits, excluded(arguments.exclude.iter())?),
        &arguments.paths,
        &rendering(arguments)?,
    );
    for problem in &inputs.problems {
        show::error(problem);
    }
    let first = arguments.paths.first().map_or_else(|| Path::new("."), PathBuf::as_path);
    tell_unread(first);
    let baseline = arguments.baseline.as_deref().map(Baseline::of_report).transpose()?;
    let owners = of_files(&inputs, first)?;
    let origins = work_tree::origins(&inputs, &arguments.paths, tells_commits(arguments));
    let answer = ask(arguments, &inputs, &cluster)?;
    let (selection, fail_on) = match &answer.terms {
        Some(terms) => (selection(terms)?, Some(terms.fail_on)),
        None if inputs.files.is_empty() => (Selection::EVERYTHING.clone(), None),
        None => anyhow::bail!("the platform does not say by which terms it judged: update it"),
    };
    let project = Project::of_platform(arguments, selection, fail_on)?;
    let scan = Scan::of_answer(&inputs.limits, &inputs.files, answer.report, &origins, &owners);
    let whose = (&Tenant::default(), &cluster);
    // Reports stay with the platform, whose findings say what they know.
    tell(arguments, &inputs, scan, &project, baseline.as_ref(), whose, Facts::default())
}

/// What the platform says; nothing of nothing.
fn ask(
    arguments: &ScanArguments,
    inputs: &Inputs,
    cluster: &Cluster,
) -> anyhow::Result<ScanAnswer> {
    if inputs.files.is_empty() {
        return Ok(ScanAnswer::default());
    }
    let request = ScanRequest {
        files: inputs.files.clone(),
        cluster: cluster.clone(),
        // What is published is signed, and names commits: it is published from here.
        publish: false,
        failing_severity: arguments.fail_on,
    };
    airside_node::runtime()?
        .block_on(async { client::scan(connect(&arguments.server).await?, request).await })
}

fn selection(terms: &ScanTerms) -> anyhow::Result<Selection> {
    Selection::told(&terms.profile, &terms.left_out, &terms.severities).map_err(|error| {
        anyhow::anyhow!("the platform knows `{}`, which this program does not: update it", error.0)
    })
}

/// Files that a scan here would read.
fn tell_unread(first: &Path) {
    let first = if first == Path::new("-") { Path::new(".") } else { first };
    let files = [nearest_file(first), nearest_named(first, EXCEPTIONS)];
    for path in files.into_iter().flatten() {
        show::remark(&format!(
            "{FAINT}`{}` is not read: with --remote the platform's terms hold{RESET}",
            shown(&path)
        ));
    }
}
