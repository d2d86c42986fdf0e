//! `airside data`: from OSV records to who is newly affected, as its users see it.
#![allow(clippy::expect_used, reason = "a test fails by panicking, in its harness too")]

#[path = "harness/folder.rs"]
mod folder;

use folder::Folder;

const RECORD: &str = r#"{
  "id": "GO-2099-0001", "aliases": ["CVE-2099-0001"], "summary": "The controller runs what it is sent.",
  "published": "2099-01-01T00:00:00Z", "modified": "2099-01-02T00:00:00Z",
  "affected": [{
    "package": {"ecosystem": "Go", "name": "k8s.io/ingress-nginx"},
    "ranges": [{"type": "SEMVER", "events": [{"introduced": "0"}, {"fixed": "99.0.0"}]}]
  }],
  "database_specific": {"severity": "HIGH"}
}"#;
const OTHER: &str = r#"[{"id": "GO-2099-0002", "affected": [{"package": {"ecosystem": "Go", "name": "example.com/x"}}]}]"#;
const CONTROLLER: &str = "apiVersion: apps/v1
kind: Deployment
metadata: {name: controller, namespace: ingress, labels: {team: edge}}
spec:
  template:
    spec: {containers: [{name: controller, image: 'registry.k8s.io/ingress-nginx/controller:v90.0.0'}]}
";

fn folder() -> Folder {
    Folder::with(&[("osv/a.json", RECORD), ("osv/b/c.json", OTHER), ("deploy/x.yaml", CONTROLLER)])
}

#[test]
fn new_data_tells_owners_what_is_newly_affected_and_is_then_in_force() {
    let folder = folder();
    let (status, before, _) = folder.scan(&["deploy"]);
    assert!(!before.contains("CVE-2099-0001"), "{status}: {before}");
    let update = ["data", "update", "--from", "osv", "--against", "deploy"];
    let (status, text, problem) = folder.run(&update);
    assert_eq!(status, 1, "{problem}");
    assert!(text.contains(" 1 of them new, as of 2099-01-02: "), "{text}");
    assert!(text.contains("1 records used, 0 withdrawn, 1 about other software"), "{text}");
    let told = "
edge
  CVE-2099-0001 high: ingress-nginx 90.0.0: The controller runs what it is sent.
    deploy/x.yaml:6:44  Deployment ingress/controller
";
    assert!(text.contains(told), "{text}");
    let (_, after, warning) = folder.scan(&["deploy"]);
    assert!(after.contains("CVE-2099-0001"), "{after}");
    assert!(!warning.contains("days old"), "{warning}");
    let (status, text, _) = folder.scan(&["affected", "--cve", "CVE-2099-0001", "deploy"]);
    assert!(status == 1 && text.contains("  deploy/x.yaml:6:44  edge"), "{text}");
    let json = ["affected", "--cve", "CVE-2099-0001", "deploy", "--output", "json"];
    let (_, text, _) = folder.scan(&json);
    assert!(text.contains("\"owner\": \"edge\"") && text.contains("\"line\": 6"), "{text}");
    let (_, text, _) = folder.run(&["data", "show"]);
    assert!(
        text.contains(".local/share/airside/components.json") && text.contains("0 days old"),
        "{text}"
    );
    // The same once more is no news.
    let (status, text, _) = folder.run(&update);
    assert!(status == 0 && text.contains("nothing in the manifests is newly affected"), "{text}");
}

#[test]
fn data_that_is_older_than_what_is_built_in_is_not_read() {
    let folder = folder();
    let old =
        r#"{"format": 1, "date": "2020-01-01", "note": "", "components": [], "advisories": []}"#;
    folder.write("old.json", old);
    let (status, text, _) = folder.run(&["data", "show", "--data-file", "old.json"]);
    assert_eq!(status, 0);
    assert!(text.contains("source: built in"), "{text}");
}

#[test]
fn what_cannot_be_used_says_what_to_do() {
    let folder = folder();
    folder.write("broken.json", "{}");
    for (arguments, expected) in [
        (
            vec!["scan", "deploy", "--data-file", "broken.json"],
            "delete it, and make it anew with `airside data update`",
        ),
        (
            vec!["data", "update", "--from", "https://osv.dev/x.json"],
            "is an address: fetch it, unpack it",
        ),
        (vec!["scan", "deploy", "--data-file", "none.json"], "`none.json` cannot be read"),
        (vec!["data", "update", "--from", "deploy"], "there is no JSON in what --from names"),
        (vec!["data", "update", "--from", "none.json"], "`none.json` cannot be read"),
    ] {
        let (status, _, problem) = folder.run(&arguments);
        assert_eq!(status, 2, "{arguments:?}");
        assert!(problem.contains(expected), "{arguments:?}: {problem}");
    }
}

#[test]
fn a_record_that_cannot_be_read_is_named_and_the_others_are_used() {
    let folder = folder();
    let cut = RECORD.get(..RECORD.len() - 40).unwrap_or_default();
    folder.write("osv/cut.json", cut);
    folder.write("osv/bad.JSON", "{bad");
    folder.write("osv/marked.json", &format!("\u{feff}{}", RECORD.replace("-0001", "-0003")));
    folder.write(
        "osv/gone.json",
        &RECORD
            .replacen('{', "{\"withdrawn\": \"2099-01-03T00:00:00Z\",", 1)
            .replace("-0001", "-0004"),
    );
    let (status, text, problem) = folder.run(&["data", "update", "--from", "osv"]);
    assert_eq!(status, 2, "{problem}");
    assert!(text.contains("2 records used, 1 withdrawn, 1 about other software"), "{text}");
    for named in ["`osv/cut.json`: no JSON, so no OSV records", "`osv/bad.JSON`: no JSON"] {
        assert!(problem.contains(named), "{problem}");
    }
    let (_, after, _) = folder.scan(&["deploy"]);
    assert!(after.contains("CVE-2099-0001") && after.contains("CVE-2099-0003"), "{after}");
}
