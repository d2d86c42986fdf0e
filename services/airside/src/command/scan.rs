//! `airside scan`: manifests in, findings with file, line and fix out.

mod affected;
mod baseline;
mod bundles;
mod compliance;
mod exceptions;
mod excluded;
mod fixes;
mod folder;
pub(super) mod inputs;
mod live;
mod owners;
mod patches;
pub(super) mod paths;
mod peers;
mod project;
mod reach;
mod remote;
pub(super) mod render;
mod revision;
mod sources;
mod work_tree;

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use airside_auth::signature::{STATEMENT_TYPE, SigningKey};
use airside_checks::owner::is_owned_by;
use airside_checks::{Ineffective, Passes, Rendered, Selection, Terms};
use airside_k8s::Limits;
use airside_k8s::boarding_pass::statement::statement;
use airside_ports::Clock;
use airside_report::{
    NotEvaluated, Report, Sources, Unreadable, html, json, junit, markdown, sarif,
};
use airside_scanner::{LiveObjects, Scan};
use airside_service::SystemClock;
use airside_terms::{Policies, nearest};
use airside_types::{Attestation, Cluster, Id, Tenant};
use airside_vulnerability::join::Facts;
use airside_wire::scan::PublishOutcome;
use anyhow::Context;
use serde::Serialize;

use self::baseline::Baseline;
use self::exceptions::Exceptions;
use self::excluded::excluded;
pub(super) use self::inputs::Inputs;
pub(super) use self::owners::of_files;
use self::paths::shown;
pub(super) use self::render::Rendering;

use self::project::Project;
use self::revision::inputs_at;
use crate::cli::{ReportFormat, ScanArguments, ScanCommand};
use crate::client::{self, connect};
use crate::command::Outcome;
use crate::command::data::InForce;
use crate::command::grant_use;
use crate::command::policy::read_policies;
use crate::command::replay::read;
use crate::show::{self, FAINT, RESET};

pub(super) fn run(arguments: &ScanArguments) -> anyhow::Result<Outcome> {
    if let Some(ScanCommand::Affected(affected)) = &arguments.command {
        return affected::run(affected);
    }
    if let Some(framework) = &arguments.compliance {
        if framework == "list" {
            return compliance::print_list();
        }
        anyhow::ensure!(
            arguments.live || !arguments.paths.is_empty(),
            "--compliance {framework} of what? Name a PATH, such as `.`, or give --live"
        );
    }
    bundles::need_a_key(arguments)?;
    if arguments.remote {
        return remote::run(arguments);
    }
    let (tenant, cluster) =
        (Tenant::default(), Cluster::new(&arguments.cluster).context("--cluster is not usable")?);
    let mut exceptions = Exceptions::of(arguments)?;
    let (reports, unreadable) = affected::image_reports(&arguments.vulnerabilities);
    let policies = policies(arguments)?;
    let project = Project::of(arguments)?;
    let used = arguments.used_grants.as_deref().map(grant_use::read).transpose()?;
    if let Some(used) = &used {
        // Manifests may be of any cluster, as long as nobody takes what is said for another one's.
        if arguments.live || arguments.publish {
            used.ensure_is_of(&cluster)?;
        }
        show::remark(&format!("{FAINT}{}{RESET}", show::clean(&used.remark())));
    }
    let mut inputs = if arguments.live && arguments.paths.is_empty() {
        live::inputs(arguments)?
    } else {
        let limits = Limits::of_file_size(project.max_file_size.as_usize());
        let excluded = excluded(project.exclude.iter().chain(&arguments.exclude))?;
        Inputs::read_within((limits, excluded), &arguments.paths, &rendering(arguments)?)
    };
    exceptions.resolve(&inputs.files);
    inputs.problems.extend(unreadable);
    inputs.problems.extend(policies.iter().flat_map(|it| it.problems.clone()));
    let is_compared = arguments.live && inputs.live.is_none();
    let is_report = !is_compared
        && arguments.reach.is_empty()
        && arguments.compliance.is_none()
        && !arguments.fix;
    if !is_report {
        inputs.find_unreadable();
    }
    for problem in &inputs.problems {
        show::error(problem);
    }
    for what in &inputs.left_out {
        show::remark(&format!("{FAINT}{}{RESET}", show::clean(what)));
    }
    peers::remark(&inputs);
    remark_unused(arguments, &inputs);
    let first = arguments.paths.first().map_or_else(|| Path::new("."), PathBuf::as_path);
    let owners = of_files(&inputs, first)?;
    let data = InForce::load(&arguments.data)?;
    let origins = work_tree::origins(&inputs, &arguments.paths, tells_commits(arguments));
    let terms = Terms {
        origins: Some(&origins),
        policies: policies.as_ref().map(|it| &it.set),
        selection: &project.selection,
        owners: &owners,
        components: &data.components,
        grant_use: used.as_ref().map(|it| &it.known),
        reports: &reports,
        today: Some(SystemClock.now()),
        exceptions: &exceptions.exceptions,
        ..Terms::new(&tenant, &cluster, project.fail_on)
    };
    if is_compared {
        return live::compare(arguments, &inputs, &terms);
    }
    if !arguments.reach.is_empty() {
        return reach::run(&arguments.reach, &inputs, arguments.output);
    }
    if arguments.compliance.is_some() || arguments.fix {
        // Findings are not printed, and these would be lost with them.
        for it in &exceptions.misread {
            show::error(&format!("{}: {}", it.place, it.problem));
        }
    }
    if let Some(framework) = &arguments.compliance {
        // A benchmark is about all its checks, whatever the project's profile.
        let terms = Terms { selection: Selection::EVERYTHING, ..terms };
        return compliance::run(framework, &inputs, &terms, arguments);
    }
    if arguments.fix {
        return fixes::run(arguments, &inputs, &terms, &project);
    }
    report(arguments, &inputs, &terms, &project, exceptions.misread.clone()).inspect(|_| {
        if let Some(warning) = data.warning().filter(|_| arguments.output == ReportFormat::Text) {
            show::remark(&format!("{FAINT}{warning}{RESET}"));
        }
    })
}

