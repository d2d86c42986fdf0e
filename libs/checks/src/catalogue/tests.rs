//! What every entry of the catalogue must keep. The examples are documentation and tests at once.

use std::collections::BTreeSet;

use airside_k8s::{Completeness, Limits, yaml};
use airside_types::Severity;

use super::*;
use crate::check::Category;
use crate::evaluate::evaluate;
use crate::example;

/// The ids of the checks that fail for a text.
fn failing(text: &str) -> BTreeSet<&'static str> {
    let parsed = yaml::parse(text, &Limits::default());
    assert_eq!(parsed.errors, [], "{text}");
    let contents: Vec<_> = parsed.documents.iter().map(yaml::Document::contents).collect();
    assert!(contents.iter().all(|contents| contents.foreign.is_empty()), "{text}");
    let objects: Vec<_> =
        contents.iter().flat_map(|contents| &contents.objects).map(|o| o.object).collect();
    let evaluation = evaluate(&objects, Completeness::WholeInput);
    evaluation.failures.iter().map(|failure| failure.check.id).collect()
}

#[test]
fn examples_differ_in_exactly_their_check() {
    let mut wrong = Vec::new();
    for check in all() {
        let (fails, passes) = (failing(check.fails), failing(check.passes));
        let only: Vec<_> = fails.difference(&passes).copied().collect();
        if only != [check.id] || passes.contains(check.id) {
            wrong.push((check.id, only));
        }
    }
    assert_eq!(wrong, [], "checks, and what their failing examples fail and the passing do not");
}

/// The files of further examples, with their names.
fn example_files() -> Vec<(String, String)> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/examples");
    let files = std::fs::read_dir(folder).expect("the folder of examples");
    let files = files.map(|file| file.expect("a file of the folder"));
    let name = |file: &std::fs::DirEntry| file.file_name().to_string_lossy().into_owned();
    let text = |file: &std::fs::DirEntry| std::fs::read_to_string(file.path()).expect("a text");
    let mut files: Vec<_> = files.map(|file| (name(&file), text(&file))).collect();
    files.sort();
    files
}

#[test]
fn further_examples_say_what_their_checks_say() {
    let mut wrong = Vec::new();
    for (name, text) in &example_files() {
        let examples = example::read(text).unwrap_or_else(|error| panic!("{name}: {error}"));
        for example in examples {
            let at = format!("{name}:{}", example.line);
            for (check, expected) in &example.verdicts {
                let holds = example.holds(check, *expected);
                if !holds.unwrap_or_else(|error| panic!("{at}: {error}")) {
                    wrong.push(format!("{at}: {check} is not {expected:?}"));
                }
            }
            for (check, words) in &example.words {
                if !example.says(check, words).unwrap_or_else(|error| panic!("{at}: {error}")) {
                    wrong.push(format!("{at}: {check} does not say `{words}`"));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn ids_are_unique_slugs() {
    let mut seen = BTreeSet::new();
    for check in all() {
        let is_slug = check.id.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-');
        assert!(is_slug && !check.id.starts_with('-') && !check.id.ends_with('-'), "{}", check.id);
        assert!(seen.insert(check.id), "{} is given twice", check.id);
    }
}

#[test]
fn texts_are_sentences_and_headlines() {
    for check in all() {
        let id = check.id;
        assert!(!check.title.ends_with('.') && check.title.len() <= 80, "{id}: {}", check.title);
        for sentence in [check.why, check.fix] {
            let last = sentence.chars().last();
            assert!(matches!(last, Some('.' | '…')), "{id}: {sentence}");
        }
    }
}

#[test]
fn mappings_are_well_formed() {
    const TOOLS: [&str; 13] = [
        "checkov",
        "gatekeeper-library",
        "istio",
        "kiali",
        "kube-bench",
        "kube-linter",
        "kube-score",
        "kubescape",
        "kubesec",
        "kyverno",
        "polaris",
        "popeye",
        "trivy",
    ];
    const FRAMEWORKS: [&str; 4] =
        ["cis-aks-t1.8.0", "cis-eks-t1.8.0", "cis-gke-v1.9.0", "cis-v1.12.0"];
    for check in all() {
        for equivalent in check.equivalents {
            let (tool, name) = equivalent.split_once(':').unwrap_or_default();
            assert!(TOOLS.contains(&tool) && !name.is_empty(), "{}: {equivalent}", check.id);
        }
        for control in check.controls {
            let (framework, section) = control.split_once(':').unwrap_or_default();
            let numbered = FRAMEWORKS.contains(&framework)
                && section.split('.').all(|part| part.parse::<u8>().is_ok());
            let pod_security = framework == "pod-security-standards"
                && matches!(section, "baseline" | "restricted");
            assert!(numbered || pod_security, "{}: {control}", check.id);
        }
        let distinct: BTreeSet<_> = check.equivalents.iter().chain(check.controls).collect();
        assert_eq!(distinct.len(), check.equivalents.len() + check.controls.len(), "{}", check.id);
    }
}

#[test]
fn what_leads_to_attacks_says_how_and_hygiene_does_not() {
    for check in all() {
        match check.category {
            Category::Reliability | Category::Conformance => {
                assert_eq!(check.techniques, [], "{}", check.id);
                assert!(check.severity <= Severity::Low, "{}", check.id);
            }
            _ if check.severity >= Severity::High => {
                assert!(!check.techniques.is_empty(), "{} names no technique", check.id);
            }
            _ => {}
        }
    }
}

#[test]
fn checks_are_found_by_their_own_and_by_other_tools_names() {
    for name in ["privileged-container", "kube-linter:privileged-container", "trivy:KSV-0017"] {
        assert_eq!(find(name).map(|check| check.id), Some("privileged-container"), "{name}");
    }
    assert_eq!(find("no-such-check"), None);
}

#[test]
fn names_are_taken_as_other_tools_print_them() {
    let meant = |name| meant(name).iter().map(|check| check.id).collect::<Vec<_>>();
    for name in ["CKV_K8S_16", "ckv_k8s_16", "C-0057", "KSV-0017", "KSV017", "AVD-KSV-0017"] {
        assert_eq!(meant(name), ["privileged-container"], "{name}");
    }
    assert_eq!(meant("disallow-host-namespaces"), ["host-ipc", "host-network", "host-pid"]);
    assert_eq!(meant("host-pid"), ["host-pid"], "an own id before another tool's");
    assert_eq!(meant("KSV-9999"), Vec::<&str>::new());
    let names: Vec<_> = named_by_peers("KSV017").into_keys().collect();
    assert_eq!(names, ["trivy:KSV-0017"]);
}
