//! What was there before: the fingerprints of an earlier scan, or of the same paths at a git revision.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use airside_checks::Terms;
use airside_k8s::Limits;
use airside_terms::is_manifest;
use airside_types::Id;
use anyhow::Context;
use serde_json::Value;

use super::inputs::Inputs;
use super::work_tree::git;
use crate::command::replay::read;

/// The fingerprints in the JSON output of an earlier scan.
pub(super) fn of_report(path: &Path) -> anyhow::Result<BTreeSet<Id>> {
    let report: Value = serde_json::from_slice(&read(path)?)
        .with_context(|| format!("`{}` is no JSON", path.display()))?;
    let findings = report.get("findings").and_then(Value::as_array).with_context(|| {
        format!(
            "`{}` is no report of a scan: write one with `airside scan --report json=FILE PATH`",
            path.display()
        )
    })?;
    findings
        .iter()
        .map(|finding| {
            let print = finding.get("fingerprint").and_then(Value::as_str);
            let print = print.context("a finding of the baseline has no fingerprint")?;
            print.parse().with_context(|| format!("`{print}` is no fingerprint"))
        })
        .collect()
}

/// The fingerprints of the same paths as they were at a revision.
pub(super) fn of_revision(
    revision: &str,
    paths: &[PathBuf],
    terms: &Terms<'_>,
    limits: &Limits,
) -> anyhow::Result<BTreeSet<Id>> {
    anyhow::ensure!(!revision.starts_with('-'), "`{revision}` is no revision");
    let mut inputs = Inputs::default();
    for path in paths {
        take(&mut inputs, revision, path)?;
    }
    let scan = airside_scanner::scan_files_within(limits, &inputs.files, terms);
    Ok(scan.report.findings.iter().map(|it| it.id(terms.tenant, terms.cluster)).collect())
}

/// The files of a path at a revision, under the names that they are given by now.
fn take(inputs: &mut Inputs, revision: &str, path: &Path) -> anyhow::Result<()> {
    let folder = if path.is_dir() { path } else { path.parent().unwrap_or(path) };
    let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
    let listed = git(folder, &["ls-tree", "-r", "-z", "--name-only", revision, "."])?;
    for name in listed.split(|byte| *byte == 0).filter(|name| !name.is_empty()) {
        let name = String::from_utf8_lossy(name);
        let file = folder.join(&*name);
        let wanted = if path.is_dir() {
            is_manifest(&file) && !is_hidden(&name)
        } else {
            file == path || *path == *Path::new(&*name)
        };
        if wanted {
            let content = git(folder, &["show", &format!("{revision}:./{name}")])?;
            let shown = if path.is_dir() { file.as_path() } else { path };
            inputs.add(shown.to_string_lossy().replace('\\', "/"), content);
        }
    }
    Ok(())
}

fn is_hidden(name: &str) -> bool {
    name.split('/').rev().skip(1).any(|folder| folder.starts_with('.'))
}