/// Scans, and tells what was found.
fn report(
    arguments: &ScanArguments,
    inputs: &Inputs,
    terms: &Terms<'_>,
    project: &Project,
    misread: Vec<Ineffective>,
) -> anyhow::Result<Outcome> {
    let baseline = baseline(arguments, inputs, terms)?;
    let is_passed_on = arguments.publish || arguments.sign_key.is_some();
    let passes = if is_passed_on { Passes::Whole } else { Passes::WithoutFields };
    let mut scan = inputs.scan(&Terms { passes, ..terms.clone() });
    scan.ineffective.splice(0..0, misread);
    let whose = (terms.tenant, terms.cluster);
    let facts = Facts::of(terms.reports);
    tell(arguments, inputs, scan, project, baseline.as_ref(), whose, facts)
}

/// Tells what a scan of a tenant's cluster found, and publishes it where that is asked for.
fn tell(
    arguments: &ScanArguments,
    inputs: &Inputs,
    mut scan: Scan,
    project: &Project,
    baseline: Option<&Baseline>,
    (tenant, cluster): (&Tenant, &Cluster),
    facts: Facts<'_>,
) -> anyhow::Result<Outcome> {
    if let Some(path) = &arguments.sign_key {
        let key = signing_key(path)?;
        sign(&key, &mut scan, cluster);
        if let Some(path) = &arguments.bundles {
            bundles::write(path, &scan.report.passes, &key, cluster)?;
        }
    }
    let ids: Vec<Id> = scan.report.findings.iter().map(|it| it.id(tenant, cluster)).collect();
    let findings = &scan.report.findings;
    if let Some(owner) = &arguments.owner {
        tell_stranger(owner, &scan);
    }
    let known = baseline.map(|it| it.known_among(findings, &ids, &inputs.files));
    let report = report_of(&scan, &ids, known.as_ref(), project, inputs);
    let sources = match writes(arguments, ReportFormat::Sarif) {
        true => sources::of(inputs, &arguments.paths),
        false => Sources::default(),
    };
    let report = Report { facts, sources, ..report };
    for (format, path) in &arguments.reports {
        File::create(path)
            .and_then(|file| {
                let mut file = BufWriter::new(anstream::StripStream::new(file));
                write(*format, &report, (inputs, project), &mut file)?;
                file.flush()
            })
            .with_context(|| format!("`{}` cannot be written", path.display()))?;
    }
    let write = |out: &mut dyn Write| write(arguments.output, &report, (inputs, project), out);
    match arguments.output {
        // JSON has no character that would steer a terminal.
        ReportFormat::Json | ReportFormat::Sarif => show::print_unstyled_with(write)?,
        _ => show::print_with(write)?,
    }
    if arguments.publish {
        tell_published(publish(arguments, inputs, &scan, cluster.clone())?, &scan);
    }
    Ok(outcome(arguments, inputs, &scan, &report))
}

