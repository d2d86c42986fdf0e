//! Options of `airside scan` that have nothing to work on, and inputs that are left out or could not be read: said, never
//! in silence.
#![cfg(unix)]
#![allow(
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking, in its harness too"
)]

#[path = "harness/folder.rs"]
mod folder;

use folder::Folder;
use serde_json::Value;

const POD: &str = "apiVersion: v1
kind: Pod
metadata: {name: web, annotations: {owner: team-shop}}
spec:
  hostPID: true
  containers: [{name: web, image: web}]
";

const KEY: &str = "-----BEGIN PRIVATE KEY-----
MC4CAQAwBQYDK2VwBCIEIAcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcH
-----END PRIVATE KEY-----
";

#[test]
fn a_benchmark_refuses_what_it_would_not_do_and_writes_its_own_reports() {
    let folder = Folder::with(&[("pod.yaml", POD), ("was.json", "{}")]);
    let benchmark = ["pod.yaml", "--compliance", "pod-security-baseline"];
    for option in [
        &["--fix"][..],
        &["--since", "HEAD"],
        &["--baseline", "was.json"],
        &["--fail-on", "low"],
        &["--owner", "x"],
        &["--profile", "strict"],
        &["--publish"],
    ] {
        let (status, _, problem) = folder.scan(&[&benchmark[..], option].concat());
        assert_eq!(status, 2, "{option:?}");
        assert!(problem.contains("cannot be used with"), "{option:?}: {problem}");
    }
    let (status, _, problem) = folder.scan(&[&benchmark[..], &["--report", "sarif=a"]].concat());
    assert_eq!(status, 2);
    assert!(problem.contains("--compliance tells text, JSON or HTML"), "{problem}");
    let reports = ["--report", "json=told.json", "--report", "html=told.html"];
    let (status, _, problem) = folder.scan(&[&benchmark[..], &reports].concat());
    assert_eq!(status, 1, "{problem}");
    let told: Value = serde_json::from_str(&folder.read("told.json")).expect("JSON");
    assert!(told.get("controls").is_some(), "{told}");
    assert!(folder.read("told.html").contains("<html"));
}

#[test]
fn settings_with_which_no_platform_could_start_are_told_with_them() {
    let cluster = "[[audit-ingest.clusters]]\nname = \"production\"\nnodes = [\"10.0.0.0/99\"]\n";
    let folder = Folder::with(&[
        ("good.toml", "[audit-ingest]\nmax_body = \"1MiB\"\n"),
        ("bad.toml", cluster),
        ("worse.toml", "[webhook]\nclient_ca = \"none.pem\"\n"),
    ]);
    let (status, told, problem) = folder.run(&["config", "--config", "good.toml"]);
    assert!(status == 0 && told.contains("max_body = \"1MiB\""), "{told}{problem}");
    for (file, problem) in [
        ("bad.toml", "`audit-ingest.clusters` production: `nodes`: `10.0.0.0/99`"),
        ("worse.toml", "none.pem"),
    ] {
        let (status, told, said) = folder.run(&["config", "--config", file]);
        assert_eq!(status, 2, "{file}: {said}");
        assert!(said.contains("no node could start with these settings"), "{file}: {said}");
        assert!(said.contains(problem), "{file}: {said}");
        assert!(told.contains("[audit-ingest]"), "{file}: they are printed: {told}");
    }
}

#[test]
fn an_option_without_an_effect_is_told() {
    let folder = Folder::with(&[("pod.yaml", POD), ("values.yaml", "a: b"), ("key.pem", KEY)]);
    for (option, told) in [
        (["-f", "values.yaml"], "--values: no chart was rendered"),
        (["--sign-key", "key.pem"], "--sign-key: nothing here takes boarding passes"),
        (["--owner", "team-shp"], "anybody called `team-shp`; did you mean team-shop?"),
    ] {
        let (_, _, remark) = folder.scan(&[&["pod.yaml"][..], &option].concat());
        assert!(remark.contains(told), "{option:?}: {remark}");
    }
    let of_json = ["pod.yaml", "--sign-key", "key.pem", "-o", "json", "--owner", "@Team-Shop"];
    let (_, _, remark) = folder.scan(&of_json);
    assert!(!remark.contains("--sign-key") && !remark.contains("--owner"), "{remark}");
}

