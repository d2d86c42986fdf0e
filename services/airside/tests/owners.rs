//! Whose a finding is, as scans tell it.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test fails by panicking, in its harness too"
)]

#[path = "harness/folder.rs"]
mod folder;

use folder::Folder;

fn role(name: &str, namespace: &str, metadata: &str) -> String {
    format!(
        "apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {{name: {name}, namespace: {namespace}, {metadata}}}
rules: [{{apiGroups: [''], resources: [secrets], verbs: [get]}}]
"
    )
}

/// Objects with an owner of their own, of their namespace, of their file, and of nobody.
fn folder() -> Folder {
    let namespace =
        "apiVersion: v1\nkind: Namespace\nmetadata: {name: shop, labels: {team: shop-team}}\n";
    let folder = Folder::with(&[
        ("deploy/ns.yaml", namespace),
        (
            "deploy/own.yaml",
            &role(
                "own",
                "shop",
                "annotations: {airside.dev/owner: payments}, labels: {team: other}",
            ),
        ),
        ("deploy/of-namespace.yaml", &role("of-namespace", "shop", "")),
        ("deploy/of-file.yaml", &role("of-file", "else", "")),
        ("other/nobody.yaml", &role("nobody", "else", "")),
        (".github/CODEOWNERS", "/deploy/ @org/platform\n"),
    ]);
    folder.write(".git/HEAD", "");
    folder
}

#[test]
fn the_object_says_it_before_its_namespace_and_its_file() {
    let (_, text, problem) = folder().scan(&[".", "--output", "json"]);
    let report: serde_json::Value = serde_json::from_str(&text).expect(&problem);
    let findings = report["findings"].as_array().expect("findings").iter();
    let mut told: Vec<_> = findings
        .filter(|it| it["check"] == "read-secrets")
        .map(|it| format!("{} {}", it["resource"]["name"], it["owner"]))
        .collect();
    told.sort();
    let expected = [
        r#""nobody" null"#,
        r#""of-file" "@org/platform""#,
        r#""of-namespace" "shop-team""#,
        r#""own" "payments""#,
    ];
    assert_eq!(told, expected);
}

#[test]
fn one_owner_sees_and_fails_by_their_own_findings_only() {
    let folder = folder();
    let (status, text, _) = folder.scan(&["deploy", "--owner", "org/platform"]);
    assert_eq!(status, 1);
    assert!(
        text.contains("Role else/of-file  @org/platform") && !text.contains("shop/own"),
        "{text}"
    );
    assert!(text.contains("only findings of org/platform"), "{text}");
    let (status, text, _) = folder.scan(&["deploy", "--owner", "nobody-at-all"]);
    assert_eq!(status, 0, "{text}");
}

#[test]
fn every_form_names_owners() {
    let folder = folder();
    for form in ["text", "json", "sarif", "markdown", "html"] {
        let (_, text, _) = folder.scan(&["deploy", "--output", form]);
        assert!(text.contains("payments"), "{form}: {text}");
    }
    let (_, text, _) = folder.scan(&["other", "deploy", "--output", "markdown"]);
    assert!(text.contains("| owner | findings |") && text.contains("| nobody | "), "{text}");
}
