//! `airside scan --vulnerabilities` as its users see it: what reports know is passed on, what they take back is told.
#![allow(
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking, in its harness too"
)]

#[path = "harness/folder.rs"]
mod folder;

use folder::Folder;
use serde_json::{Value, json};

const POD: &str = "apiVersion: v1\nkind: Pod\nmetadata: {name: web}\nspec: {containers: [{name: web, image: 'shop/web:1.2.3'}]}\n";

fn one(id: &str, epss: f64, known_exploited: &Value) -> Value {
    json!({
        "vulnerability": {
            "id": id, "severity": "High", "fix": {"versions": ["2.0"]},
            "epss": [{"epss": epss}], "knownExploited": known_exploited,
        },
        "artifact": {"name": "lib", "version": "1.0", "purl": "pkg:golang/lib@1.0"},
    })
}

/// A Grype report of an image.
fn report(image: &str, matches: &Value, ignored: &Value) -> String {
    let source = json!({"type": "image", "target": {"userInput": image}});
    json!({"source": source, "matches": matches, "ignoredMatches": ignored}).to_string()
}

fn scanned(folder: &Folder, form: &str, files: &[&str]) -> Value {
    let with = files.iter().flat_map(|file| ["--vulnerabilities", file]);
    let arguments: Vec<&str> =
        ["pod.yaml", "--exit-zero", "--output", form].into_iter().chain(with).collect();
    let (_, text, problem) = folder.scan(&arguments);
    serde_json::from_str(&text).unwrap_or_else(|_| panic!("{text} {problem}"))
}

#[test]
fn what_is_exploited_is_told_first_and_in_every_form() {
    let matches = json!([
        one("CVE-2099-1", 0.01, &json!([])),
        one("CVE-2099-2", 0.93, &json!([])),
        one("CVE-2099-3", 0.02, &json!([{"cve": "CVE-2099-3"}])),
    ]);
    let report = report("shop/web:1.2.3", &matches, &json!([]));
    let folder = Folder::with(&[("pod.yaml", POD), ("grype.json", &report)]);
    let (_, text, _) = folder.scan(&["pod.yaml", "--vulnerabilities", "grype.json"]);
    let place = |part: &str| text.find(part).unwrap_or_else(|| panic!("{part}: {text}"));
    let exploited = place("lib 1.0 has CVE-2099-3, fixed in 2.0; it is being exploited");
    let probable = place(
        "lib 1.0 has CVE-2099-2, fixed in 2.0; within 30 days it is exploited with a probability of 93 % (EPSS)",
    );
    assert!(exploited < probable && probable < place("lib 1.0 has CVE-2099-1, fixed in 2.0;"));
    let told = scanned(&folder, "json", &["grype.json"]);
    let findings = told["findings"].as_array().expect("a list");
    let first = findings.iter().find(|it| it["check"] == "image-vulnerability/CVE-2099-3/lib");
    let first = &first.expect("the finding")["vulnerability"];
    assert_eq!(first["known_exploited"], json!(true), "{first}");
    assert_eq!((&first["epss"], &first["fixed"]), (&json!(0.02), &json!(["2.0"])), "{first}");
    let sarif = scanned(&folder, "sarif", &["grype.json"]);
    let results = sarif["runs"][0]["results"].as_array().expect("a list");
    let second = results.iter().find(|it| it["ruleId"] == "image-vulnerability/CVE-2099-2/lib");
    let second = &second.expect("the result")["properties"]["vulnerability"];
    assert_eq!(second["epss"], json!(0.93), "{second}");
}

#[test]
fn what_vex_or_the_report_takes_back_is_accepted_with_the_reason() {
    let vex = json!({
        "@context": "https://openvex.dev/ns/v0.2.0", "@id": "https://shop.example/vex-1",
        "statements": [{
            "vulnerability": {"name": "CVE-2099-1"}, "products": [{"@id": "shop/web:1.2.3"}],
            "status": "not_affected", "justification": "component_not_present",
        }],
    });
    let mut ignored = one("CVE-2099-2", 0.5, &json!([]));
    ignored["appliedIgnoreRules"] =
        json!([{"vulnerability": "CVE-2099-2", "reason": "patched by us"}]);
    let matches = json!([one("CVE-2099-1", 0.01, &json!([]))]);
    let report = report("shop/web:1.2.3", &matches, &json!([ignored]));
    let folder =
        Folder::with(&[("pod.yaml", POD), ("grype.json", &report), ("vex.json", &vex.to_string())]);
    let files = ["grype.json", "vex.json"];
    let told = scanned(&folder, "json", &files);
    let accepted = told["accepted"].as_array().expect("a list");
    let reasons: Vec<&str> = accepted.iter().filter_map(|it| it["reason"].as_str()).collect();
    assert_eq!(
        reasons,
        [
            "not_affected, patched by us (by the Grype report itself)",
            "not_affected, component_not_present (by https://shop.example/vex-1)",
        ]
    );
    assert!(!told["findings"].to_string().contains("CVE-2099"), "{}", told["findings"]);
    let sarif = scanned(&folder, "sarif", &files);
    let results = sarif["runs"][0]["results"].as_array().expect("a list");
    let own = results.iter().find(|it| it["ruleId"] == "image-vulnerability/CVE-2099-1/lib");
    let suppression = &own.expect("the result")["suppressions"][0];
    assert_eq!(suppression["kind"], "external", "{suppression}");
    let (_, text, _) = folder.scan(&[
        "pod.yaml",
        "--vulnerabilities",
        "grype.json",
        "--vulnerabilities",
        "vex.json",
    ]);
    assert!(text.contains("2 accepted"), "{text}");
}

#[test]
fn a_report_that_says_nothing_about_the_input_is_told() {
    let other = report("shop/other:1", &json!([one("CVE-2099-1", 0.5, &json!([]))]), &json!([]));
    let list = json!({
        "bomFormat": "CycloneDX", "specVersion": "1.6",
        "metadata": {"component": {"type": "container", "name": "shop/web:1.2.3"}},
        "components": [{"type": "library", "name": "lib", "version": "1.0"}],
    });
    let folder = Folder::with(&[
        ("pod.yaml", POD),
        ("other.json", &other),
        ("sbom.json", &list.to_string()),
    ]);
    let told = scanned(&folder, "json", &["other.json", "sbom.json"]);
    let not_evaluated = told["not_evaluated"].to_string();
    for part in [
        "report/Grype of docker.io/shop/other:1",
        "no workload of the input runs this image",
        "report/CycloneDX of",
        "it lists packages and no vulnerabilities",
    ] {
        assert!(not_evaluated.contains(part), "{part}: {not_evaluated}");
    }
    let (_, text, _) = folder.scan(&["pod.yaml", "--vulnerabilities", "other.json"]);
    assert!(text.contains("not evaluated: report/Grype of docker.io/shop/other:1"), "{text}");
}
