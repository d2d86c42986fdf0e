//! What was there before: the findings of an earlier report, or of the same paths at a git revision, and which
//! findings of now they are.
//!
//! A finding is known by its fingerprint. Where its file is gone, it is the one of another file that says the
//! same of the same object: the file was moved, or is seen from another folder. Git is not asked for that.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use airside_checks::{Passes, Terms};
use airside_types::{Finding, Id};
use airside_wire::scan::SourceFile;
use anyhow::Context;
use serde_json::Value;

use super::inputs::Inputs;
use super::render::RENDERED;
use super::work_tree;
use crate::command::replay::read_text;

/// What the paths of live objects begin with: they are no files.
const LIVE: &str = "live:";

/// The findings that were there before.
pub(super) struct Baseline(Vec<Known>);

/// A finding that was there before.
struct Known {
    id: Id,
    path: String,
    /// None where the report does not say it.
    what: Option<What>,
}

/// What a finding is, wherever it stands.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct What {
    check: String,
    group: String,
    kind: String,
    namespace: Option<String>,
    name: String,
    field: String,
}

impl Baseline {
    /// The findings in the JSON output of an earlier scan.
    pub(super) fn of_report(path: &Path) -> anyhow::Result<Self> {
        let report: Value = serde_json::from_str(&read_text(path)?)
            .with_context(|| format!("`{}` is no JSON", path.display()))?;
        let findings = report.get("findings").and_then(Value::as_array).with_context(|| {
            format!(
                "`{}` is no report of a scan: write one with `airside scan --report json=FILE PATH`",
                path.display()
            )
        })?;
        Ok(Self(findings.iter().map(Known::read).collect::<anyhow::Result<_>>()?))
    }

    /// The findings of what was there before.
    pub(super) fn of_inputs(before: &Inputs, terms: &Terms<'_>) -> Self {
        let origins = work_tree::origins(before, &[], false);
        let terms = Terms { passes: Passes::None, origins: Some(&origins), ..terms.clone() };
        let scan = before.scan(&terms);
        let known = scan.report.findings.iter().map(|finding| Known {
            id: finding.id(terms.tenant, terms.cluster),
            path: finding.place.path.to_string(),
            what: Some(What::of(finding, field_of(finding))),
        });
        Self(known.collect())
    }

    /// The fingerprints of what was there before, among them those of now of findings whose file was moved.
    pub(super) fn known_among(
        &self,
        findings: &[Finding],
        ids: &[Id],
        files: &[SourceFile],
    ) -> BTreeSet<Id> {
        let before: BTreeSet<Id> = self.0.iter().map(|it| it.id).collect();
        let still: BTreeSet<Id> = ids.iter().copied().collect();
        let mut known = before.clone();
        let mut left: BTreeMap<&What, Vec<&str>> = BTreeMap::new();
        for it in self.0.iter().filter(|it| !still.contains(&it.id)) {
            if let Some(what) = it.what.as_ref().filter(|_| !it.path.starts_with(LIVE)) {
                left.entry(what).or_default().push(&it.path);
            }
        }
        let files: BTreeSet<&str> = files.iter().map(|file| file.path.as_str()).collect();
        for (finding, id) in findings.iter().zip(ids).filter(|(_, id)| !before.contains(id)) {
            let now = &*finding.place.path;
            // Older versions have not written fields by the names of their elements.
            let fields = [finding.named_field.as_deref(), Some(finding.field.as_str())];
            let mut what = fields.into_iter().flatten().map(|field| What::of(finding, field));
            let Some(what) = what.find(|what| left.contains_key(what)) else { continue };
            let Some(paths) = left.get_mut(&what) else { continue };
            let moved = |path: &&str| {
                !is_there(path) || (!files.contains(*path) && is_end_of_other(path, now))
            };
            if let Some(at) = paths.iter().position(moved).filter(|_| !now.starts_with(LIVE)) {
                paths.swap_remove(at);
                known.insert(*id);
            }
        }
        known
    }
}

impl Known {
    fn read(finding: &Value) -> anyhow::Result<Self> {
        let print = finding.get("fingerprint").and_then(Value::as_str);
        let print = print.context("a finding of the baseline has no fingerprint")?;
        let id = print.parse().with_context(|| format!("`{print}` is no fingerprint"))?;
        let path = finding.pointer("/location/path").and_then(Value::as_str).unwrap_or_default();
        Ok(Self { id, path: path.to_owned(), what: What::read(finding) })
    }
}

impl What {
    fn of(finding: &Finding, field: &str) -> Self {
        let object = &finding.object;
        Self {
            check: finding.check.to_string(),
            group: object.group.clone(),
            kind: object.kind.clone(),
            namespace: object.namespace.clone(),
            name: object.name.clone(),
            field: field.to_owned(),
        }
    }

    fn read(finding: &Value) -> Option<Self> {
        let text = |pointer: &str| finding.pointer(pointer)?.as_str().map(str::to_owned);
        let version = text("/resource/apiVersion")?;
        Some(Self {
            check: text("/check")?,
            group: version.rsplit_once('/').map(|(group, _)| group.to_owned()).unwrap_or_default(),
            kind: text("/resource/kind")?,
            namespace: text("/resource/namespace"),
            name: text("/resource/name")?,
            field: text("/named_field").or_else(|| text("/field"))?,
        })
    }
}

/// The field, the elements of lists by their names where they have any.
fn field_of(finding: &Finding) -> &str {
    finding.named_field.as_deref().unwrap_or_else(|| finding.field.as_str())
}

fn is_there(path: &str) -> bool {
    Path::new(path.strip_suffix(RENDERED).unwrap_or(path)).try_exists().unwrap_or(true)
}

/// Whether one path may be the other one, seen from another folder.
fn is_end_of_other(one: &str, other: &str) -> bool {
    let [one, other] = [one, other].map(|path| Path::new(path.trim_start_matches("../")));
    one.ends_with(other) || other.ends_with(one)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_the_same_seen_from_another_folder() {
        for (one, other, expected) in [
            ("deploy/a.yaml", "a.yaml", true),
            ("../deploy/a.yaml", "deploy/a.yaml", true),
            ("/srv/deploy/a.yaml", "../a.yaml", true),
            ("a.yaml", "aa.yaml", false),
            ("b/a.yaml", "c/a.yaml", false),
        ] {
            assert_eq!(is_end_of_other(one, other), expected, "{one} {other}");
        }
    }
}
