//! Where findings and boarding passes come from, as users see it: charts, kustomizations, commits, signatures.
//!
//! `helm` and `kustomize` are stood in for by programs that print what the real ones print for these
//! folders, so that the tests need neither.
#![cfg(unix)]
#![allow(
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking, in its harness too"
)]

#[path = "harness/folder.rs"]
mod folder;

use folder::Folder;
use serde_json::{Value, json};

const TEMPLATE: &str = r#"apiVersion: v1
kind: Pod
metadata:
  name: {{ .Release.Name }}
spec:
  hostNetwork: {{ .Values.host.network }}
  containers:
    - name: web
      {{- with .Values.securityContext }}
      securityContext:
        {{- toYaml . | nindent 8 }}
      {{- end }}
      image: "{{ .Values.image.repository }}:{{ .Values.image.tag | default .Chart.AppVersion }}"
"#;

const RENDERED: &str = r#"---
# Source: shop/templates/pod.yaml
apiVersion: v1
kind: Pod
metadata:
  name: release
spec:
  hostNetwork: true
  containers:
    - name: web
      securityContext:
        privileged: true
      image: "nginx:1.29"
"#;

const VALUES: &str = "image:
  repository: nginx
  tag: \"1.29\"
host:
  network: true
securityContext:
  privileged: true
";

const BASE: &str = "apiVersion: v1
kind: Pod
metadata:
  name: web
spec:
  hostNetwork: true
  containers: [{name: web, image: web}]
";

const BUILT: &str = "apiVersion: v1
kind: Pod
metadata:
@  name: prod-web
spec:
  containers: [{name: web, image: web}]
  hostNetwork: true
";

fn json_of(folder: &Folder, arguments: &[&str]) -> Value {
    let (_, text, problem) = folder.scan(&[arguments, &["--output", "json"]].concat());
    serde_json::from_str(&text).unwrap_or_else(|_| panic!("{text}{problem}"))
}

fn chart() -> Folder {
    let folder = Folder::with(&[
        ("shop/Chart.yaml", "apiVersion: v2\nname: shop\nversion: 1.2.3\n"),
        ("shop/values.yaml", VALUES),
        ("shop/templates/pod.yaml", TEMPLATE),
        ("rendered.yaml", RENDERED),
    ]);
    folder.program("helm", &format!("cat '{}'", folder.path().join("rendered.yaml").display()));
    folder
}

