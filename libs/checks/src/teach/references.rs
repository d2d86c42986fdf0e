//! Where to read on: official documentation of the fields and kinds, ATT&CK, benchmarks, vulnerabilities.
//!
//! Addresses are derived from what a check says already: the fields that its examples change, the kinds of
//! their objects, its techniques and controls, the vulnerabilities that its text names.

mod places;

use std::collections::BTreeSet;

use airside_k8s::workload::pod_specs;
use airside_k8s::{Object, Value};
use airside_types::Step;

use super::change::{Change, FieldChange, text};
use crate::check::Check;

/// Something to read.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Reference {
    /// What it is.
    pub title: String,
    /// Where; a benchmark has no address that everybody may open.
    pub url: Option<String>,
}

/// The references of a check, each once: documentation first.
pub(super) fn references(check: &Check, change: &Change) -> Vec<Reference> {
    let documentation = of_change(change).into_iter().map(|(title, path)| link(title, path));
    let techniques = check.techniques.iter().map(|technique| {
        let path = technique.id().replace('.', "/");
        let title = format!("ATT&CK {}: {}", technique.id(), technique.name());
        link(&title, &format!("https://attack.mitre.org/techniques/{path}/"))
    });
    let controls = check.controls.iter().filter_map(|control| of_control(control));
    let texts = [check.title, check.why, check.fix];
    let named = texts.iter().flat_map(|text| vulnerabilities(text));
    let named = named.map(|id| link(id, &format!("https://nvd.nist.gov/vuln/detail/{id}")));
    let mut seen = BTreeSet::new();
    let all = documentation.chain(techniques).chain(controls).chain(named);
    all.filter(|reference| seen.insert(reference.clone())).collect()
}

fn link(title: &str, url: &str) -> Reference {
    Reference { title: title.to_owned(), url: Some(url.to_owned()) }
}

/// Documentation of the fields of pods and Services that change, then of the objects' kinds.
fn of_change(change: &Change) -> Vec<(&'static str, &'static str)> {
    let mut found = Vec::new();
    for pair in &change.changed {
        let Ok(object) = Object::new(&pair.before) else { continue };
        let pods = pod_specs(&object);
        let is_documented = |field: &FieldChange| {
            object.kind() == "Service" || pods.iter().any(|pod| pod.path.contains(&field.path))
        };
        for field in pair.fields().iter().filter(|field| is_documented(field)) {
            let steps: Vec<Step<'_>> = field.path.steps().collect();
            let keys = steps.iter().rev().filter_map(|step| match step {
                Step::Key(key) => Some(key.as_ref()),
                Step::Index(_) => None,
            });
            // The field may be added as part of a map around it.
            let mut inner = field.after.iter().chain(&field.before);
            let inner = inner.find_map(Value::as_object).into_iter().flatten();
            let names: Vec<&str> = inner.map(|(key, _)| key).chain(keys).collect();
            found.extend(names.into_iter().find_map(places::of_field));
        }
    }
    let kinds = change.touched().filter_map(|object| {
        let api = text(object, &["apiVersion"]);
        let group = api.split_once('/').map_or("", |(group, _)| group);
        places::of_kind(group, text(object, &["kind"]))
    });
    found.extend(kinds);
    found.truncate(MOST);
    found
}

/// Of an example that changes much, the first references tell enough.
const MOST: usize = 4;

fn of_control(control: &str) -> Option<Reference> {
    let (framework, section) = control.split_once(':')?;
    if framework == "pod-security-standards" {
        let url = "https://kubernetes.io/docs/concepts/security/pod-security-standards/";
        return Some(link("Pod Security Standards", url));
    }
    let benchmark = framework.split('-').nth(1).unwrap_or_default();
    let platform = match benchmark {
        "aks" => "AKS",
        "eks" => "EKS",
        "gke" => "GKE",
        _ => "Kubernetes",
    };
    let version = framework.rsplit('-').next().unwrap_or_default().trim_start_matches(['v', 't']);
    let title = format!("CIS {platform} Benchmark {version}, section {section}");
    Some(Reference { title, url: None })
}

/// The vulnerabilities that a text names.
fn vulnerabilities(text: &str) -> impl Iterator<Item = &str> {
    text.match_indices("CVE-").filter_map(|(start, _)| {
        let rest = text.get(start..)?;
        let end = rest
            .find(|letter: char| !letter.is_ascii_alphanumeric() && letter != '-')
            .unwrap_or(rest.len());
        rest.get(..end).map(|id| id.trim_end_matches('-'))
    })
}
