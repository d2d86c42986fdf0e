//! Frameworks and their controls, as the data files tell them, with the checks that each control means.

use std::cmp::Ordering;
use std::sync::LazyLock;

use airside_checks::{Check, catalogue};
use serde::Deserialize;

/// One file each.
const FILES: &[&str] = &[
    include_str!("../data/cis-v1.12.0.json"),
    include_str!("../data/cis-v1.10.0.json"),
    include_str!("../data/cis-eks-t1.8.0.json"),
    include_str!("../data/cis-eks-t1.7.0.json"),
    include_str!("../data/cis-aks-t1.8.0.json"),
    include_str!("../data/cis-gke-v1.9.0.json"),
    include_str!("../data/nsa-cisa.json"),
    include_str!("../data/pod-security-baseline.json"),
    include_str!("../data/pod-security-restricted.json"),
    include_str!("../data/mitre-attack-containers.json"),
    include_str!("../data/pci-dss-4.0.json"),
    include_str!("../data/soc-2.json"),
    include_str!("../data/nist-800-190.json"),
];

/// A benchmark or standard.
#[derive(Debug, PartialEq, Eq)]
pub struct Framework {
    /// What people type, such as `cis-v1.12.0`.
    pub id: String,
    /// Its name.
    pub name: String,
    /// The version that is meant.
    pub version: String,
    /// Where it comes from, and whose the titles are.
    pub source: String,
    /// The controls, in their order.
    pub controls: Vec<Control>,
}

/// A control of a framework.
#[derive(Debug, PartialEq, Eq)]
pub struct Control {
    /// Its number or name in the framework.
    pub id: String,
    /// What it is about.
    pub title: String,
    /// The checks that speak of it, in the order of the catalogue.
    pub checks: Vec<&'static Check>,
    /// What manifests cannot show of it; with such a part it can fail and never passes.
    pub manual: Option<String>,
}

impl Framework {
    /// All frameworks.
    pub fn all() -> &'static [Self] {
        // A test holds that every file can be read.
        static ALL: LazyLock<Vec<Framework>> =
            LazyLock::new(|| FILES.iter().filter_map(|text| Framework::parse(text).ok()).collect());
        &ALL
    }

    /// The framework with this id.
    pub fn find(id: &str) -> Option<&'static Self> {
        Self::all().iter().find(|framework| framework.id == id)
    }

    fn parse(text: &str) -> serde_json::Result<Self> {
        let file: File = serde_json::from_str(text)?;
        let controls = file.controls.into_iter().map(|entry| entry.control(&file.id)).collect();
        let File { id, name, version, source, .. } = file;
        Ok(Self { id, name, version, source, controls })
    }
}

/// A framework as its file has it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    id: String,
    name: String,
    version: String,
    source: String,
    controls: Vec<Entry>,
}

/// A control as its file has it. Besides the checks that it lists, all are meant that name it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    id: String,
    title: String,
    /// Ids of checks.
    #[serde(default)]
    checks: Vec<String>,
    /// Another framework's control (`framework:control`) that demands the same.
    same_as: Option<String>,
    /// A technique of ATT&CK, with those below it.
    technique: Option<String>,
    manual: Option<String>,
}

impl Entry {
    fn control(self, framework: &str) -> Control {
        let own = format!("{framework}:{}", self.id);
        let checks = catalogue::listed().filter(|check| self.means(check, &own)).collect();
        Control { id: self.id, title: self.title, checks, manual: self.manual }
    }

    fn means(&self, check: &Check, own: &str) -> bool {
        let is_named =
            |control: &&str| **control == *own || self.same_as.as_deref() == Some(control);
        let enables = |technique: &str| {
            check.techniques.iter().any(|it| it.id() == technique || it.base_id() == technique)
        };
        self.checks.iter().any(|id| id == check.id)
            || check.controls.iter().any(is_named)
            || self.technique.as_deref().is_some_and(enables)
    }
}

/// Whether a control's id comes before another's, as people count: `1.2.10` after `1.2.9`.
pub fn order(one: &str, other: &str) -> Ordering {
    parts(one).cmp(&parts(other)).then_with(|| one.cmp(other))
}

/// Numbers and what is between them.
fn parts(id: &str) -> Vec<(Option<u64>, &str)> {
    let mut parts = Vec::new();
    let mut rest = id;
    while let Some(first) = rest.chars().next() {
        let is_number = first.is_ascii_digit();
        let end = rest.find(|it: char| it.is_ascii_digit() != is_number).unwrap_or(rest.len());
        let (part, after) = rest.split_at(end);
        parts.push(if is_number { (part.parse().ok(), "") } else { (None, part) });
        rest = after;
    }
    parts
}

#[cfg(test)]
mod tests;