/// Says when nobody has the name of which only findings are told.
fn tell_stranger(wanted: &str, scan: &Scan) {
    let findings = scan.report.findings.iter().chain(scan.accepted.iter().map(|it| &it.finding));
    let owners: BTreeSet<&str> = findings.filter_map(|it| it.owner.as_deref()).collect();
    if owners.iter().any(|owner| is_owned_by(owner, wanted)) {
        return;
    }
    let hint = nearest(wanted, owners.iter().flat_map(|owner| owner.split_whitespace()));
    let told = format!("--owner: no finding is of anybody called `{wanted}`{hint}");
    show::remark(&show::clean(&told));
}

fn tell_published(outcome: PublishOutcome, scan: &Scan) {
    let again = match outcome.reappeared {
        0 => String::new(),
        times => format!(" ({times} again)"),
    };
    show::remark(&format!(
        "published: {} opened{again}, {} fixed, {} gone, {} unchanged; {} boarding passes",
        outcome.opened,
        outcome.fixed,
        outcome.gone,
        outcome.unchanged,
        scan.report.passes.len()
    ));
}

fn rendering(arguments: &ScanArguments) -> anyhow::Result<Rendering> {
    let namespace = match arguments.namespace.as_slice() {
        [] => None,
        [namespace, rest @ ..] => {
            let is_one = rest.is_empty() || arguments.live;
            anyhow::ensure!(is_one, "--namespace: charts are installed into one namespace");
            Some(namespace.clone()).filter(|_| rest.is_empty())
        }
    };
    Ok(Rendering { values: arguments.values.clone(), namespace })
}

/// Tells of options that have nothing to work on.
fn remark_unused(arguments: &ScanArguments, inputs: &Inputs) {
    let has_chart = inputs.made.values().any(|made| matches!(made.origin, Rendered::Chart(_)));
    if !arguments.values.is_empty() && !has_chart && inputs.problems.is_empty() {
        let told = "--values: no chart was rendered, so that nothing takes them";
        show::remark(&format!("{FAINT}{told}{RESET}"));
    }
    let takes_passes =
        arguments.publish || arguments.bundles.is_some() || writes(arguments, ReportFormat::Json);
    if arguments.sign_key.is_some() && !takes_passes {
        let told = "--sign-key: nothing here takes boarding passes; add --bundles FILE, --publish or --output json";
        show::remark(&format!("{FAINT}{told}{RESET}"));
    }
}

/// Whether anything tells which commits the inputs are at.
fn tells_commits(arguments: &ScanArguments) -> bool {
    arguments.publish || arguments.bundles.is_some() || writes(arguments, ReportFormat::Json)
}

/// Whether a form of the report is asked for.
fn writes(arguments: &ScanArguments, form: ReportFormat) -> bool {
    arguments.output == form || arguments.reports.iter().any(|(format, _)| *format == form)
}

/// The policies of `--policies`, where it is given.
fn policies(arguments: &ScanArguments) -> anyhow::Result<Option<Policies>> {
    if arguments.policies.is_empty() {
        return Ok(None);
    }
    let policies = read_policies(&arguments.policies);
    anyhow::ensure!(
        !policies.is_empty(),
        "--policies names no ValidatingAdmissionPolicy: is it in another folder?"
    );
    Ok(Some(policies))
}

fn baseline(
    arguments: &ScanArguments,
    inputs: &Inputs,
    terms: &Terms<'_>,
) -> anyhow::Result<Option<Baseline>> {
    if let Some(path) = &arguments.baseline {
        return Baseline::of_report(path).map(Some);
    }
    let Some(revision) = &arguments.since else { return Ok(None) };
    anyhow::ensure!(
        !arguments.paths.iter().any(|path| *path == Path::new("-")),
        "--since compares files; what comes by standard input has no earlier state in git: compare it with \
         --baseline"
    );
    let then = inputs_at(revision, &arguments.paths, &rendering(arguments)?, inputs)?;
    for problem in &then.problems {
        show::remark(&format!("{FAINT}as it was at {revision}: {}{RESET}", show::clean(problem)));
    }
    Ok(Some(Baseline::of_inputs(&then, terms)))
}

