//! What was there before: the fingerprints of an earlier scan, or of the same paths at a git revision.

use std::collections::BTreeSet;
use std::path::Path;

use airside_checks::{Passes, Terms};
use airside_types::Id;
use anyhow::Context;
use serde_json::Value;

use super::inputs::Inputs;
use crate::command::replay::read_text;

/// The fingerprints in the JSON output of an earlier scan.
pub(super) fn of_report(path: &Path) -> anyhow::Result<BTreeSet<Id>> {
    let report: Value = serde_json::from_str(&read_text(path)?)
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

/// The fingerprints of what was there before.
pub(super) fn of_inputs(before: &Inputs, terms: &Terms<'_>) -> BTreeSet<Id> {
    let scan = before.scan(&Terms { passes: Passes::None, ..terms.clone() });
    scan.report.findings.iter().map(|it| it.id(terms.tenant, terms.cluster)).collect()
}