#[test]
fn a_report_that_cannot_be_read_does_not_stop_the_scan() {
    let folder = Folder::with(&[("pod.yaml", POD), ("report.json", "{}")]);
    let (status, text, problem) =
        folder.scan(&["pod.yaml", "--vulnerabilities", "report.json", "--report", "markdown=a.md"]);
    assert_eq!(status, 2, "{text}{problem}");
    assert!(text.contains("(host-pid)"), "{text}");
    assert!(problem.contains("`report.json` cannot be read"), "{problem}");
    assert!(folder.read("a.md").contains("`report.json` cannot be read"));
}

#[test]
fn what_could_not_be_read_is_no_success_in_any_form() {
    let folder = Folder::with(&[("latin.yaml", "a: [")]);
    for path in ["latin.yaml", "nowhere.yaml"] {
        let (status, text, _) = folder.scan(&[path, "--output", "markdown"]);
        assert_eq!(status, 2);
        assert!(text.starts_with("## ⚠️ Airside scan"), "{text}");
        let (_, text, _) = folder.scan(&[path, "--output", "sarif"]);
        assert!(text.contains("\"executionSuccessful\": false"), "{text}");
        let (_, text, _) = folder.scan(&[path, "--output", "junit"]);
        assert!(text.contains("errors=\"1\""), "{text}");
    }
}

#[test]
fn charts_that_are_not_rendered_are_told_with_what_to_do() {
    let library = "apiVersion: v2\nname: common\nversion: 0.1.0\ntype: library\n";
    let folder = Folder::with(&[
        ("a/common/Chart.yaml", library),
        ("a/pod.yaml", POD),
        ("b/Chart.yaml", "apiVersion: v2\nname: b\nversion: 0.1.0\n"),
        ("c.tgz", "packed"),
    ]);
    folder.program("helm", "echo 'b: broken' >&2; exit 1");
    let (status, text, remark) = folder.scan(&["a", "--min-severity", "critical"]);
    assert_eq!(status, 1, "{text}{remark}");
    assert!(remark.contains("not rendered: `a/common`, a library chart"), "{remark}");
    let (status, _, problem) = folder.scan(&["b"]);
    assert_eq!(status, 2);
    assert!(problem.contains("helm: b: broken") && !problem.contains("where helm is"), "{problem}");
    let (status, _, problem) = folder.scan(&["c.tgz"]);
    assert_eq!(status, 2);
    assert!(problem.contains("a packed chart: unpack it (`tar -xzf c.tgz`)"), "{problem}");
}

#[test]
fn an_exception_in_a_template_that_is_not_rendered_is_not_called_idle() {
    let template = "apiVersion: v1\nkind: Pod\nmetadata: {name: {{ .Release.Name }}}\nspec:\n  \
                    hostIPC: true # airside:ignore host-ipc: the driver needs it\n";
    let folder = Folder::with(&[("pod.yaml", template), ("other.yaml", POD)]);
    let (_, text, _) = folder.scan(&["."]);
    assert!(!text.contains("remove it") && text.contains("template"), "{text}");
}

#[test]
fn a_test_of_a_chart_is_told_to_be_one() {
    let test = POD.replace("{owner: team-shop}", "{helm.sh/hook: test}");
    let folder = Folder::with(&[("test.yaml", &test)]);
    let (status, text, _) = folder.scan(&["test.yaml"]);
    assert_eq!(status, 0, "{text}");
    assert!(text.contains("left out, as only `helm test` runs them: test.yaml"), "{text}");
    assert!(!text.contains("not all Kubernetes objects"), "{text}");
}

#[test]
fn code_hosts_are_told_files_of_the_repository() {
    let folder = Folder::with(&[
        ("deploy/over/kustomization.yaml", "resources: [pod.yaml]\n"),
        ("deploy/over/pod.yaml", POD),
    ]);
    folder.git(&["init", "-q"]);
    folder.program("kustomize", "cat \"$2/pod.yaml\"");
    let (_, text, problem) = folder.scan(&["deploy/over", "--output", "sarif"]);
    let told: Value = serde_json::from_str(&text).unwrap_or_else(|_| panic!("{text}{problem}"));
    let run = told.pointer("/runs/0").expect("a run");
    let root = run.pointer("/originalUriBaseIds/%SRCROOT%/uri").and_then(Value::as_str);
    assert!(root.is_some_and(|root| root.starts_with("file:///") && root.ends_with('/')), "{run}");
    let file = run.pointer("/results/0/locations/0/physicalLocation").expect("a location");
    let expected = serde_json::json!({
        "artifactLocation": { "uri": "deploy/over/kustomization.yaml", "uriBaseId": "%SRCROOT%" },
        "region": { "startLine": 1 },
    });
    assert_eq!(*file, expected);
}
