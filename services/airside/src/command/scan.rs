//! `airside scan`: manifests in, findings with file, line and fix out.

use std::io::Read;
use std::path::Path;

use airside_scanner::Scan;
use airside_types::{Cluster, Finding, Severity, Tenant};
use airside_wire::scan::{PublishOutcome, ScanReport, SourceFile};
use airside_wire::v1::PublishRequest;
use airside_wire::v1::scan_service_client::ScanServiceClient;
use anyhow::Context;
use serde_json::{Value, json};

use crate::cli::{OutputFormat, ScanArguments};
use crate::client::connect;
use crate::command::Outcome;
use crate::command::incidents::said;
use crate::command::replay::read;
use crate::show::{self, FAINT, PLACE, RESET, STRONG};

/// The endings of files that are scanned when a folder is given.
const ENDINGS: [&str; 3] = ["yaml", "yml", "json"];

pub(super) fn run(arguments: &ScanArguments) -> anyhow::Result<Outcome> {
    let cluster = Cluster::new(&arguments.cluster).context("--cluster is not usable")?;
    let mut inputs = Inputs::default();
    for path in &arguments.paths {
        inputs.take(path);
    }
    for problem in &inputs.problems {
        show::remark(&format!("{}error:{RESET} {problem}", show::ERROR));
    }
    let failing = arguments.fail_on;
    let scan = airside_scanner::scan_files(&inputs.files, &Tenant::default(), &cluster, failing);
    let report = &scan.report;
    match arguments.output {
        OutputFormat::Json => {
            let whole = serde_json::to_string_pretty(&scan_json(&scan))?;
            show::print_bytes(format!("{whole}\n").as_bytes())?;
        }
        OutputFormat::Text => print(report, &inputs.files)?,
    }
    if arguments.publish {
        let outcome = publish(arguments, &scan, cluster)?;
        show::remark(&format!(
            "published: {} opened, {} fixed, {} gone, {} unchanged; {} boarding passes",
            outcome.opened,
            outcome.fixed,
            outcome.gone,
            outcome.unchanged,
            report.passes.len()
        ));
    }
    Ok(outcome(arguments, &inputs, report))
}

/// 2 when an input could not be read, 1 when a finding reaches the failing severity. With `--exit-zero` 2
/// only when nothing could be read at all.
fn outcome(arguments: &ScanArguments, inputs: &Inputs, report: &ScanReport) -> Outcome {
    let broken = !inputs.problems.is_empty() || report.unreadable.iter().any(|it| !is_foreign(it));
    if arguments.exit_zero {
        return if inputs.files.is_empty() { Outcome::Unreadable } else { Outcome::Good };
    }
    if broken {
        Outcome::Unreadable
    } else if report.findings.iter().any(|finding| finding.severity >= arguments.fail_on) {
        Outcome::Findings
    } else {
        Outcome::Good
    }
}

/// Whether something was read well and is just no Kubernetes object: a values file, a kustomization.
fn is_foreign(unreadable: &airside_wire::scan::Unreadable) -> bool {
    unreadable.reason.contains("no Kubernetes object")
}

#[derive(Debug, Default)]
struct Inputs {
    files: Vec<SourceFile>,
    problems: Vec<String>,
}

impl Inputs {
    fn take(&mut self, path: &Path) {
        if path == Path::new("-") {
            let mut content = Vec::new();
            match std::io::stdin().lock().read_to_end(&mut content) {
                Ok(_) => self.add("-".to_owned(), content),
                Err(error) => self.problems.push(format!("standard input cannot be read: {error}")),
            }
        } else if path.is_dir() {
            self.folder(path);
        } else {
            self.file(path);
        }
    }

    fn folder(&mut self, folder: &Path) {
        let entries = match std::fs::read_dir(folder) {
            Ok(entries) => entries,
            Err(error) => {
                return self
                    .problems
                    .push(format!("`{}` cannot be read: {error}", folder.display()));
            }
        };
        let mut paths: Vec<_> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
        paths.sort();
        for path in paths {
            let hidden =
                path.file_name().is_some_and(|name| name.to_string_lossy().starts_with('.'));
            let ending = path.extension().map(|ending| ending.to_string_lossy().to_lowercase());
            if path.is_dir() && !hidden && !path.is_symlink() {
                self.folder(&path);
            } else if path.is_file() && ending.is_some_and(|it| ENDINGS.contains(&it.as_str())) {
                self.file(&path);
            }
        }
    }

    fn file(&mut self, path: &Path) {
        match read(path) {
            Ok(content) => self.add(path.to_string_lossy().replace('\\', "/"), content),
            Err(error) => self.problems.push(format!("{error:#}")),
        }
    }

    fn add(&mut self, path: String, content: Vec<u8>) {
        self.files.push(SourceFile { path, content: content.into() });
    }
}