#[test]
fn a_finding_in_a_chart_names_the_templates_line_and_the_values() {
    let (status, text, problem) = chart().scan(&["shop", "--min-severity", "high"]);
    assert_eq!(status, 1, "{problem}");
    let findings = text.split("\n2 high").next().expect("findings before their count");
    insta::assert_snapshot!(findings, @r"

        high: Pod shares the node's network (host-network)
          shop/templates/pod.yaml (rendered):7:3  Pod release
              7 |   hostNetwork: true
                = hostNetwork is true: the pod shares the node's network namespace
                  from shop/templates/pod.yaml:6, which takes `host.network` at shop/values.yaml:5
          fix: Remove hostNetwork; publish ports with a Service.

        high: Container runs privileged (privileged-container)
          shop/templates/pod.yaml (rendered):11:9  Pod release
             11 |         privileged: true
                = container `web` runs privileged
                  from shop/templates/pod.yaml:11, which takes `securityContext.privileged` at shop/values.yaml:7
          fix: Remove privileged, or set it to false; add the single capability that the program needs.
        ");
}

#[test]
fn programs_are_told_the_origin_too() {
    let folder = chart();
    let report = json_of(&folder, &["shop"]);
    let findings = report["findings"].as_array().expect("findings");
    let origin = |check: &str| {
        let found = findings.iter().find(|finding| finding["check"] == check);
        found.unwrap_or_else(|| panic!("{check} is not found"))["origin"].clone()
    };
    let privileged = json!({
        "path": "shop/templates/pod.yaml", "line": 11,
        "values": [{
            "key": "securityContext.privileged", "path": "shop/values.yaml", "line": 7,
        }],
    });
    assert_eq!(origin("privileged-container"), privileged);
    let pass = &report["boarding_passes"][0];
    let rendering = json!({
        "chart": "shop", "version": "1.2.3", "template": "shop/templates/pod.yaml", "line": 1,
        "values": ["shop/values.yaml"],
    });
    assert_eq!(pass["origin"], json!({ "revision": null, "rendering": rendering }));
    assert_eq!(pass["rules"]["failing"], "high");
    let (_, sarif, _) = folder.scan(&["shop", "--output", "sarif"]);
    assert!(
        sarif.contains("shop/templates/pod.yaml\"") && !sarif.contains("(rendered)"),
        "{sarif}"
    );
}

/// A kustomization over a base whose pod is this.
fn kustomization(pod: &str) -> Folder {
    let folder = Folder::with(&[
        ("base/kustomization.yaml", "resources: [pod.yaml]\n"),
        ("base/pod.yaml", pod),
        ("prod/kustomization.yaml", "resources: [../base]\nnamePrefix: prod-\n"),
        ("plain.yaml", &BUILT.replace('@', "")),
    ]);
    // As the real one: with a note where the kustomization asks for it.
    let note =
        "  annotations:\n    config.kubernetes.io/origin: |\n      path: PATH/base/pod.yaml\n";
    folder.write("noted.yaml", &BUILT.replace('@', note));
    let root = folder.path().canonicalize().expect("a folder");
    folder.program(
        "kustomize",
        &format!(
            "cd '{root}'\nif grep -q originAnnotations \"$2/kustomization.yaml\" 2>/dev/null; then \
             up=$(echo \"$2\" | sed 's,/[^/]*,../,g'); sed \"s,PATH,$up{root},\" noted.yaml; \
             else cat plain.yaml; fi",
            root = root.display()
        ),
    );
    folder
}

#[test]
fn an_exception_in_a_comment_of_a_base_holds_for_what_is_rendered_from_its_line() {
    let excepted = BASE.replace(
        "hostNetwork: true",
        "hostNetwork: true # airside:ignore host-network: a router\n  # airside:ignore host-pid",
    );
    let folder = kustomization(&excepted);
    for paths in [&["prod"][..], &["prod", "base/pod.yaml"]] {
        let report = json_of(&folder, paths);
        let findings = report["findings"].as_array().expect("findings");
        assert!(findings.iter().all(|finding| finding["check"] != "host-network"), "{paths:?}");
        let accepted = report["accepted"].as_array().expect("accepted");
        assert_eq!(accepted.len(), paths.len());
        assert_eq!(accepted[0]["accepted_at"]["path"], "base/pod.yaml");
        // What is no exception is told once.
        let ineffective = report["ineffective_exceptions"].as_array().expect("a list");
        assert_eq!(ineffective.len(), 1, "{ineffective:?}");
    }
    let (_, text, _) = folder.scan(&["prod", "--compliance", "pod-security-baseline"]);
    assert!(text.contains("accepted: 1"), "{text}");
}

#[test]
fn a_finding_in_a_kustomization_names_the_files_line() {
    let folder = kustomization(BASE);
    let report = json_of(&folder, &["prod"]);
    let findings = report["findings"].as_array().expect("findings");
    let found = findings.iter().find(|finding| finding["check"] == "host-network");
    let line = json!({ "path": "base/pod.yaml", "line": 6, "values": [] });
    assert_eq!(found.expect("host-network")["origin"], line);
    let rendering = json!({
        "kustomization": "prod", "file": "base/pod.yaml", "line": 1, "repository": null,
        "reference": null,
    });
    let pass = &report["boarding_passes"][0];
    assert_eq!(pass["origin"], json!({ "revision": null, "rendering": rendering }));
}

#[test]
fn a_pass_names_the_commit_and_whether_the_file_differs_from_it() {
    let folder = Folder::with(&[("deploy/a.yaml", BASE), (".gitignore", "ignored.yaml\n")]);
    folder.git(&["init", "-q"]);
    folder.git(&["remote", "add", "origin", "https://user:secret@example.com/shop.git"]);
    assert_eq!(json_of(&folder, &["deploy"])["boarding_passes"][0]["origin"], Value::Null);
    folder.git(&["add", "."]);
    folder.git(&["commit", "-qm", "first"]);
    let commit = folder.git(&["rev-parse", "HEAD"]);
    folder.write("deploy/b.yaml", &BASE.replace("name: web", "name: b"));
    folder.write("deploy/ignored.yaml", &BASE.replace("name: web", "name: c"));
    let report = json_of(&folder, &["deploy"]);
    let passes = report["boarding_passes"].as_array().expect("passes");
    let revisions: Vec<_> = passes.iter().map(|pass| &pass["origin"]["revision"]).collect();
    for (revision, (path, dirty)) in revisions.iter().zip([
        ("deploy/a.yaml", false),
        ("deploy/b.yaml", true),
        ("deploy/ignored.yaml", true),
    ]) {
        let expected = json!({
            "repository": "https://example.com/shop.git", "commit": commit, "path": path,
            "dirty": dirty,
        });
        assert_eq!(**revision, expected);
    }
    assert_eq!(revisions.len(), 3);
    assert!(!report.to_string().contains("secret"));
}

#[test]
fn passes_are_signed_where_a_key_is_given() {
    let key = "-----BEGIN PRIVATE KEY-----\n\
               MC4CAQAwBQYDK2VwBCIEIAcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcH\n\
               -----END PRIVATE KEY-----\n";
    let folder = Folder::with(&[("a.yaml", BASE), ("key.pem", key), ("none.pem", "no key")]);
    let envelope =
        &json_of(&folder, &["a.yaml", "--sign-key", "key.pem"])["boarding_passes"][0]["envelope"];
    assert_eq!(envelope["payloadType"], "application/vnd.in-toto+json");
    let key = envelope["signatures"][0]["keyid"].as_str();
    assert_eq!(key.map(str::len), Some(64), "the SHA-256 hash of the public key");
    let (status, _, problem) = folder.scan(&["a.yaml", "--sign-key", "none.pem"]);
    assert_eq!(status, 2);
    assert!(problem.contains("`none.pem` cannot sign: no private key of Ed25519"), "{problem}");
}