fn report_of<'a>(
    scan: &'a Scan,
    ids: &'a [Id],
    baseline: Option<&'a BTreeSet<Id>>,
    project: &'a Project,
    inputs: &'a Inputs,
) -> Report<'a> {
    let report = &scan.report;
    Report {
        version: env!("CARGO_PKG_VERSION"),
        files: inputs.files.len(),
        findings: &report.findings,
        ids,
        baseline,
        objects: &scan.objects,
        passes: &report.passes,
        accepted: &scan.accepted,
        ineffective: &scan.ineffective,
        not_evaluated: report
            .not_evaluated
            .iter()
            .map(|it| NotEvaluated { check: &it.check, reason: &it.reason })
            .collect(),
        unreadable: report
            .unreadable
            .iter()
            .map(|it| Unreadable { place: &it.place, reason: &it.reason })
            .collect(),
        problems: &inputs.problems,
        left_out: &inputs.left_out,
        sources: Sources::default(),
        fail_on: project.fail_on,
        owner: project.owner.as_deref(),
        selection: &project.selection,
        remark: project.remark(),
        facts: Facts::default(),
    }
}

/// Writes the report in a form. That for people has styles, which are stripped where they do not belong.
fn write(
    format: ReportFormat,
    report: &Report<'_>,
    (inputs, project): (&Inputs, &Project),
    out: &mut dyn Write,
) -> io::Result<()> {
    let text = match format {
        ReportFormat::Json => return write_json(&json::report(report), out),
        ReportFormat::Sarif => return write_json(&sarif::report(report), out),
        ReportFormat::Text => show::findings::report(report, &inputs.files, project.min_severity),
        ReportFormat::Junit => junit::report(report).map_err(io::Error::other)?,
        ReportFormat::Markdown => markdown::report(report),
        ReportFormat::Html => html::report(report),
    };
    out.write_all(text.as_bytes())
}

fn write_json(report: &impl Serialize, mut out: &mut dyn Write) -> io::Result<()> {
    serde_json::to_writer_pretty(&mut out, report)?;
    out.write_all(b"\n")
}

/// 2 when an input could not be read, 1 when a finding reaches the failing severity. With `--exit-zero` 2
/// only when nothing could be read at all.
fn outcome(
    arguments: &ScanArguments,
    inputs: &Inputs,
    scan: &Scan,
    report: &Report<'_>,
) -> Outcome {
    let broken = report.is_incomplete() || inputs.live.as_ref().is_some_and(LiveObjects::is_empty);
    if arguments.exit_zero {
        let is_nothing = match &inputs.live {
            Some(live) => live.is_empty(),
            // Neither a whole file nor an object of a broken one.
            None => scan.paths.is_empty() && scan.objects.is_empty(),
        };
        return if is_nothing { Outcome::Unreadable } else { Outcome::Good };
    }
    if broken {
        Outcome::Unreadable
    } else if report.fails() {
        Outcome::Findings
    } else {
        Outcome::Good
    }
}

/// Reads `FORMAT=FILE`.
pub(crate) fn parse_report(text: &str) -> Result<(ReportFormat, PathBuf), String> {
    let (format, path) =
        text.split_once('=').ok_or("write FORMAT=FILE, such as sarif=airside.sarif")?;
    let format = <ReportFormat as clap::ValueEnum>::from_str(format, false)?;
    Ok((format, PathBuf::from(path)))
}

fn signing_key(path: &Path) -> anyhow::Result<SigningKey> {
    SigningKey::from_pem(&read(path)?).with_context(|| format!("`{}` cannot sign", path.display()))
}

/// Signs all passes, as they are about to be published.
fn sign(key: &SigningKey, scan: &mut Scan, cluster: &Cluster) {
    for pass in &mut scan.report.passes {
        pass.attestation = Some(attestation(key, statement(pass, cluster)));
    }
}

fn attestation(key: &SigningKey, statement: Vec<u8>) -> Attestation {
    let signature = key.sign(STATEMENT_TYPE, &statement);
    Attestation { statement, key: key.id().to_owned(), signature }
}

fn publish(
    arguments: &ScanArguments,
    inputs: &Inputs,
    scan: &Scan,
    cluster: Cluster,
) -> anyhow::Result<PublishOutcome> {
    let mut publication = scan.publication(cluster);
    if arguments.complete {
        anyhow::ensure!(
            inputs.problems.is_empty(),
            "nothing was published: some input could not be read, so that the paths were not scanned \
             completely; mend it or leave --complete out"
        );
        let named = arguments.paths.iter().filter(|path| *path != Path::new("-"));
        publication.scanned_paths.extend(named.map(|path| shown(path)));
    }
    airside_node::runtime()?
        .block_on(async { client::publish(connect(&arguments.server).await?, publication).await })
}