fn publish(
    arguments: &ScanArguments,
    scan: &Scan,
    cluster: Cluster,
) -> anyhow::Result<PublishOutcome> {
    let publication = scan.publication(cluster);
    airside_node::runtime()?.block_on(async {
        let mut client = ScanServiceClient::new(connect(&arguments.server).await?);
        let answer = client.publish(PublishRequest::from(&publication)).await.map_err(said)?;
        let outcome = answer.into_inner().outcome.context("the platform gave no outcome")?;
        Ok(outcome.try_into()?)
    })
}

fn scan_json(scan: &Scan) -> Value {
    let report = &scan.report;
    let mut findings = Vec::new();
    for checked in &scan.objects {
        let own = report.findings.get(checked.findings.clone()).unwrap_or_default();
        findings.extend(own.iter().map(|finding| finding_json(finding, &checked.api_version)));
    }
    let passes: Vec<_> = report
        .passes
        .iter()
        .map(|pass| {
            json!({
                "digest": pass.digest.to_string(),
                "verdict": pass.verdict.as_str(),
                "location": place_json(&pass.place),
                "template": pass.template,
                "resource": {
                    "kind": pass.object.kind, "namespace": pass.object.namespace,
                    "name": pass.object.name,
                },
            })
        })
        .collect();
    let not_evaluated: Vec<_> = report
        .not_evaluated
        .iter()
        .map(|it| json!({ "check": it.check, "reason": it.reason }))
        .collect();
    let unreadable: Vec<_> = report
        .unreadable
        .iter()
        .map(|it| json!({ "location": place_json(&it.place), "reason": it.reason }))
        .collect();
    json!({
        "findings": findings, "boarding_passes": passes,
        "not_evaluated": not_evaluated, "unreadable": unreadable,
    })
}

fn finding_json(finding: &Finding, api_version: &str) -> Value {
    let object = &finding.object;
    let techniques: Vec<_> = finding.techniques.iter().map(|it| it.id()).collect();
    json!({
        "check": finding.check,
        "severity": finding.severity.as_str(),
        "message": finding.message,
        "field": finding.field.to_string(),
        "fix": finding.fix,
        "techniques": techniques,
        "location": place_json(&finding.place),
        "resource": {
            "apiVersion": api_version, "kind": object.kind,
            "namespace": object.namespace, "name": object.name,
        },
    })
}

fn place_json(place: &airside_types::Place) -> Value {
    json!({ "path": place.path, "line": place.line, "column": place.column })
}

/// Findings by file and object, each with its source line, then a summary.
fn print(report: &ScanReport, files: &[SourceFile]) -> anyhow::Result<()> {
    let mut out = String::new();
    let mut before = None;
    for finding in &report.findings {
        let heading = (&finding.place.path, &finding.object);
        if before != Some(heading) {
            out.push_str(&format!(
                "\n{STRONG}{}{RESET}  {FAINT}{}{RESET}\n",
                finding.object, finding.place.path
            ));
            before = Some(heading);
        }
        let style = show::severity(finding.severity);
        out.push_str(&format!(
            "  {style}{:<8}{RESET} {PLACE}{}{RESET}  {} {FAINT}({}){RESET}\n",
            finding.severity, finding.place, finding.message, finding.check
        ));
        if let Some(line) = source_line(files, finding) {
            out.push_str(&format!("           {FAINT}{:>5} |{RESET} {line}\n", finding.place.line));
        }
        out.push_str(&format!("           fix: {}\n", finding.fix));
    }
    for unreadable in &report.unreadable {
        out.push_str(&format!("\n{PLACE}{}{RESET}  {}\n", unreadable.place, unreadable.reason));
    }
    out.push_str(&summary(report, files.len()));
    Ok(show::print(&out)?)
}

fn source_line<'f>(files: &'f [SourceFile], finding: &Finding) -> Option<&'f str> {
    let file = files.iter().find(|file| file.path == finding.place.path)?;
    let text = std::str::from_utf8(&file.content).ok()?;
    let line = usize::try_from(finding.place.line).ok()?.checked_sub(1)?;
    text.lines().nth(line).map(str::trim_end)
}

fn summary(report: &ScanReport, files: usize) -> String {
    let counted: Vec<_> = Severity::ALL
        .into_iter()
        .rev()
        .filter_map(|severity| {
            let count = report.findings.iter().filter(|it| it.severity == severity).count();
            (count > 0).then(|| format!("{}{count} {severity}{RESET}", show::severity(severity)))
        })
        .collect();
    let findings = if counted.is_empty() { "no findings".to_owned() } else { counted.join(", ") };
    let mut text = format!(
        "\n{STRONG}{findings}{RESET} in {} objects of {files} files\n",
        report.passes.len()
    );
    for it in &report.not_evaluated {
        text.push_str(&format!("{FAINT}not evaluated: {} ({}){RESET}\n", it.check, it.reason));
    }
    text
}
